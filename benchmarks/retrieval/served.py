"""What a running Triton serves, against the graph that was exported: the same vectors, and how fast.

It is for a Triton whose arithmetic is not that of the export, such as TensorRT in fp16 on a GPU.
"""

import asyncio
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.retrieval.album import TABLE, UnreadableAlbum, picture_files, read_files, readable
from benchmarks.retrieval.encoder_cost import graph_looks
from features.vision.decode import decode
from features.vision.formats import BadImage
from inference.encoders.tls import TritonTls
from inference.encoders.triton import TritonEncoder

#: TensorRT may build engines at the first call.
_TIMEOUT_S = 300.0
_NEAREST = 5


@dataclass(frozen=True, slots=True)
class Served:
    """`cosine_…` of each picture's served vector with that of the graph in ONNX Runtime on the CPU.

    `same_nearest` is the share of the five nearest pictures by the graph's vectors that are among the five nearest by
    the served ones: what a catalogue with vectors of both would answer. `alone_…` are the delays of pictures that go
    one after the other, and `pictures_per_s` is measured with all of them waiting.
    """

    encoder: str
    pictures: int
    cosine_least: float
    cosine_p1: float
    cosine_median: float
    same_nearest: float
    alone_p50_ms: float
    alone_p99_ms: float
    pictures_per_s: float


def read_pictures(folder: Path, count: int) -> list[NDArray[np.uint8]]:
    """The first pictures of a folder that can be read, each uint8 [224, 224, 3].

    They lie in `images.tar`, named by `labels.csv`, of which each must be readable, or else raises UnreadableAlbum;
    without that file, anywhere in the folder.
    """
    if (folder / "images.tar").is_file():
        files, _ = read_files(folder, TABLE)
        found = (decode(file).pixels for file in files)
    else:
        found = (pixels for pixels in map(readable, picture_files(folder)) if pixels is not None)
    try:
        return list(islice(found, count))
    except BadImage as error:
        raise UnreadableAlbum(f"{folder} has a picture in images.tar that cannot be read: {error}") from error


async def measure_served(
    address: str,
    graph: Path,
    pixels: NDArray[np.uint8],
    *,
    model: str,
    dimensions: int,
    calls: int,
    tls: TritonTls | None = None,
    progress: Callable[[str], None] = lambda _line: None,
) -> Served:
    """Ask Triton for the vectors of pictures uint8 [n, 224, 224, 3], n > 5, one by one, then in `calls` at a time.

    Raises ExportError where the file is no exported graph, EncoderUnavailable, EncoderMismatch or BadEmbedding.
    """
    looks = graph_looks(graph, threads=os.cpu_count() or 1)
    async with await TritonEncoder.connect(
        address, tls=tls, model=model, dimensions=dimensions, timeout_s=_TIMEOUT_S, inflight=calls
    ) as encoder:
        progress(f"{encoder.version} at {address}")
        await encoder.encode_all(pixels[: calls + 1])
        alone = await _alone(encoder, pixels)
        begun = time.perf_counter()
        vectors = np.stack([each.embedding for each in await encoder.encode_all(pixels)])
        per_s = round(len(pixels) / (time.perf_counter() - begun), 1)
    progress(f"the vectors of {graph}, in ONNX Runtime here")
    expected = await asyncio.to_thread(looks, pixels)
    cosines = np.einsum("nd,nd->n", expected, vectors)
    least, first, median = (round(float(at), 5) for at in np.percentile(cosines, (0, 1, 50)))
    same = round(same_nearest(expected, vectors), 4)
    return Served(encoder.version, len(pixels), least, first, median, same, *alone, per_s)


async def _alone(encoder: TritonEncoder, pixels: NDArray[np.uint8]) -> tuple[float, float]:
    """The median and the 99th percentile of the delays in milliseconds."""
    delays_ms = []
    for picture in pixels:
        handed = time.perf_counter()
        await encoder.encode(picture)
        delays_ms.append((time.perf_counter() - handed) * 1000)
    p50, p99 = np.percentile(delays_ms, (50, 99))
    return round(float(p50), 1), round(float(p99), 1)


def same_nearest(some: NDArray[np.float32], others: NDArray[np.float32]) -> float:
    """The mean share of the five nearest of each vector in which both agree."""
    one, other = _nearest(some), _nearest(others)
    return float(np.mean([len(np.intersect1d(a, b)) for a, b in zip(one, other, strict=True)])) / _NEAREST


def _nearest(vectors: NDArray[np.float32]) -> NDArray[np.int64]:
    likeness = vectors @ vectors.T
    np.fill_diagonal(likeness, -np.inf)
    return np.argpartition(-likeness, _NEAREST, axis=1)[:, :_NEAREST]
