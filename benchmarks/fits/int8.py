"""What convolutions of int8 gain in time and lose in precision, on photos and kinds that the map was not fitted on.

`uv run python -m benchmarks.fits.int8 DATA` prints one JSON line a row: the cost of the shipped encoder in float32 and
in int8, the cosines of the two vectors of a photo, then the rows of `benchmarks.fits.tuning`, where `float` is the same
map without int8. DATA and `--foreign FOLDER` are those of `benchmarks.fits.projection`.
"""

import argparse
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import onnxruntime  # type: ignore[import-untyped]  # it has no types
from numpy.typing import NDArray

from benchmarks.fits.data import clothing_and_grocery, foreign_sets, told
from benchmarks.fits.tuning import Ways, by_kinds, by_photos
from benchmarks.retrieval.encoder_cost import looks_of, session_of
from benchmarks.retrieval.held_out import by_map, raw
from benchmarks.world.calibration import drawn_calibration
from inference.encoders.export import (
    LAYOUT,
    MEAN,
    STD,
    Encoder,
    classifier_weights,
    joined_and_pooled,
    load_encoder,
    write_onnx,
)
from inference.encoders.int8 import quantise
from inference.encoders.look.fit import Labelled, Recipe, fit
from inference.encoders.look.projection import Matrix

_TIMED = 60
_WARM = 10
_COMPARED = 200


def main() -> None:
    """Print what int8 costs, and what it loses."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--foreign", type=Path, action="append", default=[], help="a folder of folders, its labels")
    arguments = parser.parse_args()
    network = load_encoder()
    describe = partial(joined_and_pooled, network)
    clothing, grocery, people = clothing_and_grocery(arguments.data, describe, with_pixels=True)
    foreign = foreign_sets(arguments.foreign, describe, with_pixels=True)
    calibration = drawn_calibration()
    with TemporaryDirectory(prefix="sightline-int8-") as scratch:
        for row in costs(network, calibration, [clothing, grocery], Path(scratch)):
            print(json.dumps(row), flush=True)

        def both(sets: Sequence[Labelled]) -> Ways:
            projection = fit(sets, classifier_weights(network), LAYOUT, Recipe())
            fitted = Encoder(network.network, projection, mean=(MEAN,) * 3, std=(STD,) * 3, joined=True).eval()
            graph = _quantised(fitted, calibration, Path(scratch) / "fitted.onnx")
            return partial(embed, session_of(graph)), {"raw": raw, "float": partial(by_map, projection)}

        for verdict in by_photos(both, clothing, grocery, people, foreign):
            print(json.dumps(asdict(verdict)), flush=True)
        for verdict in by_kinds(both, clothing, grocery):
            print(json.dumps(asdict(verdict)), flush=True)


def costs(
    network: Encoder, calibration: NDArray[np.uint8], sets: Sequence[Labelled], scratch: Path
) -> list[dict[str, object]]:
    """The cost of both graphs, and the cosines of their vectors of some photos of each set."""
    graphs = {"float32": scratch / "float32.onnx", "int8": scratch / "int8.onnx"}
    write_onnx(network, graphs["float32"])
    _quantised(network, calibration, graphs["int8"])
    told("taking the time")
    rows: list[dict[str, object]] = [
        {
            "threads": threads,
            **milliseconds({name: session_of(path, threads) for name, path in graphs.items()}, sets[0]),
        }
        for threads in (1, 2)
    ]
    rows.append({"mib": {name: round(path.stat().st_size / 2**20, 1) for name, path in graphs.items()}})
    session = session_of(graphs["int8"])
    for each in sets:
        some = each.some(np.arange(len(each.labels)) % (len(each.labels) // _COMPARED) == 0)
        cosines = (embed(session, some) * by_map(network.projection, some)).sum(axis=1)
        quantiles = np.quantile(cosines, (0.5, 0.1, 0)).round(4).tolist()
        rows.append({"photos": len(cosines), "cosine": dict(zip(("p50", "p10", "least"), quantiles, strict=True))})
    return rows


def milliseconds(
    sessions: Mapping[str, onnxruntime.InferenceSession], pictures: Labelled
) -> dict[str, dict[str, float]]:
    """Of a picture alone the median processor time, and the least time on the clock; both graphs take turns."""
    assert pictures.pixels is not None
    spent: dict[str, list[tuple[float, float]]] = {name: [] for name in sessions}
    for picture in pictures.pixels[: _WARM + _TIMED]:
        for name, session in sessions.items():
            begun, clock = time.process_time(), time.perf_counter()
            session.run(["embedding", "probabilities"], {"pixels": picture[None]})
            spent[name].append((time.process_time() - begun, time.perf_counter() - clock))
    found = {}
    for name, each in spent.items():
        used, clock_times = np.array(each[_WARM:]).T * 1000
        found[name] = {"processor_ms": round(float(np.median(used)), 2), "least_ms": round(float(clock_times.min()), 2)}
    return found


def embed(session: onnxruntime.InferenceSession, pictures: Labelled) -> Matrix:
    """Unit embeddings, float32 [n, 256], of pictures with pixels."""
    assert pictures.pixels is not None
    return looks_of(session, pictures.pixels)


def _quantised(encoder: Encoder, calibration: NDArray[np.uint8], graph: Path) -> Path:
    told(f"quantising {graph.stem}")
    write_onnx(encoder, graph)
    quantise(graph, calibration, mean=MEAN, std=STD)
    return graph


if __name__ == "__main__":
    main()
