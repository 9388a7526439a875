"""What the processes tell each other about trouble: a condition that its reporter stops repeating goes by itself."""

from collections.abc import Sequence

from state.redis import Client, Observer, reporting

CONDITION_SECONDS = 10


class Degradations:
    """Named conditions such as "encoder" (new pictures wait), shared through Redis; raises StateUnavailable."""

    def __init__(self, client: Client, tag: str, names: Sequence[str], *, observe: Observer) -> None:
        self._client = client
        self._keys = {name: f"{{{tag}conditions}}:{name}" for name in names}
        self._observe = observe

    async def report(self, name: str) -> None:
        """Say that the condition holds for the next CONDITION_SECONDS."""
        async with reporting("condition", self._observe):
            await self._client.set(self._keys[name], "1", ex=CONDITION_SECONDS)

    async def current(self) -> list[str]:
        """The conditions that hold now."""
        async with reporting("conditions", self._observe):
            values = await self._client.mget(list(self._keys.values()))
        return [name for name, value in zip(self._keys, values, strict=True) if value is not None]
