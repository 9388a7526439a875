import re

import pytest

from inference.experiment import Arm, Experiment
from inference.retrieval.sources.table import SOURCE_NAMES
from streams.errors import SettingsError
from streams.experiment_setting import read_experiment
from streams.settings import Settings, read_settings


def test_without_a_setting_there_is_no_experiment() -> None:
    assert Settings().experiment == ""
    assert read_experiment("") is None
    assert read_experiment("  ") is None


def test_an_experiment_has_a_name_and_arms_with_shares_and_options() -> None:
    text = "ranker-1; control:50; popular:25:ranker=popular; plain:25:ranker=weighted,off=visual+fresh,same_colour=0"

    assert read_experiment(text) == Experiment(
        "ranker-1",
        (
            Arm("control", 0.5),
            Arm("popular", 0.25, "popular"),
            Arm("plain", 0.25, "weighted", frozenset({"visual", "fresh"}), (("same_colour", 0.0),)),
        ),
    )


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("Ranker;a:50;b:50", "the experiment's name, 'Ranker', must be 1 to 32 of a to z"),
        ("x;a:100", "an experiment has 2 to 8 arms, each after a semicolon; this one has 1"),
        ("x" + ";a:10" * 10, "an experiment has 2 to 8 arms, each after a semicolon; this one has 10"),
        ("x;a:50;b:40", "the shares of the arms are 90 together, and must be 100"),
        ("x;a:50;a:50", "two arms have the same name: a, a"),
        ("x;a:50;B:50", "arm 2, 'B:50': its name must be 1 to 32 of a to z"),
        ("x;a:50;b", "arm 2, 'b': after its name and a colon comes its share in per cent, above 0 and below 100"),
        ("x;a:nan;b:50", "arm 1, 'a:nan': after its name and a colon comes its share"),
        ("x;a:100;b:0", "arm 1, 'a:100': after its name and a colon comes its share"),
        ("x;a:50;b:50:ranker=best", "ranker must be one of online, weighted, popular, and not 'best'"),
        ("x;a:50;b:50:off=looks", "off must be one of visual, neighbours, sessions, factors, sequence, cross"),
        ("x;a:50;b:50:off=", "'off=' must be an option, = and a value"),
        ("x;a:50;b:50:off=visual,off=fresh", "no option may come twice"),
        (f"x;a:50;b:50:off={'+'.join(SOURCE_NAMES)}", "off leaves no source"),
        ("x;a:50;b:50:new=1", "new cannot be set, only with ranker=weighted; ranker is online"),
        ("x;a:50;b:50:ranker=weighted,newest=1", "an option must be one of ranker, off, chosen_after"),
        ("x;a:50;b:50:ranker=weighted,new=-1", "new is a weight of 0 to 100, and not '-1'"),
        ("x;a:50;b:50:ranker=weighted,new=much", "new is a weight of 0 to 100, and not 'much'"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_the_place_and_the_reason(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=re.escape(why)):
        read_experiment(text)


def test_the_refusal_names_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGHTLINE_EXPERIMENT", "x;a:50;b:40")
    with pytest.raises(SettingsError, match="SIGHTLINE_EXPERIMENT: the shares of the arms are 90 together"):
        read_settings()
