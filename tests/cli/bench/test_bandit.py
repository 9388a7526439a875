import gzip
from pathlib import Path

from tests.cli.conftest import last_json, run, run_here

ROWS = "".join(f"2019-11-24 00:{n:02},{n % 2},{n % 3 + 1},{int(n % 10 == 0)},0.5\n" for n in range(60))


def test_a_log_gives_one_object_or_a_table(tmp_path: Path) -> None:
    with gzip.open(tmp_path / "random_men.csv.gz", "wt") as file:
        file.write(f"timestamp,item_id,position,click,propensity_score\n{ROWS}")
    words = ("bench", "bandit", "--data", str(tmp_path))
    found = last_json(run(*words, "--json", variables={}))
    assert {"value", "low", "high", "uniform", "ips", "snips", "doubly_robust"} <= found.keys()
    assert "doubly robust" in run_here(*words, variables={}).stdout


def test_a_folder_without_a_log_is_refused_with_the_reason(tmp_path: Path) -> None:
    refused = run_here("bench", "bandit", "--data", str(tmp_path), variables={})
    assert (refused.returncode, "there is none" in refused.stderr) == (2, True)
