"""What `sightline bench stream` does: it judges the product's lists by a log, beside other methods."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import typer
from numpy.typing import NDArray
from rich.table import Table

from benchmarks.evaluation.log import Log, UnreadableLog, in_order
from benchmarks.evaluation.protocols import Protocol
from benchmarks.evaluation.readers import read_events, read_log
from benchmarks.evaluation.run import evaluate
from benchmarks.evaluation.topics import read_topics
from benchmarks.report.curves import Curve, render_curves
from cli.bench.report import begin
from cli.output import print_json, progress, results
from deploy.local import Stack
from streams.credentials import kafka_security
from streams.kafka.log_reader import KafkaLogReader
from streams.learning.model_kinds import SEQUENCE
from streams.privacy.control_records import ControlRecords, control_keys
from streams.settings import Settings, read_settings
from streams.wire.namespace import Namespace

#: Figures by the headings of their columns, short for a terminal of 80 characters.
_COLUMNS = {
    "@5": "hit_at_5",
    "@10": "hit_at_10",
    "@20": "hit_at_20",
    "nDCG": "ndcg_at_10",
    "MRR": "mrr",
    "cover": "coverage",
}


def judge(
    data: Path | None,
    protocol: Protocol,
    tail: Path | None,
    seed: int,
    as_json: bool,
    *,
    factors: bool,
    words: bool,
) -> None:
    """Judge the lists by the log in `data`, or by the deployment's topics, and print the figures."""
    begin()
    settings = read_settings()
    try:
        log = read_log(data, seed=seed) if data is not None else read_deployment(settings)
        if words:
            log = log.worded(embed_here())
        later = in_order(read_events(tail), seed) if tail is not None else []
    except UnreadableLog as error:
        raise typer.BadParameter(str(error)) from error
    try:
        found = evaluate(
            settings,
            log,
            protocol,
            tail=later,
            seed=seed,
            factors=factors,
            sequence=asyncio.run(SEQUENCE.read(settings.sequence)) if settings.sequence is not None else None,
            progress=progress,
        )
    except ModuleNotFoundError as error:
        raise typer.BadParameter(f"--factors needs {error.name}: install sightline[training]") from error
    page = settings.home / "bench" / "stream.html"
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(_page(found), encoding="utf-8")
    if as_json:
        print_json({**found, "page": str(page)})
    else:
        _print(found, page)


def embed_here() -> Callable[[Sequence[str]], NDArray[np.float32]]:
    """The text tower in this process: unit vectors float32 [n, DIMENSIONS] of texts."""
    progress("exporting the text tower, about 20 s")
    try:
        # It is no part of a worker.
        from benchmarks.retrieval.words.tower import LocalTower
    except ModuleNotFoundError as error:
        raise typer.BadParameter(f"--words needs {error.name}: install sightline[export]") from error
    with TemporaryDirectory() as folder:
        return LocalTower.exported(Path(folder)).embed


def read_deployment(settings: Settings) -> Log:
    """The log of the deployment's own topics; raises BrokerUnavailable, UnreadableLog."""
    progress("reading the deployment's topics")
    control = ControlRecords(*control_keys(settings.control_key))
    reader = KafkaLogReader(Stack(settings).endpoints().kafka, security=kafka_security(settings))
    try:
        return read_topics(reader, Namespace(settings.topic_prefix), settings.partitions, control)
    finally:
        reader.close()


def _methods(found: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    return {"Sightline": found, **found["baselines"]}


def _print(found: Mapping[str, Any], page: Path) -> None:
    lists = f"{found['protocol']}: {found['questions']:,} lists of {found['events']:,} events"
    caption = f"{lists}; @5, @10, @20: hits; users, items: hit@10 of cold ones; cover: coverage"
    table = Table("", *_COLUMNS, "users", "items", caption=caption)
    for name, figures in _methods(found).items():
        cold = (figures["groups"][group]["hit_at_10"] for group in ("cold_users", "cold_items"))
        table.add_row(name, *map(_number, (*(figures[column] for column in _COLUMNS.values()), *cold)))
    console = results()
    console.print(table)
    for name, why in found["left_out"].items():
        console.print(f"left out: {name}: {why}", soft_wrap=True)
    slots = sum(each["slots"] for each in found["sources"].values())
    for name, each in found["sources"].items():
        console.print(f"{name}: {each['slots'] / slots:.1%} of the first slots, {each['hits']:,} wanted")
    if found["us_per_list"] is not None:
        console.print(f"{found['us_per_event']:,.0f} us an event, {found['us_per_list']:,.0f} us a list")
    if "tail" in found:
        tail = found["tail"]
        first = _number(tail["first_hit_at_10"])
        console.print(f"tail: {tail['events']:,} events, hit@10 {_number(tail['hit_at_10'])}, first of each {first}")
    console.print(f"the curves are on {page}", soft_wrap=True)


def _page(found: Mapping[str, Any]) -> str:
    about = f"{found['protocol']}, {found['questions']:,} lists, {found['events']:,} events, seed {found['seed']}"
    methods = _methods(found).items()
    curves = [Curve(name, each["curve"], each["hit_at_10"] or 0.0, name == "Sightline") for name, each in methods]
    return render_curves("Lists over time", about, {"hit@10": curves})


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"
