import gzip
from pathlib import Path

import pytest

from benchmarks.evaluation.bandit.judge import judge_bandit
from benchmarks.evaluation.log import UnreadableLog

HEAD = "timestamp,item_id,position,click,propensity_score\n"
OPEN_BANDIT = Path(__file__).parents[5] / "shared/data/open-bandit"


def write(path: Path, *rows: str) -> None:
    with gzip.open(path, "wt") as file:
        file.write(HEAD + "".join(f"{row}\n" for row in rows))


def impressions(propensity: float) -> list[str]:
    return [f"2019-11-24 00:{n % 60:02}:00,{n % 2},{n % 3 + 1},{int(n % 10 == 0)},{propensity}" for n in range(60)]


def test_the_folder_is_judged_with_the_other_policies_of_the_campaign(tmp_path: Path) -> None:
    write(tmp_path / "random_men.csv.gz", *impressions(0.5))
    write(tmp_path / "bts_men.csv.gz", *impressions(0.3))
    write(tmp_path / "bts_women.csv.gz", "not read")
    found = judge_bandit(tmp_path, seed=1)
    assert found["uniform"] == 0.1
    assert list(found["other_policies"]) == ["bts_men"]
    assert found["low"] <= found["value"] <= found["high"]
    assert found == judge_bandit(tmp_path, seed=1)


def test_a_log_that_is_not_uniform_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "random_men.csv.gz", *impressions(0.3))
    with pytest.raises(UnreadableLog, match="not of a uniform policy"):
        judge_bandit(tmp_path, seed=1)


def test_a_folder_without_a_log_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableLog, match="there is none"):
        judge_bandit(tmp_path, seed=1)


@pytest.mark.parametrize("row", ["2019-11-24,0", "2019-11-24,0,1,x,0.5", "2019-11-24,0,1,0,0"])
def test_a_broken_row_is_refused(tmp_path: Path, row: str) -> None:
    write(tmp_path / "random_men.csv.gz", row)
    with pytest.raises(UnreadableLog, match="random_men"):
        judge_bandit(tmp_path, seed=1)


@pytest.mark.skipif(not OPEN_BANDIT.exists(), reason="the data set open-bandit is not here")
def test_the_real_log_of_random_clicks() -> None:
    found = judge_bandit(OPEN_BANDIT, seed=1)
    assert found["uniform"] == 0.0046
    assert 0 < found["low"] < found["value"] < found["high"] < 0.02
