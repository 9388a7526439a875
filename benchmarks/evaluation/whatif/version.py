"""A way to make lists: a ranker and settings."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from features.co_choices.choice import Linking
from inference.errors import ModelRefused
from inference.ranking.model import MODEL_BYTES, RankerModel, decode_model
from streams.errors import SettingsError
from streams.settings import Settings, read_settings
from streams.wire.signals import linking_of

#: The name of the ranker that adds signals by hand weights.
HAND: Final = "hand"
#: The settings that change what a replay computes.
CHANGEABLE: Final = ("link_window", "link_per_step", "link_backwards", "list_length", "trends_min_users")
_PREFIX: Final = "SIGHTLINE_"


@dataclass(frozen=True, slots=True)
class Version:
    """Lists by `model`, or by the hand weights for None, from items linked as `settings` say."""

    name: str
    settings: Settings
    model: RankerModel | None = None

    @property
    def state(self) -> tuple[Linking, int, int]:
        """Versions that agree in this have the same state of users and items."""
        return linking_of(self.settings), self.settings.trends_min_users, self.settings.list_length


def read_ranker(word: str) -> RankerModel | None:
    """`hand`, or a file with a model; raises ModelRefused for any other word or file."""
    if word == HAND:
        return None
    path = Path(word)
    if not path.is_file():
        raise ModelRefused(f"{word!r} is no ranker: give {HAND}, or a file with a model")
    if path.stat().st_size > MODEL_BYTES:
        raise ModelRefused(f"{path} has {path.stat().st_size} bytes, more than {MODEL_BYTES}: it is not one of ours")
    return decode_model(path.read_bytes())


def settings_with(words: Mapping[str, str]) -> Settings:
    """The settings with these `SIGHTLINE_…` changed; raises SettingsError for one that changes nothing in a replay."""
    changed = {word.upper().removeprefix(_PREFIX).lower(): value for word, value in words.items()}
    if wrong := sorted({*changed} - {*CHANGEABLE}):
        known = ", ".join(f"{_PREFIX}{name.upper()}" for name in CHANGEABLE)
        raise SettingsError(f"{_PREFIX}{wrong[0].upper()} changes nothing in a replay; these do: {known}")
    return read_settings(changed=changed)
