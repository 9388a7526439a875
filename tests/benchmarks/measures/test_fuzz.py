"""A small part of `sightline bench fuzz`, always the same."""

from random import Random

import pytest

from benchmarks.measures.fuzz import Fuzzed, fuzz
from benchmarks.world.odd_pictures import mutated, whole_pictures
from features.vision.decode import decode
from streams.uploads.decoder import MEMORY_BYTES
from tests.harness.paths import ODD_IMAGES


def quietly(line: str) -> None:
    """Nobody watches."""


def outcome(found: Fuzzed) -> tuple[int, int, int, int]:
    return found.events, found.pictures, found.crashes, found.hangs


def test_hostile_events_crash_nothing() -> None:
    assert outcome(fuzz(300, 0, seed=11, progress=quietly)) == (300, 0, 0, 0)


def test_broken_pictures_crash_nothing() -> None:
    found = fuzz(0, 2000, seed=11, progress=quietly)
    assert outcome(found) == (0, 2000, 0, 0)
    assert 0 < found.peak_mb < MEMORY_BYTES / 1e6


@pytest.mark.skipif(not ODD_IMAGES.exists(), reason="../shared/data/odd-images is not on this machine")
def test_odd_pictures_and_their_mutations_crash_nothing() -> None:
    files = sorted(ODD_IMAGES.glob("*.*"))
    found = fuzz(0, 500, seed=12, files=files, progress=quietly)
    assert outcome(found) == (0, 500, 0, 0)
    assert found.peak_mb < MEMORY_BYTES / 1e6


def test_every_picture_is_one_before_it_is_mutated() -> None:
    assert {decode(data).format for data in whole_pictures()} == {"JPEG", "PNG", "GIF", "WEBP", "AVIF", "HEIF"}


def test_the_same_seed_gives_the_same_pictures() -> None:
    whole = whole_pictures()
    first, again = ([mutated(whole, random) for _ in range(20)] for random in (Random(3), Random(3)))
    assert first == again
