"""Whatever is typed ends in a result or in one message, never in a traceback; no service runs here."""

from collections.abc import Callable
from pathlib import Path

import pytest

from deploy.kafka_server import KafkaServer
from tests.cli.conftest import run, run_here

Type = Callable[..., tuple[int, str]]

NOWHERE = {"kafka": "127.0.0.1:1", "redis": "redis://127.0.0.1:1", "triton": "127.0.0.1:1"}
HOSTILE = ("", " ", "-", "[/red]", "\x1b[31m", "‮abc", "💥", "a" * 5000, "../../etc", "nan", "1e999", "-1")


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Type:
    """`typed(*words, **settings)` runs `sightline` in this process; returns exit code and stderr."""
    monkeypatch.chdir(tmp_path)
    probe = KafkaServer.probe
    # Nothing answers there, however long it is waited for.
    monkeypatch.setattr(KafkaServer, "probe", lambda *kafka, timeout: probe(*kafka, timeout=min(timeout, 0.2)))

    def enter(*words: str, **settings: str) -> tuple[int, str]:
        ended = run_here(*words, variables={"home": str(tmp_path / "home"), **NOWHERE, **settings})
        return ended.returncode, ended.stderr

    return enter


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize(
    "words",
    [
        ("user", "show", "*"),
        ("publish", "--type", "click", "--user", "*", "--item", "i1"),
        ("publish", "--type", "click", "--user", "u1", "--item", "*"),
        ("publish", "--type", "rate", "--user", "u1", "--item", "i1", "--rating", "*"),
        ("publish", "--file", "*"),
        ("tail", "--user", "*", "--timeout", "1"),
        ("dead-letters", "show", "*"),
        ("dead-letters", "list", "--since", "*"),
        ("dead-letters", "list", "--topic", "*", "--reason", "*"),
        ("dead-letters", "retry", "--topic", "*"),
        ("similar", "*"),
        ("search", "*", "--min-price", "9", "--max-price", "3"),
        ("export-model", "--architecture", "*", "--name", "*"),
        ("topics", "acls", "--user", "*"),
        ("bench", "faults", "--only", "*"),
        ("up", "*"),
        ("*",),
    ],
    ids=" ".join,
)
def test_an_argument_is_used_or_refused(typed: Type, words: tuple[str, ...], text: str) -> None:
    code, _ = typed(*(text if word == "*" else word for word in words))
    assert code in (0, 1, 2)


@pytest.mark.parametrize("text", ["", "[/red]\x1b[31m‮", "a" * 5000])
@pytest.mark.parametrize(
    "words",
    [
        ("user", "forget", "--timeout", "1", "*"),
        ("user", "export", "*"),
        ("user", "prefer", "u1", "*"),
        ("items", "import", "*"),
        ("demo", "--images", "*"),
    ],
    ids=" ".join,
)
def test_an_argument_of_a_command_that_wants_all_services_is_used_or_refused(
    typed: Type, words: tuple[str, ...], text: str
) -> None:
    test_an_argument_is_used_or_refused(typed, words, text)


@pytest.mark.parametrize(
    "words",
    [
        ("status",),
        ("doctor",),
        ("topics", "check"),
        ("topics", "create"),
        ("positions", "show"),
        ("positions", "skip-lost"),
        ("verify",),
        ("rebuild",),
        ("migrate",),
        ("up",),
        ("user", "show", "u1"),
        ("tail", "--timeout", "1"),
    ],
    ids=" ".join,
)
def test_a_command_says_what_does_not_answer(typed: Type, words: tuple[str, ...]) -> None:
    code, said = typed(*words)
    assert code in (0, 1, 2)
    if code == 2:
        assert said.lstrip().startswith("error: ")
        assert any(name in said for name in ("SIGHTLINE_", "sightline up", "Redis", "Kafka"))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("redis", "localhost:6379"),
        ("redis", "redis://r:1?cluster=maybe"),
        ("kafka", "foo"),
        ("triton", "http://t:8000"),
        ("object_store", "bucket"),
        ("metrics_port", "99999"),
        ("redis_url", "redis://r:1"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named_by_every_command(typed: Type, name: str, value: str) -> None:
    for words in (("user", "show", "u1"), ("status",), ("worker", "items"), ("doctor",)):
        code, said = typed(*words, **{name: value})
        assert (code, f"SIGHTLINE_{name.upper()}: " in said, said.count("\n")) == (2, True, 2)


def test_a_home_that_cannot_be_made_is_named(typed: Type, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    code, said = typed("up", home=str(tmp_path / "file"))
    assert (code, "set SIGHTLINE_HOME" in said) == (2, True)


def test_a_worker_that_cannot_listen_says_where(tmp_path: Path) -> None:
    """In a process of its own: a worker that does not start in time ends its process."""
    settings = {"home": str(tmp_path / "home"), **NOWHERE, "metrics_host": "203.0.113.1", "metrics_port": "9101"}
    ended = run("worker", "items", variables=settings)
    assert (ended.returncode, "cannot listen on 203.0.113.1:9101" in ended.stderr) == (2, True)
