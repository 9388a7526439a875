"""What `sightline train sequence` does: it learns from a log what users choose after what, and keeps that in a file."""

from pathlib import Path

import typer

from benchmarks.evaluation.log import Log, UnreadableLog
from benchmarks.evaluation.readers import read_log
from benchmarks.evaluation.sequences import histories_of
from cli.bench.stream import read_deployment
from cli.output import print_json, progress, results
from inference.sequence.board import board
from inference.sequence.course import Trained, train
from inference.sequence.model import encode_model
from streams.settings import read_settings


def learn(data: Path | None, to: Path, *, share: float, seconds: float, seed: int, as_json: bool) -> None:
    """Learn from the log in `data`, or from the deployment's topics; exit code 1 where nothing was kept."""
    settings = read_settings()
    try:
        log = read_log(data, seed=seed) if data is not None else read_deployment(settings)
    except UnreadableLog as error:
        raise typer.BadParameter(str(error)) from error
    first = Log(log.events[: round(share * len(log.events))], log.categories, log.items)
    checkpoint, curves = to.with_name(to.name + ".checkpoint"), to.with_name(to.name + ".curves")
    watch = board(curves)
    progress(f"curves for TensorBoard are in {curves}" if watch else "without tensorboard there are no curves")
    trained = train(
        histories_of(first, settings.dimensions),
        seed=seed,
        checkpoint=checkpoint,
        seconds=seconds,
        progress=progress,
        watch=watch,
    )
    is_kept = trained.is_over and trained.judged.ndcg > trained.popular.ndcg
    if is_kept:
        draft = to.with_name(to.name + ".draft")
        draft.write_bytes(encode_model(trained.model))
        draft.replace(to)
    if trained.is_over:
        checkpoint.unlink(missing_ok=True)
    _print(trained, to, is_kept=is_kept, as_json=as_json)
    if not is_kept:
        raise typer.Exit(1)


def _print(trained: Trained, to: Path, *, is_kept: bool, as_json: bool) -> None:
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
        results().print(f"the model is in {to}", soft_wrap=True)
    elif not trained.is_over:
        results().print("the time was up: the same command goes on from here")
    else:
        results().print("the model is no better than what is popular: nothing was kept")
