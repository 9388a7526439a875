"""The map is large where activations differ from those at the border."""

import torch

from inference.encoders.look.salience import SIDE, salience


def level(cells: int, *, lit: bool = True) -> torch.Tensor:
    """Activations of 8 channels; with `lit` those of the third quarter each way differ."""
    found = torch.ones(1, 8, cells, cells)
    if lit:
        found[:, :4, cells // 2 : cells * 3 // 4, cells // 2 : cells * 3 // 4] = 3.0
    return found


def test_what_differs_from_the_border_is_salient() -> None:
    (found,) = salience([level(28), level(14)])
    assert found.shape == (SIDE, SIDE)
    assert found[8, 8] > 100 * found[2, 2]
    assert found[8, 8] == found.max()


def test_what_only_one_of_two_levels_sees_counts_less() -> None:
    both, one = salience([level(14), level(14)]), salience([level(14), level(14, lit=False)])
    assert 0 < one[0, 8, 8] < both[0, 8, 8] / 10


def test_the_strength_of_the_activations_does_not_count() -> None:
    torch.testing.assert_close(salience([level(14)]), salience([10 * level(14)]))


def test_nothing_at_all_gives_finite_numbers() -> None:
    assert torch.isfinite(salience([torch.zeros(2, 8, 14, 14), torch.zeros(2, 8, 7, 7)])).all()
