"""How diverse the lists of an experiment are, from those that the topic of lists still has."""

from collections.abc import Sequence

import msgspec
import numpy as np

from inference.catalog.catalog import Catalog
from inference.experiment import Experiment
from inference.ranking.diversity import diversities
from sightline_client.lists import ExperimentArm
from sightline_client.parsing import UNREADABLE
from streams.wire.records import Record


class _Slot(msgspec.Struct, frozen=True, gc=False):
    item_id: str


class _List(msgspec.Struct, frozen=True):
    """The fields of a list that are read here."""

    user_id: str
    seq: int
    kind: str
    items: list[_Slot]
    experiment: ExperimentArm | None = None


_decode = msgspec.json.Decoder(_List).decode


class Published:
    """Reads the topic of lists. A list counts for its user if it names the experiment and the user's arm.

    `misplaced` counts the feeds that name another arm, another experiment, or none.
    """

    def __init__(self, experiment: Experiment, catalog: Catalog) -> None:
        self.misplaced = 0
        self._experiment = experiment
        self._catalog = catalog
        #: The diversity of each user's lists by `seq`: a list may come twice.
        self._found: dict[str, dict[int, float]] = {}

    def add(self, record: Record) -> None:
        """Read the next record of a partition; what is no feed says nothing."""
        if record.value is None:
            # The user withdrew the list.
            self._found.pop((record.key or b"").decode(errors="replace"), None)
            return
        try:
            made = _decode(record.value)
        except UNREADABLE:
            return
        if made.kind != "feed":
            return
        expected = ExperimentArm(name=self._experiment.name, arm=self._experiment.arm_of(made.user_id).name)
        if made.experiment != expected:
            self.misplaced += 1
            return
        measured = list_diversity(self._catalog, [slot.item_id for slot in made.items])
        if measured is not None:
            self._found.setdefault(made.user_id, {})[made.seq] = measured

    def measured(self, user_id: str) -> tuple[int, float]:
        """How many lists of a user count, and the sum of their diversities."""
        found = self._found.get(user_id, {})
        return len(found), sum(found.values())


def list_diversity(catalog: Catalog, item_ids: Sequence[str]) -> float | None:
    """1 - the mean cosine similarity of neighbouring slots whose items the catalogue has; None for under two."""
    rows = np.array([row for item_id in item_ids if (row := catalog.row_of(item_id)) is not None], np.int64)
    return float(diversities(rows[None], catalog.pictures.vectors(rows)[None])[0]) if len(rows) > 1 else None
