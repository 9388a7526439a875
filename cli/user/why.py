"""The parts of an explanation as words."""

from typing import Literal

from cli.output import when
from inference.explain.explanation import Answer, ItemExplanation, Obstacle


def verdict_in_words(item: ItemExplanation) -> str:
    """What follows the name of an item.

    >>> verdict_in_words(ItemExplanation("i1", "in_list", slot=2))
    'is in slot 2'
    """
    match item.verdict:
        case "in_list":
            return f"is in slot {item.slot}"
        case "not_a_candidate":
            return f"is not a candidate because {'; '.join(map(obstacle_in_words, item.obstacles))}"
        case "not_proposed":
            return "is not a candidate because no source proposes it"
        case "copy":
            return f"is not in the list because {_copy(item)}"
        case "no_promotion_slot":
            return f"is not in the list because only the shop promotes it, and {_without_slot(item)}"
        case "capped":
            return "is not in the list because that has as many items of its category or owner as it may have"
        case "diversity":
            return f"is not in the list because it repeats{_repetition(item)}; its score would do for the last slot"
        case "below_last_slot":
            return f"is not in the list because others score higher: {_rank(item)}"


def obstacle_in_words(obstacle: Obstacle) -> str:  # one line for each
    """What keeps an item out, as words.

    >>> obstacle_in_words(Obstacle("never", named_by="category", name="hats"))
    'a dial of the user says never to its category, hats'
    """
    match obstacle.code:
        case "not_in_catalogue":
            return "it is not in the catalogue: nothing is stored of this id, so it was never uploaded or described"
        case "deleted":
            return "it was deleted"
        case "not_described":
            return "nothing describes it: no picture, and no title, category or price"
        case "not_read_yet":
            return (
                "it is stored, but not on state.catalog yet: ask again in a moment. An item without a picture that an "
                "earlier release stored comes with the next change of it"
            )
        case "hidden_item":
            return "it is hidden in the catalogue"
        case "held_item":
            return "the gate holds its picture: see `sightline items held`"
        case "out_of_stock":
            return "it is out of stock"
        case "unavailable":
            return "it is out of stock, held or hidden in the catalogue"
        case "expired":
            return f"it expired at {when(obstacle.at_ms or 0)}"
        case "excluded":
            return f"a rule of the shop excludes it: {obstacle.name}"
        case "own":
            return "it is the user's own"
        case "never":
            return f"a dial of the user says never to {_named(obstacle)}"
        case "refused":
            return f"the user refused it (hide, dislike or a low rating){_long_ago(obstacle)}"
        case "seen":
            return f"the user saw it before{_long_ago(obstacle)}"


def answer_in_words(answer: Answer) -> str:
    """What a source says of an item, as words.

    >>> answer_in_words(Answer("popular", "lower_rank", 32, rank=41))
    'rank 41, and it proposes 32'
    """
    match answer.code:
        case "proposed":
            return "proposes it"
        case "no_interests":
            return "the user has no interests: the catalogue has no picture that they engaged with"
        case "nothing_chosen":
            return "the user chose nothing yet"
        case "no_picture":
            return "it has no picture yet, so looks cannot speak for it"
        case "other_encoder":
            return "no vector of it is of the catalogue's encoder (docs/encoder.md): looks cannot speak for it"
        case "no_neighbour":
            return f"no neighbour of the user's last {answer.latest} items, of which {answer.known} have neighbours"
        case "turned_off" | "steps_unknown" | "left_out":
            return _left_out(answer.code)
        case "no_visit":
            return f"nobody else chose one of the user's last {answer.latest} items lately"
        case "not_around":
            found = f"others chose {answer.known} of the user's last {answer.latest} items lately"
            return f"{found}, and none of them chose it around that"
        case "weaker":
            return f"strength {answer.strength:.2f}; {_weakest(answer)}"
        case "no_factors" | "no_factor" | "no_choice_known" | "no_model" | "unknown_to_model":
            return _without_training(answer.code)
        case "no_companion":
            return "users choose its category together with no interest's, or that is not known yet"
        case "not_compared":
            return "its category has many items, and it is not among those that are compared"
        case "less_similar":
            return f"similarity {answer.similarity:.2f} to the nearest interest; {_weakest(answer)}"
        case "lower_rank":
            return f"rank {answer.rank}, and it proposes {answer.proposals}"
        case "no_engagement":
            return f"it has no rank: too few users engaged with it lately; {answer.proposals} others are proposed"
        case "same_picture":
            return f"proposes {answer.item_id!r} in its place, which has the same picture"
        case "no_promotion" | "seen_enough":
            return _without_promotion(answer)
        case "not_proposed":
            return f"does not propose it, but {answer.proposals} others"


def _left_out(code: Literal["turned_off", "steps_unknown", "left_out"]) -> str:
    """Why a source proposes nothing to anybody, or to an arm."""
    match code:
        case "turned_off":
            return "left out: SIGHTLINE_ACROSS_CATEGORIES is off"
        case "steps_unknown":
            return "left out: what users chose lately is turned off, or could not be read"
        case "left_out":
            return "proposes nothing to users of this arm"


def _without_training(
    code: Literal["no_factors", "no_factor", "no_choice_known", "no_model", "unknown_to_model"],
) -> str:
    """What is missing where a source follows what was trained on a log."""
    match code:
        case "no_factors":
            return "left out: no latent factors are set (SIGHTLINE_FACTORS), or they could not be read"
        case "no_factor":
            return (
                "the item has no latent factor: it is newer than the training, or too few users chose it before; and "
                "its look and words are not known, or say nothing of who chooses what"
            )
        case "no_choice_known":
            return "the user chose nothing that the training knew"
        case "no_model":
            return "left out: no sequence model is set (SIGHTLINE_SEQUENCE), or it could not be read"
        case "unknown_to_model":
            return "the model knows neither the item, nor its category or picture"


def _weakest(answer: Answer) -> str:
    if answer.weakest is None:
        return "it proposes none"
    if answer.code == "less_similar":
        return f"it proposes none below {answer.weakest:.2f}"
    return f"the weakest of the {answer.proposals} that it proposes has {answer.weakest:.2f}"


def _copy(item: ItemExplanation) -> str:
    slot = item.repeats
    return (
        "" if slot is None else f"slot {slot.slot} has its picture: {slot.item_id!r} (similarity {slot.similarity:.3f})"
    )


def _without_slot(item: ItemExplanation) -> str:
    enough = [_without_promotion(answer) for answer in item.sources if answer.code == "seen_enough"]
    return enough[0] if enough else "other items have the slots of that rule"


def _without_promotion(answer: Answer) -> str:
    if answer.code == "no_promotion":
        return f"no rule of the shop that holds now promotes it (SIGHTLINE_RULES); {answer.proposals} others are"
    return f"the user saw {answer.seen} items of the rule {answer.rule} today (UTC): its cap by user and day is reached"


def _repetition(item: ItemExplanation) -> str:
    slot = item.repeats
    if slot is None or slot.costs is None:
        return ""
    return f" slot {slot.slot}, {slot.item_id!r} (similarity {slot.similarity:.2f}), which costs {slot.costs:.2f}"


def _rank(item: ItemExplanation) -> str:
    if item.standing is None:
        return ""
    rank, last = item.standing.rank, item.standing.last
    found = f"rank {rank} of {item.standing.candidates}, score {item.standing.score.score:.4f}; "
    found += f"slot {last.slot}, the last by score, has {last.score.score:.4f}"
    return f"{found}; it also repeats{_repetition(item)}" if _repetition(item) else found


def _named(obstacle: Obstacle) -> str:
    match obstacle.named_by:
        case "category":
            return f"its category, {obstacle.name}"
        case "owner":
            return "its owner"
        case _:
            return "this item"


def _long_ago(obstacle: Obstacle) -> str:
    return " (long ago: a fingerprint says so, which rarely is another item's)" if obstacle.long_ago else ""
