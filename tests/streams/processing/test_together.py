import asyncio

import pytest

from streams.processing.together import together


async def test_what_all_give_stands_in_their_order() -> None:
    assert await together(asyncio.sleep(0.01 * (3 - number), number) for number in range(3)) == [0, 1, 2]
    assert await together([]) == []


async def test_a_failure_is_raised_once_all_have_ended() -> None:
    ended = []

    async def slow() -> None:
        await asyncio.sleep(0.05)
        ended.append("slow")

    async def failing() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await together([failing(), slow()])
    assert ended == ["slow"]
