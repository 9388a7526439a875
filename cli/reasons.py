"""The reasons of a recommendation as words."""

from features.recommendation import Reason

HOUR_MS = 3_600_000


def sentence(reason: Reason) -> str:
    """One reason as words, with its evidence.

    >>> sentence(Reason(code="looks_like", item_id="i9", similarity=0.913))
    'looks like i9 (0.91)'
    """
    match reason.code:
        case "looks_like" if reason.item_id is None and list(reason.by or ()) == ["words"]:
            return f"fits the words{_amount(reason.similarity)}"
        case "looks_like":
            return f"looks like {reason.item_id or 'the picture'}{_amount(reason.similarity)}{_by(reason.by)}"
        case "chosen_after":
            return f"chosen together with {reason.item_id}{_amount(reason.strength)}"
        case "chosen_by_similar":
            return f"chosen by others who came by {reason.item_id}{_amount(reason.strength)}"
        case "suits_taste":
            return f"suits the taste that {reason.item_id} shows{_amount(reason.strength)}"
        case "likely_next":
            return f"likely next after {reason.item_id}{_amount(reason.strength)}"
        case "goes_with":
            return f"goes with {reason.item_id}{_amount(reason.strength)}"
        case "same_category":
            return f"more of {reason.category}{_amount(reason.strength)}"
        case "same_colour":
            return f"more in {reason.colour}{_amount(reason.strength)}"
        case "same_attribute":
            return f"more with {reason.attribute} {reason.value}{_amount(reason.strength)}"
        case "same_tag":
            return f"more with a picture of: {reason.tag}{_amount(reason.strength)}"
        case "within_budget":
            price = f" of about {reason.price:g} {reason.currency or ''}".rstrip() if reason.price is not None else ""
            return f"within your budget{price}{_amount(reason.strength)}"
        case "trending":
            return f"trending now{_amount(reason.strength)}"
        case "popular":
            return f"popular{_amount(reason.strength)}"
        case "new":
            return f"new{_age(reason.age_ms)}"
        case "you_asked":
            asked = "this one" if reason.item_id else f"more of {reason.category or 'its owner'}"
            return f"you asked for {asked}{_amount(reason.strength)}"
        case "promoted":
            return f"promoted by the shop: {reason.rule}{_amount(reason.strength)}"


def _amount(value: float | None) -> str:
    return "" if value is None else f" ({value:.2f})"


def _by(similarities: dict[str, float] | None) -> str:
    """By what, from the most to the least similar."""
    ordered = sorted((similarities or {}).items(), key=lambda each: -each[1])
    return f": {', '.join(f'{name} {value:.2f}' for name, value in ordered)}" if ordered else ""


def _age(age_ms: int | None) -> str:
    if age_ms is None:
        return ""
    hours = age_ms / HOUR_MS
    if hours < 1:
        return " (less than an hour old)"
    return f" ({hours:.0f} h old)" if hours < 48 else f" ({hours / 24:.0f} days old)"
