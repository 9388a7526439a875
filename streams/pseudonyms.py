"""The ids of users in Kafka: pseudonyms if a key is set."""

from sightline_client.pseudonyms import pseudonym
from streams.settings import Settings


def pseudonym_key(settings: Settings) -> bytes | None:
    """The key with which publishers make pseudonyms; None if it is not set."""
    return None if settings.pseudonym_key is None else settings.pseudonym_key.get_secret_value().encode()


def known_as(settings: Settings, user_id: str) -> str:
    """The id of a user in Kafka and Redis."""
    key = pseudonym_key(settings)
    return user_id if key is None else pseudonym(key, user_id)
