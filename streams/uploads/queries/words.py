"""The words of a query: those that it sends, or those that stand for its picture; and what fits them at all."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from features.vision.descriptors.mix import LOOK, LOOK_AND_WORDS, WORDS, Mix
from features.vision.tags.readable import in_english
from features.words.item_words import LEAST_FIT
from features.words.named_colours import named_colours
from inference.errors import BadEmbedding, EncoderUnavailable
from inference.words.encoder import Embed
from inference.words.pictures import picture_vector
from streams.errors import InvalidEvent
from streams.logs import log
from streams.uploads.encoding_cache import PictureFeatures
from streams.wire.events import Upload

#: No cosine is less.
_ANY: Final = -1.0


@dataclass(frozen=True, slots=True)
class QueryWords:
    """`vector` float32 [384], and the `colours` float32 [17] that it names; None where nothing is to be compared.

    `is_missing`: the tower could not be asked.
    """

    vector: NDArray[np.float32] | None = None
    colours: NDArray[np.float32] | None = None
    is_missing: bool = False


def mix_of(query: Upload) -> Mix:
    """By what a query compares: as it says, else by all that it sends."""
    if query.by is not None:
        return Mix.of(query.by)
    if query.text is None:
        return LOOK
    return LOOK_AND_WORDS if query.has_picture else WORDS


def least_similarity(query: Upload) -> float:
    """From which similarity on an item is in the answer: as the query says, else for its words alone LEAST_FIT.

    What is nearest to a picture is an answer to it, however far it is; words that nothing fits find nothing.
    """
    asked = None if query.only is None else query.only.min_similarity
    if asked is not None:
        return asked
    return LEAST_FIT if query.text is not None and mix_of(query) == WORDS else _ANY


async def words_of(query: Upload, features: PictureFeatures | None, embed: Embed | None) -> QueryWords:
    """The words of a query with these features of its picture, by a tower that is asked once: answers do not wait.

    Raises InvalidEvent where words are turned off.
    """
    if "words" not in mix_of(query).weights:
        return QueryWords()
    if embed is None:
        raise InvalidEvent("words_off", "words are turned off here: set SIGHTLINE_WORDS=on, or search by a picture")
    if query.text is not None:
        english = in_english(query.text)
        try:
            return QueryWords(await embed(english), named_colours(english))
        except (EncoderUnavailable, BadEmbedding) as error:
            log.warning("words_unavailable", error=str(error))
            return QueryWords(is_missing=True)
    return QueryWords(None if features is None else picture_vector(features.encoding.tags, features.colours))
