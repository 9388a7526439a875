import asyncio
from datetime import timedelta

import pytest
from obstore.store import GCSStore, S3Store

from streams.objects.answers import answering, open_store
from streams.objects.errors import ObjectMissing, ObjectsUnavailable


async def test_a_store_that_does_not_answer_is_unavailable_after_a_while() -> None:
    with pytest.raises(ObjectsUnavailable, match=r"^the store is away: no answer within 0\.01 s$"):
        async with answering("the store is away", within_s=0.01):
            await asyncio.sleep(60)


async def test_an_error_of_the_system_is_named_by_its_first_line() -> None:
    with pytest.raises(ObjectsUnavailable, match=r"^the store takes nothing: No space left on device$"):
        async with answering("the store takes nothing"):
            raise OSError("No space left on device\nDebug source: …")


async def test_what_is_not_there_is_missing_where_somebody_says_so_and_else_the_store_is_unavailable() -> None:
    with pytest.raises(ObjectMissing, match=r"^there is no object$"):
        async with answering("the store is away", missing="there is no object"):
            raise FileNotFoundError("no such bucket")
    with pytest.raises(ObjectsUnavailable, match=r"^the store is away: no such bucket$"):
        async with answering("the store is away"):
            raise FileNotFoundError("no such bucket")


async def test_other_errors_stay_as_they_are() -> None:
    with pytest.raises(ValueError, match="key"):
        async with answering("the store is away"):
            raise ValueError("a bad key")


@pytest.mark.parametrize("url", ["s3://bucket/folder", "gs://bucket"])
def test_a_client_does_not_ask_for_minutes_where_nobody_waits_any_more(url: str) -> None:
    store = open_store(url)
    assert isinstance(store, (S3Store, GCSStore))
    retries = store.retry_config
    assert retries is not None
    assert retries["retry_timeout"] <= timedelta(seconds=30)
