"""Clips on their way through real services and a killed worker: a still finds its clip."""

import time
import uuid
from io import BytesIO

import pytest
from PIL import Image

from cli.items.search.similar import ask
from state.codec import decode_item
from streams.client import EventPublisher
from streams.wire.events import Upload
from tests.e2e.conftest import DEADLINE_S, System, eventually
from tests.harness.clips import BLUE, GREEN, RED, clip, scene

pytestmark = pytest.mark.stack


def test_a_still_of_a_scene_finds_its_clip_though_the_worker_was_killed(system: System) -> None:
    system.start("items")
    (uploads,) = system.start("uploads")
    films = {"film": [scene(RED), scene(GREEN)], "other": [scene(BLUE)]}
    with EventPublisher(system.kafka, prefix=system.settings.topic_prefix) as publisher:
        for name, scenes in films.items():
            publisher.publish(
                Upload(
                    event_id=f"e-{name}",
                    occurred_at_ms=time.time_ns() // 1_000_000,
                    item_id=name,
                    user_id="u1",
                    video=clip(scenes),
                )
            )
        publisher.flush(DEADLINE_S)
    # In the middle of the clips, or before or after them: none is lost.
    system.kill(uploads)
    system.start("uploads")
    eventually(lambda: len({record.key for record in system.read("state.catalog")}) == 2, "both clips are items")
    items = {
        item.item_id: item for record in system.read("state.catalog") if (item := decode_item(record.value or b""))
    }
    found = items["film"].clip
    assert found is not None
    assert len(found.frames) == 2 * 512
    assert found.duration_ms == pytest.approx(1_000, abs=110)

    buffer = BytesIO()
    Image.fromarray(scene(GREEN)).save(buffer, "PNG")

    def first() -> str:
        asker = f"asker-{uuid.uuid4().hex}"
        query = Upload(
            event_id=asker,
            occurred_at_ms=1,
            item_id=asker,
            user_id=asker,
            image=buffer.getvalue(),
            purpose="query",
        )
        answer = ask(system.kafka, system.settings.topic_prefix, query, DEADLINE_S)
        return answer.items[0].item_id if answer.items else ""

    eventually(lambda: first() == "film", "a still of its second scene finds the clip")
