from collections.abc import Sequence
from pathlib import Path

import pytest
import typer

from cli.items.commands import Import
from cli.items.journal import Entry, Journal
from cli.items.picture_folder import FoundPicture, balanced_sample, find_pictures, item_id_of, read_picture
from cli.items.uploading import Landed
from streams.wire.events import IMAGE_LIMIT, Upload


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("mugs/red.jpg", "mugs/blue.PNG", "hats/old/cap.webp", "top.jpeg", "mugs/notes.txt"):
        path = tmp_path / "pictures" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    return tmp_path / "pictures"


def by_id(found: Sequence[FoundPicture]) -> dict[str, str | None]:
    return {picture.item_id: picture.category for picture in found}


def import_of(journal: Journal) -> Import:
    return Import(journal, "me", advance=lambda: None)


def run_import(folder: Path, journal: Journal, refused: str | None = None) -> tuple[Import, list[Upload]]:
    work = import_of(journal)
    uploads = []
    for upload in work.uploads(find_pictures(folder)):
        uploads.append(upload)
        work.landed(Landed(upload.item_id, 0.1, refused))
    return work, uploads


def test_a_sub_folder_is_the_category_and_the_path_the_item_id(folder: Path) -> None:
    assert by_id(find_pictures(folder)) == {
        "hats/old/cap.webp": "hats/old",
        "mugs/blue.PNG": "mugs",
        "mugs/red.jpg": "mugs",
        "top.jpeg": None,
    }


def test_a_csv_column_gives_the_category(folder: Path) -> None:
    labels = folder / "data.csv"
    labels.write_text("path,kind\nmugs/red.jpg,cup\n")
    found = by_id(find_pictures(folder, labels=labels, column="kind"))
    assert found["mugs/red.jpg"] == "cup"
    assert found["mugs/blue.PNG"] is None


def test_a_csv_without_the_column_is_refused_by_name(folder: Path) -> None:
    labels = folder / "data.csv"
    labels.write_text("path,kind\n")
    with pytest.raises(typer.BadParameter, match="no column colour: it has path, kind"):
        find_pictures(folder, labels=labels, column="colour")


def test_a_folder_without_pictures_is_refused(tmp_path: Path) -> None:
    with pytest.raises(typer.BadParameter, match="no picture in"):
        find_pictures(tmp_path)


def test_what_is_no_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(typer.BadParameter, match="is not a folder"):
        find_pictures(tmp_path / "nowhere")


def test_an_odd_path_becomes_a_distinct_id_that_fits() -> None:
    first, second = item_id_of("Größe 1.jpg"), item_id_of("Größe-1.jpg")
    assert first != second
    assert len(item_id_of("x" * 500)) == 128
    assert item_id_of("mugs/red_1.jpg") == "mugs/red_1.jpg"


def test_a_balanced_sample_takes_from_each_category_in_turn() -> None:
    pictures = [FoundPicture(Path(), f"a{number}", "a") for number in range(50)]
    pictures += [FoundPicture(Path(), f"b{number}", "b") for number in range(3)]
    sample = balanced_sample(pictures, 10, seed=7)
    assert [picture.category for picture in sample].count("b") == 3
    assert len(sample) == 10


def test_a_picture_too_large_for_an_event_is_refused_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "large.jpg"
    path.write_bytes(b"x" * (IMAGE_LIMIT + 1))
    with pytest.raises(ValueError, match=r"1,048,577 bytes.*image_ref"):
        read_picture(path)


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty.jpg").touch()
    with pytest.raises(ValueError, match="0 bytes"):
        read_picture(tmp_path / "empty.jpg")


def test_an_import_sends_every_picture_with_its_category_and_hash(folder: Path, tmp_path: Path) -> None:
    work, uploads = run_import(folder, Journal(tmp_path / "journal"))
    assert {upload.item_id: upload.category for upload in uploads} == by_id(find_pictures(folder))
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


def test_another_cluster_or_prefix_has_a_journal_of_its_own(tmp_path: Path) -> None:
    Journal.of(tmp_path, tmp_path, "cluster-1", "").add(Entry("i1", "hash"))
    assert Journal.of(tmp_path, tmp_path, "cluster-1", "").find("i1", "hash") is not None
    assert Journal.of(tmp_path, tmp_path, "cluster-2", "").find("i1", "hash") is None
    assert Journal.of(tmp_path, tmp_path, "cluster-1", "t.").find("i1", "hash") is None


def test_a_line_cut_short_spoils_only_itself(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    Journal(path).add(Entry("i1", "hash"))
    with path.open("ab") as file:
        file.write(b'\n{"item_id":"i2","se')
    Journal(path).add(Entry("i3", "hash"))
    journal = Journal(path)
    assert [journal.find(item, "hash") is not None for item in ("i1", "i2", "i3")] == [True, False, True]
