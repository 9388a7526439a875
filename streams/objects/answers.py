"""An object store is opened, and one answer of it waited for with a limit."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import obstore
from obstore.exceptions import BaseError
from obstore.store import ObjectStore, from_url

from streams.objects.errors import ObjectMissing, ObjectsUnavailable, ObjectTooLarge
from streams.objects.threads import in_thread

if TYPE_CHECKING:  # the client has these names for type checkers only
    from obstore import ListStream, ObjectMeta
    from obstore.store import RetryConfig

#: The longest wait for an answer.
ANSWER_S: Final = 5.0
#: So long a store's client begins to ask again: a call in a thread goes on where nobody waits for it any more, and by
#: the client's own measure, 180 s, those of a store that hangs would be many.
_AGAIN: Final["RetryConfig"] = {"retry_timeout": timedelta(seconds=30)}


@asynccontextmanager
async def answering(
    failed: str, *, missing: str | None = None, within_s: float | None = ANSWER_S
) -> AsyncIterator[None]:
    """Around calls of a store; where `within_s` is None, they take as long as the store's client tries.

    Raises ObjectsUnavailable, which says `failed` and why; and ObjectMissing, if there is a text for what is not there.
    """
    try:
        async with asyncio.timeout(within_s):
            yield
    except (BaseError, OSError) as error:
        if missing is not None and isinstance(error, FileNotFoundError):
            raise ObjectMissing(missing) from error
        reason = first_line(error) or f"no answer within {within_s} s"
        raise ObjectsUnavailable(f"{failed}: {reason}") from error


def open_store(url: str, *, of: str | None = None) -> ObjectStore:
    """The store at a URL; raises ObjectsUnavailable, which names what it is `of`, where none can be there.

    Such is an `az://` without its account.
    """
    try:
        return store_at(url)
    except BaseError as error:
        raise ObjectsUnavailable(f"{of or url} cannot be opened: {first_line(error)}") from error


def store_at(url: str) -> ObjectStore:
    """As `open_store`; raises what the store's client raises."""
    return from_url(url, retry_config=_AGAIN)


def content(store: ObjectStore, key: str, most: int) -> bytes:
    """A whole object; raises ObjectTooLarge where it has more than `most` bytes, and what the store's client raises."""
    found = obstore.get(store, key)
    if (size := found.meta["size"]) > most:
        raise ObjectTooLarge(size, most)
    return bytes(found.bytes())


async def pages(listed: "ListStream[Sequence[ObjectMeta]]") -> AsyncIterator["Sequence[ObjectMeta]"]:
    """The pages of a listing."""
    while (page := await in_thread(next, listed, None)) is not None:
        yield page


def first_line(error: Exception) -> str:
    """What a store's client says went wrong, without what it adds for its developers."""
    return str(error).partition("\n")[0]
