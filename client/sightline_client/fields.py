"""The types of fields that several messages have."""

from typing import Annotated, TypeAlias

from msgspec import Meta

Id: TypeAlias = Annotated[str, Meta(min_length=1, max_length=128)]
Text: TypeAlias = Annotated[str, Meta(max_length=4096)]
Name: TypeAlias = Annotated[str, Meta(min_length=1, max_length=128)]
Price: TypeAlias = Annotated[float, Meta(ge=0)]
Currency: TypeAlias = Annotated[str, Meta(pattern="^[A-Z]{3}$", description="ISO 4217, such as EUR")]
# A list repeats the time of its trigger, and consumers in other languages read 64-bit integers.
TimeMs: TypeAlias = Annotated[
    int, Meta(ge=-(2**63), le=2**63 - 1, description="Unix time in milliseconds, a 64-bit integer")
]
