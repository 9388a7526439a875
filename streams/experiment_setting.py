"""Reads the setting of an experiment: `ranker-1;control:50;popular:25:ranker=popular;plain:25:off=visual`.

First comes the experiment's name, then its arms: each has a name, a share in per cent and, where it differs from what
is served without an experiment, options. These are `ranker`, `off` (sources joined by +) and signals with weights.
"""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Final, TypeVar, get_args

from features.recommendation import Source
from inference.experiment import Arm, Experiment, RankerName

N = TypeVar("N", bound=str)


#: Arms are a label of metrics, so they are few.
ARMS_LIMIT: Final = 8
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,31}")
_NAME_RULE: Final = "must be 1 to 32 of a to z, 0 to 9, dot, - and _, and begin with a letter or digit"
_RANKERS: Final[tuple[RankerName, ...]] = get_args(RankerName)
_WEIGHT_LIMIT: Final = 100


def read_experiment(text: str) -> Experiment | None:
    """The experiment of the setting; None for an empty one. Raises ValueError that says which part is wrong, and why.

    >>> halves = read_experiment("looks-1;control:50;plain:50:ranker=weighted,off=visual,popular=0.3")
    >>> halves.name, halves.arms[1].name, halves.arms[1].share, halves.arms[1].weights
    ('looks-1', 'plain', 0.5, (('popular', 0.3),))
    """
    if not text.strip():
        return None
    name, *parts = (part.strip() for part in text.split(";"))
    if not _NAME.fullmatch(name):
        raise ValueError(f"the experiment's name, {name!r}, {_NAME_RULE}")
    if not 2 <= len(parts) <= ARMS_LIMIT:
        raise ValueError(f"an experiment has 2 to {ARMS_LIMIT} arms, each after a semicolon; this one has {len(parts)}")
    arms = tuple(_arm(f"arm {number}, {part!r}", part) for number, part in enumerate(parts, start=1))
    names = [arm.name for arm in arms]
    if len({*names}) < len(names):
        raise ValueError(f"two arms have the same name: {', '.join(names)}")
    total = sum(arm.share for arm in arms)
    if not math.isclose(total, 1):
        raise ValueError(f"the shares of the arms are {100 * total:g} together, and must be 100")
    return Experiment(name, arms)


def _arm(where: str, part: str) -> Arm:
    name, _, rest = part.partition(":")
    if not _NAME.fullmatch(name):
        raise ValueError(f"{where}: its name {_NAME_RULE}")
    share, _, text = rest.partition(":")
    per_cent = _number(share)
    if not 0 < per_cent < 100:
        raise ValueError(f"{where}: after its name and a colon comes its share in per cent, above 0 and below 100")
    options = _options(where, text)
    ranker = _one_of(where, "ranker", options.pop("ranker", "online"), _RANKERS)
    without = _sources(where, options.pop("off", ""))
    if options and ranker != "weighted":
        raise ValueError(f"{where}: {', '.join(options)} cannot be set, only with ranker=weighted; ranker is {ranker}")
    return Arm(name, per_cent / 100, ranker, without, _weights(where, options))


def _options(where: str, text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for each in text.split(",") if text.strip() else []:
        name, _, value = (word.strip() for word in each.partition("="))
        if not name or not value or name in found:
            raise ValueError(f"{where}: {each!r} must be an option, = and a value, and no option may come twice")
        found[name] = value
    return found


def _sources(where: str, text: str) -> frozenset[Source]:
    # Sources and signals lie beside compiled code, which takes a second to load: only an experiment pays for that.
    from inference.retrieval.sources.table import SOURCE_NAMES

    found = frozenset(_one_of(where, "off", name.strip(), SOURCE_NAMES) for name in text.split("+") if text)
    if found.issuperset({*SOURCE_NAMES} - {"promoted"}):
        raise ValueError(f"{where}: off leaves no source")
    return found


def _weights(where: str, options: Mapping[str, str]) -> tuple[tuple[str, float], ...]:
    from inference.ranking.weights import CODES

    known = ("ranker", "off", *CODES)
    found = tuple((_one_of(where, "an option", name, known), _number(value)) for name, value in options.items())
    for name, weight in found:
        if not 0 <= weight <= _WEIGHT_LIMIT:
            raise ValueError(f"{where}: {name} is a weight of 0 to {_WEIGHT_LIMIT}, and not {options[name]!r}")
    return found


def _one_of(where: str, what: str, value: str, known: Sequence[N]) -> N:
    found = next((each for each in known if each == value), None)
    if found is None:
        raise ValueError(f"{where}: {what} must be one of {', '.join(known)}, and not {value!r}")
    return found


def _number(text: str) -> float:
    """The number of a text; not a number for any other text."""
    try:
        return float(text)
    except ValueError:
        return math.nan
