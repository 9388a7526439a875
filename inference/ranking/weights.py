"""The signals with their weights: the one table that scores and reasons follow."""

import numpy as np

from features.recommendation import ReasonCode, Source

#: What a signal of strength 1 adds to a score. A signal is also the reason given for a slot which it carries; of two
#: equally strong reasons the earlier one comes first.
WEIGHTS: dict[ReasonCode, float] = {
    "chosen_after": 1.5,
    "chosen_by_similar": 1.5,
    "suits_taste": 2.0,
    "likely_next": 0.5,
    "goes_with": 0.2,
    "same_category": 0.4,
    "same_colour": 0.8,
    "same_attribute": 0.4,
    "same_tag": 0.2,
    "within_budget": 0.2,
    "trending": 0.15,
    "popular": 0.15,
    "new": 0.05,
    # The user's own dials, -1 to 1.
    "you_asked": 1.5,
    "looks_like": 1.0,
}
CODES = tuple(WEIGHTS)
SCORE_WEIGHTS = np.array([*WEIGHTS.values()], np.float32)

#: The numbers by which compiled functions know the signals: their places in the table.
LOOKS_LIKE = CODES.index("looks_like")
CHOSEN_AFTER = CODES.index("chosen_after")
CHOSEN_BY_SIMILAR = CODES.index("chosen_by_similar")
SUITS_TASTE = CODES.index("suits_taste")
LIKELY_NEXT = CODES.index("likely_next")
GOES_WITH = CODES.index("goes_with")
#: The signals of the sources by trained models.
TRAINED: dict[Source, int] = {"factors": SUITS_TASTE, "sequence": LIKELY_NEXT}
#: The signals that follow from one of the user's items.
FOLLOWING = (CHOSEN_AFTER, CHOSEN_BY_SIMILAR, *TRAINED.values(), GOES_WITH)
SAME_CATEGORY = CODES.index("same_category")
SAME_COLOUR = CODES.index("same_colour")
SAME_TAG = CODES.index("same_tag")
SAME_ATTRIBUTE = CODES.index("same_attribute")
WITHIN_BUDGET = CODES.index("within_budget")
TRENDING = CODES.index("trending")
POPULAR = CODES.index("popular")
NEW = CODES.index("new")
YOU_ASKED = CODES.index("you_asked")
