"""Follows the file of latent factors: lists are made by the newest one."""

import asyncio
from typing import Final

from inference.behaviour.factor_file import FILE_BYTES, Factors, decode_factors
from inference.errors import ModelRefused
from streams.learning.model_file import ModelFile
from streams.logs import Seldom, log
from streams.metrics import FACTOR_ITEMS, FACTORS_REFUSED
from streams.processing.background import end, every, failure_of
from streams.uploads.object_store import ObjectMissing, ObjectsUnavailable

LOOK_EVERY_S: Final = 10.0


class FactorFollower:
    """Looks for a newer file in the background. `factors` are the last ones that this release can use.

    They are None until there are any: lists are made without them. While the file is away, or a bad one lies in its
    place, the last ones stay.
    """

    def __init__(self, file: ModelFile) -> None:
        self.factors: Factors | None = None
        self._file = file
        self._version: str | None = None
        self._refused = ""
        self._seldom = Seldom(600.0)
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Look once, then go on in the background; where that fails, lists are made without factors."""
        await self.look()
        self._task = every(LOOK_EVERY_S, self.look, name="latent factors")

    async def stop(self) -> None:
        """Stop looking; the factors stay."""
        await end(self._task)

    @property
    def failure(self) -> BaseException | None:
        """The exception that ended the background task; None while it runs."""
        return failure_of(self._task)

    async def look(self) -> None:
        """Read the file, if it is another one than the last time."""
        try:
            found = await self._file.read(FILE_BYTES, self._version)
            if found is not None:
                data, self._version = found
                self.factors = await asyncio.to_thread(decode_factors, data)
                log.info("factors_read", items=len(self.factors.keys), file=self._file.place)
        except (ObjectMissing, ObjectsUnavailable) as error:
            if self._seldom.left_out("unavailable") is not None:
                log.warning("factors_unavailable", error=str(error), lists_by=self._label())
        except ModelRefused as error:
            self._refuse(str(error))
        FACTOR_ITEMS.set(0 if self.factors is None else len(self.factors.keys))

    def _refuse(self, error: str) -> None:
        # A file that is too large is refused before its version is known, at each look.
        if error != self._refused:
            self._refused = error
            FACTORS_REFUSED.inc()
            log.error("factors_refused", error=error, file=self._file.place, lists_by=self._label())

    def _label(self) -> str:
        return "no factors" if self.factors is None else f"the factors of {len(self.factors.keys)} items"
