import msgspec
import pytest

from cli.items.trends import UnreadableTrends, _cells, _print, latest_trends
from cli.sheets.contact_sheet import Cell
from sightline_client.trends import Rising, Trends
from tests.harness.fakes import NOON, MemoryLog

RISING = Rising(name="shirts", lift=3.42, share=0.41, items=["i7", "i12", "i3", "i4"])


def log_of(*trends: Trends) -> MemoryLog:
    log = MemoryLog()
    for each in trends:
        log.append("trends", 0, each.kind.encode(), msgspec.json.encode(each))
    return log


def test_the_latest_record_of_a_kind_counts() -> None:
    old, new = (Trends(kind="looks", at_ms=NOON + n, rising=[]) for n in range(2))
    other = Trends(kind="colours", at_ms=NOON, rising=[RISING])
    assert latest_trends(log_of(old, other, new), "trends") == [other, new]


def test_of_a_long_topic_the_end_is_read() -> None:
    kinds = ("looks", "categories", "colours") * 100
    found = latest_trends(log_of(*(Trends(kind=kind, at_ms=n, rising=[]) for n, kind in enumerate(kinds))), "trends")  # type: ignore[arg-type]
    assert [each.at_ms for each in found] == [298, 299, 297]


def test_a_record_of_another_release_is_named() -> None:
    log = log_of()
    log.append("trends", 0, b"looks", b'{"kind":"smells"}')
    with pytest.raises(UnreadableTrends, match="record 0 of trends cannot be read"):
        latest_trends(log, "trends")


def test_an_empty_topic_has_nothing() -> None:
    assert latest_trends(log_of(), "trends") == []


def test_what_rises_is_printed_with_its_items(capsys: pytest.CaptureFixture[str]) -> None:
    _print([Trends(kind="categories", at_ms=NOON, rising=[RISING])])
    printed = capsys.readouterr().out
    assert all(each in printed for each in ("shirts", "3.4", "41.0%", "i7, i12, i3"))


def test_that_nothing_rises_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    _print([Trends(kind="looks", at_ms=NOON, rising=[])])
    assert "nothing rose" in capsys.readouterr().err


def test_a_sheet_has_the_strongest_item_of_each() -> None:
    cells = _cells([Trends(kind="categories", at_ms=NOON, rising=[RISING])])
    assert cells == [Cell("i7", "shirts", "categories, 3.4 times its share before")]
