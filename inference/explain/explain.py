"""Explains a list and one item of the catalogue: it looks at the steps that make lists, and ranks nothing itself."""

from inference.explain.answers import answers
from inference.explain.explanation import Explanation, ItemExplanation, Subject, Verdict
from inference.explain.made import Made, make
from inference.explain.obstacles import missing, obstacles
from inference.explain.standing import copied_slot, find_standing, is_capped, is_pushed_down, repeated_slot
from inference.ranking.ranker import label
from inference.ranking.ranking import RULES, Scorer
from inference.ranking.rules import ListRules
from inference.retrieval.query import Query


def explain(
    query: Query, ranker: Scorer, length: int, subject: Subject | None, rules: ListRules = RULES
) -> Explanation:
    """The list that the ranker makes for the one user of a query, and why the subject is in it or is not."""
    (profile,) = query.profiles
    made = make(query, ranker, length, rules)
    return Explanation(
        known=profile.is_known,
        opted_out=profile.privacy.opted_out,
        model={"encoder": query.catalog.pictures.encoder or "none", "ranker": label(ranker)},
        slots=[made.slot(number) for number in range(len(made.items))],
        candidates=len(made.candidates.rows),
        filtered=made.filtered,
        item=None if subject is None else _explain_item(made, subject),
    )


def _explain_item(made: Made, subject: Subject) -> ItemExplanation:
    query, item_id = made.query, subject.item_id
    row = query.catalog.row_of(item_id)
    if row is None:
        return ItemExplanation(item_id, "not_a_candidate", obstacles=[missing(subject.stored)])
    sources = answers(query, row, made.proposed, subject.stored)
    place = made.place_of(row)
    slot = made.slot_of(place)
    if slot is not None:
        return ItemExplanation(item_id, "in_list", slot=slot + 1, sources=sources)
    found = obstacles(query, row, subject.stored)
    copied = copied_slot(made, row)
    standing = None if place is None or not made.items else find_standing(made, place)
    verdict: Verdict
    if found:
        verdict = "not_a_candidate"
    elif copied is not None:
        verdict = "copy"
    elif place is not None and made.candidates.only_promoted[place]:
        verdict = "no_promotion_slot"
    elif place is None or standing is None:
        verdict = "not_proposed"
    elif is_capped(made, row, place, standing):
        verdict = "capped"
    else:
        verdict = "diversity" if is_pushed_down(made, place, standing) else "below_last_slot"
    return ItemExplanation(
        item_id,
        verdict,
        obstacles=found,
        sources=sources,
        repeats=copied or repeated_slot(made, row),
        standing=standing,
    )
