"""The last steps of all users, each with what its user chose before and after it: a ring of fixed size.

A step is one positive engagement of a user with an item. In place of the user's history a step has a window of PLACES
items before and after it, so that whoever meets the step at its item need not look up its user (docs/adr/0028).
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from features.jit import compiled
from inference.behaviour.numbers import Numbers

#: Items before, and items after, that a step's window has room for. A step takes 128 bytes: two lines of a CPU's cache.
PLACES: Final = 13
#: Steps that the ring holds unless its owner says otherwise: 32 MiB, which are used as the ring fills.
STEPS_LIMIT: Final = 1 << 18
#: Columns of a step. Users and items are numbers, other steps are places in the ring; 0 is none.
USER, ITEM, EARLIER, LATER, VISIT_BEFORE, VISIT_AFTER, BEFORE = range(7)
AFTER: Final = BEFORE + PLACES
_WIDTH: Final = AFTER + PLACES
#: The last steps of lately are the ring's size divided by this: 4,096 of them.
LATELY: Final = 64
#: Steps that one compiled call appends.
_AT_ONCE: Final = 4096


class RecentSteps:
    """The last `limit` steps, as if all before them had never been.

    `steps` int32 [limit + 1, 32] has for each the numbers of its user and item, the user's steps EARLIER and LATER, the
    item's visits before and after it, then the items of the window before it and after it, the nearest first.
    `last_visits` and `visits` int32 are the last step of each item and how many steps it has, by its number; `lately`
    int32 how many of these are among the last limit / LATELY.
    `scratch` float32 [5, items] is room for those who read the ring: zeros, which they leave as zeros.
    """

    def __init__(self, limit: int = STEPS_LIMIT) -> None:
        most = limit + _AT_ONCE
        self.users, self.items = Numbers(most), Numbers(most)
        self.steps = np.zeros((limit + 1, _WIDTH), np.int32)
        self.last_visits, self.visits = np.zeros(most + 1, np.int32), np.zeros(most + 1, np.int32)
        self.scratch = np.zeros((5, most + 1), np.float32)
        self.lately = np.zeros(most + 1, np.int32)
        self._last_steps = np.zeros(most + 1, np.int32)
        self._latest = 0

    def __len__(self) -> int:
        """How many steps it holds; it takes some 0.1 ms."""
        return int(self.visits.sum())

    def latest(self, count: int) -> NDArray[np.int32]:
        """The last `count` steps, or fewer, the latest first: int32 [n, 32], columns as in `steps`."""
        limit = len(self.steps) - 1
        last = self.steps[(self._latest - 1 - np.arange(min(count, limit))) % limit + 1]
        found: NDArray[np.int32] = last[last[:, USER] != 0]
        return found

    def append(self, users: NDArray[np.uint64], items: NDArray[np.uint64]) -> None:
        """Add the steps of users [n] to items [n], by their keys, in the order in which they were taken.

        An item that is among the last PLACES + 1 of its user is passed over: click, like and purchase are one visit,
        and going to and fro between two items is not many.
        """
        for start in range(0, len(users), _AT_ONCE):
            part = slice(start, start + _AT_ONCE)
            users_part, items_part = self.users.give(users[part]), self.items.give(items[part])
            self._latest, *gone = _append(
                users_part,
                items_part,
                self._latest,
                self.steps,
                self._last_steps,
                self.last_visits,
                self.visits,
                self.lately,
            )
            self._give_back(*gone)

    def forget(self, user: int) -> None:
        """Take out the steps of the user with this key, and with them their windows."""
        (number,) = self.users.find(np.array([user], np.uint64)).tolist()
        if number:
            gone = _forget(
                number, self._latest, self.steps, self._last_steps, self.last_visits, self.visits, self.lately
            )
            self._give_back(np.array([number]), gone)

    def _give_back(self, users: NDArray[np.int64], items: NDArray[np.int64]) -> None:
        self.users.give_back(users)
        self.items.give_back(items)


@compiled
def _append(
    users: NDArray[np.int64],
    items: NDArray[np.int64],
    latest: int,
    steps: NDArray[np.int32],
    last_steps: NDArray[np.int32],
    last_visits: NDArray[np.int32],
    visits: NDArray[np.int32],
    lately: NDArray[np.int32],
) -> tuple[int, NDArray[np.int64], NDArray[np.int64]]:
    """Append steps [n] after the place `latest`; the new latest place, and the users and items left without steps."""
    gone_users, gone_items, gone = np.empty(len(users), np.int64), np.empty(len(users), np.int64), 0
    limit = len(steps) - 1
    window = limit // LATELY
    for number in range(len(users)):
        user, item = users[number], items[number]
        if _is_near(item, steps[last_steps[user]]):
            continue
        latest = latest % limit + 1
        lately[steps[(latest - 1 - window) % limit + 1, ITEM]] -= window > 0
        if steps[latest, USER]:
            gone_users[gone], gone_items[gone] = steps[latest, USER], steps[latest, ITEM]
            gone += 1
            _take_out(latest, steps, last_steps, last_visits, visits)
        _write(latest, user, item, steps, last_steps, last_visits, visits)
        lately[item] += window > 0
    # Empty places have no item, which has the number 0.
    lately[0] = 0
    return latest, _unused(gone_users[:gone], last_steps), _unused(gone_items[:gone], last_visits)


@compiled
def _is_near(item: int, last: NDArray[np.int32]) -> bool:
    """Whether an item is that of a user's last step, or in the window before it."""
    found = last[ITEM] == item
    for place in range(BEFORE, AFTER):
        found |= last[place] == item
    return bool(found)


@compiled
def _write(
    at: int,
    user: int,
    item: int,
    steps: NDArray[np.int32],
    last_steps: NDArray[np.int32],
    last_visits: NDArray[np.int32],
    visits: NDArray[np.int32],
) -> None:
    """Write a user's step to an item into an empty place, and into the windows of the user's steps before it."""
    step, last, visit = steps[at], last_steps[user], last_visits[item]
    step[USER], step[ITEM], step[EARLIER], step[VISIT_BEFORE] = user, item, last, visit
    if last:
        steps[last, LATER] = at
        step[BEFORE] = steps[last, ITEM]
        step[BEFORE + 1 : AFTER] = steps[last, BEFORE : AFTER - 1]
    if visit:
        steps[visit, VISIT_AFTER] = at
    for place in range(AFTER, AFTER + PLACES):
        if not last:
            break
        steps[last, place] = item
        last = steps[last, EARLIER]
    last_steps[user] = last_visits[item] = at
    visits[item] += 1


@compiled
def _take_out(
    at: int,
    steps: NDArray[np.int32],
    last_steps: NDArray[np.int32],
    last_visits: NDArray[np.int32],
    visits: NDArray[np.int32],
) -> None:
    """Empty the place of a user's first step: no window of the user's later steps has it afterwards."""
    step = steps[at]
    user, item = step[USER], step[ITEM]
    later = step[LATER]
    steps[later, EARLIER] = 0
    for place in range(BEFORE, AFTER):
        if not later:
            break
        steps[later, place] = 0
        later = steps[later, LATER]
    before, after = step[VISIT_BEFORE], step[VISIT_AFTER]
    if before:
        steps[before, VISIT_AFTER] = after
    if after:
        steps[after, VISIT_BEFORE] = before
    if last_steps[user] == at:
        last_steps[user] = 0
    if last_visits[item] == at:
        last_visits[item] = before
    visits[item] -= 1
    step[:] = 0


@compiled
def _forget(
    user: int,
    latest: int,
    steps: NDArray[np.int32],
    last_steps: NDArray[np.int32],
    last_visits: NDArray[np.int32],
    visits: NDArray[np.int32],
    lately: NDArray[np.int32],
) -> NDArray[np.int64]:
    """Take out all steps of a user, the first one first; the items that no step is left of."""
    limit = len(steps) - 1
    first, count = last_steps[user], 1
    while steps[first, EARLIER]:
        first = steps[first, EARLIER]
        count += 1
    gone = np.empty(count, np.int64)
    for number in range(count):
        gone[number], later = steps[first, ITEM], steps[first, LATER]
        lately[gone[number]] -= (latest - first) % limit < limit // LATELY
        _take_out(int(np.int64(first)), steps, last_steps, last_visits, visits)
        first = later
    return _unused(gone, last_visits)


@compiled
def _unused(numbers: NDArray[np.int64], lasts: NDArray[np.int32]) -> NDArray[np.int64]:
    """Those of some numbers [n] that have no last step, each once."""
    unused, count = np.empty(len(numbers), np.int64), 0
    for number in numbers:
        if lasts[number] == 0:
            unused[count], lasts[number] = number, -1
            count += 1
    lasts[unused[:count]] = 0
    return unused[:count]
