"""A tower of somebody else, served by the real Triton."""

from pathlib import Path

import numpy as np
import pytest

from deploy.local import Stack
from inference.encoders.export import export_tower, tower_version
from inference.encoders.tower import Tower
from inference.encoders.triton import TritonEncoder
from tests.conftest import RunningStack
from tests.inference.encoders.test_tower import pictures, run, tower


@pytest.mark.stack
async def test_triton_serves_a_tower_that_takes_one_picture_at_a_time(tmp_path: Path, stack: RunningStack) -> None:
    made = Tower(tower(tmp_path / "a.onnx", [1, 3, 96, 96]))
    folder = export_tower(tmp_path / "models", made)
    triton = Stack(stack.settings.model_copy(update={"home": tmp_path, "words": "off"}), models=tmp_path / "models")
    try:
        address = triton.up(["triton"]).triton
        async with await TritonEncoder.connect(address, timeout_s=20) as encoder:
            found = await encoder.encode_all(pictures(5))
    finally:
        triton.down(["triton"])
    assert {each.version for each in found} == {encoder.version} == {tower_version(made)}
    assert [each.tags for each in found] == [()] * 5
    exact = np.concatenate([run(folder / "2" / "model.onnx", each[None]) for each in pictures(5)])
    np.testing.assert_allclose(np.stack([each.embedding for each in found]), exact, atol=1e-5)
