"""The words of an item, its title and description, as a vector."""

from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

#: The tower that all workers of this release use, and its dimensions; vectors of another are never compared with it.
VERSION: Final = "all-minilm-l6-v2@1"
DIMENSIONS: Final = 384
#: The tower's name in Triton.
MODEL: Final = "words_encoder"
#: The least cosine of words that fit each other, measured for this tower (docs/words.md).
LEAST_FIT: Final = 0.35
#: Characters of a text that are embedded; the tower reads about 500 of them.
TEXT_LIMIT: Final = 2000


@dataclass(frozen=True, slots=True)
class ItemWords:
    """`vector` is the unit vector of a text by a version of the tower, little-endian float16 [DIMENSIONS].

    It is empty where the tower can read nothing of the text. `text` is the hash of the text (`text_hash`).
    """

    version: str
    text: bytes
    vector: bytes

    @property
    def is_sound(self) -> bool:
        """Whether it has the lengths that it must have."""
        return 0 < len(self.version) <= 128 and len(self.text) == 8 and len(self.vector) in (0, 2 * DIMENSIONS)


def text_of(title: str | None, description: str | None) -> str:
    """What is embedded of an item; empty where it says nothing.

    >>> text_of("Red shirt", None), text_of("Red shirt", "100 % cotton "), text_of(" ", None)
    ('Red shirt', 'Red shirt. 100 % cotton', '')
    """
    return ". ".join(part.strip() for part in (title, description) if part and part.strip())[:TEXT_LIMIT]


def text_hash(text: str) -> bytes:
    """The first 64 bits of the BLAKE2b of a text: whether a vector is that of what the item says now."""
    return blake2b(text.encode(), digest_size=8).digest()
