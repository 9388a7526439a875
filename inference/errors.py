"""What can go wrong with models and with snapshots of the catalogue.

InferenceError
├── BadEmbedding        invalid: this picture's answer is unusable, never retry
├── BadScore            invalid: a model of the gate says nothing usable of this picture, never retry
├── EncoderMismatch     invalid: model and settings do not fit, stop at start
├── EncoderUnavailable  Triton, or a model in it, is down, slow or overloaded, or another one: retry later
├── ModelRefused        invalid: a model or a lesson that this release cannot use
├── NothingToLearn      invalid: a log in which there is nothing for a model to learn
├── ExportError         the model repository cannot be made
└── SnapshotUnusable    the snapshot is of another catalogue, or damaged: read the topic instead
"""


class InferenceError(Exception):
    """Root of everything that inference raises on purpose."""


class BadEmbedding(InferenceError):
    """The model answered with something that is not a unit vector of the promised shape."""


class BadScore(InferenceError):
    """A model of the gate answered with something that is not between 0 and 1."""


class EncoderMismatch(InferenceError):
    """The served model is not the one the settings describe."""


class EncoderUnavailable(InferenceError):
    """No usable answer of a model in Triton: unreachable, overloaded, not loaded yet, or another one than is needed."""


class ModelRefused(InferenceError):
    """A model, a lesson for one, or a file of factors is damaged, too large, or of another release."""


class NothingToLearn(InferenceError):
    """A log is empty, or too short for a model to learn anything from it."""


class ExportError(InferenceError):
    """The network, its weights or the repository folder cannot be used."""


class SnapshotUnusable(InferenceError):
    """A snapshot of the catalogue that is torn, or not of this catalogue: all of it is read anew."""
