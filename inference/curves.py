"""The curves of a training for TensorBoard, where that is installed."""

from collections.abc import Callable, Mapping
from pathlib import Path

#: Takes a step or an epoch, and the figures at it by name.
Watch = Callable[[int, Mapping[str, float]], None]


def board(folder: Path) -> Watch | None:
    """What writes the figures of a training into the folder; None without the package tensorboard."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return None
    writer = SummaryWriter(str(folder))

    def write(step: int, figures: Mapping[str, float]) -> None:
        for name, figure in figures.items():
            writer.add_scalar(name, figure, step)
        writer.flush()

    return write
