from contextlib import AsyncExitStack
from pathlib import Path
from typing import cast

import pytest

from inference.catalog.catalog import Catalog
from inference.factors.file import encode_factors
from streams.interactions.behaviour_cache import BehaviourCache
from streams.settings import Settings
from streams.worker.feeds import make_feeds
from streams.worker.resources import Addresses, Resources
from tests.harness.factors import factors_of


async def test_the_catalogue_is_read_by_new_factors_before_lists_turn_to_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "factors"
    place.write_bytes(encode_factors(factors_of({"red_0": (1.0, 0.0)})))
    settings = Settings(factors=str(place), learning="off", recent_steps=0)
    async with AsyncExitStack() as stack:
        resources = Resources(settings, Addresses("127.0.0.1:1", "redis://127.0.0.1:2", "127.0.0.1:3"), stack)
        feeds = await make_feeds(resources, Catalog(2), cast(BehaviourCache, None))
        factors = feeds._trained["factors"]()
        assert factors is not None
        # A list that turns to them reads nothing more.
        monkeypatch.delattr("inference.recommender.space_of")
        feeds.recommender.apply_trained("factors", factors)
