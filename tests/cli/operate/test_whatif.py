import pytest

from tests.cli.conftest import Run, clicks, last_json, run_here


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "--ranker or --set"),
        (("--set", "SIGHTLINE_LINK_WINDOW"), "no setting with a value"),
        (("--ranker", "hand", "--since", "0h"), "more than nothing"),
        (("--ranker", "hand", "--since", "long"), "no age"),
        (("--ranker", "online@3"), "'online@3' is no ranker"),
        (("--set", "SIGHTLINE_KAFKA=k:1"), "changes nothing in a replay"),
    ],
)
def test_what_cannot_be_compared_is_refused(words: tuple[str, ...], said: str) -> None:
    refused = run_here("whatif", *words, variables={})
    assert refused.returncode == 2
    assert said in " ".join(refused.stderr.replace("│", " ").split())


@pytest.mark.stack
def test_the_last_events_are_replayed_through_other_settings(command: Run, here: Run) -> None:
    steps = [(f"u{number % 3}", f"i{number // 2}") for number in range(12)]
    here("publish", "--file", "-", stdin=clicks(*steps))
    found = last_json(command("whatif", "--set", "SIGHTLINE_LINK_WINDOW=0", "--json"))
    assert (found["events"], found["lists"], found["users"]) == (12, 12, 3)
    assert found["names"] == {"served": "hand", "other": "hand SIGHTLINE_LINK_WINDOW=0"}
    assert found["differences"].keys() == {"hit_at_10", "ndcg_at_10", "mrr", "diversity", "coverage"}
    assert found["times_live"] >= 10
    assert "times the live rate" in here("whatif", "--ranker", "hand").stdout
