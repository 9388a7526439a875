"""The door that most tests go through."""

from collections.abc import AsyncIterator

import httpx
import pytest

from tests.harness.web import Door


@pytest.fixture
def door() -> Door:
    return Door()


@pytest.fixture
async def client(door: Door) -> AsyncIterator[httpx.AsyncClient]:
    async with door.client() as client:
        yield client
