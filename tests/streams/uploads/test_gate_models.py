"""What becomes of uploads in whose pictures models find faults, and of all uploads while a model is away."""

import asyncio
import base64
from io import BytesIO

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from prometheus_client import REGISTRY

from inference.errors import BadScore, EncoderUnavailable
from tests.harness import clips
from tests.harness.clips import clip, scene
from tests.harness.uploads import BLUE, RED, Studio, query, record, shirt, upload

UNSAFE, SAFE = shirt(RED), shirt(BLUE)


def sent(scenes: list[NDArray[np.uint8]]) -> str:
    """A clip as an upload has it."""
    return base64.b64encode(clip(scenes)).decode()


def studio(gate_setting: str) -> Studio:
    return Studio(gate_setting=gate_setting, unsafe_from=0.2)


async def test_the_model_is_asked_only_where_the_setting_says_what_follows() -> None:
    silent = studio("blur:hold")
    await silent.handle([record(0, upload("i1", UNSAFE))])
    assert (silent.safety.calls, silent.items()[0].faults) == (0, ())


async def test_an_unsafe_picture_is_reported_and_counted() -> None:
    before = REGISTRY.get_sample_value("sightline_gate_total", {"fault": "unsafe", "decision": "allow"}) or 0.0
    reporting = studio("unsafe:allow")
    await reporting.handle([record(0, upload("i1", UNSAFE)), record(1, upload("i2", SAFE))])
    assert [("unsafe" in item.faults, item.is_held) for item in reporting.items()] == [(True, False), (False, False)]
    after = REGISTRY.get_sample_value("sightline_gate_total", {"fault": "unsafe", "decision": "allow"})
    assert after == before + 1


async def test_an_unsafe_picture_is_held() -> None:
    holding = studio("unsafe:hold")
    await holding.handle([record(0, upload("i1", UNSAFE)), record(1, upload("i2", SAFE))])
    assert [item.held for item in holding.items()] == [("unsafe",), ()]


async def test_a_dropped_one_is_a_dead_letter_and_is_not_encoded() -> None:
    dropping = studio("unsafe:drop")
    await dropping.handle([record(0, upload("i1", UNSAFE))])
    (letter,) = dropping.publisher.dead_letters()
    assert (letter.reason, letter.error.startswith("unsafe: ")) == ("gate", True)
    assert (dropping.items(), dropping.encoder.calls) == ([], 0)


async def test_the_threshold_belongs_to_what_is_unsafe() -> None:
    strict = Studio(gate_setting="unsafe:hold", unsafe_from=0.01)
    await strict.handle([record(0, upload("i1", UNSAFE))])
    lenient = Studio(gate_setting="unsafe:hold", unsafe_from=1.0)
    await lenient.handle([record(0, upload("i1", UNSAFE))])
    assert [strict.items()[0].held, lenient.items()[0].held] == [("unsafe",), ()]


async def test_a_query_is_never_judged() -> None:
    dropping = studio("unsafe:drop")
    await dropping.handle([query(UNSAFE)])
    assert (dropping.safety.calls, dropping.reasons()) == (0, [])


async def test_the_same_picture_again_has_the_same_fault_and_is_asked_for_once() -> None:
    holding = studio("unsafe:hold")
    await holding.handle([record(0, upload("i1", UNSAFE)), record(1, upload("i2", UNSAFE))])
    await holding.handle([record(2, upload("i1", UNSAFE))])
    assert ([item.held for item in holding.items()], holding.safety.calls) == ([("unsafe",)] * 3, 1)


async def test_a_clip_is_unsafe_if_one_of_its_frames_is() -> None:
    holding = studio("unsafe:hold")
    both, blue = [scene(clips.BLUE), scene(clips.RED)], [scene(clips.BLUE)]
    await holding.handle([record(0, upload("i1", video=sent(both))), record(1, upload("i2", video=sent(blue)))])
    assert [item.held for item in holding.items()] == [("unsafe",), ()]


# The model away


async def test_while_the_model_is_away_uploads_wait_and_nothing_passes_unjudged() -> None:
    holding = studio("unsafe:hold")
    holding.safety.failure = EncoderUnavailable("nobody there")
    await holding.handle([record(0, upload("i1", UNSAFE))])
    assert len(holding.trouble) == 2  # it is back after the second complaint
    assert [item.held for item in holding.items()] == [("unsafe",)]


async def test_a_picture_without_a_usable_score_is_a_dead_letter_and_holds_up_no_other() -> None:
    holding = studio("unsafe:hold")
    holding.safety.failure = BadScore("the safety model gave nan, which is not between 0 and 1")
    await holding.handle([record(0, upload("i1", UNSAFE))])
    holding.safety.failure = None
    await holding.handle([record(1, upload("i1", UNSAFE))])
    assert (holding.reasons(), len(holding.items())) == (["not_judged"], 1)


@pytest.mark.parametrize("setting", ["unsafe:hold", "unsafe:drop"])
async def test_what_the_pixels_alone_refuse_is_not_asked_for(setting: str) -> None:
    dropping = studio(f"plain:drop,{setting}")
    await dropping.handle([record(0, upload("i1", shirt((255, 255, 255))))])
    assert (dropping.reasons(), dropping.safety.calls) == (["gate"], 0)


async def test_a_picture_that_one_model_refuses_leaves_nobody_behind_who_waits_for_another() -> None:
    both = studio("unsafe:hold,text:hold")
    both.safety.failure, both.text.failure = EncoderUnavailable("nobody there"), BadScore("the text model gave nan")
    await both.handle([record(0, upload("i1", UNSAFE))])
    assert both.reasons() == ["not_judged"]
    assert asyncio.all_tasks() == {asyncio.current_task()}


# Text on pictures


async def test_each_model_that_the_setting_names_is_asked() -> None:
    both = studio("unsafe:hold,text:hold")
    await both.handle([record(0, upload("i1", UNSAFE)), record(1, upload("i2", SAFE))])
    assert [item.held for item in both.items()] == [("unsafe",), ("text",)]


@pytest.mark.parametrize("place", [(0, 0), (400, 0), (0, 400)])
async def test_text_at_an_edge_is_found_and_what_is_unsafe_is_looked_for_in_the_middle(place: tuple[int, int]) -> None:
    both, found = studio("unsafe:hold,text:hold"), list[tuple[str, ...]]()
    for colour in (BLUE, RED):
        image, buffer = Image.new("RGB", (200, 600) if place[1] else (600, 200), "white"), BytesIO()
        image.paste(colour, (*place, place[0] + 200, place[1] + 200))
        image.save(buffer, "PNG")
        await both.handle([record(len(found), upload(f"i{len(found)}", buffer.getvalue()))])
        found.append(both.items()[-1].held)
    assert found == [("text",), ()]


@pytest.mark.parametrize(("setting", "tiles"), [("unsafe:hold", False), ("text:hold", True)])
async def test_tiles_are_made_only_where_a_model_is_asked_about_them(setting: str, tiles: bool) -> None:
    holding = studio(setting)
    await holding.handle([record(0, upload()), query(SAFE)])
    assert [wanted.tiles for wanted in holding.wanted] == [tiles, False]


async def test_a_clip_has_text_if_most_of_its_frames_do() -> None:
    holding = studio("text:hold")
    blue, red, green = scene(clips.BLUE), scene(clips.RED), scene(clips.GREEN)
    sends = [[blue, red, green], [blue]]
    await holding.handle([record(n, upload(f"i{n}", video=sent(each))) for n, each in enumerate(sends)])
    assert [item.held for item in holding.items()] == [(), ("text",)]


@pytest.mark.parametrize(("with_text", "held"), [(2, ("text",)), (1, ()), (0, ())])
async def test_text_at_the_edge_of_most_frames_of_a_clip_is_found(with_text: int, held: tuple[str, ...]) -> None:
    holding, frames = studio("text:hold"), list[NDArray[np.uint8]]()
    for number, ground in enumerate((250, 150, 50)):
        frames.append(np.full((64, 192, 3), ground, np.uint8))
        frames[-1][:, 64:128] = scene(clips.RED)[:64, :64]
        if number < with_text:
            frames[-1][:, 128:] = BLUE
    await holding.handle([record(0, upload(video=sent(frames)))])
    assert [item.held for item in holding.items()] == [held]
