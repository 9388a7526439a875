import pytest

from cli.reasons import sentence
from features.recommendation import Reason

HOUR_MS = 3_600_000


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        (Reason(code="looks_like", item_id="i9", similarity=0.913), "looks like i9 (0.91)"),
        (Reason(code="looks_like", similarity=0.5), "looks like the picture (0.50)"),
        (Reason(code="looks_like", similarity=0.5, by={"words": 0.5}), "fits the words (0.50)"),
        (Reason(code="chosen_after", item_id="i9", strength=0.4), "chosen together with i9 (0.40)"),
        (Reason(code="chosen_by_similar", item_id="i9", strength=0.4), "chosen by others who came by i9 (0.40)"),
        (Reason(code="same_category", category="shoes", strength=0.25), "more of shoes (0.25)"),
        (Reason(code="same_attribute", attribute="brand", value="Acme", strength=0.5), "more with brand Acme (0.50)"),
        (Reason(code="same_tag", tag="shirt", strength=0.5), "more with a picture of: shirt (0.50)"),
        (
            Reason(code="within_budget", price=49.9, currency="EUR", strength=0.9),
            "within your budget of about 49.9 EUR (0.90)",
        ),
        (Reason(code="within_budget", price=50.0, strength=0.9), "within your budget of about 50 (0.90)"),
        (Reason(code="trending", strength=1.0), "trending now (1.00)"),
        (Reason(code="popular"), "popular"),
        (Reason(code="new"), "new"),
        (Reason(code="new", age_ms=HOUR_MS - 1), "new (less than an hour old)"),
        (Reason(code="new", age_ms=5 * HOUR_MS), "new (5 h old)"),
        (Reason(code="new", age_ms=72 * HOUR_MS), "new (3 days old)"),
        (Reason(code="you_asked", category="shoes", strength=0.5), "you asked for more of shoes (0.50)"),
        (Reason(code="you_asked", item_id="i9", strength=1.0), "you asked for this one (1.00)"),
        (Reason(code="you_asked", strength=1.0), "you asked for more of its owner (1.00)"),
        (Reason(code="promoted", rule="summer"), "promoted by the shop: summer"),
        (Reason(code="promoted", rule="summer", strength=0.5), "promoted by the shop: summer (0.50)"),
    ],
)
def test_a_reason_is_spelled_for_people(reason: Reason, words: str) -> None:
    assert sentence(reason) == words


def test_an_answer_by_several_says_by_what_it_is_alike_the_most_first() -> None:
    reason = Reason(code="looks_like", similarity=0.62, by={"look": 0.5, "colour": 0.98})
    assert sentence(reason) == "looks like the picture (0.62): colour 0.98, look 0.50"
