from pathlib import Path

from cli.items.import_folder import Import
from cli.items.journal import Journal
from cli.items.picture_folder import find_pictures
from cli.items.uploading import DELETED, Landed
from streams.wire.events import Upload


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
    (folder / "mugs/red.jpg").write_bytes(b"another picture")
    (folder / "mugs/new.jpg").write_bytes(b"a new picture")
    work, uploads = run_import(folder, Journal(tmp_path / "journal"))
    assert sorted(upload.item_id for upload in uploads) == ["mugs/new.jpg", "mugs/red.jpg"]
    assert work.unchanged == 3


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


def test_the_picture_of_a_deleted_item_is_told_and_sent_again(folder: Path, tmp_path: Path) -> None:
    work, _ = run_import(folder, Journal(tmp_path / "journal"), refused=DELETED)
    assert work.refused["mugs/red.jpg"] == DELETED
    _, uploads = run_import(folder, Journal(tmp_path / "journal"))
    assert len(uploads) == 4
