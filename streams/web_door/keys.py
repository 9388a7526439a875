"""The keys of the web door as the setting has them: `feed:read:<hash>,shop:publish+read:<hash>`.

A password needs a slow hash, because it can be guessed. A key is 32 random bytes, which nobody guesses: SHA-256 is
enough, and no request waits for it (docs/adr/0047).
"""

import re
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, Literal, get_args

KeyScope = Literal["publish", "read", "admin"]
KEY_SCOPES: Final[tuple[KeyScope, ...]] = get_args(KeyScope)
#: Keys that a door has at most: each is compared with every request's.
KEYS_LIMIT: Final = 256

_NAME: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
_HASH: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class WebKey:
    """One key: its name, what it is for, and the SHA-256 of the key, in hex."""

    name: str
    scopes: frozenset[KeyScope]
    sha256: str

    def entry(self) -> str:
        """What SIGHTLINE_WEB_KEYS holds of it."""
        return f"{self.name}:{'+'.join(scope for scope in KEY_SCOPES if scope in self.scopes)}:{self.sha256}"


def key_hash(key: str) -> str:
    """The SHA-256 of a key, in hex."""
    return sha256(key.encode(errors="surrogateescape")).hexdigest()


def read_web_keys(text: str) -> tuple[WebKey, ...]:
    """The keys of the setting, none for an empty one. Raises ValueError that says which entry is wrong, and why.

    >>> [(key.name, sorted(key.scopes)) for key in read_web_keys("feed:read:" + 64 * "a")]
    [('feed', ['read'])]
    """
    entries = [entry.strip() for entry in text.split(",") if entry.strip()]
    if len(entries) > KEYS_LIMIT:
        raise ValueError(f"has {len(entries)} keys, and may have {KEYS_LIMIT}: give users tokens instead")
    keys = tuple(_read(number, entry) for number, entry in enumerate(entries, start=1))
    names = [key.name for key in keys]
    if twice := [name for name in names if names.count(name) > 1]:
        raise ValueError(f"has two keys with the name {twice[0]!r}: a name says whose requests are counted")
    return keys


def read_key_name(name: str) -> str:
    """The name of a key; raises ValueError where it could not stand in the setting."""
    if not _NAME.fullmatch(name):
        raise ValueError("the name of a key must be 1 to 64 letters, digits, dots, - and _")
    return name


def _read(number: int, entry: str) -> WebKey:
    # An entry is never quoted: who confuses key and hash puts the key here.
    name, scopes, digest, *more = [*entry.split(":"), "", ""]
    where = f"entry {number} is not name:scope+scope:hash (`sightline web-key` makes one): "
    if any(more):
        raise ValueError(f"{where}it has more than two colons")
    try:
        read_key_name(name)
    except ValueError as error:
        raise ValueError(f"{where}{error}") from None
    known = frozenset(scope for scope in KEY_SCOPES if scope in scopes.split("+"))
    if not scopes or len(known) < len(scopes.split("+")):
        raise ValueError(f"{where}its scopes must be some of {', '.join(KEY_SCOPES)}, joined by +")
    if not _HASH.fullmatch(digest):
        raise ValueError(f"{where}its hash must be the SHA-256 of the key, 64 digits of hex in lower case")
    return WebKey(name, known, digest)
