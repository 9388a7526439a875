"""The kinds of models that are trained beside the running system, kept in a file, and followed by workers."""

from collections.abc import Callable, Sized
from dataclasses import dataclass
from typing import Final, Generic, Protocol, TypeVar

from prometheus_client import Counter, Gauge

from inference.classes import file as class_file
from inference.factors import file as factor_file
from inference.retrieval.trained import TrainedModel
from inference.sequence import model as sequence_file
from inference.shop_rules import file as rules_file
from streams.learning.model_file import ModelFile
from streams.metrics import (
    CLASSES_REFUSED,
    FACTOR_ITEMS,
    FACTORS_REFUSED,
    OWN_CLASSES,
    SEQUENCE_ITEMS,
    SEQUENCE_REFUSED,
    SHOP_RULE_COUNT,
    SHOP_RULES_REFUSED,
)
from streams.objects.errors import ObjectMissing
from streams.settings import Settings

LOOK_EVERY_S: Final = 10.0


class FollowedModel(Protocol):
    """A model in a file; `keys` are what it knows."""

    @property
    def keys(self) -> Sized:
        """The items, the classes, or the rules."""
        ...


_Model_co = TypeVar("_Model_co", bound=FollowedModel, covariant=True)


@dataclass(frozen=True, slots=True)
class ModelKind(Generic[_Model_co]):
    """A kind of model: its name, the setting that says where its file is, and its greatest file.

    The `source` that proposes by it has its name, too. `items` is the number of items (or classes, or rules) that it
    knows, `refused` counts looks at a file that this release cannot use. Workers look at it every `every_s`, and do not
    start without one that `is_needed`.
    """

    source: str
    place: Callable[[Settings], str | None]
    most_bytes: int
    decode: Callable[[bytes], _Model_co]
    items: Gauge
    refused: Counter
    every_s: float = LOOK_EVERY_S
    is_needed: bool = False

    async def read(self, place: str) -> _Model_co:
        """The model in the file at a place; raises ObjectMissing, ObjectsUnavailable, ModelRefused."""
        found = await ModelFile(place).read(self.most_bytes)
        if found is None:
            raise ObjectMissing(f"there is no file {place}")
        return self.decode(found[0])


FACTORS: Final = ModelKind(
    "factors",
    lambda settings: settings.factors,
    factor_file.FILE_BYTES,
    factor_file.decode_factors,
    FACTOR_ITEMS,
    FACTORS_REFUSED,
)
SEQUENCE: Final = ModelKind(
    "sequence",
    lambda settings: settings.sequence,
    sequence_file.FILE_BYTES,
    sequence_file.decode_model,
    SEQUENCE_ITEMS,
    SEQUENCE_REFUSED,
)
#: Followed by uploads workers.
CLASSES: Final = ModelKind(
    "classes",
    lambda settings: settings.classes,
    class_file.FILE_BYTES,
    class_file.decode_classes,
    OWN_CLASSES,
    CLASSES_REFUSED,
)
#: What a shop wants of lists, and no model (docs/rules.md). People write it, and want to see what it does.
SHOP_RULES: Final = ModelKind(
    "shop_rules",
    lambda settings: settings.rules,
    rules_file.FILE_BYTES,
    rules_file.decode_rules,
    SHOP_RULE_COUNT,
    SHOP_RULES_REFUSED,
    every_s=2.0,
    # A worker without its exclusions would show what was taken out.
    is_needed=True,
)
#: Those that are sources of candidates.
MODEL_KINDS: Final[tuple[ModelKind[TrainedModel], ...]] = (FACTORS, SEQUENCE)
