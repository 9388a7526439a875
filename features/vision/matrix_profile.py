"""An ICC profile from the primaries and the gamma of a colour space, as PNG gives them in cHRM and gAMA."""

import struct

import numpy as np
from numpy.typing import NDArray

#: x and y of white, red, green and blue (IEC 61966-2-1).
SRGB = (0.3127, 0.3290, 0.64, 0.33, 0.30, 0.60, 0.15, 0.06)
_D50 = np.array([0.9642, 1.0, 0.8249])
#: Bradford's cone responses, in which white points are adapted (ICC.1:2022, annex E).
_CONES = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
#: g, a, b, c, d of sRGB's curve: (a·v + b)^g from d on, c·v below.
_SRGB_CURVE = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
_LARGEST = 16.0


def matrix_profile(chromaticities: tuple[float, ...], gamma: float | None) -> bytes:
    """A display profile of version 4. `chromaticities` are as in SRGB; light is value^gamma, None: by sRGB's curve.

    Raises ValueError for primaries that span no colours.
    """
    colorants = _colorants(chromaticities)
    curve = struct.pack(">4s4xH2x5i", b"para", 3, *map(_fixed, _SRGB_CURVE))
    if gamma is not None:
        curve = struct.pack(">4s4xH2xi", b"para", 0, _fixed(gamma))
    names = (b"rXYZ", b"gXYZ", b"bXYZ", b"wtpt")
    bodies = [struct.pack(">4s4x3i", b"XYZ ", *map(_fixed, xyz)) for xyz in (*colorants.T, _D50)]
    at = 128 + 4 + 12 * 7
    table = b"".join(struct.pack(">4sII", name, at + 20 * place, 20) for place, name in enumerate(names))
    table += b"".join(struct.pack(">4sII", name, at + 80, len(curve)) for name in (b"rTRC", b"gTRC", b"bTRC"))
    content = struct.pack(">I", 7) + table + b"".join(bodies) + curve
    return _header(128 + len(content)) + content


def _colorants(chromaticities: tuple[float, ...]) -> NDArray[np.float64]:
    """XYZ of the primaries under D50, one a column."""
    xy = np.array(chromaticities, dtype=np.float64).reshape(4, 2)
    if (xy[:, 1] <= 0).any():
        raise ValueError(f"the chromaticities {chromaticities} have a y of 0 or less")
    white, *primaries = np.column_stack((xy[:, 0] / xy[:, 1], np.ones(4), (1 - xy.sum(axis=1)) / xy[:, 1]))
    columns = np.array(primaries).T
    columns *= np.linalg.solve(columns, white)
    adapted: NDArray[np.float64] = (
        np.linalg.inv(_CONES) @ np.diag((_CONES @ _D50) / (_CONES @ white)) @ _CONES @ columns
    )
    if not (np.abs(adapted) <= _LARGEST).all():
        raise ValueError(f"the chromaticities {chromaticities} span no colours")
    return adapted


def _header(size: int) -> bytes:
    return struct.pack(
        ">I4xI4s4s4s12x4s28x3i48x", size, 0x04300000, b"mntr", b"RGB ", b"XYZ ", b"acsp", *map(_fixed, _D50)
    )


def _fixed(value: float) -> int:
    return round(float(value) * 65536)
