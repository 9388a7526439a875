"""Who asks, as a value: what they may do, and under which name their requests are counted."""

from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address

from litestar.types import HTTPScope, Scope

from streams.web_door.keys import KeyScope
from web.access.matching import Match
from web.problems import Problem

_KEPT = "sightline_admitted"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks.

    `name` is for people, as in "key 'feed'"; by `counted` requests and streams are counted. `user`: the only user whom
    the caller may act for; None with a key. `until_s`: when the token ends, in seconds of Unix time.
    """

    name: str
    counted: str
    scopes: frozenset[KeyScope] = frozenset()
    user: str | None = None
    until_s: float | None = None

    def check_user(self, user_id: str | None) -> None:
        """Raise Problem 403 where the caller may act only for another user than this one."""
        if self.user is not None and self.user != user_id:
            raise Problem(
                403,
                "This token is another user's",
                f"{self.name} is good for its own user alone, and the request is about another one",
                remedy="ask for that user's token, or use a key",
            )

    def check(self, match: Match) -> None:
        """Raise Problem 403 where the caller may not use this route."""
        rule = match.rule
        if rule.scope is None or self.scopes & {rule.scope, "admin"}:
            return
        if self.user is None:
            raise Problem(
                403,
                "This key is not for that",
                f"{self.name} has the scopes {', '.join(sorted(self.scopes))}, and {match.route} needs {rule.scope}",
                remedy=f"use a key with the scope {' or '.join(dict.fromkeys((rule.scope, 'admin')))}",
            )
        if not rule.user:
            raise Problem(
                403,
                "A user's token is not for that",
                f"{match.route} needs a key with the scope {rule.scope}",
                remedy=f"let a server with such a key ask, not {self.name}'s app",
            )
        if match.user_id is not None:
            self.check_user(match.user_id)


@dataclass(frozen=True, slots=True)
class Admitted:
    """A request that was let in: its route, and who asks."""

    match: Match
    caller: Caller


def keep(scope: Scope, admitted: Admitted) -> None:
    """Keep with the request who asks, for the checks behind and for handlers."""
    scope.setdefault("state", {})[_KEPT] = admitted


def admitted_of(scope: Scope) -> Admitted:
    """The route of a request, and who asks; only for requests that were let in."""
    found: Admitted = scope["state"][_KEPT]
    return found


def caller_of(scope: Scope) -> Caller:
    """Who asks; only for requests that were let in."""
    return admitted_of(scope).caller


def address_of(scope: HTTPScope) -> str:
    """The address of the client for counting: of IPv6 the network of 64 bits, which one client has whole."""
    host = client[0] if (client := scope.get("client")) else ""
    try:
        address = ip_address(host)
    except ValueError:
        return host[:64]
    if not isinstance(address, IPv6Address):
        return host
    return str(address.ipv4_mapped or IPv6Address(int(address) >> 64 << 64))
