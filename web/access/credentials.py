"""Who a request comes from: a key or a token in its Authorization header, or a token in the address of a stream."""

from collections.abc import Sequence
from hmac import compare_digest
from typing import Final
from urllib.parse import parse_qs

from litestar.types import HTTPScope

from streams.web_door.keys import WebKey, key_hash
from web.access.asgi import header
from web.access.caller import Caller, address_of
from web.access.tokens import UserTokens
from web.problems import Problem

_CHALLENGE: Final = {"WWW-Authenticate": 'Bearer realm="sightline"'}
_HOW: Final = "send `Authorization: Bearer KEY`; `sightline web-key` makes keys"
_TOKEN: Final = b"token="


class Credentials:
    """Knows the keys and reads the tokens. Without keys callers may do everything, as the door is on loopback alone."""

    def __init__(self, keys: Sequence[WebKey], tokens: UserTokens) -> None:
        self._keys = keys
        self._tokens = tokens

    def caller(self, scope: HTTPScope, *, stream: bool) -> Caller:
        """Who asks; raises Problem 401 where that is not known. Of a stream, the token is taken out of the address."""
        if not self._keys:
            return Caller("this machine", f"address {address_of(scope)}", frozenset({"admin"}))
        given = _bearer(scope)
        if stream and (in_address := _token_of(scope)) is not None and given is None:
            return self._by_token(in_address)
        if given is None:
            raise Problem(
                401, "A key is needed", "the request has no Authorization header", remedy=_HOW, headers=_CHALLENGE
            )
        return self._by_token(given) if "." in given else self._by_key(given)

    def _by_key(self, given: str) -> Caller:
        digest = key_hash(given)
        # All are compared, each in constant time: how long it takes says nothing about any of them.
        found = [key for key in self._keys if compare_digest(key.sha256, digest)]
        if not found:
            raise Problem(
                401, "This key is not known", "no key of this server is the one that was sent", remedy=_HOW,
                headers={"WWW-Authenticate": 'Bearer realm="sightline", error="invalid_token"'},
            )  # fmt: skip
        return Caller(f"key {found[0].name!r}", f"key {found[0].name}", found[0].scopes)

    def _by_token(self, given: str) -> Caller:
        user_id, until_s = self._tokens.read(given)
        return Caller("the user's token", f"user {user_id}", user=user_id, until_s=until_s)


def anybody(scope: HTTPScope) -> Caller:
    """Somebody who needs no key for what they ask, or has none that counts."""
    return Caller("this address", f"address {address_of(scope)}")


def _bearer(scope: HTTPScope) -> str | None:
    given = header(scope, b"authorization")
    if given is None:
        return None
    scheme, _, value = given.strip().partition(" ")
    if scheme.lower() != "bearer" or not value.strip():
        raise Problem(
            401, "This Authorization header cannot be used", "it does not begin with Bearer, or has nothing behind it",
            remedy=_HOW, headers=_CHALLENGE,
        )  # fmt: skip
    return value.strip()


def _token_of(scope: HTTPScope) -> str | None:
    """The token in the address, which no handler or log behind sees."""
    parts = scope["query_string"].split(b"&")
    tokens = [part for part in parts if part.startswith(_TOKEN)]
    if not tokens:
        return None
    scope["query_string"] = b"&".join(part for part in parts if not part.startswith(_TOKEN))
    return parse_qs(tokens[0].decode("latin-1")).get("token", [""])[0]
