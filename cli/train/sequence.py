"""What `sightline train sequence` does: it learns from a log what users choose after what, and keeps that in a file."""

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from benchmarks.evaluation.log import Log, UnreadableLog
from benchmarks.evaluation.readers import read_log
from cli.bench.stream import read_deployment
from cli.output import print_json, progress, results
from cli.train.place import file_for
from inference.sequence.choices import histories_of
from inference.sequence.model import encode_model
from streams.settings import Settings, read_settings

if TYPE_CHECKING:
    from inference.sequence.course import Trained


def learn(data: Path | None, to: str | None, *, share: float, seconds: float, seed: int, as_json: bool) -> None:
    """Learn from the log in `data`, or from the deployment's topics; exit code 1 where nothing was kept."""
    settings = read_settings()
    file = file_for(to, settings.sequence, "SIGHTLINE_SEQUENCE")
    try:
        log = read_log(data, seed=seed) if data is not None else read_deployment(settings)
    except UnreadableLog as error:
        raise typer.BadParameter(str(error)) from error
    first = Log(log.events[: round(share * len(log.events))], log.categories, log.items)
    trained = _train(settings, first, seconds, seed)
    is_kept = trained.is_over and trained.judged.ndcg > trained.popular.ndcg
    if is_kept:
        file.write(encode_model(trained.model))
    if trained.is_over and trained.checkpoint is not None:
        trained.checkpoint.unlink()
    _print(trained, file.place, is_kept=is_kept, as_json=as_json)
    if not is_kept:
        raise typer.Exit(1)


def _train(settings: Settings, log: Log, seconds: float, seed: int) -> "Trained":
    try:
        # Its packages are no part of a worker.
        from inference.curves import board
        from inference.sequence.course import train
    except ModuleNotFoundError as error:
        raise typer.BadParameter(f"training needs {error.name}: install sightline[training]") from error
    folder = settings.home / "sequence"
    folder.mkdir(parents=True, exist_ok=True)
    watch = board(folder / "curves")
    progress("without the package tensorboard there are no curves" if watch is None else f"curves: {folder / 'curves'}")
    histories = histories_of(log.choices(), log.items, log.categories, settings.dimensions)
    return train(histories, seed=seed, folder=folder, seconds=seconds, progress=progress, watch=watch)


def _print(trained: "Trained", place: str, *, is_kept: bool, as_json: bool) -> None:
    judged, popular = trained.judged, trained.popular
    if as_json:
        figures = {"epochs": trained.epochs, "questions": trained.questions, "items": len(trained.model.keys)}
        hits = {"hit_at_10": round(judged.hit, 4), "ndcg_at_10": round(judged.ndcg, 4)}
        of_popular = {"popular_hit_at_10": round(popular.hit, 4), "popular_ndcg_at_10": round(popular.ndcg, 4)}
        print_json({"is_kept": is_kept, "is_over": trained.is_over, **figures, **hits, **of_popular})
        return
    results().print(
        f"{trained.epochs} epochs; {trained.questions:,} choices held out: hit@10 {judged.hit:.3f}, nDCG@10 "
        f"{judged.ndcg:.3f}; by popularity {popular.hit:.3f}, {popular.ndcg:.3f}",
        soft_wrap=True,
    )
    if is_kept:
        results().print(f"the model is in {place}", soft_wrap=True)
    elif not trained.is_over:
        results().print("the time was up: the same command goes on from here")
    else:
        results().print("the model is no better than what is popular: nothing was kept")
