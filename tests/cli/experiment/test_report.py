"""The comparison of arms as people read it."""

from collections import Counter

import numpy as np
import pytest
from typer.testing import CliRunner

from cli.experiment.report import _FIGURES, _grouping, _print
from cli.main import app
from inference.experiment import Arm, Experiment
from streams.experiments.comparison import FIGURES, compare
from streams.experiments.log import Found
from streams.experiments.outcomes import Totals

SPLIT = Experiment("looks-1", (Arm("control", 0.5), Arm("popular", 0.5, "popular")))
SHARES = {"control": 0.5, "popular": 0.5}
NOTHING = Found({}, 0, Counter())


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "160")


def users(count: int, clicks: int, **more: float) -> list[Totals]:
    """Users who saw ten slots each; every second one clicked."""
    return [Totals(lists=1, shown=10, clicked=clicks * (number % 2), **more) for number in range(count)]


def test_every_figure_is_printed() -> None:
    assert _FIGURES.keys() == FIGURES.keys()


def test_each_arm_has_its_sums_figures_and_what_it_has_more(capsys: pytest.CaptureFixture[str]) -> None:
    totals = {"control": np.array(users(100, 1)), "popular": np.array(users(110, 4, looks=1, dwell_s=2.5))}
    _print(SPLIT, compare(totals, SHARES), Found(totals, 3, Counter()), None)
    lines = capsys.readouterr().out.splitlines()

    def row(start: str) -> list[str]:
        cells = next(line for line in lines if start in line).replace("┃", "│").split("│")
        return [cell.strip() for cell in cells[2:-1]]

    assert row("users  ") == ["100", "110"]
    assert row("slots shown") == ["1,000", "1,100"]
    assert row("clicks per 100") == ["5 [4.02, 5.98]", "20 [16.2, 23.8]"]
    assert row("  difference") == ["", "+15 [11.1, 18.9] *"]
    assert row("dwell of a look") == ["", "2.5"]
    assert row("diversity of") == ["", ""]
    assert "users are split by the shares (chi-squared 0.48, p 0.49)" in lines
    assert not any("sold" in line or "purchases" in line for line in lines)
    assert "3 lists since then name another arm or experiment, or none" in lines


def test_arms_are_compared_by_what_was_paid_in_one_currency(capsys: pytest.CaptureFixture[str]) -> None:
    control, popular = users(100, 1, sold=1, paid=3), users(110, 1, sold=2, paid=3)
    totals = {"control": np.array(control), "popular": np.array(popular)}
    for arm, user in (("control", 0), ("popular", 1)):
        totals[arm][user, -4:-2] += 10
    found = Found(totals, 0, Counter({"EUR": 200, "USD": 3}))
    _print(SPLIT, compare(totals, SHARES), found, "EUR")
    lines = capsys.readouterr().out.splitlines()

    def row(start: str) -> list[str]:
        cells = next(line for line in lines if start in line).replace("┃", "│").split("│")
        return [cell.strip() for cell in cells[2:-1]]

    assert row("sold by lists, EUR") == ["110.00", "230.00"]
    assert row("paid in all, EUR") == ["310.00", "340.00"]
    assert [cell.partition(" ")[0] for cell in row("sold by lists per 100 shown, EUR")] == ["11", "20.9"]
    assert [cell.partition(" ")[0] for cell in row("paid per user, EUR")] == ["3.1", "3.09"]
    assert "purchases whose amounts are not compared here: 3 in USD (--currency)" in lines


@pytest.mark.parametrize("currency", ["EURO", "€", "", "E1R", "EUR\n"])
def test_what_is_no_currency_is_refused_before_anything_is_read(currency: str) -> None:
    refused = CliRunner().invoke(app, ["experiment", "report", "--currency", currency])
    assert (refused.exit_code, "ISO 4217" in refused.output) == (2, True)


@pytest.mark.parametrize(("unseen", "says"), [(1, True), (0, False)])
def test_clicks_without_impressions_are_said(capsys: pytest.CaptureFixture[str], unseen: int, *, says: bool) -> None:
    totals = {"control": np.array(users(100, 1, unseen=unseen)), "popular": np.array(users(110, 1))}
    _print(SPLIT, compare(totals, SHARES), NOTHING, None)
    found = "100 of 105 clicks are of slots without an impression" in capsys.readouterr().out
    assert found == says


def test_a_mismatch_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    _print(
        SPLIT, compare({"control": np.array(users(100, 1)), "popular": np.array(users(300, 1))}, SHARES), NOTHING, None
    )

    assert "the users are not split by the shares" in capsys.readouterr().err


def test_halves_are_of_the_users_of_the_first_arm() -> None:
    group_of = _grouping(SPLIT, SPLIT.halves())
    found = {(SPLIT.arm_of(user).name, group_of(user)) for user in map(str, range(100))}

    assert found == {("control", "control/1"), ("control", "control/2"), ("popular", None)}
