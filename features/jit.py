"""Loops as machine code, where many small calls of numpy would take longer than their numbers (docs/adr/0011)."""

import os
from collections.abc import Callable, Sequence
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
import numpy as np
from llvmlite import ir
from numba.extending import intrinsic
from numpy.typing import NDArray

_Function = TypeVar("_Function", bound=Callable[..., object])

#: Where numba is told to keep things (NUMBA_CACHE_DIR), or beside the sources.
_CACHE = Path(os.environ.get("NUMBA_CACHE_DIR") or Path(__file__).with_name("__pycache__"))


def compiled(function: _Function, *, relaxed: frozenset[str] = frozenset()) -> _Function:
    """Compile a function when it is first called, for the types of that call, and keep the result.

    It may call other compiled functions of its package and of this one. It is given whole arrays and single lines
    of them, for any other layout in memory is a type of its own, for which it would be compiled once more in the middle
    of traffic.
    """
    try:
        numba.config.CACHE_DIR = _cache_folder(function)  # type: ignore[attr-defined]
        made = numba.njit(function, cache=True, error_model="numpy", fastmath=set(relaxed))
    except RuntimeError:  # no source, or no folder that may be written to: compiled in every process
        made = numba.njit(function, error_model="numpy", fastmath=set(relaxed))
    return cast(_Function, made)


def _cache_folder(function: Callable[..., object]) -> str:
    """The folder for the machine code of a function's top-level package; of its own folder, for a script."""
    file = Path(function.__code__.co_filename)
    depth = (function.__module__ or "").count(".")
    return _folder_of(file.parents[depth - 1], "**/*.py") if depth else _folder_of(file.parent, "*.py")


@cache
def _folder_of(package: Path, sources: str) -> str:
    """The folder for what is compiled from a package, named by a digest of its sources and of this package's.

    numba itself compares the time and size of the one source file. A wheel does not change those with every word, and
    constants of a compiled function may come from another file. The rooms of a package use each other's functions, so
    the digest covers every folder below it.
    """
    found = sorted({*package.glob(sources), *Path(__file__).parent.glob("**/*.py")})
    digest = sha256(b"".join(source.read_bytes() for source in found))
    return str(_CACHE / digest.hexdigest()[:16])


def summing(function: _Function) -> _Function:
    """As `compiled`, where sums may be taken in any order, so that one instruction takes many numbers.

    The order is the same at every call.
    """
    return compiled(function, relaxed=frozenset({"reassoc", "contract"}))


@intrinsic
def _half(_: Any, __: Any) -> Any:
    """Numba has no type for float16, processors have."""

    def build(___: Any, builder: ir.IRBuilder, ____: Any, bits: Sequence[ir.Value]) -> ir.Value:
        return builder.fpext(builder.bitcast(bits[0], ir.HalfType()), ir.FloatType())

    return numba.float32(numba.uint16), build


#: The float32 with the value of the float16 that has these 16 bits, for compiled functions only.
half = cast(Callable[[np.uint16], np.float32], _half)


@summing
def dot(one: NDArray[np.float32], other: NDArray[np.float32]) -> np.float32:
    """The inner product of two vectors [d], for compiled functions only."""
    total = np.float32(0)
    for place in range(len(one)):
        total += one[place] * other[place]
    return total


@summing
def half_dot(halves: NDArray[np.uint16], other: NDArray[np.float32]) -> np.float32:
    """As `dot`, of the vector whose float16 have these bits."""
    total = np.float32(0)
    for place in range(len(halves)):
        total += half(halves[place]) * other[place]
    return total


@compiled
def widen(halves: NDArray[np.uint16], wide: NDArray[np.float32]) -> None:
    """Write the float16 whose bits are `halves` [d] as float32 into `wide` [d], for compiled functions only."""
    for place in range(len(halves)):
        wide[place] = half(halves[place])
