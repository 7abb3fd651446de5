"""An unfinished `fit` of an estimator: where `max_time` or Ctrl-C ended it, and whether a new call is to go on there."""

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np
import scipy.sparse as sp

from fastgd._training.device import DeviceRows
from fastgd._training.pauses import Pause
from fastgd.schedules import Schedule

# What may change before training goes on: it only says when to stop, or how to train.
FREE = {"max_iter", "tol", "n_iter_no_change", "max_time", "verbose", "n_jobs", "warm_start", "random_state"}
SAMPLE = 4096  # values of X that are compared, spread over all


@dataclass(frozen=True)
class Cut:
    """A `fit` that has not come to its end.

    Parameters
    ----------
    pause : Pause
        What goes on.
    call : tuple
        What the next call must have in common with this one: settings and data.
    model : tuple or None
        The fitted weights that the estimator shows.
    held_out : (rows, weight) or None
        The rows that were held out for validation, and their weights or None.
    """

    pause: Pause
    call: tuple
    model: tuple | None
    held_out: tuple | None


class Call:
    """One call of `fit`, as far as an unfinished one can be gone on with.

    Parameters
    ----------
    model : LinearSGD
        The estimator.
    begins : bool
        The call says itself with which weights to begin.
    """

    def __init__(self, model: Any, begins: bool):
        self.model, self.begins = model, begins
        self.cut: Cut | None = None

    def open(self, X: Any, targets: np.ndarray, weight: Any, held_out: Any, validation: Any) -> "Cut | None":
        """Note what is learnt from; return the unfinished call that this one goes on with, if there is one."""
        own = validation is not None and held_out is None
        self.call = settings(self.model), mark(X), mark(targets), mark(weight), own, held_out is not None
        self.held_out = None if held_out is None else (held_out, validation[2])
        self.shown = None
        if self.begins or not self.model.warm_start:
            return None
        self.shown = shown(self.model)
        past = getattr(self.model, "_training", {}).get("cut")
        if past is None or (past.call, past.model) != (self.call, self.shown):
            return None
        self.held_out = past.held_out
        return past

    def keep(self, pause: Pause) -> None:
        """Remember where training is now."""
        self.cut = Cut(pause, self.call, self.shown, self.held_out)


@contextmanager
def remembered(model: Any, *init: Any) -> Iterator[Call]:
    """Let a model remember an interrupted `fit`; in all else it is as before the call."""
    call = Call(model, any(each is not None for each in init))
    try:
        yield call
    except KeyboardInterrupt:
        if call.cut is not None:
            model._training = {**getattr(model, "_training", {}), "cut": call.cut}
        raise


def settings(model: Any) -> dict[str, Any]:
    """Return the parameters that decide what each step is."""
    every = model.get_params(deep=False)
    kept = {name: value for name, value in every.items() if name not in FREE}
    if isinstance(model._given_rate(), Schedule):
        kept["max_iter"] = every["max_iter"]  # it may be as long as the training
    seed = every["random_state"]
    return {**kept, "random_state": int(seed) if isinstance(seed, Integral) else type(seed).__name__}


def mark(values: Any) -> tuple | None:
    """Return what tells rows, targets or weights from others: shape, type, and the checksum of a single column or of a sample."""
    if values is None:
        return None
    if isinstance(values, DeviceRows):
        return values.shape, checksum(values.sample(SAMPLE).ravel())
    if sp.issparse(values):
        return values.shape, *(checksum(sample(each)) for each in (values.data, values.indices, values.indptr))
    return values.shape, checksum(values if values.shape[1] == 1 else sample(sample(values).ravel()))


def sample(values: np.ndarray) -> np.ndarray:
    """Return some of the values, spread over all."""
    return values[:: max(1, len(values) // SAMPLE)]


def checksum(values: np.ndarray) -> tuple:
    return values.dtype.str, len(values), zlib.crc32(np.ascontiguousarray(values).tobytes())


def shown(model: Any) -> tuple | None:
    """Return a mark of the fitted weights."""
    if getattr(model, "coef_", None) is None:
        return None
    coef, intercept = model._starting_point()
    return checksum(coef + 0.0), checksum(intercept + 0.0)  # -0.0 becomes 0.0
