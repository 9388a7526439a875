"""Wires the agents of each kind of worker to their resources."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from typing import Literal, TypeAlias

from features.vision.decode import Picture, Wanted
from features.vision.descriptors.mix import Mix
from features.vision.gate.policy import GatePolicy
from features.vision.gate.table import ModelFault
from inference.catalog.catalog import Catalog
from inference.catalog.search import find_similar
from inference.warm_up import warm_up_items, warm_up_lists
from inference.words.encoder import Embed
from state.profiles import ProfileStore
from state.redis import RedisPartitions
from state.signals import SignalStore
from streams.interactions.agent import InteractionsAgent
from streams.interactions.behaviour_cache import BehaviourCache
from streams.interactions.lessons import LessonMaker
from streams.interactions.lists import ListMaker
from streams.interactions.trend_publisher import TrendPublisher
from streams.items.agent import SignalsAgent
from streams.items.changes import item_changes_agent
from streams.kafka.faust_app import App
from streams.learning.agent import LearningAgent, warm_up_learning
from streams.learning.model_kinds import CLASSES, SHOP_RULES
from streams.privacy.agent import privacy_agent
from streams.privacy.receipts import Receipts
from streams.processing.dead_letter_publisher import DeadLetterPublisher
from streams.processing.degradations import ENCODER, GATE, Reporter, report_to
from streams.processing.positions import Positions
from streams.settings_checks import parse_lesson_weights
from streams.uploads.agent import UploadsAgent
from streams.uploads.clip_decoder import ClipDecoder, DecodeClip, SeenClip, is_installed
from streams.uploads.decoder import Decode, Decoder
from streams.uploads.gate import Gate, ModelCheck
from streams.uploads.image_fetcher import Fetcher
from streams.uploads.object_store import Objects
from streams.uploads.picture_features import FeatureExtractor
from streams.uploads.queries.answering import QueryAnswerer
from streams.wire import topics
from streams.words.agent import WordsAgent
from streams.words.title_fitter import TitleFitter
from streams.worker.feeds import follow_file, make_behaviour_cache, make_feeds
from streams.worker.resources import Resources

WorkerName = Literal["interactions", "uploads", "items", "learning"]
#: Gives an app its agents.
Wire: TypeAlias = Callable[[Resources, App], Awaitable[None]]
#: Maximum size of a batch of uploads. A picture's result waits for its whole batch; larger batches cost Kafka less.
UPLOADS_LIMIT = 32
#: Maximum number of uploads in progress: while the last pictures of one batch are encoded, and the batch is published,
#: work on the next batch continues.
UPLOADS_AT_ONCE = 64
#: Where an uploads worker writes.
UPLOADS_WRITE = (topics.UPLOADS, topics.INTERACTIONS, topics.SIGNALS, topics.RECOMMENDATIONS, topics.DEAD_LETTERS)
#: Items whose words are embedded in one batch.
WORDS_LIMIT = 32
#: Trends, neighbours and the searchability of new pictures may be late by this much; lists are not affected.
SIGNALS_PAUSE_S = 0.05


async def wire_interactions(resources: Resources, app: App) -> None:
    """Wire the interactions worker, which makes lists for active users."""
    topic = resources.namespace.topic(topics.INTERACTIONS)
    positions = Positions(partial(app.rewind, topic))
    agent, partitions = await make_interactions_agent(resources, positions, is_first=lambda: app.has_first(topic))
    app.positions[topic] = agent.store_loop.take_up
    app.stores[topic] = partitions
    await resources.watch_store(partitions, positions, agent.store_loop.rolled_back)
    resources.add_agent(app, topics.INTERACTIONS, agent.handle, resources.settings.batch_limit)


async def make_interactions_agent(
    resources: Resources, positions: Positions, *, is_first: Callable[[], bool] = lambda: False
) -> tuple[InteractionsAgent, RedisPartitions]:
    """Return the started agent and the store of its profiles; the caller reads the topic.

    While `is_first`, of all interactions workers this one publishes what rises.
    """
    await asyncio.to_thread(warm_up_lists)
    lists_out = await resources.publisher("sightline-interactions", topics.INTERACTIONS, topics.RECOMMENDATIONS)
    signals_out = await resources.publisher(
        "sightline-interactions-signals",
        topics.SIGNALS,
        topics.STEPS,
        topics.RECEIPTS,
        topics.EXPORTS,
        topics.TRENDS,
        topics.DEAD_LETTERS,
    )
    redis = resources.redis()
    partitions = resources.profile_partitions(redis)
    settings = resources.settings
    # Factors of new items follow from their words.
    words = settings.factors is not None and settings.words == "on"
    catalog = await resources.catalog(settings.encoder_version, Mix.parse(settings.feed_by), words=words)
    behaviour_cache = await make_behaviour_cache(resources, redis, catalog)
    lists = ListMaker(await make_feeds(resources, catalog, behaviour_cache), namespace=resources.namespace)
    agent = InteractionsAgent(
        ProfileStore(partitions),
        positions,
        lists,
        Receipts(catalog, resources.signals, namespace=resources.namespace),
        lists_out,
        signals_out,
        resources.signals,
        resources.steps,
        resources.breaker(topics.INTERACTIONS),
        resources.control_records,
        await _make_lessons(resources, lists, signals_out),
        namespace=resources.namespace,
        partitions=settings.partitions,
    )
    resources.watch(agent.store_loop, agent.store_loop.stop)
    await agent.store_loop.start()
    await _publish_trends(resources, catalog, behaviour_cache, signals_out, is_first)
    return agent, partitions


async def _publish_trends(
    resources: Resources,
    catalog: Catalog,
    behaviour_cache: BehaviourCache,
    publisher: DeadLetterPublisher,
    is_first: Callable[[], bool],
) -> None:
    trends = TrendPublisher(
        catalog,
        lambda: behaviour_cache.trends,
        publisher.try_publish,
        resources.namespace.topic(topics.TRENDS),
        is_active=is_first,
    )
    resources.watch(trends, trends.stop)
    await trends.start()


async def _make_lessons(resources: Resources, lists: ListMaker, publisher: DeadLetterPublisher) -> LessonMaker | None:
    """Return what makes lessons, started."""
    settings = resources.settings
    if settings.learning == "off":
        return None
    topic, weights = resources.namespace.topic(topics.EXAMPLES), parse_lesson_weights(settings.lesson_weights)
    lessons = LessonMaker(lists, publisher.try_publish, topic, weights)
    resources.watch(lessons, lessons.stop)
    await lessons.start()
    return lessons


async def wire_uploads(resources: Resources, app: App, *, describes: bool = True) -> None:
    """Wire the uploads worker, which handles new pictures and picture queries.

    Unless it `describes`, pictures are neither judged by their pixels nor described: for a benchmark.
    """
    await asyncio.to_thread(warm_up_items)
    publisher = await resources.publisher("sightline-uploads", *UPLOADS_WRITE)
    encoder = await resources.encoder()
    embed = _embed_words(resources, app, publisher)
    catalog = await resources.catalog(encoder.version, words=embed is not None)
    if embed is not None:
        await _learn_titles(resources, catalog)
    degradations = resources.degradations(resources.redis())
    gate = _gate(resources, report_to(degradations, GATE))
    extractor = FeatureExtractor(
        encoder,
        await _decode_picture(resources, describes=describes),
        Objects(resources.settings.object_store),
        _fetcher(resources),
        report_to(degradations, ENCODER),
        await resources.picture_keeper(app),
        gate,
        _decode_clip(resources),
    )
    agent = UploadsAgent(
        extractor,
        await _queries(resources, extractor, catalog, embed),
        catalog,
        publisher,
        resources.signals,
        resources.breaker(topics.UPLOADS),
        gate,
        namespace=resources.namespace,
        classes=await follow_file(resources, CLASSES),
    )
    resources.add_overlapping_agent(
        app, topics.UPLOADS, agent.answer, agent.publish, agent.finish, UPLOADS_LIMIT, UPLOADS_AT_ONCE
    )


async def _queries(
    resources: Resources, extractor: FeatureExtractor, catalog: Catalog, embed: Embed | None
) -> QueryAnswerer:
    """What answers queries, from this worker's index or from the one that workers share."""
    index_client = await resources.index_client(catalog)
    return QueryAnswerer(
        extractor,
        catalog,
        partial(find_similar, catalog) if index_client is None else index_client.find_similar,
        list_length=resources.settings.list_length,
        shop_rules=await follow_file(resources, SHOP_RULES),
        embed=embed,
    )


async def _learn_titles(resources: Resources, catalog: Catalog) -> None:
    """Have pictures without words read by what the titles of others teach."""
    fitter = TitleFitter(catalog)
    resources.watch(fitter, fitter.stop)
    await fitter.start()


def _gate(resources: Resources, report_trouble: Reporter) -> Gate:
    """The gate; it asks models of the faults that the setting names."""
    settings = resources.settings
    policy = GatePolicy.parse(settings.gate)
    least: dict[ModelFault, float] = {"unsafe": settings.unsafe_from, "text": settings.text_from}
    return Gate(
        policy,
        [ModelCheck(fault, resources.gate_scores(fault).score, least[fault], report_trouble) for fault in policy.asked],
    )


def _fetcher(resources: Resources) -> Fetcher:
    """What fetches pictures from the hosts that are allowed."""
    fetcher = Fetcher(resources.settings.image_hosts.split(",") if resources.settings.image_hosts else ())
    resources.stack.push_async_callback(fetcher.close)
    return fetcher


async def _decode_picture(resources: Resources, *, describes: bool) -> Decode:
    """What decodes pictures, ready."""
    decoder = Decoder(processes=resources.settings.decode_processes)
    resources.stack.push_async_callback(decoder.close)
    await decoder.start()
    if describes:
        return decoder.decode

    async def decode(data: bytes, wanted: Wanted) -> Picture:
        return await decoder.decode(data, replace(wanted, described=False))

    return decode


def _decode_clip(resources: Resources) -> DecodeClip | None:
    """What decodes clips; None where the extra for it is not installed."""
    if not is_installed():
        return None
    decoder = ClipDecoder()
    resources.stack.push_async_callback(decoder.close)

    async def decode(data: bytes, wanted: Wanted) -> SeenClip:
        try:
            return await decoder.decode(data, wanted)
        finally:
            # A batch of slow clips takes minutes, and is handled as a whole.
            resources.worked += 1

    return decode


def _embed_words(resources: Resources, app: App, publisher: DeadLetterPublisher) -> Embed | None:
    """Return what embeds words, and have those of items embedded; None where words are turned off."""
    words, of_queries = resources.words(), resources.words()
    if words is None or of_queries is None:
        return None
    # Not with the same client: a query would wait for all items before it.
    agent = WordsAgent(words.embed, publisher, resources.signals)
    resources.add_agent(app, topics.CATALOG, agent.handle, WORDS_LIMIT)
    return of_queries.embed


async def wire_items(resources: Resources, app: App) -> None:
    """Wire the items worker: signals, item changes and the shared index.

    It also passes privacy requests on to the users' events.
    """
    await asyncio.to_thread(warm_up_items)
    publisher = await resources.publisher(
        "sightline-items",
        topics.ITEMS,
        topics.SIGNALS,
        topics.CATALOG,
        topics.PRIVACY,
        topics.INTERACTIONS,
        topics.DEAD_LETTERS,
    )
    partitions = resources.signal_partitions(resources.redis())
    store = SignalStore(partitions, resources.settings.partitions)
    positions = resources.positions(app, topics.SIGNALS, partitions)
    await resources.watch_store(partitions, positions, lambda p, held: positions.refused({p: held}))
    signals = SignalsAgent(
        store,
        publisher,
        positions,
        resources.breaker(topics.SIGNALS),
        namespace=resources.namespace,
        min_users=resources.settings.trends_min_users,
    )
    changes = item_changes_agent(
        publisher, resources.signals, resources.breaker(topics.ITEMS), namespace=resources.namespace
    )
    privacy = privacy_agent(
        publisher, resources.control_records, resources.breaker(topics.PRIVACY), namespace=resources.namespace
    )
    resources.add_agent(app, topics.SIGNALS, signals.handle, resources.settings.batch_limit, pause_s=SIGNALS_PAUSE_S)
    resources.add_agent(app, topics.ITEMS, changes.handle, resources.settings.batch_limit)
    resources.add_agent(app, topics.PRIVACY, privacy.handle, resources.settings.batch_limit)
    sets = resources.vector_sets()
    if sets is not None:
        index = await resources.index_agent(app, sets)
        resources.add_agent(app, topics.CATALOG, index.handle, resources.settings.batch_limit)


async def wire_learning(resources: Resources, app: App) -> None:
    """Wire the learning worker. Of several, the one that has the partition of all lessons learns; the others wait."""
    settings, namespace = resources.settings, resources.namespace
    await asyncio.to_thread(warm_up_learning)
    publisher = await resources.publisher("sightline-learning", topics.EXAMPLES, topics.MODELS, topics.DEAD_LETTERS)
    lessons = namespace.topic(topics.EXAMPLES)
    agent = LearningAgent(
        publisher,
        resources.model_log(),
        mode=settings.learning,
        is_active=lambda: app.has_first(lessons),
    )
    app.positions[lessons] = agent.take_up
    resources.watch(agent, agent.stop)
    await agent.start()
    resources.add_agent(app, topics.EXAMPLES, agent.handle, settings.batch_limit)


WIRE: dict[WorkerName, Wire] = {
    "interactions": wire_interactions,
    "uploads": wire_uploads,
    "items": wire_items,
    "learning": wire_learning,
}
