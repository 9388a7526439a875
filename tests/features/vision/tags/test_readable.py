import pytest

from features.vision.tags.readable import _groups, in_english, readable


def test_each_class_is_in_one_group() -> None:
    groups = _groups()
    assert len(groups.of) == 997
    assert set(groups.of.values()) == set(groups.chinese)


def test_two_groups_have_no_chinese_name_in_common() -> None:
    names = list(_groups().chinese.values())
    assert len(set(names)) == len(names)


def test_probabilities_of_a_group_are_summed_and_doubtful_ones_left_out() -> None:
    tags = readable([("pug", 0.2), ("beagle", 0.25), ("tabby", 0.3), ("gown", 0.1), ("no class", 0.9)])
    assert [(tag.name, tag.probability) for tag in tags] == [("dog", 0.45), ("cat", 0.3)]


def test_the_dog_cardigan_is_no_garment() -> None:
    assert [readable([(name, 1.0)])[0].name for name in ("Cardigan", "cardigan")] == ["dog", "coat or jacket"]


def test_nothing_is_nothing() -> None:
    assert readable([]) == []


@pytest.mark.parametrize(
    ("text", "english"),
    [
        ("红色连衣裙", "red dress"),
        ("红连衣裙", "red dress"),
        ("酒红色的帽子", "burgundy hat"),
        ("浅蓝色 shirt", "light blue shirt"),
        ("red checked shirt", "red checked shirt"),
        ("", ""),
        ("😀", "😀"),
    ],
)
def test_chinese_names_are_read_as_english_ones(text: str, english: str) -> None:
    assert in_english(text) == english
