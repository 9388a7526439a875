from io import BytesIO

from PIL import Image

from benchmarks.world.lookbooks import PRODUCTS, SIDE, draw_lookbooks
from benchmarks.world.pictures import CATEGORIES
from features.vision.clips.decode import decode_clip
from sightline_client.events import IMAGE_LIMIT


def test_the_same_seed_draws_the_same_clips_each_of_another_kind() -> None:
    clips = list(draw_lookbooks(2, seed=7))
    assert clips == list(draw_lookbooks(2, seed=7))
    assert clips != list(draw_lookbooks(2, seed=8))
    assert [clip.category for clip in clips] == list(CATEGORIES[:2])


def test_a_clip_fits_into_its_event_and_shows_every_product() -> None:
    (clip,) = draw_lookbooks(1, seed=7)
    assert len(clip.gif) < IMAGE_LIMIT
    animation = Image.open(BytesIO(clip.gif))
    assert (animation.n_frames, animation.size) == (PRODUCTS, (SIDE, SIDE))  # type: ignore[attr-defined]
    decoded = decode_clip(clip.gif)
    assert (decoded.duration_ms, len(decoded.frames)) == (800 * PRODUCTS, PRODUCTS)


def test_no_clips_are_none() -> None:
    assert list(draw_lookbooks(0, seed=7)) == []
