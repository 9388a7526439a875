"""Reads what is stored of a user, and the catalogue that it is about."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from typing import TypeVar

from cli.output import progress
from deploy.local import Endpoints
from features.vision.descriptors.mix import Mix
from inference.behaviour.recent_steps import RecentSteps
from inference.catalog.catalog import Catalog
from inference.errors import ModelRefused
from inference.ranking.model import RankerModel
from state.profiles import ProfileStore
from state.redis import RedisPartitions, connect
from state.signals import SignalStore
from streams.catalog.replica import CatalogReplica
from streams.credentials import kafka_security, redis_access
from streams.errors import AccessRefused, BrokerUnavailable
from streams.kafka.log_reader import KafkaLogReader
from streams.learning.model_kinds import FollowedModel, ModelKind
from streams.learning.model_log import last_version
from streams.objects.errors import ObjectMissing, ObjectsUnavailable
from streams.settings import Settings
from streams.steps.replica import StepsReplica
from streams.wire.namespace import Namespace
from streams.wire.topics import CATALOG, MODELS, STEPS

_Model = TypeVar("_Model", bound=FollowedModel)
#: The longest time for reading the last steps; older ones are left out then.
_STEPS_S = 5.0


@asynccontextmanager
async def stores(settings: Settings, endpoints: Endpoints) -> AsyncIterator[tuple[ProfileStore, SignalStore]]:
    """The profiles, and the items with what users do with them, in Redis."""
    redis, namespace = connect(endpoints.redis, access=redis_access(settings)), Namespace(settings.topic_prefix)
    profiles, signals = (
        RedisPartitions(redis, keys, observe=lambda _op, _seconds: None)
        for keys in (namespace.profile_keys, namespace.item_keys)
    )
    try:
        yield ProfileStore(profiles), SignalStore(signals, settings.partitions)
    finally:
        await redis.aclose()


async def read_catalog(settings: Settings, endpoints: Endpoints) -> Catalog:
    """The catalogue as state.catalog has it now; raises BrokerUnavailable."""
    catalog = Catalog(settings.dimensions, encoder=settings.encoder_version, mix=Mix.parse(settings.feed_by))
    topic = Namespace(settings.topic_prefix).topic(CATALOG)
    replica = CatalogReplica(endpoints.kafka, topic, catalog, security=kafka_security(settings))
    await replica.start()
    await replica.stop()
    return catalog


async def read_steps(settings: Settings, endpoints: Endpoints) -> RecentSteps | None:
    """The last steps of all users as state.steps has them now; None if they are turned off, or cannot be read."""
    if not settings.recent_steps:
        return None
    topic = Namespace(settings.topic_prefix).topic(STEPS)
    security = kafka_security(settings)
    replica = StepsReplica(endpoints.kafka, topic, settings.recent_steps, security=security, start_s=_STEPS_S)
    await replica.start()
    await replica.stop()
    return replica.ring if replica.is_known else None


def read_model(settings: Settings, endpoints: Endpoints) -> RankerModel | None:
    """The version that lists are made by now; None for the hand weights, and, said on stderr, for one not to be had."""
    if settings.learning == "off":
        return None
    topic = Namespace(settings.topic_prefix).topic(MODELS)
    try:
        with closing(KafkaLogReader(endpoints.kafka, security=kafka_security(settings))) as log:
            found = last_version(log, topic)
        return None if found is None or found.version == 0 else found.ranker()
    except (BrokerUnavailable, AccessRefused, ModelRefused) as error:
        progress(f"the hand weights stand in for the ranker that learns: {error}")
        return None


async def read_file(kind: ModelKind[_Model], settings: Settings) -> _Model | None:
    """The model or rules of a kind, as workers have them; None for none, and, said on stderr, for unusable ones."""
    place = kind.place(settings)
    if place is None:
        return None
    try:
        return await kind.read(place)
    except (ObjectMissing, ObjectsUnavailable, ModelRefused) as error:
        progress(f"{kind.source} left out: {error}")
        return None
