"""Calls what is compiled at its first use, before the first event: no user should wait for a compiler.

It takes seconds where nothing was compiled yet, else a moment.
"""

from dataclasses import replace

import numpy as np

from features.behaviour import UNKNOWN, Behaviour, linked
from features.co_choices.choice import LINKING, add_links, choice_of
from features.co_choices.neighbours import Links
from features.item import Item, key_of
from features.profile import IMPRESSION, SEEN_BEFORE, Action, Profile, profile_after
from features.search_filter import NO_FILTER
from features.seen_packing import pack_seen
from features.trends import NO_TRENDS
from features.vision.gate.picture_hash import WORDS, Asked
from inference.behaviour.recent_steps import RecentSteps
from inference.catalog.catalog import Catalog
from inference.catalog.copied_pictures import among_copies
from inference.catalog.search import nearest
from inference.factors.file import Factors
from inference.ranking.affinity.prices import budget_of
from inference.ranking.features import FEATURES
from inference.ranking.lessons import lesson_from
from inference.ranking.model import RankerModel
from inference.ranking.rules import ListRules
from inference.recommender import Recommender
from inference.sequence.model import SequenceModel
from inference.sequence.user_tower import UserTower
from inference.shop_rules.rules import AnyRule, Boost, Promotion, ShopRules

_USER = key_of("nobody")
_THAT, _THIS = (Action(event, key_of(name), 1.0, 0) for event, name in enumerate(("that", "this")))


def warm_up_items() -> tuple[Catalog, Profile, Behaviour]:
    """Compile what items need: a catalogue of two items, the profile of a user who clicked both, and a behaviour."""
    catalog, vector = Catalog(2), np.array([1, 0], np.float32)
    item = Item("this", 0, price=1.0, attributes={"brand": "none"}, embeddings={"none": vector.astype("<f2").tobytes()})
    expired = (replace(item, item_id=name, expires_at_ms=1) for name in ("refused", "passed over"))
    items = [item, replace(item, item_id="that"), *expired]
    catalog.apply([(each.item_id, each) for each in items])
    catalog.advance(1)
    among_copies(Asked(np.zeros((1, WORDS), np.uint64), np.zeros(0, np.uint8)), catalog.hashes)
    nearest(catalog, vector, np.zeros(1, np.int64), 2, NO_FILTER)
    clicked = profile_after([_THAT])
    links = Links()
    add_links(links, choice_of(clicked, _THIS, 0, 0), LINKING, _THAT.item.__eq__)
    return catalog, clicked, linked({_THAT.item: UNKNOWN}, links)[_THAT.item]


def _warm_steps() -> RecentSteps:
    """Recent steps of somebody else, and none of that user any more."""
    recent = RecentSteps(2)
    recent.append(np.array([_USER, key_of("other")], np.uint64), np.full(2, _THAT.item, np.uint64))
    recent.forget(_USER)
    return recent


def _warm_sequence() -> SequenceModel:
    """A model that knows both items."""
    table = np.ones((1, 3), np.float32)
    tower = UserTower(table, table, table.repeat(2, axis=0), table[:, :1])
    keys = np.sort(np.array([_THAT.item, _THIS.item], np.uint64))
    return SequenceModel(0, None, keys, table.reshape(3, 1), (), table[:, :1], table[:0, :1], tower)


def _warm_rules() -> list[AnyRule]:
    """A boost and a promotion of the item that is left for the list."""
    return [
        Boost(name="boost", items=("this",), weight=1.0),
        Promotion(name="promotion", items=("this",), slots=(1,)),
    ]


def warm_up_lists() -> None:
    """Compile what lists need: make one for that user, and remember what is long ago."""
    catalog, profile, followed = warm_up_items()
    # A list of two items need not have the reason that calls it.
    budget_of(np.zeros(1, np.int64), np.ones(1, np.float32), catalog.prices, catalog.currencies)
    turned_down = (Action(2, key_of("refused"), -1.0, 0), Action(3, key_of("passed over"), IMPRESSION, 0))
    profile = profile_after(turned_down, profile)
    # The list is short, so that every search is made, and has a slot that explores.
    recommender = Recommender(
        catalog, length=2, recent_steps=_warm_steps(), rules=ListRules(explore_share=0.5, cross=True)
    )
    keys = np.array([_THAT.item, _THIS.item], np.uint64)
    recommender.apply_trained("factors", Factors.of(keys, np.eye(2, dtype=np.float32), 1.0))
    recommender.apply_trained("sequence", _warm_sequence())
    recommender.apply_rules(ShopRules.of(_warm_rules()))
    for model in (None, RankerModel()):
        recommender.apply_model(model)
        recommender.recommend(recommender.prepare([profile], 1), [_USER], {_THAT.item: followed}, NO_TRENDS, 1)
    lesson_from(np.zeros((2, len(FEATURES)), np.float32), 0, user=_USER, at_ms=1, weight=1.0, slot=-1, seed=1)
    long_ago = SEEN_BEFORE.add(SEEN_BEFORE.add((), _THAT.item), _THIS.item)
    SEEN_BEFORE.unpack(SEEN_BEFORE.pack(long_ago), 0)
    pack_seen(profile.seen, profile.engaged)
