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
    """A catalogue as a model sees it, once it is aligned."""
    match model:
        case Factors():
            return FactorSpace(catalog, model)
        case SequenceModel():
            return SequenceSpace(catalog, model)
