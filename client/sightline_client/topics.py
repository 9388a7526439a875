"""The names of the topics that apps write and read, as they stand behind a prefix."""

from typing import Final

INTERACTIONS: Final = "events.interactions"
UPLOADS: Final = "events.uploads"
ITEMS: Final = "events.items"
PRIVACY: Final = "events.privacy"
RECOMMENDATIONS: Final = "recommendations"
RECEIPTS: Final = "privacy.receipts"
EXPORTS: Final = "privacy.exports"
TRENDS: Final = "trends"

#: Bytes of the largest message that any topic takes from an app (an upload with its picture).
MESSAGE_LIMIT: Final = 2 << 20
