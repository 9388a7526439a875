"""The commands of an operator: services, workers, checks, topics and positions."""

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from cli.output import JsonOption
from deploy.service import ServiceName
from streams.kafka.acls import Role

topics = typer.Typer(help="The topics that Sightline reads and writes.", no_args_is_help=True)
positions = typer.Typer(help="How far the state has read each of its source topics.", no_args_is_help=True)


class ServiceChoice(StrEnum):
    """The services by name, as a word on the command line."""

    KAFKA = "kafka"
    REDIS = "redis"
    TRITON = "triton"


class WorkerChoice(StrEnum):
    """What a worker does."""

    interactions = "interactions"
    uploads = "uploads"
    items = "items"
    learning = "learning"


class PlatformChoice(StrEnum):
    """The hardware that Triton runs the model on, as a word on the command line."""

    CPU = "cpu"
    GPU = "gpu"


ServicesArgument = Annotated[
    list[ServiceChoice] | None, typer.Argument(help="Which services; all of them when none is named.")
]
RepositoryOption = Annotated[Path, typer.Option(help="Triton's model repository; created if it does not exist.")]
PlatformOption = Annotated[PlatformChoice, typer.Option(help="The hardware to configure the model for.")]
ArchitectureOption = Annotated[
    str, typer.Option(help="efficientnet_lite0, or a timm name where a model hub can be reached.")
]
NameOption = Annotated[str, typer.Option(help="The model's name in Triton.")]
WordsOption = Annotated[
    bool, typer.Option("--words/--no-words", help="Export the text tower beside it, too; it needs the CPU only.")
]

SafetyOption = Annotated[bool, typer.Option("--safety", help="And the safety model of the gate; needs the extra gate.")]
Int8Option = Annotated[
    bool, typer.Option("--int8", help="Convolutions of 8-bit integers, for processors with VNNI: about half the time.")
]
CalibrateOption = Annotated[
    Path | None,
    typer.Option(exists=True, file_okay=False, help="Pictures by which int8 is calibrated; else drawn ones."),
]
TowerOption = Annotated[
    Path | None,
    typer.Option(exists=True, dir_okay=False, help="An image tower in an ONNX file, such as CLIP's, as the encoder."),
]
MeanOption = Annotated[str | None, typer.Option(help="Of the tower's pictures, 0 to 1: 0.485,0.456,0.406 by default.")]
StdOption = Annotated[str | None, typer.Option(help="Their deviation: 0.229,0.224,0.225 by default.")]
SideOption = Annotated[int | None, typer.Option(min=1, help="Their side in pixels, where the file leaves it open.")]
OutputOption = Annotated[
    str | None, typer.Option(help="The tower's output that is its features, where it has several.")
]
TextOption = Annotated[bool, typer.Option("--text", help="And what finds text on pictures; needs the extra gate.")]


def up(services: ServicesArgument = None, as_json: JsonOption = False) -> None:
    """Start Kafka, Redis and Triton where they do not run yet, and wait until they are healthy."""
    from cli.operate import stack

    stack.up(_names(services), as_json)


def down(services: ServicesArgument = None, as_json: JsonOption = False) -> None:
    """Stop the services that `up` started, and all workers if no service is named; the data stay."""
    from cli.operate import stack

    stack.down(_names(services), as_json, workers=not services)


def status(as_json: JsonOption = False) -> None:
    """Show each service's state, address and version, and where the logs are; --json shows everything."""
    from cli.operate import stack

    stack.status(as_json)


def worker(name: Annotated[WorkerChoice, typer.Argument(help="Which events it handles.")]) -> None:
    """Run one worker until it receives SIGTERM or Ctrl-C."""
    from cli.operate.worker import run

    raise typer.Exit(run(name.value))


def export_model(
    repository: RepositoryOption = Path("model-repository"),
    platform: PlatformOption = PlatformChoice.CPU,
    architecture: ArchitectureOption = "efficientnet_lite0",
    name: NameOption = "visual_encoder",
    words: WordsOption = True,
    safety: SafetyOption = False,
    text: TextOption = False,
    projection: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="A map of `sightline train encoder`, not the shipped one."),
    ] = None,
    int8: Int8Option = False,
    calibrate: CalibrateOption = None,
    tower: TowerOption = None,
    mean: MeanOption = None,
    std: StdOption = None,
    side: SideOption = None,
    output: OutputOption = None,
    as_json: JsonOption = False,
) -> None:
    """Export a network of pictures with its 256-d projection as a Triton model, and what goes beside it."""
    from cli.operate.export import AskedTower, ExportedEncoder, export

    gate = [model for model, is_wanted in (("safety", safety), ("text", text)) if is_wanted]
    if calibrate is not None and not int8:
        raise typer.BadParameter("only --int8 is calibrated", param_hint="--calibrate")
    if tower is None and any(each is not None for each in (mean, std, side, output)):
        raise typer.BadParameter("--mean, --std, --side and --output say something of a --tower", param_hint="--tower")
    if tower is not None and (int8 or projection is not None or architecture != "efficientnet_lite0"):
        raise typer.BadParameter("a tower takes no --architecture, --projection or --int8", param_hint="--tower")
    asked = None if tower is None else AskedTower(tower, mean, std, side, output)
    encoder = ExportedEncoder(platform.value, architecture, name, projection, int8, calibrate, asked)
    export(repository, encoder, words, gate, as_json)


def doctor(as_json: JsonOption = False) -> None:
    """Check services, versions, topics and the routing of keys; exit code 1 when something is wrong."""
    from cli.operate.doctor import examine

    examine(as_json)


def verify(as_json: JsonOption = False) -> None:
    """Recompute profiles, neighbours, popularity and items from the log, and compare; exit code 1 on a difference.

    Workers may run meanwhile: the comparison is made at the positions that Redis holds.
    """
    from cli.operate.verify import compare

    compare(as_json)


def rebuild(
    from_earliest: Annotated[
        bool,
        typer.Option(help="Continue where retention has deleted the first events: their effect is lost."),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Rebuild profiles and items from Kafka beside the present state, then replace it.

    Workers may run: they notice, and continue from the new state. An interrupted rebuild resumes at the next run.
    """
    from cli.operate.rebuild import replace_state

    replace_state(from_earliest, as_json)


def migrate(as_json: JsonOption = False) -> None:
    """Rename the keys that version 0.1 stored in Redis; the workers must be stopped.

    An interrupted migration continues at the next run.
    """
    from cli.operate.migrate import rename_keys

    rename_keys(as_json)


@topics.command()
def create(as_json: JsonOption = False) -> None:
    """Create the topics that are missing; existing ones stay as they are, and differences are reported."""
    from cli.operate.topics import create_missing

    create_missing(as_json)


@topics.command()
def check(as_json: JsonOption = False) -> None:
    """Compare the topics with their specification; exit code 1 on a difference."""
    from cli.operate.topics import compare

    compare(as_json)


@topics.command()
def acls(
    role: Annotated[Role | None, typer.Argument(help="Only this role; all of them when none is named.")] = None,
    user: Annotated[str | None, typer.Option(help="The Kafka user of the role; by default its name.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Print the permissions of each role in Kafka as calls of kafka-acls.sh; nothing is contacted or changed."""
    from cli.operate.topics import print_acls

    print_acls(role, user, as_json)


@topics.command()
def grow(
    partitions: Annotated[int, typer.Argument(help="The new number of partitions.", min=1, max=1024)],
    into: Annotated[
        str | None, typer.Option(help="The prefix to copy the app to; without it, the command says how and ends.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Move the app to another number of partitions: under another prefix, since topics in use cannot grow."""
    from cli.operate import grow as work

    work.grow(partitions, into, as_json)


@positions.command()
def show(as_json: JsonOption = False) -> None:
    """Show each partition's position beside the offsets that Kafka still has."""
    from cli.operate.positions import print_positions

    print_positions(as_json)


@positions.command("skip-lost")
def skip_lost(as_json: JsonOption = False) -> None:
    """Skip the events that retention deleted before they were applied. Their effect is lost."""
    from cli.operate.positions import skip_deleted

    skip_deleted(as_json)


def _names(services: Sequence[ServiceChoice] | None) -> list[ServiceName]:
    return [choice.value for choice in services or ServiceChoice]
