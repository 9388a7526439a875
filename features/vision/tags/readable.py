"""What a picture shows in readable tags: the probabilities of the network's classes, summed over each group."""

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

from features.vision.colours import COLOUR_NAMES

#: A tag of less probability says more of the network's doubt than of the picture.
_LEAST: Final = 0.15
#: Tags that a picture has at most: the sum of their probabilities is 1.
TAGS_LIMIT: Final = int(1 / _LEAST)
_CHINESE_COLOURS: Final = (
    *("黑色", "灰色", "白色", "红色", "酒红色", "粉色", "橙色", "棕色", "米色"),
    *("黄色", "橄榄色", "绿色", "青绿色", "浅蓝色", "蓝色", "藏青色", "紫色"),
)


@dataclass(frozen=True, slots=True)
class Tag:
    """A readable tag: its name, that in Chinese, and the probability that the picture shows it, 0 to 1."""

    name: str
    chinese: str
    probability: float


def readable(tags: Iterable[tuple[str, float]]) -> list[Tag]:
    """The readable tags of an item's classes and their probabilities, the most probable first.

    Classes of another network than ImageNet's are not known, and are left out.

    >>> [(tag.name, tag.chinese, tag.probability) for tag in readable([("gown", 0.5), ("kimono", 0.3), ("pug", 0.1)])]
    [('dress', '连衣裙', 0.8)]
    """
    groups, sums = _groups(), dict[str, float]()
    for name, probability in tags:
        if name in groups.of:
            sums[groups.of[name]] = sums.get(groups.of[name], 0.0) + probability
    found = [Tag(name, groups.chinese[name], round(each, 4)) for name, each in sums.items() if each >= _LEAST]
    return sorted(found, key=lambda tag: -tag.probability)


def names() -> list[str]:
    """The names of all tags, in English."""
    return [*_groups().chinese]


def named(text: str) -> str | None:
    """The tag of this name, in English or Chinese; None for what is no tag.

    >>> named("dress"), named(" 连衣裙"), named("Dress"), named("smile")
    ('dress', 'dress', 'dress', None)
    """
    names, asked = _groups().chinese, text.strip().lower()
    return asked if asked in names else next((name for name, chinese in names.items() if chinese == asked), None)


def in_english(text: str) -> str:
    """Words with the Chinese names of tags and colours in English: what a tower of English words can read.

    >>> in_english("红色连衣裙")
    'red dress'
    """
    names, pattern = _english()
    return re.sub(r"\s+", " ", pattern.sub(lambda found: f" {names[found[0]]} ", text)).strip() if text else text


@dataclass(frozen=True, slots=True)
class _Groups:
    """The group `of` each class, and the Chinese name of each group."""

    of: dict[str, str]
    chinese: dict[str, str]


@cache
def _groups() -> _Groups:
    read = tomllib.loads((files("features.vision.tags") / "groups.toml").read_text("utf-8"))
    of = {name: group for group, each in read.items() for name in each["classes"]}
    return _Groups(of, {group: each["chinese"] for group, each in read.items()})


@cache
def _english() -> tuple[dict[str, str], re.Pattern[str]]:
    """The English name by the Chinese one, and a pattern that finds the longest of these."""
    names = {chinese: name for name, chinese in _groups().chinese.items()}
    names |= dict(zip(_CHINESE_COLOURS, COLOUR_NAMES, strict=True))
    # "红" for "红色", where nothing longer fits; "的" stands between an adjective and its noun.
    names |= {chinese[:-1]: name for chinese, name in list(names.items()) if chinese.endswith("色")}
    names["的"] = ""
    return names, re.compile("|".join(sorted(map(re.escape, names), key=len, reverse=True)))
