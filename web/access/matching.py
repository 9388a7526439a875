"""Which rule a request falls under, by its path as it was sent.

The path is split before it is decoded, as the app does it: an id may hold a slash, and `%2F` never divides a path.
"""

from dataclasses import dataclass
from typing import Final

from web.access.rules import RULES, Rule
from web.ids import decoded
from web.problems import Problem

_REST: Final = ":path}"


@dataclass(frozen=True, slots=True)
class Match:
    """A request's route: as the table has it, what it needs, and the user whom its path names."""

    route: str
    rule: Rule
    user_id: str | None


class Routes:
    """The table of rules, by the parts of their paths."""

    def __init__(self) -> None:
        #: By the number of their parts; 0 stands for those that end with the rest of a path.
        self._rules: dict[int, list[tuple[str, list[bytes], str, Rule]]] = {}
        for route, rule in RULES.items():
            method, pattern = _split(route)
            length = 0 if route.endswith(_REST) else len(pattern)
            self._rules.setdefault(length, []).append((method, pattern, route, rule))

    def match(self, method: str, raw_path: bytes) -> Match:
        """The rule of a request; raises Problem: 404 an unknown path, 405 another method, 400 a bad user id."""
        parts = raw_path.split(b"/")[1:]
        allowed = []
        for its_method, pattern, route, rule in (*self._rules.get(len(parts), ()), *self._rules[0]):
            if not _fits(pattern, parts):
                continue
            if its_method == method:
                return Match(route, rule, _user(pattern, parts))
            allowed.append(its_method)
        if allowed:
            raise Problem(
                405,
                "This method is not for this path",
                f"{method} is not among what this path takes: {', '.join(allowed)}",
                headers={"Allow": ", ".join(allowed)},
            )
        raise Problem(
            404,
            "There is nothing at this path",
            f"no route fits this path of {len(raw_path)} bytes",
            remedy="/openapi.json lists all routes; an id in a path must be percent-encoded, also its slashes",
        )


def _split(route: str) -> tuple[str, list[bytes]]:
    method, _, path = route.partition(" ")
    return method, [part.encode() for part in path.split("/")[1:]]


def _fits(pattern: list[bytes], parts: list[bytes]) -> bool:
    if len(parts) < len(pattern):
        return False
    return all(part == each or (part and each.startswith(b"{")) for each, part in zip(pattern, parts, strict=False))


def _user(pattern: list[bytes], parts: list[bytes]) -> str | None:
    if b"{user_id}" not in pattern:
        return None
    return decoded("user", parts[pattern.index(b"{user_id}")].decode("ascii", "replace"))
