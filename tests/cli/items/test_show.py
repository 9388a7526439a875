import json

from cli.items.show import as_object, in_words
from features.item import Item
from features.vision.clips.clip import Clip
from features.vision.kept_picture import KeptPicture
from features.words.item_words import ItemWords

SHA = "ab" * 32
KEPT = KeptPicture(f"pictures/ab/{SHA}.webp", f"pictures/ab/{SHA}.320.webp", 1024, 768, 50_000)


def test_an_item_is_shown_with_where_its_picture_lies_and_without_its_vectors() -> None:
    item = Item(
        "i1",
        5,
        title="Shoe",
        colours=(("red", 0.7),),
        tags=(("running shoe", 0.6), ("Loafer", 0.2)),
        embeddings={"lite0@1": b"\0<"},
        descriptors=b"\1" * 226,
        kept_picture=KEPT,
        words=ItemWords("tower@1", b"\2" * 8, b"\0<" * 384),
        clip=Clip(1_500, "lite0@1", 3 * b"\0<"),
        price=None,
    )
    shown = as_object(item)
    assert shown["kept_picture"] == {
        "key": KEPT.key,
        "preview": KEPT.preview,
        "width": 1024,
        "height": 768,
        "bytes": 50_000,
        "sha256": SHA,
    }
    assert (shown["title"], shown["colours"], shown["encoders"]) == ("Shoe", (("red", 0.7),), ["lite0@1"])
    assert shown["descriptors"] == 226
    assert shown["clip"] == {"duration_ms": 1_500, "frames": 3}
    assert shown["readable_tags"] == [{"name": "shoe", "chinese": "鞋", "probability": 0.8}]
    assert shown["words"] == "tower@1"
    assert json.dumps(shown)
    assert not {"embeddings", "price", "category", "times"} & shown.keys()


def test_a_person_reads_times_shares_and_sizes_and_nothing_of_what_is_not_known() -> None:
    item = Item(
        "i1",
        1_767_268_800_000,
        title="Shoe",
        price=23.9,
        currency="EUR",
        in_stock=False,
        hidden=True,
        expires_at_ms=1_767_268_800_000,
        colours=(("red", 0.704), ("grey", 0.2)),
        tags=(("running shoe", 0.6), ("Loafer", 0.2)),
        embeddings={"lite0@1": b"\0<"},
        kept_picture=KEPT,
        words=ItemWords("tower@1", b"\2" * 8, b"\0<" * 384),
        clip=Clip(1_500, "lite0@1", 3 * b"\0<"),
        attributes={"brand": "Acme", "size": "42"},
    )
    assert in_words(item, now_ms=1_767_268_800_000) == {
        "title": "Shoe",
        "price": "23.90 EUR",
        "attributes": "brand: Acme, size: 42",
        "state": "hidden, sold out, expired",
        "changed": "2026-01-01T12:00:00+00:00",
        "expires": "2026-01-01T12:00:00+00:00",
        "shows": "shoe 80%",
        "classes": "running shoe 60%, Loafer 20%",
        "colours": "red 70%, grey 20%",
        "clip": "1.5 s, 3 key frames",
        "picture": f"1024×768, 50,000 bytes, {KEPT.key}",
        "preview": KEPT.preview,
        "embedded by": "lite0@1, tower@1",
    }


def test_an_item_of_which_little_was_said_and_one_that_is_held() -> None:
    assert in_words(Item("i1", 0, uploaded_at_ms=10**15), now_ms=1) == {
        "state": "can be in lists",
        "uploaded": "9999-12-31T23:59:59+00:00",
        "changed": "1970-01-01T00:00:00+00:00",
    }
    held = Item("i1", 0, faults=("dark", "blurred"), held=("dark",), own_class=("boots", 0.912))
    shown = in_words(held, now_ms=1)
    assert (shown["state"], shown["faults"], shown["own class"]) == ("held for dark", "dark, blurred", "boots 91%")
