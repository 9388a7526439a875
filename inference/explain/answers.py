"""What each source of candidates says of one item."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from features.item import Item
from features.jit import dot
from features.recommendation import Source
from inference.catalog.copies import SAME_PICTURE
from inference.explain.explanation import Answer, AnswerCode
from inference.ranking.reasons import rounded
from inference.retrieval.merge import Proposals
from inference.retrieval.query import Query
from inference.retrieval.sources import sessions
from inference.retrieval.sources.co_engaged import recent_items
from inference.shop_rules.capping import seen_today

#: By source what is said without a trained model, and of an item that the model does not know.
_WITHOUT_TRAINING: Mapping[Source, tuple[AnswerCode, AnswerCode]] = {
    "factors": ("no_factors", "no_factor"),
    "sequence": ("no_model", "unknown_to_model"),
}


def rows_by_source(proposed: Mapping[Source, Proposals]) -> dict[Source, NDArray[np.int64]]:
    """The rows that each source proposes to the one user of a query, each once."""
    found = {source: np.unique(each.rows[0]) for source, each in proposed.items()}
    return {source: rows[rows >= 0] for source, rows in found.items()}


def answers(query: Query, row: int, proposed: Mapping[Source, NDArray[np.int64]], stored: Item | None) -> list[Answer]:
    """The answer of each source, to the one user of a query, about a row of the catalogue, of which this is stored.

    Without rules of the shop the source `promoted` has nothing to say.
    """
    asked = {source: rows for source, rows in proposed.items() if source != "promoted" or query.shop is not None}
    found = [_answer(query, row, source, rows, stored) for source, rows in asked.items()]
    return found if query.catalog.shown[row] else [_without_comparison(each) for each in found]


def _without_comparison(answer: Answer) -> Answer:
    """Of a row that cannot be shown: no source compared it with others, so none passed it over for them."""
    if answer.code in ("less_similar", "lower_rank", "weaker"):
        return Answer(answer.source, "not_proposed", answer.proposals)
    return answer


def _answer(query: Query, row: int, source: Source, rows: NDArray[np.int64], stored: Item | None) -> Answer:
    if source == "promoted" and (enough := _seen_enough(query, row, len(rows))) is not None:
        return enough
    if row in rows:
        return Answer(source, "proposed", len(rows))
    if source in query.without:
        return Answer(source, "left_out", len(rows))
    twin = _twin(query, row, rows)
    if twin is not None:
        return Answer(source, "same_picture", len(rows), item_id=twin)
    match source:
        case "visual":
            return _visual(query, row, rows, stored)
        case "neighbours":
            return _neighbours(query, rows)
        case "sessions":
            return _sessions(query, row, rows)
        case _ if source in _WITHOUT_TRAINING:
            return _trained(query, row, source, rows)
        case "cross":
            return _cross(query, row, rows, stored)
        case "trending":
            return _ranked(query, row, source, rows, query.trends.trend)
        case "popular":
            return _ranked(query, row, source, rows, query.trends.popular)
        case "fresh":
            return _ranked(query, row, source, rows, query.catalog.uploaded_ms)
        case "promoted":
            return Answer(source, "no_promotion", len(rows))
        case _:
            return Answer(source, "not_proposed", len(rows))


def _seen_enough(query: Query, row: int, proposals: int) -> Answer | None:
    """What keeps the shop from promoting a row on this day, if all rules that name it have reached their caps."""
    shop = query.shop
    if shop is None or "promoted" in query.without:
        return None
    (promotions,) = shop.marks(np.array([row]), query.catalog).promotions.take([row]).tolist()
    naming = [place for place in range(len(shop.promotions.numbers)) if promotions >> place & 1]
    seen = seen_today(query.profiles[0], shop, query.catalog, query.now_ms)
    if not naming or (seen[naming] < shop.promotions.day_caps[naming]).any():
        return None
    rule = shop.file.rules[shop.promotions.numbers[naming[0]]].name
    return Answer("promoted", "seen_enough", proposals, rule=rule, seen=int(seen[naming[0]]))


def _twin(query: Query, row: int, rows: NDArray[np.int64]) -> str | None:
    """The item with the same picture among the proposed rows, if one is."""
    pictures = query.catalog.pictures
    vector = pictures.vectors(np.array([row]))[0]
    same = (each for each in rows.tolist() if dot(pictures.vectors(np.array([each]))[0], vector) >= SAME_PICTURE)
    found = next(same, None)
    return None if found is None else query.catalog.item_ids[found]


def _visual(query: Query, row: int, rows: NDArray[np.int64], stored: Item | None) -> Answer:
    """By the nearest interest: each proposes as many look-alikes, and those of another may be less similar to it."""
    pictures, (medoids,) = query.catalog.pictures, query.tastes.medoids()
    looks = _without_looks(query, row, stored)
    if looks is not None:
        return Answer("visual", looks, len(rows))
    wished = query.tastes.wished.get(0, rows[:0])
    # What was asked for by its id is proposed whatever it looks like.
    look_alikes = rows[~np.isin(rows, wished)]
    interests = pictures.vectors(medoids)
    nearest = interests[[(interests @ pictures.vectors(np.array([row]))[0]).argmax()]]
    *others, similarity = rounded(pictures.similarities(np.append(look_alikes, row), nearest))
    weakest = min(sorted(others, reverse=True)[: query.reach], default=None)
    return Answer("visual", "less_similar", len(rows), similarity=similarity, weakest=weakest)


def _without_looks(query: Query, row: int, stored: Item | None) -> AnswerCode | None:
    """Why no source can go by the looks of a row, if none can."""
    if not query.catalog.pictures.has(np.array([row]))[0]:
        return "other_encoder" if stored and stored.embeddings else "no_picture"
    return None if len(query.tastes.medoids()[0]) else "no_interests"


def _cross(query: Query, row: int, rows: NDArray[np.int64], stored: Item | None) -> Answer:
    looks, (medoids,), cross = _without_looks(query, row, stored), query.tastes.medoids(), query.cross
    if cross is None:
        return Answer("cross", "steps_unknown" if query.recent_steps is None else "turned_off", len(rows))
    if looks is not None:
        return Answer("cross", looks, len(rows))
    code = int(query.catalog.categories[row])
    near = [each for each in medoids.tolist() if code in cross.companions_of(each)]
    if not near:
        return Answer("cross", "no_companion", len(rows))
    strengths = [each for each in (cross.strength(medoid, row) for medoid in near) if each is not None]
    if not strengths:
        return Answer("cross", "not_compared", len(rows))
    weakest = min((each for medoid in near for each in rounded(cross.of(medoid).strengths)), default=None)
    return Answer("cross", "weaker", len(rows), strength=round(max(strengths), 4), weakest=weakest)


def _neighbours(query: Query, rows: NDArray[np.int64]) -> Answer:
    latest = recent_items(query.profiles[0])
    known = sum(key in query.behaviours and len(query.behaviours[key].neighbours) > 0 for key in latest)
    code: AnswerCode = "no_neighbour" if latest else "nothing_chosen"
    return Answer("neighbours", code, len(rows), latest=len(latest), known=known)


def _sessions(query: Query, row: int, rows: NDArray[np.int64]) -> Answer:
    every = sessions.propose(query, sessions.ALL)
    strengths = dict(zip(every.rows[0].tolist(), rounded(every.strengths), strict=True))
    if row in strengths:
        weakest = min(strengths[each] for each in rows.tolist())
        return Answer("sessions", "weaker", len(rows), strength=strengths[row], weakest=weakest)
    latest, known = sessions.visited_by_others(query)
    return Answer("sessions", _no_votes(query, latest, known), len(rows), latest=latest, known=known)


def _trained(query: Query, row: int, source: Source, rows: NDArray[np.int64]) -> Answer:
    judgement, (no_model, unknown) = query.trained.get(source), _WITHOUT_TRAINING[source]
    if judgement is None:
        return Answer(source, no_model, len(rows))
    if not judgement.vectors.has(np.array([row]))[0]:
        return Answer(source, unknown, len(rows))
    if not judgement.is_known[0]:
        return Answer(source, "no_choice_known", len(rows))
    strengths = rounded(judgement.strengths(np.append(rows, row), np.array([0, len(rows) + 1])))
    return Answer(source, "weaker", len(rows), strength=strengths[-1], weakest=min(strengths[:-1], default=None))


def _no_votes(query: Query, latest: int, known: int) -> AnswerCode:
    if query.recent_steps is None:
        return "steps_unknown"
    if not latest:
        return "nothing_chosen"
    return "not_around" if known else "no_visit"


def _ranked(
    query: Query, row: int, source: Source, rows: NDArray[np.int64], values: NDArray[np.float32] | NDArray[np.int64]
) -> Answer:
    """Of a source that proposes the rows of the greatest values; only those that can be shown have ranks."""
    if values[row] <= 0:
        return Answer(source, "no_engagement", len(rows))
    rank = 1 + np.count_nonzero(query.catalog.shown[: len(values)] & (values > values[row]))
    return Answer(source, "lower_rank", len(rows), rank=int(rank))
