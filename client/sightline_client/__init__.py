"""Sightline's door for apps: events in by EventPublisher, refreshed lists out by RecommendationSubscriber.

>>> click = Interaction(event_id="c-1", type="click", user_id="u1", item_id="i9", occurred_at_ms=1_767_268_800_000)
>>> click.item_id
'i9'
"""

from importlib import import_module
from typing import TYPE_CHECKING, Final

from sightline_client.errors import AccessRefused, BrokerUnavailable, InvalidEvent, NotDelivered, StreamError
from sightline_client.events import (
    IMAGE_LIMIT,
    AppEvent,
    Interaction,
    InteractionType,
    ItemChange,
    Only,
    PrivacyRequest,
    Upload,
    encode,
)
from sightline_client.lists import ExperimentArm, Reason, ReasonCode, Recommendations, RecommendedItem, Source, Trigger
from sightline_client.parsing import EVENT_LIMIT, UPLOAD_LIMIT
from sightline_client.privacy import (
    DIALS_LIMIT,
    Dials,
    Export,
    ExportedItem,
    PlaceInLog,
    Receipt,
    RequestKind,
    join_export,
)
from sightline_client.pseudonyms import pseudonym
from sightline_client.security import PLAINTEXT, KafkaSecurity
from sightline_client.trends import Rising, RisingKind, Trends

if TYPE_CHECKING:
    from sightline_client.pictures import fit_picture
    from sightline_client.publisher import EventPublisher
    from sightline_client.routing import partition_of
    from sightline_client.subscriber import RecommendationSubscriber

__all__ = [
    "DIALS_LIMIT",
    "EVENT_LIMIT",
    "IMAGE_LIMIT",
    "PLAINTEXT",
    "UPLOAD_LIMIT",
    "AccessRefused",
    "AppEvent",
    "BrokerUnavailable",
    "Dials",
    "EventPublisher",
    "ExperimentArm",
    "Export",
    "ExportedItem",
    "Interaction",
    "InteractionType",
    "InvalidEvent",
    "ItemChange",
    "KafkaSecurity",
    "NotDelivered",
    "Only",
    "PlaceInLog",
    "PrivacyRequest",
    "Reason",
    "ReasonCode",
    "Receipt",
    "RecommendationSubscriber",
    "Recommendations",
    "RecommendedItem",
    "RequestKind",
    "Rising",
    "RisingKind",
    "Source",
    "StreamError",
    "Trends",
    "Trigger",
    "Upload",
    "encode",
    "fit_picture",
    "join_export",
    "partition_of",
    "pseudonym",
]

#: What needs kafka-python or Pillow, which take several times as long to import as the rest: loaded when asked for.
_ON_DEMAND: Final = {
    "EventPublisher": "sightline_client.publisher",
    "RecommendationSubscriber": "sightline_client.subscriber",
    "fit_picture": "sightline_client.pictures",
    "partition_of": "sightline_client.routing",
}


def __getattr__(name: str) -> object:
    if name not in _ON_DEMAND:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_ON_DEMAND[name]), name)
