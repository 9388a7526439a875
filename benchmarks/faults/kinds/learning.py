"""Faults of the ranker that learns: its worker is killed, runs twice, or learns lies."""

import time
from collections.abc import Iterable, Iterator
from contextlib import closing
from itertools import chain, islice, pairwise

import numpy as np
from confluent_kafka import Producer

from benchmarks.faults.fault import Fault
from benchmarks.faults.outcome import Unmet
from benchmarks.faults.system import System
from inference.ranking.features import FEATURES
from inference.ranking.lessons import Lesson, encode_lesson
from inference.ranking.model import RankerModel
from inference.ranking.net import add_scores
from inference.ranking.weights import CHOSEN_AFTER, LOOKS_LIKE
from streams.kafka.log_reader import KafkaLogReader
from streams.learning.model_log import read_since
from streams.learning.model_record import ModelRecord, decode_record
from streams.learning.steps import hand_scores, miss
from streams.wire.topics import EXAMPLES, MODELS

#: Lessons before the lies, so that there is a version that is better than the hand weights, and lies.
TAUGHT = 3000
LIES = 1000
#: By how much the loss of the good version may rise.
COST = 0.01
_CANDIDATES = 40
_JUDGES = 1000


def kill_learner(system: System) -> float:
    """SIGKILL the learner: lists go on. Returns the seconds from its next start until it has learned more."""
    before = _await_learning(system, 0)
    system.workers.kill("learning")
    system.await_lists(set(range(system.settings.partitions)), time.time())
    started_s = time.monotonic()
    system.workers.start("learning")
    _await_learning(system, before.admitted)
    _check_order(_said(system))
    return time.monotonic() - started_s


def run_learner_twice(system: System) -> float:
    """Start a second learner, which waits, then kill the first: returns the seconds until the second goes on."""
    system.workers.start("learning", 2)
    before = _await_learning(system, 0)
    active = 1 if system.workers.partitions("learning", 1, system.topic(EXAMPLES)) else 2
    killed_s = time.monotonic()
    system.workers.kill("learning", active)
    _await_learning(system, before.admitted)
    _check_order(_said(system))
    return time.monotonic() - killed_s


def teach_lies(system: System) -> float:
    """One user sends a thousand lessons whose labels are flipped among a thousand true ones of others.

    Returns the seconds until all are learned; the good version must be as good as before.
    """
    _teach(system, _lessons(TAUGHT, seed=0))
    before = _await_position(system)
    first = _mean_miss(before.ranker())
    if first > _mean_miss(RankerModel()) - COST:
        raise Unmet(f"version {before.version} after {TAUGHT} lessons is no better than the hand weights: {first:.3f}")
    sent_s = time.monotonic()
    true, lies = _lessons(LIES, seed=1), _lessons(LIES, seed=2, liar=7)
    _teach(system, chain.from_iterable(zip(true, lies, strict=True)))
    after = _mean_miss(_await_position(system).ranker())
    if after > first + COST:
        raise Unmet(f"the loss of the good version rose from {first:.3f} to {after:.3f}")
    return time.monotonic() - sent_s


def _mean_miss(model: RankerModel) -> float:
    """How badly a model ranks true lessons that nobody learned."""
    found = []
    for lesson in _lessons(_JUDGES, seed=99):
        features = lesson.features.astype(np.float32)
        scores = hand_scores(features, model.hand)
        add_scores(features, model.net, scores)
        found.append(miss(scores, lesson.chosen))
    return float(np.mean(found))


def _lessons(count: int, *, seed: int, liar: int | None = None) -> Iterator[Lesson]:
    """A world in which looks mean nothing and what others chose means all; the `liar` says the reverse."""
    random = np.random.RandomState(seed)
    for number in range(count):
        features = np.zeros((_CANDIDATES, len(FEATURES)), np.float16)
        features[:, [LOOKS_LIKE, CHOSEN_AFTER]] = random.random_sample((_CANDIDATES, 2)) * (1.0, 0.3)
        suits = features[:, CHOSEN_AFTER].astype(np.float32)
        chosen = int((suits if liar is None else -suits).argmax())
        yield Lesson(1000 + number if liar is None else liar, number, features, chosen, 1.0)


def _teach(system: System, lessons: Iterable[Lesson]) -> None:
    """Publish lessons as interactions workers do."""
    producer = Producer({"bootstrap.servers": system.services.kafka, "log_level": 0})
    waiting = iter(lessons)
    while batch := list(islice(waiting, 500)):
        for lesson in batch:
            producer.produce(system.topic(EXAMPLES), encode_lesson(lesson), b"0", partition=0)
        producer.flush(60)


def _said(system: System) -> list[ModelRecord]:
    with closing(KafkaLogReader(system.services.kafka)) as log:
        return [decode_record(record.value or b"") for record in read_since(log, system.topic(MODELS), 0)[0]]


def _await_learning(system: System, admitted: int) -> ModelRecord:
    """The first record of a learner that has learned more lessons than these."""
    system.await_that(lambda: _admitted(system) > admitted, "the learner has learned more")
    return _said(system)[-1]


def _admitted(system: System) -> int:
    said = _said(system)
    return said[-1].admitted if said else -1


def _await_position(system: System) -> ModelRecord:
    """The first record after all lessons that are there now."""
    (end,) = system.ends(EXAMPLES).values()
    system.await_that(lambda: any(each.position >= end - 1 for each in _said(system)), "all lessons are learned")
    return _said(system)[-1]


def _check_order(said: list[ModelRecord]) -> None:
    if any(later.version < earlier.version for earlier, later in pairwise(said)):
        raise Unmet(f"versions went back: {[each.version for each in said]}")


FAULTS = (
    Fault("learner-killed", "SIGKILL of the learner, started again", kill_learner, within_s=60, learning=1),
    Fault("learner-twice", "two learners, SIGKILL of the one that learns", run_learner_twice, within_s=60, learning=1),
    Fault("learner-poisoned", "1,000 lessons with flipped labels from one user", teach_lies, within_s=60, learning=1),
)
