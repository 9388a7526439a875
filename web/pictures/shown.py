"""Gives the kept pictures of items, as WebP or as JPEG: files that an uploads worker made, never what was uploaded."""

import asyncio
from collections import OrderedDict
from io import BytesIO
from typing import Final, Literal

from PIL import Image

from streams.pictures.store import PictureStore

Format = Literal["webp", "jpeg"]
#: Bytes of the files that were asked for last.
CACHE_BYTES: Final = 32 << 20
_QUALITY: Final = 85
#: Pictures that are converted at the same time: each takes a core for some ten milliseconds.
_AT_ONCE: Final = 2


class ShownPictures:
    """Reads kept pictures by key, keeps the last ones, and converts them where a client takes no WebP."""

    def __init__(self, store: PictureStore, *, cache_bytes: int = CACHE_BYTES) -> None:
        self._store = store
        self._cache_bytes = cache_bytes
        self._cached: OrderedDict[tuple[str, Format], bytes] = OrderedDict()
        self._held = 0
        self._converting = asyncio.Semaphore(_AT_ONCE)

    async def read(self, key: str, form: Format) -> bytes:
        """The content of a file; raises ObjectMissing or ObjectsUnavailable."""
        known = self._cached.get((key, form))
        if known is not None:
            self._cached.move_to_end((key, form))
            return known
        found = await self._store.read(key)
        if form == "jpeg":
            async with self._converting:
                found = await asyncio.to_thread(as_jpeg, found)
        self._keep((key, form), found)
        return found

    def _keep(self, name: tuple[str, Format], data: bytes) -> None:
        """Keep a file that may have been read by another request meanwhile; a large one stays out."""
        self._held -= len(self._cached.pop(name, b""))
        if len(data) > self._cache_bytes // 8:
            return
        self._cached[name] = data
        self._held += len(data)
        while self._held > self._cache_bytes:
            _, oldest = self._cached.popitem(last=False)
            self._held -= len(oldest)


def as_jpeg(webp: bytes) -> bytes:
    """A kept picture as JPEG; kept pictures are upright, in sRGB, and of bounded size."""
    out = BytesIO()
    with Image.open(BytesIO(webp), formats=("WEBP",)) as image:
        image.convert("RGB").save(out, "JPEG", quality=_QUALITY)
    return out.getvalue()


def form_for(accept: str | None) -> Format:
    """The form of a picture for a client that accepts these media types (RFC 9110, section 12.5.1).

    >>> form_for("image/avif,image/webp,*/*;q=0.8"), form_for("image/jpeg"), form_for("image/webp;q=0, */*")
    ('webp', 'jpeg', 'jpeg')
    """
    if not accept or not accept.strip():
        return "webp"
    weights = dict(map(_range, accept.lower().split(",")))
    # The most precise range counts.
    said = next((weights[name] for name in ("image/webp", "image/*", "*/*") if name in weights), 0.0)
    return "webp" if said > 0 else "jpeg"


def _range(text: str) -> tuple[str, float]:
    """A media range and its weight; one that cannot be read counts in full."""
    name, *parameters = (part.strip() for part in text.split(";"))
    given = next((each[2:] for each in parameters if each.startswith("q=")), "1")
    try:
        return name, float(given)
    except ValueError:
        return name, 1.0
