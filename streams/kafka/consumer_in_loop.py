"""aiokafka's consumer in the worker's event loop: it reads what was committed, and knows where a partition stands."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aiokafka.consumer import fetcher, subscription_state
from faust.transport.drivers import aiokafka as driver
from faust.types import TP
from mode import Service
from mode.utils.futures import maybe_async

from streams.kafka.record_batches import Records

FETCH_MAX_WAIT_MS = 50
ISOLATION_LEVEL = "read_committed"


class PartitionState(subscription_state.TopicPartitionState):  # type: ignore[misc]  # untyped
    """aiokafka's state of a partition, which notes when the broker did not have the next offset any more."""

    was_reset = False

    @property
    def place(self) -> int | None:
        """The next offset to fetch; None while it is being asked for."""
        place: int | None = self._position
        return place

    def await_reset(self, strategy: int) -> None:
        """Called when the position is to be asked for; it is lost if there was one."""
        self.was_reset = self.was_reset or self.has_valid_position
        super().await_reset(strategy)


# aiokafka has no parameters for these classes: it looks the names up in its own modules.
fetcher.MemoryRecords = Records
subscription_state.TopicPartitionState = PartitionState


class ConsumerInLoop(driver.AIOKafkaConsumerThread):
    """Faust's consumer thread without the thread: a service of the worker's loop, with a short fetch."""

    # The methods of a plain service of mode, which mode's thread class replaces. A thread ends itself when anything
    # crashes; this service ends after its consumer, which still commits through it, has stopped.
    maybe_start = Service.maybe_start
    start = Service.start
    stop = Service.stop
    _stopped_set = Service._stopped_set
    _stop_children = Service._stop_children
    _stop_futures = Service._stop_futures
    _stop_exit_stacks = Service._stop_exit_stacks
    wait_for_shutdown = False

    async def on_stop(self) -> None:
        """Leave the group."""
        await self.on_thread_stop()

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Notify the consumer."""
        await self.consumer.on_partitions_revoked(revoked)

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        """Notify the consumer."""
        await self.consumer.on_partitions_assigned(assigned, generation_id)

    async def call_thread(self, fun: Callable[..., Awaitable[Any]], *args: Any, **kwargs: Any) -> Any:
        """Run `fun` in this event loop."""
        return await maybe_async(fun(*args, **kwargs))

    def _create_worker_consumer(self, transport: driver.Transport) -> Any:
        consumer = super()._create_worker_consumer(transport)
        # aiokafka passes these to its fetcher at its start; Faust has no setting for them.
        consumer._fetch_max_wait_ms = FETCH_MAX_WAIT_MS
        consumer._isolation_level = ISOLATION_LEVEL
        return consumer

    def highwater(self, tp: TP) -> int:
        """The offset up to which the partition may be read: where its first open transaction begins, or its end."""
        end: int = self._ensure_consumer().last_stable_offset(tp)
        return end

    def held_back_at(self, tp: TP) -> int | None:
        """The offset from which on an open transaction holds records back; None where none does."""
        state = self.partitions().get(tp)
        if state is None or state.highwater is None or state.lso is None or state.lso >= state.highwater:
            return None
        begins: int = state.lso
        return begins

    def partitions(self) -> Mapping[TP, PartitionState]:
        """What aiokafka knows of each assigned partition."""
        subscription = self._ensure_consumer()._subscription.subscription
        if subscription is None or subscription.assignment is None:
            return {}
        found: Mapping[TP, PartitionState] = subscription.assignment._tp_state
        return found

    def verify_event_path(self, now: float, tp: TP) -> None:
        """Nothing: Faust takes an open transaction for a slow worker; streams/worker/liveness.py decides here."""
