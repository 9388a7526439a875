"""What the headers of a request say of how it is to be published."""

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from web.documented import header
from web.problems import Problem

#: Characters of an Idempotency-Key: with the number of an event behind it, it fits into an event's id.
KEY_LIMIT: Final = 100
#: For the documents of handlers: what all say who publish, and what those say beside it who need not wait for Kafka.
KEY: Final = header("Idempotency-Key", "Becomes the id of the event: the same request again changes nothing")
HOW: Final = (KEY, header("Prefer", "respond-async: the answer does not wait for Kafka"))
_LATER: Final = re.compile(r"(^|[,;\s])respond-async($|[,;\s])", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Asked:
    """How a request is to be published: `key` is the same when it is sent again, and None where it has none.

    `later`: the answer does not wait for Kafka (`Prefer: respond-async`, RFC 7240).
    """

    key: str | None
    later: bool

    @classmethod
    def of(cls, headers: Mapping[str, str]) -> "Asked":
        """What these headers ask; raises Problem for a key that can be no event's id."""
        key = headers.get("idempotency-key")
        # The draft of the IETF writes it as a string in quotes, and most clients do not.
        key = None if key is None else key.strip().removeprefix('"').removesuffix('"')
        if key is not None and not (0 < len(key) <= KEY_LIMIT and key.isprintable()):
            raise Problem(
                400, "An unusable Idempotency-Key", f"send 1 to {KEY_LIMIT} printable characters; it has {len(key)}"
            )
        return cls(key, _LATER.search(headers.get("prefer", "")) is not None)

    @property
    def status(self) -> int:
        """200 where Kafka has the events when the answer comes, else 202."""
        return 202 if self.later else 200

    def event_id(self, number: int | None = None) -> str:
        """The id of an event that has none: the key, with the event's number where there are several."""
        if self.key is None:
            return uuid.uuid4().hex
        return self.key if number is None else f"{self.key}-{number}"
