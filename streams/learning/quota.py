"""How many lessons of one user count: no single producer turns the ranker."""

from features.profile import DAY_MS

#: Lessons of a user in a window, which ends after so many lessons of all users, or this time.
USER_LESSONS = 50
WINDOW_LESSONS = 1000
WINDOW_MS = 7 * DAY_MS


class Quota:
    """Counts the lessons of each user in the current window; memory is bounded by the window."""

    def __init__(self, user_lessons: int = USER_LESSONS) -> None:
        self._user_lessons = user_lessons
        self._counts: dict[int, int] = {}
        self._total = 0
        self._since_ms: int | None = None

    def admits(self, user: int, at_ms: int) -> bool:
        """Whether one more lesson of the user counts, and count it; times may be in any order."""
        # Lessons that were passed over do not end a window: else a flood would admit itself.
        if self._since_ms is None or self._total >= WINDOW_LESSONS or at_ms >= self._since_ms + WINDOW_MS:
            self._counts.clear()
            self._total = 0
            self._since_ms = at_ms if self._since_ms is None else max(at_ms, self._since_ms)
        count = self._counts.get(user, 0)
        if count >= self._user_lessons:
            return False
        self._counts[user] = count + 1
        self._total += 1
        return True
