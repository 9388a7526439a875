"""With words in the mix of lists, items without a picture are like others, too."""

from dataclasses import replace

from features.item import Item, key_of
from features.trends import NO_TRENDS
from features.vision.descriptors.mix import Mix
from inference.catalog.catalog import Catalog
from inference.recommender import Recommender
from tests.harness.catalog import DIMENSIONS, NOW, act, item, profile_of, without_picture
from tests.harness.words import words


def said(made: Item, title: str) -> tuple[str, Item | None]:
    """The item with a title, embedded."""
    return made.item_id, replace(made, title=title, words=words(title))


def shop(mix: str) -> Catalog:
    catalog = Catalog(DIMENSIONS, mix=Mix.parse(mix))
    # What lists rank by age, popularity or category alone comes behind what they find alike.
    filler = [(f"hat-{n}", without_picture(f"hat-{n}")) for n in range(40)]
    catalog.apply(
        [
            said(item("red-0", category=None), "red shirt"),
            said(without_picture("text", category=None), "a shirt, red"),
            said(without_picture("other", category=None), "milk"),
            *filler,
        ]
    )
    return catalog


def sources(mix: str) -> dict[str, str]:
    """The source of each slot in a list of a user who chose the red shirt with a picture."""
    recommender = Recommender(shop(mix), length=10)
    prepared = recommender.prepare([profile_of(act("red-0"))], NOW)
    (made,) = recommender.recommend(prepared, [key_of("u1")], {}, NO_TRENDS, NOW)
    return {slot.item_id: slot.source for slot in made.ranking.items}


def test_an_item_without_a_picture_is_found_by_its_words() -> None:
    assert sources("look=0.6,words=0.4").get("text") == "visual"


def test_by_look_alone_it_is_not() -> None:
    assert sources("look").get("text") != "visual"


def test_an_item_with_neither_has_no_vector_and_stands_in_lists_by_the_rest() -> None:
    catalog = shop("look=0.6,words=0.4")
    assert catalog.pictures.vectors_held == 3
    assert set(sources("look=0.6,words=0.4")) & {f"hat-{n}" for n in range(40)}
