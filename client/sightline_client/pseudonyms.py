"""Users under other names: what a publisher can put in place of an id, so that no id of a user ever reaches Kafka."""

import hmac
from base64 import urlsafe_b64encode
from hashlib import sha256

import msgspec

from sightline_client.events import AppEvent, ItemChange


def pseudonym(key: bytes, user_id: str) -> str:
    """The user's name under this key: 128 bits of HMAC-SHA256, in 22 characters that may stand anywhere.

    >>> pseudonym(b"a key of thirty-two characters..", "u1")
    'cYs7jRt4SGXg2M1kj3IsvQ'
    """
    return urlsafe_b64encode(hmac.new(key, user_id.encode(), sha256).digest()[:16]).rstrip(b"=").decode()


def pseudonymous(key: bytes, event: AppEvent) -> AppEvent:
    """The event with its user's name under this key; nothing else of it is changed."""
    if isinstance(event, ItemChange):
        return event
    return msgspec.structs.replace(event, user_id=pseudonym(key, event.user_id))
