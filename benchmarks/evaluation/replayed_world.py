"""The product in one process, driven by a log: the agents' own reducers and recommender on stores in memory.

The clock is the log's: an event happens, and a list is made, at the time of the event.
"""

from collections import OrderedDict
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.evaluation.log import Event, Log
from features.behaviour import Behaviour
from features.item import Item, key_of
from features.profile import NEW, Profile
from features.trends import NO_TRENDS
from inference.behaviour.recent_steps import RecentSteps
from inference.catalog.catalog import Catalog
from inference.exploration.newcomers import NOBODY_MET, count_met, latest_keys
from inference.ranking.lessons import lesson_from
from inference.recommender import Prepared, Recommended, Recommender
from inference.sequence.model import SequenceModel
from state.signals import Signals
from streams.interactions.attribution import LISTS_LIMIT
from streams.interactions.lists import rules_of
from streams.interactions.reducer import reduce
from streams.items.reducer import ItemEffects
from streams.learning.learner import Learner
from streams.learning.lesson_weights import lesson_weight
from streams.learning.unseen import before_impressions, is_touched
from streams.settings import Settings
from streams.settings_checks import parse_lesson_weights
from streams.wire.events import Interaction
from streams.wire.records import Record
from streams.wire.signals import linking_of
from streams.wire.topics import INTERACTIONS

#: Events after which items are brought up to date at the latest: a full micro-batch of the agents.
_BATCH = 256
#: Workers read as often how many users met the latest uploads.
_REFRESH_MS = 1000
#: The version of an encoder that stands for pictures which say nothing.
SAYS_NOTHING = "random@1"


@dataclass(frozen=True, slots=True)
class Listed:
    """A list for a user: the ids of its items, the source of each, and all that the recommender said."""

    items: list[str]
    sources: list[str]
    made: Recommended


class ReplayedWorld:
    """Profiles, items and lists after a prefix of a log. Lists have `length` slots at most.

    With a `learner` the ranker learns from each event before it is applied, and lists follow its last good version.
    With a model `sequence` they follow that, too, from the first event on that is later than what it learned.
    """

    def __init__(
        self,
        settings: Settings,
        log: Log,
        *,
        length: int,
        seed: int,
        learner: Learner | None = None,
        sequence: SequenceModel | None = None,
    ) -> None:
        self._recent_steps = RecentSteps(settings.recent_steps) if settings.recent_steps else None
        self.catalog = Catalog(settings.dimensions, words=True)
        self.recommender = Recommender(
            self.catalog, length=length, recent_steps=self._recent_steps, rules=rules_of(settings)
        )
        self._learner = learner
        self._sequence = sequence
        self._lesson_weights = parse_lesson_weights(settings.lesson_weights)
        self._linking = linking_of(settings)
        self._min_users = settings.trends_min_users
        self._log = log
        self._seed = seed
        self._profiles: dict[str, Profile] = {}
        self._behaviours: dict[int, Behaviour] = {}
        self._signals = Signals(-1, {}, NO_TRENDS, {}, self._behaviours)
        self._effects = ItemEffects.on(self._signals, (0, 1))
        #: Items that were uploaded so far.
        self.uploaded: dict[str, Item] = {}
        self._arriving = sorted(log.items.values(), key=lambda item: item.new_at_ms, reverse=True)
        self._offset = -1
        self._now_ms = 0
        self._met, self._met_ms = NOBODY_MET, 0
        #: The keys of the items that users saw of their lists, by user and rec_id.
        self._shown: OrderedDict[tuple[str, str], list[int]] = OrderedDict()

    def learn(self, event: Event) -> None:
        """Apply an event as the agents do. An item is uploaded when the log first names it, or at its own time."""
        self._now_ms = max(self._now_ms, event.at_ms)
        if self._sequence is not None and self._now_ms > self._sequence.until_ms:
            self.recommender.apply_trained("sequence", self._sequence)
        self._offset += 1
        if self._learner is not None:
            # Before the upload that stands in for a missing one: no list could have had the item.
            self._teach(self._learner, event)
            self._note_shown(event)
        self._upload(event)
        interaction = Interaction(
            event_id=f"e{self._offset}",
            occurred_at_ms=event.at_ms,
            type=event.type,
            user_id=event.user,
            item_id=event.item,
            dwell_ms=event.dwell_ms,
            duration_ms=event.duration_ms,
            rating=event.rating,
        )
        record = Record(INTERACTIONS.name, 0, self._offset, event.at_ms, event.user.encode(), None)
        effect = reduce(record, interaction, self._profiles.get(event.user, NEW))
        self._profiles[event.user] = effect.after
        for choice in effect.choices(self._linking):
            self._effects.choose(choice, self._linking)
        if self._recent_steps is not None:
            for _, (_, _, user, item) in effect.steps():
                self._recent_steps.append(np.array([user], np.uint64), np.array([item], np.uint64))
        if self._offset % _BATCH == 0:
            self.settle()

    def recommend(self, user: str, at_ms: int) -> Listed:
        """The list of a user at a time, from all that was learned so far."""
        profile = self._profiles.get(user, NEW)
        (made,) = self.recommender.recommend(*self._asked(user, profile, max(self._now_ms, at_ms)), met=self._met)
        items = made.ranking.items
        return Listed([each.item_id for each in items], [each.source for each in items], made)

    def _asked(
        self, user: str, profile: Profile, now_ms: int
    ) -> tuple[Prepared, list[int], dict[int, Behaviour], NDArray[np.void], int]:
        """What the recommender is asked with about a user with this profile."""
        self.settle()
        needed = self.recommender.needed([profile])
        behaviours = {key: self._behaviours[key] for key in needed if key in self._behaviours}
        return self.recommender.prepare([profile], now_ms), [key_of(user)], behaviours, self._signals.trends, now_ms

    def _teach(self, learner: Learner, event: Event) -> None:
        """Have the learner learn from what the user is about to do, as it does where there is time for all lessons."""
        weight = lesson_weight(
            self._lesson_weights,
            event.type,
            rating=event.rating,
            dwell_ms=event.dwell_ms,
            duration_ms=event.duration_ms,
        )
        profile, item = self._profiles.get(event.user, NEW), key_of(event.item)
        if not weight or is_touched(profile, item):
            return
        shown = self._shown.get((event.user, event.rec_id or ""), [])
        asked = self._asked(event.user, before_impressions(profile, [item, *shown]), self._now_ms)
        (found,) = self.recommender.study([event.item], *asked)
        if found is None:
            return
        version = learner.model().version
        user, seed = key_of(event.user), self._offset
        learner.learn(lesson_from(*found, user=user, at_ms=event.at_ms, weight=weight, slot=-1, seed=seed))
        if learner.model().version != version:
            self.recommender.apply_model(learner.model())

    def _note_shown(self, event: Event) -> None:
        """Remember what the user saw of a list: what of it was passed over is among the others of a lesson."""
        if event.type == "view" and event.rec_id is not None:
            self._shown.setdefault((event.user, event.rec_id), []).append(key_of(event.item))
            if len(self._shown) > LISTS_LIMIT:
                self._shown.popitem(last=False)

    def settle(self) -> None:
        """Bring items up to date with the events since the last time, as the items agent does with a micro-batch."""
        if self._effects.sources == self._signals.sources:
            return
        after = self._effects.after(self._signals, self._offset, self._now_ms, min_users=self._min_users)
        self._behaviours.update(after.behaviours)
        self._signals = Signals(self._offset, after.sources, after.trends, {}, self._behaviours)
        self._effects = ItemEffects.on(self._signals, (0, 1))
        if self._now_ms - self._met_ms >= _REFRESH_MS:
            latest = {key: self._behaviours[key] for key in latest_keys(self.catalog) if key in self._behaviours}
            self._met, self._met_ms = count_met(latest), self._now_ms

    def picture(self, item_id: str) -> NDArray[np.float32] | None:
        """The unit vector of an item's picture, float32 [dimensions]; None where the catalogue has none."""
        rows = self.catalog.rows_of(np.array([key_of(item_id)], np.uint64))
        has_picture = rows[0] >= 0 and self.catalog.pictures.has(rows)[0]
        return self.catalog.pictures.vectors(rows)[0] if has_picture else None

    def _upload(self, event: Event) -> None:
        arrived = []
        while self._arriving and self._arriving[-1].new_at_ms <= self._now_ms:
            arrived.append(self._arriving.pop())
        if not self._log.items and event.item not in self.uploaded:
            arrived.append(self._picture_that_says_nothing(event.item))
        if arrived:
            self.uploaded |= {item.item_id: item for item in arrived}
            self.catalog.apply((item.item_id, item) for item in arrived)

    def _picture_that_says_nothing(self, item: str) -> Item:
        """The item with a random unit vector, which the seed and the item's id decide."""
        vector = np.random.default_rng([self._seed, key_of(item)]).standard_normal(self.catalog.pictures.dimensions)
        return Item(
            item,
            changed_at_ms=self._now_ms,
            uploaded_at_ms=self._now_ms,
            category=self._log.categories.get(item),
            words=self._log.words.get(item),
            embeddings={SAYS_NOTHING: (vector / np.linalg.norm(vector)).astype("<f2").tobytes()},
        )
