"""The file of a shop's rules: JSON, read as a whole or not at all, with the line of everything that is wrong."""

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from inference.errors import ModelRefused
from inference.shop_rules.rules import PROMOTIONS_LIMIT, RULES_LIMIT, AnyRule, Promotion, ShopRules
from sightline_client.faults import fault_of
from sightline_client.parsing import UNREADABLE

#: Larger files are refused.
FILE_BYTES: Final = 1 << 20
#: Faults that a refusal names; of the others it says how many there are.
_FAULTS_SHOWN: Final = 10
#: Characters of a fault, which may quote what the file says.
_FAULT_SHOWN: Final = 200


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    rules: tuple[msgspec.Raw, ...]


_file: Final = msgspec.json.Decoder(_File)
_rule: Final = msgspec.json.Decoder(AnyRule)


def decode_rules(data: bytes) -> ShopRules:
    """The rules in a file; raises ModelRefused, which says what is wrong in which line.

    >>> decode_rules(b'{"rules": [{"do": "exclude", "name": "recall", "items": ["i9"]}]}').keys
    ['recall']
    """
    if len(data) > FILE_BYTES:
        raise ModelRefused(f"the rules have {len(data)} bytes, more than {FILE_BYTES}: write fewer")
    try:
        parts = _file.decode(data).rules
    except UNREADABLE as error:
        what = (
            f'the rules do not read: {fault_of(error)}; the file is {{"rules": [{{…}}, …]}} as a whole (docs/rules.md)'
        )
        raise ModelRefused(what) from error
    if len(parts) > RULES_LIMIT:
        raise ModelRefused(f"there are {len(parts)} rules, more than {RULES_LIMIT}: leave out those that are over")
    rules, faults = _read(data, parts)
    if not faults and (name := _said_twice(data)) is not None:
        faults = [f"{name!r} stands twice in the file, and only the last would count: put all rules into one list"]
    if faults:
        more = [f"and {len(faults) - _FAULTS_SHOWN} more"] if len(faults) > _FAULTS_SHOWN else []
        raise ModelRefused(
            "rules that cannot be used (docs/rules.md):\n  " + "\n  ".join(faults[:_FAULTS_SHOWN] + more)
        )
    return ShopRules.of(rules)


def _read(data: bytes, parts: Sequence[msgspec.Raw]) -> tuple[list[AnyRule], list[str]]:
    """The rules that can be read, and what is wrong with the others."""
    rules: list[AnyRule] = []
    faults: list[str] = []
    names: Counter[str] = Counter()
    end = data.index(b"[")
    for number, part in enumerate(parts, start=1):
        # Between two parts is only a comma and space, so that the next place with these bytes is that of the part.
        start = data.index(bytes(part), end)
        line, end = 1 + data.count(b"\n", 0, start), start + len(bytes(part))
        where = f"line {line}, rule {number}"
        try:
            rule = _rule.decode(part)
        except UNREADABLE as error:
            faults.append(f"{where}: {fault_of(error, whole='the rule')[:_FAULT_SHOWN]}")
            continue
        if (twice := _said_twice(part)) is not None:
            faults.append(f"{where}: {twice!r:.{_FAULT_SHOWN}} stands twice, and only the last would count")
        names[rule.name] += 1
        if names[rule.name] > 1:
            faults.append(f"{where}: another rule has the name {rule.name!r}: each needs its own")
        if isinstance(rule, Promotion) and sum(isinstance(each, Promotion) for each in rules) == PROMOTIONS_LIMIT:
            faults.append(f"{where}: is one more than the {PROMOTIONS_LIMIT} that may promote")
        rules.append(rule)
    return rules, faults


def _said_twice(data: bytes | msgspec.Raw) -> str | None:
    """A key that an object in readable JSON has twice: of two lists of items, who wrote them wants both."""
    twice: list[str] = []

    def look(pairs: list[tuple[str, Any]]) -> None:
        twice.extend(key for key, count in Counter(key for key, _ in pairs).items() if count > 1)

    json.loads(bytes(data), object_pairs_hook=look)
    return twice[0] if twice else None
