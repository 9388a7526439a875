"""The ways to compare pictures: by the network, by each descriptor, and by mixes of both."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from benchmarks.retrieval.similarities import OTHERS, Similarity, intersection
from features.vision.descriptors.fusion import Fusion
from features.vision.descriptors.mix import ALL, Mix
from features.vision.descriptors.packed import numbers
from features.vision.descriptors.similarities import cosine, mean_of, within_0_and_1
from features.vision.descriptors.table import DESCRIPTORS
from sightline_client.events import ComparedBy, DescriptorName

Matrix: TypeAlias = NDArray[np.float32]
Network: TypeAlias = Literal["look", "raw"]
#: Weights of one descriptor beside the network.
_BESIDE = (0.1, 0.2)


@dataclass(frozen=True, slots=True)
class Shots:
    """What is compared of n pictures: unit embeddings and raw features, both [n, …], and packed descriptors."""

    look: Matrix
    raw: Matrix
    packed: NDArray[np.uint8]


#: The similarity [n, m] of n pictures to m others.
Compare: TypeAlias = Callable[[Shots, Shots], Matrix]


def ways() -> dict[str, Compare]:
    """The ways by name; `raw` stands for the network's features, which were fitted on no pictures of ours."""
    found: dict[str, Compare] = {"look": partial(_by_network, "look"), "raw": partial(_by_network, "raw")}
    found |= {name: partial(_by_descriptor, name, cosine) for name in DESCRIPTORS}
    for name in DESCRIPTORS:
        found |= {f"{name} by {kind}": partial(_by_descriptor, name, each) for kind, each in OTHERS.items()}
    networks: tuple[Network, ...] = ("look", "raw")
    for network in networks:
        for name in DESCRIPTORS:
            for share in _BESIDE:
                mix = Mix.of({"look": 1 - share, name: share})
                found[f"{network} + {share:g} {name}"] = partial(_by_mix, network, mix)
        found[f"{network}, all"] = partial(_by_mix, network, ALL)
        found[f"{network}, all in one space"] = partial(_in_one_space, network, ALL)
    return found


def _by_network(network: Network, ours: Shots, others: Shots) -> Matrix:
    one: Matrix = getattr(ours, network)
    other: Matrix = getattr(others, network)
    return one @ other.T


def _by_descriptor(name: DescriptorName, similarity: Similarity, ours: Shots, others: Shots) -> Matrix:
    mine, theirs = (_values(name, similarity, each.packed) for each in (ours, others))
    return np.stack([similarity(one, theirs) for one in mine])


def _values(name: DescriptorName, similarity: Similarity, packed: NDArray[np.uint8]) -> Matrix:
    levels = numbers(packed, name)
    if similarity is intersection:
        return np.square(levels, dtype=np.float32)  # it is one of histograms: of shares, and not less their mean
    return DESCRIPTORS[name].values(levels)


def _by_mix(network: Network, mix: Mix, ours: Shots, others: Shots) -> Matrix:
    """The weighted mean of the similarities: on the level of decisions, as queries compare."""
    by: dict[ComparedBy, Matrix] = {name: _by_descriptor(name, cosine, ours, others) for name in mix.descriptors}
    by["look"] = within_0_and_1(_by_network(network, ours, others))
    return mean_of(by, mix)


def _in_one_space(network: Network, mix: Mix, ours: Shots, others: Shots) -> Matrix:
    """The cosine of joined vectors: on the level of features."""
    fusion = Fusion(mix, getattr(ours, network).shape[1])
    one, other = (fusion.join(getattr(each, network), each.packed) for each in (ours, others))
    return one @ other.T
