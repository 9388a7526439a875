"""Reads what came of an experiment from the topics of a deployment."""

from array import array
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inference.catalog.catalog import Catalog
from inference.experiment import Experiment
from streams.experiments.outcomes import Outcomes, Totals
from streams.experiments.published import Published
from streams.interactions.reducer import parse
from streams.kafka.log_reader import LogReader
from streams.privacy.control_records import ControlRecords
from streams.wire.namespace import Namespace
from streams.wire.topics import INTERACTIONS, RECOMMENDATIONS


@dataclass(frozen=True, slots=True)
class Found:
    """The totals float64 [users, fields of Totals] of each group of users, and the lists that are not as expected.

    `currencies` has the number of purchases with an amount, of all users, by currency.
    """

    totals: dict[str, NDArray[np.float64]]
    misplaced: int
    currencies: Counter[str]


class ExperimentLog:
    """The two topics from a time on, one partition after the other: a user's events and lists have the same one."""

    def __init__(
        self,
        reader: LogReader,
        control_records: ControlRecords,
        catalog: Catalog,
        *,
        namespace: Namespace,
        partitions: int,
    ) -> None:
        self._reader = reader
        self._control_records = control_records
        self._catalog = catalog
        self._namespace = namespace
        self._partitions = partitions

    def read(
        self,
        experiment: Experiment,
        groups: Sequence[str],
        group_of: Callable[[str], str | None],
        since_ms: int,
        currency: str | None = None,
    ) -> Found:
        """What the users of each group did since a time (Unix ms), by lists made since then; None is no group.

        Amounts count in one currency, without it none does. Raises BrokerUnavailable.
        """
        rows = {group: array("d") for group in groups}
        misplaced, currencies = 0, Counter[str]()
        for partition in range(self._partitions):
            published = self._published(experiment, partition, since_ms)
            misplaced += published.misplaced
            outcomes = self._outcomes(partition, since_ms)
            currencies += outcomes.currencies()
            for user_id, totals in outcomes.totals(currency):
                if (group := group_of(user_id)) is not None:
                    measured, diversity = published.measured(user_id)
                    rows[group].extend(totals._replace(measured=measured, diversity=diversity))
        fields = len(Totals._fields)
        return Found({group: np.array(each).reshape(-1, fields) for group, each in rows.items()}, misplaced, currencies)

    def _outcomes(self, partition: int, since_ms: int) -> Outcomes:
        topic = self._namespace.topic(INTERACTIONS)
        first, end = self._reader.offset_at(topic, partition, since_ms), self._reader.extent(topic, partition).end
        outcomes = Outcomes(first)
        for record in self._reader.read(topic, partition, first, end):
            outcomes.add(record, parse(record, self._control_records))
        return outcomes

    def _published(self, experiment: Experiment, partition: int, since_ms: int) -> Published:
        topic = self._namespace.topic(RECOMMENDATIONS)
        first, end = self._reader.offset_at(topic, partition, since_ms), self._reader.extent(topic, partition).end
        published = Published(experiment, self._catalog)
        for record in self._reader.read(topic, partition, first, end):
            published.add(record)
        return published
