import pytest

from streams.learning.lesson_weights import lesson_weight
from streams.settings_checks import parse_lesson_weights


@pytest.mark.parametrize(
    ("kind", "fields", "weight"),
    [
        ("click", {}, 1.0),
        ("view", {}, 0.0),
        ("view", {"dwell_ms": 30_000}, 0.5),
        ("rate", {"rating": 5.0}, 2.0),
        ("rate", {"rating": 1.0}, -2.0),
        ("purchase", {}, 3.0),
        ("hide", {}, -3.0),
        ("upload", {}, 0.0),
    ],
)
def test_what_an_action_weighs(kind: str, fields: dict[str, float], weight: float) -> None:
    assert lesson_weight(parse_lesson_weights(""), kind, **fields) == weight  # type: ignore[arg-type]  # a test's fields


def test_no_weight_is_beyond_what_a_lesson_takes() -> None:
    assert lesson_weight(parse_lesson_weights("rate=8"), "rate", rating=5.0) == 8.0
