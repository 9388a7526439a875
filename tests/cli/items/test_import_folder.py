import hashlib
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.world.heic import HEIC
from cli.items.import_folder import Import
from cli.items.journal import Entry, Journal
from cli.items.picture_folder import find_pictures, read_picture, survey
from cli.items.uploading import DELETED, Landed
from features.vision.decode import decode
from streams.wire.events import IMAGE_LIMIT, Upload
from tests.cli.items.conftest import drawn
from tests.harness.profiles import SWAPPED, encoded


def import_of(journal: Journal) -> Import:
    return Import(journal, "me", advance=lambda: None)


def run_import(folder: Path, journal: Journal, refused: str | None = None) -> tuple[Import, list[Upload]]:
    work = import_of(journal)
    uploads = []
    for upload in work.uploads(find_pictures(folder)):
        uploads.append(upload)
        work.landed(Landed(upload.item_id, 0.1, refused))
    return work, uploads


def test_an_import_sends_every_picture_with_its_category_and_hash(folder: Path, tmp_path: Path) -> None:
    work, uploads = run_import(folder, Journal(tmp_path / "journal"))
    assert {upload.item_id: upload.category for upload in uploads} == {
        picture.item_id: picture.category for picture in find_pictures(folder)
    }
    assert all(upload.sha256 is not None for upload in uploads)
    assert (work.searchable, work.unchanged, work.refused) == (4, 0, {})


def test_a_second_import_sends_only_what_is_new_or_changed(folder: Path, tmp_path: Path) -> None:
    run_import(folder, Journal(tmp_path / "journal"))
    (folder / "mugs/red.jpg").write_bytes(drawn("another picture", "JPEG"))
    (folder / "mugs/new.jpg").write_bytes(drawn("a new picture", "JPEG"))
    work, uploads = run_import(folder, Journal(tmp_path / "journal"))
    assert sorted(upload.item_id for upload in uploads) == ["mugs/new.jpg", "mugs/red.jpg"]
    assert work.unchanged == 3


def test_a_changed_attribute_is_sent_again(folder: Path, tmp_path: Path) -> None:
    labels = folder / "data.csv"
    sent = []
    for brand in ("", "Acme", "Acme", "Zeta"):
        labels.write_text(f"path,label,brand\nmugs/red.jpg,,{brand}\n")
        work = import_of(Journal(tmp_path / "journal"))
        for upload in work.uploads(survey(folder, labels=labels, attributes=["brand"]).pictures):
            work.landed(Landed(upload.item_id, 0.1, None))
            sent.append((upload.item_id, upload.attributes))
    assert sent[4:] == [("mugs/red.jpg", {"brand": "Acme"}), ("mugs/red.jpg", {"brand": "Zeta"})]


def test_an_import_cut_short_goes_on_where_it_was(folder: Path, tmp_path: Path) -> None:
    work = import_of(Journal(tmp_path / "journal"))
    first = next(work.uploads(find_pictures(folder)))
    work.landed(Landed(first.item_id, 0.1, None))
    _, uploads = run_import(folder, Journal(tmp_path / "journal"))
    assert len(uploads) == 3
    assert first.item_id not in [upload.item_id for upload in uploads]


def test_a_refused_picture_is_told_again_but_not_sent_again(folder: Path, tmp_path: Path) -> None:
    run_import(folder, Journal(tmp_path / "journal"), refused="not_an_image: text")
    work, uploads = run_import(folder, Journal(tmp_path / "journal"))
    assert uploads == []
    assert work.refused["mugs/red.jpg"] == "not_an_image: text"


def test_what_an_older_version_refused_is_sent_again(folder: Path, tmp_path: Path) -> None:
    content = (folder / "top.jpeg").read_bytes()
    Journal(tmp_path / "journal").add(Entry("top.jpeg", f"{hashlib.sha256(content).hexdigest()}/", "bad_image: broken"))
    _, uploads = run_import(folder, Journal(tmp_path / "journal"))
    assert "top.jpeg" in [upload.item_id for upload in uploads]


def only(tmp_path: Path, name: str, data: bytes) -> Path:
    path = tmp_path / "pictures" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path.parent


def test_a_small_picture_is_sent_as_it_is(folder: Path, tmp_path: Path) -> None:
    _, uploads = run_import(folder, Journal(tmp_path / "journal"))
    for upload in uploads:
        assert upload.image == (folder / upload.item_id).read_bytes()


def photo() -> bytes:
    """Over the limit of an event, stored turned, and with red and green exchanged by its profile."""
    noise = Image.merge("RGB", [Image.effect_noise((1500, 1000), 120) for _ in "rgb"])
    noise.paste((255, 0, 0), (0, 0, 1500, 700))
    exif = Image.Exif()
    exif[0x0112] = 3
    return encoded(noise, "JPEG", quality=100, subsampling=0, exif=exif, icc_profile=SWAPPED)


def test_a_photo_too_large_for_an_event_is_made_smaller_and_sent_once(tmp_path: Path) -> None:
    data = photo()
    assert len(data) > IMAGE_LIMIT
    folder = only(tmp_path, "IMG_0001.JPG", data)
    work, uploads = run_import(folder, Journal(tmp_path / "journal"))
    image = uploads[0].image
    assert image is not None
    assert len(image) <= IMAGE_LIMIT
    assert uploads[0].sha256 == hashlib.sha256(image).hexdigest()
    assert np.abs(decode(image).pixels[200, 112].astype(int) - (0, 255, 0)).max() < 12
    assert (work.made_smaller, work.refused) == (1, {})
    again, uploads = run_import(folder, Journal(tmp_path / "journal"))
    assert (uploads, again.unchanged) == ([], 1)


def test_a_heic_is_sent_as_jpeg(tmp_path: Path) -> None:
    work, uploads = run_import(only(tmp_path, "IMG_0002.HEIC", HEIC), Journal(tmp_path / "journal"))
    assert uploads[0].image is not None
    assert uploads[0].image.startswith(b"\xff\xd8\xff")
    assert work.made_smaller == 1


def test_what_cannot_be_read_is_refused_with_its_reason_and_the_rest_goes_on(tmp_path: Path) -> None:
    folder = only(tmp_path, "half.jpg", photo()[:1_100_000])
    only(tmp_path, "page.jpg", b"<html>no</html>")
    only(tmp_path, "empty.jpg", b"")
    (folder / "folder.jpg").mkdir()
    only(tmp_path, "whole.jpg", drawn("whole", "JPEG"))
    work, uploads = run_import(folder, Journal(tmp_path / "journal"))
    assert [upload.item_id for upload in uploads] == ["whole.jpg"]
    reasons = {item: reason.partition(":")[0] for item, reason in work.refused.items()}
    assert reasons == {"half.jpg": "truncated", "page.jpg": "not_an_image", "empty.jpg": "empty"}


def test_a_query_takes_what_a_phone_makes(tmp_path: Path) -> None:
    large = only(tmp_path, "query.jpg", photo()) / "query.jpg"
    assert len(read_picture(large)) <= IMAGE_LIMIT


def test_the_picture_of_a_deleted_item_is_told_and_sent_again(folder: Path, tmp_path: Path) -> None:
    work, _ = run_import(folder, Journal(tmp_path / "journal"), refused=DELETED)
    assert work.refused["mugs/red.jpg"] == DELETED
    _, uploads = run_import(folder, Journal(tmp_path / "journal"))
    assert len(uploads) == 4
