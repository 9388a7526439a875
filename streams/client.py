"""The client, for callers that import it from here; apps install `sightline-client` and import `sightline_client`."""

from typing import TYPE_CHECKING

import sightline_client

if TYPE_CHECKING:
    from sightline_client import EventPublisher, RecommendationSubscriber

__all__ = ["EventPublisher", "RecommendationSubscriber"]


def __getattr__(name: str) -> object:
    """As there: kafka-python is imported when one of them is asked for."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(sightline_client, name)
