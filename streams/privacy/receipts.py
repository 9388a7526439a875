"""What leaves when a user's request takes effect: the list is withdrawn, items are disowned, a receipt is given."""

from collections import OrderedDict
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from features.item import Change, hash_of, key_of
from features.ledger import faded
from features.privacy import ERASING
from features.profile import ENGAGED_HALF_LIFE_MS, NEVER_MS, Profile
from inference.catalog.catalog import Catalog
from inference.retrieval.preferences import named_dials
from streams.privacy.control_records import VerifiedRequest
from streams.wire.events import Export, ExportedItem, Interaction, PlaceInLog, Receipt, encode
from streams.wire.namespace import Namespace
from streams.wire.records import Message, Record
from streams.wire.signals import Changed, SignalTopic
from streams.wire.topics import EXPORTS, RECEIPTS, RECOMMENDATIONS

#: Uploads of which it is remembered whose they are, until the catalogue replica knows it as well.
UPLOADS_REMEMBERED = 10_000


class Receipts:
    """Makes the messages that users' requests lead to. A replay repeats the same ones."""

    def __init__(
        self, catalog: Catalog, signals: SignalTopic, *, namespace: Namespace, clock_ms: Callable[[], int]
    ) -> None:
        self._catalog = catalog
        self._signals = signals
        self._namespace = namespace
        self._clock_ms = clock_ms
        #: The uploader of each item uploaded last.
        self._uploads: OrderedDict[str, str] = OrderedDict()

    def uploaded(self, event: Interaction) -> None:
        """Remember who uploaded an item: its other signals may still be on their way to the catalogue's replica."""
        self._uploads[event.item_id] = event.user_id
        self._uploads.move_to_end(event.item_id)
        if len(self._uploads) > UPLOADS_REMEMBERED:
            self._uploads.popitem(last=False)

    def disown(self, user_id: str, item_id: str, at_ms: int) -> Message:
        """Have an item no longer belong to a user."""
        return self._signals.message(Changed(item_id, Change(at_ms, disown=hash_of(user_id))))

    def withdrawal(self, record: Record) -> Message:
        """Take back the list of the user of a control record."""
        return Message(self._namespace.topic(RECOMMENDATIONS), record.key, None)

    def messages(self, request: VerifiedRequest, record: Record, before: Profile, after: Profile) -> list[Message]:
        """What leaves when a request takes effect; `record` is its control record. A replay repeats the same."""
        control = request.control
        kind, user_id = control.type, control.user_id
        messages: list[Message] = []
        erased = _counts(before) if kind in ERASING else {}
        if kind == "prefer":
            erased = {"dials": int((~np.isin(before.dials["key"], after.dials["key"])).sum())}
        if kind == "forget":
            owned = self._owned(user_id)
            erased |= {"event_ids": len(before.events), "dials": len(before.dials), "owned": len(owned)}
            messages += [self.disown(user_id, item_id, control.asked_ms) for item_id in owned]
            messages.append(Message(self._namespace.topic(EXPORTS), hash_of(user_id).encode(), None))
            for item_id in owned:
                self._uploads.pop(item_id, None)
        if kind == "export":
            messages.append(self._export(request, before))
        return [*messages, self._receipt(request, record, erased)]

    def _receipt(self, asked: VerifiedRequest, record: Record, erased: dict[str, int]) -> Message:
        control = asked.control
        user = hash_of(control.user_id)
        receipt = Receipt(
            user_hash=user,
            type=control.type,
            request=PlaceInLog(asked.partition, asked.offset),
            applied=PlaceInLog(record.partition, record.offset),
            asked_ms=control.asked_ms,
            done_ms=self._clock_ms(),
            erased=erased,
            dials_set=sum(weight != 0 for weight in (control.prefer or {}).values()),
        )
        return Message(self._namespace.topic(RECEIPTS), user.encode(), encode(receipt))

    def _export(self, asked: VerifiedRequest, profile: Profile) -> Message:
        user_id, privacy = asked.control.user_id, profile.privacy
        export = Export(
            user_id=user_id,
            request=PlaceInLog(asked.partition, asked.offset),
            made_ms=self._clock_ms(),
            interactions=profile.count,
            last_at_ms=profile.last_at_ms if profile.count else None,
            opted_out=privacy.opted_out,
            forgotten_ms=None if privacy.forgotten_ms == NEVER_MS else privacy.forgotten_ms,
            engaged=self._items(profile.engaged, profile.last_at_ms),
            refused=self._items(profile.refused, profile.last_at_ms),
            seen=self._seen(profile.seen),
            owned=self._owned(user_id),
            remembered_events=len(profile.events),
            dials=named_dials(profile.dials, self._catalog),
        )
        return Message(self._namespace.topic(EXPORTS), hash_of(user_id).encode(), encode(export))

    def _owned(self, user_id: str) -> list[str]:
        known = self._catalog.owned_by(key_of(user_id))
        recent = [item_id for item_id, owner in self._uploads.items() if owner == user_id]
        return list(dict.fromkeys(known + recent))

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
        """The items seen, of which half the hash is kept: an id may be that of another item with the same half."""
        count = len(self._catalog.item_ids)
        low = (self._catalog.keys[:count] & np.uint64(0xFFFF_FFFF)).astype(np.uint32)
        rows = np.flatnonzero(np.isin(low, seen)).tolist()
        names = {int(low[row]): self._catalog.item_ids[row] for row in rows}
        return [names.get(each, f"#{each:08x}") for each in seen.tolist()]


def _counts(profile: Profile) -> dict[str, int]:
    """What is erased whatever was asked: a list was published if anything was done since the last time."""
    return {
        "engaged": len(profile.engaged),
        "refused": len(profile.refused),
        "seen": len(profile.seen),
        "lists": int(profile.count > 0),
    }
