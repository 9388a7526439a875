"""The measure of copies of clips, on clips whose right answers are obvious."""

from pathlib import Path

import numpy as np

from benchmarks.gate.clips import CHANGES, measure_clip_copies
from tests.features.vision.gate.test_judge import textured
from tests.harness.clips import clip


def test_copies_of_clips_are_found_and_titles_that_all_have_make_none(tmp_path: Path) -> None:
    scenes = [np.asarray(textured(120, 160)), np.asarray(textured(120, 160).rotate(180))]
    (tmp_path / "threads.mp4").write_bytes(clip(scenes))
    (tmp_path / "text.mp4").write_text("no clip")
    photos = np.random.default_rng(1).integers(0, 255, (8, 7, 7, 3), np.uint8).repeat(16, 1).repeat(16, 2)
    found = measure_clip_copies(tmp_path, photos, 2)

    assert (found.clips, found.compared, found.false_merges, found.stills) == (1, 10, 0, 0)
    assert found.found.keys() == {*CHANGES, "cut"}
    assert found.found["coded_again"] == found.found["mirrored"] == 1
    assert found.of_slides is not None
    assert (found.of_slides.clips, found.of_slides.compared, found.of_slides.false_merges) == (2, 20, 0)
    assert found.of_slides.found["half_size"] == 1
