"""A map from looks to titles follows the catalogue."""

import pytest

from features.item import Item
from inference.catalog.catalog import Catalog
from inference.words.title_map import LEAST_ITEMS, TitleMap
from streams.words.title_fitter import TitleFitter
from tests.harness.titled import DIMENSIONS, ENCODER, shop, titled


def title_map(catalog: Catalog) -> TitleMap | None:
    assert catalog.words is not None
    return catalog.words.title_map


async def test_a_map_is_learned_at_the_start_and_read_of_no_untitled_item() -> None:
    catalog = shop(LEAST_ITEMS)
    fitter = TitleFitter(catalog)
    await fitter.start()
    await fitter.stop()
    found = title_map(catalog)
    assert found is not None
    assert found.items == LEAST_ITEMS


@pytest.mark.parametrize("count", [0, LEAST_ITEMS - 1])
async def test_of_too_few_titles_there_is_none(count: int) -> None:
    catalog = shop(count)
    await TitleFitter(catalog).look()
    assert title_map(catalog) is None


async def test_it_is_learned_again_when_a_tenth_of_the_titles_came_and_not_before() -> None:
    catalog = shop(200)
    fitter = TitleFitter(catalog)
    await fitter.look()
    first = title_map(catalog)
    catalog.apply(titled(210))
    await fitter.look()
    assert title_map(catalog) is first
    catalog.apply(titled(230))
    await fitter.look()
    second = title_map(catalog)
    assert second is not None
    assert second.items == 230


async def test_it_goes_with_the_titles() -> None:
    catalog = shop(200)
    fitter = TitleFitter(catalog)
    await fitter.look()
    gone: list[tuple[str, Item | None]] = [(f"i{number}", None) for number in range(150)]
    catalog.apply(gone)
    await fitter.look()
    assert title_map(catalog) is None


async def test_a_catalogue_without_words_is_left_alone() -> None:
    catalog = Catalog(DIMENSIONS, encoder=ENCODER)
    catalog.apply(titled(200))
    await TitleFitter(catalog).look()
    assert catalog.words is None
