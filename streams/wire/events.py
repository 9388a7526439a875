"""The messages on every public topic: those of apps (`sightline_client`), and two that only Sightline writes."""

import msgspec

from sightline_client.events import (
    IMAGE_LIMIT,
    SHOWN_BY,
    AppEvent,
    Box,
    Event,
    Interaction,
    InteractionType,
    ItemChange,
    Only,
    PrivacyRequest,
    Upload,
    encode,
)
from sightline_client.fields import Id, TimeMs
from sightline_client.lists import ExperimentArm, Recommendations, RecommendedItem, Region, Trigger
from sightline_client.privacy import Dials, Export, ExportedItem, PlaceInLog, Receipt, RequestKind, check_dials

__all__ = [
    "IMAGE_LIMIT",
    "SHOWN_BY",
    "AppEvent",
    "Box",
    "Control",
    "DeadLetter",
    "Dials",
    "Event",
    "ExperimentArm",
    "Export",
    "ExportedItem",
    "Interaction",
    "InteractionType",
    "ItemChange",
    "Only",
    "PlaceInLog",
    "PrivacyRequest",
    "Receipt",
    "Recommendations",
    "RecommendedItem",
    "Region",
    "RequestKind",
    "Trigger",
    "Upload",
    "encode",
]


class Control(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A privacy request on its way to the user's profile, in the one order of events.interactions.

    Only the privacy agent may write it there (`streams.privacy.control_records`); `asked_ms` is the broker's time of
    the request.
    """

    type: RequestKind
    user_id: Id
    asked_ms: TimeMs
    prefer: Dials | None = None

    def __post_init__(self) -> None:
        check_dials(self.type, self.prefer)


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """A refused message with everything needed to look into it and to send it again."""

    reason: str
    error: str
    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    attempts: int
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes]]
