"""Loops compiled to machine code by numba, where many small numpy calls cost more than the arithmetic (docs/adr/0011).

Numba keeps the machine code on disk. It checks the file of each function only, but constants of a compiled function
may come from other files. So each package has a cache folder that is named by a digest of all its sources and of the
sources of this package; a change in any of them gives a new folder.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
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

#: NUMBA_CACHE_DIR, as numba read it at its import; without it, beside the sources.
_CACHE = Path(numba.config.CACHE_DIR or Path(__file__).with_name("__pycache__"))  # type: ignore[attr-defined]


def compiled(function: _Function, *, relaxed: frozenset[str] = frozenset(), without_lock: bool = False) -> _Function:
    """Compile a function at its first call, for the types of that call, and cache the machine code on disk.

    The function may call compiled functions of its package and of this one. Pass it whole arrays or single rows: any
    other memory layout is a new type, for which numba compiles again in the middle of traffic. `relaxed` names the
    fast-math flags of LLVM; `without_lock`: it runs without Python's lock, for calls in a thread.
    """
    options: dict[str, Any] = {"error_model": "numpy", "fastmath": set(relaxed)}
    try:
        with _cached_in(_cache_folder(function)):
            made = numba.njit(function, cache=True, nogil=without_lock, **options)
    except RuntimeError:  # without a source file or a writable folder every process compiles for itself
        made = numba.njit(function, nogil=without_lock, **options)
    return cast(_Function, made)


@contextmanager
def _cached_in(folder: Path) -> Iterator[None]:
    """Have numba cache the functions that are declared within in `folder`; numba takes it from a global only."""
    before = numba.config.CACHE_DIR  # type: ignore[attr-defined]
    numba.config.CACHE_DIR = str(folder)  # type: ignore[attr-defined]
    try:
        yield
    finally:
        numba.config.CACHE_DIR = before  # type: ignore[attr-defined]


def _cache_folder(function: Callable[..., object]) -> Path:
    """The cache folder of the top-level package of a function; for a script, that of its folder."""
    file = Path(function.__code__.co_filename)
    depth = (function.__module__ or "").count(".")
    return _folder_of(file.parents[depth - 1], "**/*.py") if depth else _folder_of(file.parent, "*.py")


@cache
def _folder_of(package: Path, pattern: str) -> Path:
    """The cache folder for the sources of `package` that match `pattern`, and for those that it compiles in."""
    features = Path(__file__).parent
    below = [features] if package.name in ("features", "inference") else [features, features.parent / "inference"]
    sources = sorted({*package.glob(pattern), *(source for each in below for source in each.glob("**/*.py"))})
    digest = sha256(b"".join(source.read_bytes() for source in sources))
    return _CACHE / digest.hexdigest()[:16]


def summing(function: _Function) -> _Function:
    """Compile like `compiled`, but let LLVM reorder sums, so that one instruction adds several numbers.

    The order is the same at every call.
    """
    return compiled(function, relaxed=frozenset({"reassoc", "contract"}))


@intrinsic
def _half(_: Any, __: Any) -> Any:
    """The conversion from float16, for which numba has no type but processors have an instruction."""

    def build(___: Any, builder: ir.IRBuilder, ____: Any, bits: Sequence[ir.Value]) -> ir.Value:
        return builder.fpext(builder.bitcast(bits[0], ir.HalfType()), ir.FloatType())

    return numba.float32(numba.uint16), build


#: The float32 value of a float16 given by its bits; for compiled functions only.
half = cast(Callable[[np.uint16], np.float32], _half)


@intrinsic
def _ones(_: Any, __: Any) -> Any:
    """Processors count the set bits of a word in one instruction."""

    def build(___: Any, builder: ir.IRBuilder, ____: Any, words: Sequence[ir.Value]) -> ir.Value:
        return builder.ctpop(words[0])

    return numba.uint64(numba.uint64), build


#: How many bits of a 64-bit word are set, uint64; for compiled functions only.
ones = cast(Callable[[np.uint64], np.uint64], _ones)


@summing
def dot(one: NDArray[np.float32], other: NDArray[np.float32]) -> np.float32:
    """The inner product of two vectors [d]; for compiled functions only."""
    total = np.float32(0)
    for index in range(len(one)):
        total += one[index] * other[index]
    return total


@summing
def half_dot(halves: NDArray[np.uint16], other: NDArray[np.float32]) -> np.float32:
    """The inner product of a float16 vector [d], given by its bits, and a float32 vector [d]."""
    total = np.float32(0)
    for index in range(len(halves)):
        total += half(halves[index]) * other[index]
    return total


@compiled
def widen(halves: NDArray[np.uint16], wide: NDArray[np.float32]) -> None:
    """Write the float16 values with the bits `halves` [d] to `wide` [d]; for compiled functions only."""
    for index in range(len(halves)):
        wide[index] = half(halves[index])
