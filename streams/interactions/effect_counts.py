"""Counts the outcome of each event in metrics."""

from collections.abc import Callable
from functools import cache, lru_cache, partial

from features.profile import false_repeats, repetition
from sightline_client.routing import partition_of
from streams.errors import InvalidEvent
from streams.interactions.reducer import Effect
from streams.metrics import CLAMPED_TIMES, DUPLICATES, EVENTS, FALSE_DUPLICATES, MISROUTED
from streams.privacy.control_records import VerifiedRequest
from streams.processing.unknown_fields import note_unknown_fields
from streams.wire.events import Interaction
from streams.wire.parsing import clamp_time
from streams.wire.topics import INTERACTIONS

#: Cached, because finding a counter by its labels takes as long as counting.
_event_counter = cache(partial(EVENTS.labels, INTERACTIONS.name))
#: One event in this number is looked at for unknown fields: reading its names takes as long as reading the event.
_LOOKED_AT = 64


class EffectCounts:
    """Counts effects; `feedback(type, rec_id, item_id, dwell_ms)` is called for applied events that name their list."""

    def __init__(self, partitions: int, feedback: Callable[[str, str, str, int | None], None]) -> None:
        self._feedback = feedback
        self._partition_of = lru_cache(maxsize=65_536)(lambda key: partition_of(key, partitions))

    def observe(self, effect: Effect) -> None:
        """Count one effect. Invalid records are skipped: `set_aside` counts them."""
        match effect.event, effect.outcome:
            case (InvalidEvent(), _):
                pass
            case (VerifiedRequest(), "duplicate"):
                DUPLICATES.labels("request").inc()
            case (VerifiedRequest() as request, _):
                _event_counter(request.control.type, "applied").inc()
            case (Interaction(type=kind), "late"):
                _event_counter(kind, "forgotten").inc()
            case (Interaction(type=kind), "duplicate") if effect.action is not None:
                DUPLICATES.labels(repetition(effect.before, effect.action)).inc()
                _event_counter(kind, "duplicate").inc()
            case (Interaction() as event, outcome):
                _event_counter(event.type, outcome).inc()
                self._observe_event(event, effect)
                if event.rec_id is not None and outcome == "applied":
                    self._feedback(event.type, event.rec_id, event.item_id, event.dwell_ms)

    def _observe_event(self, event: Interaction, effect: Effect) -> None:
        record = effect.record
        if effect.before.events_before:
            FALSE_DUPLICATES.inc(false_repeats(effect.before))
        if clamp_time(event.occurred_at_ms, record.timestamp_ms) != event.occurred_at_ms:
            CLAMPED_TIMES.inc()
        if record.offset % _LOOKED_AT == 0:
            note_unknown_fields(record, Interaction)
        if record.key is not None and self._partition_of(record.key) != record.partition:
            MISROUTED.inc()
