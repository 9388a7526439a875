"""Fits inference/encoders/projection.npz and measures its precision on held-out classes and people.

`uv run python -m benchmarks.measures.projection DATA` prints one JSON line a row; `--write FILE` fits on everything and
writes the file. DATA holds clothing/ and grocery/, each with images.tar and labels.csv.
"""

import argparse
import csv
import json
import sys
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.measures.projection_fit import Labelled, LinearMap, Matrix, Recipe, fit, unit
from features.vision.decode import decode
from inference.encoders.export import classifier_weights, load_encoder, pooled_features

BATCH = 32
SPLITS = 3
Column = NDArray[np.int64]
Fitter = Callable[[list[Labelled]], Callable[[Matrix], Matrix]]


def main() -> None:
    """Print the held-out figures, then fit and write on request."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--write", type=Path, help="fit on all pictures and write this .npz")
    arguments = parser.parse_args()
    network = load_encoder()
    classifier = classifier_weights(network).astype(np.float64)

    def features(name: str) -> Matrix:
        pictures = read_pictures(arguments.data / name)
        batches = [pooled_features(network, batch) for batch in pictures]
        print(f"{name}: {sum(map(len, batches))} pictures", file=sys.stderr)
        return np.concatenate(batches).astype(np.float64)

    clothing, grocery = features("clothing"), features("grocery")
    kinds = read_column(arguments.data / "clothing", "label")
    people = read_column(arguments.data / "clothing", "uploader_id")
    products = read_column(arguments.data / "grocery", "class_id")
    sets = [Labelled(clothing, kinds), Labelled(grocery, products)]
    fitters: dict[str, Fitter] = {
        "raw 1280": lambda _: unit,
        "PCA 256": _principal,
        "closed form 256": lambda s: fit(s, classifier, Recipe(steps=0)),
        "fitted 256": lambda s: fit(s, classifier, Recipe()),
    }
    for name, fitter in fitters.items():
        for row in held_out(fitter, sets[0], sets[1], people):
            print(json.dumps({"embedding": name, **row}), flush=True)
    shipped = fit(sets, classifier, Recipe())
    for name, data in zip(("clothing", "grocery"), sets, strict=True):
        figures = precision(shipped(data.features), data.labels)
        print(json.dumps({"embedding": "shipped, fitted on these very pictures", "test": name, **figures}))
    if arguments.write:
        write(shipped, arguments.write)


def held_out(fitter: Fitter, clothing: Labelled, grocery: Labelled, people: Column) -> Iterator[dict[str, object]]:
    """Yield the precision on held-out data; means over the splits."""
    embed = fitter([grocery])
    yield {"test": "clothing, fitted on grocery", **score(embed, clothing)}
    embed = fitter([clothing])
    yield {"test": "grocery, fitted on clothing", **score(embed, grocery)}
    rows: dict[str, list[dict[str, float]]] = {}
    for seed in range(SPLITS):
        for name, groups in (("people", people), ("classes", clothing.labels)):
            seen, other = halves(clothing, groups, seed)
            rows.setdefault(f"clothing, other {name}", []).append(score(fitter([seen, grocery]), other))
        seen, other = halves(grocery, grocery.labels, seed)
        rows.setdefault("grocery, other products", []).append(score(fitter([clothing, seen]), other))
    for test, results in rows.items():
        means = {key: round(float(np.mean([r[key] for r in results])), 3) for key in results[0]}
        yield {"test": test, **means}


def score(embed: Callable[[Matrix], Matrix], data: Labelled) -> dict[str, float]:
    """Measure precision, and the cosines of pairs within a class and across classes."""
    embeddings = embed(data.features)
    return precision(embeddings, data.labels) | similarities(embeddings, data.labels)


def precision(embeddings: Matrix, labels: Column) -> dict[str, float]:
    """Measure P@1, 5 and 10, leave one out, by cosine."""
    scores = embeddings @ embeddings.T
    np.fill_diagonal(scores, -np.inf)
    nearest = np.argsort(-scores, axis=1)[:, :10]
    hits = labels[nearest] == labels[:, None]
    return {f"p_at_{k}": round(float(hits[:, :k].mean()), 3) for k in (1, 5, 10)}


def similarities(embeddings: Matrix, labels: Column) -> dict[str, float]:
    """Measure cosines of pairs: mean, 10th, 50th, 90th and 99th percentile."""
    upper = np.triu_indices(len(labels), 1)
    cosines = (embeddings @ embeddings.T)[upper]
    same = (labels[:, None] == labels)[upper]
    result = {}
    for name, values in (("same", cosines[same]), ("different", cosines[~same])):
        result[f"{name}_mean"] = round(float(values.mean()), 3)
        for percent in (10, 50, 90, 99):
            result[f"{name}_p{percent}"] = round(float(np.percentile(values, percent)), 3)
    return result


def halves(data: Labelled, groups: Column, seed: int) -> tuple[Labelled, Labelled]:
    """Split by group, so that no class or person is on both sides."""
    names = np.random.default_rng(seed).permutation(np.unique(groups))
    chosen = np.isin(groups, names[: len(names) // 2])
    first, second = (Labelled(data.features[rows], data.labels[rows]) for rows in (chosen, ~chosen))
    return first, second


def read_pictures(folder: Path) -> Iterator[NDArray[np.uint8]]:
    """Yield uint8 [≤ 32, 224, 224, 3] in the order of labels.csv, read from the tar without unpacking it."""
    paths = [row["path"] for row in read_rows(folder)]
    with tarfile.open(folder / "images.tar") as archive:
        for start in range(0, len(paths), BATCH):
            files = [archive.extractfile(path) for path in paths[start : start + BATCH]]
            yield np.stack([decode(file.read()).pixels for file in files if file is not None])


def read_column(folder: Path, column: str) -> Column:
    """Number the values of a column of labels.csv."""
    numbers: Column = np.unique([row[column] for row in read_rows(folder)], return_inverse=True)[1]
    return numbers


def read_rows(folder: Path) -> list[dict[str, str]]:
    """Read labels.csv."""
    with (folder / "labels.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def write(projection: LinearMap, path: Path) -> None:
    """Write mean and matrix as float16: 0.6 MB."""
    np.savez_compressed(path, mean=projection.mean.astype(np.float16), matrix=projection.matrix.astype(np.float16))


def _principal(sets: list[Labelled]) -> Callable[[Matrix], Matrix]:
    mean = np.mean([s.features.mean(axis=0) for s in sets], axis=0)
    centred = np.concatenate([s.features for s in sets]) - mean
    _, vectors = np.linalg.eigh(centred.T @ centred)
    return LinearMap(mean, vectors[:, ::-1][:, :256])


if __name__ == "__main__":
    main()
