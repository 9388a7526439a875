"""Clips that are made here, and those of the shared data, where they are."""

from contextlib import suppress
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from features.vision.clips.clip import MOST_FRAMES, MOST_TILED
from features.vision.clips.containers import MAX_BYTES, container_of, is_clip
from features.vision.clips.decode import DecodedClip, _tiles, decode_clip
from features.vision.formats import BadImage
from features.vision.gate.tiles import tiles
from features.vision.kept_picture import PREVIEW_SIDE
from tests.harness.clips import BLACK, BLUE, GREEN, RED, clip, gif, lasting, scene, sound, turned
from tests.harness.paths import SHARED_DATA

SCENES = [scene(RED), scene(GREEN), scene(BLUE)]
MP4 = clip(SCENES)
VIDEOS = SHARED_DATA / "videos"


def refusal(data: bytes) -> str:
    with pytest.raises(BadImage) as caught:
        decode_clip(data)
    return caught.value.reason


def colours(found: DecodedClip) -> list[int]:
    """Which of red, green and blue is most in the middle of each frame."""
    return [int(np.argmax(frame[112, 112])) for frame in found.frames]


# Key frames


@pytest.mark.parametrize(
    ("data", "container"),
    [(MP4, "mp4"), (clip(SCENES, container="webm", codec="libvpx-vp9"), "webm"), (gif(SCENES), "gif")],
    ids=["mp4", "webm", "gif"],
)
def test_a_clip_has_a_key_frame_of_each_scene_in_their_order(data: bytes, container: str) -> None:
    found = decode_clip(data)
    assert (found.format, found.width, found.height) == (container, 96, 64)
    assert colours(found) == [0, 1, 2]
    assert found.frames.shape == (3, 224, 224, 3)


def test_a_scene_that_comes_again_is_a_scene_again_up_to_sixteen() -> None:
    found = decode_clip(clip(20 * [scene(RED), scene(BLUE)], each=1))
    assert len(found.frames) == MOST_FRAMES


def test_a_clip_of_one_frame_is_one_key_frame() -> None:
    found = decode_clip(clip([scene(RED)], each=1))
    assert len(found.frames) == 1
    assert found.duration_ms >= 1


def test_a_fade_from_black_is_no_key_frame_but_black_alone_is() -> None:
    assert [int(frame.max()) > 100 for frame in decode_clip(clip([scene(BLACK), scene(RED)])).frames] == [True]
    assert len(decode_clip(clip([scene(BLACK)])).frames) == 1


def test_the_same_clip_gives_the_same_frames() -> None:
    assert (decode_clip(MP4).frames == decode_clip(MP4).frames).all()


def test_a_long_clip_is_looked_at_to_its_end() -> None:
    # 620 frames are over the limit, so only those that need no others are decoded.
    found = decode_clip(clip([scene(RED), scene(GREEN), scene(BLUE)], each=210))
    assert colours(found) == [0, 1, 2]


# Time


def test_the_duration_is_that_of_the_frames() -> None:
    assert decode_clip(MP4).duration_ms == pytest.approx(1500, abs=110)


def test_frames_may_stand_for_different_times() -> None:
    found = decode_clip(clip(SCENES, each=1, times=[0, 10, 250], container="webm", codec="libvpx-vp9"))
    assert len(found.frames) == 3
    assert found.duration_ms >= 2500


def test_a_header_that_says_ten_hours_is_not_believed() -> None:
    assert decode_clip(lasting(MP4, 36_000)).duration_ms == decode_clip(MP4).duration_ms


# Turned, kept


def test_a_clip_of_an_upright_phone_is_upright() -> None:
    found = decode_clip(turned(MP4), keep="full")
    assert (found.width, found.height) == (64, 96)
    assert found.kept is not None
    shown = np.asarray(Image.open(BytesIO(found.kept.preview)), int)
    # The bright square moves from the upper left to the upper right.
    assert shown[16, -16].min() > 200
    assert shown[16, 16].min() < 100


def test_what_is_kept_is_the_first_frame_that_shows_anything() -> None:
    frames = [np.kron(scene(colour), np.ones((6, 6, 1), np.uint8)) for colour in (BLACK, GREEN)]
    kept = decode_clip(clip(frames), keep="preview").kept
    assert kept is not None
    assert (kept.width, kept.height) == (PREVIEW_SIDE, 213)
    assert int(np.argmax(np.asarray(Image.open(BytesIO(kept.preview)))[100, 160])) == 1


def test_nothing_is_kept_unless_it_is_asked_for() -> None:
    assert decode_clip(MP4).kept is None


# Refusals


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"a clip of a red shirt, as text", "not_a_clip"),
        (b"\xff\xd8\xff\xe0" + bytes(60), "not_a_clip"),
        (sound(), "no_video"),
        (MP4[: len(MP4) // 2], "truncated"),
        (clip(SCENES, each=1, times=[0, 10, 3_600_000]), "too_long"),
        (gif(SCENES)[:-200], "truncated"),
        (clip(SCENES, container="webm", codec="libvpx-vp9")[:-300], "truncated"),
        (MP4[:8] + bytes(len(MP4) - 8), "broken"),
        (clip([scene(RED, 2000, 64)]), "aspect"),
        (clip([scene(RED)], codec="ffv1"), "format"),
        (bytes(MAX_BYTES + 1), "too_large_bytes"),
    ],
    ids=["empty", "text", "JPEG", "sound", "half", "10 h", "GIF", "WebM", "zeros", "wide", "codec", "large"],
)
def test_what_cannot_stand_for_an_item_is_refused_with_its_reason(data: bytes, reason: str) -> None:
    assert refusal(data) == reason


def test_a_clip_that_lacks_its_last_bytes_is_taken() -> None:
    padded = MP4 + (100).to_bytes(4, "big") + b"free" + bytes(92)
    assert len(decode_clip(padded[:-20]).frames) == 3


def test_a_clip_without_frames_is_refused() -> None:
    assert refusal(gif(SCENES)[:13] + b";") in ("no_video", "broken")


def test_the_content_says_what_a_file_is() -> None:
    assert container_of(gif(SCENES)) == "gif"
    assert is_clip(MP4[:64])
    assert not is_clip(gif(SCENES)[:64])


@pytest.mark.parametrize("seed", range(30))
def test_a_damaged_clip_gives_frames_or_a_refusal(seed: int) -> None:
    random = np.random.default_rng(seed)
    data = np.frombuffer(MP4, np.uint8).copy()
    data[random.integers(0, len(data), 40)] = random.integers(0, 256, 40)
    with suppress(BadImage):
        assert 1 <= len(decode_clip(data.tobytes(), keep="preview").frames) <= MOST_FRAMES


@pytest.mark.skipif(not VIDEOS.is_dir(), reason="the shared data are not there")
@pytest.mark.parametrize(
    ("name", "size", "seconds"),
    [
        ("realshort.mp4", (320, 240), 1.2),
        ("newtonscradle.gif", (200, 150), 0.82),
        ("sintel_trailer_short.mp4", (1280, 720), 0.96),
    ],
)
def test_real_clips_are_read(name: str, size: tuple[int, int], seconds: float) -> None:
    found = decode_clip((VIDEOS / name).read_bytes())
    assert (found.width, found.height) == size
    assert found.duration_ms == pytest.approx(1000 * seconds, abs=50)


@pytest.mark.skipif(not VIDEOS.is_dir(), reason="the shared data are not there")
def test_the_first_half_of_a_real_clip_is_refused() -> None:
    assert refusal((VIDEOS / "cockatoo_truncated.mp4").read_bytes()) == "truncated"


@pytest.mark.parametrize(("scenes", "tiled"), [(1, 1), (3, 3), (20, MOST_TILED)])
def test_tiles_show_all_of_a_few_frames_and_are_fewer_than_the_frames_may_be(scenes: int, tiled: int) -> None:
    data = clip([scene(colour) for colour in (RED, GREEN, BLUE, *10 * (RED, BLUE))[:scenes]])
    found = decode_clip(data, tiles=True)
    assert found.tiles is not None
    assert found.tiles.shape == (tiled, 2, 224, 224, 3)
    assert MOST_TILED * len(tiles((1280, 720))) < MOST_FRAMES
    assert decode_clip(data).tiles is None
    assert (found.frames == decode_clip(data).frames).all()


def test_frames_of_several_sizes_have_as_many_tiles() -> None:
    assert _tiles([Image.new("RGB", size) for size in ((160, 90), (90, 160), (64, 64))], 8).shape == (3, 3, 8, 8, 3)
