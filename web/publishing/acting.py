"""For whom a request acts."""

from typing import Any

from litestar import Request
from litestar.datastructures import State


def acting_user(request: Request[Any, Any, State]) -> str | None:
    """The only user whom the caller may act for, as a user's token says; None for a key, and where there are none."""
    admitted: Any = request.scope.get("state", {}).get("sightline_admitted")
    user: str | None = None if admitted is None else admitted.caller.user
    return user
