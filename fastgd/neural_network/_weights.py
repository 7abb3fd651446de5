"""A network's parameters, as one flat array for the engine and as `coefs_` and `intercepts_` for users."""

from itertools import pairwise
from typing import Any

import numpy as np

from fastgd._validation import ArgumentValueError, shortened


def by_layer(flat: np.ndarray, sizes: list[int]) -> dict[str, list[np.ndarray]]:
    """Return copies of all parameters (n_parameters,) as the fitted attributes; `sizes` are those of all layers, the inputs first."""
    coefs, intercepts, place = [], [], 0
    for n_in, n_out in pairwise(sizes):
        last = place + n_in * n_out
        coefs.append(flat[place:last].reshape(n_in, n_out).copy())
        intercepts.append(flat[last : last + n_out].copy())
        place = last + n_out
    return {"coefs_": coefs, "intercepts_": intercepts}


def flat(coefs: Any, intercepts: Any, n_in: int, n_outputs: int) -> np.ndarray:
    """Return the fitted attributes as (n_parameters,); refuse what cannot be those of a network with so many inputs and outputs."""
    if not all(isinstance(each, (list, tuple)) for each in (coefs, intercepts)) or not 0 < len(coefs) == len(
        intercepts
    ):
        raise ArgumentValueError("coefs_ and intercepts_ must be lists of arrays, one of each for every layer.")
    parts = []
    for k, (coef, intercept) in enumerate(zip(coefs, intercepts, strict=True)):
        for name, value, ndim in ((f"coefs_[{k}]", coef, 2), (f"intercepts_[{k}]", intercept, 1)):
            kind = getattr(getattr(value, "dtype", None), "kind", "O")
            if kind not in "iuf" or value.ndim != ndim or not np.isfinite(value).all():
                raise ArgumentValueError(
                    f"{name} must be a finite array as fit left it; got {shortened(repr(value), 100)}."
                )
        n_out = n_outputs if k == len(coefs) - 1 else coef.shape[1]
        if coef.shape != (n_in, n_out) or intercept.shape != (n_out,):
            shapes = f"coefs_[{k}] of shape {coef.shape} and intercepts_[{k}] of shape {intercept.shape}"
            raise ArgumentValueError(f"{shapes} do not fit one another or their neighbours, {n_in} and {n_out} units.")
        parts += [coef.ravel(), intercept]
        n_in = n_out
    return np.concatenate(parts)
