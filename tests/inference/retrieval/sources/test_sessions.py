import numpy as np
import pytest

from features.item import key_of
from features.profile import NEW, Action
from inference.behaviour.recent_steps import RecentSteps
from inference.catalog.catalog import Catalog
from inference.retrieval.sources.sessions import PROPOSED_COUNT, VISITS, propose
from tests.harness.catalog import act, item, profile_of, reds_and_blues
from tests.harness.lists import (
    candidates_of,
    catalog_of,
    chosen_after,
    query_after,
    query_of,
    ranked,
    slot_of,
    steps_of,
    value,
)


@pytest.fixture
def catalog() -> Catalog:
    return catalog_of(*reds_and_blues(32))


def proposed(catalog: Catalog, recent: RecentSteps | None, *actions: Action) -> dict[str, float]:
    """What is proposed to u1 after some actions, with its strength."""
    found = propose(query_after(catalog, *actions, recent_steps=recent))
    assert recent is None or not recent.scratch.any()
    rows = zip(found.rows[0].tolist(), found.strengths.tolist(), strict=True)
    return {catalog.item_ids[row]: strength for row, strength in rows if row >= 0}


def strongest(found: dict[str, float]) -> str:
    return max(found, key=lambda name: found[name])


def test_who_came_by_the_same_items_is_believed_more(catalog: Catalog) -> None:
    recent = steps_of(u2="red-0 red-1 blue-2", u3="blue-0 red-1 blue-3")
    found = proposed(catalog, recent, act("red-0"), act("red-1"))

    assert found.keys() == {"blue-2", "blue-3", "blue-0"}
    assert found["blue-2"] > 2 * found["blue-3"] > 2 * found["blue-0"] > 0
    assert found["blue-2"] < 1


def test_what_came_next_counts_more_than_what_came_later_or_before(catalog: Catalog) -> None:
    found = proposed(catalog, steps_of(u2="blue-0 red-0 blue-1 blue-2"), act("red-0"))

    assert sorted(found, key=lambda name: -found[name]) == ["blue-1", "blue-2", "blue-0"]
    assert found["blue-2"] / found["blue-1"] == pytest.approx(0.93)
    assert found["blue-0"] / found["blue-1"] == pytest.approx(0.6)


def test_the_latest_item_counts_most(catalog: Catalog) -> None:
    recent = steps_of(u2="red-0 blue-0", u3="red-1 blue-1")

    assert strongest(proposed(catalog, recent, act("red-0"), act("red-1"))) == "blue-1"
    assert strongest(proposed(catalog, recent, act("red-1"), act("red-0"))) == "blue-0"


def test_what_is_chosen_everywhere_counts_less(catalog: Catalog) -> None:
    everywhere = {f"v{n}": f"blue-{n} blue-31" for n in range(20)}
    found = proposed(catalog, steps_of(u2="red-0 blue-31", u3="red-0 blue-30", **everywhere), act("red-0"))

    assert found["blue-31"] < 0.7 * found["blue-30"]


def test_more_voters_give_more_strength(catalog: Catalog) -> None:
    one, ten = (
        proposed(catalog, steps_of(**dict.fromkeys(users, "red-0 blue-0")), act("red-0"))["blue-0"]
        for users in (["u2"], [f"u{n}" for n in range(2, 12)])
    )

    assert 0.2 < one < 0.4 < 0.6 < ten < 1


@pytest.mark.parametrize("recent", [None, RecentSteps(10), steps_of(u2="red-5"), steps_of(u2="blue-1 blue-2 blue-3")])
def test_without_a_visit_by_others_nothing_is_proposed(catalog: Catalog, recent: RecentSteps | None) -> None:
    assert proposed(catalog, recent) == {}
    assert proposed(catalog, recent, act("red-5")) == {}


def test_a_users_own_steps_propose_nothing(catalog: Catalog) -> None:
    recent = steps_of(u1="red-0 red-1 blue-0")

    assert proposed(catalog, recent, act("red-0")) == {}
    assert proposed(catalog, steps_of(u1="red-0 red-1 blue-0", u2="red-0 blue-5"), act("red-0")).keys() == {"blue-5"}


def test_an_item_in_every_step_leads_to_what_is_around_it(catalog: Catalog) -> None:
    recent = steps_of(**{f"v{n}": "red-0" for n in range(50)}, **{f"w{n}": f"red-0 blue-{n % 2}" for n in range(3)})

    assert strongest(proposed(catalog, recent, act("red-0"))) == "blue-0"


def test_what_was_only_shown_is_not_followed(catalog: Catalog) -> None:
    assert proposed(catalog, steps_of(u2="red-0 blue-0"), act("red-0", 0.05)) == {}


def test_a_user_who_goes_round_in_circles_is_one_voter(catalog: Catalog) -> None:
    circle = " ".join(f"blue-{n}" for n in range(15))
    recent = steps_of(u2=" ".join([circle] * 100), u3="blue-0 red-1", u4="blue-0 red-1", u5="blue-0 red-1")

    assert strongest(proposed(catalog, recent, act("blue-0"))) == "red-1"


def test_a_user_with_100_000_steps_costs_no_more(catalog: Catalog) -> None:
    recent = RecentSteps(1000)
    many = np.array([key_of(f"{colour}-{n}") for n in range(32) for colour in ("red", "blue")], np.uint64)
    recent.append(np.full(100_000, key_of("u2"), np.uint64), np.resize(many, 100_000))
    found = proposed(catalog, recent, act("red-3"))

    assert strongest(found) == "blue-3"
    assert len(found) == 26


def test_a_forgotten_user_has_no_voice(catalog: Catalog) -> None:
    recent = steps_of(u2="red-0 blue-0", u3="red-0 blue-1")
    recent.forget(key_of("u2"))

    assert proposed(catalog, recent, act("red-0")).keys() == {"blue-1"}


def test_items_that_left_the_catalogue_are_neither_proposed_nor_followed(catalog: Catalog) -> None:
    recent = steps_of(u2="red-0 gone red-1", u3="gone blue-1")

    assert proposed(catalog, recent, act("red-0"), act("gone")).keys() == {"red-1"}


def test_the_last_visits_are_followed() -> None:
    shop = catalog_of(
        *((f"i{n}", item(f"i{n}", looks="red-0")) for n in range(VISITS + 20)), ("hub", item("hub", looks="red-0"))
    )
    found = proposed(shop, steps_of(**{f"v{n}": f"hub i{n}" for n in range(VISITS + 20)}), act("hub"))

    assert found.keys() == {f"i{n}" for n in range(20, VISITS + 20)}


def test_no_more_are_proposed_than_there_is_room_for() -> None:
    shop = catalog_of(
        *((f"i{n}", item(f"i{n}", looks="red-0")) for n in range(400)), ("hub", item("hub", looks="red-0"))
    )
    sessions = {f"v{n}": "hub " + " ".join(f"i{10 * n + k}" for k in range(10)) for n in range(40)}

    assert len(proposed(shop, steps_of(**sessions), act("hub"))) == PROPOSED_COUNT


def test_each_user_of_a_batch_gets_what_it_would_get_alone(catalog: Catalog) -> None:
    recent = steps_of(u2="red-0 blue-0", u3="red-1 blue-1 blue-2", u4="red-0 red-1 blue-3")
    profiles = [NEW, profile_of(act("red-0")), NEW, profile_of(act("red-0"), act("red-1"))]
    users = [key_of(f"u{n}") for n in range(2, 6)]
    together = propose(query_of(catalog, profiles, users, recent_steps=recent))
    alone = [propose(query_of(catalog, [p], [u], recent_steps=recent)) for p, u in zip(profiles, users, strict=True)]

    assert [rows.tolist() for rows in together.rows] == [each.rows[0].tolist() for each in alone]
    assert together.strengths.tolist() == [strength for each in alone for strength in each.strengths.tolist()]
    assert together.origins.tolist() == [row for each in alone for row in each.origins.tolist()]


def test_a_candidate_has_its_evidence_apart_from_what_was_chosen_after(catalog: Catalog) -> None:
    behaviours = {"red-1": chosen_after(blue_0=3.0)}
    recent = steps_of(u2="red-0 blue-0")
    found = candidates_of(catalog, act("red-0"), act("red-1"), behaviours=behaviours, recent_steps=recent)

    assert value(catalog, found, "strengths", "blue-0") == pytest.approx(3 / 8)
    assert value(catalog, found, "origins", "blue-0") == catalog.row_of("red-1")
    assert value(catalog, found, "session_strengths", "blue-0") > 0
    assert value(catalog, found, "session_origins", "blue-0") == catalog.row_of("red-0")
    assert value(catalog, found, "session_strengths", "red-7") == 0
    assert value(catalog, found, "session_origins", "red-7") == -1


def test_a_list_names_the_item_by_which_others_came(catalog: Catalog) -> None:
    recent = steps_of(**dict.fromkeys([f"v{n}" for n in range(20)], "red-0 blue-7"))
    found = ranked(catalog, act("red-0"), recent_steps=recent)
    reason = slot_of(found, "blue-7").reasons[0]

    assert (reason.code, reason.item_id) == ("chosen_by_similar", "red-0")
    assert reason.strength is not None
