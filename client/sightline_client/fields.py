"""The types of fields that several messages have."""

from typing import Annotated, Final, TypeAlias

from msgspec import Meta

from sightline_client.numbers import DURATION_MS, UNIX_MS
from sightline_client.times import OTHER_UNITS

#: Attributes of an item, and the characters of a key and of a value.
ATTRIBUTES_LIMIT: Final = 20
ATTRIBUTE_KEY_LIMIT: Final = 40
ATTRIBUTE_VALUE_LIMIT: Final = 100

Id: TypeAlias = Annotated[str, Meta(min_length=1, max_length=128)]
Text: TypeAlias = Annotated[str, Meta(max_length=4096)]
Name: TypeAlias = Annotated[str, Meta(min_length=1, max_length=128)]
Price: TypeAlias = Annotated[float, Meta(ge=0)]
# A list repeats the time of its trigger, and consumers in other languages read 64-bit integers.
TimeMs: TypeAlias = Annotated[
    int,
    Meta(
        ge=-(2**63),
        le=2**63 - 1,
        description="Unix time in milliseconds within 64 bits; a fraction is rounded, another unit refused",
        extra=UNIX_MS,
        extra_json_schema=OTHER_UNITS,
    ),
]
DurationMs: TypeAlias = Annotated[
    int, Meta(ge=0, le=2**63 - 1, description="Milliseconds; a fraction is rounded", extra=DURATION_MS)
]
#: What else an item is, such as its brand, material, style or size, by any key.
Attributes: TypeAlias = Annotated[
    dict[
        Annotated[str, Meta(min_length=1, max_length=ATTRIBUTE_KEY_LIMIT)],
        Annotated[str, Meta(min_length=1, max_length=ATTRIBUTE_VALUE_LIMIT)],
    ],
    Meta(max_length=ATTRIBUTES_LIMIT, description="What else an item is, by any key: brand, material, style, size"),
]
#: `$` also matches before a line break at the end, hence the maximum lengths.
Currency: TypeAlias = Annotated[str, Meta(pattern="^[A-Z]{3}$", max_length=3, description="ISO 4217, such as EUR")]
Sha256: TypeAlias = Annotated[str, Meta(pattern="^[0-9a-f]{64}$", max_length=64)]
