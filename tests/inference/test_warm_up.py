import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import numba.core.event
import pytest
from numba.core.registry import CPUDispatcher

from features.behaviour import UNKNOWN, Engagement
from features.dials import NO_DIALS, turn
from features.item import key_of
from features.profile import NEW, Profile
from features.search_filter import NO_FILTER, SearchFilter
from features.trends import NO_TRENDS
from inference.catalog.catalog import Catalog
from inference.catalog.search import find_similar
from inference.explain.explanation import Subject
from inference.factors.file import decode_factors, encode_factors
from inference.ranking.rules import ListRules
from inference.ranking.similar import SimilarRanker
from inference.recommender import Recommender
from inference.sequence.model import decode_model, encode_model
from inference.warm_up import warm_up_items, warm_up_lists
from state.codec import decode_behaviour, decode_profile, encode_behaviour, encode_profile
from tests.harness.catalog import DIMENSIONS, NOW, act, item, profile_of, reds_and_blues, vector
from tests.harness.engagements import apply_engagement
from tests.harness.factors import factors_of
from tests.harness.lists import steps_of
from tests.harness.sequences import next_of
from tests.harness.shop_rules import rule, shop_rules


def compiled_functions() -> Iterator[CPUDispatcher]:
    modules = [module for name, module in sys.modules.items() if name.partition(".")[0] in ("features", "inference")]
    return (each for module in modules for each in vars(module).values() if isinstance(each, CPUDispatcher))


def make_lists(catalog: Catalog, profiles: Sequence[Profile]) -> None:
    behaviour = apply_engagement(UNKNOWN, Engagement(0, NOW, 1.0, ((key_of("blue-1"), 1.0),), 0, 0))
    recommender = Recommender(catalog, length=10, recent_steps=steps_of(u9="red-0 blue-0"), rules=ListRules(cross=True))
    recommender.apply_trained(
        "factors", decode_factors(encode_factors(factors_of({"red_0": (1.0, 0.0), "blue_0": (0.0, 1.0)})))
    )
    recommender.apply_trained("sequence", decode_model(encode_model(next_of(red_0="red-1", blue_0="blue-1"))))
    recommender.apply_rules(
        shop_rules(
            rule("boost", "b", weight=0.5, attribute={"brand": "none"}),
            rule("exclude", "x", owner="u9"),
            rule("promote", "p", slots=[2, 3], most=1, category="blue"),
        )
    )
    users = [key_of(f"u{number}") for number in range(len(profiles))]
    behaviours = {key_of("red-0"): behaviour}
    recommender.recommend(recommender.prepare(profiles, NOW), users, behaviours, NO_TRENDS, NOW)


def stored(profile: Profile) -> Profile:
    """As Redis gives it: its arrays cannot be written to."""
    return decode_profile(encode_profile(profile))


PROFILES = {
    "new": NEW,
    "one click": stored(profile_of(act("red-0"))),
    "one refusal": stored(profile_of(act("red-0", -3.0))),
    "some clicks": profile_of(*(act(f"red-{number}") for number in range(5)), act("blue-0", -3.0)),
    "a long history": stored(profile_of(*(act(f"red-{n}", -3.0) for n in range(300)))),
    "dials": replace(NEW, dials=turn(NO_DIALS, [("red", 1.0)])),
}


@contextmanager
def compilations() -> Iterator[list[str]]:
    """The names of the functions that are compiled meanwhile."""
    compiled: list[str] = []

    class Compilations(numba.core.event.Listener):
        def on_start(self, event: numba.core.event.Event) -> None:
            compiled.append(event.data["dispatcher"].__name__)

        def on_end(self, event: numba.core.event.Event) -> None: ...

    with numba.core.event.install_listener("numba:compile", Compilations()):
        yield compiled


@pytest.mark.parametrize("count", [0, 1, 20])
def test_no_list_waits_for_a_compiler(count: int) -> None:
    catalog = Catalog(DIMENSIONS)
    catalog.apply(reds_and_blues(count))
    warm_up_lists()

    with compilations() as compiled:
        for profile in PROFILES.values():
            make_lists(catalog, [profile])
        make_lists(catalog, [*PROFILES.values()])

    assert compiled == []


def test_no_item_waits_for_a_compiler() -> None:
    warm_up_items()

    with compilations() as compiled:
        Catalog(DIMENSIONS).apply(reds_and_blues(3))
        behaviour = UNKNOWN
        for item in range(3):
            behaviour = apply_engagement(behaviour, Engagement(0, NOW, 1.0, ((item, 1.0),), 0, 0))
            behaviour = decode_behaviour(encode_behaviour(behaviour))

    assert compiled == []


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES)
def test_no_explanation_waits_for_a_compiler(profile: Profile) -> None:
    catalog = Catalog(DIMENSIONS)
    catalog.apply(reds_and_blues(20))
    recommender = Recommender(catalog, length=10)
    warm_up_lists()

    with compilations() as compiled:
        for name in ("red-0", "blue-1"):
            prepared = recommender.prepare([profile], NOW)
            recommender.explain(prepared, key_of("u0"), {}, NO_TRENDS, NOW, Subject(name, item(name)))

    assert compiled == []


async def test_no_picture_query_waits_for_a_compiler() -> None:
    warm_up_items()
    catalog = Catalog(DIMENSIONS)
    catalog.apply([*reds_and_blues(3), ("gone", item("red-3", expires_at_ms=NOW))])
    looks = vector("red-0")
    looks.flags.writeable = False  # as the encoder gives it

    with compilations() as compiled:
        catalog.advance(NOW)
        for count in (2, 20):
            for only in (NO_FILTER, SearchFilter("red")):
                rows = await find_similar(catalog, looks, count, only)
                SimilarRanker().rank(looks, rows, catalog, length=count, now_ms=NOW)

    assert compiled == []


def test_no_function_is_compiled_twice() -> None:
    kinds = {each.py_func.__name__: len(each.signatures) for each in compiled_functions()}

    assert {name for name, count in kinds.items() if count > 1} == set()
