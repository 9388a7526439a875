"""Clips from uploads to items and answers, and the process that decodes them."""

import asyncio
import base64
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest

import features
import sightline_client
from features.vision.clips.decode import decode_clip
from features.vision.decode import Wanted, decode
from features.vision.formats import BadImage
from streams.pictures.store import PictureStore
from streams.uploads.clip_decoder import ClipDecoder
from streams.uploads.object_store import Objects
from streams.uploads.picture_keeper import PictureKeeper
from streams.wire.namespace import Namespace
from tests.harness.clips import BLUE, GREEN, RED, clip, gif, lasting, scene
from tests.harness.uploads import Studio, record, upload

SCENES = [scene(RED), scene(GREEN), scene(BLUE)]
MP4 = clip(SCENES)
#: The code of this checkout, wherever the installed one is from.
PATHS = [str(Path(features.__file__).parents[1]), str(Path(sightline_client.__file__).parents[1])]
HERE = f"import sys; sys.path[:0] = {PATHS}; from streams.uploads import clip_process as c; c.main()"
COMMAND = (sys.executable, "-W", "ignore", "-c", HERE)


def sent(data: bytes, **changes: object) -> dict[str, object]:
    return upload("i1") | {"image": None, "video": base64.b64encode(data).decode()} | changes


@pytest.fixture
async def apart() -> AsyncIterator[ClipDecoder]:
    decoder = ClipDecoder(command=COMMAND)
    yield decoder
    await decoder.close()


# Items and answers


async def test_a_clip_becomes_an_item_with_its_frames_and_their_mean() -> None:
    studio = Studio()
    await studio.handle([record(0, sent(MP4))])
    (item,) = studio.items()
    assert item.clip is not None
    assert item.clip.duration_ms == decode_clip(MP4).duration_ms
    frames = item.clip.vectors(256, "fake@1")
    assert np.linalg.norm(frames, axis=1) == pytest.approx([1, 1, 1], abs=1e-2)
    mean = frames.mean(axis=0)
    assert item.vector("fake@1") == pytest.approx(mean / np.linalg.norm(mean), abs=1e-2)
    assert {name for name, _ in item.colours} >= {"red", "green", "blue"}
    assert item.descriptors is not None
    assert studio.publisher.to("events.interactions")


async def test_a_clip_comes_from_the_object_store(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(MP4)
    studio = Studio(Objects(tmp_path.as_uri()))
    await studio.handle([record(0, upload("i1", video_ref="a.mp4"))])
    (item,) = studio.items()
    assert item.clip is not None


async def test_the_same_animation_is_a_picture_or_a_clip_as_the_upload_says() -> None:
    studio, animation = Studio(), gif(SCENES)
    await studio.handle([record(0, upload("p", animation)), record(1, sent(animation))])
    assert [item.clip is None for item in studio.items()] == [True, False]


async def test_a_frame_of_a_clip_is_kept_as_its_picture(tmp_path: Path) -> None:
    keeper = PictureKeeper(PictureStore(tmp_path.as_uri(), Namespace()), "preview")
    studio = Studio(keeper=keeper)
    await studio.handle([record(0, sent(MP4))])
    (item,) = studio.items()
    assert item.kept_picture is not None
    assert (item.kept_picture.width, item.kept_picture.height) == (96, 64)
    assert (tmp_path / item.kept_picture.preview).is_file()
    frames = decode((tmp_path / item.kept_picture.frames).read_bytes())
    assert (frames.width, frames.height) == (224, 3 * 224)
    await keeper.close()


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (MP4[: len(MP4) // 2], "truncated"),
        (b"", "empty"),
        (b"text, renamed to .mp4", "not_a_clip"),
        (clip([scene(RED)], codec="ffv1"), "format"),
    ],
    ids=["half", "empty", "text", "codec"],
)
async def test_a_clip_that_is_refused_is_a_dead_letter_with_the_reason(data: bytes, says: str) -> None:
    studio = Studio()
    await studio.handle([record(0, sent(data))])
    (letter,) = studio.publisher.dead_letters()
    assert (letter.reason, letter.error.split(":")[0]) == ("bad_clip", says)


async def test_a_worker_without_pyav_refuses_clips_and_says_what_to_install() -> None:
    studio = Studio(reads_clips=False)
    await studio.handle([record(0, sent(MP4))])
    (letter,) = studio.publisher.dead_letters()
    assert (letter.reason, "sightline[clips]" in letter.error) == ("video_unsupported", True)


async def test_a_clip_that_is_asked_with_finds_the_item_of_that_clip() -> None:
    studio = Studio()
    await studio.handle([record(0, sent(MP4)), record(1, upload("other"))])
    studio.catalog.apply([(item.item_id, item) for item in studio.items()])
    ask = sent(MP4, purpose="query", user_id="u7") | {"event_id": "q1", "item_id": "q1"}
    await studio.handle([record(2, ask, key=b"u7")])
    first = studio.publisher.lists()[-1].items[0]
    assert first.item_id == "i1"
    assert first.score == pytest.approx(1, abs=0.01)


# The process


async def test_the_process_gives_what_decoding_here_gives(apart: ClipDecoder) -> None:
    found, here = await apart.decode(MP4, Wanted("full", tiles=True)), decode_clip(MP4, keep="full", tiles=True)
    assert (found.frames == here.frames).all()
    assert (found.duration_ms, found.kept) == (here.duration_ms, here.kept)
    assert found.tiles is not None
    assert here.tiles is not None
    assert found.tiles.shape == here.tiles.shape
    assert (found.tiles == here.tiles).all()
    assert (await apart.decode(MP4)).tiles is None


@pytest.mark.parametrize("tiles", [False, True])
async def test_tiles_that_nobody_asked_for_or_that_are_missing_are_refused(tiles: bool) -> None:
    lies = "see = c.decode_clip; c.decode_clip = lambda data, **how: see(data, **how | {'tiles': not how['tiles']})"
    decoder = ClipDecoder(command=(*COMMAND[:-1], HERE.replace("c.main()", f"{lies}; c.main()")))
    with pytest.raises(BadImage, match="other tiles"):
        await decoder.decode(MP4, Wanted(tiles=tiles))
    await decoder.close()


async def test_a_refusal_does_not_end_the_process(apart: ClipDecoder) -> None:
    assert (await apart.decode(lasting(MP4, 36_000))).duration_ms == decode_clip(MP4).duration_ms
    pids = apart.pids
    with pytest.raises(BadImage) as caught:
        await apart.decode(b"")
    assert caught.value.reason == "empty"
    assert len((await apart.decode(gif(SCENES))).frames) == 3
    assert apart.pids == pids


async def test_a_process_that_is_killed_in_the_middle_is_replaced_and_the_clip_decoded(apart: ClipDecoder) -> None:
    await apart.decode(MP4)
    task = asyncio.create_task(apart.decode(MP4))
    os.kill(apart.pids[0], signal.SIGKILL)
    assert len((await task).frames) == 3


@pytest.mark.parametrize(
    ("limits", "reasons"),
    [
        ({"deadline_s": 0.05}, {"too_slow"}),
        ({"memory_bytes": 250_000_000}, {"too_much_memory", "crash", "broken"}),
    ],
    ids=["time", "memory"],
)
async def test_a_clip_that_takes_too_much_is_refused(limits: dict[str, float], reasons: set[str]) -> None:
    decoder = ClipDecoder(command=COMMAND, **limits)  # type: ignore[arg-type]
    try:
        with pytest.raises(BadImage) as caught:
            await decoder.decode(clip([scene(RED, 4_000, 2_000)], each=12))
        assert caught.value.reason in reasons
    finally:
        await decoder.close()
