"""The thing in a photo of a wall is found by the real encoder, and with it the article that it shows."""

import time
import uuid
from io import BytesIO

import msgspec
import pytest
from PIL import Image, ImageDraw

from cli.items.search.similar import ask
from sightline_client.lists import Recommendations
from streams.wire.events import Box, Upload
from tests.e2e.conftest import DEADLINE_S, System, eventually

pytestmark = pytest.mark.stack

LEFT, RIGHT = Box(x=0.05, y=0.5, width=0.25, height=0.45), Box(x=0.6, y=0.1, width=0.3, height=0.6)


def test_the_thing_in_a_photo_is_found_and_each_box_has_its_own_answer(system: System) -> None:
    system.start("uploads", "items")
    for name, thing in (("mug", mug()), ("ball", ball())):
        event = upload(f"p{name}", item_id=name, user_id="seller", image=jpeg(thing))
        producer = system.producer()
        producer.produce(system.topic("events.uploads"), msgspec.json.encode(event), name)
        producer.flush()
    eventually(lambda: len(asked(system, jpeg(mug())).items) == 2, "both are in the catalogue")

    wall = Image.new("RGB", (640, 480), (214, 208, 196))
    wall.paste(mug().resize((160, 216)), (32, 240))
    answer = asked(system, jpeg(wall), box="salient")
    assert answer.degraded == []
    assert answer.regions is not None
    box = answer.regions[0].box
    assert box is not None
    assert box.x + box.width / 2 < 0.4
    assert box.y + box.height / 2 > 0.5
    assert answer.regions[0].items[0].item_id == "mug"

    wall.paste(ball().resize((192, 288)), (384, 48))
    both = asked(system, jpeg(wall), boxes=(LEFT, RIGHT)).regions
    assert both is not None
    assert [region.items[0].item_id for region in both] == ["mug", "ball"]


def mug() -> Image.Image:
    """Red with white stripes."""
    image = Image.new("RGB", (320, 432), (190, 30, 30))
    draw = ImageDraw.Draw(image)
    for top in range(20, 432, 60):
        draw.rectangle((0, top, 320, top + 20), fill=(250, 250, 250))
    return image


def ball() -> Image.Image:
    """Blue with yellow dots."""
    image = Image.new("RGB", (320, 480), (20, 60, 170))
    draw = ImageDraw.Draw(image)
    for x in range(10, 320, 70):
        for y in range(10, 480, 70):
            draw.ellipse((x, y, x + 40, y + 40), fill=(250, 220, 40))
    return image


def jpeg(image: Image.Image) -> bytes:
    buffer = BytesIO()
    image.save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def upload(event_id: str, **fields: object) -> Upload:
    given: dict[str, object] = {"event_id": event_id, "occurred_at_ms": time.time_ns() // 1_000_000}
    return Upload(**given | fields)  # type: ignore[arg-type]  # literal values of the test


def asked(system: System, image: bytes, **fields: object) -> Recommendations:
    asker = uuid.uuid4().hex
    query = upload(asker, item_id=asker, user_id=asker, purpose="query", image=image, **fields)
    return ask(system.kafka, system.settings.topic_prefix, query, DEADLINE_S)
