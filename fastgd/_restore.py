"""Make a state again from what it exported: everything is checked, then everything is changed."""

from typing import Any

import numpy as np

from fastgd import _params
from fastgd import _validation as check
from fastgd._kernels import execute
from fastgd._params import Tree
from fastgd.optimizers._base import Optimizer, from_dict
from fastgd.state import State

NONNEGATIVE_SLOTS = frozenset(
    {"exp_avg_sq", "max_exp_avg_sq", "square_avg", "sum", "acc_delta", "exp_inf", "n", "step_size"}
)
"""State arrays that are sums or averages of squares or sizes: a negative element means that the file is not what it says."""


def restore(
    tensors: dict[str, np.ndarray],
    config: dict[str, Any],
    params: Tree,
    optimizer: Optimizer | None = None,
    **changes: Any,
) -> State:
    """Return the state that `State._export` described, over `params`, which take the stored values.

    Parameters
    ----------
    tensors : dict of str to ndarray
        Parameters (``"name.param"``) and state arrays (``"name.slot"``).
    config : dict
        The rest.
    params : array, list, tuple or dict
        Arrays of the stored names, shapes and dtypes.
    optimizer : Optimizer, optional
        Replaces the stored hyperparameters; of the same class and with the same state arrays.
    **changes
        Single hyperparameters to replace, such as ``lr=0.01``.
    """
    names, _, arrays = _checked_params(params, tensors)
    try:
        state = _described(config, names, params, optimizer, changes)
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        if isinstance(error, check.ArgumentTypeError):
            raise
        raise check.ArgumentValueError(f"the stored configuration is not one that fastgd writes ({error!r})") from error
    _check_tensors(tensors, state)
    for name, array in zip(names, arrays, strict=True):
        array[...] = tensors[f"{name}.param"]
    for name, array in state.arrays.items():
        array[...] = tensors[name]
    return state


def _checked_params(params: Tree, tensors: dict[str, np.ndarray]) -> tuple[list[str], list[Any], list[np.ndarray]]:
    """Check that the parameters have the stored names, shapes and dtypes."""
    names, leaves, arrays = _params.check_params(params)
    stored = {name.removesuffix(".param"): t for name, t in tensors.items() if name.endswith(".param")}
    missing, extra = [n for n in stored if n not in names], [n for n in names if n not in stored]
    if missing or extra:
        raise check.ArgumentValueError(
            f"params must have the stored names; stored but not given {missing}, given but not stored {extra}"
        )
    for name, array in zip(names, arrays, strict=True):
        if (array.shape, array.dtype) != (stored[name].shape, stored[name].dtype):
            raise check.ArgumentValueError(
                f"param {name!r} is {array.dtype} {array.shape}; stored is {stored[name].dtype} {stored[name].shape}"
            )
    return names, leaves, arrays


def _described(config: dict, names: list[str], params: Tree, given: Optimizer | None, changes: dict[str, Any]) -> State:
    """Return the state that the configuration describes, its arrays still empty; `params` are only looked at."""
    stored = from_dict(config["optimizer"])
    base = _replaced(stored, stored, given, changes)
    groups = [_replaced(from_dict(g), stored, given, changes) for g in config["groups"]]
    place = {name: k for k, name in enumerate(config["names"])}
    order = [place[name] for name in names]
    members = [config["members"][k] for k in order]
    if not all(isinstance(m, int) and 0 <= m < len(groups) for m in members):
        raise check.ArgumentValueError("the stored members name groups that do not exist")
    t = check.integer(config["t"], "load", "t", 0)
    state = State(base, groups, members, params)
    cohorts = [
        execute.Cohort(check.integer(g, "load", "group", 0), check.integer(age, "load", "age", 0), _carry(carry))
        for g, age, carry in config["cohorts"]
    ]
    own = [config["cohort_of"][k] for k in order]
    if not all(
        0 <= c < len(cohorts) and cohorts[c].group == m and cohorts[c].age <= t
        for c, m in zip(own, members, strict=True)
    ):
        raise check.ArgumentValueError("the stored step counts do not fit together")
    state._plan.set_cohorts(cohorts, own)
    state._plan.t = t
    state.skipped = check.integer(config["skipped"], "load", "skipped", 0)
    _restore_memory(state, config)
    return state


def _restore_memory(state: State, config: dict) -> None:
    """Give measured schedules their memory back; a schedule that was replaced starts afresh."""
    pairs = [*zip(state._groups, config["memory"], strict=True), (state._lead, config["lead_memory"])]
    for group, memory in pairs:
        if len(memory) == len(group.scheduled):
            group.memory = [
                m if s.is_stateful else s.start() for (_, _, s), m in zip(group.scheduled, memory, strict=True)
            ]
        group.advance(state.t)


def _carry(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_carry(v) for v in value)
    return None if value is None else check.real(value, "load", "carry")


def _replaced(group: Optimizer, stored: Optimizer, given: Optimizer | None, changes: dict[str, Any]) -> Optimizer:
    """Return a group's optimizer with the hyperparameters that `load` was asked to replace; the group's own overrides stay."""
    result = group
    if given is not None:
        if type(given) is not type(stored):
            raise check.ArgumentValueError(
                f"the file holds the state of {type(stored).__name__}, not of {type(given).__name__}; their state arrays differ"
            )
        kept = {k: getattr(group, k) for k in group.__dataclass_fields__ if getattr(group, k) != getattr(stored, k)}
        result = given.replace(**kept)
    result = result.replace(**changes) if changes else result
    if execute.slot_names(result._rule()) != execute.slot_names(group._rule()):
        raise check.ArgumentValueError(f"{result!r} keeps other state arrays than the stored {group!r}")
    return result


def _check_tensors(tensors: dict[str, np.ndarray], state: State) -> None:
    """Check names, shapes, dtypes and meaning of the stored arrays."""
    wanted = {**state.arrays, **{f"{name}.param": p for name, p in zip(state.names, state._params, strict=True)}}
    missing, extra = sorted(wanted.keys() - tensors.keys()), sorted(tensors.keys() - wanted.keys())
    if missing or extra:
        raise check.ArgumentValueError(
            f"the stored arrays do not fit {state.optimizer!r}: missing {missing}, extra {extra}"
        )
    for name, target in wanted.items():
        stored = tensors[name]
        if (stored.shape, stored.dtype) != (target.shape, target.dtype):
            raise check.ArgumentValueError(
                f"{name!r} is stored as {stored.dtype} {stored.shape}; it must be {target.dtype} {target.shape}"
            )
        bad = _params.first_nonfinite(stored)
        if bad is not None:
            raise check.ArgumentValueError(f"the stored {name!r} is {bad[1]} at index {bad[0]}; it must be finite")
        if name.rpartition(".")[2] in NONNEGATIVE_SLOTS and stored.size and stored.min() < 0:
            raise check.ArgumentValueError(f"the stored {name!r} holds {stored.min()}; it must be >= 0")
