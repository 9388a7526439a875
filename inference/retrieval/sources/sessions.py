"""What other users chose at the same place: those who came to the user's last items by way of the same items.

A session-based k nearest neighbours, made online (Jannach & Ludewig 2017, "When Recurrent Neural Networks meet the
Neighborhood"; after Kersbergen et al. 2022, "Serenade", it looks at the last visits of an item alone).
"""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from features.jit import compiled
from features.profile import Profile, chosen
from inference.behaviour.recent_steps import AFTER, BEFORE, ITEM, PLACES, USER, VISIT_BEFORE
from inference.retrieval.merge import NO_ROWS, SESSION, Proposals
from inference.retrieval.query import Query

#: Of a user's items, the latest are compared with windows; visits of the very latest vote, VISITS of each.
HISTORY_COUNT = 15
RECENT_COUNT = 5
VISITS = 50
PROPOSED_COUNT = 100
#: Items that the visits of one item can vote for, and those of all items of a user.
_VOTES_LIMIT = 2 * PLACES * VISITS
ALL = RECENT_COUNT * _VOTES_LIMIT
#: How much less each counts: an item one older, a place further in a window, visits of an item one older.
PER_AGE, PER_PLACE, PER_ITEM = 0.9, 0.9, 0.82
#: How much less a vote counts a place further from the visit, and how much of it what came before the visit gets.
PER_VOTE, BACKWARDS = 0.93, 0.6
#: Votes are divided by this power of the item's visits.
POPULARITY = 0.2
#: Votes for the best candidate that give it a strength of one half.
DAMPING = 2.0
_NOTHING = Proposals((NO_ROWS,), kind=SESSION)
_PLACE_DECAY = (PER_PLACE ** np.arange(1, PLACES + 1)).astype(np.float32)
#: For the places before a visit, then for those after it.
_VOTE_DECAY = np.concatenate([weight * PER_VOTE ** np.arange(PLACES) for weight in (BACKWARDS, 1.0)]).astype(np.float32)


def propose(query: Query, count: int = PROPOSED_COUNT) -> Proposals:
    """For each user what other visitors of the latest items chose around their visit: the `count` strongest.

    The strengths are shares of the best candidate's votes, less where there are few of them.
    """
    recent = query.recent_steps
    if recent is None:
        return _NOTHING
    histories = [_history(each) for each in query.profiles]
    keys = np.concatenate(histories)
    # An item that left the catalogue shapes no list, and could not be named as a reason.
    rows = query.catalog.rows_of(keys)
    numbers, strengths, origins, bounds = _propose(
        recent.users.find(np.array(query.users, np.uint64)),
        np.where(rows >= 0, recent.items.find(keys), 0),
        np.array([*map(len, histories)], np.int64),
        recent.steps,
        recent.last_visits,
        recent.visits,
        recent.scratch,
        count,
    )
    if not len(numbers):
        return _NOTHING
    found = query.catalog.rows_of(recent.items.keys[numbers])
    return Proposals([found[start:end] for start, end in pairwise(bounds.tolist())], strengths, rows[origins], SESSION)


def _history(profile: Profile) -> NDArray[np.uint64]:
    """The keys of the items that a user chose last, the latest first."""
    latest: NDArray[np.uint64] = chosen(profile)["item"][: -HISTORY_COUNT - 1 : -1]
    return latest


def visited_by_others(query: Query) -> tuple[int, int]:
    """Of the latest items of the one user of a query: how many there are, and how many others visited lately."""
    latest, recent = _history(query.profiles[0])[:RECENT_COUNT], query.recent_steps
    if recent is None:
        return len(latest), 0
    (user,) = recent.users.find(np.array(query.users, np.uint64)).tolist()
    starts = recent.last_visits[recent.items.find(latest)].tolist()
    return len(latest), sum(_is_visited_by_others(recent.steps, at, user) for at in starts)


def _is_visited_by_others(steps: NDArray[np.int32], at: int, user: int) -> bool:
    for _ in range(VISITS):
        if not at or steps[at, USER] != user:
            break
        at = int(steps[at, VISIT_BEFORE])
    return bool(at) and bool(steps[at, USER] != user)


@compiled
def _propose(
    users: NDArray[np.int64],
    items: NDArray[np.int64],
    counts: NDArray[np.int64],
    steps: NDArray[np.int32],
    last_visits: NDArray[np.int32],
    visits: NDArray[np.int32],
    scratch: NDArray[np.float32],
    most: int,
) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.int64], NDArray[np.int64]]:
    """The items proposed to `users` [u], `most` to each, their strengths, their origins, and each one's bounds [u + 1].

    `items` are those that the users chose last, one user's after another's, with the number of each in `counts`;
    origins are places in it.
    """
    limit = len(users) * most
    found, strengths, origins = np.empty(limit, np.int64), np.empty(limit, np.float32), np.empty(limit, np.int64)
    bounds = np.zeros(len(users) + 1, np.int64)
    touched, touched_now = np.empty(ALL, np.int32), np.empty(_VOTES_LIMIT, np.int32)
    start = 0
    for user in range(len(users)):
        history = items[start : start + counts[user]]
        at = bounds[user]
        count = _vote(users[user], history, steps, last_visits, scratch, touched, touched_now)
        end = at + most
        count = _best(touched[:count], visits, scratch, found[at:end], strengths[at:end], origins[at:end])
        origins[at : at + count] += start
        bounds[user + 1] = at + count
        start += counts[user]
    end = bounds[-1]
    return found[:end], strengths[:end], origins[:end], bounds


@compiled
def _vote(
    user: int,
    history: NDArray[np.int64],
    steps: NDArray[np.int32],
    last_visits: NDArray[np.int32],
    scratch: NDArray[np.float32],
    touched: NDArray[np.int32],
    touched_now: NDArray[np.int32],
) -> int:
    """Write the votes that visits of a user's latest items give to others: the number of items `touched`.

    Of `scratch`, zeros before, the lines are: how recent an item is to the user, its votes, the most of them that
    follow from one of the user's items, the place of that one, and the votes that follow from the current one.
    """
    marks, votes, most, origin, votes_now = scratch[0], scratch[1], scratch[2], scratch[3], scratch[4]
    for age in range(len(history)):
        marks[history[age]] = np.float32(PER_AGE) ** age
    marks[0] = 0
    count = 0
    for age in range(min(len(history), RECENT_COUNT)):
        # Not 0: for a literal numba would compile once more.
        count_now, at, last_user = int(np.int64(0)), last_visits[history[age]], user
        for _ in range(VISITS):
            if not at:
                break
            step = steps[at]
            # However often a user goes round in circles, its visits in a row are one voter.
            if step[USER] != user and step[USER] != last_user:
                likeness = _likeness(step, marks)
                count_now = _add_votes(step, likeness * likeness, marks, votes_now, touched_now, count_now)
            at, last_user = step[VISIT_BEFORE], step[USER]
        share = np.float32(PER_ITEM) ** age
        for item in touched_now[:count_now]:
            if votes[item] == 0:
                touched[count] = item
                count += 1
            gained, votes_now[item] = share * votes_now[item], 0
            votes[item] += gained
            if gained > most[item]:
                most[item], origin[item] = gained, age
    marks[history] = 0
    return count


@compiled
def _likeness(step: NDArray[np.int32], marks: NDArray[np.float32]) -> np.float32:
    """How much of what a user chose last is at a visit and in its window, by how recent and how near it is."""
    likeness: np.float32 = marks[step[ITEM]]
    for place in range(PLACES):
        likeness += _PLACE_DECAY[place] * (marks[step[BEFORE + place]] + marks[step[AFTER + place]])
    return likeness


@compiled
def _add_votes(
    step: NDArray[np.int32],
    worth: np.float32,
    marks: NDArray[np.float32],
    votes: NDArray[np.float32],
    touched: NDArray[np.int32],
    count: int,
) -> int:
    """Add the votes of a visit for what is in its window and not marked; the number of items `touched` by now."""
    for place in range(2 * PLACES):
        item = step[BEFORE + place]
        if item and marks[item] == 0:
            if votes[item] == 0:
                touched[count] = item
                count += 1
            votes[item] += worth * _VOTE_DECAY[place]
    return count


@compiled
def _best(
    touched: NDArray[np.int32],
    visits: NDArray[np.int32],
    scratch: NDArray[np.float32],
    found: NDArray[np.int64],
    strengths: NDArray[np.float32],
    origins: NDArray[np.int64],
) -> int:
    """Write the items with the most votes, as many as have room in `found`, and empty the lines of `scratch`."""
    votes, most, origin = scratch[1], scratch[2], scratch[3]
    values = np.empty(len(touched), np.float32)
    for place in range(len(touched)):
        values[place] = votes[touched[place]] * np.float32(visits[touched[place]] + 1) ** np.float32(-POPULARITY)
    count, least, greatest = 0, np.float32(0), np.float32(0)
    if len(touched) > len(found):
        least = np.partition(values, len(values) - len(found))[len(values) - len(found)]
    for place in range(len(touched)):
        item = touched[place]
        greatest = max(greatest, values[place])
        if values[place] >= least and count < len(found):
            found[count], strengths[count], origins[count] = item, values[place], np.int64(origin[item])
            count += 1
        votes[item] = most[item] = origin[item] = 0
    strengths[:count] /= greatest + np.float32(DAMPING)
    return count
