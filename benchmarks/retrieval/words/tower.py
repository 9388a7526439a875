"""The text tower without Triton, for benches: the exported files in this process."""

from collections.abc import Sequence
from pathlib import Path
from typing import Self

import numpy as np
import onnxruntime  # type: ignore[import-untyped]  # it has no types
from numpy.typing import NDArray
from tokenizers import Tokenizer

from inference.words.export import export_words


class LocalTower:
    """Reads English texts one after the other, on one thread."""

    def __init__(self, folder: Path) -> None:
        """`folder` has model.onnx and tokenizer.json."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(str(folder / "model.onnx"), options)
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))

    @classmethod
    def exported(cls, repository: Path) -> Self:
        """Of a model that is exported into this folder now."""
        return cls(export_words(repository) / "1")

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """The unit vectors of texts, float32 [n, DIMENSIONS]."""
        tokens = (np.array([self._tokenizer.encode(text).ids], np.int64) for text in texts)
        return np.concatenate([self._session.run(["vector"], {"tokens": each})[0] for each in tokens])
