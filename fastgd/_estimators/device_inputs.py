"""Matrices that are on a GPU already, as estimators take them: by scikit-learn's convention "everything follows X".

A matrix stays where it is. Targets and weights, one number for each row, are read on the host once, where classes are counted and rows are
held out; so labels may be texts. What estimators give back is of the matrix's library, on its device.
"""

from typing import Any

import numpy as np
from sklearn._config import get_config
from sklearn.externals import array_api_compat
from sklearn.utils.validation import _check_y, check_consistent_length, validate_data

from fastgd._kernels import execute
from fastgd._training.device import DeviceRows, dtype_of, host
from fastgd._training.device_sparse import DeviceSparse
from fastgd._training.lane_arguments import BUILT_IN
from fastgd._validation import ArgumentTypeError, ArgumentValueError, shortened
from fastgd.optimizers._base import Optimizer
from fastgd.optimizers.limits import NormLimit

__all__ = ["TO_HOST", "check_optimizer", "check_place", "host", "library", "matrix", "on_device"]

TO_HOST = "or pass X in host memory: X.get() of CuPy, X.cpu().numpy() of torch"


def on_device(X: Any) -> bool:
    """Return whether `X` is a matrix on a GPU; with scikit-learn's ``array_api_dispatch``, any array of a library other than NumPy."""
    if isinstance(X, DeviceRows):
        return True
    layout = getattr(X, "format", None)  # of a frame perhaps a column
    values = X.data if isinstance(layout, str) and layout in ("csr", "csc", "coo") else X
    if execute.is_on_device(values):
        return True
    if isinstance(values, np.ndarray) or not get_config()["array_api_dispatch"]:
        return False
    return array_api_compat.is_array_api_obj(values) and not array_api_compat.is_numpy_array(values)


def library(array: Any) -> Any:
    """Return the namespace of an array's library; refuse arrays that cannot be changed in place, or have no arithmetic."""
    name = type(array).__module__.partition(".")[0]
    if name in ("jax", "jaxlib"):
        raise ArgumentTypeError(
            "X is a JAX array, which cannot be changed in place; pass it by DLPack to CuPy or torch: cupy.from_dlpack(X)."
        )
    try:
        return array_api_compat.array_namespace(array)
    except TypeError:
        raise ArgumentTypeError(
            f"X is a {type(array).__name__}, which has no products; pass it as a CuPy array or torch tensor: cupy.asarray(X)."
        ) from None


def matrix(estimator: Any, X: Any, y: Any = "no_validation", *, reset: bool, **checks: Any) -> Any:
    """Return X as `DeviceRows`, with y, where it is given, as a NumPy array; the checks are those of `inputs.matrix`."""
    rows = X if isinstance(X, DeviceRows) else _rows(estimator, X)
    validate_data(estimator, X=rows, skip_check_array=True, reset=reset)
    if isinstance(y, str) and y == "no_validation":
        return rows
    if y is None:
        raise ArgumentValueError(f"{type(estimator).__name__} requires y to be passed, but the target y is None.")
    options = {name: checks[name] for name in ("multi_output", "y_numeric") if name in checks}
    y = _check_y(host(y), estimator=estimator, **options)
    check_consistent_length(rows, y)
    return rows, y


def check_place(X: Any, validation: tuple | None) -> None:
    """Refuse validation rows that are not where the rows to learn from are."""
    if validation is not None and isinstance(X, DeviceRows) != isinstance(validation[0], DeviceRows):
        places = "on a device", "in host memory"
        here, there = places if isinstance(X, DeviceRows) else places[::-1]
        raise ArgumentTypeError(f"X_val must be where X is: X is {here}, X_val {there}.")


def check_optimizer(optimizer: Optimizer | None, *, users_rules: bool) -> None:
    """Refuse an optimizer that estimators step by no kernels of a GPU, by the name of the trait; `users_rules` says whether those run."""
    if optimizer is None:
        return
    kind = type(optimizer)
    given = f"Use one whose step size is given, such as fastgd.Adam(), {TO_HOST}."
    rows = f"It learns from single rows, for which a GPU is no use: use fastgd.Adam() and a batch_size, {TO_HOST}."
    built_in = f"Use one such as fastgd.Adam(), or a network, which takes users' rules, {TO_HOST}."
    plain = f"Leave that option out, {TO_HOST}."
    traits = (
        (kind.needs_rows, "one that steps by gradients", rows),
        (kind.factored, "one whose state is of each weight by itself", given),
        (not kind.in_lanes, "one that measures nothing on the way", given),
        (not users_rules and not kind.__module__.startswith(BUILT_IN), "a built-in one in linear models", built_in),
        (optimizer.extras, "one without extras", plain),
        (isinstance(optimizer.clip_norm, NormLimit), "one whose clip_norm is not learned", plain),
        (optimizer.state_dtype is not None, "one with state_dtype=None", plain),
        (getattr(optimizer, "cautious", False), "one with cautious=False", plain),
    )
    for refused, accepted, fix in traits:
        if refused:
            got = shortened(repr(optimizer), 80) if fix is plain else kind.__name__
            raise ArgumentValueError(f"optimizer must be {accepted} for X on a GPU; got {got}. {fix}")


def _rows(estimator: Any, X: Any) -> DeviceRows:
    owner = type(estimator).__name__
    if not getattr(estimator, "_takes_device_arrays", False):
        fix = "pass a NumPy array: X.get() of CuPy, X.cpu().numpy() of torch"
        raise ArgumentTypeError(
            f"X is a {type(X).__module__}.{type(X).__name__}, which {owner} does not train on; {fix}."
        )
    X = X.detach() if hasattr(X, "detach") else X
    values = _values(X)
    found = library(values)
    _check_numbers(values, tuple(X.shape), found)
    return DeviceRows(X, found) if values is X else DeviceSparse.of_matrix(X, found)


def _values(X: Any) -> Any:
    """Return the values of a matrix: itself, or those of CSR; refuse other layouts and places."""
    layout = getattr(X, "format", None) or str(getattr(X, "layout", "torch.strided")).removeprefix("torch.")
    if layout not in ("strided", "csr", "sparse_csr"):
        fix = "convert it to CSR: X.tocsr(), X.to_sparse_csr()"
        raise ArgumentTypeError(f"X is a sparse matrix of the layout {layout}; {fix}.")
    values = X if layout == "strided" else X.data if layout == "csr" else X.values()
    if layout != "strided" and not execute.is_on_device(values):
        raise ArgumentTypeError(
            "X is a sparse matrix of another library in host memory; pass it as one of scipy.sparse."
        )
    device = getattr(values, "device", None)
    if getattr(device, "type", "cuda") not in ("cpu", "cuda"):
        raise ArgumentTypeError(f"X is on the device {device}, where no kernels of fastgd run; {TO_HOST[3:]}.")
    return values


def _check_numbers(values: Any, shape: tuple[int, ...], found: Any) -> None:
    """Refuse values of another dtype, shape or size than estimators learn from."""
    if len(shape) != 2:
        raise ArgumentValueError(f"X must have two dimensions; got shape {shape}. Use X.reshape(-1, 1) or X[None].")
    try:
        accepted = dtype_of(values).name in ("float32", "float64")
    except TypeError:  # bfloat16
        accepted = False
    if not accepted:
        raise ArgumentTypeError(f"X on a GPU must be float32 or float64; got {values.dtype}. Convert it there.")
    for n, what in zip(shape, ("sample(s)", "feature(s)"), strict=True):
        if n == 0:
            raise ArgumentValueError(f"Found array with 0 {what} (shape={shape}) while a minimum of 1 is required.")
    with np.errstate(all="ignore"):
        if not found.isfinite(found.sum(values)) and not found.all(found.isfinite(values)):
            raise ArgumentValueError("Input X contains NaN or infinity.")
