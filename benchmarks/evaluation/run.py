"""Replays a log and judges the lists of the product and of the baselines."""

import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from threadpoolctl import threadpool_limits

from benchmarks.evaluation.baselines.table import baselines_for
from benchmarks.evaluation.crowd import RECENT, Crowd
from benchmarks.evaluation.judged import PRODUCT, Judged
from benchmarks.evaluation.log import Event, Log, UnreadableLog
from benchmarks.evaluation.measures import LENGTHS, Answers
from benchmarks.evaluation.protocols import Protocol, Question, Step, steps_of, steps_of_tail
from benchmarks.evaluation.replayed_world import ReplayedWorld
from inference.factors.training import Choices, train_factors
from inference.sequence.model import SequenceModel
from streams.learning.learner import Learner
from streams.settings import Settings

#: How often latent factors, and baselines with a model, are trained in a log, at most.
TRAININGS = 10
_PROGRESS_PARTS = 20
_TAIL = ("hit_at_10", "recall_at_10", "ndcg_at_10", "mrr")


def evaluate(
    settings: Settings,
    log: Log,
    protocol: Protocol,
    *,
    tail: Sequence[Event] = (),
    seed: int,
    factors: bool = False,
    sequence: SequenceModel | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """The figures of a log, as `sightline bench stream --json` prints them; raises UnreadableLog.

    With a `tail` the log is also learned whole, and each event of the tail is predicted before it is learned. The same
    log and seed give the same figures, but for `us_per_event` and `us_per_list`. With `factors` lists follow latent
    factors, too, which are trained at up to TRAININGS points on what came before; they follow the model `sequence` from
    the first event on that is later than what it learned.
    """
    if not log.events:
        raise UnreadableLog("the log holds no event")
    replay = Replay(settings, log, (), seed, progress, Choices() if factors else None, sequence)
    # One thread: times are those of one core, and sums are always in the same order.
    with threadpool_limits(1):
        judged = replay.run(steps_of(log.events, protocol), len(log.events))
    figures = judged.figures(replay.crowd)
    product = figures.pop(PRODUCT)
    item_knn = figures.get("item_knn", {}).get("hit_at_10")
    found = {
        "protocol": protocol,
        "seed": seed,
        "events": len(log.events),
        "questions": len(judged.answers[PRODUCT].rows),
        **product,
        "cold_recall_at_10": product["groups"]["cold_users"]["recall_at_10"],
        **replay.timings(),
        "sources": judged.sources(),
        "baselines": figures,
        "left_out": replay.left_out,
        "ratio_item_knn": round(product["hit_at_10"] / item_knn, 4) if item_knn else None,
    }
    if tail:
        found["tail"] = _tail(settings, log, tail, seed, progress, Choices() if factors else None, sequence)
    return found


def _tail(
    settings: Settings,
    log: Log,
    tail: Sequence[Event],
    seed: int,
    progress: Callable[[str], None],
    choices: Choices | None,
    sequence: SequenceModel | None,
) -> dict[str, Any]:
    replay = Replay(settings, log, tail, seed, progress, choices, sequence)
    with threadpool_limits(1):
        replay.run((Step(None, event) for event in log.events), len(log.events))
        judged = replay.run(steps_of_tail(tail), len(tail))

    def shown(figures: dict[str, Any]) -> dict[str, Any]:
        first = figures["groups"]["first_of_user"]["hit_at_10"]
        return {**{name: figures[name] for name in _TAIL}, "first_hit_at_10": first}

    figures = {name: shown(each) for name, each in judged.figures(replay.crowd).items()}
    return {"events": len(tail), **figures.pop(PRODUCT), "baselines": figures}


class Replay:
    """The product and the baselines after a prefix of a log. `left_out` says which baselines are missing, and why.

    With `choices`, empty ones, the product's lists follow latent factors, which are trained with the baselines.
    """

    def __init__(
        self,
        settings: Settings,
        log: Log,
        tail: Sequence[Event],
        seed: int,
        progress: Callable[[str], None],
        choices: Choices | None = None,
        sequence: SequenceModel | None = None,
    ) -> None:
        self._choices = choices
        self._seed = seed
        self.crowd = Crowd(log, tail, seed)
        self.learner = Learner() if settings.learning == "on" else None
        self.world = ReplayedWorld(
            settings, log, length=max(LENGTHS), seed=seed, learner=self.learner, sequence=sequence
        )
        names = self.crowd.names
        self._baselines, self.left_out = baselines_for(
            len(names), settings.dimensions, lambda item: self.world.picture(names[item]), seed
        )
        self._progress = progress
        self._last_ms: dict[str, int] = {}
        self._learned = 0
        self._train_from = 0
        self._train_every = max((len(log.events) + len(tail)) // TRAININGS, 1)
        self._event_ns = self._list_ns = self._lists = 0

    def run(self, steps: Iterable[Step], total: int) -> Judged:
        """Answer the questions of these steps and learn their events; `total` is about their number."""
        judged = Judged({name: Answers() for name in (PRODUCT, *self._baselines)})
        every = max(total // _PROGRESS_PARTS, 1)
        for place, step in enumerate(steps, 1):
            if step.question is not None:
                self._answer(step.question, judged)
            if step.event is not None:
                self._learn(step.event)
            if place % every == 0:
                self._progress(f"{place:,} of {total:,} events, {len(judged.answers[PRODUCT].rows):,} lists")
        return judged

    def timings(self) -> dict[str, float | None]:
        """Microseconds of the product for an event and for a list, on one core."""
        return {
            "us_per_event": round(self._event_ns / self._learned / 1000, 1) if self._learned else None,
            "us_per_list": round(self._list_ns / self._lists / 1000, 1) if self._lists else None,
        }

    def _answer(self, question: Question, judged: Judged) -> None:
        self._train()
        self._settle()
        began = time.perf_counter_ns()
        listed = self.world.recommend(question.user, question.at_ms)
        self._list_ns += time.perf_counter_ns() - began
        self._lists += 1
        recent = self.crowd.history(question.user)[-RECENT:]
        lists = {PRODUCT: [self.crowd.number[item] for item in listed.items]}
        for name, baseline in self._baselines.items():
            lists[name] = self.crowd.best(baseline.scores(question.user, recent), question.user, max(LENGTHS))
        last_ms = self._last_ms.get(question.user)
        judged.add(question, lists, listed, self.crowd, None if last_ms is None else question.at_ms - last_ms)

    def _learn(self, event: Event) -> None:
        began = time.perf_counter_ns()
        self.world.learn(event)
        self._event_ns += time.perf_counter_ns() - began
        self._learned += 1
        self._last_ms[event.user] = event.at_ms
        if self._choices is not None:
            self._choices.learn(event.user, event.item, event.choice)
        if event.is_chosen:
            item, before = self.crowd.number[event.item], self.crowd.history(event.user)
            for baseline in self._baselines.values():
                baseline.learn(event.user, item, before)
        self.crowd.learn(event)

    def _settle(self) -> None:
        """What the items agent does with the events since the last list counts as time of events."""
        began = time.perf_counter_ns()
        self.world.settle()
        self._event_ns += time.perf_counter_ns() - began

    def _train(self) -> None:
        if self._learned < self._train_from or not self.crowd.histories:
            return
        self._train_from = (self._learned // self._train_every + 1) * self._train_every
        for baseline in self._baselines.values():
            baseline.train(self.crowd.histories)
        if self._choices is not None and any(self._choices.of_users.values()):
            dimensions = self.world.catalog.pictures.dimensions
            factors = train_factors(self._choices.of_users, self.world.uploaded, looks=dimensions, seed=self._seed)
            self.world.recommender.apply_trained("factors", factors)
