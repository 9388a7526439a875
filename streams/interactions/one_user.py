"""What is known of one user, read from the stores: the profile in words, and why the user's list is as it is."""

import time

from features.item import key_of
from inference.catalog.catalog import Catalog
from inference.experiment import Arm
from inference.explain.explanation import Explanation, Subject
from inference.explain.in_words import ProfileInWords, in_words, with_looks
from inference.exploration.newcomers import count_met, latest_keys
from inference.recommender import Recommender
from state.profiles import ProfileStore, StoredProfile
from state.signals import SignalStore
from streams.catalog.index_client import IndexClient


async def describe_user(
    profiles: ProfileStore, signals: SignalStore, catalog: Catalog, user_id: str
) -> tuple[StoredProfile, ProfileInWords]:
    """The stored profile of a user, and the same in words; raises the errors of the stores."""
    stored = await profiles.read(user_id, signals.partitions)
    words = in_words(stored.profile, catalog)
    return stored, with_looks(words, await signals.items([each.item_id for each in words.interests]))


async def explain_user(
    recommender: Recommender,
    catalog: Catalog,
    profiles: ProfileStore,
    signals: SignalStore,
    user_id: str,
    item_id: str | None,
    arm: Arm | None,
    index_client: IndexClient | None = None,
) -> Explanation:
    """The list that the recommender makes for a user now, and why an item is in it or is not.

    It reads what it needs from Redis itself, the latest; raises the errors of the stores. A catalogue without an index
    of its own needs the client of the shared one.
    """
    profile = (await profiles.read(user_id, signals.partitions)).profile
    behaviours = await signals.behaviours(recommender.needed([profile]))
    trends = await signals.trends()
    met = count_met(await signals.behaviours(latest_keys(catalog)))
    # What is stored of an item also says why the catalogue leaves it out.
    subject = None if item_id is None else Subject(item_id, (await signals.items([item_id])).get(item_id))
    prepared = recommender.prepare([profile], _now_ms())
    if index_client is not None:
        await index_client.prefetch(prepared.medoids())
    now_ms = _now_ms()
    return recommender.explain(prepared, key_of(user_id), behaviours, trends, now_ms, subject, arm=arm, met=met)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
