"""Tunes the encoder's network on half of the photos, then on half of the kinds, and judges it by what was left out.

`uv run python -m benchmarks.fits.tuning DATA --keep FOLDER` prints one JSON line a row. The folder keeps
checkpoints, with which a second run goes on where the first ended. `--foreign FOLDER` adds pictures of another world,
a folder of folders. DATA is that of `benchmarks.fits.projection`. `frozen` is the map of the network as it was.
"""

import argparse
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from benchmarks.fits.data import clothing_and_grocery, foreign_sets, told
from benchmarks.retrieval.held_out import (
    Embed,
    Verdict,
    by_group,
    by_map,
    judge,
    nothing,
    raw,
    without_half_the_catalogue,
)
from inference.encoders.export import LAYOUT, classifier_weights, joined_and_pooled, load_encoder
from inference.encoders.look.fit import Labelled, Recipe, fit
from inference.encoders.tuning.course import Watching
from inference.encoders.tuning.fitting import Tuner
from inference.encoders.tuning.training import Course

#: How the tuned network embeds pictures, and how those do that it is compared with.
Ways: TypeAlias = tuple[Embed, dict[str, Embed]]


def main() -> None:
    """Print what is gained and lost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--keep", type=Path, required=True, help="the folder of the checkpoints")
    parser.add_argument("--foreign", type=Path, action="append", default=[], help="a folder of folders, its labels")
    arguments = parser.parse_args()
    arguments.keep.mkdir(parents=True, exist_ok=True)
    network = load_encoder()
    describe = partial(joined_and_pooled, network)
    clothing, grocery, people = clothing_and_grocery(arguments.data, describe, with_pixels=True)
    tuner = Tuner(network, LAYOUT, Recipe(), Course(), 0, Watching(arguments.keep, progress=told))

    def both(sets: Sequence[Labelled]) -> Ways:
        frozen = fit(sets, classifier_weights(network), LAYOUT, Recipe())
        return partial(tuner.embed, tuner.fit(sets)), {"raw": raw, "frozen": partial(by_map, frozen)}

    foreign = foreign_sets(arguments.foreign, describe, with_pixels=True)
    for verdict in by_photos(both, clothing, grocery, people, foreign):
        print(json.dumps(asdict(verdict)), flush=True)
    for verdict in by_kinds(both, clothing, grocery):
        print(json.dumps(asdict(verdict)), flush=True)


def by_photos(
    both: Callable[[Sequence[Labelled]], Ways],
    clothing: Labelled,
    grocery: Labelled,
    owners: NDArray[np.str_],
    foreign: Mapping[str, Labelled],
) -> Iterator[Verdict]:
    """Of one training on half of the people, of each product's photos and of the catalogue's pictures."""
    half, products = next(by_group(owners, 1)), next(without_half_the_catalogue(grocery))
    ours, rivals = both([clothing.some(half), grocery.some(products)])
    judged = partial(judge, fit=lambda _: ours, rivals=rivals)
    yield judged("clothing, other people", data=clothing, splits=iter([half]))
    yield judged("grocery, other photos", data=grocery, splits=iter([products | grocery.shown]))
    yield judged("grocery, catalogue pictures in the fit", data=grocery, splits=iter([products ^ grocery.shown]))
    yield judged("grocery, catalogue pictures left out", data=grocery, splits=iter([products]))
    for name, pictures in foreign.items():
        yield judged(name, data=pictures, splits=nothing(pictures))


def by_kinds(both: Callable[[Sequence[Labelled]], Ways], clothing: Labelled, grocery: Labelled) -> Iterator[Verdict]:
    """Of one training on half of the kinds of clothing and half of the products."""
    kinds, products = (next(by_group(each.labels, 1)) for each in (clothing, grocery))
    ours, rivals = both([clothing.some(kinds), grocery.some(products)])
    judged = partial(judge, fit=lambda _: ours, rivals=rivals)
    yield judged("clothing, other kinds", data=clothing, splits=iter([kinds]))
    yield judged("grocery, other products", data=grocery, splits=iter([products]))


if __name__ == "__main__":
    main()
