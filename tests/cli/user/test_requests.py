import asyncio
import uuid
from collections.abc import Iterator

import pytest

from deploy.workers import Workers
from features.item import hash_of, key_of
from sightline_client.pseudonyms import pseudonym
from streams.kafka.admin import create_topics
from streams.privacy.erasure_check import find_traces
from streams.wire.namespace import Namespace
from tests.cli.conftest import Run, last_json, run_here
from tests.conftest import RunningStack

pytestmark = pytest.mark.stack

KEY = "a key of thirty-two characters.."


@pytest.fixture(scope="module")
def topic_prefix() -> str:
    """One for all tests here, whose users differ."""
    return f"t{uuid.uuid4().hex[:10]}."


@pytest.fixture(scope="module", autouse=True)
def workers(stack: RunningStack, topic_prefix: str) -> Iterator[None]:
    """Workers that each command finds running."""
    settings = stack.settings.model_copy(update={"topic_prefix": topic_prefix, "partitions": 4})
    create_topics(stack.endpoints.kafka, Namespace(topic_prefix), settings.partitions, 1)
    with Workers(settings, stack.endpoints).borrowed():
        yield


def click(here: Run, user: str, item: str = "i1") -> None:
    assert here("publish", "--type", "click", "--user", user, "--item", item).returncode == 0


def test_a_user_is_exported_and_forgotten_and_found_nowhere(command: Run, here: Run) -> None:
    click(here, "ann@example.org")
    exported = command("user", "export", "ann@example.org", "--json")
    assert exported.returncode == 0, exported.stderr
    assert last_json(exported)["interactions"] == 1
    forgotten = command("user", "forget", "ann@example.org", "--verify", "--json")
    assert forgotten.returncode == 0, forgotten.stderr
    receipt = last_json(forgotten)
    assert (receipt["type"], receipt["traces"], receipt["user_hash"]) == ("forget", [], hash_of("ann@example.org"))
    assert receipt["erased"]["engaged"] == 1
    assert here("verify", "--json").returncode == 0


def test_a_request_is_answered_with_its_receipt(here: Run) -> None:
    for kind in ("reset", "opt-out", "opt-in"):
        done = here("user", kind, "u1")
        assert done.returncode == 0, done.stderr
        assert f"{kind.replace('-', '_')} of user 'u1': done" in done.stdout


def test_dials_are_set_shown_and_exported(command: Run, here: Run) -> None:
    done = command("user", "prefer", "u2", "shoes=0.5", "hats=-1")
    assert done.returncode == 0, done.stderr
    assert "prefer of user 'u2': done" in done.stdout
    assert "dials set: 2; erased: 0 dials" in done.stdout
    changed = here("user", "prefer", "u2", "hats=0", "--json")
    assert (last_json(changed)["dials_set"], last_json(changed)["erased"]) == (0, {"dials": 1})
    name = f"#{key_of('shoes'):016x}"
    assert last_json(here("user", "export", "u2", "--json"))["dials"] == {name: 0.5}
    shown = command("user", "show", "u2")
    assert (shown.returncode, f"dials: {name} +0.5" in shown.stdout) == (0, True)


def test_with_a_pseudonym_key_the_id_never_reaches_kafka(
    variables: dict[str, str], stack: RunningStack, topic_prefix: str
) -> None:
    hidden = variables | {"pseudonym_key": KEY}
    words = ("publish", "--type", "click", "--user", "eve@example.org", "--item", "i1")
    assert run_here(*words, variables=hidden).returncode == 0
    exported = run_here("user", "export", "eve@example.org", "--json", variables=hidden)
    assert exported.returncode == 0, exported.stderr
    assert last_json(exported)["user_id"] == pseudonym(KEY.encode(), "eve@example.org")
    settings = stack.settings.model_copy(update={"topic_prefix": topic_prefix, "partitions": 4})
    assert asyncio.run(find_traces(settings, stack.endpoints.kafka, stack.endpoints.redis, "eve@example.org")) == []
