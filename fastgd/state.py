"""The state of an optimizer: the parameters it updates, its arrays, and where it is in its schedules."""

import math
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from fastgd import _params
from fastgd import _validation as check
from fastgd._arrays import Arrays
from fastgd._groups import Group, overridden
from fastgd._kernels import execute
from fastgd._params import Tree
from fastgd.clipping import SAFE, SMALLEST_FACTOR, norm_of, scaled, scaled_norm
from fastgd.optimizers._base import Optimizer


class StepInfo(NamedTuple):
    """What one step did.

    Examples
    --------
    >>> import fastgd, numpy as np
    >>> info = fastgd.SGD(lr=0.5, clip_norm=1.0).init(np.zeros(2)).step(np.array([3.0, 4.0]))
    >>> info.t, info.lr, info.grad_norm, info.clipped
    (0, 0.5, 5.0, True)
    """

    t: int
    """The 0-based number of the step."""
    lr: float
    """The learning rate of the step."""
    grad_norm: float
    """The Euclidean norm of all gradients before clipping; NaN where it was not needed (``on_nonfinite="zero"`` without `clip_norm`)."""
    clipped: bool
    """Whether `clip_norm` scaled the gradients."""
    skipped: bool
    """Whether nothing was updated: no gradient at all, or a non-finite one under ``on_nonfinite="skip"``."""
    nonfinite: int
    """How many gradient elements were NaN or infinite."""


class State:
    """The running state of an optimizer over the caller's own arrays; made by `Optimizer.init` or `fastgd.load`.

    Attributes
    ----------
    optimizer : Optimizer
        What was asked for, durations resolved to steps.
    params : array, list, tuple or dict
        The parameters as given; every step writes into these arrays.
    names : list of str
        The parameters' names, in order.
    arrays : Mapping
        The state arrays by name, ``"weight.exp_avg"``: float64 for float64 parameters, else float32, of the parameter's shape.
    skipped : int
        How many steps the ``on_nonfinite="skip"`` policy has left out.

    Examples
    --------
    >>> import fastgd, numpy as np
    >>> w = np.array([1.0, -2.0])
    >>> state = fastgd.SGD(lr=fastgd.schedules.linear(0.1, 10)).init(w)
    >>> info = state.step(2 * w)
    >>> w, state.t, state.lr
    (array([ 0.8, -1.6]), 1, 0.09)
    """

    def __init__(self, optimizer: Optimizer, groups: list[Optimizer], members: list[int], params: Tree):
        self.names, leaves, self._params = _params.check_params(params)
        self.optimizer, self.params, self.skipped = optimizer, params, 0
        self._groups = [Group(g) for g in groups]
        self._lead = next((g for g in self._groups if g.optimizer == optimizer), None) or Group(optimizer)
        self._memories = [g.start() for g in (*self._groups, self._lead)]
        self._members = members
        compute = [execute.compute_dtype(p.dtype) for p in self._params]
        axes = [execute.memory_order(p) for p in self._params]
        self._check_eps(compute)
        states = [
            [_params.zeros_in_order(p, order, dtype) for _ in execute.slot_names(self._groups[m].rule)]
            for p, order, dtype, m in zip(self._params, axes, compute, members, strict=True)
        ]
        self.arrays = Arrays(
            {
                f"{name}.{slot}": array
                for name, m, slots in zip(self.names, members, states, strict=True)
                for slot, array in zip(execute.slot_names(self._groups[m].rule), slots, strict=True)
            }
        )
        for name in self.names:
            if name in self.arrays:
                fix = "Rename the parameter: both would have this name in a checkpoint."
                raise check.value_error("init", "params", "named otherwise than the state arrays", name, fix)
        self._plan = execute.Plan(
            params,
            leaves,
            self._params,
            axes,
            [execute.CODES[p.dtype.name] for p in self._params],
            states,
            [
                execute.addresses(self._groups[m].rule, self._groups[m].measure, d)
                for m, d in zip(members, compute, strict=True)
            ],
            members,
            _params.Guard(
                self.names,
                self._params,
                states,
                [g.option_names() for g in self._groups],
            ),
            execute.thread_limit,
        )

    @classmethod
    def begin(
        cls,
        optimizer: Optimizer,
        params: Tree,
        overrides: Mapping[str, Mapping[str, Any]] | None,
        steps_per_epoch: int | None,
        total_steps: int | None,
    ) -> "State":
        """Return the state at step 0; see `Optimizer.init`."""
        resolved = optimizer._resolved(steps_per_epoch, total_steps)
        names = [name for name, _ in _params.leaves(params)]
        wanted = [g._resolved(steps_per_epoch, total_steps) for g in overridden(resolved, names, overrides)]
        groups = list(dict.fromkeys(wanted))
        state = cls(resolved, groups, [groups.index(g) for g in wanted], params)
        for name, p, m in zip(state.names, state._params, state._members, strict=True):
            group = state._groups[m]
            for slot in execute.slot_names(group.rule):
                array = state.arrays[f"{name}.{slot}"]
                array[...] = group.current._initial(slot, p)
        apart = resolved.apart
        homes = state._members if apart else range(len(groups))  # each cohort's group
        cohorts = [execute.Cohort(k, 0, state._groups[k].current._first_carry()) for k in homes]
        state._plan.set_cohorts(cohorts, range(len(homes)) if apart else state._members)
        return state

    def _check_eps(self, compute: list[np.dtype]) -> None:
        for m, dtype in zip(self._members, compute, strict=True):
            eps = getattr(self._groups[m].current, "eps", None)
            if eps is not None and dtype.type(eps) == 0:
                owner = type(self.optimizer).__name__
                raise check.value_error(
                    owner, "eps", f"representable in {dtype}, in which the step is computed", eps, "Use eps >= 1e-38."
                )

    # ------------------------------------------------------------------------------------------------------------------ reading

    @property
    def t(self) -> int:
        """The number of steps done; schedules are functions of it."""
        return self._plan.t

    @property
    def lr(self) -> float:
        """The learning rate of the next step (of the optimizer itself, where groups override it)."""
        self._lead.advance(self._plan.t, self._memories[-1])
        return self._lead.current.lr

    def __repr__(self) -> str:
        size = sum(p.size for p in self._params)
        return f"State({self.optimizer!r}, t={self.t}, {len(self.names)} arrays, {size} elements)"

    # ----------------------------------------------------------------------------------------------------------------- stepping

    def step(self, grads: Tree, cast: bool = False, loss: float | None = None) -> StepInfo:
        """Update the parameters in place, by one fused pass over each array.

        A step is all or nothing: every error comes before anything is changed, and a signal (Ctrl-C) is handled after it.

        Parameters
        ----------
        grads : array, list, tuple or dict
            The gradients, arranged as the parameters are: same shapes, same dtypes, any strides. None leaves a parameter, its state and
            its own step count untouched. They are only read.
        cast : bool
            Convert gradients of another real dtype (this copies them) instead of refusing them.
        loss : float, optional
            The loss at these parameters, on the data that the gradients are of: a finite number. Optimizers that set their step by it
            (`SPS`, `AliG`) need it; others do not mind.

        Returns
        -------
        StepInfo
            Step number, rate, gradient norm, and whether the step was clipped or skipped.

        Raises
        ------
        NonFiniteError
            When a gradient holds NaN or infinity and ``on_nonfinite="raise"``.
        ArgumentTypeError, ArgumentValueError
            When a gradient has another dtype, shape or structure than its parameter, or shares memory with it; when a parameter was
            resized or replaced; when a schedule yields a value out of range.
        ConcurrentStepError
            When another thread is stepping the same state.

        Examples
        --------
        >>> import fastgd, numpy as np
        >>> params = {"w": np.ones(3, np.float32), "b": np.zeros(1, np.float32)}
        >>> state = fastgd.AdamW(lr=0.01).init(params)
        >>> info = state.step({"w": np.full(3, 0.5, np.float32), "b": None})
        >>> round(info.grad_norm, 4), params["w"].round(4)
        (0.866, array([0.9899, 0.9899, 0.9899], dtype=float32))
        """
        plan, optimizer, holder = self._plan, self.optimizer, object()
        try:
            live = plan.bind(holder, grads, cast)
            t = plan.t
            lead = self._lead
            for group, memories in zip((*self._groups, lead), self._memories, strict=True):
                if group.scheduled:
                    group.advance(t, memories)
            norm, nonfinite, scale, limit = math.nan, 0, 1.0, lead.current.clip_norm
            if limit is not None or optimizer.on_nonfinite != "zero":
                norm, nonfinite = self._measure()
            if not live or (nonfinite and optimizer.on_nonfinite == "skip"):
                self.skipped += nonfinite > 0
                return StepInfo(t, lead.current.lr, norm, False, True, nonfinite)
            clipped = limit is not None and norm > limit
            if clipped:
                scale = self._clip(limit, norm)
            informed = iter(self._inform(scale, loss)) if plan.measuring else None
            nonfinite = plan.sweep(*self._scalars(scale, informed)) or nonfinite
            return StepInfo(t, lead.current.lr, norm, clipped, False, nonfinite)
        finally:
            plan.release(holder)

    def _set_rate(self, lr: float) -> None:
        """Let the next steps have this rate, which was checked, in place of the optimizer's number; `optimizer` does not tell."""
        for group in (*self._groups, self._lead):
            group.set_rate(lr)

    def _inform(self, scale: float, loss: float | None) -> list:
        """Measure what the rules need to know of all elements together; return what each cohort's carry becomes with that."""
        if self.optimizer.needs_loss:
            if loss is None:
                raise check.type_error(
                    "step", "loss", f"given to {type(self.optimizer).__name__}", loss, "step(grads, loss=...)"
                )
            loss = check.real(loss, "step", "loss")
        rows, squares, informed = [], [], []
        for cohort in self._plan.cohorts:
            group = self._groups[cohort.group]
            now = group.current
            limit = math.inf if now.clip_value is None else now.clip_value
            hyper = group.pick_measured(now._measuring(cohort.age + 1, cohort.carry))
            rows.append((-scale if now.maximize else scale, limit, *hyper))
            squares.append(now.squares)
        for cohort, sums in zip(self._plan.cohorts, self._plan.measure(rows, squares), strict=True):
            now = self._groups[cohort.group].current
            carry = now._informed(cohort.age + 1, cohort.carry, sums, loss)
            if not all(map(math.isfinite, carry)):
                found = dict(zip(now.carried, carry, strict=True))
                raise check.NonFiniteError(
                    f"{type(now).__name__} measured {found} at step {self.t}; nothing was changed"
                )
            informed.append(carry)
        return informed

    def _scalars(self, scale: float, informed: Iterator | None) -> tuple[list[tuple], list, list[bool]]:
        """Return, for each cohort, its sweep's scalars (scale, limit, *hyper), what it will carry on, and if its rule squares."""
        rows, carries, squares = [], [], []
        for cohort in self._plan.cohorts:
            group = self._groups[cohort.group]
            now, age, carry = group.current, cohort.age + 1, cohort.carry if informed is None else next(informed)
            limit = math.inf if now.clip_value is None else now.clip_value
            rows.append((-scale if now.maximize else scale, limit, *group.pick(now._scalars(age, carry))))
            carries.append(now._next_carry(age, carry))
            squares.append(now.squares)
        return rows, carries, squares

    def _measure(self) -> tuple[float, int]:
        """Return the norm of the gradients and how many elements are not finite; raise where that is the policy."""
        total = self._plan.square_sum()
        if SAFE[0] < total < SAFE[1]:
            return math.sqrt(total), 0
        live = self._plan.live_gradients()
        norm = norm_of(total, [g for _, g in live])
        if math.isfinite(norm):
            return norm, 0
        count = sum(_params.count_nonfinite(g) for _, g in live)
        if count == 0:
            return norm, 0
        if self.optimizer.on_nonfinite == "raise":
            self._raise_nonfinite(live)
        if self.optimizer.on_nonfinite == "zero":
            norm = scaled_norm([np.where(np.isfinite(g), g, g.dtype.type(0)) for _, g in live])
        return norm, count

    def _clip(self, limit: float, norm: float) -> float:
        """Return the factor of clipping; where float32 cannot hold it, first put copies over a power of two in the gradients' place."""
        if norm == math.inf:
            raise check.NonFiniteError("the norm of the gradients exceeds what float64 can hold; nothing was changed")
        scale = limit / norm
        if scale > SMALLEST_FACTOR:
            return scale
        mantissa, exponent = math.frexp(norm)
        for i, gradient in self._plan.live_gradients():
            self._plan.substitute(i, scaled(gradient, -exponent))
        return limit / mantissa

    def _raise_nonfinite(self, live: list[tuple[int, np.ndarray]]) -> None:
        consequence = f", at step {self.t}; nothing was changed. on_nonfinite='skip' or 'zero' goes on without it."
        for i, gradient in live:
            _params.refuse_nonfinite(f"grad of {self.names[i]!r}", gradient, consequence)

    def observe(self, loss: float) -> None:
        """Tell measured schedules (`plateau`, `performance`) the loss; others do not mind.

        Parameters
        ----------
        loss : float
            A finite number, measured whenever it is the schedule's turn: usually once an epoch, on validation data.

        Examples
        --------
        >>> import fastgd, numpy as np
        >>> state = fastgd.SGD(lr=fastgd.schedules.plateau(0.1, factor=0.5, patience=0)).init(np.ones(1))
        >>> for loss in (1.0, 1.0, 1.0):
        ...     state.observe(loss)
        >>> state.lr < 0.1
        True
        """
        loss = check.real(loss, "observe", "loss")
        groups = zip((*self._groups, self._lead), self._memories, strict=True)
        self._memories = [group.observed(memories, loss, self.t) for group, memories in groups]  # all at once

    # ------------------------------------------------------------------------------------------- what self-tuning optimizers found

    @property
    def estimates(self) -> dict[str, dict[str, float]]:
        """The numbers that a self-tuning optimizer has found so far, by parameter and by name, such as ``d`` of `Prodigy`.

        Parameters of one group that have had the same steps share them. Empty for optimizers that do not tune themselves. The step that
        was taken is here; `lr` and `StepInfo.lr` are the factor that the optimizer was given.

        Examples
        --------
        >>> import fastgd, numpy as np
        >>> state = fastgd.DoG().init({"w": np.array([3.0, 4.0])})
        >>> info = state.step({"w": np.array([6.0, 8.0])})
        >>> {key: round(value, 8) for key, value in state.estimates["w"].items()}
        {'rbar': 6e-06, 'G': 100.0, 'eta': 6e-07}
        """
        names = self.optimizer.carried
        found = [(name, self._plan.cohort_of(i).carry) for i, name in enumerate(self.names)] if names else []
        return {name: dict(zip(names, carry, strict=True)) for name, carry in found}

    def evaluation_params(self) -> Tree:
        """Return copies of the parameters as they should be evaluated, arranged as the parameters are.

        Most optimizers step the very weights that are to be used. Schedule-free ones and averaging ones do not: training goes on at
        one point, while another one, the average, is the answer. This gives that one, and leaves the parameters where they are: there
        is no mode to switch between training and evaluation. To end with those weights, copy them in: ``w[...] = ...``.

        Returns
        -------
        array, list, tuple or dict
            New arrays of the parameters' shapes and dtypes.

        Examples
        --------
        >>> import fastgd, numpy as np
        >>> w = np.array([4.0])
        >>> state = fastgd.ASGD(lr=0.9, lambd=0.0, t0=0).init(w)
        >>> for _ in range(50):
        ...     info = state.step(2 * w)
        >>> bool(abs(state.evaluation_params()[0]) < 0.1)
        True
        """
        copies = []
        for name, p, m in zip(self.names, self._params, self._members, strict=True):
            group = self._groups[m]
            slots = {slot: self.arrays[f"{name}.{slot}"] for slot in execute.slot_names(group.rule)}
            group.advance(max(self.t - 1, 0), self._memories[m])  # as in the last step
            copies.append(np.array(group.current._evaluated(p, slots), p.dtype))
        return _params.arranged(self.params, iter(copies))

    # ----------------------------------------------------------------------------------------------------------- saving, copying

    def _export(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Return the tensors and the JSON-able configuration from which `restore` makes this state again."""
        tensors = dict(zip(self.names, self._params, strict=True))
        cohorts = self._plan.cohorts
        return tensors | dict(self.arrays), {
            "optimizer": self.optimizer.to_dict(),
            "groups": [g.optimizer.to_dict() for g in self._groups],
            "names": self.names,
            "members": self._members,
            "t": self.t,
            "skipped": self.skipped,
            "cohorts": [[c.group, c.age, c.carry] for c in cohorts],
            "cohort_of": [cohorts.index(self._plan.cohort_of(i)) for i in range(len(self.names))],
            "memory": self._memories[:-1],
            "lead_memory": self._memories[-1],
        }

    def __reduce__(self) -> tuple:
        return _rebuilt, (self.params, *self._export())


def _rebuilt(params: Tree, tensors: dict[str, np.ndarray], config: dict[str, Any]) -> State:
    from fastgd._restore import restore

    return restore(tensors, config, params)
