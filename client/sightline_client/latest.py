"""Which of a user's lists is the newest."""

from collections import OrderedDict

from sightline_client.lists import Recommendations


class LatestLists:
    """The newest `seq` of each user and kind, for the `limit` users heard of last."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._seq: OrderedDict[tuple[str, str], int] = OrderedDict()

    def accept(self, lists: Recommendations) -> bool:
        """Whether this list is newer than all before it of its user and kind."""
        key = (lists.user_id, lists.kind)
        newest = self._seq.get(key, -1)
        if lists.seq <= newest:
            return False
        self._seq[key] = lists.seq
        self._seq.move_to_end(key)
        if len(self._seq) > self._limit:
            self._seq.popitem(last=False)
        return True
