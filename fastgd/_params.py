"""Parameters and gradients as users give them: trees of arrays, their names, and what can be wrong with them."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from fastgd import _validation as check
from fastgd._kernels import execute

Tree = Any
"""One ndarray, or a list, tuple or dict (nested) of ndarrays."""


def leaves(tree: Tree, path: tuple = ()) -> Iterator[tuple[str, Any]]:
    """Yield (name, leaf) of a tree, in order; the name is the path joined by dots, ``"param"`` for a single array."""
    if isinstance(tree, dict):
        for key, branch in tree.items():
            yield from leaves(branch, (*path, key))
    elif isinstance(tree, (list, tuple)):
        for k, branch in enumerate(tree):
            yield from leaves(branch, (*path, k))
    elif isinstance(tree, (set, frozenset)) or (hasattr(tree, "__next__") and not isinstance(tree, np.ndarray)):
        raise check.type_error("", "params", "an array or a list, tuple or dict of arrays", tree, "It needs an order.")
    else:
        yield joined(path), tree


def arranged(tree: Tree, arrays: Iterator[np.ndarray]) -> Tree:
    """Return the arrays, one for each leaf in order, in the arrangement of a tree."""
    if isinstance(tree, dict):
        return {key: arranged(branch, arrays) for key, branch in tree.items()}
    if isinstance(tree, (list, tuple)):
        branches = [arranged(branch, arrays) for branch in tree]
        return branches if isinstance(tree, list) else tuple(branches)
    return next(arrays)


def joined(path: tuple) -> str:
    """Return the name of the leaf at a path."""
    return ".".join(str(key) for key in path) if path else "param"


def plain_view(name: str, leaf: Any, role: str) -> np.ndarray:
    """Return the leaf as a base-class ndarray over the same memory, or raise the error that says what it should be."""
    subject = f"{role} {name!r}"
    if not isinstance(leaf, np.ndarray):
        kind = type(leaf).__name__
        hint = "np.asarray(...) once, and keep the array"
        if kind in ("Tensor", "Parameter"):
            hint = ".detach().numpy()"
        elif hasattr(leaf, "toarray"):
            hint = ".toarray(): sparse arrays are not updated or read here"
        raise check.ArgumentTypeError(f"{subject} is a {kind}; it must be a NumPy array. Use {hint}.")
    if isinstance(leaf, (np.ma.MaskedArray, np.matrix)):
        raise check.ArgumentTypeError(f"{subject} is a {type(leaf).__name__}; use a plain ndarray: np.asarray(...)")
    return leaf if type(leaf) is np.ndarray else leaf.view(np.ndarray)


def check_dtype(subject: str, dtype: np.dtype) -> None:
    """Raise for a dtype that cannot be trained, with the conversion that helps."""
    if dtype.name in execute.CODES and dtype.isnative:
        return
    if dtype.name in execute.CODES:
        fix = "convert it with .astype(x.dtype.newbyteorder('='))"
    else:
        fix = "use float32 or float64 (float16 and bfloat16 work too)"
    raise check.ArgumentTypeError(f"{subject} has dtype {dtype}; {fix}")


def first_nonfinite(array: np.ndarray) -> tuple[tuple[int, ...], float] | None:
    """Return index and value of the first element that is NaN or infinite, or None."""
    flat = execute.host(array).reshape(-1)  # a copy where the array is not contiguous
    for start in range(0, array.size, 1 << 20):
        block = flat[start : start + (1 << 20)]
        with np.errstate(invalid="ignore"):  # a signalling NaN of bfloat16
            bad = np.flatnonzero(~np.isfinite(block))
        if bad.size:
            index = np.unravel_index(start + int(bad[0]), array.shape)
            return tuple(int(k) for k in index), float(block[bad[0]])
    return None


def refuse_nonfinite(subject: str, array: np.ndarray, consequence: str) -> None:
    """Raise, naming the index, where an array holds NaN or infinity."""
    bad = first_nonfinite(array)
    if bad is not None:
        raise check.NonFiniteError(f"{check.shortened(subject, 120)} is {bad[1]} at index {bad[0]}{consequence}")


def count_nonfinite(array: np.ndarray) -> int:
    """Return how many elements are NaN or infinite."""
    with np.errstate(invalid="ignore"):
        return int(array.size - np.count_nonzero(np.isfinite(array)))


def _may_overlap_itself(array: np.ndarray) -> bool:
    """Say whether two indices of an array may share memory: sort the axes by stride; each must step over all smaller ones."""
    span = array.itemsize
    for length, stride in sorted(
        ((n, abs(s)) for n, s in zip(array.shape, array.strides, strict=True) if n > 1), key=lambda a: a[1]
    ):
        if stride < span:
            return True
        span += (length - 1) * stride
    return False


def _overlaps_itself(array: np.ndarray) -> bool:
    if array.size < 2 or not _may_overlap_itself(array):
        return False
    offsets = np.zeros((), np.int64)
    for length, stride in zip(array.shape, array.strides, strict=True):
        offsets = offsets[..., None] + np.arange(length) * stride
    offsets = np.sort(offsets.reshape(-1))
    return bool((np.diff(offsets) < array.itemsize).any())


def check_param(name: str, leaf: Any) -> np.ndarray:
    """Return a parameter as a plain array, or raise what is wrong with it."""
    array = plain_view(name, leaf, "param")
    check_dtype(f"param {name!r}", array.dtype)
    if not array.flags.writeable:
        raise check.ArgumentValueError(
            f"param {name!r} is read-only; it is updated in place: pass a writeable array, e.g. .copy()"
        )
    refuse_nonfinite(f"param {name!r}", array, "; parameters must be finite")
    return array


def share_memory(a: np.ndarray, b: np.ndarray) -> bool:
    """Say whether two arrays share an element; where that is too hard to decide, say that they do."""
    try:
        return np.shares_memory(a, b, max_work=1_000_000)  # type: ignore[arg-type]
    except (np.exceptions.TooHardError, OverflowError):
        return True


def check_distinct(role: str, names: list[str], arrays: list[np.ndarray]) -> None:
    """Raise where an array that is to be changed shares memory with another one, or within itself; name them."""
    from numpy.lib.array_utils import byte_bounds

    for name, array in zip(names, arrays, strict=True):
        if _overlaps_itself(array):
            raise check.ArgumentValueError(
                f"{role} {name!r} has elements that share memory (strides {array.strides}): pass a .copy()"
            )
    spans = sorted((byte_bounds(a), k) for k, a in enumerate(arrays) if a.size)
    reaching: list[tuple[int, int]] = []
    for (low, high), k in spans:
        reaching = [(end, other) for end, other in reaching if end > low]
        for _, other in reaching:
            if share_memory(arrays[k], arrays[other]):
                first, second = sorted((k, other))
                raise check.ArgumentValueError(
                    f"{role}s {names[first]!r} and {names[second]!r} share memory; each would be updated twice"
                )
        reaching.append((high, k))


def check_params(tree: Tree) -> tuple[list[str], list[Any], list[np.ndarray]]:
    """Return names, leaves and plain arrays of a tree of parameters, or raise what is wrong with the first bad one."""
    named = list(leaves(tree))
    if not named:
        raise check.value_error("", "params", "at least one array", tree)
    names = [name for name, _ in named]
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise check.value_error(
                "", "params", "a tree whose paths are distinct when joined by dots", name, "Rename one of the two."
            )
        seen.add(name)
    leaf_list = [leaf for _, leaf in named]
    on_device = [execute.is_on_device(leaf) for leaf in leaf_list]
    if any(on_device):
        return names, leaf_list, _device_params(names, leaf_list, on_device)
    arrays = [check_param(name, leaf) for name, leaf in named]
    check_distinct("param", names, arrays)
    return names, leaf_list, arrays


def _device_params(names: list[str], leaf_list: list[Any], on_device: list[bool]) -> list[Any]:
    """Return views of parameters that are on a GPU, all of them, or raise."""
    if not all(on_device):
        there, here = names[on_device.index(True)], names[on_device.index(False)]
        raise check.ArgumentTypeError(
            f"param {there!r} is on a GPU, param {here!r} in host memory; give each place a state of its own"
        )
    views = execute.param_views(names, leaf_list)
    if not np.isfinite(execute.square_sum(views)):
        for name, found in zip(names, views, strict=True):
            refuse_nonfinite(f"param {name!r}", found, "; parameters must be finite")
    return views


class Guard:
    """Words the errors that the compiled plan notices, and lets through what it could not use as it was."""

    def __init__(
        self,
        names: list[str],
        arrays: list[np.ndarray],
        states: list[list[np.ndarray]],
        options: list[tuple[str, list[str]]],
    ):
        self.names, self.arrays, self.states, self.options = names, arrays, states, options

    def busy(self) -> None:
        """Raise: another thread, or a signal handler, is in the middle of a step of this state."""
        raise check.ConcurrentStepError(
            "this optimizer state is in the middle of another step; give each thread its own state"
        )

    def changed(self, i: int) -> None:
        """Raise: parameter i is no longer the array it was at init."""
        raise check.ArgumentValueError(
            f"param {self.names[i]!r} was resized, replaced or made read-only since init(); call init() again for the new arrays"
        )

    def structure(self, path: tuple, tree: Tree, gradients: Any) -> None:
        """Raise: the gradients are not arranged as the parameters are."""
        where = f" at {joined(path)!r}" if path else ""
        if not isinstance(gradients, (list, tuple, dict)) or isinstance(gradients, dict) != isinstance(tree, dict):
            got = f"a {type(gradients).__name__}" + (f" of {len(gradients)}" if hasattr(gradients, "__len__") else "")
            wanted = f"a {type(tree).__name__} of {len(tree)}" if isinstance(tree, (list, tuple, dict)) else "one array"
            raise check.ArgumentTypeError(f"grads{where} must be arranged as params: {wanted}; got {got}")
        if isinstance(tree, dict) and isinstance(gradients, dict):
            missing, extra = [k for k in tree if k not in gradients], [k for k in gradients if k not in tree]
            message = f"grads{where} must have the keys of params; missing {missing}, unexpected {extra}"
        else:
            message = f"grads{where} must be arranged as params: {len(tree)} entries; got {len(gradients)}"
        raise check.ArgumentValueError(f"{message}. Pass None where there is no gradient.")

    def overlap(self, i: int, gradient: np.ndarray) -> None:
        """Raise if a gradient shares memory with a parameter or state array; return if they only interleave."""
        for name, array, slots in zip(self.names, self.arrays, self.states, strict=True):
            if any(share_memory(gradient, other) for other in (array, *slots)):
                raise check.ArgumentValueError(
                    f"grad of {self.names[i]!r} shares memory with param {name!r} or its state, which the step overwrites: pass a .copy()"
                )

    def scalar(self, group: int, k: int, value: float) -> None:
        """Raise if the k-th hyperparameter of a group's rule cannot be computed with in float32; return if it merely rounds to 0."""
        owner, names = self.options[group]
        if value != value or abs(value) > 1:
            accepted = "such that the step can be computed in float32"
            raise check.value_error(owner, names[k], accepted, value, "Use float64 parameters, or another value.")
        if names[k] == "eps":
            raise check.value_error(owner, "eps", "greater than 0 in float32, in which the step is computed", value)

    def gradient(self, i: int, gradient: Any, cast: bool) -> np.ndarray:
        """Return a gradient in the form that the plan can use, or raise what is wrong with it."""
        name, param = self.names[i], self.arrays[i]
        # NumPy's arithmetic on 0-d arrays returns scalars
        array = np.asarray(gradient) if isinstance(gradient, np.generic) else plain_view(name, gradient, "grad of")
        if array.shape != param.shape:
            raise check.ArgumentValueError(
                f"grad of {name!r} has shape {array.shape}; the param has shape {param.shape}"
            )
        if array.dtype == param.dtype and array.dtype.isnative:
            return array
        if not cast or (array.dtype.kind not in "fiu" and array.dtype.name != "bfloat16"):
            fix = (
                ""
                if array.dtype.kind not in "fiu"
                else "; pass step(grads, cast=True) to convert it, or .astype() once"
            )
            raise check.ArgumentTypeError(
                f"grad of {name!r} has dtype {array.dtype}; the param has dtype {param.dtype}{fix}"
            )
        with np.errstate(over="ignore", invalid="ignore"):
            return array.astype(param.dtype)
