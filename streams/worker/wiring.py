"""Which agents each kind of worker runs, and with what."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Literal

from inference.catalog.search import find_similar
from inference.warm_up import warm_up_items, warm_up_lists
from state.profiles import ProfileStore
from state.redis import RedisPartitions
from state.signals import SignalStore
from streams.interactions.agent import InteractionsAgent
from streams.interactions.behaviour_cache import BehaviourCache
from streams.interactions.trend_noise import LaplaceNoise
from streams.items.agent import ItemChangesAgent, SignalsAgent
from streams.kafka.faust_app import App
from streams.privacy.agent import PrivacyAgent
from streams.processing.degradations import ENCODER, report_to
from streams.processing.positions import Positions
from streams.uploads.agent import UploadsAgent
from streams.uploads.decoder import Decoder
from streams.uploads.image_fetcher import Fetcher
from streams.uploads.object_store import Objects
from streams.wire import topics
from streams.worker.resources import Resources

WorkerName = Literal["interactions", "uploads", "items"]
#: Of a batch: what becomes of a picture waits for the others of its batch, and costs Kafka the less the more they are.
UPLOADS_LIMIT = 32
#: Under way: while one batch is published, and its last pictures are encoded, the next one is worked on.
UPLOADS_AT_ONCE = 64
#: Trends and neighbours may be this much late, and so may a new picture be searchable; lists are not concerned.
SIGNALS_PAUSE_S = 0.05


async def wire_interactions(parts: Resources, app: App) -> None:
    """The hub: lists for users who did something."""
    topic = parts.prefix + topics.INTERACTIONS.name
    positions = Positions(partial(app.rewind, topic))
    agent, partitions = await make_interactions_agent(parts, positions)
    app.positions[topic] = agent.positions
    app.stores[topic] = partitions
    await parts.watch_store(partitions, positions, agent.rolled_back)
    parts.add_agent(app, topics.INTERACTIONS, agent.handle, parts.settings.batch_limit)


async def make_interactions_agent(parts: Resources, positions: Positions) -> tuple[InteractionsAgent, RedisPartitions]:
    """What handles interactions, started, whoever reads them from the topic; and where its profiles are kept."""
    await asyncio.to_thread(warm_up_lists)
    lists = await parts.publisher(
        "sightline-interactions",
        topics.INTERACTIONS,
        topics.RECOMMENDATIONS,
        topics.SIGNALS,
        topics.RECEIPTS,
        topics.EXPORTS,
        topics.DEAD_LETTERS,
    )
    redis = parts.redis()
    partitions = parts.profile_partitions(redis)
    profiles = ProfileStore(partitions)
    signals = SignalStore(parts.signal_partitions(redis), parts.settings.partitions)
    degradations = parts.degradations(redis)
    epsilon = parts.settings.trends_epsilon
    crowd = BehaviourCache(signals, degradations, LaplaceNoise(epsilon) if epsilon is not None else None)
    parts.stack.push_async_callback(crowd.stop)
    catalog = await parts.catalog()
    await crowd.start()
    signals_out = await parts.publisher("sightline-interactions-signals", topics.SIGNALS)
    agent = InteractionsAgent(
        profiles,
        crowd,
        catalog,
        lists,
        signals_out,
        positions,
        parts.signals,
        parts.breaker(topics.INTERACTIONS),
        prefix=parts.prefix,
        partitions=parts.settings.partitions,
        list_length=parts.settings.list_length,
        nearby=await parts.nearby(catalog),
        controls=parts.controls,
    )
    parts.watch(agent)
    await agent.start()
    return agent, partitions


async def wire_uploads(parts: Resources, app: App) -> None:
    """New pictures, and pictures that are asked with."""
    await asyncio.to_thread(warm_up_items)
    publisher = await parts.publisher(
        "sightline-uploads",
        topics.UPLOADS,
        topics.INTERACTIONS,
        topics.SIGNALS,
        topics.RECOMMENDATIONS,
        topics.DEAD_LETTERS,
    )
    degradations = parts.degradations(parts.redis())
    encoder = await parts.encoder()
    catalog = await parts.catalog(encoder.version)
    nearby = await parts.nearby(catalog)
    decoder = Decoder(processes=parts.settings.decode_processes)
    parts.stack.push_async_callback(decoder.close)
    await decoder.start()
    fetcher = Fetcher(parts.settings.image_hosts.split(",") if parts.settings.image_hosts else ())
    parts.stack.push_async_callback(fetcher.close)
    agent = UploadsAgent(
        encoder,
        decoder.decode,
        Objects(parts.settings.object_store),
        fetcher,
        catalog,
        partial(find_similar, catalog) if nearby is None else nearby.find_similar,
        publisher,
        parts.signals,
        report_to(degradations, ENCODER),
        parts.breaker(topics.UPLOADS),
        prefix=parts.prefix,
        list_length=parts.settings.list_length,
    )
    parts.add_overlapping_agent(app, topics.UPLOADS, agent.answer, agent.publish, UPLOADS_LIMIT, UPLOADS_AT_ONCE)


async def wire_items(parts: Resources, app: App) -> None:
    """What becomes of items: signals, changes; and privacy requests, on their way to the users' events."""
    await asyncio.to_thread(warm_up_items)
    publisher = await parts.publisher(
        "sightline-items",
        topics.ITEMS,
        topics.SIGNALS,
        topics.CATALOG,
        topics.PRIVACY,
        topics.INTERACTIONS,
        topics.DEAD_LETTERS,
    )
    partitions = parts.signal_partitions(parts.redis())
    store = SignalStore(partitions, parts.settings.partitions)
    positions = parts.positions(app, topics.SIGNALS, partitions)
    await parts.watch_store(partitions, positions, lambda p, held: positions.refused({p: held}))
    signals = SignalsAgent(
        store,
        publisher,
        positions,
        parts.breaker(topics.SIGNALS),
        prefix=parts.prefix,
        min_users=parts.settings.trends_min_users,
    )
    changes = ItemChangesAgent(publisher, parts.signals, parts.breaker(topics.ITEMS), prefix=parts.prefix)
    privacy = PrivacyAgent(publisher, parts.controls, parts.breaker(topics.PRIVACY), prefix=parts.prefix)
    parts.add_agent(app, topics.SIGNALS, signals.handle, parts.settings.batch_limit, pause_s=SIGNALS_PAUSE_S)
    parts.add_agent(app, topics.ITEMS, changes.handle, parts.settings.batch_limit)
    parts.add_agent(app, topics.PRIVACY, privacy.handle, parts.settings.batch_limit)
    sets = parts.vector_sets()
    if sets is not None:
        index = await parts.index_agent(app, sets)
        parts.add_agent(app, topics.CATALOG, index.handle, parts.settings.batch_limit)


WIRE: dict[WorkerName, Callable[[Resources, App], Awaitable[None]]] = {
    "interactions": wire_interactions,
    "uploads": wire_uploads,
    "items": wire_items,
}
