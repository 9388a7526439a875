from pathlib import Path

import numpy as np
import pytest

from benchmarks.retrieval.served import measure_served, read_pictures, same_nearest
from benchmarks.world.pictures import draw_catalogue
from deploy.triton_server import newest_version
from features.vision.decode import decode
from inference.errors import ExportError
from tests.conftest import RunningStack


def test_nearest_ones_are_the_same_whatever_their_order_and_others_where_vectors_are() -> None:
    vectors = np.random.default_rng(1).normal(size=(40, 8)).astype(np.float32)
    assert same_nearest(vectors, vectors * np.float32(1.0001)) == 1
    assert same_nearest(vectors, vectors[::-1].copy()) < 0.5


def test_pictures_are_read_from_a_plain_folder_and_no_more_than_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "0.jpg").write_bytes(b"no picture")
    for number, item in enumerate(draw_catalogue(8, seed=1), start=1):
        folder = tmp_path / str(number % 2)
        folder.mkdir(exist_ok=True)
        (folder / f"{number}.jpg").write_bytes(item.jpeg)
    read_files, read = list[Path](), Path.read_bytes

    def counted(path: Path) -> bytes:
        read_files.append(path)
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", counted)
    assert len(read_pictures(tmp_path, 500)) == 8
    assert len(read_pictures(tmp_path, 7)) == 7
    # The first file is no picture.
    assert len(read_files) == (1 + 8) + (1 + 7)


@pytest.mark.stack
async def test_a_served_model_has_the_vectors_of_its_graph_and_a_speed(stack: RunningStack) -> None:
    pixels = np.stack([decode(item.jpeg).pixels for item in draw_catalogue(24, seed=1)])
    settings = stack.settings
    graph = newest_version(settings.tools / "models" / settings.encoder) / "model.onnx"
    found = await measure_served(stack.endpoints.triton, graph, pixels, model=settings.encoder, dimensions=256, calls=4)
    assert found.encoder.endswith(f"@{graph.parent.name}")
    assert found.pictures == 24
    assert found.cosine_least > 0.9999
    assert found.same_nearest > 0.95
    assert found.pictures_per_s > 0
    assert 0 < found.alone_p50_ms <= found.alone_p99_ms


async def test_a_file_that_is_no_graph_is_said_before_triton_is_asked(tmp_path: Path) -> None:
    graph = tmp_path / "model.onnx"
    graph.write_bytes(b"no graph")
    pixels = np.zeros((10, 224, 224, 3), np.uint8)
    with pytest.raises(ExportError, match=r"no model\.onnx"):
        await measure_served("localhost:1", graph, pixels, model="visual_encoder", dimensions=256, calls=4)
