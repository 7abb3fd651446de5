"""Dropout on arrays of any library: the same units as ``network_parts.pxd`` drops, by the same hash of seed, step, layer and place."""

from typing import Any

import numpy as np

__all__ = ["factors"]

BITS_32, BITS_64 = 2**32 - 1, 2**64 - 1


def factors(rows: Any, shape: tuple[int, int], share: float, seed: int, step: int, layer: int) -> Any:
    """Return what a layer's values and slopes are multiplied by, 0 for units that are dropped, ``1 / (1 - share)`` for the others.

    Parameters
    ----------
    rows : DeviceRows
        Rows of the library and device, of the dtype.
    shape : (int, int)
        Rows of the batch, units of the layer.
    share : float
        Of the units that are dropped.
    seed, step, layer : int
        The network's seed, the number of the step, that of the layer.
    """
    xp = rows.library
    key = _mixed_64(_mixed_64(_mixed_64(seed) + step) + layer)
    place = xp.arange(shape[0] * shape[1], dtype=xp.int64, device=rows.device)
    hashed = _mixed_32(_mixed_32(place ^ (key & BITS_32)) ^ (key >> 32))
    kept = xp.astype((hashed >> 8) >= round(share * 2**24), getattr(xp, np.dtype(rows.dtype).name))
    return xp.reshape(kept * float(1 / (1 - share)), shape)


def _mixed_64(x: int) -> int:
    """SplitMix64's output function (Steele, Lea and Flood, 2014)."""
    x = (x + 0x9E3779B97F4A7C15) & BITS_64
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9 & BITS_64
    x = (x ^ (x >> 27)) * 0x94D049BB133111EB & BITS_64
    return x ^ (x >> 31)


def _mixed_32(x: Any) -> Any:
    """A bijection of 32 bits with low bias (C. Wellons, hash-prospector), on int64 arrays; their products wrap around."""
    x = ((x ^ (x >> 16)) * 0x7FEB352D) & BITS_32
    x = ((x ^ (x >> 15)) * 0x846CA68B) & BITS_32
    return x ^ (x >> 16)
