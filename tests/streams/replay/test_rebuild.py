"""A state that was lost or spoiled is rebuilt from the log: verification finds no difference."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pytest

from features.behaviour import Engagement
from features.co_choices.choice import Linking
from features.item import Change, Item, key_of
from state.errors import StateUnavailable
from state.memory import MemoryPartitions
from state.partitions import START, Commit, Loaded, PartitionStore
from state.signals import Wanted, partition_of
from state.spaces import MemorySpaces
from streams.errors import CannotRebuild
from streams.kafka.continuity import TOPIC_ID, Log
from streams.replay.rebuild import Rebuild, Rebuilt, Source
from streams.wire.namespace import Namespace
from streams.wire.signals import Changed, Engaged, Uploaded, encode_signal
from tests.harness.fakes import NOON
from tests.harness.log import INTERACTIONS, ITEMS, LISTS, PARTITIONS, SIGNALS, World, world_at_work

END = 10**9


@dataclass(slots=True)
class Rebuilding:
    """A world whose state is made anew; `wrap` stands between a rebuild and the new spaces."""

    world: World
    spaces: list[MemorySpaces] = field(default_factory=list)
    told: list[tuple[str, int, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        values = (self.world.profile_values, self.world.signal_values)
        self.spaces = [MemorySpaces(each, PARTITIONS) for each in values]

    def source(self, topic: str, handled: int, topic_id: str = "topic-1") -> Source:
        extents = {partition: self.world.log.extent(topic, partition) for partition in range(PARTITIONS)}
        return Source(Log(topic, topic_id, extents), dict.fromkeys(extents, handled))

    async def run(
        self,
        *,
        handled: int = END,
        signals_handled: int = END,
        from_earliest: bool = False,
        topic_id: str = "topic-1",
        signals_id: str = "topic-1",
    ) -> Rebuilt:
        profiles, items = self.spaces
        return await Rebuild(
            self.world.log,
            self.source(SIGNALS, signals_handled, signals_id),
            self.source(INTERACTIONS, handled, topic_id),
            profiles=profiles,
            items=items,
            namespace=Namespace(),
            control_records=self.world.control_records,
            min_users=self.world.min_users,
            linking=self.world.linking,
            progress=lambda what, done, of: self.told.append((what, done, of)),
        ).run(from_earliest=from_earliest)

    def lose_everything(self) -> None:
        for values in (self.world.profile_values, self.world.signal_values):
            for partition in range(PARTITIONS):
                values.take_over(partition, MemoryPartitions())


@pytest.fixture
async def world() -> World:
    """Some items and events, all applied."""
    return await world_at_work()


@pytest.fixture
def rebuilding(world: World) -> Rebuilding:
    return Rebuilding(world)


async def test_an_emptied_state_is_made_right(world: World, rebuilding: Rebuilding) -> None:
    rebuilding.lose_everything()
    assert (await world.verify()).pending == 200
    rebuilt = await rebuilding.run()
    report = await world.verify()
    assert (report.ok, report.pending, report.pending_signals) == (True, 0, 0), report.differences
    assert (rebuilt.events, rebuilt.lost, report.events) == (200, {}, 200)


async def test_a_log_that_ends_with_the_markers_of_transactions_is_rebuilt_to_its_end(
    world: World, rebuilding: Rebuilding
) -> None:
    for partition in range(PARTITIONS):
        world.log.mark(INTERACTIONS, partition)
        world.log.mark(SIGNALS, partition)
    rebuilding.lose_everything()
    rebuilt = await rebuilding.run()
    report = await world.verify()
    assert (report.ok, rebuilt.events, report.pending, report.pending_signals) == (True, 200, 0, 0), report.differences
    ends = {p: world.log.extent(INTERACTIONS, p).end for p in range(PARTITIONS)}
    assert await world.profile_values.positions(range(PARTITIONS)) == {p: end - 1 for p, end in ends.items()}


async def test_a_spoiled_state_is_made_right(world: World, rebuilding: Rebuilding) -> None:
    for values in (world.profile_values, world.signal_values):
        for partition in range(PARTITIONS):
            other = MemoryPartitions()
            await other.commit([Commit(partition, START, 3, {"sources": b"\xff", "trends": b"x", "profile:u1": b""})])
            values.take_over(partition, other)
    await rebuilding.run()
    assert (await world.verify()).ok


async def test_what_users_asked_for_takes_effect_again(world: World, rebuilding: Rebuilding) -> None:
    world.ask("u1", "forget")
    world.ask("u2", "opt_out")
    world.ask("u3", "prefer", {"i1": 1.0, "i2": -1.0})
    world.stroll(40)
    await world.work()
    assert (await world.verify()).ok
    before = [await world.profile(user) for user in ("u1", "u2")]
    rebuilding.lose_everything()
    await rebuilding.run()
    report = await world.verify()
    assert report.ok, report.differences
    assert [each.count for each in before] == [(await world.profile(user)).count for user in ("u1", "u2")]
    assert (await world.profile("u2")).privacy.opted_out
    assert (await world.profile("u3")).dials["weight"].tolist() == [1.0, -1.0]


async def test_other_settings_link_everything_in_one_way(world: World, rebuilding: Rebuilding) -> None:
    world.linking = Linking(window=3, per_step=0.5, backwards=0.25)
    assert (await world.verify()).different_behaviours > 0
    rebuilding.lose_everything()
    await rebuilding.run()
    report = await world.verify()
    assert report.ok, report.differences


async def test_links_of_the_release_before_are_made_from_the_events(world: World, rebuilding: Rebuilding) -> None:
    earlier = encode_signal(Engaged((Engagement(key_of("i1"), 0, 1.0, ((key_of("i2"), 0.7),), 0, 0),)))
    world.log.append(SIGNALS, partition_of(key_of("i1"), PARTITIONS), None, earlier)
    await world.work_signals()
    assert (await world.verify()).ok
    rebuilding.lose_everything()
    await rebuilding.run()
    report = await world.verify()
    assert report.ok, report.differences


async def test_trends_keep_to_the_least_number_of_users() -> None:
    world = World(min_users=3)
    world.stroll(200)
    await world.work()
    rebuilding = Rebuilding(world)
    rebuilding.lose_everything()
    await rebuilding.run()
    report = await world.verify()
    assert report.ok, report.differences


async def test_the_topic_is_noted_in_every_partition(world: World, rebuilding: Rebuilding) -> None:
    await rebuilding.run()
    for values in (world.profile_values, world.signal_values):
        loaded = await values.load({partition: [TOPIC_ID] for partition in range(PARTITIONS)})
        assert [each.values for each in loaded.values()] == [[b"topic-1"]] * PARTITIONS


# How far


async def test_what_the_workers_had_not_handled_is_left_to_them(world: World, rebuilding: Rebuilding) -> None:
    rebuilding.lose_everything()
    rebuilt = await rebuilding.run(handled=19)
    assert rebuilt.events == 40
    assert await world.profile_values.positions([0, 1]) == {0: 19, 1: 19}
    await world.work()
    report = await world.verify()
    assert (report.ok, report.pending) == (True, 0), report.differences


async def test_where_the_workers_had_handled_nothing_nothing_is_applied(world: World, rebuilding: Rebuilding) -> None:
    rebuilt = await rebuilding.run(handled=START, signals_handled=START)
    assert (rebuilt.events, rebuilt.signals) == (0, 0)
    assert await world.profile_values.positions([0, 1]) == {0: START, 1: START}


async def test_engagements_that_were_never_told_follow_from_the_events(world: World, rebuilding: Rebuilding) -> None:
    world.stroll(50)
    rebuilding.lose_everything()
    await rebuilding.run()
    report = await world.verify()
    # Nobody made the last lists.
    assert (report.lost, report.lost_signals, report.different_behaviours, report.different_profiles) == (0, 0, 0, 0)
    assert report.events == 250


async def test_signals_that_are_told_again_afterwards_change_nothing(world: World, rebuilding: Rebuilding) -> None:
    rebuilding.lose_everything()
    await rebuilding.run(signals_handled=20)
    await world.work_signals()
    report = await world.verify()
    assert (report.ok, report.pending_signals) == (True, 0), report.differences


# A log that was made anew


async def make_interactions_anew(world: World, rebuilding: Rebuilding) -> None:
    """After events that are applied, and of which state.signals tells: the workers refuse the new topic."""
    await rebuilding.run()
    world.log.make_anew(INTERACTIONS)
    world.log.make_anew(LISTS)
    world.stroll(60)


async def test_what_was_told_of_another_topic_hides_nothing_of_the_new_one(
    world: World, rebuilding: Rebuilding
) -> None:
    await make_interactions_anew(world, rebuilding)
    rebuilt = await rebuilding.run(handled=START, topic_id="topic-2")
    assert rebuilt.events == 0
    await world.work()
    report = await world.verify()
    assert (report.ok, report.events, report.pending) == (True, 60, 0), report.differences
    again = await rebuilding.run(topic_id="topic-2")
    report = await world.verify()
    assert (report.ok, again.events) == (True, 60), report.differences


async def test_while_something_is_still_told_of_another_topic_it_is_refused(
    world: World, rebuilding: Rebuilding
) -> None:
    await make_interactions_anew(world, rebuilding)
    with pytest.raises(CannotRebuild, match=r"made anew, and \d+ records of state.signals .* let the items worker run"):
        await rebuilding.run(handled=START, signals_handled=5, topic_id="topic-2")


# A log that was cut, or got more partitions


async def test_a_topic_to_which_partitions_were_added_is_refused(world: World, rebuilding: Rebuilding) -> None:
    await rebuilding.run()
    for partition in range(PARTITIONS):
        position = (await world.profile_values.positions([partition]))[partition]
        await world.profile_values.commit([Commit(partition, position, position, {"partitions": b"1"})])
    with pytest.raises(CannotRebuild, match=r"has 2 partitions, but the state was made from 1:.*grow 2`"):
        await rebuilding.run()
    assert (await world.verify()).ok


async def test_a_log_without_its_first_events_is_refused_and_nothing_is_changed(
    world: World, rebuilding: Rebuilding
) -> None:
    world.log.cut[INTERACTIONS, 0] = 30
    before = await world.profile_values.positions([0, 1])
    with pytest.raises(
        CannotRebuild, match=r"no longer has its first 30 records, in 1 of 2 partitions.*--from-earliest"
    ):
        await rebuilding.run()
    assert await world.profile_values.positions([0, 1]) == before
    assert (await world.verify()).ok


async def test_the_loss_may_be_accepted(world: World, rebuilding: Rebuilding) -> None:
    world.log.cut[INTERACTIONS, 0] = 30
    rebuilding.lose_everything()
    rebuilt = await rebuilding.run(from_earliest=True)
    assert (rebuilt.lost, rebuilt.events) == ({0: 30}, 170)
    report = await world.verify()
    assert report.ok, report.differences


async def test_without_the_first_signals_facts_come_from_the_catalogue_and_behaviours_from_the_events(
    world: World, rebuilding: Rebuilding
) -> None:
    world.signal(Changed("i2", Change(NOON + 9, deleted=True)))
    await world.work()
    for partition in range(PARTITIONS):
        world.log.cut[SIGNALS, partition] = 25
    rebuilding.lose_everything()
    rebuilt = await rebuilding.run()
    assert rebuilt.items >= len(ITEMS)
    report = await world.verify()
    assert (report.ok, report.lost_signals) == (True, 0), report.differences
    assert report.items == len(ITEMS)


async def test_from_the_catalogue_an_item_is_what_it_was(world: World, rebuilding: Rebuilding) -> None:
    picture = {"fake@1": b"\1" * 16}
    changes = {"i1": Change(NOON + 9, hidden=True, price=1.0), "i2": Change(NOON + 9, deleted=True)}
    for name, change in changes.items():
        world.signal(Changed(name, change))
    world.signal(Changed("i3", Change(NOON + 9, deleted=True)))
    world.signal(Changed("i3", Change(NOON + 10, deleted=False)))
    await world.work()
    for partition in range(PARTITIONS):
        world.log.cut[SIGNALS, partition] = 25
    rebuilding.lose_everything()
    await rebuilding.run()
    for name in ("i1", "i2", "i3"):
        world.signal(Uploaded(Item(name, NOON + 20, "u1", NOON + 20, price=2.0, embeddings=picture)))
        world.signal(Changed(name, Change(NOON + 8, price=3.0)))
    await world.work_signals()
    found = [await stored(world, name) for name in ("i1", "i2", "i3")]
    assert [(item.hidden, item.deleted, item.price) for item in found] == [
        (True, False, 2.0),
        (False, True, None),
        (False, False, 2.0),
    ]
    assert (await world.verify()).ok


async def stored(world: World, name: str) -> Item:
    """What the state holds of an item."""
    partition = partition_of(key_of(name), PARTITIONS)
    return (await world.signals.load({partition: Wanted([name], [])}))[partition].items[name]


# Interrupted


@dataclass(slots=True)
class Between:
    """A store that fails after some commits, and that somebody else moves before them if there is a `rival`."""

    store: PartitionStore
    commits: int
    rival: int | None = None

    async def positions(self, partitions: Sequence[int]) -> dict[int, int]:
        return await self.store.positions(partitions)

    async def load(self, wanted: Mapping[int, Sequence[str]]) -> dict[int, Loaded]:
        return await self.store.load(wanted)

    async def commit(self, commits: Sequence[Commit]) -> dict[int, int]:
        if not self.commits:
            raise StateUnavailable("Redis is away")
        self.commits -= 1
        if self.rival == self.commits:
            await self.store.commit([Commit(each.partition, each.expected, END, {}) for each in commits])
        return await self.store.commit(commits)


class Disturbed(MemorySpaces):
    """Spaces whose new one is `Between`; it is sound again when it is begun again."""

    commits = END
    rival: int | None = None

    async def begin(self, name: str, value: bytes) -> PartitionStore:
        return Between(await super().begin(name, value), self.commits, self.rival)


async def test_an_interrupted_rebuild_goes_on_where_it_was(world: World) -> None:
    rebuilding = Rebuilding(world)
    rebuilding.lose_everything()
    profiles, items = Disturbed(world.profile_values, PARTITIONS), Disturbed(world.signal_values, PARTITIONS)
    rebuilding.spaces = [profiles, items]
    interruptions, events = 0, 0
    for profiles.commits in range(1, 20):
        try:
            events = (await rebuilding.run()).events
            break
        except StateUnavailable:
            interruptions += 1
            assert await world.profile_values.positions([0, 1]) == {0: START, 1: START}
    assert interruptions > 0
    assert events < 200
    report = await world.verify()
    assert report.ok, report.differences


async def test_one_of_another_topic_is_begun_again(world: World) -> None:
    rebuilding = Rebuilding(world)
    profiles = Disturbed(world.profile_values, PARTITIONS)
    rebuilding.spaces[0] = profiles
    profiles.commits = 2
    with pytest.raises(StateUnavailable):
        await rebuilding.run()
    profiles.commits = END
    assert (await rebuilding.run(topic_id="topic-2")).events == 200
    assert (await world.verify()).ok


async def test_of_two_at_once_one_gives_up(world: World, rebuilding: Rebuilding) -> None:
    profiles = Disturbed(world.profile_values, PARTITIONS)
    profiles.rival = END - 2
    rebuilding.spaces[0] = profiles
    with pytest.raises(CannotRebuild, match="is another `sightline rebuild` running"):
        await rebuilding.run()


async def test_progress_is_told_of_both_topics(world: World, rebuilding: Rebuilding) -> None:
    await rebuilding.run()
    last = {what: (done, of) for what, done, of in rebuilding.told}
    signals = sum(world.log.extent(SIGNALS, partition).end for partition in range(PARTITIONS))
    assert last == {INTERACTIONS: (200, 200), SIGNALS: (signals, signals)}
