import msgspec
import pytest
from kafka import KafkaProducer  # type: ignore[import-untyped]  # ships no types

from features.recommendation import Reason, RecommendedItem
from streams.wire.events import Recommendations, Trigger, encode
from tests.cli.conftest import Run, last_json
from tests.conftest import RunningStack

NOON = 1_767_268_800_000


def feed(user: str, seq: int) -> Recommendations:
    reason = Reason(code="looks_like", item_id="i9", similarity=0.913)
    item = RecommendedItem(item_id="[red]i7", score=0.83, source="visual", explore=False, reasons=[reason])
    return Recommendations(
        rec_id=f"r-{seq}",
        user_id=user,
        seq=seq,
        kind="feed",
        generated_at_ms=NOON,
        trigger=Trigger(event_id="c-1", type="click", item_id="i9", occurred_at_ms=NOON),
        items=[item],
        filtered={},
        degraded=["neighbours"],
        model={},
        timings_ms={},
    )


@pytest.fixture
def two_lists(command: Run, stack: RunningStack, topic_prefix: str) -> Run:
    producer = KafkaProducer(bootstrap_servers=stack.endpoints.kafka)
    for lists in (feed("u1", 1), feed("u2", 2)):
        producer.send(f"{topic_prefix}recommendations", key=lists.user_id.encode(), value=encode(lists)).get(20)
    producer.close()
    return command


@pytest.mark.stack
def test_tail_shows_a_list_with_its_reasons_in_words(two_lists: Run) -> None:
    result = two_lists("tail", "--from-beginning", "--user", "u1", "--count", "1", "--timeout", "20")
    assert result.returncode == 0
    assert "u1 · feed · after click on i9 · seq 1" in result.stdout
    assert "looks like i9 (0.91)" in result.stdout
    assert "[red]i7" in result.stdout
    assert "done without: neighbours" in result.stdout


@pytest.mark.stack
def test_tail_ends_with_the_list_as_json(two_lists: Run) -> None:
    result = two_lists("tail", "--from-beginning", "--user", "u2", "--count", "1", "--timeout", "20", "--json")
    assert msgspec.convert(last_json(result), Recommendations) == feed("u2", 2)


@pytest.mark.stack
def test_tail_ends_1_when_no_list_came(command: Run) -> None:
    result = command("tail", "--timeout", "0.5")
    assert (result.returncode, result.stdout) == (1, "")
    assert "no list came within 0.5 s" in result.stderr
