"""`sightline train encoder`: what it refuses before any work, and maps that it does not let go out."""

import json
import os
import struct
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer import BadParameter, Exit

from benchmarks.evaluation.intervals import Interval
from benchmarks.retrieval.album import picture_files
from benchmarks.retrieval.held_out import Verdict, by_map
from cli.train.encoder import Method, Plan, learn, objections, show, train, worth
from cli.train.pictures import seen_variously, unlabelled_pictures
from inference.encoders.look.fit import Labelled, Layout, Recipe, fit
from inference.encoders.look.projection import Projection
from tests.cli.conftest import run, run_here

LAYOUT = Layout(pooled=4, colours=300)


def pictures(seed: int) -> Labelled:
    """Eight labels of 16 pictures, which differ in quiet directions of the pooled features."""
    random = np.random.default_rng(seed)
    labels = np.arange(128) % 8
    features = random.standard_normal((128, 308)) * np.r_[np.ones(260) * 0.5, np.ones(48) * 0.2]
    features[:, 200:208] += 2 * np.eye(8)[labels]
    joined = features.astype(np.float32)
    return Labelled(joined, joined[:, 4:300], labels, np.zeros(128, bool))


def test_a_map_gains_on_other_photos_of_known_kinds_and_the_same_seed_gives_the_same_verdicts() -> None:
    classifier = np.random.default_rng(2).standard_normal((400, 296)).astype(np.float32)
    blind = np.eye(308, 256, dtype=np.float32) * (np.arange(256) < 100)
    shipped = Projection(np.zeros(308, np.float32), blind.astype(np.float32), np.zeros((0, 296), np.float32))
    method = Method(lambda sets: fit(sets, classifier, LAYOUT, Recipe()), by_map, splits=3)
    first, second = (train(pictures(0), pictures(1), method, shipped, seed=3)[1] for _ in range(2))

    assert [verdict.test for verdict in first] == ["known kinds, other photos", "new kinds", "foreign pictures"]
    assert list(first[0].p_at_5) == ["ours", "raw", "shipped"]
    assert first[0].gains["shipped"].value > 0.05
    assert first == second


def verdicts(known: float, new: float, foreign: float) -> list[Verdict]:
    gains = {
        "known kinds, other photos": {"raw": known, "shipped": known},
        "new kinds": {"raw": new, "shipped": 0.0},
        "foreign pictures": {"raw": foreign, "shipped": 0.0},
    }
    intervals = {test: {name: Interval(each, each, each) for name, each in row.items()} for test, row in gains.items()}
    return [Verdict(test, 9, {}, row, {}) for test, row in intervals.items()]


@pytest.mark.parametrize(
    ("gains", "says"),
    [
        ((0.05, -0.03, -0.01), []),
        ((0.0, 0.0, 0.0), ["known kinds gain nothing"]),
        ((0.05, -0.031, 0.0), ["new kinds lose 0.031 P@5"]),
        ((-0.1, -0.2, -0.011), ["known kinds gain nothing", "new kinds lose", "foreign pictures lose 0.011"]),
    ],
)
def test_a_map_that_is_no_gain_or_loses_beyond_a_limit_is_refused(
    gains: tuple[float, float, float], says: list[str]
) -> None:
    found = objections(verdicts(*gains))
    assert [sentence.startswith(start) for sentence, start in zip(found, says, strict=True)] == [True] * len(says)


def test_a_map_is_fitted_as_often_as_its_method_says_and_once_more_on_all_pictures() -> None:
    classifier, fitted_on = np.random.default_rng(2).standard_normal((400, 296)).astype(np.float32), list[int]()

    def counted(sets: Sequence[Labelled]) -> Projection:
        fitted_on.append(len(sets[0].labels))
        return fit(sets, classifier, LAYOUT, Recipe())

    shipped = counted([pictures(0)])
    train(pictures(0), pictures(1), Method(counted, by_map, splits=1), shipped, seed=3)
    assert fitted_on == [128, 64, 64, 128]


def test_what_took_more_effort_is_compared_with_the_map_alone_on_the_same_pictures() -> None:
    classifier, alone = np.random.default_rng(2).standard_normal((400, 296)).astype(np.float32), list[int]()

    def fitted(sets: Sequence[Labelled]) -> Projection:
        return fit(sets, classifier, LAYOUT, Recipe())

    def with_less_effort(sets: Sequence[Labelled]) -> Projection:
        alone.append(len(sets[0].labels))
        return fit(sets, classifier, LAYOUT, Recipe(learned=0))

    method = Method(fitted, by_map, splits=1, rival=Method(with_less_effort, by_map, splits=3))
    found = train(pictures(0), pictures(1), method, fitted([pictures(0)]), seed=3)[1]

    assert alone == [64, 64, 128]
    assert [list(each.p_at_5) for each in found] == [["ours", "raw", "shipped", "map alone"]] * 3
    assert found[0].gains["map alone"].value > 0.05
    said = worth(found)
    assert said is not None
    assert said.endswith("on known kinds, other photos")


@pytest.mark.parametrize(
    ("low", "says"),
    [
        (0.001, "over the map alone (+0.001 to +0.030) on known"),
        (-0.004, "the same command without --tune"),
    ],
)
def test_it_is_said_whether_tuning_brought_anything(low: float, says: str) -> None:
    gains = {"map alone": Interval(0.012, low, 0.03)}
    said = worth([Verdict("known kinds, other photos", 9, {}, gains, {})])

    assert said is not None
    assert said.startswith("tuning gains +0.012 P@5")
    assert says in said


def test_every_figure_of_a_verdict_is_readable_on_80_columns(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    shares = {"ours": 0.661, "raw": 0.529, "shipped": 0.927, "map alone": 0.663}
    gains = {name: Interval(share, -0.312, 0.1) for name, share in shares.items() if name != "ours"}
    show([Verdict("known kinds, other photos", 12_345, shares, gains, {})], [], Path("map.npz"), as_json=False)

    said = capsys.readouterr().out
    assert "…" not in said
    assert [line.split("│")[1].strip() for line in said.splitlines() if line.startswith("│")] == [
        *("known kinds, other photos: 12,345", "raw", "shipped", "map alone"),
    ]
    assert "+0.927 (-0.312 to +0.100)" in said


def test_nothing_is_said_of_tuning_where_none_was() -> None:
    assert worth(verdicts(0.05, 0.0, 0.0)) is None
    assert worth([]) is None


def test_a_tuning_whose_time_is_up_writes_no_map_and_keeps_its_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SIGHTLINE_HOME", str(tmp_path / "home"))
    photos, others = folders(tmp_path / "photos", 4, 6), folders(tmp_path / "others", 2, 6)
    asked = Plan(photos, others, tune=True, unlabelled=False, seconds=0, seed=0)
    with pytest.raises(Exit):
        learn(asked, tmp_path / "own.npz", as_json=True)

    said = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (said["written"], said["tests"]) == (None, [])
    assert said["refused"] == ["the time was up at step 0 of 100: the same command goes on from here"]
    assert not (tmp_path / "own.npz").exists()
    assert len([*(tmp_path / "home" / "encoder").glob("*.checkpoint")]) == 1


def plan(folder: Path, *, unlabelled: bool = False) -> Plan:
    return Plan(folder, None, tune=False, unlabelled=unlabelled, seconds=60, seed=0)


def folders(home: Path, labels: int, each: int) -> Path:
    for label in range(labels):
        (home / f"kind-{label}").mkdir(parents=True)
        for number in range(each):
            Image.new("RGB", (8, 8), (30 * label, 20 * number, 0)).save(home / f"kind-{label}" / f"{number}.png")
    return home


@pytest.mark.parametrize(
    ("labels", "each", "says"),
    [(0, 0, "no two labels with 6 pictures"), (5, 5, "no two labels with 6 pictures"), (3, 6, "4 are needed")],
)
def test_too_few_pictures_or_labels_are_refused_before_any_work(
    tmp_path: Path, labels: int, each: int, says: str
) -> None:
    data = folders(tmp_path / "data", labels, each) if labels else tmp_path
    with pytest.raises(BadParameter, match=says):
        learn(plan(data), tmp_path / "map.npz", as_json=True)

    assert not (tmp_path / "map.npz").exists()


def test_pictures_in_no_sub_folder_are_told_what_to_do(tmp_path: Path) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path / "flat.png")
    with pytest.raises(BadParameter, match="make a folder for each kind, or learn without labels, by --unlabelled"):
        learn(plan(tmp_path), tmp_path / "map.npz", as_json=True)


@pytest.mark.parametrize(("pictures", "says"), [(0, "no two pictures"), (1, "no two pictures"), (3, "4 are needed")])
def test_without_labels_four_pictures_are_needed(tmp_path: Path, pictures: int, says: str) -> None:
    for number in range(pictures):
        Image.new("RGB", (8, 8), (60 * number, 0, 0)).save(tmp_path / f"{number}.png")
    with pytest.raises(BadParameter, match=says):
        learn(plan(tmp_path, unlabelled=True), tmp_path / "map.npz", as_json=True)


def test_files_that_are_no_pictures_or_too_large_are_left_out(tmp_path: Path) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path / "good.png")
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 no more")
    with (tmp_path / "huge.png").open("wb") as huge:
        huge.truncate(2_000_000_000)  # a hole: it takes no space
    header = struct.pack(">4sIIBBBBB", b"IHDR", 60_000, 12_000, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
    (tmp_path / "claims.png").write_bytes(b"\x89PNG\r\n\x1a\n" + chunk)  # two gigabytes of pixels

    assert len(unlabelled_pictures(tmp_path, seed=0)) == 1


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    Image.new("RGB", (300, 300)).save(tmp_path / "one.png")
    (tmp_path / "folder.png").mkdir()
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "gone.jpg").symlink_to(tmp_path / "nowhere")
    (tmp_path / "endless.jpg").symlink_to("/dev/zero")

    assert picture_files(tmp_path) == [tmp_path / "one.png"]


def test_each_picture_without_a_label_has_views_of_its_own() -> None:
    some = [np.full((8, 8, 3), value, np.uint8) for value in (10, 200)]
    album, again = (seen_variously(some, seed=0) for _ in range(2))

    assert list(album.labels) == ["000000"] * 6 + ["000001"] * 6
    np.testing.assert_array_equal(album.pixels[[0, 6]], some)
    np.testing.assert_array_equal(album.pixels, again.pixels)


def test_what_to_learn_from_is_asked_for(tmp_path: Path) -> None:
    for say, words in ((run, ()), (run_here, (str(tmp_path), "--from-catalogue"))):
        refused = say("train", "encoder", *words, variables={})
        assert (refused.returncode, "--from-catalogue" in refused.stderr) == (2, True)
