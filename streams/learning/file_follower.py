"""Follows the file of a model: lists are made by the newest one."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from prometheus_client import Counter, Gauge

from inference.behaviour import factor_file
from inference.behaviour.factor_file import Factors, decode_factors
from inference.errors import ModelRefused
from inference.sequence import model as sequence_file
from inference.sequence.model import SequenceModel, decode_model
from streams.learning.model_file import ModelFile
from streams.logs import Seldom, log
from streams.metrics import FACTOR_ITEMS, FACTORS_REFUSED, SEQUENCE_ITEMS, SEQUENCE_REFUSED
from streams.objects.errors import ObjectMissing, ObjectsUnavailable
from streams.processing.background import end, every, failure_of

LOOK_EVERY_S: Final = 10.0
_Model = TypeVar("_Model", bound=Factors | SequenceModel)


@dataclass(frozen=True, slots=True)
class Kind(Generic[_Model]):
    """A kind of model: its name in logs, its greatest file, and what counts the items it knows and files refused."""

    name: str
    most_bytes: int
    decode: Callable[[bytes], _Model]
    items: Gauge
    refused: Counter


FACTORS: Final = Kind("factors", factor_file.FILE_BYTES, decode_factors, FACTOR_ITEMS, FACTORS_REFUSED)
SEQUENCE: Final = Kind("sequence", sequence_file.FILE_BYTES, decode_model, SEQUENCE_ITEMS, SEQUENCE_REFUSED)


class FileFollower(Generic[_Model]):
    """Looks for a newer file in the background. `model` is the last one that this release can use.

    It is None until there is one: lists are made without it. While the file is away, or a bad one lies in its place,
    the last one stays.
    """

    def __init__(self, kind: Kind[_Model], file: ModelFile) -> None:
        self.model: _Model | None = None
        self._kind = kind
        self._file = file
        self._version: str | None = None
        self._refused = ""
        self._seldom = Seldom(600.0)
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Look once, then go on in the background; where that fails, lists are made without the model."""
        await self.look()
        self._task = every(LOOK_EVERY_S, self.look, name=f"file of {self._kind.name}")

    async def stop(self) -> None:
        """Stop looking; the model stays."""
        await end(self._task)

    @property
    def failure(self) -> BaseException | None:
        """The exception that ended the background task; None while it runs."""
        return failure_of(self._task)

    async def look(self) -> None:
        """Read the file, if it is another one than the last time."""
        kind = self._kind
        try:
            found = await self._file.read(kind.most_bytes, self._version)
            if found is not None:
                data, self._version = found
                self.model = await asyncio.to_thread(kind.decode, data)
                log.info(f"{kind.name}_read", items=len(self.model.keys), file=self._file.place)
        except (ObjectMissing, ObjectsUnavailable) as error:
            if self._seldom.left_out("unavailable") is not None:
                log.warning(f"{kind.name}_unavailable", error=str(error), lists_by=self._label())
        except ModelRefused as error:
            self._refuse(str(error))
        kind.items.set(0 if self.model is None else len(self.model.keys))

    def _refuse(self, error: str) -> None:
        # A file that is too large is refused before its version is known, at each look.
        if error != self._refused:
            self._refused = error
            self._kind.refused.inc()
            log.error(f"{self._kind.name}_refused", error=error, file=self._file.place, lists_by=self._label())

    def _label(self) -> str:
        name = self._kind.name
        return f"no {name}" if self.model is None else f"the {name} of {len(self.model.keys)} items"
