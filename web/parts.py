"""What the resources of the web door use, made once a process."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from litestar.di import NamedDependency
from litestar.params import SkipValidation

from inference.catalog.catalog import Catalog
from state.profiles import ProfileStore
from state.signals import SignalStore
from streams.interactions.feeds import FeedMaker
from streams.pictures.incoming import Incoming
from streams.settings import Settings
from streams.wire.namespace import Namespace
from web.pictures.shown import ShownPictures
from web.publishing.inlet import Inlet
from web.tail.tail import Tail


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything that handlers reach. `not_ready` gives the reasons why the process is not ready, none if it is.

    `pictures` is None where none are kept, `incoming` where there is no store for what is too large for its event.
    `inlet` publishes what requests say.
    """

    settings: Settings
    namespace: Namespace
    catalog: Catalog
    feeds: FeedMaker
    profiles: ProfileStore
    signals: SignalStore
    inlet: Inlet
    tail: Tail
    pictures: ShownPictures | None
    incoming: Incoming | None
    not_ready: Callable[[], list[str]]


#: How a handler asks for the parts.
FromParts: TypeAlias = NamedDependency[SkipValidation[Parts]]
