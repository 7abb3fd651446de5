"""Make a state again from what it exported: everything is checked, then everything is changed."""

import math
from typing import Any

import numpy as np

from fastgd import _params, recovery
from fastgd import _validation as check
from fastgd._groups import Group
from fastgd._kernels import execute
from fastgd._params import Tree
from fastgd.optimizers import storage
from fastgd.optimizers._base import Optimizer, from_dict
from fastgd.state import State


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
        Parameters (by name) and state arrays (``"name.slot"``).
    config : dict
        The rest.
    params : array, list, tuple or dict
        Arrays of the stored names, shapes and dtypes.
    optimizer : Optimizer, optional
        Replaces the stored hyperparameters; of the same class and with the same state arrays.
    **changes
        Single hyperparameters to replace, such as ``lr=0.01``.
    """
    stored_names = config.get("names") if isinstance(config, dict) else None
    if not isinstance(stored_names, list) or not all(isinstance(name, str) for name in stored_names):
        raise check.value_error("load", "names", "a list of the parameters' names", stored_names)
    tensors, kept = recovery.parted(tensors)
    names, arrays = _checked_params(params, tensors, stored_names)
    try:
        state = _described(config, names, params, optimizer, changes)
        policy, known = recovery.checked(config.get("rollback"))
        before = _described(known["copy"], names, params, None, {}) if policy else None
    except (check.ArgumentTypeError, check.ArgumentValueError):
        raise
    except (KeyError, IndexError, TypeError, AttributeError, ValueError) as error:
        raise check.ArgumentValueError(f"the stored configuration is not one that fastgd writes ({error!r})") from error
    _check_tensors(tensors, state)
    if before is not None:
        _check_tensors(kept, before)
    for name, array in zip(names, arrays, strict=True):
        array[...] = tensors[name]
    for name, array in state.arrays.items():
        array[...] = tensors[name]
    if policy is not None:
        state.recovery = recovery.Recovery(policy, state)
        if (
            optimizer is None and not changes
        ):  # otherwise the loaded state is the good copy, and the rate is the one given
            state.recovery._resume(state, kept, known | {"copy": before._exported()[1] if before else None})
    return state


def _checked_params(
    params: Tree, tensors: dict[str, np.ndarray], stored_names: list[str]
) -> tuple[list[str], list[np.ndarray]]:
    """Check that the parameters have the stored names, shapes and dtypes."""
    names, _, arrays = _params.check_params(params)
    missing, extra = [n for n in stored_names if n not in names], [n for n in names if n not in stored_names]
    if missing or extra:
        raise check.ArgumentValueError(
            f"params must have the stored names; stored but not given {missing}, given but not stored {extra}"
        )
    for name, array in zip(names, arrays, strict=True):
        stored = tensors.get(name)
        if stored is None:
            raise check.ArgumentValueError(f"the file has no array for param {name!r}")
        if (array.shape, array.dtype) != (stored.shape, stored.dtype):
            raise check.ArgumentValueError(
                f"param {name!r} is {array.dtype} {array.shape}; stored is {stored.dtype} {stored.shape}"
            )
    return names, arrays


def _described(config: dict, names: list[str], params: Tree, given: Optimizer | None, changes: dict[str, Any]) -> State:
    """Return the state that the configuration describes, its arrays still empty; `params` are only looked at."""
    stored, stored_groups = from_dict(config["optimizer"]), [from_dict(g) for g in config["groups"]]
    if any(type(g) is not type(stored) for g in stored_groups):
        raise check.ArgumentValueError("the stored groups are of another class than the stored optimizer")
    if sorted(config["names"]) != sorted(names):
        raise check.ArgumentValueError(f"the stored names {config['names']} are not those of the stored arrays")
    order = [config["names"].index(name) for name in names]
    members = [config["members"][k] for k in order]
    if not all(isinstance(m, int) and 0 <= m < len(stored_groups) for m in members):
        raise check.ArgumentValueError("the stored members name groups that do not exist")
    t = _count(config["t"], "t")
    groups = [_replaced(g, stored, given, changes) for g in stored_groups]
    every = _count(config.get("monitor", 0), "monitor")
    state = State(_replaced(stored, stored, given, changes), groups, members, params, every)
    cohorts = [_cohort(entry, groups, t) for entry in config["cohorts"]]
    own = [config["cohort_of"][k] for k in order]
    if not all(isinstance(c, int) and 0 <= c < len(cohorts) for c in own):
        raise check.ArgumentValueError("the stored cohort_of names cohorts that do not exist")
    if any(cohorts[c].group != m for c, m in zip(own, members, strict=True)):
        raise check.ArgumentValueError("the stored cohorts and members do not agree")
    state._plan.set_cohorts(cohorts, own)
    state._plan.t = t
    # What a limit of another kind remembers means something else.
    same_limit = type(stored.clip_norm) is type(state.optimizer.clip_norm)
    state._around.resume(t, config.get("norms", []) if same_limit else [])
    state.skipped = _count(config["skipped"], "skipped")
    state._memories = [
        _remembered(group, before, memories, t)
        for group, before, memories in zip(
            (*state._groups, state._lead),
            (*stored_groups, stored),
            (*config["memory"], config["lead_memory"]),
            strict=True,
        )
    ]
    return state


def _count(value: Any, name: str) -> int:
    """Return a stored count, which must be an integer from 0 to 2**53."""
    if check.integer(value, "load", name, 0) > 2**53:
        raise check.value_error("load", name, "an integer from 0 to 2**53", value)
    return value


def _cohort(entry: Any, groups: list[Optimizer], t: int) -> execute.Cohort:
    """Return a stored cohort: its group, its age, and what its next step needs to know of the past."""
    if not isinstance(entry, list) or len(entry) != 3:
        raise check.value_error("load", "cohorts", "a list of [group, age, carry]", entry)
    group, age = _count(entry[0], "group"), _count(entry[1], "age")
    if group >= len(groups) or age > t:
        raise check.ArgumentValueError(f"the stored cohort {entry} names no group, or more steps than the {t} done")
    carry = tuple(entry[2]) if isinstance(entry[2], list) else entry[2]
    groups[group]._check_carry(age, carry)
    return execute.Cohort(group, age, carry)


def _remembered(group: Group, stored: Optimizer, memories: Any, t: int) -> list:
    """Return the memories of a group's schedules: the stored ones; a schedule that was replaced starts afresh."""
    before = stored.schedules()
    if not isinstance(memories, list) or len(memories) != len(before):
        raise check.value_error("load", "memory", f"a list of {len(before)} memories of schedules", memories)
    known = {}
    for (name, k, schedule), memory in zip(before, memories, strict=True):
        if not _fits(memory, schedule.start()):
            raise check.value_error("load", "memory", f"shaped like {schedule.start()}", memory)
        known[name, k, schedule] = memory
    remembered = [known.get(entry, entry[2].start()) for entry in group.scheduled]
    group.advance(t, remembered)
    return remembered


def _fits(memory: Any, start: Any) -> bool:
    """Say whether a stored memory has the structure of a starting one: counts are counts, numbers are finite or not yet known."""
    if isinstance(start, (list, tuple)):
        return (
            isinstance(memory, list)
            and len(memory) == len(start)
            and all(_fits(m, s) for m, s in zip(memory, start, strict=True))
        )
    if isinstance(start, int):
        return type(memory) is int and memory >= 0
    return memory is None or (type(memory) in (int, float) and math.isfinite(memory))


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
    if result.state_dtype != group.state_dtype:
        fix = "Load it as it was stored, or begin anew with optimizer.init(params)."
        raise check.value_error("load", "state_dtype", f"{group.state_dtype!r}, as stored", result.state_dtype, fix)
    if execute.slot_names(result._rule()) != execute.slot_names(group._rule()):
        raise check.ArgumentValueError(f"{result!r} keeps other state arrays than the stored {group!r}")
    return result


def _check_tensors(tensors: dict[str, np.ndarray], state: State) -> None:
    """Check names, shapes, dtypes and meaning of the stored arrays."""
    wanted = {**state.arrays, **dict(zip(state.names, state._params, strict=True))}
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
        slot = name.rpartition(".")[2]
        nonnegative = slot in state.optimizer.nonnegative or slot.endswith(storage.SCALE)
        if nonnegative and stored.size and stored.min() < 0:
            raise check.ArgumentValueError(f"the stored {name!r} holds {stored.min()}; it must be >= 0")
