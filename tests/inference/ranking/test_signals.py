import numpy as np
import pytest

from inference.factors.space import FactorSpace
from inference.ranking.signals import FRESH_HALF_LIFE_MS, find_signals
from inference.ranking.weights import CODES, NEW
from inference.retrieval.candidates import generate_candidates
from inference.sequence.space import SequenceSpace
from tests.harness.catalog import NOW, act, item, reds_and_blues
from tests.harness.factors import factors_of
from tests.harness.lists import catalog_of, chosen_after, query_after, steps_of
from tests.harness.sequences import next_of


def test_every_signal_of_the_table_is_filled_in() -> None:
    colours, tags = (("green", 1.0),), {"red": (("jersey", 0.9),), "blu": (("gown", 0.9),)}
    shop = catalog_of(
        *(
            (
                name,
                item(
                    name,
                    at_ms=NOW,
                    colours=colours,
                    tags=tags[name[:3]],
                    price=9.0,
                    attributes={"brand": name[:3]},
                ),
            )
            for name, _ in reds_and_blues(3)
        ),
        ("like red-1", item("like red-1", looks="red-1", category="blue")),
    )
    query = query_after(
        shop,
        act("red-0"),
        act("like red-1", 8.0),
        behaviours={"red-0": chosen_after(red_1=8.0)},
        recent_steps=steps_of(u2="blue-0 red-0 red-1 blue-1"),
        trends={"red-1": (2.0, 2.0)},
        dials={"red-1": 1.0},
        space=FactorSpace(shop, factors_of({"red_0": (1.0, 0.0), "red_1": (0.5, 0.5)})),
        sequence=SequenceSpace(shop, next_of(red_0="red-1")),
    )
    candidates = generate_candidates(query)

    signals = find_signals(query, candidates)[:, candidates.rows.tolist().index(shop.row_of("red-1"))]

    assert signals.shape == (len(CODES),)
    assert (signals > 0).all()


def test_a_new_item_loses_half_of_its_newness_in_a_half_life() -> None:
    shop = catalog_of(*((f"red-{n}", item(f"red-{n}", at_ms=NOW - n * FRESH_HALF_LIFE_MS)) for n in range(3)))
    query = query_after(shop)
    candidates = generate_candidates(query)

    ages = [int(shop.item_ids[row].partition("-")[2]) for row in candidates.rows.tolist()]
    assert find_signals(query, candidates)[NEW] == pytest.approx(np.exp2(-np.array(ages, np.float32)))
