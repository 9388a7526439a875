"""The benches, which measure the README's figures, each against its reference in the same run."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from cli.bench.reembed_command import reembed
from cli.bench.served_command import served
from cli.output import JsonOption, progress

app = typer.Typer(help="Measure on services of its own, started and ended by the command.", no_args_is_help=True)
app.command()(reembed)
app.command()(served)

RateOption = Annotated[float, typer.Option(min=1, help="Events per second.")]
RoundsOption = Annotated[int, typer.Option(min=1, help="Rounds in which the systems take turns; medians count.")]
UsersOption = Annotated[int, typer.Option(min=1, help="How many users click.")]
ItemsOption = Annotated[int, typer.Option(min=1, help="Size of the catalogue.")]


@app.command()
def fuzz(
    events: Annotated[int, typer.Option(min=0, help="Events through the parsers.")] = 10_000,
    pictures: Annotated[int, typer.Option(min=0, help="Mutated pictures through the decoder.")] = 10_000,
    data: Annotated[
        Path | None,
        typer.Option(exists=True, file_okay=False, help="Its files are decoded first, then mutated with the others."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Another seed gives other events and pictures.")] = 1,
    as_json: JsonOption = False,
) -> None:
    """Hostile events through the parsers and broken pictures through the decoder; exit code 1 for a crash or a hang."""
    from cli.bench.fuzz import run

    run(events, pictures, data, seed, as_json)


@app.command()
def latency(
    rate: RateOption = 200,
    seconds: Annotated[float, typer.Option(min=1, help="Measured seconds of each system, over all rounds.")] = 20,
    rounds: RoundsOption = 3,
    users: UsersOption = 1000,
    items: ItemsOption = 2000,
    as_json: JsonOption = False,
) -> None:
    """Time from event to list, against bare echoes and against our handler without Faust."""
    from benchmarks.measures.latency import Plan, measure_latency
    from cli.bench.report import report
    from cli.bench.tables import latency_table
    from streams.settings import read_settings

    plan = Plan(rate=rate, seconds=seconds, rounds=rounds, users=users, items=items)
    report(lambda: measure_latency(read_settings(), plan, progress=progress), as_json, latency_table)


@app.command()
def tail(
    rate: RateOption = 200,
    seconds: Annotated[float, typer.Option(min=1, help="Measured seconds of each scene, over all rounds.")] = 30,
    rounds: RoundsOption = 3,
    users: Annotated[int, typer.Option(min=100, help="How many users click.")] = 1000,
    items: ItemsOption = 8000,
    as_json: JsonOption = False,
) -> None:
    """The slowest lists with one busy and one sparse partition, and during other work such as a snapshot."""
    from benchmarks.measures.tail import TailPlan, measure_tail
    from cli.bench.report import report
    from cli.bench.tables import tail_table
    from streams.settings import read_settings

    plan = TailPlan(rate=rate, seconds=seconds, rounds=rounds, users=users, items=items)
    report(lambda: measure_tail(read_settings(), plan, progress=progress), as_json, tail_table)


@app.command()
def web(
    rate: RateOption = 200,
    seconds: Annotated[float, typer.Option(min=1, help="Measured seconds of each part.")] = 20,
    users: UsersOption = 1000,
    items: ItemsOption = 2000,
    listeners: Annotated[int, typer.Option(min=1, help="Streams of events at the same time.")] = 1000,
    as_json: JsonOption = False,
) -> None:
    """The web door: lists made now, the way from a posted click to its event, and many who listen."""
    from benchmarks.measures.web import WebPlan, measure_web
    from cli.bench.report import report
    from streams.settings import read_settings

    plan = WebPlan(rate=rate, seconds=seconds, users=users, items=items, listeners=listeners)
    report(lambda: measure_web(read_settings(), plan, progress=progress), as_json)


@app.command()
def queries(
    queries: Annotated[int, typer.Option(min=10, help="Queries of each way to ask.")] = 100,
    items: ItemsOption = 300,
    rate: Annotated[float, typer.Option(min=0.1, help="Queries per second.")] = 5,
    as_json: JsonOption = False,
) -> None:
    """Time from a query on the upload topic to its answer: by photo, its boxes, what stands out, words, and both."""
    from benchmarks.measures.queries import measure_queries
    from cli.bench.report import report
    from streams.settings import read_settings

    report(
        lambda: measure_queries(read_settings(), queries=queries, items=items, rate=rate, progress=progress), as_json
    )


@app.command()
def throughput(
    events: Annotated[int, typer.Option(min=1000, help="Events in each round.")] = 10_000,
    workers: Annotated[int, typer.Option(min=1, help="Interactions workers that share them.")] = 1,
    rounds: RoundsOption = 3,
    users: UsersOption = 5000,
    items: ItemsOption = 2000,
    as_json: JsonOption = False,
) -> None:
    """Events per second from a backlog, each answered by a real list, against a bare Faust echo."""
    from benchmarks.measures.throughput import Load, measure_throughput
    from cli.bench.report import report
    from streams.settings import read_settings

    load = Load(events=events, rounds=rounds, users=users, items=items, workers=workers)
    report(lambda: measure_throughput(read_settings(), load, progress=progress), as_json)


@app.command()
def workers(
    events: Annotated[int, typer.Option(min=1000, help="Events in each round.")] = 10_000,
    rounds: Annotated[int, typer.Option(min=1, help="Backlogs for each number of workers.")] = 3,
    users: UsersOption = 5000,
    items: ItemsOption = 2000,
    as_json: JsonOption = False,
) -> None:
    """One, two and four workers on the same partitions, and the delay when workers join or leave."""
    from benchmarks.measures.throughput import Load
    from benchmarks.measures.workers import measure_workers
    from cli.bench.report import report
    from cli.bench.tables import workers_table
    from streams.settings import read_settings

    load = Load(events=events, rounds=rounds, users=users, items=items, workers=1)
    report(lambda: measure_workers(read_settings(), load, progress=progress), as_json, workers_table)


@app.command()
def index(
    items: Annotated[int, typer.Option(min=1000, help="Vectors in the index.")] = 100_000,
    dim: Annotated[int, typer.Option(min=8, help="Dimensions of a vector.")] = 256,
    backend: Annotated[
        Literal["memory", "redis"], typer.Option(help="In a worker's memory, or shared by all workers in Redis.")
    ] = "memory",
    shards: Annotated[int, typer.Option(min=1, help="Of the shared index, all in one Redis.")] = 1,
    copies: Annotated[float, typer.Option(min=0, max=0.99, help="Share of items with another item's picture.")] = 0.0,
    expired: Annotated[float, typer.Option(min=0, max=0.99, help="Share of items that expired.")] = 0.0,
    as_json: JsonOption = False,
) -> None:
    """A vector index against exact search: latency, recall, memory."""
    from benchmarks.measures.index import measure_index
    from benchmarks.measures.shared_index import measure_shared_index
    from cli.bench.report import report

    if backend == "redis":
        report(
            lambda: measure_shared_index(items, dim, shards, copies=copies, expired=expired, progress=progress), as_json
        )
    else:
        report(lambda: measure_index(items, dim, copies=copies, expired=expired, progress=progress), as_json)


@app.command()
def memory(
    users: Annotated[int, typer.Option(min=1000, help="Users in Redis.")] = 20_000,
    items: Annotated[int, typer.Option(min=1000, help="Items in the catalogue replica.")] = 50_000,
    as_json: JsonOption = False,
) -> None:
    """Bytes of Redis per user with 100 events, and bytes of a worker's memory per item."""
    from benchmarks.measures.memory import measure_memory
    from cli.bench.report import report
    from streams.settings import read_settings

    report(lambda: measure_memory(read_settings(), users=users, items=items, progress=progress), as_json)


@app.command()
def encoder(
    # The least is one batch: BATCH of benchmarks.measures.encoder, whose module is not light.
    images: Annotated[int, typer.Option(min=8, help="Pictures in each measurement.")] = 400,
    as_json: JsonOption = False,
) -> None:
    """Pictures per second from the upload topic to the catalogue, against the bare model on the same cores."""
    from benchmarks.measures.encoder import measure_encoder
    from cli.bench.report import report
    from streams.settings import read_settings

    report(lambda: measure_encoder(read_settings(), images, progress=progress), as_json)


@app.command()
def start(items: ItemsOption = 100_000, as_json: JsonOption = False) -> None:
    """Time until a new worker has the catalogue: from the topic, and from a snapshot."""
    from benchmarks.measures.start import measure_start
    from cli.bench.report import report
    from streams.settings import read_settings

    report(lambda: measure_start(read_settings(), items=items, progress=progress), as_json)


@app.command()
def replay(
    events: Annotated[int, typer.Option(min=1000, help="Events in the log.")] = 20_000,
    rate: Annotated[float, typer.Option(min=1, help="Assumed events per second of the live stream.")] = 200,
    as_json: JsonOption = False,
) -> None:
    """How fast `sightline rebuild` rebuilds the state from the log."""
    from benchmarks.measures.replay import measure_replay
    from cli.bench.report import report
    from streams.settings import read_settings

    report(lambda: measure_replay(read_settings(), events=events, rate=rate, progress=progress), as_json)


@app.command()
def stream(
    data: Annotated[
        Path | None,
        typer.Option(exists=True, file_okay=False, help="A folder with a log: MovieLens, histories, or plain CSV."),
    ] = None,
    from_kafka: Annotated[
        bool, typer.Option("--from-kafka", help="The log is the deployment's own topics, instead of --data.")
    ] = False,
    protocol: Annotated[
        Literal["prequential", "leave-last", "time-split"],
        typer.Option(help="Each event before it is learned; the last of each user; or all after a time."),
    ] = "prequential",
    tail: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="Later events of the same users; each is predicted."),
    ] = None,
    factors: Annotated[
        bool, typer.Option("--factors", help="Lists follow latent factors, too, trained on what came before.")
    ] = False,
    words: Annotated[
        bool, typer.Option("--words", help="Read the titles in items.csv, from which factors of new items follow.")
    ] = False,
    seed: Annotated[int, typer.Option(min=0, help="Decides ties, and pictures that say nothing.")] = 1,
    as_json: JsonOption = False,
) -> None:
    """Lists judged by a log, replayed through our own code, beside popularity, item-kNN, EASE, ALS and BPR."""
    if (data is None) != from_kafka:
        raise typer.BadParameter("give either --data or --from-kafka", param_hint="--data")
    from cli.bench.stream import judge

    judge(data, protocol, tail, seed, as_json, factors=factors, words=words)


@app.command()
def bandit(
    data: Annotated[
        Path, typer.Option(exists=True, file_okay=False, help="A folder with random_*.csv.gz of Open Bandit.")
    ],
    seed: Annotated[int, typer.Option(min=0, help="Decides the draws of the policy and of the intervals.")] = 1,
    as_json: JsonOption = False,
) -> None:
    """Thompson sampling judged by the log of a random policy: its click rate with intervals, beside uniform's."""
    from cli.bench.bandit import judge

    judge(data, seed, as_json)


@app.command()
def taste(
    data: Annotated[Path, typer.Option(exists=True, file_okay=False, help="A folder with images.tar and labels.csv.")],
    pictures: Annotated[int, typer.Option(min=30, help="Pictures of each class, at most.")] = 100,
    shoppers: Annotated[int, typer.Option(min=1, help="How many shoppers, one after the other.")] = 30,
    seed: Annotated[int, typer.Option(min=0, help="Decides the tastes, and what is clicked.")] = 1,
    as_json: JsonOption = False,
) -> None:
    """Shoppers with two interests on real pictures: how soon lists follow them, and let go of one that is replaced."""
    from cli.bench.taste import judge

    judge(data, pictures, shoppers, seed, as_json)


@app.command()
def retrieval(
    data: Annotated[Path, typer.Option(exists=True, file_okay=False, help="A folder with images.tar and labels.csv.")],
    label: Annotated[str | None, typer.Option(help="The CSV's column with the label; else label or class_id.")] = None,
    by: Annotated[
        str | None,
        typer.Option(help="Only the ways with this in their name; words, regions, certainty: see docs/benchmarks.md."),
    ] = None,
    gallery: Annotated[
        str | None, typer.Option(help="A CSV in the folder with catalogue pictures; else products.csv, if there.")
    ] = None,
    beside: Annotated[
        Path | None,
        typer.Option(exists=True, file_okay=False, help="For regions and certainty: a folder of other photos."),
    ] = None,
    graph: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="Another encoder: the model.onnx of `sightline export-model`."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """How well pictures of one label find each other: by the network, by each classic descriptor, and by mixes."""
    from cli.bench.retrieval.judge import judge

    if (by in ("regions", "certainty")) != (beside is not None):
        detail = "--by regions and --by certainty need a --beside, and nothing else does"
        raise typer.BadParameter(detail, param_hint="--beside")
    if graph is not None and (beside is not None or by == "words"):
        raise typer.BadParameter("words, regions and certainty are those of the shipped encoder", param_hint="--graph")
    judge(data, label, by, gallery, beside, graph, as_json)


@app.command()
def gate(
    data: Annotated[
        list[Path], typer.Option(exists=True, file_okay=False, help="A folder with images.tar and its CSV; repeatable.")
    ],
    pictures: Annotated[int, typer.Option(min=10, help="Pictures of a set that are judged.")] = 2000,
    changed: Annotated[int, typer.Option(min=5, help="Pictures of a set on which faults are put.")] = 150,
    models: Annotated[
        bool, typer.Option("--models", help="Ask the models of the gate, too; needs the extras export and gate.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """What the gate finds in pictures with faults, its false alarms, and which copies of a picture it finds."""
    from cli.bench.gate import judge_gate

    judge_gate(data, pictures, changed, models, as_json)


@app.command()
def video(
    data: Annotated[Path, typer.Option(exists=True, file_okay=False, help="A folder with clips.")],
    among: Annotated[
        Path | None,
        typer.Option(exists=True, file_okay=False, help="Other items: a folder with images.tar and labels.csv."),
    ] = None,
    copies: Annotated[bool, typer.Option("--copies", help="Instead: whether copies of clips are told.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Whether a still from the middle of each clip finds its clip first, and what is refused; needs the extra clips."""
    from cli.bench.video import judge, judge_copies

    (judge_copies if copies else judge)(data, among, as_json)


@app.command("all")
def everything(
    scale: Annotated[float, typer.Option(min=0.01, max=1, help="Reduce every measurement to this share.")] = 1,
    as_json: JsonOption = False,
) -> None:
    """Each bench but faults, fuzz and those of lists, once with its defaults, and a page of them; about 20 minutes."""
    from cli.bench.all import run

    run(scale, as_json)


@app.command()
def faults(
    only: Annotated[list[str] | None, typer.Option(help="Only this fault; may be given several times.")] = None,
    rate: Annotated[float, typer.Option(min=1, help="Events per second during the fault.")] = 200,
    minutes: Annotated[float, typer.Option(min=0.1, help="Duration of redis-down and worker-killed-often.")] = 1,
    as_json: JsonOption = False,
) -> None:
    """Break every part under load, and verify that no event was lost or counted twice."""
    from cli.bench.faults import inflict

    inflict(only or (), rate, minutes, as_json)


@app.command()
def field(
    data: Annotated[
        Path | None,
        typer.Option(exists=True, file_okay=False, help="A folder with events.jsonl and pictures to try, too."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Try what people met with such systems, one line a case; exit code 1 if one does not pass; about 6 minutes."""
    from cli.bench.field import try_cases

    try_cases(data, as_json)
