"""An experiment on a log in memory, from events and lists to the comparison of its arms."""

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from inference.catalog.catalog import Catalog
from inference.experiment import Arm, Experiment
from sightline_client.routing import partition_of
from streams.experiments.comparison import Comparison, compare
from streams.experiments.log import ExperimentLog, Found
from streams.experiments.published import list_diversity
from streams.privacy.control_records import UNSIGNED
from streams.wire.events import PrivacyRequest
from streams.wire.namespace import Namespace
from streams.wire.records import Record
from tests.harness.catalog import reds_and_blues
from tests.harness.fakes import NOON, MemoryLog, wire
from tests.harness.lists import catalog_of

PARTITIONS = 2
SPLIT = Experiment("looks-1", (Arm("control", 0.5), Arm("popular", 0.5, "popular")))
SHARES = {"control": 0.5, "popular": 0.5}
USERS = [f"user-{number}" for number in range(400)]


class Site:
    """Users of an app, whose events and lists are in a log."""

    def __init__(self) -> None:
        self.log = MemoryLog()
        self.made = 0

    def act(self, user: str, kind: str, item: str, rec_id: str | None = None, **more: object) -> str:
        """An event, and the rec_id of the list that it leads to."""
        self.made += 1
        fields = {"event_id": f"e{self.made}", "type": kind, "user_id": user, "item_id": item, "rec_id": rec_id}
        value = wire(fields | {"occurred_at_ms": NOON} | more)
        home, at_ms = partition_of(user.encode(), PARTITIONS), NOON + 1000 * self.made
        record = self.log.append("events.interactions", home, user.encode(), value, at_ms=at_ms)
        return f"{home}-{record.offset}"

    def answer(self, user: str, rec_id: str, items: Sequence[str], experiment: object = None, **more: object) -> None:
        """The list of an event."""
        home, seq = map(int, rec_id.split("-"))
        fields: dict[str, Any] = {"rec_id": rec_id, "user_id": user, "seq": seq, "kind": "feed"}
        fields |= {"items": [{"item_id": item} for item in items]}
        fields |= {} if experiment is None else {"experiment": experiment}
        at_ms = NOON + 1000 * self.made
        self.log.append("recommendations", home, user.encode(), wire(fields | more), at_ms=at_ms)

    def visit(self, user: str, *, clicks: int = 0, shown: int = 5, items: Sequence[str] = ("red-0", "red-1")) -> str:
        """A user comes, sees some slots of the list and clicks on some."""
        rec_id = self.act(user, "click", "start")
        self.answer(user, rec_id, items, {"name": "looks-1", "arm": SPLIT.arm_of(user).name})
        for slot in range(shown):
            self.act(user, "view", f"slot-{slot}", rec_id)
        for slot in range(clicks):
            self.act(user, "click", f"slot-{slot}", rec_id)
        return rec_id

    def read(self, since_ms: int = 0, split: Experiment = SPLIT, currency: str | None = None) -> Found:
        log = ExperimentLog(self.log, UNSIGNED, shop(), namespace=Namespace(), partitions=PARTITIONS)
        groups = [arm.name for arm in split.arms]
        return log.read(SPLIT, groups, lambda user: split.arm_of(user).name, since_ms, currency)

    def compared(self) -> Comparison:
        return compare(self.read().totals, SHARES)


def shop() -> Catalog:
    return catalog_of(*reds_and_blues(4))


@pytest.fixture
def site() -> Site:
    return Site()


def test_the_arm_with_more_clicks_is_found(site: Site) -> None:
    for number, user in enumerate(USERS):
        is_popular = SPLIT.arm_of(user).name == "popular"
        site.visit(user, clicks=2 if is_popular and number % 2 else number % 3 == 0)
    found = site.compared()
    control, popular = found.arms

    assert (control.arm, control.users + popular.users) == ("control", 400)
    assert control.sums["shown"] == 5 * control.users
    assert control.figures["ctr"].more is None
    assert control.figures["ctr"].figure.value == control.sums["clicked"] / control.sums["shown"]
    more = popular.figures["ctr"].more
    assert more is not None
    assert more.interval is not None
    assert more.interval.excludes_zero
    assert more.value == popular.figures["ctr"].figure.value - control.figures["ctr"].figure.value
    assert not found.split.is_mismatch
    assert "dwell_s" not in control.figures


def test_the_arm_that_sells_more_is_found(site: Site) -> None:
    for number, user in enumerate(USERS):
        rec_id = site.visit(user)
        amount = 10 + number % 7 + 20 * (SPLIT.arm_of(user).name == "popular")
        site.act(user, "purchase", "slot-1", rec_id if number % 2 else None, amount=amount, currency="EUR")
    found = site.read(currency="EUR")
    control, popular = compare(found.totals, SHARES).arms

    assert found.currencies == {"EUR": 400}
    assert control.sums["sold"] < control.sums["paid"] < popular.sums["paid"]
    assert control.figures["paid"].figure.value == control.sums["paid"] / control.users
    more = popular.figures["paid"].more
    assert more is not None
    assert more.interval is not None
    assert more.interval.low < 20 < more.interval.high
    assert all(arm.sums["paid"] == 0 for arm in site.compared().arms)


def test_halves_of_one_arm_do_not_differ(site: Site) -> None:
    for number, user in enumerate(USERS):
        site.visit(user, clicks=number % 3)
    halves = SPLIT.halves()
    found = compare(site.read(split=halves).totals, {arm.name: arm.share for arm in halves.arms})
    more = found.arms[1].figures["ctr"].more

    assert [arm.arm for arm in found.arms] == ["control/1", "control/2"]
    assert more is not None
    assert more.interval is not None
    assert not more.interval.excludes_zero
    assert not found.split.is_mismatch


def test_users_whom_one_arm_loses_are_a_mismatch(site: Site) -> None:
    for number, user in enumerate(USERS):
        if SPLIT.arm_of(user).name == "control" or number % 2:
            site.visit(user)

    assert site.compared().split.is_mismatch


def test_the_diversity_of_lists_is_compared_and_a_list_that_comes_twice_counts_once(site: Site) -> None:
    for user in USERS[:100]:
        is_popular = SPLIT.arm_of(user).name == "popular"
        rec_id = site.visit(user, items=("red-0", "blue-0") if is_popular else ("red-0", "red-1", "gone", "red-2"))
        site.answer(user, rec_id, ("red-0", "blue-0"), {"name": "looks-1", "arm": SPLIT.arm_of(user).name})
    control, popular = site.compared().arms

    assert control.sums["measured"] + popular.sums["measured"] == 100
    assert popular.figures["diversity"].figure.value == pytest.approx(1.0, abs=1e-3)


def test_lists_of_another_arm_or_experiment_are_counted_apart(site: Site) -> None:
    rec_id = site.visit("user-1")
    other = {"control": "popular", "popular": "control"}[SPLIT.arm_of("user-1").name]
    for number, experiment in enumerate(
        (None, {"name": "looks-1", "arm": other}, {"name": "looks-0", "arm": "control"})
    ):
        site.answer("user-1", rec_id, ("red-0", "red-1"), experiment, seq=100 + number)
    site.answer("user-1", rec_id, ("red-0", "red-1"), None, kind="similar")
    found = site.read()

    assert found.misplaced == 3
    assert sum(totals[:, -2].sum() for totals in found.totals.values()) == 1


def test_what_was_before_the_time_asked_for_does_not_count(site: Site) -> None:
    before = site.visit("user-1", clicks=3)
    since_ms = NOON + 1000 * site.made + 1
    site.act("user-1", "click", "late", before)
    site.visit("user-2", clicks=1)
    found = compare(site.read(since_ms).totals, SHARES)

    assert sum(arm.sums["clicked"] for arm in found.arms) == 1
    assert sum(arm.users for arm in found.arms) == 2


def test_who_was_forgotten_counts_no_more_and_neither_does_the_withdrawn_list(site: Site) -> None:
    site.visit("user-1", clicks=3)
    home = partition_of(b"user-1", PARTITIONS)
    request = msgspec.convert(
        {"event_id": "p", "type": "forget", "user_id": "user-1", "occurred_at_ms": NOON}, PrivacyRequest
    )
    asked = Record("events.privacy", home, 1, NOON, b"user-1", b"")
    site.log.publish([UNSIGNED.message(request, asked, namespace=Namespace())], PARTITIONS)
    site.log.append("recommendations", home, b"user-1", None, at_ms=NOON + 10**6)

    assert [len(totals) for totals in site.read().totals.values()] == [0, 0]


def test_what_is_no_event_and_no_list_says_nothing(site: Site) -> None:
    for topic in ("events.interactions", "recommendations"):
        site.log.append(topic, 0, b"user-1", b"\xff{")
    site.visit("user-1")

    assert sum(len(totals) for totals in site.read().totals.values()) == 1


def test_an_empty_log_is_compared_without_figures(site: Site) -> None:
    found = site.compared()

    assert [(arm.users, dict(arm.figures)) for arm in found.arms] == [(0, {}), (0, {})]


def test_a_list_of_under_two_known_items_has_no_diversity() -> None:
    assert list_diversity(shop(), ["red-0", "gone"]) is None
    assert list_diversity(shop(), ["red-0", "red-1"]) == pytest.approx(0.3, abs=1e-2)
