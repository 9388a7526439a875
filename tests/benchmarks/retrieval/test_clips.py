"""The measure of clips, on clips whose right answers are obvious."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.retrieval.clips import NoClips, measure_clips
from tests.harness.clips import BLUE, GREEN, RED, clip, scene

NO_OTHERS = np.zeros((0, 224, 224, 3), np.uint8)


def by_colour(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    means = pixels.mean(axis=(1, 2), dtype=np.float32)
    vectors: NDArray[np.float32] = means / np.linalg.norm(means, axis=1, keepdims=True)
    return vectors


def test_a_still_finds_its_clip_and_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    for name, colour in (("red", RED), ("green", GREEN), ("blue", BLUE)):
        (tmp_path / f"{name}.mp4").write_bytes(clip([scene(colour)]))
    (tmp_path / "text.mp4").write_text("no clip")
    (tmp_path / "README.md").write_text("not looked at")
    found = measure_clips(tmp_path, NO_OTHERS, by_colour)
    assert (found.clips, found.found_first, found.still_found_first) == (3, 1.0, 1.0)
    assert found.kept_cosine > 0.99
    assert found.one_frame_cosine > 0.99
    assert [(name, reason.split(":")[0]) for name, reason in found.refused.items()] == [("text.mp4", "not_a_clip")]


def test_a_folder_without_clips_says_so(tmp_path: Path) -> None:
    with pytest.raises(NoClips, match="no clip that can be read"):
        measure_clips(tmp_path, NO_OTHERS, by_colour)
