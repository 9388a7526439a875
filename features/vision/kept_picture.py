"""Where the picture of an item lies in the object store, and what is known of it there."""

import re
from dataclasses import dataclass
from typing import Final, Literal

#: What is kept of the pictures of items: nothing, a preview, or a larger picture and a preview beside it.
Keep = Literal["none", "preview", "full"]
#: The folder of an app in the object store is its topic prefix, followed by this.
FOLDER: Final = "pictures"
#: Pixels of the longer side of a preview, at most. Its key has the number.
PREVIEW_SIDE: Final = 320
_NAME: Final = rf"[A-Za-z0-9._-]{{0,64}}{FOLDER}/([0-9a-f]{{2}})/(\1[0-9a-f]{{62}})"
_FULL: Final = re.compile(rf"{_NAME}\.webp")
_FRAMES_END: Final = ".frames.webp"
_FRAMES: Final = re.compile(_NAME + re.escape(_FRAMES_END))
_PREVIEW: Final = re.compile(rf"{_NAME}\.{PREVIEW_SIDE}\.webp")


@dataclass(frozen=True, slots=True)
class KeptPicture:
    """The kept picture of an item: WebP, upright, in sRGB, named by the SHA-256 of the file that was uploaded.

    `key` is that of the largest file, `width` × `height` pixels in `bytes`; `preview` has at most PREVIEW_SIDE
    pixels a side, and is the same key where nothing larger is kept.
    """

    key: str
    preview: str
    width: int
    height: int
    bytes: int

    @property
    def sha256(self) -> str:
        """The SHA-256 of the uploaded file in hexadecimal; "" if the keys are none of ours."""
        return sha256_of(self.key) or ""

    @property
    def frames(self) -> str:
        """The key of the key frames, if it is the picture of a clip and they are kept."""
        return self.preview.removesuffix(f".{PREVIEW_SIDE}.webp") + _FRAMES_END

    @property
    def is_sound(self) -> bool:
        """Whether the keys are ours and name the same picture, and the numbers can be those of a picture."""
        is_one = self.sha256 != "" and self.sha256 == sha256_of(self.preview)
        numbers = (self.width, self.height, self.bytes)
        return is_one and _PREVIEW.fullmatch(self.preview) is not None and all(0 < each < 2**31 for each in numbers)


def full_key(folder: str, sha256: str) -> str:
    """The key of a picture; `folder` is the topic prefix and FOLDER.

    >>> full_key("shop.pictures", "ab" * 32)[:25]
    'shop.pictures/ab/abababab'
    """
    return f"{folder}/{sha256[:2]}/{sha256}.webp"


def preview_key(folder: str, sha256: str) -> str:
    """The key of a picture's preview."""
    return f"{folder}/{sha256[:2]}/{sha256}.{PREVIEW_SIDE}.webp"


def frames_key(folder: str, sha256: str) -> str:
    """The key of a clip's key frames (docs/adr/0060)."""
    return f"{folder}/{sha256[:2]}/{sha256}{_FRAMES_END}"


def sha256_of(key: str) -> str | None:
    """The hash in a key of a picture, a preview or key frames; None for one that is none of ours, as one with `..`."""
    found = _FULL.fullmatch(key) or _PREVIEW.fullmatch(key) or _FRAMES.fullmatch(key)
    return None if found is None else found[2]
