"""Control records: privacy requests on events.interactions. The privacy agent writes them; `read` recognises them.

A control record lies among the user's events, so that a profile stays a function of that one log (docs/adr/0009).
Other writers of events.interactions must not be able to erase a profile. So a header names the record of
events.privacy that the control record stands for. With a key the header is also signed, and nobody without the key can
make or change a control record.
"""

import hmac
import re
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

import msgspec
from pydantic import SecretStr

from features.privacy import Request
from sightline_client.parsing import UNREADABLE
from streams.wire.events import Control, PrivacyRequest, encode
from streams.wire.namespace import Namespace
from streams.wire.records import Message, Record
from streams.wire.topics import INTERACTIONS

HEADER = "sightline-control"
_STAMP = re.compile(rb"(\d{1,6})-(\d{1,18})( [0-9a-f]{64})?")
_decode = msgspec.json.Decoder(Control).decode


@dataclass(frozen=True, slots=True)
class VerifiedRequest:
    """The request of a valid control record. `partition` and `offset` are its place on events.privacy."""

    control: Control
    partition: int
    offset: int

    @property
    def user_id(self) -> str:
        """The user who made the request."""
        return self.control.user_id

    @property
    def request(self) -> Request:
        """The request in the form that `features.privacy.apply_request` takes."""
        control = self.control
        return Request(control.type, self.offset, control.asked_ms, tuple((control.prefer or {}).items()))


class ControlRecords:
    """Writes and reads control records. `keys` are secrets: the first one signs, and every one is accepted."""

    def __init__(self, *keys: bytes) -> None:
        self._keys = keys

    def message(self, request: PrivacyRequest, record: Record, *, namespace: Namespace) -> Message:
        """The control record of a request; `record` is the request's record on events.privacy."""
        dials = request.prefer if request.type == "prefer" else None
        value = encode(Control(type=request.type, user_id=request.user_id, asked_ms=record.timestamp_ms, prefer=dials))
        stamp = b"%d-%d" % (record.partition, record.offset)
        if self._keys:
            stamp += b" " + _signature(self._keys[0], stamp, value)
        return Message(namespace.topic(INTERACTIONS), request.user_id.encode(), value, ((HEADER, stamp),))

    def read(self, record: Record) -> VerifiedRequest | None:
        """The request of a valid control record; None for any other record."""
        stamps = [value or b"" for name, value in record.headers if name == HEADER]
        stamp = _STAMP.fullmatch(stamps[0]) if len(stamps) == 1 else None
        if stamp is None or record.value is None or not self._is_signed(stamp, record.value):
            return None
        try:
            control = _decode(record.value)
        except UNREADABLE:
            return None
        if record.key != control.user_id.encode():
            return None
        return VerifiedRequest(control, int(stamp[1]), int(stamp[2]))

    def _is_signed(self, stamp: re.Match[bytes], value: bytes) -> bool:
        if not self._keys:
            return True
        place, signature = b"%b-%b" % (stamp[1], stamp[2]), (stamp[3] or b"").strip()
        return any(hmac.compare_digest(_signature(key, place, value), signature) for key in self._keys)


#: Without a key, every writer of events.interactions is trusted to write control records too.
UNSIGNED: Final = ControlRecords()


def control_keys(setting: SecretStr | None) -> tuple[bytes, ...]:
    """The comma-separated keys of the setting: the signing key, then older keys whose records are still in the log."""
    keys = setting.get_secret_value().split(",") if setting is not None else []
    return tuple(key.strip().encode() for key in keys if key.strip())


def _signature(key: bytes, place: bytes, value: bytes) -> bytes:
    return hmac.new(key, place + b"\n" + value, sha256).hexdigest().encode()
