import json

from cli.items.show import _text, in_words
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
    shown = in_words(item)
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


def test_a_reader_sees_parts_without_the_punctuation_of_python() -> None:
    assert _text((("jersey", 0.491527), ("pajama", 0.055614))) == "jersey 0.492; pajama 0.0556"
    tag = {"name": "shirt", "chinese": "衬衫", "probability": 0.6649}
    assert _text([tag]) == "name shirt, chinese 衬衫, probability 0.665"
    assert (_text(1796001238801), _text(True), _text(["lite0@1"])) == ("1796001238801", "True", "lite0@1")
