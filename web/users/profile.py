"""GET /v1/users/{id}: what is known of a user, in words."""

from dataclasses import dataclass, fields

from litestar import get

from inference.explain.in_words import ProfileInWords
from streams.interactions.one_user import describe_user
from web.ids import UserId
from web.parts import FromParts


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribedUser(ProfileInWords):
    """A user's profile in words; of one of whom nothing is stored it is empty, and `known` is false."""

    user_id: str


@get("/v1/users/{user_id:str}", summary="What is known of a user")
async def profile(user: UserId, parts: FromParts) -> DescribedUser:
    """Give the profile in words: interests by the items that stand for them, what was chosen and refused, dials."""
    _, words = await describe_user(parts.profiles, parts.signals, parts.catalog, parts.inlet.known_as(user))
    return DescribedUser(user_id=user, **{each.name: getattr(words, each.name) for each in fields(words)})
