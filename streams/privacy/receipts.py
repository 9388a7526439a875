"""Messages sent when a privacy request takes effect: list withdrawals, disowned items, exports and receipts."""

import time
from collections import OrderedDict
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from features.fingerprints import count
from features.item import Change, hash_of, key_of
from features.ledger import faded
from features.privacy import ERASING
from features.profile import ENGAGED_HALF_LIFE_MS, NEVER_MS, Profile
from inference.catalog.catalog import Catalog
from inference.retrieval.preferences import named_dials
from streams.privacy.control_records import VerifiedRequest
from streams.privacy.export_parts import keys_of, part_key, split
from streams.wire.events import Export, ExportedItem, Interaction, PlaceInLog, Receipt, encode
from streams.wire.namespace import Namespace
from streams.wire.records import Message, Record
from streams.wire.signals import Changed, SignalTopic
from streams.wire.topics import EXPORTS, RECEIPTS, RECOMMENDATIONS

#: The number of recent uploads whose uploader is remembered here until the catalogue replica knows it too.
UPLOADS_REMEMBERED = 10_000


class Receipts:
    """Makes the messages that result from users' requests. A replay makes the same messages again."""

    def __init__(
        self,
        catalog: Catalog,
        signals: SignalTopic,
        *,
        namespace: Namespace,
        clock_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self._catalog = catalog
        self._signals = signals
        self._namespace = namespace
        self._clock_ms = clock_ms
        #: The uploader of each of the latest uploads, by item id; the oldest upload stands first.
        self._uploads: OrderedDict[str, str] = OrderedDict()

    def uploaded(self, event: Interaction) -> None:
        """Remember the uploader of an item: the catalogue replica may not have received the item yet."""
        self._uploads[event.item_id] = event.user_id
        self._uploads.move_to_end(event.item_id)
        if len(self._uploads) > UPLOADS_REMEMBERED:
            self._uploads.popitem(last=False)

    def disown(self, user_id: str, item_id: str, at_ms: int) -> Message:
        """The message that ends a user's ownership of an item."""
        return self._signals.message(Changed(item_id, Change(at_ms, disown=hash_of(user_id))))

    def withdrawal(self, record: Record) -> Message:
        """The tombstone that withdraws a user's list; `record` is a control record of the user."""
        return Message(self._namespace.topic(RECOMMENDATIONS), record.key, None)

    def messages(self, request: VerifiedRequest, record: Record, before: Profile, after: Profile) -> list[Message]:
        """The messages of a request that takes effect; `record` is its control record. A replay makes them again."""
        control = request.control
        kind, user_id = control.type, control.user_id
        messages: list[Message] = []
        erased = _counts(before) if kind in ERASING else {}
        if kind == "prefer":
            erased = {"dials": int((~np.isin(before.dials["key"], after.dials["key"])).sum())}
        if kind == "forget":
            owned = self._owned(user_id)
            erased |= {"event_ids": _remembered_events(before), "dials": len(before.dials), "owned": len(owned)}
            messages += [self.disown(user_id, item_id, control.asked_ms) for item_id in owned]
            topic = self._namespace.topic(EXPORTS)
            messages += [Message(topic, key, None) for key in keys_of(hash_of(user_id))]
            for item_id in owned:
                self._uploads.pop(item_id, None)
        if kind == "export":
            messages += self._export(request, before)
        return [*messages, self._receipt(request, record, erased)]

    def _receipt(self, request: VerifiedRequest, record: Record, erased: dict[str, int]) -> Message:
        control = request.control
        user = hash_of(control.user_id)
        receipt = Receipt(
            user_hash=user,
            type=control.type,
            request=PlaceInLog(request.partition, request.offset),
            applied=PlaceInLog(record.partition, record.offset),
            asked_ms=control.asked_ms,
            done_ms=self._clock_ms(),
            erased=erased,
            dials_set=sum(weight != 0 for weight in (control.prefer or {}).values()),
        )
        return Message(self._namespace.topic(RECEIPTS), user.encode(), encode(receipt))

    def _export(self, request: VerifiedRequest, profile: Profile) -> list[Message]:
        user_id, privacy = request.control.user_id, profile.privacy
        export = Export(
            user_id=user_id,
            request=PlaceInLog(request.partition, request.offset),
            made_ms=self._clock_ms(),
            interactions=profile.count,
            last_at_ms=profile.last_at_ms if profile.count else None,
            opted_out=privacy.opted_out,
            forgotten_ms=None if privacy.forgotten_ms == NEVER_MS else privacy.forgotten_ms,
            engaged=self._items(profile.engaged, profile.last_at_ms),
            refused=self._items(profile.refused, profile.last_at_ms),
            seen=self._seen(profile.seen),
            owned=self._owned(user_id),
            remembered_events=_remembered_events(profile),
            refused_before=count(profile.refused_before),
            seen_before=count(profile.seen_before),
            seen_today=profile.seen_today,
            dials=named_dials(profile.dials, self._catalog),
        )
        topic, user = self._namespace.topic(EXPORTS), hash_of(user_id)
        return [Message(topic, part_key(user, part.part), encode(part)) for part in split(export)]

    def _owned(self, user_id: str) -> list[str]:
        catalogued = self._catalog.owned_by(key_of(user_id))
        recent = [item_id for item_id, owner in self._uploads.items() if owner == user_id]
        return list(dict.fromkeys(catalogued + recent))

    def _items(self, entries: NDArray[np.void], now_ms: int) -> list[ExportedItem]:
        rows = self._catalog.rows_of(entries["item"]).tolist()
        weights = faded(entries, now_ms, ENGAGED_HALF_LIFE_MS).tolist()
        return [
            ExportedItem(
                item_id=self._catalog.item_ids[row] if row >= 0 else f"#{key:016x}",
                weight=round(weight, 3),
                at_ms=at_s * 1000,
            )
            for row, key, weight, at_s in zip(
                rows, entries["item"].tolist(), weights, entries["at_s"].tolist(), strict=True
            )
        ]

    def _seen(self, seen: NDArray[np.uint32]) -> list[str]:
        """The ids of the seen items. A profile keeps half of each hash, so an id may be that of another item."""
        rows = self._catalog.rows_of_low(seen).tolist()
        return [
            self._catalog.item_ids[row] if row >= 0 else f"#{half:08x}"
            for row, half in zip(rows, seen.tolist(), strict=True)
        ]


def _counts(profile: Profile) -> dict[str, int]:
    """The number of values that every erasing request erases, by kind.

    A list was published if the user did anything since the last erasure.
    """
    return {
        "engaged": len(profile.engaged),
        "refused": len(profile.refused) + count(profile.refused_before),
        "seen": len(profile.seen) + count(profile.seen_before),
        "lists": int(profile.count > 0),
    }


def _remembered_events(profile: Profile) -> int:
    return len(profile.events) + count(profile.events_before)
