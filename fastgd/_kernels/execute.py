"""Where arrays live and what runs on them: the only module that asks.

At import it chooses the highest processor level that was built and that this machine runs, or the one that ``FASTGD_CPU`` names.
"""

import functools
import importlib
import importlib.util
import inspect
import os
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from fastgd._kernels import _drive, _openmp, rules  # type: ignore[attr-defined]
from fastgd._kernels._kept import Kept  # type: ignore[attr-defined]
from fastgd._kernels._plan import Bundle, Cohort, Plan
from fastgd._kernels._scatter import scatter_rows  # type: ignore[attr-defined]

__all__ = [
    "BYTES_BLOCK",
    "CODES",
    "Cohort",
    "Plan",
    "addresses",
    "compute_dtype",
    "copy_of",
    "count_beyond",
    "following",
    "host",
    "hyper_names",
    "info",
    "is_on_device",
    "kept",
    "lane_table",
    "memory_order",
    "network_table",
    "online_table",
    "param_views",
    "plan",
    "scatter_rows",
    "slot_names",
    "square_sum",
    "sweep_address",
    "text_table",
    "thread_limit",
    "transforms",
    "zeros",
]

CODES = _drive.CODES
MOST_SLOTS, MOST_SCALARS = _drive.MOST_SLOTS, _drive.MOST_SCALARS
BYTES_BLOCK = _drive.ELEMENTS_PER_SCALE
SAFE_SQUARES: tuple[float, float] = _drive.SAFE_SQUARES
LEVELS = {"baseline": 1, "v3": 3, "v4": 4}


def _built_levels() -> list[str]:
    """Return the levels whose modules exist and that this processor runs, lowest first."""
    best = _drive.best_level()
    wanted = [name for name, level in LEVELS.items() if level <= best]
    return [name for name in wanted if importlib.util.find_spec(f"fastgd._kernels.{name}._sweeps")]


def _choose_level() -> str:
    forced = os.environ.get("FASTGD_CPU", "")
    available = _built_levels()
    if not forced:
        return available[-1]
    if forced not in available:
        raise ImportError(
            f"FASTGD_CPU={forced!r} must be one of {', '.join(available)} on this machine; unset it to let fastgd choose"
        )
    return forced


def load_level(level: str) -> tuple[dict, dict, dict]:
    """Return the tables of one level's compiled loops: update rules, losses, block functions."""
    sweeps = importlib.import_module(f"fastgd._kernels.{level}._sweeps")
    blocks = importlib.import_module(f"fastgd._kernels.{level}._blocks")
    return sweeps.RULES, sweeps.LOSSES, blocks.BLOCKS


LEVEL = _choose_level()
RULES, LOSSES, BLOCKS = load_level(LEVEL)
MEASURES = importlib.import_module(f"fastgd._kernels.{LEVEL}._sweeps").MEASURES
_drive.use_level(BLOCKS)


class LaneTable(NamedTuple):
    """The lane kernels of one processor level; see ``_lanes.pyx``, ``_batches.pyx`` and ``_margins.pyx``."""

    Block: Any
    STATE: dict[str, int]
    N_STATE: int
    LOSSES: dict[tuple[str, str, int], int]
    SLOPES: dict[tuple[str, str], int]
    Batches: Any
    BATCH_STATE: dict[str, int]
    N_BATCH_STATE: int
    RULES: dict[tuple[str, str, int], int]
    product: Any
    loss_along: Any


@functools.cache
def lane_table(level: str = LEVEL) -> LaneTable:
    """Return the lane kernels of a processor level, loaded on first use."""
    lanes = importlib.import_module(f"fastgd._kernels.{level}._lanes")
    losses = importlib.import_module(f"fastgd._kernels.{level}._lane_losses")
    batches = importlib.import_module(f"fastgd._kernels.{level}._batches")
    rules = importlib.import_module(f"fastgd._kernels.{level}._lane_rules")
    rows = lanes.Block, lanes.STATE, lanes.N_STATE, losses.LANE_LOSSES, losses.LANE_SLOPES
    margins = importlib.import_module(f"fastgd._kernels.{level}._margins")
    rays = margins.product, margins.loss_along
    return LaneTable(*rows, batches.Batches, batches.STATE, batches.N_STATE, rules.LANE_RULES, *rays)


class OnlineTable(NamedTuple):
    """The kernels of updates by single rows, the same for every processor; see ``_online.pyx``."""

    Online: Any
    CELL: tuple[str, ...]
    LANE: tuple[str, ...]
    MOVES: dict[str, int]


@functools.cache
def online_table() -> OnlineTable:
    """Return the kernels of updates by single rows, loaded on first use."""
    kernels = importlib.import_module("fastgd._kernels._online")
    return OnlineTable(**{name: getattr(kernels, name) for name in OnlineTable._fields})


class NetworkTable(NamedTuple):
    """The network kernels of one processor level; see ``_network.pyx``."""

    Networks: Any
    KINDS: dict[str, int]
    FIELDS: dict[str, int]
    MEASURES: dict[str, int]
    N_SUMS: int
    N_REPORTS: int
    SLACK: int
    N_MEASURED: int
    LEAST_ROWS: int
    MOST_GROUPS: int
    ACTIVATIONS: dict[tuple[str, str], int]


@functools.cache
def network_table(level: str = LEVEL) -> NetworkTable:
    """Return the network kernels of a processor level, loaded on first use."""
    kernels = importlib.import_module(f"fastgd._kernels.{level}._network")
    activations = importlib.import_module(f"fastgd._kernels.{level}._activations")
    found = {name: getattr(kernels, name) for name in NetworkTable._fields if name != "ACTIVATIONS"}
    return NetworkTable(**found, ACTIVATIONS=activations.ACTIVATIONS)


class TextTable(NamedTuple):
    """The reader of libsvm text of one processor level; see ``_libsvm.pyx``."""

    Flaw: Any
    PADDING: int
    count: Callable
    parse: Callable


@functools.cache
def text_table(level: str = LEVEL) -> TextTable:
    """Return the reader of libsvm text of a processor level, loaded on first use."""
    reader = importlib.import_module(f"fastgd._kernels.{level}._libsvm")
    return TextTable(*(getattr(reader, name) for name in TextTable._fields))


def compute_dtype(dtype: np.dtype) -> np.dtype:
    """Return the dtype in which parameters of `dtype` are computed: their own, or float32 for the 16-bit ones."""
    return np.dtype(np.float64) if dtype == np.float64 else np.dtype(np.float32)


def slot_names(rule: Callable) -> tuple[str, ...]:
    """Return the names of a rule's state arrays: its positional-only arguments after ``p, g``."""
    parameters = inspect.signature(rule).parameters.values()
    return tuple(p.name for p in parameters if p.kind is p.POSITIONAL_ONLY)[2:]


def hyper_names(rule: Callable) -> tuple[str, ...]:
    """Return the names of what is fixed for a step: a rule's arguments after the slash."""
    parameters = inspect.signature(rule).parameters.values()
    return tuple(p.name for p in parameters if p.kind is not p.POSITIONAL_ONLY)


def sweep_address(rule: Callable, dtype: np.dtype) -> int:
    """Return the address of a rule's compiled loop: ahead of time for our own rules, by Numba for users' rules."""
    if getattr(rules, rule.__name__, None) is rule:
        return RULES[rule.__name__, dtype.name]
    from fastgd._kernels import jit

    return jit.compile_sweep(rule, dtype).address


@functools.cache
def stored_table(level: str = LEVEL) -> dict[tuple[str, str], int]:
    """Return the rules over state arrays of fewer bits of one processor level, loaded on first use; see `emit_stored`."""
    return importlib.import_module(f"fastgd._kernels.{level}._stored_sweeps").STORED


def addresses(rule: Callable, measure: Callable | None, dtype: np.dtype, states: list) -> tuple[int, int]:
    """Return the addresses of the compiled loops of a rule, over such state arrays, and of its measure, 0 where it has none."""
    stored = {a.dtype.name for a in states}
    for how, name in (("int8", "int8"), ("int8", "uint8"), ("bfloat16", "bfloat16")):
        if name in stored:
            return stored_table()[rule.__name__, how], 0
    return sweep_address(rule, dtype), MEASURES[measure.__name__, dtype.name] if measure is not None else 0


def memory_order(array: np.ndarray) -> tuple[int, ...]:
    """Return the axes in the order in which the array lies in memory, outermost first."""
    return tuple(sorted(range(array.ndim), key=lambda axis: -abs(array.strides[axis])))


def is_on_device(leaf: Any) -> bool:
    """Say whether an array lies in CUDA memory, whoever made it; NumPy's never do."""
    if isinstance(leaf, np.ndarray) or not any(hasattr(leaf, name) for name in DEVICE_MARKS):
        return False
    from fastgd._kernels import cuda_arrays

    return cuda_arrays.is_on_device(leaf)


DEVICE_MARKS = ("__dlpack_device__", "__cuda_array_interface__", "is_cuda")


def host(array: Any) -> np.ndarray:
    """Return an array of a state as NumPy has it: itself, or a copy of what is on a GPU."""
    return array if isinstance(array, np.ndarray) else np.asarray(array)


def param_views(names: list[str], leaves: list[Any]) -> list[Any]:
    """Return views of parameters on a GPU, or raise what is wrong with the first bad one; only their values are not looked at."""
    from fastgd._kernels import cuda_arrays

    views = [cuda_arrays.view(f"param {name!r}", leaf, True) for name, leaf in zip(names, leaves, strict=True)]
    cuda_arrays.refuse_overlaps(names, views)
    return views


def zeros(like: Any, dtype: np.dtype, shape: tuple[int, ...] | None = None) -> Any:
    """Return zeros of an array's shape, in the order in which its elements lie in memory, or of another shape, where it lies."""
    if isinstance(like, np.ndarray) and shape is not None:
        return np.zeros(shape, dtype)
    if isinstance(like, np.ndarray):
        axes = memory_order(like)
        return np.zeros([like.shape[axis] for axis in axes], dtype).transpose(np.argsort(axes))
    from fastgd._kernels import cuda_arrays

    return cuda_arrays.zeros(like.shape if shape is None else shape, dtype)


def plan(
    tree: Any,
    leaves: list,
    arrays: list,
    states: list,
    kernels: list[tuple],
    members: list[int],
    guard: Any,
    factors: Any = (),
) -> Any:
    """Return the plan of a state, made for where its arrays live.

    Parameters
    ----------
    tree, leaves, arrays, states, guard
        See `Plan`.
    kernels : list of (rule, measure)
        Of each parameter; the measure may be None.
    members : list of int
        Each parameter's group.
    factors : list of dict
        The state arrays of each parameter that are not of its shape, which only plans on a GPU change.
    """
    if not isinstance(arrays[0], np.ndarray) and any(factors):
        from fastgd._kernels.cuda_factored import FactoredPlan

        parts = {"tree": tree, "leaves": leaves, "arrays": arrays, "states": states, "kernels": kernels}
        return FactoredPlan(factors, **parts, groups=members, guard=guard)
    if not isinstance(arrays[0], np.ndarray):
        from fastgd._kernels.cuda_plan import CudaPlan

        return CudaPlan(tree, leaves, arrays, states, kernels, members, guard)
    axes, codes = [memory_order(a) for a in arrays], [CODES[a.dtype.name] for a in arrays]
    loops = [
        addresses(rule, measure, compute_dtype(a.dtype), slots)
        for (rule, measure), a, slots in zip(kernels, arrays, states, strict=True)
    ]
    return Plan(tree, leaves, arrays, axes, codes, states, loops, members, guard, thread_limit)


def square_sum(arrays: list) -> float:
    """Return the sum of all squares, in float64, over fixed blocks and a fixed tree."""
    if arrays and not isinstance(arrays[0], np.ndarray):
        from fastgd._kernels import cuda_tables

        return cuda_tables.square_sum(arrays)
    codes = [CODES[a.dtype.name] for a in arrays]
    return Bundle(arrays, [memory_order(a) for a in arrays], codes, thread_limit).square_sum()


def following(averages: list, weights: list) -> Any:
    """Return what moves averages on a GPU towards the weights there; None in host memory, where a plan does it."""
    if isinstance(weights[0], np.ndarray):
        return None
    from fastgd._kernels.cuda_averages import Following

    return Following(averages, weights)


def copy_of(array: Any) -> Any:
    """Return a copy of an array, where it is."""
    if isinstance(array, np.ndarray):
        return array.copy(order="K")
    from fastgd._kernels import cuda_arrays, cuda_memory

    cuda_memory.wait()
    found = cuda_arrays.copy_of(array)
    cuda_memory.wait()
    return found


def kept(plan: Any, arrays: list) -> Any:
    """Copy what the bound gradients of a plan will move of its parameters, where that is; its `put_back()` undoes trial steps."""
    if isinstance(arrays[0], np.ndarray):
        return Kept([arrays[i] for i, _ in plan.live_gradients()])
    plan.keep()
    return plan


def transforms(works: list[list[tuple]], plan: Any) -> Any:
    """Return what changes the gradients of a plan on a GPU as extras say it: see `Extra._unit_work`."""
    from fastgd._kernels import cuda_units

    return cuda_units.Transforms([[cuda_units.Work(*work) for work in each] for each in works], plan)


def count_beyond(plan: Any, arrays: list, limits: list[float]) -> list[int]:
    """Return how many elements of each array, gradients of a plan, exceed its limit, in absolute value."""
    if not isinstance(arrays[0], np.ndarray):
        from fastgd._kernels import cuda_looks

        return cuda_looks.count_beyond(arrays, limits, plan.stream)
    return [int(np.count_nonzero(np.abs(a) > limit)) for a, limit in zip(arrays, limits, strict=True)]


def _cgroup_quota() -> int | None:
    """Return the processors that the container's CPU quota allows, or None where there is no quota."""
    try:
        with open("/sys/fs/cgroup/cpu.max") as file:
            quota, period = file.read().split()
        return None if quota == "max" else max(1, -(-int(quota) // int(period)))
    except (OSError, ValueError):
        return None


def _default_threads() -> int:
    """Return the processors this process may use: affinity, then the container's quota."""
    affinity = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(affinity, _cgroup_quota() or affinity)


DEFAULT_THREADS = _default_threads()
_OPENMP_AT_IMPORT = _openmp.openmp_threads()


def thread_limit() -> int:
    """Return how many threads one call may use: what OpenMP is allowed, and unless that was set by someone, what the machine allows."""
    allowed = _openmp.openmp_threads()
    if allowed == 0:
        stated = os.environ.get("OMP_NUM_THREADS", "")
        return int(stated) if stated.isdigit() and int(stated) > 0 else DEFAULT_THREADS
    if allowed == _OPENMP_AT_IMPORT and "OMP_NUM_THREADS" not in os.environ:
        return min(allowed, DEFAULT_THREADS)
    return allowed


def info() -> dict[str, object]:
    """Say what this installation runs on.

    Returns
    -------
    dict
        ``version``; ``cpu``, the chosen processor level; ``cpu_available``, all that run here; ``threads``, how many one call may use;
        ``openmp``, whether OpenMP's limits (``OMP_NUM_THREADS``, threadpoolctl) are seen; ``numpy`` and ``python``, their versions.

    Examples
    --------
    >>> import fastgd
    >>> fastgd.info()["cpu"] in fastgd.info()["cpu_available"]
    True
    """
    import platform

    import fastgd

    return {
        "version": fastgd.__version__,
        "cpu": LEVEL,
        "cpu_available": _built_levels(),
        "threads": thread_limit(),
        "openmp": _OPENMP_AT_IMPORT > 0,
        "numpy": np.__version__,
        "python": platform.python_version(),
    }
