"""The gate for uploaded pictures: what has a fault or is a copy is reported, held or refused (docs/adr/0038)."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from features.item import Item, key_of
from features.vision.gate.clip_hashes import asked_of_clip, kept_of_clip
from features.vision.gate.clips import is_fault_of
from features.vision.gate.judge import Judged
from features.vision.gate.picture_hash import asked_of, kept_of
from features.vision.gate.policy import GatePolicy
from features.vision.gate.table import BY_TILES, Fault, ModelFault
from inference.catalog.catalog import Catalog
from inference.catalog.clips.hashes import copied_clips
from inference.catalog.copied_pictures import among_copies, nearest_copy
from inference.errors import BadScore
from inference.gate.scores import Score
from streams.errors import InvalidEvent
from streams.metrics import COPIES, GATE
from streams.processing.degradations import Reporter, until_served
from streams.processing.together import together


@dataclass(frozen=True, slots=True)
class ModelCheck:
    """A picture with at least the score `least` has the fault. `report_trouble` gets each attempt that fails."""

    fault: ModelFault
    score: Score
    least: float
    report_trouble: Reporter

    async def found(self, frames: NDArray[np.uint8], tiles: NDArray[np.uint8] | None) -> bool:
        """Whether frames uint8 [n, 224, 224, 3] have the fault, or tiles of frames [m, t, 224, 224, 3] do, where asked.

        A frame has it if one of its tiles does. It waits while the model is away. Raises InvalidEvent.
        """
        by_tiles = tiles if self.fault in BY_TILES else None
        seen = frames if by_tiles is None else by_tiles.reshape(-1, *frames.shape[1:])
        try:
            scores = await until_served(lambda: self.score(seen), self.report_trouble)
        except BadScore as error:
            raise InvalidEvent("not_judged", str(error)) from error
        by_frame = (scores >= self.least).reshape(len(frames if by_tiles is None else by_tiles), -1)
        return is_fault_of(self.fault, [bool(each.any()) for each in by_frame])


class Gate:
    """Decides by a policy, and counts. Copies are looked for in a replica of the catalogue."""

    def __init__(self, policy: GatePolicy, checks: Sequence[ModelCheck] = ()) -> None:
        self._policy = policy
        self._checks = checks

    @property
    def wants_tiles(self) -> bool:
        """Whether a model is asked about tiles."""
        return any(check.fault in BY_TILES for check in self._checks)

    async def admit(self, judged: Judged, frames: NDArray[np.uint8], tiles: NDArray[np.uint8] | None) -> Judged:
        """What is known of an upload's picture before anything is made of it; raises InvalidEvent if it is dropped."""
        self._refuse(judged.faults)
        has = await together(check.found(frames, tiles) for check in self._checks)
        found = tuple(check.fault for check, is_found in zip(self._checks, has, strict=True) if is_found)
        self._refuse(found)
        return replace(judged, faults=(*judged.faults, *found))

    def _refuse(self, faults: Iterable[Fault]) -> None:
        """Raise InvalidEvent if one of the faults is one for which pictures are dropped."""
        dropped = self._policy.that("drop", faults)
        for fault in dropped:
            GATE.labels(fault, "drop").inc()
        if dropped:
            raise InvalidEvent("gate", f"{', '.join(dropped)}: SIGHTLINE_GATE drops such pictures; send another one")

    async def judge(self, item: Item, judged: Judged, catalog: Catalog) -> Item:
        """The uploaded item with what the gate says of its picture; raises InvalidEvent if it is dropped."""
        item = await _compared(item, judged.hashes, catalog)
        faults: tuple[Fault, ...] = judged.faults if item.copy_of is None else (*judged.faults, "copy")
        self._refuse(faults)
        for fault in faults:
            GATE.labels(fault, self._policy.decision(fault)).inc()
        return replace(item, faults=faults, held=self._policy.that("hold", faults))


async def _compared(item: Item, hashes: bytes, catalog: Catalog) -> Item:
    """The item with its hashes: if another one has the picture or clip, that one's; `copy_of` if it has another owner.

    Looked for is in a thread, among all rows: a million pictures take a tenth of a second. A row may become another
    item's meanwhile, so what was found is compared once more.
    """
    kept = kept_of(hashes) if item.clip is None else kept_of_clip(hashes)
    find = _copied_picture if item.clip is None else _copied_clip
    row = None if kept is None else await find(hashes, item.item_id, catalog)
    if row is None:
        return replace(item, hashes=kept)
    owner = int(catalog.owners[row])
    whose = "unknown" if owner == 0 else "own" if item.owner and owner == key_of(item.owner) else "other"
    COPIES.labels(whose).inc()
    copy_of = catalog.item_ids[row] if whose == "other" else None
    return replace(item, hashes=catalog.kept_hashes(row), copy_of=copy_of)


async def _copied_picture(hashes: bytes, item_id: str, catalog: Catalog) -> int | None:
    asked = asked_of(hashes)
    found = await asyncio.to_thread(among_copies, asked, catalog.hashes)
    return nearest_copy(asked, catalog.hashes, catalog.originals(item_id, found))


async def _copied_clip(hashes: bytes, item_id: str, catalog: Catalog) -> int | None:
    asked = asked_of_clip(hashes)
    found = await asyncio.to_thread(copied_clips, asked, catalog.clip_hashes.all())
    originals = catalog.clip_hashes.of(catalog.originals(item_id, found))
    return next(iter(copied_clips(asked, originals).tolist()), None)
