"""The curves of a training for TensorBoard, where that is installed."""

from collections.abc import Callable
from pathlib import Path

from inference.sequence.held_out import Judged


def board(folder: Path) -> Callable[[int, float, Judged], None] | None:
    """What writes the figures of an epoch into the folder; None without the package tensorboard."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return None
    writer = SummaryWriter(str(folder))

    def write(epoch: int, loss: float, judged: Judged) -> None:
        writer.add_scalar("loss", loss, epoch)
        writer.add_scalar("hit_at_10", judged.hit, epoch)
        writer.add_scalar("ndcg_at_10", judged.ndcg, epoch)
        writer.flush()

    return write
