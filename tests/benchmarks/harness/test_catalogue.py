import pytest

from benchmarks.harness.catalogue import draw_items


def test_drawn_items_have_unit_vectors() -> None:
    lengths = [float((item.vector("drawn@1") ** 2).sum()) for item in draw_items(50, 64)]
    assert lengths == pytest.approx([1.0] * 50, abs=0.01)
