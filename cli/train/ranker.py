"""What `sightline train ranker` does: it learns the ranker from a log, and keeps or publishes the version."""

import asyncio
import time
from contextlib import closing
from pathlib import Path

import typer

from benchmarks.evaluation.log import UnreadableLog
from benchmarks.evaluation.readers import read_log
from benchmarks.evaluation.school import teach
from cli.bench.stream import read_deployment
from cli.output import print_json, progress, results
from deploy.local import Stack
from inference.ranking.model import RankerModel
from streams.credentials import kafka_security
from streams.errors import WorkersRun
from streams.kafka.admin_client import AdminConnection
from streams.kafka.groups import read_group
from streams.kafka.log_reader import KafkaLogReader
from streams.kafka.publisher import KafkaPublisher
from streams.learning.learner import Learner
from streams.learning.model_log import last_version
from streams.learning.model_record import KEY, encode_record
from streams.settings import Settings, read_settings
from streams.wire.namespace import Namespace
from streams.wire.records import Message
from streams.wire.topics import EXAMPLES, MODELS


def learn(data: Path | None, out: Path | None, *, publish: bool, seed: int, as_json: bool) -> None:
    """Learn from the log in `data`, or from the deployment's topics; exit code 1 where nothing better was learned."""
    settings = read_settings()
    version, position = _published(settings) if publish else (0, -1)
    try:
        log = read_log(data, seed=seed) if data is not None else read_deployment(settings)
    except UnreadableLog as error:
        raise typer.BadParameter(str(error)) from error
    learner = Learner(RankerModel(version))
    teach(settings, log, learner, seed=seed, progress=progress)
    is_better = learner.model().version > version
    if is_better:
        _keep(settings, learner, position, out, publish=publish)
    _print(learner, out, is_better=is_better, publish=publish, as_json=as_json)
    if not is_better:
        raise typer.Exit(1)


def _published(settings: Settings) -> tuple[int, int]:
    """The version on state.models, and the last offset of state.examples: what lies there is in the log.

    Raises WorkersRun: a learning worker would publish its own version over the new one.
    """
    kafka, security, namespace = Stack(settings).endpoints().kafka, kafka_security(settings), _namespace(settings)
    with closing(AdminConnection(kafka, security=security)) as connection:
        if read_group(connection, namespace.group("learning")).members:
            raise WorkersRun("a learning worker runs, and would go on with its own version: stop it, then try again")
    with closing(KafkaLogReader(kafka, security=security)) as log:
        last = last_version(log, namespace.topic(MODELS))
        return 0 if last is None else last.version, log.extent(namespace.topic(EXAMPLES), 0).end - 1


def _keep(settings: Settings, learner: Learner, position: int, out: Path | None, *, publish: bool) -> None:
    value = encode_record(learner, position, time.time_ns() // 1_000_000)
    if out is not None:
        out.write_bytes(value)
    if publish:
        asyncio.run(_publish(settings, value))


async def _publish(settings: Settings, value: bytes) -> None:
    kafka = KafkaPublisher(Stack(settings).endpoints().kafka, client_id="train", security=kafka_security(settings))
    try:
        await kafka.publish([Message(_namespace(settings).topic(MODELS), KEY, value, partition=0)])
    finally:
        await kafka.close()


def _namespace(settings: Settings) -> Namespace:
    return Namespace(settings.topic_prefix)


def _print(learner: Learner, out: Path | None, *, is_better: bool, publish: bool, as_json: bool) -> None:
    losses, version = learner.losses, learner.model().version
    if as_json:
        figures = {"lessons": learner.progress.admitted, "passed_over": learner.passed_over, "judged": losses.count}
        loss = {"loss": round(losses.good, 4), "loss_of_hand_weights": round(losses.hand, 4)}
        print_json({"version": version, "is_better": is_better, **figures, **loss})
        return
    results().print(
        f"{learner.progress.admitted:,} lessons, of which {losses.count:,} were held out: loss {losses.good:.3f}, "
        f"hand weights {losses.hand:.3f}"
    )
    if not is_better:
        results().print("no version is better than the hand weights: nothing was kept")
    else:
        places = [str(out)] if out is not None else []
        places += ["state.models"] if publish else []
        results().print(f"version {version} is in {' and in '.join(places)}", soft_wrap=True)
