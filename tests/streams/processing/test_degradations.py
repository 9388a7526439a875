import pytest

from state.degradations import Degradations
from state.redis import connect
from streams.processing.degradations import ALL, ENCODER, report_to
from tests.conftest import RunningStack
from tests.harness.fakes import degradations


@pytest.mark.stack
async def test_a_reported_condition_holds(stack: RunningStack, topic_prefix: str) -> None:
    client = connect(stack.endpoints.redis)
    shared = Degradations(client, topic_prefix, ALL, observe=lambda op, seconds: None)
    assert await shared.current() == []
    await report_to(shared, ENCODER)(ConnectionError("refused"))
    assert await shared.current() == ["encoder"]
    await client.aclose()


async def test_without_redis_a_report_is_logged_and_raises_nothing() -> None:
    await report_to(degradations(), ENCODER)(ConnectionError("refused"))
