"""Presents what the demo measured: printed, and as a page."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.table import Table

from benchmarks.world.shopping import Quantiles
from cli.demo.catalog import DemoItem, thumbnail
from cli.demo.page import render_page
from cli.demo.sheet import render_sheet
from cli.demo.story import Chapter, Figure, Story
from cli.output import results


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the demo measured; docs/demo.md defines each figure."""

    events: int
    uploads: int
    recommendations: int
    event_to_rec_ms: Quantiles
    upload_to_searchable_ms: Quantiles
    dead_letters: int
    versions: dict[str, str]
    taste_at_10: dict[str, dict[str, str | int]]


def to_story(outcome: Outcome, chapters: Sequence[Chapter]) -> Story:
    """The page's content."""
    versions = outcome.versions
    return Story(
        (
            Figure(f"{outcome.event_to_rec_ms.p50:.1f}", "ms", "event to list, p50"),
            Figure(f"{outcome.event_to_rec_ms.p99:.1f}", "ms", "event to list, p99"),
            Figure(f"{outcome.upload_to_searchable_ms.p50:.0f}", "ms", "upload to searchable, p50"),
            Figure(str(outcome.events), "events", f"from {len(outcome.taste_at_10)} shoppers"),
            Figure(str(outcome.uploads), "pictures", "through the CNN on Triton"),
            Figure(str(outcome.dead_letters), "", "dead letters"),
        ),
        tuple(chapters),
        f"Kafka {versions['kafka']} · Redis {versions['redis']} · Triton {versions['triton']} · {versions['encoder']}",
    )


def write_page(folder: Path, story: Story, items: Iterable[DemoItem]) -> Path:
    """Write index.html and page.png into a folder; returns the path of index.html."""
    shown = {tile.item_id for one in story.chapters for tile in (*one.clicked, *one.feed)}
    small = {item.product.item_id: thumbnail(item.image) for item in items if item.product.item_id in shown}
    thumbnails = {item_id: image for item_id, image in small.items() if image is not None}
    folder.mkdir(parents=True, exist_ok=True)
    page = folder / "index.html"
    page.write_text(render_page(story, thumbnails), encoding="utf-8")
    render_sheet(story, thumbnails).save(folder / "page.png")
    return page


def print_outcome(outcome: Outcome, page: Path, *, keep: bool) -> None:
    """Print the figures, the versions and the path of the page."""
    table = Table("", "p50", "p99", show_edge=False)
    table.add_row("event to refreshed list", *_cells(outcome.event_to_rec_ms))
    table.add_row("upload to searchable", *_cells(outcome.upload_to_searchable_ms))
    console = results()
    console.print(table)
    counts = f"{outcome.events} events, {outcome.uploads} uploads, {outcome.recommendations} lists"
    console.print(f"{counts}, {outcome.dead_letters} dead letters")
    console.print(", ".join(f"{name} {version}" for name, version in outcome.versions.items()))
    console.print(f"the page: {page.resolve()} (and page.png beside it)", soft_wrap=True)
    if keep:
        console.print("left running: watch it with `sightline tail`, end it with `sightline down`")


def _cells(quantiles: Quantiles) -> tuple[str, str]:
    return f"{quantiles.p50:.1f} ms", f"{quantiles.p99:.1f} ms"
