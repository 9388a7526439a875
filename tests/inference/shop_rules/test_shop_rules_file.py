"""Files of rules: what is read, and what is refused in which words."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.errors import ModelRefused
from inference.shop_rules.file import FILE_BYTES, decode_rules
from inference.shop_rules.rules import ITEMS_LIMIT, PROMOTIONS_LIMIT, RULES_LIMIT, Boost, Exclusion, Promotion
from tests.harness.shop_rules import file_of, rule

GOOD: dict[str, dict[str, Any]] = {
    "a boost of a category": rule("boost", weight=0.5, category="hats"),
    "less of an owner": rule("boost", weight=-1, owner="u9"),
    "a promotion of items": rule("promote", slots=[3, 1], most=1, items=["i1", "i2"]),
    "a promotion with a cap by user and day": rule("promote", slots=[3], per_user_per_day=100, category="hats"),
    "an exclusion by attribute, for a time": rule(
        "exclude", attribute={"brand": "Acme"}, since="2026-01-01T00:00:00Z", until="2026-02-01T00:00:00+01:00"
    ),
    "any text as a name of something": rule("exclude", category="<b>\u202e\x00'; DROP TABLE hats"),
}
BAD: dict[str, tuple[dict[str, Any], str]] = {
    "no target": (rule("exclude"), "names nothing"),
    "two targets": (rule("exclude", category="hats", owner="u1"), "names category and owner"),
    "no item": (rule("exclude", items=[]), "`items`"),
    "too many items": (rule("exclude", items=["i"] * (ITEMS_LIMIT + 1)), "`items`"),
    "an empty id": (rule("exclude", owner=""), "`owner`"),
    "two attributes": (rule("exclude", attribute={"brand": "a", "size": "b"}), "`attribute`"),
    "no kind": ({"name": "r", "category": "hats"}, "`do`"),
    "another kind": (rule("burn", category="hats"), "burn"),
    "a field too many": (rule("exclude", category="hats", weight=1), "weight"),
    "a name that is none": (rule("exclude", "a b\n", category="hats"), "`name`"),
    "a name that is long": (rule("exclude", "a" * 65, category="hats"), "`name`"),
    "no weight": (rule("boost", category="hats"), "weight"),
    "a weight of nothing": (rule("boost", weight=0, category="hats"), "`weight` is 0"),
    "a weight that is large": (rule("boost", weight=1.5, category="hats"), "`weight`"),
    "no slot": (rule("promote", slots=[], category="hats"), "`slots`"),
    "slot 0": (rule("promote", slots=[0], category="hats"), "`slots[0]`"),
    "a slot twice": (rule("promote", slots=[2, 2], category="hats"), "a slot twice"),
    "a cap of 0": (rule("promote", slots=[2], most=0, category="hats"), "`most`"),
    "a day's cap of 0": (rule("promote", slots=[2], per_user_per_day=0, category="hats"), "`per_user_per_day`"),
    "a negative day's cap": (rule("promote", slots=[2], per_user_per_day=-3, category="hats"), "`per_user_per_day`"),
    "a huge day's cap": (rule("promote", slots=[2], per_user_per_day=10**30, category="hats"), "per_user_per_day"),
    "a day's cap of half an item": (rule("promote", slots=[2], per_user_per_day=0.5, category="hats"), "per_user_per"),
    "a day's cap of a boost": (rule("boost", weight=1, per_user_per_day=3, category="hats"), "per_user_per_day"),
    "a time without a zone": (rule("exclude", category="hats", since="2026-01-01T00:00:00"), "with its zone"),
    "no time at all": (
        rule("exclude", category="hats", since="2026-01-01T00:00:00Z", until="2026-01-01T00:00:00Z"),
        "never hold",
    ),
    "no rule": ([], "must be an object"),  # type: ignore[dict-item]  # that is the fault
}


@pytest.mark.parametrize("name", GOOD)
def test_a_rule_as_the_page_has_it_is_read(name: str) -> None:
    (found,) = decode_rules(file_of(GOOD[name])).rules

    assert isinstance(found, {"boost": Boost, "promote": Promotion, "exclude": Exclusion}[GOOD[name]["do"]])


@pytest.mark.parametrize("name", BAD)
def test_a_bad_rule_is_refused_with_its_line_and_what_is_wrong(name: str) -> None:
    fields, says = BAD[name]
    good = rule("exclude", "good", category="hats")
    data = file_of(good, fields)
    line = 1 + data[: data.index(b"}", data.index(b"good"))].count(b"\n") + 1

    with pytest.raises(ModelRefused) as error:
        decode_rules(data)
    assert f"line {line}, rule 2: " in str(error.value)
    assert says in str(error.value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            '{"rules": [{"do": "exclude", "name": "a", "items": ["i1"], "items": ["i2"]}]}',
            "line 1, rule 1: 'items' stands twice",
        ),
        (
            '{"rules": [{"do": "exclude", "name": "a", "attribute": {"brand": "Acme", "brand": "Acne"}}]}',
            "line 1, rule 1: 'brand' stands twice",
        ),
        (
            '{"rules": [{"do": "exclude", "name": "a", "items": ["i1"]}], "rules": []}',
            "'rules' stands twice in the file",
        ),
    ],
)
def test_what_is_said_twice_is_refused_and_not_half_of_it_taken(text: str, says: str) -> None:
    with pytest.raises(ModelRefused, match=says):
        decode_rules(text.encode())


def test_all_that_is_wrong_is_said_at_once_up_to_ten_lines() -> None:
    faults = [rule("exclude", f"r{number}") for number in range(12)]

    with pytest.raises(ModelRefused) as error:
        decode_rules(file_of(*faults))
    said = str(error.value).split("\n")
    assert (len(said), said[-1]) == (12, "  and 2 more")
    assert all("names nothing" in line for line in said[1:-1])


def test_what_a_fault_quotes_is_short() -> None:
    with pytest.raises(ModelRefused) as error:
        decode_rules(file_of(rule("x" * 100_000)))
    assert len(str(error.value)) < 400


def test_two_rules_of_one_name_are_refused() -> None:
    with pytest.raises(ModelRefused, match="another rule has the name 'r'"):
        decode_rules(file_of(rule("exclude", category="hats"), rule("exclude", category="bags")))


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "do not read"),
        (b"[]", "do not read"),
        (b'{"rules": {}}', "do not read"),
        (b'{"rules": [], "more": 1}', "more"),
        (b"[" * 100_000, "do not read"),
        (b'{"rules": [' + b"[" * 100_000 + b"]" * 100_000 + b"]}", "do not read"),
        (b'{"rules": [{"do": "exclude", "name": "r", "owner": "\xff"}]}', "rule 1"),
        (b'{"rules": []}' + b" " * FILE_BYTES, "bytes"),
    ],
    ids=["empty", "no object", "no list", "another field", "deep", "deep within", "no UTF-8", "huge"],
)
def test_what_is_no_file_of_rules_is_refused(data: bytes, says: str) -> None:
    with pytest.raises(ModelRefused, match=says):
        decode_rules(data)


def test_too_many_rules_are_refused_and_too_many_promotions() -> None:
    many = [rule("exclude", f"r{number}", category="hats") for number in range(RULES_LIMIT + 1)]
    assert len(decode_rules(file_of(*many[1:])).rules) == RULES_LIMIT
    with pytest.raises(ModelRefused, match="1001 rules"):
        decode_rules(file_of(*many))
    slots = [rule("promote", f"p{number}", slots=[1], category="hats") for number in range(PROMOTIONS_LIMIT + 1)]
    assert len(decode_rules(file_of(*slots[1:])).rules) == PROMOTIONS_LIMIT
    with pytest.raises(ModelRefused, match=f"rule {PROMOTIONS_LIMIT + 1}: is one more than the 64"):
        decode_rules(file_of(*slots))


WHOLE = file_of(*({**fields, "name": f"r{number}"} for number, fields in enumerate(GOOD.values())))


@given(end=st.integers(0, len(WHOLE) - 1))
def test_no_part_of_a_file_is_taken_for_the_file(end: int) -> None:
    with pytest.raises(ModelRefused):
        decode_rules(WHOLE[:end])


@given(at=st.integers(0, len(WHOLE) - 1), byte=st.binary(min_size=1, max_size=3))
def test_any_damage_is_read_or_refused_and_never_more(at: int, byte: bytes) -> None:
    try:
        decode_rules(WHOLE[:at] + byte + WHOLE[at + len(byte) :])
    except ModelRefused:
        return


def test_lines_are_those_of_the_file_even_for_rules_that_are_alike() -> None:
    bad = b'{"do": "exclude", "name": "x"}'
    with pytest.raises(ModelRefused) as error:
        decode_rules(b'{"rules": [\n' + bad + b",\n\n" + bad + b"]}")
    assert [line.partition(":")[0].strip() for line in str(error.value).split("\n")[1:]] == [
        "line 2, rule 1",
        "line 4, rule 2",
    ]
