"""Items whose factors are a known function of what they are."""

import numpy as np
import pytest
from numpy.typing import NDArray

from features.words.item_words import DIMENSIONS, VERSION, ItemWords
from inference.factors.item_map import LEAST_ITEMS, Facts, ItemMap, Part
from tests.harness.catalog import item, without_picture

ITEMS, LOOK = 600, 8
RANDOM = np.random.default_rng(1)
#: The true maps, and an offset.
BY_LOOK, BY_WORDS, OFFSET = RANDOM.standard_normal((LOOK, 3)), RANDOM.standard_normal((DIMENSIONS, 3)), (1.0, -1.0, 0.5)


def unit(*shape: int) -> NDArray[np.float32]:
    found = RANDOM.standard_normal(shape)
    norms = np.linalg.norm(found, axis=1, keepdims=True)
    return np.asarray(found / norms, np.float32)


def nothing(dimensions: int, items: int = ITEMS) -> NDArray[np.float32]:
    return np.zeros((items, dimensions), np.float32)


def fitted(facts: Facts, vectors: NDArray[np.floating]) -> ItemMap:
    found = ItemMap.fit(facts, vectors.astype(np.float32))
    assert found is not None
    return found


def test_items_that_were_not_learned_from_have_the_factors_that_follow_from_their_looks() -> None:
    looks = unit(ITEMS, LOOK)
    vectors = looks @ BY_LOOK + OFFSET
    learned, new = (Facts("e@1", each, nothing(DIMENSIONS, len(each))) for each in (looks[:500], looks[500:]))
    item_map = fitted(learned, vectors[:500])
    found, has = item_map.read(new)

    assert item_map.maps.keys() == {"look"}
    assert has.all()
    assert item_map.maps["look"].explained > 0.99
    assert found == pytest.approx(vectors[500:], abs=0.1)


def test_each_item_is_read_by_what_it_has() -> None:
    looks, words = unit(ITEMS, LOOK), unit(ITEMS, DIMENSIONS)
    looks[:250], words[-50:] = 0, 0
    item_map = fitted(Facts("e@1", looks, words), looks @ BY_LOOK + words @ BY_WORDS)
    parts: dict[Part, Facts] = {
        "look": Facts("e@1", looks[300:310], nothing(DIMENSIONS, 10)),
        "words": Facts("e@1", nothing(LOOK, 10), words[300:310]),
        "both": Facts("e@1", looks[300:310], words[300:310]),
    }
    for part, facts in parts.items():
        found, has = item_map.read(facts)
        expected = item_map.maps[part].read(facts.inputs(part, np.arange(10)))
        assert has.all(), part
        assert found.tolist() == expected.tolist(), part
    found, has = item_map.read(Facts("e@1", nothing(LOOK, 1), nothing(DIMENSIONS, 1)))
    assert (found.tolist(), has.tolist()) == ([[0, 0, 0]], [False])


def test_looks_that_say_nothing_are_not_kept() -> None:
    looks, words = unit(ITEMS, LOOK), unit(ITEMS, DIMENSIONS)
    noise = RANDOM.standard_normal((ITEMS, 3)).astype(np.float32)
    assert ItemMap.fit(Facts("e@1", looks, nothing(DIMENSIONS)), noise) is None
    by_words = words[:, :LOOK] @ BY_LOOK
    item_map = fitted(Facts("e@1", looks, words), 20 * by_words)
    assert "look" not in item_map.maps
    assert item_map.maps["words"].explained > 0


@pytest.mark.parametrize("items", [0, 1, LEAST_ITEMS - 1])
def test_few_items_are_not_enough(items: int) -> None:
    looks = unit(items, LOOK) if items else nothing(LOOK, 0)
    assert ItemMap.fit(Facts("e@1", looks, nothing(DIMENSIONS, items)), (looks @ BY_LOOK).astype(np.float32)) is None


def test_items_that_are_all_the_same_teach_nothing() -> None:
    same = np.ones((ITEMS, LOOK), np.float32) / np.sqrt(np.float32(LOOK))
    for vectors in (np.ones((ITEMS, 3)), RANDOM.standard_normal((ITEMS, 3))):
        assert ItemMap.fit(Facts("e@1", same, nothing(DIMENSIONS)), vectors.astype(np.float32)) is None


@pytest.mark.parametrize(("encoder", "dimensions"), [("e@2", LOOK), (None, LOOK), ("e@1", LOOK + 1), ("e@1", 0)])
def test_looks_by_another_encoder_are_not_read(encoder: str | None, dimensions: int) -> None:
    looks = unit(ITEMS, LOOK)
    item_map = fitted(Facts("e@1", looks, nothing(DIMENSIONS)), looks @ BY_LOOK)
    others = unit(5, dimensions) if dimensions else nothing(0, 5)

    assert not item_map.read(Facts(encoder, others, nothing(DIMENSIONS, 5)))[1].any()


def test_the_facts_of_items_are_their_looks_and_their_own_words() -> None:
    said = np.full(DIMENSIONS, DIMENSIONS**-0.5)
    words = ItemWords(VERSION, bytes(8), said.astype("<f2").tobytes())
    known = {
        "a": item("a", embedding=np.array((1, 0), "<f2").tobytes(), encoder="e@1"),
        "b": without_picture("b", words=words),
        "c": without_picture("c", words=ItemWords("another-tower@1", bytes(8), words.vector)),
    }
    facts = Facts.of_items(["a", "b", "c", "unknown"], known, 2)

    assert (facts.encoder, facts.looks.tolist()) == ("e@1", [[1, 0], [0, 0], [0, 0], [0, 0]])
    assert facts.words[1] == pytest.approx(said, abs=1e-3)
    assert facts.words.any(axis=1).tolist() == [False, True, False, False]
