"""What the exclusions among a shop's rules leave out of searches."""

from features.search_filter import NOTHING_EXCLUDED, Excluded
from inference.shop_rules.rules import Exclusion, ShopRules


def excluded_by(shop: ShopRules | None, now_ms: int) -> Excluded:
    """What is left out now."""
    if shop is None:
        return NOTHING_EXCLUDED
    standing = [
        (rule, keys.tolist())
        for rule, keys in zip(shop.rules, shop.targets, strict=True)
        if isinstance(rule, Exclusion) and rule.window_ms[0] <= now_ms < rule.window_ms[1]
    ]
    return Excluded(
        frozenset(key for rule, keys in standing if rule.items is not None for key in keys),
        frozenset(key for rule, keys in standing if rule.owner is not None for key in keys),
        frozenset(rule.category for rule, _ in standing if rule.category is not None),
        frozenset(rule.pair for rule, _ in standing if rule.pair is not None),
    )
