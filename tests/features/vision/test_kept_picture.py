from dataclasses import replace

import pytest

from features.vision.kept_picture import KeptPicture, frames_key, full_key, preview_key, sha256_of

SHA = "ab" + "0123456789abcdef" * 3 + "0123456789abcd"
KEPT = KeptPicture(full_key("shop.pictures", SHA), preview_key("shop.pictures", SHA), 1024, 768, 50_000)


def test_the_keys_of_a_picture_name_its_app_and_its_hash() -> None:
    assert (KEPT.key, KEPT.preview) == (f"shop.pictures/ab/{SHA}.webp", f"shop.pictures/ab/{SHA}.320.webp")
    assert (KEPT.sha256, KEPT.is_sound) == (SHA, True)


def test_the_key_frames_of_a_clip_lie_beside_its_picture_and_are_named_by_the_same_hash() -> None:
    assert KEPT.frames == frames_key("shop.pictures", SHA) == f"shop.pictures/ab/{SHA}.frames.webp"
    assert sha256_of(KEPT.frames) == SHA


def test_a_preview_that_is_all_that_is_kept_is_sound() -> None:
    assert replace(KEPT, key=KEPT.preview).is_sound


@pytest.mark.parametrize(
    "key",
    [
        "",
        "pictures",
        f"pictures/../ab/{SHA}.webp",
        f"../pictures/ab/{SHA}.webp",
        f"/pictures/ab/{SHA}.webp",
        f"pictures/ab/../ab/{SHA}.webp",
        f"pictures/cd/{SHA}.webp",
        f"pictures/ab/{SHA[:-1]}.webp",
        f"pictures/ab/{SHA.upper()}.webp",
        f"pictures/ab/{SHA}.webp\n",
        f"pictures/ab/{SHA}.jpg",
        f"others/ab/{SHA}.webp",
        f"a/pictures/ab/{SHA}.webp",
    ],
)
def test_any_other_key_is_none_of_ours(key: str) -> None:
    assert sha256_of(key) is None
    assert not replace(KEPT, key=key).is_sound
    assert not replace(KEPT, preview=key).is_sound


@pytest.mark.parametrize("numbers", [(0, 768, 50), (1024, -1, 50), (1024, 768, 2**31)])
def test_numbers_that_no_picture_has_are_not_sound(numbers: tuple[int, int, int]) -> None:
    assert not KeptPicture(KEPT.key, KEPT.preview, *numbers).is_sound


def test_picture_and_preview_must_be_of_the_same_upload() -> None:
    assert not replace(KEPT, preview=preview_key("shop.pictures", "cd" * 32)).is_sound
