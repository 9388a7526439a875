"""Fits inference/encoders/projection.npz, and judges the recipe by people, kinds and products that were left out.

`uv run python -m benchmarks.fits.projection DATA` prints one JSON line a row; `--foreign FOLDER` adds pictures of
another world, a folder of folders; `--write FILE` fits on everything and writes the file. DATA holds clothing/ and
grocery/, each with images.tar and labels.csv, and the latter with products.csv.
"""

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.fits.data import clothing_and_grocery, foreign_sets
from benchmarks.retrieval.compared import found_first, hits
from benchmarks.retrieval.held_out import (
    DEPTH,
    Embed,
    Fit,
    Verdict,
    by_group,
    by_map,
    by_order,
    judge,
    nothing,
    raw,
    without_half_the_catalogue,
)
from inference.encoders.export import LAYOUT, classifier_weights, joined_and_pooled, load_encoder
from inference.encoders.look.fit import Labelled, Recipe, fit
from inference.encoders.look.projection import Projection, write_projection

SPLITS = 3


def main() -> None:
    """Print the held-out figures, then fit and write on request."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--foreign", type=Path, action="append", default=[], help="a folder of folders, its labels")
    parser.add_argument("--write", type=Path, help="fit on all pictures and write this .npz")
    arguments = parser.parse_args()
    network = load_encoder()
    describe = partial(joined_and_pooled, network)
    classifier = classifier_weights(network)

    def fitted(sets: Sequence[Labelled]) -> Embed:
        return partial(by_map, fit(sets, classifier, LAYOUT, Recipe()))

    clothing, grocery, people = clothing_and_grocery(arguments.data, describe)
    for verdict in held_out(fitted, clothing, grocery, people):
        print(json.dumps(asdict(verdict)), flush=True)
    shipped = fit([clothing, grocery], classifier, LAYOUT, Recipe())
    for name, foreign in foreign_sets(arguments.foreign, describe).items():
        found = judge(name, lambda _: partial(by_map, shipped), foreign, nothing(foreign), rivals={"raw": raw})
        print(json.dumps(asdict(found)), flush=True)
    for test, data in (("clothing", clothing), ("grocery", grocery)):
        print(json.dumps({"test": f"{test}, fitted on these very pictures", **seen(shipped, data)}), flush=True)
    if arguments.write:
        write_projection(shipped, arguments.write)


def held_out(fit: Fit, clothing: Labelled, grocery: Labelled, people: NDArray[np.str_]) -> Iterator[Verdict]:
    """Every way in which pictures can be new to the fit."""
    rivals = {"raw": raw}
    of_clothing, of_grocery = partial(judge, fit=fit, data=clothing), partial(judge, fit=fit, data=grocery)
    yield of_clothing("clothing, other people", splits=by_group(people, SPLITS), beside=[grocery], rivals=rivals)
    yield of_grocery("grocery, other photos", splits=by_order(grocery), beside=[clothing], rivals=rivals)
    left_out = without_half_the_catalogue(grocery)
    yield of_grocery("grocery, catalogue pictures left out", splits=left_out, beside=[clothing], rivals=rivals)
    kinds, products = by_group(clothing.labels, SPLITS), by_group(grocery.labels, SPLITS)
    yield of_clothing("clothing, other kinds", splits=kinds, beside=[grocery], rivals=rivals)
    yield of_grocery("grocery, other products", splits=products, beside=[clothing], rivals=rivals)
    yield of_clothing("clothing, fitted on grocery", splits=nothing(clothing), beside=[grocery], rivals=rivals)
    yield of_grocery("grocery, fitted on clothing", splits=nothing(grocery), beside=[clothing], rivals=rivals)


def seen(projection: Projection, data: Labelled) -> dict[str, float]:
    """P@5 and R@1 on the pictures of the fit: far too good, and no figure to expect of others."""
    photos, shown = data.some(~data.shown), data.some(data.shown)
    embeddings = projection.embed(photos.features, photos.pooled)
    found = {"p_at_5": float(hits(embeddings, photos.labels, DEPTH).mean())}
    if len(shown.labels):
        gallery = projection.embed(shown.features, shown.pooled)
        found["r_at_1"] = float(found_first(embeddings, photos.labels, gallery, shown.labels).mean())
    return {name: round(each, 4) for name, each in found.items()}


if __name__ == "__main__":
    main()
