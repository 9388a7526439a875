"""The measure of copies of clips, on clips whose right answers are obvious."""

import tarfile
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks.gate.clips import CHANGES, measure_clip_copies
from benchmarks.retrieval.clips import NoClips
from tests.features.vision.gate.test_judge import textured
from tests.harness.clips import clip


def test_copies_of_clips_are_found_and_titles_that_all_have_make_none(tmp_path: Path) -> None:
    scenes = [np.asarray(textured(120, 160)), np.asarray(textured(120, 160).rotate(180))]
    (tmp_path / "threads.mp4").write_bytes(clip(scenes))
    (tmp_path / "text.mp4").write_text("no clip")
    photos = np.random.default_rng(1).integers(0, 255, (8, 7, 7, 3), np.uint8).repeat(32, 1).repeat(32, 2)
    with tarfile.open(tmp_path / "images.tar", "w") as archive:
        for number, pixels in enumerate(photos):
            buffer = BytesIO()
            Image.fromarray(pixels).save(buffer, "PNG")
            entry = tarfile.TarInfo(f"{number}.png")
            entry.size = buffer.tell()
            buffer.seek(0)
            archive.addfile(entry, buffer)
    (tmp_path / "labels.csv").write_text("path,class_id\n" + "".join(f"{n}.png,x\n" for n in range(len(photos))))
    found = measure_clip_copies(tmp_path, tmp_path, 2)

    assert (found.clips, found.compared, found.false_merges, found.stills) == (1, 10, 0, 0)
    assert found.found.keys() == {*CHANGES, "cut"}
    assert found.found["coded_again"] == found.found["mirrored"] == 1
    assert found.of_slides is not None
    assert (found.of_slides.clips, found.of_slides.compared, found.of_slides.false_merges) == (2, 20, 0)
    assert found.of_slides.found["half_size"] == 1


def test_a_folder_without_clips_says_so(tmp_path: Path) -> None:
    with pytest.raises(NoClips, match="no clip that can be read"):
        measure_clip_copies(tmp_path, None, 2)
