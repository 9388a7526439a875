"""Follows the file of a model: a worker goes by the newest one."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from inference.errors import ModelRefused
from streams.learning.model_file import ModelFile
from streams.learning.model_kinds import FollowedModel, ModelKind
from streams.learning.troubles import Troubles
from streams.logs import log
from streams.objects.errors import ObjectMissing, ObjectsUnavailable
from streams.processing.background import Periodic
from streams.retrying import until_available

_Model = TypeVar("_Model", bound=FollowedModel)


def prepared_at_once(_model: object) -> Iterator[None]:
    """Of a model that is followed as it was read."""
    return iter(())


class FileFollower(Periodic, Generic[_Model]):
    """Looks for a newer file in the background. `model` is the last one that this release can use.

    It is None until there is one: the worker does without it. While the file is away, or a bad one lies in its place,
    the last one stays. Each look at a bad one is counted. A new one is followed once it is prepared: `prepare` yields
    wherever the process may do something else.
    """

    def __init__(
        self, kind: ModelKind[_Model], file: ModelFile, prepare: Callable[[_Model], Iterator[None]] = prepared_at_once
    ) -> None:
        super().__init__(kind.every_s, name=f"file of {kind.source}")
        self.model: _Model | None = None
        self._kind = kind
        self._file = file
        self._prepare = prepare
        #: The last version that was read, and whether it is a bad one.
        self._version: str | None = None
        self._is_bad = False
        self._troubles = Troubles(unavailable=f"{kind.source}_unavailable", refused=f"{kind.source}_refused")

    async def start(self) -> None:
        """Look once, then go on in the background.

        Where that fails, lists are made without the model; of a kind that is needed, an object store that is away is
        waited for, and ObjectMissing or ModelRefused is raised.
        """
        if self._kind.is_needed:
            await until_available(self._read, ObjectsUnavailable)
        else:
            await self.look()
        await super().start()

    async def look(self) -> None:
        """Read the file, if it is another one than the last time."""
        try:
            await self._read()
        except (ObjectMissing, ObjectsUnavailable) as error:
            self._troubles.unavailable(error, self._label())
        except ModelRefused as error:
            self._kind.refused.inc()
            self._troubles.refused(error, self._label(), file=self._file.place)

    async def _read(self) -> None:
        """As `look`; raises ObjectMissing, ObjectsUnavailable, ModelRefused."""
        kind = self._kind
        try:
            found = await self._file.read(kind.most_bytes, self._version)
            if found is not None:
                await self._decode(*found)
            elif self._is_bad:
                kind.refused.inc()
        finally:
            kind.items.set(0 if self.model is None else len(self.model.keys))

    async def _decode(self, data: bytes, version: str) -> None:
        self._version, self._is_bad = version, True
        model = await asyncio.to_thread(self._kind.decode, data)
        self._is_bad = False
        for _ in self._prepare(model):
            await asyncio.sleep(0)
        self.model = model
        self._troubles.are_over()
        log.info(f"{self._kind.source}_read", items=len(model.keys), file=self._file.place)

    def _label(self) -> str:
        name = self._kind.source
        return f"no {name}" if self.model is None else f"{name} with {len(self.model.keys)} entries"
