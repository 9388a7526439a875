"""What becomes of uploads whose pictures have faults, or are copies: with the fake encoder and real pictures."""

import base64
from collections.abc import Sequence
from dataclasses import replace
from io import BytesIO

import msgspec
import numpy as np
import pytest
from PIL import Image, ImageFilter, ImageOps
from prometheus_client import REGISTRY

from features.item import Change, Item, apply_change
from streams.wire.events import Recommendations
from streams.wire.records import Record
from tests.harness.clips import clip
from tests.harness.uploads import Studio, query, record, upload


def cloth(seed: int = 1) -> Image.Image:
    """A sharp picture with detail of every size, of one tint."""
    chance = np.random.default_rng(seed)
    sides = (4, 20, 150)
    parts = [Image.fromarray(chance.integers(0, 255, (side, side), np.uint8)).resize((300, 300)) for side in sides]
    level = np.mean([np.asarray(part, np.float32) for part in parts], axis=0)
    return Image.fromarray(np.stack([level, level * 0.7, level * 0.4], axis=2).astype(np.uint8))


def file(image: Image.Image) -> bytes:
    buffer = BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


SHARP, BLURRED = file(cloth()), file(cloth().filter(ImageFilter.GaussianBlur(5)))
MIRRORED = file(ImageOps.mirror(cloth()))


async def uploaded(studio: Studio, *records: Record) -> Item:
    """The last item after these uploads, as it was passed on."""
    await studio.handle(records)
    return studio.items()[-1]


async def shown(studio: Studio) -> Sequence[str]:
    """What a query by the sharp picture finds."""
    await studio.handle([query(SHARP)])
    answer = msgspec.json.decode(studio.publisher.to("recommendations")[-1].value or b"", type=Recommendations)
    return [item.item_id for item in answer.items]


def counted(fault: str, decision: str) -> float:
    return REGISTRY.get_sample_value("sightline_gate_total", {"fault": fault, "decision": decision}) or 0.0


async def test_a_fault_is_reported_and_counted_and_the_item_shown_unless_the_setting_says_otherwise() -> None:
    studio, before = Studio(), counted("blur", "allow")
    item = await uploaded(studio, record(0, upload("i1", BLURRED)))
    assert (item.faults, item.held, item.is_held) == (("blur",), (), False)
    assert counted("blur", "allow") == before + 1
    studio.catalog.apply([("i1", item)])
    assert await shown(studio) == ["i1"]


async def test_a_held_item_is_in_the_catalogue_and_in_no_answer_until_a_person_allows_it() -> None:
    studio = Studio(gate_setting="blur:hold")
    item = await uploaded(studio, record(0, upload("i1", BLURRED)))
    assert (item.held, item.is_held) == (("blur",), True)
    studio.catalog.apply([("i1", item)])
    assert (studio.catalog.counts().unavailable, await shown(studio)) == (1, [])
    studio.catalog.apply([("i1", apply_change(item, "i1", Change(item.changed_at_ms + 1, allowed=True)))])
    assert await shown(studio) == ["i1"]


async def test_a_dropped_upload_is_a_dead_letter_with_its_faults_and_is_not_encoded() -> None:
    studio = Studio(gate_setting="blur:drop")
    await studio.handle([record(0, upload("i1", BLURRED)), record(1, upload("i2", SHARP))])
    (letter,) = studio.publisher.dead_letters()
    assert (letter.reason, letter.error.startswith("blur: ")) == ("gate", True)
    assert ([item.item_id for item in studio.items()], studio.encoder.calls) == (["i2"], 1)


async def test_a_query_is_never_refused() -> None:
    studio = Studio(gate_setting="blur:drop")
    await studio.handle([query(BLURRED)])
    assert studio.publisher.dead_letters() == []


# Copies


async def test_another_owners_picture_is_a_copy_and_one_of_them_is_in_an_answer() -> None:
    studio = Studio()
    first = await uploaded(studio, record(0, upload("i1", SHARP)))
    studio.catalog.apply([("i1", first)])
    second = await uploaded(studio, record(1, upload("i2", MIRRORED, user_id="u2")))
    assert (second.copy_of, second.faults, second.hashes == first.hashes) == ("i1", ("copy",), True)
    studio.catalog.apply([("i2", second)])
    assert len(await shown(studio)) == 1


async def test_an_original_that_comes_again_is_no_copy_of_its_copy() -> None:
    studio = Studio(gate_setting="copy:hold")
    first = await uploaded(studio, record(0, upload("i1", SHARP)))
    studio.catalog.apply([("i1", first)])
    copy = await uploaded(studio, record(1, upload("i2", SHARP, user_id="u2")))
    studio.catalog.apply([("i2", copy)])
    again = await uploaded(studio, record(2, upload("i1", SHARP)))
    assert (copy.is_held, again.copy_of, again.is_held) == (True, None, False)
    studio.catalog.apply([("i1", again)])
    copied_again = await uploaded(studio, record(3, upload("i2", SHARP, user_id="u2")))
    assert (copied_again.copy_of, copied_again.is_held) == ("i1", True)


async def test_ones_own_copy_is_no_fault_and_shares_the_slot() -> None:
    studio = Studio(gate_setting="copy:drop")
    first = await uploaded(studio, record(0, upload("i1", SHARP)))
    studio.catalog.apply([("i1", first)])
    second = await uploaded(studio, record(1, upload("i2", MIRRORED)))
    assert (second.copy_of, second.faults) == (None, ())
    studio.catalog.apply([("i2", second)])
    assert len(await shown(studio)) == 1


async def test_a_copy_can_be_held_or_dropped() -> None:
    for setting, held, letters in (("copy:hold", [("copy",)], 0), ("copy:drop", [], 1)):
        studio = Studio(gate_setting=setting)
        first = await uploaded(studio, record(0, upload("i1", SHARP)))
        studio.catalog.apply([("i1", first)])
        await studio.handle([record(1, upload("i2", MIRRORED, user_id="u2"))])
        assert [item.held for item in studio.items()[1:]] == held
        assert len(studio.publisher.dead_letters()) == letters


# Copies of clips


def filmed(*scenes: Image.Image, **more: object) -> dict[str, object]:
    """The upload of a clip with these scenes."""
    data = clip([np.asarray(each) for each in scenes])
    return upload("i1") | {"image": None, "video": base64.b64encode(data).decode()} | more


async def test_another_owners_clip_is_a_copy_and_one_of_them_is_in_an_answer() -> None:
    studio = Studio()
    scenes = [cloth(), cloth(2), cloth(3)]
    first = await uploaded(studio, record(0, filmed(*scenes)))
    studio.catalog.apply([("i1", first)])
    second = await uploaded(studio, record(1, filmed(*map(ImageOps.mirror, scenes), item_id="i2", user_id="u2")))
    assert (second.copy_of, second.faults, second.hashes == first.hashes) == ("i1", ("copy",), True)
    studio.catalog.apply([("i2", second)])
    assert len(await shown(studio)) == 1


async def test_a_clip_that_comes_again_and_ones_own_copy_are_no_faults() -> None:
    studio = Studio(gate_setting="copy:drop")
    first = await uploaded(studio, record(0, filmed(cloth(), cloth(2))))
    studio.catalog.apply([("i1", first)])
    again = await uploaded(studio, record(1, filmed(cloth(), cloth(2))))
    own = await uploaded(studio, record(2, filmed(cloth(), cloth(2), item_id="i2")))
    assert [(each.copy_of, each.faults, each.hashes) for each in (again, own)] == [(None, (), first.hashes)] * 2


async def test_a_still_is_no_copy_of_its_clip_and_the_clip_none_of_the_still() -> None:
    for uploads in ((filmed(cloth()), upload("i2", SHARP, user_id="u2")), (upload("i1", SHARP), filmed(cloth()))):
        studio = Studio()
        first = await uploaded(studio, record(0, uploads[0]))
        studio.catalog.apply([("i1", first)])
        second = await uploaded(studio, record(1, uploads[1] | {"item_id": "i2", "user_id": "u2"}))
        assert (second.copy_of, second.faults) == (None, ())


async def test_a_clip_of_a_release_before_has_no_hashes_and_is_nobodys_original() -> None:
    studio = Studio()
    first = await uploaded(studio, record(0, filmed(cloth(), cloth(2))))
    studio.catalog.apply([("i1", replace(first, hashes=None))])
    second = await uploaded(studio, record(1, filmed(cloth(), cloth(2), item_id="i2", user_id="u2")))
    assert (second.copy_of, second.hashes) == (None, first.hashes)


async def test_the_same_item_again_is_no_copy_of_itself() -> None:
    studio = Studio()
    first = await uploaded(studio, record(0, upload("i1", SHARP)))
    studio.catalog.apply([("i1", first)])
    again = await uploaded(studio, record(1, upload("i1", MIRRORED, user_id="u2")))
    assert (again.copy_of, again.faults) == (None, ())


@pytest.mark.parametrize("owner", ["u1", "u2"])
async def test_a_duplicate_of_a_deleted_item_is_an_item_of_its_own(owner: str) -> None:
    studio = Studio()
    first = await uploaded(studio, record(0, upload("i1", SHARP)))
    studio.catalog.apply([("i1", first)])
    studio.catalog.apply([("i1", None)])
    second = await uploaded(studio, record(1, upload("i2", SHARP, user_id=owner)))
    assert (second.copy_of, second.faults) == (None, ())
    studio.catalog.apply([("i2", second)])
    assert await shown(studio) == ["i2"]


async def test_of_an_item_without_owner_a_copy_is_counted_and_nobody_accused() -> None:
    studio = Studio(gate_setting="copy:drop")
    first = await uploaded(studio, record(0, upload("i1", SHARP)))
    studio.catalog.apply([("i1", Item("i1", 1, hashes=first.hashes, embeddings=first.embeddings))])
    second = await uploaded(studio, record(1, upload("i2", MIRRORED, user_id="u2")))
    assert (second.copy_of, second.hashes == first.hashes) == (None, True)


async def test_an_upload_handled_again_after_its_item_came_back_gives_the_same_item() -> None:
    studio = Studio(gate_setting="blur:hold")
    first = await uploaded(studio, record(0, upload("i1", BLURRED)))
    studio.catalog.apply([("i1", first)])
    assert await uploaded(studio, record(0, upload("i1", BLURRED))) == first
