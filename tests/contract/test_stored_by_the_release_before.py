"""What the release before stored is read to the same values.

The bytes were made by the last commit in which an item had one embedding, and must not be replaced.
"""

import tarfile
from base64 import b64decode
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from features.behaviour import Engagement
from features.dials import NO_DIALS, turn
from features.item import Change, Item, apply_change, apply_upload, hash_of, key_of
from features.profile import NOTHING_ASKED, Action, Privacy, apply_interaction, has_refused, profile_after
from features.vision.clips.clip import Clip
from features.vision.descriptors.packed import describe
from features.vision.kept_picture import KeptPicture
from inference.catalog.catalog import Catalog, CatalogCounts
from inference.catalog.snapshot import find_snapshot, load_snapshot
from inference.errors import SnapshotUnusable
from state.codec import (
    decode_behaviour,
    decode_item,
    decode_profile,
    decode_sources,
    decode_trends,
    encode_behaviour,
    encode_item,
    encode_profile,
    encode_sources,
    encode_trends,
)
from streams.wire.signals import Changed, Engaged, Uploaded, encode_signal, parse_signal
from tests.harness.words import words

ITEM_WHOLE = b64decode(
    "eyJpdGVtX2lkIjoiaTEiLCJjaGFuZ2VkX2F0X21zIjoxNzY3MjY4ODAwMDA1LCJvd25lciI6InUxIiwidXBsb2FkZWRfYXRfbXMiOjE3NjcyNjg4"
    "MDAwMDAsInRpdGxlIjoiUmVkIHNoaXJ0IiwiZGVzY3JpcHRpb24iOiJDb3R0b24sIMOpdMOpIiwiY2F0ZWdvcnkiOiJzaGlydHMiLCJwcmljZSI6"
    "MTkuOTksImN1cnJlbmN5IjoiRVVSIiwiaW5fc3RvY2siOmZhbHNlLCJoaWRkZW4iOnRydWUsImRlbGV0ZWQiOmZhbHNlLCJleHBpcmVzX2F0X21z"
    "IjoxNzY3MjY4ODAxMDAwLCJ0YWdzIjpbWyJqZXJzZXkiLDAuNzFdXSwiY29sb3VycyI6W1sicmVkIiwwLjc1XSxbIndoaXRlIiwwLjI1XV0sImVt"
    "YmVkZGluZyI6InpUaG1PZ0FBQUFBPSIsImVuY29kZXIiOiJlZmZuZXRAMSJ9"
)
ITEM_EARLY = b64decode(
    "eyJpdGVtX2lkIjoiaTIiLCJjaGFuZ2VkX2F0X21zIjoxNzY3MjY4ODAwMDAwLCJvd25lciI6bnVsbCwidXBsb2FkZWRfYXRfbXMiOjAsInRpdGxl"
    "IjoiSGF0IiwiZGVzY3JpcHRpb24iOm51bGwsImNhdGVnb3J5IjpudWxsLCJwcmljZSI6bnVsbCwiY3VycmVuY3kiOm51bGwsImluX3N0b2NrIjp0"
    "cnVlLCJoaWRkZW4iOmZhbHNlLCJkZWxldGVkIjpmYWxzZSwiZXhwaXJlc19hdF9tcyI6bnVsbCwidGFncyI6W10sImNvbG91cnMiOltdLCJlbWJl"
    "ZGRpbmciOm51bGwsImVuY29kZXIiOm51bGx9"
)
ITEM_GONE = b64decode(
    "eyJpdGVtX2lkIjoiaTMiLCJjaGFuZ2VkX2F0X21zIjoxNzY3MjY4ODAwMDAwLCJvd25lciI6bnVsbCwidXBsb2FkZWRfYXRfbXMiOjAsInRpdGxl"
    "IjpudWxsLCJkZXNjcmlwdGlvbiI6bnVsbCwiY2F0ZWdvcnkiOm51bGwsInByaWNlIjpudWxsLCJjdXJyZW5jeSI6bnVsbCwiaW5fc3RvY2siOnRy"
    "dWUsImhpZGRlbiI6ZmFsc2UsImRlbGV0ZWQiOnRydWUsImV4cGlyZXNfYXRfbXMiOm51bGwsInRhZ3MiOltdLCJjb2xvdXJzIjpbXSwiZW1iZWRk"
    "aW5nIjpudWxsLCJlbmNvZGVyIjpudWxsfQ=="
)
PROFILE_PLAIN = b64decode(
    "AQIAAADo2W15mwEAAAEAAQACAAIArioe/7oRzwoAAIA/wGFWaSCeo31kLJcyAABAQMFhVmmuKh7/IJ6jfQEAAAAAAAAAAgAAAAAAAAA="
)
PROFILE_ASKED = b64decode(
    "AgIAAADo2W15mwEAAAEFAAAAAAAAAAcAAAAAAAAABgAAAAAAAAABAAEAAgACAK4qHv+6Ec8KAACAP8BhVmkgnqN9ZCyXMgAAQEDBYVZprioe/yCe"
    "o30BAAAAAAAAAAIAAAAAAAAA"
)
PROFILE_DIALS = b64decode(
    "AwIAAADo2W15mwEAAAEFAAAAAAAAAAcAAAAAAAAABgAAAAAAAAABAAEAAgACAAEArioe/7oRzwoAAIA/wGFWaSCeo31kLJcyAABAQMFhVmmuKh7/"
    "IJ6jfQEAAAAAAAAAAgAAAAAAAACF6Oghu0a3HAAAAD8="
)
#: Of the release that brought the layout: 37 events, the first five of which are known by their fingerprints.
PROFILE_LONG = b64decode(
    "BCUAAAC4WG95mwEAAAABECAAAAEAEwBvYzhfrF8mnwAAwD8jYlZpIJ6jfWQslzIAAEBA1GFWaViDT6UvUTq9AABAQNVhVml5EbZkTfMHdwAAQEDW"
    "YVZppP2S1dnqFsUAAEBA12FWacDy/VZKR9UVAABAQNhhVmkoOms6ljjqVQAAQEDZYVZp65RKmljfpGoAAEBA2mFWafDxJLHrpTi5AABAQNthVmkI"
    "4FLxzTlM9gAAQEDcYVZpk/es7pY+H9EAAEBA3WFWaW5NMyQUicWKAABAQN5hVmnD+/0Oi3BQeAAAQEDfYVZpG/z72myw4vUAAEBA4GFWaeG9M9+N"
    "h0NxAABAQOFhVmnpKvThql2zCAAAQEDiYVZp+HJIU45IHOYAAEBA42FWaZNHqQNYZP4IY8Vo+28+MDZpbqakM0eNj7P/3Brg7jLUQSwg/d7B+EXg"
    "BonrXCml47FA/5ytqKXeAEXvfmkOxXqI6+u319XJ+J0UFhlhRb55TbOzuVRhfy5Dno7+nLStxoQ7QBZ0MqBZbnteVvb0PfOWtwSS++47ee2UcH9U"
    "MAsHlIZebEWs4opby/CBU83OZPHKr6bBZ4lZ5SPr3M5RDxbq7SZz0sOUv6ibrwWYHfFk367ocwdR3txsr53Vct0yhZqyv/tLcgl71+AoNKSq57D6"
    "JUkzHzu7mAWfQ1d47uqrWd+gmVaEOv1ijCVifIXpYUSijhqG2cUzBjhZDOFn0ggDAEYAAAAAAAAAwGFWaQAAIIB684CVrioe/yCeo31Yg0+leRG2"
    "ZKT9ktXA8v1WKDprOuuUSprw8SSxCOBS8ZP3rO5uTTMkw/v9Dhv8+9rhvTPf6Sr04fhySFMAARIAw/v9dmuaIYrOmvDlkAYs3++8CFuCeI5Wbx6w"
    "65RKwhp8Knw8SUj7JbvBv6/w3pmnq9Bn8p7VCOBScVXxuIiYiEpoVQEFAEfXILq84kPEkdrwOtvTylA="
)
BEHAVIOUR_PLAIN = b64decode("AQAAAAAAAPA/AAAAAAAA8D8A1m15mwEAAAEAIJ6jfWQslzIAAAA/wGFWaQ==")
BEHAVIOUR_VOTED = b64decode("AqAgLWb//w9AIngWEJv/D0Do2W15mwEAAAEAAgAAAAAAAAAAAAAAAAABACCeo31kLJcyAAAAP8BhVmk=")
TRENDS = b64decode("AQEArioe/7oRzwr7/39A2fx/QMFhVmk=")
SOURCES = b64decode("ggBGA88AAAEAAAAAAA==")
UPLOADED = b64decode(
    "gqR0eXBlqFVwbG9hZGVkpGl0ZW3eABGnaXRlbV9pZKJpMa1jaGFuZ2VkX2F0X21zzwAAAZt5bdYFpW93bmVyonUxrnVwbG9hZGVkX2F0X21zzwAA"
    "AZt5bdYApXRpdGxlqVJlZCBzaGlydKtkZXNjcmlwdGlvbq1Db3R0b24sIMOpdMOpqGNhdGVnb3J5pnNoaXJ0c6VwcmljZctAM/1wo9cKPahjdXJy"
    "ZW5jeaNFVVKoaW5fc3RvY2vCpmhpZGRlbsOnZGVsZXRlZMKtZXhwaXJlc19hdF9tc88AAAGbeW3Z6KR0YWdzkZKmamVyc2V5yz/muFHrhR64p2Nv"
    "bG91cnOSkqNyZWTLP+gAAAAAAACSpXdoaXRlyz/QAAAAAAAAqWVtYmVkZGluZ8QIzThmOgAAAACnZW5jb2RlcqhlZmZuZXRAMQ=="
)
CHANGED = b64decode(
    "g6R0eXBlp0NoYW5nZWSnaXRlbV9pZKJpMaZjaGFuZ2WJpWF0X21zzwAAAZt5bdYApXRpdGxlwKtkZXNjcmlwdGlvbsCoY2F0ZWdvcnnApXByaWNl"
    "y0AUAAAAAAAAqGluX3N0b2NrwKZoaWRkZW7Cp2RlbGV0ZWTApmRpc293bsA="
)
DISOWNED = b64decode(
    "g6R0eXBlp0NoYW5nZWSnaXRlbV9pZKJpMaZjaGFuZ2WJpWF0X21zzwAAAZt5bdYApXRpdGxlwKtkZXNjcmlwdGlvbsCoY2F0ZWdvcnnApXByaWNl"
    "wKhpbl9zdG9ja8CmaGlkZGVuwKdkZWxldGVkwKZkaXNvd27ZIDUzMTk5NTg1YmRkZWEyOGU2N2ZlNzE0M2E0MmJhZWY3"
)
ENGAGED = b64decode(
    "gqR0eXBlp0VuZ2FnZWSrZW5nYWdlbWVudHOSh6RpdGVtzwrPEbr/HiqupWF0X21zzwAAAZt5bdYApndlaWdodMs/8AAAAAAAAKVsaW5rc5GSzzKX"
    "LGR9o54gyz/gAAAAAAAApnNvdXJjZQOoc2VxdWVuY2VGpXZvdGVyAIekaXRlbc8KzxG6/x4qrqVhdF9tc88AAAGbeW3Z6KZ3ZWlnaHTLQAgAAAAA"
    "AAClbGlua3OQpnNvdXJjZQOoc2VxdWVuY2VIpXZvdGVyEQ=="
)
SNAPSHOT = b64decode(
    "/Td6WFoAAATm1rRGAgAhARwAAAAQz1jM4E//A6ldABhgwG449LFKK8puoxytYp/xG8km/cFIDkBjSRQPuahjdEfrvvfRuPsujlmhOOHCqklS760B"
    "JqFjvCUSqchc9AWX8mcEqIfu3OCWqMFTcMyvSNtcpRM7EORv0vGnTBe62spfv6MmOpe8YJL0bMZUTYupFoC0apmt1XEOnUWXV2hNI/qF/0PFwkAv"
    "repMzc72Sd0lfFQK8SfmDODjeP/M3sSNynuoZWzI+RV8+juPw8tl/wam+vCRbMKLlNdSNW4iM21kzuHj76vgCM8QWYKWgBCY+0LZoL7NiaYQuBa6"
    "Xp9UquGA/igq+XYujD8iJee/5M0wnuji5ZXhyhSOWP6dtLrRyjj5DLnjaUgoP6c5mZwFkzo4epuqFMH4O+/3RhhIWWa6f72ycC+djpxm2UfZExet"
    "SX4Q/YU/COS6q9/qaOgy4eU7UCjJgmL0JbWBamjGD7CW9ys981cR1IF2KuCmdKYIFy+HxtVhEI73B6evAms01b7JENLvBxee2o3UxfxM3oVBXFhf"
    "F4vwXSBOmFVYKhDwGRofVH07FF28HvP6vPUi1a40G9yivD/SCEr5CX70KRinjb+xeVoxwElHa/tO3X0zO7A+/Vi0aFXF3r73TNzDjZuxq7Dk8esO"
    "jjr0a2jINpPreWlIaZ0U3Iq2eIR3jjCbVS2k+Vx5cYa6+CcTV3HvZQOozQoANsp46IhZSshlRdf09Ar61Ni/v8n5+5tz7PbZA4isVB7Iy1hsCtRj"
    "4Xr0/7HvA63F7z42+S5eQotD64nqyWTVz+BBReBpyznKnOk2itO4/smApL42FEsV1ybfU7U5Bg0UPxwsS4NuAWnthO1C0fG4Mxq+QL1/ixdk2P50"
    "75qLRQV/iOjEIr+jk8g/OvD+Nli9MH6fDVccNAJcJ54xxvf3TZ+DohP5iIYGihpR86j9GftM55NZ12vd4gvuZnk8ubtCT8klTScb1SPQKsSQk8ul"
    "a4UO5VZ/Xy8hjIi8jfQENlbaiKSUNiOS/JtFngQa5S5tzAKB969HphGlIw4hHkRZU38jkmi6eTOJwVC9NzbSSfykQIbcOU+2OtEHYB3ty/pB5xq/"
    "sgXJJer4fDkzJcX/0+VYhkbvemmUg6/ma9lNsCFfQYyjGSCKv4dx0Y6AhmMz/u3D7Fle7QtpSg0C5LMtGpZV7cOi+Yj1DSnH/7PQSxgpxMZyWf+P"
    "P6MFplpLzQiS0CvR3GddhSzTVUqUOmfrVhrEQwrZBcvJNjWeIDax4MDmJDMAAAAAUjQYZVTHKdQAAcUHgKABANBdah2xxGf7AgAAAAAEWVo="
)

NOW = 1_767_268_800_000
NOW_S = NOW // 1000
SHIRT, HAT = key_of("i1"), key_of("i2")
EMBEDDING = np.array([0.6, 0.8, 0, 0], "<f2").tobytes()
WHOLE = Item(
    "i1",
    changed_at_ms=NOW + 5,
    owner="u1",
    uploaded_at_ms=NOW,
    title="Red shirt",
    description="Cotton, été",
    category="shirts",
    price=19.99,
    currency="EUR",
    in_stock=False,
    hidden=True,
    expires_at_ms=NOW + 1000,
    tags=(("jersey", 0.71),),
    colours=(("red", 0.75), ("white", 0.25)),
    embeddings={"effnet@1": EMBEDDING},
)
ITEMS = [
    (ITEM_WHOLE, WHOLE),
    (ITEM_EARLY, Item("i2", changed_at_ms=NOW, title="Hat")),
    (ITEM_GONE, Item("i3", changed_at_ms=NOW, deleted=True)),
]
CLICKED = Engagement(SHIRT, NOW, 1.0, ((HAT, 0.5),), source=3, sequence=70)
BOUGHT = Engagement(SHIRT, NOW + 1000, 3.0, (), 3, 72, 17)
SIGNALS = [
    (UPLOADED, Uploaded(WHOLE)),
    (CHANGED, Changed("i1", Change(NOW, price=5.0, hidden=False))),
    (DISOWNED, Changed("i1", Change(NOW, disown=hash_of("u1")))),
    (ENGAGED, Engaged((CLICKED, BOUGHT))),
]


@pytest.mark.parametrize(("stored", "item"), ITEMS, ids=["whole", "without a picture yet", "deleted"])
def test_an_item_is_read_and_stored_the_same(stored: bytes, item: Item) -> None:
    assert decode_item(stored) == item
    assert encode_item(item) == stored


NEW_FIELDS = ("currency", "expires_at_ms", "allowed", "cleared", "attributes")


@pytest.mark.parametrize(("stored", "signal"), SIGNALS, ids=["uploaded", "changed", "disowned", "engaged"])
def test_a_signal_is_read_the_same_and_sent_so_that_the_release_before_reads_it(
    stored: bytes, signal: Uploaded | Changed | Engaged
) -> None:
    assert parse_signal(stored) == signal
    sent, known = msgspec.msgpack.decode(encode_signal(signal)), msgspec.msgpack.decode(stored)
    if isinstance(signal, Changed):
        # Readers ignore fields that they do not know.
        assert [sent["change"].pop(name) for name in NEW_FIELDS] == [None, None, None, [], None]
    assert sent == known


def test_an_item_with_times_is_one_that_the_release_before_reads_too() -> None:
    item = apply_change(WHOLE, "i1", Change(NOW + 1000, price=5.0, cleared=("title",)))
    stored = msgspec.json.decode(encode_item(item))
    assert decode_item(encode_item(item)) == item
    assert stored.pop("times") == {"*": NOW + 5, "price": NOW + 1000, "title": NOW + 1000}
    expected = msgspec.json.decode(ITEM_WHOLE) | {"changed_at_ms": NOW + 1000, "price": 5.0, "title": None}
    assert stored == expected


def test_an_item_without_a_picture_is_in_the_catalogue_and_the_release_before_reads_it() -> None:
    early = decode_item(ITEM_EARLY)
    assert (early.is_described, early.new_at_ms) == (True, NOW)
    item = apply_change(early, "i2", Change(NOW + 5, price=5.0))
    stored = msgspec.json.decode(encode_item(item))
    assert decode_item(encode_item(item)) == item
    # Readers ignore fields that they do not know.
    assert (stored.pop("described_at_ms"), stored.pop("times")) == (NOW, {"title": NOW})
    assert stored == msgspec.json.decode(ITEM_EARLY) | {"changed_at_ms": NOW + 5, "price": 5.0}


def test_an_item_whose_picture_is_kept_is_one_that_the_release_before_reads_too() -> None:
    key = "pictures/ab/" + "ab" * 32
    kept = KeptPicture(f"{key}.webp", f"{key}.320.webp", 1024, 768, 50_000)
    item = replace(WHOLE, kept_picture=kept)
    stored = msgspec.json.decode(encode_item(item))
    assert decode_item(encode_item(item)) == item
    assert parse_signal(encode_signal(Uploaded(item))) == Uploaded(item)
    # Readers ignore fields that they do not know.
    expected = {"key": kept.key, "preview": kept.preview, "width": 1024, "height": 768, "bytes": 50_000}
    assert stored.pop("kept_picture") == expected
    assert stored == msgspec.json.decode(ITEM_WHOLE)


def test_an_item_of_the_release_before_has_no_descriptors_and_that_release_reads_one_with_them() -> None:
    before = decode_item(ITEM_WHOLE)
    assert before.descriptors is None
    packed = describe(np.full((64, 64, 3), 9, np.uint8))
    item = replace(before, descriptors=packed)
    stored = msgspec.json.decode(encode_item(item))
    assert decode_item(encode_item(item)) == item
    assert b64decode(stored.pop("descriptors")) == packed
    assert stored == msgspec.json.decode(ITEM_WHOLE)


def test_an_item_of_the_release_before_has_no_clip_and_that_release_reads_one_with_it() -> None:
    before = decode_item(ITEM_WHOLE)
    assert before.clip is None
    item = replace(before, clip=Clip(1_500, "e@1", b"frames"))
    stored = msgspec.json.decode(encode_item(item))
    clip = stored.pop("clip")
    assert (clip["duration_ms"], clip["encoder"], b64decode(clip["frames"])) == (1_500, "e@1", b"frames")
    assert decode_item(msgspec.json.encode(stored)) == before
    assert decode_item(encode_item(item)) == item


def test_a_picture_after_a_clip_takes_the_clip_away() -> None:
    item = replace(decode_item(ITEM_WHOLE), clip=Clip(1_500, "e@1", b"frames"))
    later = replace(decode_item(ITEM_WHOLE), changed_at_ms=item.changed_at_ms + 1, times={})
    assert apply_upload(item, later).clip is None


def test_an_item_of_the_release_before_has_no_words_and_that_release_reads_one_with_them() -> None:
    before = decode_item(ITEM_WHOLE)
    assert before.words is None
    item = replace(before, words=words(before.text))
    stored = msgspec.json.decode(encode_item(item))
    assert decode_item(msgspec.json.encode(stored)) == item
    assert set(stored.pop("words")) == {"version", "text", "vector"}
    assert decode_item(msgspec.json.encode(stored)) == before


def test_an_upload_of_a_release_without_descriptors_takes_those_of_the_picture_before_away() -> None:
    item = replace(decode_item(ITEM_WHOLE), descriptors=b"those of the picture before")
    later = replace(decode_item(ITEM_WHOLE), changed_at_ms=NOW + 9)
    assert apply_upload(item, later).descriptors is None


def test_a_stored_item_was_said_at_one_time_and_what_is_later_changes_it() -> None:
    item = decode_item(ITEM_WHOLE)
    assert apply_change(item, "i1", Change(NOW + 4, price=5.0, hidden=False)) == item
    assert apply_change(item, "i1", Change(NOW + 5, price=5.0)).price == 5.0


def test_an_upload_under_way_says_no_more_than_it_did() -> None:
    upload = parse_signal(UPLOADED)
    assert isinstance(upload, Uploaded)
    known = Item("i1", NOW - 9, "u1", NOW - 9, price=1.0, embeddings={"effnet@1": EMBEDDING})
    item = apply_upload(known, upload.item)
    assert (item.price, item.in_stock, item.hidden, item.uploaded_at_ms) == (19.99, False, False, NOW)


def test_the_picture_of_an_item_with_several_embeddings_is_where_the_release_before_reads_it() -> None:
    words = np.array([1, 0], "<f2").tobytes()
    item = Item("i1", NOW, embeddings={"effnet@1": EMBEDDING, "words@1": words, "clips@1": b""})
    for stored in (
        msgspec.json.decode(encode_item(item)),
        msgspec.json.decode(msgspec.json.encode(msgspec.msgpack.decode(encode_signal(Uploaded(item)))["item"])),
    ):
        assert (b64decode(stored["embedding"]), stored["encoder"]) == (EMBEDDING, "effnet@1")
        assert stored["further_embeddings"].keys() == {"words@1", "clips@1"}
    assert decode_item(encode_item(item)) == item
    assert list(decode_item(encode_item(item)).embeddings) == ["effnet@1", "words@1", "clips@1"]
    assert parse_signal(encode_signal(Uploaded(item))) == Uploaded(item)


def test_an_embedding_without_an_encoder_stays_one() -> None:
    stored = ITEM_WHOLE.replace(b'"encoder":"effnet@1"', b'"encoder":null')
    assert decode_item(stored).embeddings == {"": EMBEDDING}
    assert encode_item(decode_item(stored)) == stored


@pytest.mark.parametrize(
    ("stored", "privacy", "dials"),
    [
        (PROFILE_PLAIN, NOTHING_ASKED, NO_DIALS),
        (PROFILE_ASKED, Privacy(opted_out=True, forgotten_ms=5, asked_offset=7, asked_ms=6), NO_DIALS),
        (PROFILE_DIALS, Privacy(True, 5, 7, 6), turn(NO_DIALS, [("shoes", 0.5)])),
    ],
    ids=["plain", "after a privacy request", "with dials"],
)
def test_a_profile_is_read_and_stored_the_same(stored: bytes, privacy: Privacy, dials: NDArray[np.void]) -> None:
    profile = decode_profile(stored)
    assert (profile.count, profile.last_at_ms, profile.privacy) == (2, NOW + 1000, privacy)
    assert profile.engaged.tolist() == [(SHIRT, 1.0, NOW_S)]
    assert profile.refused.tolist() == [(HAT, 3.0, NOW_S + 1)]
    assert profile.seen.tolist() == [SHIRT % 2**32, HAT % 2**32]
    assert profile.events.tolist() == [1, 2]
    assert profile.dials.tolist() == dials.tolist()
    assert encode_profile(profile) == stored


def test_a_profile_with_a_long_history_is_read_and_stored_the_same() -> None:
    profile = decode_profile(PROFILE_LONG)
    events = [key_of(f"e{number}") for number in range(36)]
    assert (profile.count, profile.last_at_ms, profile.privacy) == (37, NOW + 99_000, NOTHING_ASKED)
    assert profile.engaged.tolist() == [(key_of("i30"), 1.5, NOW_S + 99)]
    assert profile.refused["item"].tolist() == [key_of(f"i{number}") for number in range(2, 18)]
    assert [each.tolist() for each in profile.refused_before] == [sorted(key_of(f"i{n}") % 2**32 for n in range(18))]
    assert profile.events.tolist() == [*events[5:], key_of("u")]
    assert [each.tolist() for each in profile.events_before] == [sorted(key % 2**32 >> 6 for key in events[:5])]
    assert profile.seen.tolist() == [key_of(f"i{n}") % 2**32 for n in (*range(18), 30)]
    assert profile.uploads.tolist() == [(3, 70, NOW_S)]
    assert encode_profile(profile) == PROFILE_LONG


@pytest.mark.parametrize("stored", [PROFILE_PLAIN, PROFILE_ASKED, PROFILE_DIALS])
def test_a_profile_of_the_release_before_goes_on_with_a_longer_memory(stored: bytes) -> None:
    before = decode_profile(stored)
    profile = replace(before, privacy=NOTHING_ASKED)
    grown = profile_after((Action(key_of(f"e{n}"), HAT, 0.2, NOW) for n in range(40)), profile)

    assert [apply_interaction(grown, Action(event, HAT, 0.2, NOW)).outcome for event in (1, 2)] == ["duplicate"] * 2
    assert encode_profile(decode_profile(encode_profile(grown))) == encode_profile(grown)
    assert has_refused(grown, HAT)


def test_a_behaviour_is_read_and_stored_the_same() -> None:
    plain, voted = decode_behaviour(BEHAVIOUR_PLAIN), decode_behaviour(BEHAVIOUR_VOTED)
    assert (plain.popular, plain.trend, plain.at_ms) == (1.0, 1.0, NOW)
    assert (plain.user_bitmap, plain.user_bitmap_before) == (0, 0)
    assert (voted.popular, voted.trend) == pytest.approx((3.99999885, 3.99980748))
    assert (voted.at_ms, voted.user_bitmap, voted.user_bitmap_before) == (NOW + 1000, 1 << 17 | 1, 0)
    for behaviour, stored in ((plain, BEHAVIOUR_PLAIN), (voted, BEHAVIOUR_VOTED)):
        assert behaviour.neighbours.tolist() == [(HAT, 0.5, NOW_S)]
        assert encode_behaviour(behaviour) == stored


def test_trends_and_sources_are_read_and_stored_the_same() -> None:
    ((item, popular, trend, at_s),) = decode_trends(TRENDS).tolist()
    assert (item, at_s) == (SHIRT, NOW_S + 1)
    assert (popular, trend) == pytest.approx((3.9999988, 3.9998076))
    assert encode_trends(decode_trends(TRENDS)) == TRENDS
    assert decode_sources(SOURCES) == {0: 70, 3: 2**40}
    assert encode_sources(decode_sources(SOURCES)) == SOURCES


def test_a_snapshot_of_the_catalogue_is_refused_so_that_the_topic_is_read(tmp_path: Path) -> None:
    """It lacks the items without a picture."""
    with tarfile.open(fileobj=BytesIO(SNAPSHOT)) as files:
        files.extractall(tmp_path, filter="data")
    snapshot, catalog = find_snapshot(tmp_path), Catalog(4)
    assert snapshot is not None
    with pytest.raises(SnapshotUnusable, match="version"):
        load_snapshot(snapshot, catalog)
    assert catalog.counts() == CatalogCounts(0, 0, 0)
