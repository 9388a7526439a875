"""A way to make lists: a ranker and settings."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from inference.errors import ModelRefused
from inference.ranking.model import RankerModel
from streams.errors import SettingsError
from streams.learning.model_record import RECORD_BYTES, decode_record
from streams.settings import Settings, read_settings

#: The name of the ranker that adds signals by hand weights.
HAND: Final = "hand"
#: The settings that change what a replay computes.
CHANGEABLE: Final = (
    "across_categories",
    "category_cap",
    "explore_share",
    "link_window",
    "link_per_step",
    "link_backwards",
    "list_length",
    "owner_cap",
    "trends_min_users",
    "recent_steps",
)
_PREFIX: Final = "SIGHTLINE_"


@dataclass(frozen=True, slots=True)
class Version:
    """Lists by `model`, or by the hand weights for None, from items linked as `settings` say."""

    name: str
    settings: Settings
    model: RankerModel | None = None

    @classmethod
    def of(cls, settings: Settings, model: RankerModel | None, changed: Mapping[str, str] | None = None) -> "Version":
        """The version named by its ranker and by the settings that are `changed`."""
        ranker = HAND if model is None else f"online@{model.version}"
        return cls(" ".join([ranker, *(f"{name}={value}" for name, value in (changed or {}).items())]), settings, model)

    @property
    def state(self) -> tuple[float | None, ...]:
        """Versions that agree in this have the same state of users and items."""
        return tuple(getattr(self.settings, name) for name in CHANGEABLE)


def read_ranker(word: str) -> RankerModel | None:
    """`hand`, or a file of `sightline train ranker --out`; raises ModelRefused for any other word or file."""
    if word == HAND:
        return None
    path = Path(word)
    if not path.is_file():
        raise ModelRefused(f"{word!r} is no ranker: give {HAND}, or a file of `sightline train ranker --out`")
    if path.stat().st_size > RECORD_BYTES:
        raise ModelRefused(f"{path} has {path.stat().st_size} bytes, more than {RECORD_BYTES}: it is not one of ours")
    return decode_record(path.read_bytes()).ranker()


def settings_with(words: Mapping[str, str]) -> Settings:
    """The settings with these `SIGHTLINE_…` changed; raises SettingsError for one that changes nothing in a replay."""
    changed = {word.upper().removeprefix(_PREFIX).lower(): value for word, value in words.items()}
    if wrong := sorted({*changed} - {*CHANGEABLE}):
        known = ", ".join(f"{_PREFIX}{name.upper()}" for name in CHANGEABLE)
        raise SettingsError(f"{_PREFIX}{wrong[0].upper()} changes nothing in a replay; these do: {known}")
    return read_settings(changed=changed)
