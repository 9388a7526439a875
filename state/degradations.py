"""Conditions that processes share, such as a missing encoder. A condition expires unless it is reported again."""

from collections.abc import Sequence

from state.keys import names_of
from state.redis import Client, Observer, reporting

CONDITION_SECONDS = 10


class Degradations:
    """Named conditions, such as "encoder" (new pictures wait), in Redis. Methods raise StateUnavailable."""

    def __init__(self, client: Client, app: str, names: Sequence[str], *, observe: Observer) -> None:
        self._client = client
        self._keys = {name: f"{names_of(app)}{{conditions}}:{name}" for name in names}
        self._observe = observe

    async def report(self, name: str) -> None:
        """Set the condition for the next CONDITION_SECONDS."""
        async with reporting("condition", self._observe):
            await self._client.set(self._keys[name], "1", ex=CONDITION_SECONDS)

    async def current(self) -> list[str]:
        """Return the conditions that hold now."""
        async with reporting("conditions", self._observe):
            values = await self._client.mget(list(self._keys.values()))
        return [name for name, value in zip(self._keys, values, strict=True) if value is not None]
