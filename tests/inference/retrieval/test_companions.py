from inference.catalog.catalog import Catalog
from inference.retrieval.companions import find_companions
from tests.harness.catalog import item
from tests.harness.lists import catalog_of, steps_of


def names(catalog: Catalog, found: dict[int, dict[int, float]]) -> dict[str, list[str]]:
    named = catalog.category_names
    return {named[code]: [named[other] for other in own] for code, own in found.items()}


def shop(**categories: int) -> Catalog:
    """`shoes=3` for shoes-0 to shoes-2, all of which look alike."""
    return catalog_of(
        *(
            (f"{name}-{n}", item(f"{name}-{n}", looks="red-0", category=name))
            for name, count in categories.items()
            for n in range(count)
        )
    )


def found(catalog: Catalog, **sessions: str) -> dict[int, dict[int, float]]:
    return {code: dict(own) for code, own in find_companions(steps_of(**sessions), catalog).items()}


def test_categories_that_users_choose_around_each_other_are_companions() -> None:
    catalog = shop(shoes=3, bags=3, lamps=3)
    companions = found(
        catalog, u1="shoes-0 bags-0 shoes-1 bags-1", u2="bags-2 shoes-2 bags-0", u3="lamps-0 lamps-1 lamps-2"
    )

    assert names(catalog, companions) == {"shoes": ["bags"], "bags": ["shoes"]}
    assert [*companions[0].values()] == [1.0]


def test_a_category_that_goes_with_everything_comes_after_one_that_goes_with_this() -> None:
    catalog = shop(shoes=2, bags=2, socks=4, lamps=4)
    fans = {f"u{n}": "shoes-0 socks-0 bags-0" for n in range(4)}
    others = {f"v{n}": "lamps-0 socks-1 lamps-1 socks-2 lamps-2 socks-3" for n in range(9)}
    companions = found(catalog, **fans, **others)

    assert names(catalog, companions)["shoes"] == ["bags", "socks"]
    assert 0 < companions[0][2] < companions[0][1] == 1


def test_what_a_single_pair_of_choices_says_is_chance() -> None:
    assert found(shop(shoes=2, bags=2), u1="shoes-0 bags-0") == {}


def test_items_without_a_category_or_a_row_say_nothing() -> None:
    catalog = catalog_of(("red-0", item("red-0")), ("x", item("red-1", category=None)))

    assert found(catalog, **{f"u{n}": "red-0 x gone" for n in range(5)}) == {}


def test_nobody_has_chosen_anything_yet() -> None:
    assert found(shop(shoes=1)) == {}
    assert found(catalog_of()) == {}
