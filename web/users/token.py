"""POST /v1/users/{id}/token: a server with a key gets a token for the browser of one user."""

import msgspec
from litestar import post

from web.access.tokens import UserTokens
from web.ids import UserId
from web.parts import FromParts
from web.problems import Problem


class Token(msgspec.Struct, frozen=True):
    """A user's token, and when it ends, in milliseconds of Unix time."""

    token: str
    expires_at_ms: int


@post("/v1/users/{user_id:str}/token", status_code=200, summary="A token with which a browser acts for one user")
async def token(user: UserId, parts: FromParts) -> Token:
    """Sign a token for an hour; 404 where SIGHTLINE_WEB_TOKEN_KEY is not set."""
    tokens = UserTokens(parts.settings.web_signers)
    if not tokens.can_sign:
        raise Problem(
            404,
            "No tokens are signed here",
            "this server has no key to sign the tokens of users with",
            remedy="set SIGHTLINE_WEB_TOKEN_KEY and SIGHTLINE_WEB_KEYS",
        )
    return Token(*tokens.sign(user))
