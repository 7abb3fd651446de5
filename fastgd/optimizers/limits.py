"""Limits of the gradient's norm that are learned from the norms so far: values of the option `clip_norm`."""

import math
from dataclasses import dataclass, fields
from typing import Any, ClassVar

from fastgd import _validation as check


@dataclass(frozen=True)
class NormLimit:
    """A frozen description of how a limit follows the norms; its memory, a list that JSON can hold, is the state's."""

    registry: ClassVar[dict[str, type["NormLimit"]]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        NormLimit.registry[cls.__name__] = cls

    def to_dict(self) -> dict[str, Any]:
        """Return a description that JSON can hold.

        Examples
        --------
        >>> import fastgd
        >>> fastgd.AutoClip(5).to_dict()
        {'limit': 'AutoClip', 'percentile': 5.0, 'window': 1000}
        """
        return {"limit": type(self).__name__} | {f.name: getattr(self, f.name) for f in fields(self)}

    def _start(self) -> list[float]:
        """Return the memory before the first step."""
        return []

    def _limit(self, memory: list[float], norm: float) -> float:
        """Return the limit of a step whose gradients have this norm."""
        raise NotImplementedError

    def _after(self, memory: list[float], norm: float) -> list[float]:
        """Return the memory after a step whose gradients had this norm."""
        raise NotImplementedError

    def _check(self, memory: Any) -> list[float]:
        """Return a stored memory, or raise what is wrong with it."""
        numbers = isinstance(memory, list) and all(type(x) is float and math.isfinite(x) and x >= 0 for x in memory)
        if not numbers or len(memory) > self._longest():
            accepted = f"a list of at most {self._longest()} finite numbers >= 0"
            raise check.value_error(type(self).__name__, "memory", accepted, memory)
        return memory

    def _longest(self) -> int:
        raise NotImplementedError


def from_dict(description: Any) -> NormLimit:
    """Return the limit that `NormLimit.to_dict` described."""
    options = dict(description)
    name = options.pop("limit")
    if name not in NormLimit.registry:
        raise check.value_error("from_dict", "limit", f"one of {', '.join(NormLimit.registry)}", name)
    cls = NormLimit.registry[name]
    check.refuse_unknown(name, options, tuple(f.name for f in fields(cls)))
    return cls(**options)


@dataclass(frozen=True)
class AutoClip(NormLimit):
    """Clip at a percentile of the norms so far: a value of the option `clip_norm`.

    .. math:: c_t = \\text{the } q\\text{-th percentile of } \\lVert g_{t-n+1} \\rVert, \\ldots, \\lVert g_t \\rVert

    between whose neighbours it is interpolated linearly.

    Parameters
    ----------
    percentile : float
        :math:`q` in [0, 100].
    window : int
        How many norms :math:`n` are remembered, at least 1.

    Notes
    -----
    The norms are in checkpoints. Source: P. Seetharaman, G. Wichern, B. Pardo and J. Le Roux, AutoClip: adaptive gradient clipping for
    source separation networks (2020), which remembers all norms.

    Examples
    --------
    >>> import fastgd, numpy as np
    >>> state = fastgd.SGD(clip_norm=fastgd.AutoClip(50)).init(np.zeros(1))
    >>> [state.step(np.array([norm])).clipped for norm in (1.0, 1.0, 9.0)]
    [False, False, True]
    """

    percentile: float = 10.0
    window: int = 1000

    def __post_init__(self) -> None:
        object.__setattr__(self, "percentile", check.real(self.percentile, "AutoClip", "percentile", 0, 100))
        object.__setattr__(self, "window", check.integer(self.window, "AutoClip", "window", 1))

    def _limit(self, memory, norm):
        ordered = sorted(self._after(memory, norm))
        place = self.percentile / 100 * (len(ordered) - 1)
        low = math.floor(place)
        high = min(low + 1, len(ordered) - 1)
        return ordered[low] + (place - low) * (ordered[high] - ordered[low])

    def _after(self, memory, norm):
        return [*memory[-(self.window - 1) :], norm] if self.window > 1 else [norm]

    def _longest(self):
        return self.window


@dataclass(frozen=True)
class ZClip(NormLimit):
    """Clip spikes: norms that are far above their running mean, in units of their running deviation; a value of the option `clip_norm`.

    .. math::
        z = \\frac{\\lVert g \\rVert - \\mu}{\\sigma}, \\qquad c = \\mu + \\frac{z_*^2}{z} \\sigma \\quad\\text{where } z > z_*, \\qquad
        n = \\min(\\lVert g \\rVert, c), \\qquad
        \\mu \\leftarrow \\alpha \\mu + (1 - \\alpha) n, \\qquad \\sigma^2 \\leftarrow \\alpha \\sigma^2 + (1 - \\alpha)(n - \\mu)^2

    where :math:`\\mu, \\sigma` start as mean and deviation of the first norms, none of which is clipped.

    Parameters
    ----------
    alpha : float
        :math:`\\alpha` in [0, 1): how slowly the statistics forget.
    z_thresh : float
        :math:`z_* > 0`.
    warmup_steps : int
        From how many norms the statistics start, at least 1.

    Notes
    -----
    The statistics are in checkpoints. Source: A. Kumar, L. Owen, N. R. Chowdhury and F. Güra, ZClip: adaptive spike mitigation for LLM
    pre-training (2025).

    Examples
    --------
    >>> import fastgd, numpy as np
    >>> state = fastgd.SGD(clip_norm=fastgd.ZClip(warmup_steps=4)).init(np.zeros(1))
    >>> [state.step(np.array([norm])).clipped for norm in (1.0, 1.1, 0.9, 1.0, 1.05, 50.0)]
    [False, False, False, False, False, True]
    """

    alpha: float = 0.97
    z_thresh: float = 2.5
    warmup_steps: int = 25

    def __post_init__(self) -> None:
        object.__setattr__(self, "alpha", check.real(self.alpha, "ZClip", "alpha", 0, 1, closed="left"))
        object.__setattr__(self, "z_thresh", check.real(self.z_thresh, "ZClip", "z_thresh", 0, closed="neither"))
        object.__setattr__(self, "warmup_steps", check.integer(self.warmup_steps, "ZClip", "warmup_steps", 1))

    # The memory: how many norms there were, mean, deviation, and during the warm-up those norms.
    def _start(self):
        return [0.0, 0.0, 0.0]

    def _limit(self, memory, norm):
        count, mean, deviation = memory[:3]
        if count < self.warmup_steps or norm - mean <= self.z_thresh * deviation:
            return math.inf
        return mean + self.z_thresh * deviation * (self.z_thresh * deviation / (norm - mean))

    def _after(self, memory, norm):
        count, mean, deviation, *first = memory
        if count >= self.warmup_steps:
            norm = min(norm, self._limit(memory, norm))
            mean = self.alpha * mean + (1 - self.alpha) * norm
            share = math.sqrt(1 - self.alpha)
            return [count + 1, mean, math.hypot(math.sqrt(self.alpha) * deviation, share * (norm - mean))]
        first = [*first, norm]
        if len(first) < self.warmup_steps:
            return [count + 1, mean, deviation, *first]
        mean = math.fsum(x / len(first) for x in first)
        return [count + 1, mean, math.hypot(*(x - mean for x in first)) / math.sqrt(len(first))]

    def _check(self, memory):
        if not isinstance(memory, list) or len(memory) < 3:
            raise check.value_error("ZClip", "memory", "a list of count, mean, deviation and the first norms", memory)
        return super()._check(memory)

    def _longest(self):
        return 3 + self.warmup_steps
