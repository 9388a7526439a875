"""What `sightline train factors` does: it trains latent factors of items on a log, and keeps them in a file."""

import asyncio
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import typer

from benchmarks.evaluation.log import Event, Log, UnreadableLog
from benchmarks.evaluation.readers import read_log
from cli.bench.stream import read_deployment
from cli.output import print_json, progress, results
from cli.train.place import file_for
from deploy.workers import SIGHTLINE
from features.item import key_of
from inference.errors import ModelRefused
from inference.factors.file import Factors, encode_factors
from inference.factors.item_map import LEAST_ITEMS, Facts, Part
from inference.factors.training import Choices, train_factors
from inference.factors.verdict import NOT_JUDGED, Question, Verdict, compare
from streams.learning.model_kinds import FACTORS
from streams.objects.errors import ObjectMissing
from streams.settings import read_settings
from streams.worker.refitter import run_refitter

#: Questions by which a training is judged: with fewer it is kept unjudged, since chance would decide.
_LEAST_QUESTIONS: Final = 50
_MOST_QUESTIONS: Final = 2_000


@dataclass(frozen=True, slots=True)
class Plan:
    """How factors are trained."""

    dimensions: int
    regularization: float
    seed: int

    def train(self, log: Log, events: list[Event], looks: int) -> Factors:
        """Factors by these events of a log, whose items have looks of so many dimensions; raises NothingToLearn."""
        choices = Choices()
        for event in events:
            choices.learn(event.user, event.item, event.choice)
        factors = train_factors(
            choices.of_users,
            log.items,
            looks=looks,
            dimensions=self.dimensions,
            regularization=self.regularization,
            seed=self.seed,
        )
        return replace(factors, until_ms=max((event.at_ms for event in events if event.is_chosen), default=0))


def stay(to: str | None, plan: Plan, *, every_s: float) -> int:
    """Train on the deployment's topics, every so many seconds, until a signal; returns the exit code."""
    settings = read_settings()
    file = file_for(to, settings.factors, "SIGHTLINE_FACTORS")
    numbers = {"dimensions": plan.dimensions, "regularization": plan.regularization, "seed": plan.seed}
    options = [f"--{name}={value}" for name, value in numbers.items()]
    command = (
        *SIGHTLINE,
        "train",
        "factors",
        "--from-kafka",
        f"--to={file.place}",
        *options,
        "--json",
        "--end-with-parent",
    )
    return run_refitter(FACTORS.source, command, settings, every_s)


def learn(data: Path | None, to: str | None, plan: Plan, *, as_json: bool) -> None:
    """Train on the log in `data`, or on the deployment's topics, and write the file.

    Exit code 1 where the factors in the file are better.
    """
    settings = read_settings()
    file = file_for(to, settings.factors, "SIGHTLINE_FACTORS")
    began = time.monotonic()
    try:
        log = read_log(data, seed=plan.seed) if data is not None else read_deployment(settings)
        progress(f"training on {len(log.events):,} events")
        verdict = _judge(log, file.place, plan, settings.dimensions)
        factors = None if verdict.is_worse else plan.train(log, [*log.events], settings.dimensions)
    except UnreadableLog as error:
        raise typer.BadParameter(str(error)) from error
    except ModuleNotFoundError as error:
        raise typer.BadParameter(f"training needs {error.name}: install sightline[training]") from error
    if factors is not None:
        file.write(encode_factors(factors))
    known = {} if factors is None else _known(log, factors, settings.dimensions)
    _print(log, factors, verdict, known, file.place, time.monotonic() - began, as_json=as_json)
    if factors is None:
        raise typer.Exit(1)


def _judge(log: Log, place: str, plan: Plan, looks: int) -> Verdict:
    """Judge a training on all but the later half of the choices that the factors in use did not learn, by that half.

    Nothing is asked where there are none in use, or where few users chose something new to them since.
    """
    in_use = _in_use(place)
    new = [number for number, event in enumerate(log.events) if event.is_chosen and event.at_ms > _until(in_use)]
    asked = new[len(new) // 2 :][-_MOST_QUESTIONS:]
    questions = _questions(log, asked)
    if in_use is None or not in_use.until_ms or len(questions) < _LEAST_QUESTIONS:
        return NOT_JUDGED
    trial = plan.train(log, [*log.events[: asked[0]]], looks)
    items = list(dict.fromkeys(event.item for event in log.events))
    return compare(in_use, trial, questions, items, log.items, looks)


def _questions(log: Log, asked: list[int]) -> list[Question]:
    """What users chose at these places of the log, where it was new to them."""
    found, places, before = [], {*asked}, dict[str, list[str]]()
    for number, event in enumerate(log.events):
        own = before.setdefault(event.user, [])
        if event.is_chosen and event.item not in own:
            if number in places and own:
                found.append(Question(tuple(own), event.item))
            own.append(event.item)
    return found


def _until(factors: Factors | None) -> int:
    return 0 if factors is None else factors.until_ms


def _in_use(place: str) -> Factors | None:
    """The factors that workers read now; None where there are none that this release can read."""
    try:
        return asyncio.run(FACTORS.read(place))
    except (ObjectMissing, ModelRefused):
        return None


def _known(log: Log, factors: Factors, looks: int) -> dict[Part, int]:
    """How many of the items with factors have a look of so many dimensions, and how many have words."""
    keys = np.array([key_of(item) for item in log.items], np.uint64)
    trained = [item for item, knows in zip(log.items, factors.knows(keys).tolist(), strict=True) if knows]
    facts = Facts.of_items(trained, log.items, looks)
    return {"look": int(facts.has("look").sum()), "words": int(facts.has("words").sum())}


def _print(
    log: Log,
    factors: Factors | None,
    verdict: Verdict,
    known: dict[Part, int],
    place: str,
    took_s: float,
    *,
    as_json: bool,
) -> None:
    maps = {} if factors is None or factors.item_map is None else factors.item_map.maps
    explained = {part: round(each.explained, 4) for part, each in maps.items()}
    items, dimensions = (0, 0) if factors is None else factors.vectors.shape
    judged = {"questions": verdict.questions, "ndcg_in_use": round(verdict.in_use, 4), "ndcg": round(verdict.new, 4)}
    if as_json:
        found = {
            "is_kept": factors is not None,
            "items": items,
            "dimensions": dimensions,
            "known": known,
            "explained": explained,
        }
        users = len({event.user for event in log.events if event.is_chosen})
        print_json({**found, "users": users, **judged, "took_s": round(took_s, 2), "file": place})
        return
    if verdict.questions:
        text = f"nDCG {verdict.new:.4f}, of the factors in the file {verdict.in_use:.4f}"
        results().print(f"{verdict.questions:,} choices held out: {text}", soft_wrap=True)
    if factors is None:
        results().print(f"worse than the factors in {place}: nothing was kept; to train anyway, remove that file")
        return
    text = f"factors of {items:,} items in {dimensions} dimensions, after {took_s:,.1f} s, are in {place}"
    results().print(text, soft_wrap=True)
    results().print(_of_new_items(explained, known), soft_wrap=True)


def _of_new_items(explained: dict[Part, float], known: dict[Part, int]) -> str:
    """What factors of new items rest on, or why they have none."""
    if explained:
        shares = ", ".join(f"by {part} {share:.1%}" for part, share in explained.items())
        return f"how much of the factors of items held out is explained: {shares}"
    if max(known.values()) < LEAST_ITEMS:
        return (
            f"new items have no factors: that needs {LEAST_ITEMS} trained items with a look, or as many with words, "
            f"and {known['look']} have a look, {known['words']} words"
        )
    return "what items are says nothing of their factors: new items have none"
