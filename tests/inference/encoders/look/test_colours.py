"""What the histograms say of plain pictures."""

import numpy as np
import torch

from inference.encoders.look.colours import SIZE, colours


def plain(*rgb: int) -> torch.Tensor:
    return torch.tensor(rgb, dtype=torch.uint8).expand(1, 224, 224, 3)


def test_each_of_the_two_histograms_has_unit_length() -> None:
    found = colours(torch.from_numpy(np.random.default_rng(0).integers(0, 256, (2, 224, 224, 3), dtype=np.uint8)))

    assert found.shape == (2, SIZE)
    torch.testing.assert_close(found.view(2, 2, -1).norm(dim=2), torch.ones(2, 2))


def test_a_plain_colour_is_in_one_bin_and_red_lies_between_the_first_and_last_hue() -> None:
    red, crimson = colours(plain(255, 0, 0)), colours(plain(255, 0, 10))

    assert (int(red.count_nonzero()), float(red[0, 15])) == (2, 1)  # hue 0, full saturation and value
    assert float((red * crimson).sum()) / 2 > 0.9


def test_grey_black_and_white_have_no_hue_and_are_finite() -> None:
    for level in (0, 128, 255):
        found = colours(plain(level, level, level))
        assert torch.isfinite(found).all()
        assert found.view(2, 12, 16)[:, 1:].sum() == 0


def test_other_colours_share_nothing_and_the_middle_counts_by_itself() -> None:
    assert float((colours(plain(255, 0, 0)) * colours(plain(0, 0, 255))).sum()) == 0
    framed = plain(255, 0, 0).clone()
    framed[:, 56:168, 56:168] = torch.tensor([0, 0, 255], dtype=torch.uint8)
    whole, middle = (framed_half for framed_half in (colours(framed) * colours(plain(0, 0, 255))).view(2, -1).sum(1))
    assert (round(float(whole), 2), float(middle)) == (0.5, 1)
