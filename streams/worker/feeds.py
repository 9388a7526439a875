"""Wires what makes lists to its resources: for the worker that answers events, and for the web door."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import TypeVar

from inference.catalog.catalog import Catalog
from inference.exploration.newcomers import latest_keys
from inference.ranking.model import RankerModel
from inference.recommender import Recommender
from state.redis import Client
from state.signals import SignalStore
from streams.experiment_setting import read_experiment
from streams.interactions.behaviour_cache import BehaviourCache
from streams.interactions.feeds import FeedMaker
from streams.interactions.lists import rules_of
from streams.interactions.trend_noise import LaplaceNoise
from streams.learning.file_follower import FileFollower, prepared_at_once
from streams.learning.model_file import ModelFile
from streams.learning.model_follower import ModelFollower
from streams.learning.model_kinds import MODEL_KINDS, SHOP_RULES, FollowedModel, ModelKind
from streams.worker.resources import Resources

_Model = TypeVar("_Model", bound=FollowedModel)


async def make_behaviour_cache(resources: Resources, redis: Client, catalog: Catalog) -> BehaviourCache:
    """Return the cache of what lists need of all users' behaviour, started."""
    settings = resources.settings
    signals = SignalStore(resources.signal_partitions(redis), settings.partitions)
    noise = None if settings.trends_epsilon is None else LaplaceNoise(settings.trends_epsilon)
    latest = partial(latest_keys, catalog) if settings.explore_share else tuple
    behaviour_cache = BehaviourCache(signals, resources.degradations(redis), noise, latest)
    resources.watch(behaviour_cache, behaviour_cache.stop)
    await behaviour_cache.start()
    return behaviour_cache


async def make_feeds(resources: Resources, catalog: Catalog, behaviour_cache: BehaviourCache) -> FeedMaker:
    """Return what makes the lists of users."""
    settings = resources.settings
    recent_steps = await resources.recent_steps()
    recommender = Recommender(catalog, length=settings.list_length, recent_steps=recent_steps, rules=rules_of(settings))
    return FeedMaker(
        behaviour_cache,
        recommender,
        await resources.index_client(catalog),
        model=await _follow_models(resources),
        trained={
            kind.source: await follow_file(resources, kind, partial(recommender.prepare_trained, kind.source))
            for kind in MODEL_KINDS
        },
        shop_rules=await follow_file(resources, SHOP_RULES),
        experiment=read_experiment(settings.experiment),
    )


async def _follow_models(resources: Resources) -> Callable[[], RankerModel | None]:
    """Return what gives the newest version of the ranker that learns."""
    if resources.settings.learning == "off":
        return lambda: None
    follower = ModelFollower(resources.model_log())
    resources.watch(follower, follower.stop)
    await follower.start()
    return lambda: follower.model


async def follow_file(
    resources: Resources, kind: ModelKind[_Model], prepare: Callable[[_Model], Iterator[None]] = prepared_at_once
) -> Callable[[], _Model | None]:
    """Return what gives the newest model of a kind that is prepared; none where no file of it is set."""
    place = kind.place(resources.settings)
    if place is None:
        return lambda: None
    follower = FileFollower(kind, ModelFile(place), prepare)
    resources.watch(follower, follower.stop)
    await follower.start()
    return lambda: follower.model
