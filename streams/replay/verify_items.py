"""The verification of items: behaviours, trends and facts."""

from collections.abc import Mapping, Sequence
from typing import Literal

from features.item import Item, key_of
from state.signals import Signals, SignalStore, Wanted, partition_of
from streams.replay.differences import behaviour_difference, chunks, item_difference, trend_differences
from streams.replay.folds import SignalsReplay
from streams.replay.replayer import Replayer
from streams.replay.report import Difference, Report
from streams.wire.topics import SIGNALS


class ItemsVerification:
    """Compares the partitions of state.signals, one after another, with their replay.

    `positions` are the stored positions of events.interactions, by partition.
    """

    def __init__(
        self,
        store: SignalStore,
        replayer: Replayer,
        positions: Mapping[int, int],
        report: Report,
        *,
        min_users: int = 1,
    ) -> None:
        self._store = store
        self._replayer = replayer
        #: The last sequence of each source whose signal was published before the positions were stored.
        self._published = {partition: 2 * position + 1 for partition, position in positions.items()}
        self._report = report
        self._min_users = min_users
        self._catalogue: dict[str, Item] | None = None

    async def compare(self, partitions: Sequence[int]) -> None:
        """Compare behaviours, trends and facts of these partitions; raises the errors of `Verification.verify`."""
        if not self._replayer.whole():
            self._report.incomplete.append(
                "behaviours and trends: events.interactions does not reach back to its first event"
            )
        for partition in partitions:
            replay, stored = await self._load(partition, Wanted([], []))
            self._count_signals(partition, replay, stored)
            if self._replayer.whole():
                await self._compare_behaviours(partition, list(replay.behaviours))
                await self._compare_trends(partition)
            await self._compare_items(partition, stored.position)

    async def _load(self, partition: int, wanted: Wanted) -> tuple[SignalsReplay, Signals]:
        """The replay at the stored position, and what is stored there."""
        stored = (await self._store.load({partition: wanted}))[partition]
        return self._replayer.advance_signals(partition, stored.position, stored.sources), stored

    def _count_signals(self, partition: int, replay: SignalsReplay, stored: Signals) -> None:
        extent = self._replayer.signal_extents[partition]
        pending = self._replayer.count(SIGNALS, partition, max(stored.position + 1, extent.first), extent.end)
        self._report.pending_signals += pending
        self._report.lost_signals += max(extent.first - 1 - stored.position, 0)
        if not pending and self._replayer.whole():
            self._report.lost_signals += replay.missed(self._published)
        if not self._replayer.links_known(partition) and replay.crowded:
            why = "holds links of an earlier release or of other settings"
            if not self._replayer.order_known(partition):
                why = "does not reach back to its first record"
            self._report.incomplete.append(
                f"neighbours of {len(replay.crowded)} items: state.signals[{partition}] {why}, and with so many "
                "neighbours their order of arrival matters"
            )
        self._report.items += len(replay.behaviours.keys() | set(map(key_of, replay.items)))

    async def _compare_behaviours(self, partition: int, items: Sequence[int]) -> None:
        ordered = self._replayer.links_known(partition)
        for keys in chunks(items):
            replay, stored = await self._load(partition, Wanted([], keys))
            for key in keys:
                order_known = ordered or key not in replay.crowded
                where = behaviour_difference(
                    replay.behaviours[key], stored.behaviours.get(key), order_known=order_known
                )
                self._report_behaviour("behaviour", key, where)

    async def _compare_trends(self, partition: int) -> None:
        replay, stored = await self._load(partition, Wanted([], []))
        for key, where in trend_differences(replay.behaviours, stored.trends, min_users=self._min_users).items():
            self._report_behaviour("trend", key, where)

    def _report_behaviour(self, kind: Literal["behaviour", "trend"], key: int, where: str) -> None:
        if where:
            self._report.different_behaviours += 1
            self._report.show(Difference(kind, f"{key:016x}", where))

    async def _compare_items(self, partition: int, position: int) -> None:
        ordered = self._replayer.order_known(partition)
        expected = self._replayer.signals[partition].items if ordered else self._catalogue_items(partition)
        for names in chunks(list(expected)):
            _, stored = await self._load(partition, Wanted(names, []))
            if not ordered and stored.position != position:
                # The catalogue was read at an earlier position, so the two cannot be compared.
                self._report.incomplete.append(f"items of partition {partition}: they were changed meanwhile")
                return
            for name in names:
                where = item_difference(expected[name], stored.items.get(name))
                if where:
                    self._report.different_items += 1
                    self._report.show(Difference("item", name, where))

    def _catalogue_items(self, partition: int) -> dict[str, Item]:
        """The items of a partition in the compacted catalogue. A replay of all its signals gives the same items."""
        if self._catalogue is None:
            self._catalogue = self._replayer.catalogue()
        count = len(self._replayer.signals)
        return {name: item for name, item in self._catalogue.items() if partition_of(key_of(name), count) == partition}
