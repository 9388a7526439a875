"""`sightline items pictures` against Kafka."""

import os
from pathlib import Path

import pytest

from tests.cli.conftest import Run, last_json, run, run_here

pytestmark = pytest.mark.stack
KEY = f"pictures/ab/{'ab' * 32}.webp"


def test_it_removes_nothing_where_the_setting_hides_partitions_of_the_catalogue(
    command: Run, variables: dict[str, str], topic_prefix: str, tmp_path: Path
) -> None:
    file = tmp_path / f"{topic_prefix}{KEY}"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"webp")
    os.utime(file, (1000, 1000))
    store = {"pictures": tmp_path.as_uri()}
    for partitions in ("2", "8"):
        refused = run_here("items", "pictures", "--sweep", variables=variables | store | {"partitions": partitions})
        assert (refused.returncode, file.exists()) == (2, True)
        said = " ".join(refused.stderr.split())
        assert "nothing was compared, and nothing removed" in said
        assert f"state.catalog has 4 partitions, not {partitions}: set SIGHTLINE_PARTITIONS=4" in said
    swept = run("items", "pictures", "--sweep", "--json", variables=variables | store)
    assert (last_json(swept)["removed"], file.exists()) == (1, False)
