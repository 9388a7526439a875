"""Progress bars on stderr, one for each topic that is read."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, TaskID, TextColumn

from cli.output import diagnostics
from streams.replay import replayer


@contextmanager
def topic_bars(*columns: ProgressColumn, transient: bool = False) -> Iterator[replayer.Progress]:
    """A callback that shows the progress of a topic; `columns` follow the bar, `transient` removes it at the end."""
    common = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn())
    tasks: dict[str, TaskID] = {}
    with Progress(*common, *columns, console=diagnostics(), transient=transient) as bar:

        def show(topic: str, done: int, total: int) -> None:
            if topic not in tasks:
                tasks[topic] = bar.add_task(topic, total=total)
            bar.update(tasks[topic], completed=done, total=total)

        yield show
