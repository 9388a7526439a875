import pytest

from benchmarks.evaluation.taste.shopper import AFTER, BEFORE, Visit, clicks_to_forget, precision

CLASSES = {**{f"h{number}": "hat" for number in range(10)}, **{f"s{number}": "shoe" for number in range(10)}}
SHOES = [f"s{number}" for number in range(10)]


def hats_in_lists(hats: list[int], without: list[int]) -> Visit:
    """A visit of a shopper who no longer wants hats; so many are in the lists after the change, and without hats."""

    def lists(counts: list[int]) -> list[list[str]]:
        padded = [*counts, *[counts[-1]] * (AFTER - len(counts))]
        return [[f"h{number}" for number in range(count)] + SHOES[count:] for count in padded]

    return Visit("shoe", "hat", "dress", [], [SHOES] * BEFORE + lists(hats), lists(without))


def test_precision_counts_empty_slots_as_wrong() -> None:
    assert precision(["h1", "s1", "h2"], CLASSES, {"hat"}) == 0.2


@pytest.mark.parametrize(
    ("hats", "without", "clicks"),
    [
        ([0], [0], 1),
        ([5, 3, 1], [0], 3),
        ([5, 1, 4, 0], [0], 4),
        ([5, 3, 3], [2], 2),
        ([6], [0], AFTER + 1),
    ],
    ids=["never there", "gone at the third", "comes back once", "as often as without the interest", "never gone"],
)
def test_an_interest_is_gone_when_it_stays_away(hats: list[int], without: list[int], clicks: int) -> None:
    assert clicks_to_forget(hats_in_lists(hats, without), CLASSES) == clicks


def test_a_replaced_taste_counts_from_the_click_after_it() -> None:
    visit = hats_in_lists([0], [0])
    assert visit.tastes(BEFORE) == {"shoe", "hat"}
    assert visit.tastes(BEFORE + 1) == {"shoe", "dress"}
