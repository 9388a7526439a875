"""Under which names users are known, here and in Kafka."""

from sightline_client.pseudonyms import pseudonym
from streams.settings import Settings


def pseudonym_key(settings: Settings) -> bytes | None:
    """The key that our publishers hide user ids with, if any."""
    return None if settings.pseudonym_key is None else settings.pseudonym_key.get_secret_value().encode()


def known_as(settings: Settings, user_id: str) -> str:
    """The id under which a user is known beyond our publishers."""
    key = pseudonym_key(settings)
    return user_id if key is None else pseudonym(key, user_id)
