import doctest
from typing import get_args

import pytest

from features.vision.descriptors import levels, mix
from features.vision.descriptors.mix import ALL, LOOK, Mix
from features.vision.descriptors.table import DESCRIPTORS
from sightline_client.events import ComparedBy, DescriptorName


@pytest.mark.parametrize("module", [mix, levels])
def test_the_examples_print_what_they_say(module: object) -> None:
    assert doctest.testmod(module).failed == 0  # type: ignore[arg-type]  # a module


def test_every_name_on_the_wire_has_a_descriptor() -> None:
    assert [*DESCRIPTORS] == [*get_args(DescriptorName)]
    assert ["look", *DESCRIPTORS, "words"] == [*get_args(ComparedBy)]


def test_weights_sum_to_1_and_those_of_0_are_left_out() -> None:
    assert Mix.of({"colour": 0.5, "look": 1.5, "hash": 0}) == Mix({"look": 0.75, "colour": 0.25})


def test_the_look_alone_is_the_same_mix_whatever_its_weight() -> None:
    assert Mix.parse("look=7") == Mix.parse(" look ") == LOOK


def test_all_is_a_mix_of_its_own() -> None:
    assert Mix.parse("all") == ALL
    assert ALL.descriptors == ["colour", "texture", "shape"]


def test_what_is_written_is_read_again() -> None:
    assert str(ALL) == "look=0.75,colour=0.1,texture=0.05,shape=0.1"
    assert Mix.parse(str(ALL)) == ALL


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("", "does not name one of look, colour, texture, shape, hash"),
        ("smell", "'smell' does not name one of"),
        ("colour,colour=2", "'colour=2' does not name one of"),
        ("colour=-1", "'colour=-1' has no weight"),
        ("colour=nan", "has no weight"),
        ("colour=", "has no weight"),
        ("look=0,colour=0", "no weight is above 0"),
        ("all=1", "does not name one of"),
    ],
)
def test_what_is_no_mix_is_refused_with_what_to_do(text: str, named: str) -> None:
    with pytest.raises(ValueError, match=named):
        Mix.parse(text)
