"""The text tower behind Triton."""

from collections.abc import AsyncIterator

import numpy as np
import pytest

from features.words.item_words import DIMENSIONS
from inference.errors import EncoderUnavailable
from inference.words.encoder import TritonWords
from tests.conftest import RunningStack


@pytest.fixture
async def words(stack: RunningStack) -> AsyncIterator[TritonWords]:
    words = TritonWords(stack.endpoints.triton, timeout_s=20)
    yield words
    await words.close()


@pytest.mark.stack
async def test_texts_of_one_meaning_are_nearer_than_others(words: TritonWords) -> None:
    shirt, blouse, milk = [await words.embed(text) for text in ("a red shirt", "crimson blouse", "a pint of milk")]
    assert shirt is not None
    assert blouse is not None
    assert milk is not None
    assert shirt.shape == (DIMENSIONS,)
    assert shirt.dtype == np.float32
    assert float(shirt @ blouse) > float(shirt @ milk) + 0.2


@pytest.mark.stack
async def test_case_accents_and_control_characters_make_no_difference(words: TritonWords) -> None:
    plain, other = await words.embed("cafe creme"), await words.embed("Café\x00 \x1bCRÈME\x07\u200b")
    assert plain is not None
    assert other is not None
    assert float(plain @ other) == pytest.approx(1, abs=1e-3)


@pytest.mark.stack
async def test_of_a_long_text_the_beginning_is_read(words: TritonWords) -> None:
    one, other = await words.embed("red shirt " * 1000), await words.embed("red shirt " * 200 + "a pint of milk")
    assert one is not None
    assert other is not None
    assert float(one @ other) == pytest.approx(1, abs=1e-3)


@pytest.mark.stack
@pytest.mark.parametrize(
    "text",
    ["", "   ", "👕❤️🎉", "红色衬衫", "красная рубашка", "\x00\x01\x02", "!?…", "\u202e"],
    ids=["empty", "blank", "emoji", "chinese", "cyrillic", "control", "punctuation", "direction"],
)
async def test_what_it_cannot_read_has_no_vector(words: TritonWords, text: str) -> None:
    assert await words.embed(text) is None


async def test_nobody_listening_is_unavailable_by_address() -> None:
    words = TritonWords("127.0.0.1:1", timeout_s=0.5)
    with pytest.raises(EncoderUnavailable, match=r"127\.0\.0\.1:1 did not run model 'words_encoder'"):
        await words.embed("red shirt")
    await words.close()
