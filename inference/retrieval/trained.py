"""The kinds of trained models that are sources of candidates."""

from typing import TypeAlias

from inference.catalog.catalog import Catalog
from inference.factors.file import Factors
from inference.factors.space import FactorSpace
from inference.sequence.model import SequenceModel
from inference.sequence.space import SequenceSpace
from inference.trained.source import Space

TrainedModel: TypeAlias = Factors | SequenceModel


def space_of(catalog: Catalog, model: TrainedModel) -> Space:
    """A catalogue as a model sees it; it takes some 50 ms for 100,000 items when it is asked first.

    Where as many are mapped from what they are, it takes some tenths of a second.
    """
    match model:
        case Factors():
            return FactorSpace(catalog, model)
        case SequenceModel():
            return SequenceSpace(catalog, model)
