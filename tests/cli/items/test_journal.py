from pathlib import Path

from cli.items.journal import Entry, Journal


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
