"""What the files of all trained models have in common: MessagePack with a format number, of a bounded size."""

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import msgspec

from inference.errors import ModelRefused
from sightline_client.parsing import UNREADABLE

_Stored = TypeVar("_Stored", bound=msgspec.Struct)


class _Header(msgspec.Struct, frozen=True):
    format: int


_header = msgspec.msgpack.Decoder(_Header)


@dataclass(frozen=True, slots=True)
class StoredFile(Generic[_Stored]):
    """A file with the fields `stored`, which a release writes in one `format` and reads in that and in `earlier` ones.

    What earlier formats lack has a default in `stored`. `name` is what messages call it, with an article; `command`
    makes it.
    """

    name: str
    format: int
    most_bytes: int
    command: str
    stored: type[_Stored]
    earlier: tuple[int, ...] = ()

    def decode(self, data: bytes) -> _Stored:
        """The fields; raises ModelRefused."""
        if len(data) > self.most_bytes:
            text = f"{self.name} has {len(data)} bytes, more than {self.most_bytes}: it is not one of ours"
            raise ModelRefused(text)
        try:
            found = _header.decode(data).format
            read = (*self.earlier, self.format)
            if found not in read:
                text = " and ".join(map(str, read))
                raise self.refused(f"has the format {found}, this release reads {text}")
            return msgspec.msgpack.decode(data, type=self.stored)
        except UNREADABLE as error:
            raise self.refused(f"does not decode: {error}") from error

    def encode(self, **fields: Any) -> bytes:
        """The file with these fields."""
        return msgspec.msgpack.encode(self.stored(format=self.format, **fields))

    def refused(self, what: str) -> ModelRefused:
        """Why a file is refused, and what to do."""
        return ModelRefused(f"{self.name} {what}; train again with this release (`{self.command}`)")
