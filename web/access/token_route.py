"""POST /v1/users/{user_id}/token: a server with a key gets a token for the browser of one user."""

import msgspec
from litestar import post
from litestar.handlers import HTTPRouteHandler

from web.access.tokens import UserTokens
from web.problems import Problem


class Token(msgspec.Struct, frozen=True):
    """A user's token, and when it ends, in milliseconds of Unix time."""

    token: str
    expires_at_ms: int


def token_handler(tokens: UserTokens) -> HTTPRouteHandler:
    """The handler."""

    @post("/v1/users/{user_id:str}/token", status_code=200, sync_to_thread=False, summary="A token for one user")
    def token(user: str) -> Token:
        if not tokens.can_sign:
            raise Problem(
                404,
                "No tokens are signed here",
                "this server has no key to sign users' tokens with",
                remedy="set SIGHTLINE_WEB_TOKEN_KEY",
            )
        return Token(*tokens.sign(user))

    return token
