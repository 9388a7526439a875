"""What a follower of models says in the log when it cannot read the newest one: once, not at each look."""

from streams.logs import Seldom, log


class Troubles:
    """Says what is wrong, by events of these names, and what lists are made by meanwhile."""

    def __init__(self, *, unavailable: str, refused: str) -> None:
        self._unavailable_event, self._refused_event = unavailable, refused
        self._seldom = Seldom(600.0)
        self._refused: str | None = None

    def unavailable(self, error: Exception, lists_by: str) -> None:
        """What is followed is away; said every ten minutes."""
        if self._seldom.left_out("unavailable") is not None:
            log.warning(self._unavailable_event, error=str(error), lists_by=lists_by)

    def refused(self, error: Exception, lists_by: str, **more: str) -> None:
        """A model is refused; said once, and again after a good one."""
        if str(error) != self._refused:
            self._refused = str(error)
            log.error(self._refused_event, error=str(error), lists_by=lists_by, **more)

    def are_over(self) -> None:
        """A good model was read."""
        self._refused = None
