from pathlib import Path

import pytest

from benchmarks.evaluation.whatif.version import Version, read_ranker, settings_with
from inference.errors import ModelRefused
from inference.ranking.model import RankerModel
from streams.errors import SettingsError
from streams.learning.learner import Learner
from streams.learning.model_record import encode_record


def test_a_ranker_is_the_hand_weights_or_a_file(tmp_path: Path) -> None:
    path = tmp_path / "ranker"
    path.write_bytes(encode_record(Learner(RankerModel(7)), -1, 0))
    found = read_ranker(str(path))
    assert read_ranker("hand") is None
    assert found is not None
    assert found.version == 7


@pytest.mark.parametrize("data", [b"", b"?" * 10, bytes(140_000)])
def test_a_file_that_is_no_model_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "ranker"
    path.write_bytes(data)
    with pytest.raises(ModelRefused):
        read_ranker(str(path))


def test_another_word_is_refused_with_what_may_be_given() -> None:
    with pytest.raises(ModelRefused, match="'online@3' is no ranker: give hand, or a file"):
        read_ranker("online@3")


def test_settings_may_be_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGHTLINE_LINK_WINDOW", "3")
    here, changed = settings_with({}), settings_with({"SIGHTLINE_LINK_WINDOW": "9", "list_length": "30"})
    assert (here.link_window, changed.link_window, changed.list_length) == (3, 9, 30)
    assert Version("one", here).state != Version("other", changed).state


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"SIGHTLINE_KAFKA": "k:1"}, "SIGHTLINE_KAFKA changes nothing in a replay"),
        ({"SIGHTLINE_LINK_WINDOW": "many"}, "SIGHTLINE_LINK_WINDOW: .*'many'"),
    ],
)
def test_settings_that_cannot_be_changed_so_are_refused(words: dict[str, str], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        settings_with(words)
