"""Tokens that let a browser act for one user, for an hour at most: JWT (RFC 7519), HS256 and nothing else."""

import time
from collections.abc import Callable, Sequence
from typing import Final

import jwt
import msgspec
from jwt.exceptions import InvalidSubjectError
from jwt.types import Options

from sightline_client.fields import Id
from web.problems import Problem

AUDIENCE: Final = "sightline"
#: Seconds that a token is good for at most.
LONGEST_S: Final = 3600
#: Seconds that the clocks of who signs and who reads may differ.
_SKEW_S: Final = 60
_ALGORITHM: Final = "HS256"
#: What is checked below is not checked twice, and what is not ours (nbf, iat, jti, iss) counts for nothing.
_CHECKED: Final[Options] = {
    "require": ["sub", "aud", "exp"],
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
    "verify_jti": False,
    "verify_iss": False,
}


class UserTokens:
    """Signs users' tokens with the first of its keys, and reads those by any of them, so that a key can be replaced."""

    def __init__(self, keys: Sequence[str], now_s: Callable[[], float] = time.time) -> None:
        self._keys = keys
        self._now_s = now_s

    @property
    def can_sign(self) -> bool:
        """Whether there is a key."""
        return bool(self._keys)

    def sign(self, user_id: str) -> tuple[str, int]:
        """A new token for a user, and when it ends, in milliseconds of Unix time. There must be a key."""
        ends_s = int(self._now_s()) + LONGEST_S
        claims = {"sub": user_id, "aud": AUDIENCE, "exp": ends_s}
        return jwt.encode(claims, self._keys[0], _ALGORITHM), ends_s * 1000

    def read(self, token: str) -> tuple[str, int]:
        """The user of a token, and its end in seconds of Unix time; raises Problem 401, which does not quote it."""
        claims = self._signed(token)
        ends_s = claims["exp"]
        try:
            user_id = msgspec.convert(claims["sub"], Id)
            # JSON as Python reads it may have halves of characters.
            user_id.encode()
        except (msgspec.ValidationError, UnicodeEncodeError) as error:
            raise _refused(f"its sub is no user's id ({error})") from None
        if type(ends_s) is not int:
            raise _refused("its exp must be whole seconds of Unix time")
        now_s = self._now_s()
        if ends_s <= now_s:
            raise _refused(f"it ended {min(now_s - ends_s, 1e9):.0f} s ago", "ask your app's server for a new token")
        if ends_s > now_s + LONGEST_S + _SKEW_S:
            raise _refused(f"it is good for more than {LONGEST_S} s", "sign tokens that end within the hour")
        return user_id, ends_s

    def _signed(self, token: str) -> dict[str, object]:
        reason = "this server signs and reads none"
        for key in self._keys:
            try:
                claims: dict[str, object] = jwt.decode(
                    token, key, algorithms=[_ALGORITHM], audience=AUDIENCE, options=_CHECKED
                )
            except jwt.InvalidTokenError as error:
                reason = _WHY.get(type(error), "it is not a JWT that this server can read")
            else:
                return claims
        raise _refused(reason)


#: PyJWT's own words quote what was sent.
_WHY: Final[dict[type[Exception], str]] = {
    jwt.InvalidSignatureError: "its signature is not by this server's key",
    jwt.InvalidAlgorithmError: f"its algorithm is not {_ALGORITHM}",
    jwt.InvalidAudienceError: f'its aud is not "{AUDIENCE}"',
    jwt.MissingRequiredClaimError: "it lacks one of sub, aud and exp",
    InvalidSubjectError: "its sub is not text",
}


def _refused(reason: str, remedy: str = "POST /v1/users/{id}/token with a key gives a token") -> Problem:
    return Problem(
        401,
        "This token cannot be used",
        f"the token is refused: {reason}",
        remedy=remedy,
        headers={"WWW-Authenticate": 'Bearer realm="sightline", error="invalid_token"'},
    )
