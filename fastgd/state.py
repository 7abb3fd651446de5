"""The state of an optimizer: the parameters it updates, its arrays, and where it is in its schedules."""

import copy
import math
from collections.abc import Callable, Iterator, Mapping
from itertools import repeat
from typing import Any

import numpy as np

from fastgd import _params
from fastgd import _validation as check
from fastgd._around import Around
from fastgd._arrays import Arrays
from fastgd._groups import Group, overridden
from fastgd._kernels import execute
from fastgd._params import Tree
from fastgd._readings import Readings
from fastgd._search import first_loss, loss_after, loss_along
from fastgd._step import StepInfo, clip_factor, measured
from fastgd.monitor import Look, Monitor, checked
from fastgd.optimizers import storage
from fastgd.optimizers._base import Optimizer
from fastgd.recovery import Recovery, Rollback, policy_of

NEVER = 2**60  # a step that is not reached


class State(Readings):
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
        The state arrays by name, ``"weight.exp_avg"``: float64 for float64 parameters, else float32, of the parameter's shape, unless
        the optimizer says otherwise, as by `state_dtype`.
    skipped : int
        How many steps the ``on_nonfinite="skip"`` policy has left out.
    monitor : Monitor or None
        The health of gradients and updates, where `Optimizer.init` was asked for it.
    recovery : Recovery or None
        The good copy that divergence leads back to, where `Optimizer.init` was asked for it.

    Examples
    --------
    >>> import fastgd, numpy as np
    >>> w = np.array([1.0, -2.0])
    >>> state = fastgd.SGD(lr=fastgd.schedules.linear(0.1, 10)).init(w)
    >>> info = state.step(2 * w)
    >>> w, state.t, state.lr
    (array([ 0.8, -1.6]), 1, 0.09)
    """

    def __init__(
        self, optimizer: Optimizer, groups: list[Optimizer], members: list[int], params: Tree, monitor_every: int = 0
    ):
        self.names, leaves, self._params = _params.check_params(params)
        self.optimizer, self.params, self.skipped = optimizer, params, 0
        self._groups = [Group(g) for g in groups]
        self._lead = next((g for g in self._groups if g.optimizer == optimizer), None) or Group(optimizer)
        self._memories = [g.start() for g in (*self._groups, self._lead)]
        own = self._groups if self._lead in self._groups else [*self._groups, self._lead]
        self._scheduled = [(k, group) for k, group in enumerate(own) if group.scheduled]
        self._members = members
        compute = [execute.compute_dtype(p.dtype) for p in self._params]
        self._check_eps(compute)
        named = [
            storage.state_arrays(groups[m], name, p)
            for name, p, m in zip(self.names, self._params, members, strict=True)
        ]
        states = [list(arrays.values()) for arrays in named]
        self._around = Around(optimizer, self.names, self._params, [self._groups[m] for m in members])
        self._lent = False
        self._replay: Any = None  # what takes steps on a GPU without telling
        self.recovery: Recovery | None = None
        self.monitor = Monitor(monitor_every) if monitor_every else None
        self._look_due = 0 if monitor_every else NEVER
        self.arrays = Arrays(
            {f"{n}.{slot}": a for n, arrays in zip(self.names, named, strict=True) for slot, a in arrays.items()}
            | self._around.arrays()
        )
        for name in self.names:
            if name in self.arrays:
                fix = "Rename the parameter: both would have this name in a checkpoint."
                raise check.value_error("init", "params", "named otherwise than the state arrays", name, fix)
        kernels = [(self._groups[m].rule, self._groups[m].measure) for m in members]
        guard = _params.Guard(self.names, self._params, states, [g.option_names() for g in self._groups])
        self._plan = execute.plan(params, leaves, self._params, states, kernels, members, guard, self._around.factors)

    @classmethod
    def begin(
        cls,
        optimizer: Optimizer,
        params: Tree,
        overrides: Mapping[str, Mapping[str, Any]] | None,
        steps_per_epoch: int | None,
        total_steps: int | None,
        monitor_every: bool | int,
        rollback: bool | Rollback | None = None,
    ) -> "State":
        """Return the state at step 0; see `Optimizer.init`."""
        every, policy = checked(monitor_every), policy_of(rollback, optimizer)
        resolved = optimizer._resolved(steps_per_epoch, total_steps)
        names = [name for name, _ in _params.leaves(params)]
        wanted = [g._resolved(steps_per_epoch, total_steps) for g in overridden(resolved, names, overrides)]
        groups = list(dict.fromkeys(wanted))
        state = cls(resolved, groups, [groups.index(g) for g in wanted], params, every)
        state._around.begin()
        for name, p, m in zip(state.names, state._params, state._members, strict=True):
            group = state._groups[m]
            for slot in execute.slot_names(group.rule):
                array = state.arrays[f"{name}.{slot}"]
                array[...] = group.current._initial(slot, p)
        apart = resolved.apart
        homes = state._members if apart else range(len(groups))  # each cohort's group
        cohorts = [execute.Cohort(k, 0, state._groups[k].current._first_carry()) for k in homes]
        state._plan.set_cohorts(cohorts, range(len(homes)) if apart else state._members)
        if policy is not None:
            state.recovery = Recovery(policy, state)
        return state

    def _check_eps(self, compute: list[np.dtype]) -> None:
        for m, dtype in zip(self._members, compute, strict=True):
            eps = getattr(self._groups[m].current, "eps", None)
            for each in eps if isinstance(eps, tuple) else (eps,):
                if each is None or dtype.type(each) != 0:
                    continue
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
        return self._lead.rate

    def __repr__(self) -> str:
        size = sum(p.size for p in self._params)
        return f"State({self.optimizer!r}, t={self.t}, {len(self.names)} arrays, {size} elements)"

    # ----------------------------------------------------------------------------------------------------------------- stepping

    def step(self, grads: Tree, cast: bool = False, loss: float | Callable[[], float] | None = None) -> StepInfo:
        """Update the parameters in place, by one fused pass over each array.

        A step is all or nothing: every error comes before anything is changed, and a signal (Ctrl-C) is handled after it.

        Parameters
        ----------
        grads : array, list, tuple or dict
            The gradients, arranged as the parameters are: same shapes, same dtypes, any strides. None leaves a parameter, its state and
            its own step count untouched. They are only read.
        cast : bool
            Convert gradients of another real dtype (this copies them) instead of refusing them.
        loss : float or callable, optional
            The loss at these parameters, on the data that the gradients are of: a finite number, or an array of one, on a GPU too.
            Optimizers that set their step by it (`SPS`, `AliG`) need it; others do not mind. `Armijo` needs a function that computes it
            at the parameters as they are.

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
        if self.recovery is not None:
            return self.recovery._step(self, grads, cast, loss)
        return self._step(grads, cast, loss)

    def _step(self, grads: Tree, cast: bool, loss: Any) -> StepInfo:
        plan, optimizer, around, holder = self._plan, self.optimizer, self._around, object()
        self._refuse_lent("step")
        try:
            live = plan.bind(holder, grads, cast)
            t = plan.t
            if around.active:
                around.settle(t)
            lead = self._lead
            for k, group in self._scheduled:
                group.advance(t, self._memories[k])
            norm, nonfinite, scale, limit = math.nan, 0, 1.0, lead.current.clip_norm
            if limit is not None or optimizer.on_nonfinite != "zero":
                norm, nonfinite = measured(plan, optimizer.on_nonfinite, self.names)
            if not live or (nonfinite and optimizer.on_nonfinite == "skip"):
                self.skipped += nonfinite > 0
                return StepInfo(t, lead.rate, norm, False, True, nonfinite)
            look = self._look(t, norm) if t >= self._look_due else None
            if around.transforms and around.transform(plan) and (limit is not None or optimizer.on_nonfinite != "zero"):
                norm = measured(plan, optimizer.on_nonfinite, self.names)[0]
            norms: list[float] = []
            if around.limit:
                limit, norms = around.limit_of(norm)
            clipped = limit is not None and norm > limit
            if clipped:
                scale = clip_factor(plan, limit, norm)
            if look:
                look.count_clipped(plan.live_gradients(), clipped, around.groups)
            if around.active:
                scale, nonfinite = self._prepare(scale, norms, nonfinite)
            informed = iter(self._inform(scale, loss)) if plan.measuring else None
            nonfinite = plan.sweep(*self._scalars(scale, informed), look is not None) or nonfinite
            if around.active:
                around.settle(plan.t)
            if look:
                look.finish(t, self.names, plan.looked, clipped)
                self._look_due = t + look.monitor.every
            return StepInfo(t, lead.rate, norm, clipped, False, nonfinite)
        finally:
            plan.release(holder)

    def _slow(self, factor: float) -> None:
        """Let the rate be this multiple of the optimizer's."""
        for group in (*self._groups, self._lead):
            group.slow(factor)

    def _set_rate(self, lr: float) -> None:
        """Let the next steps have this rate, which was checked, in place of the optimizer's number; `optimizer` does not tell."""
        for group in (*self._groups, self._lead):
            group.set_rate(lr)

    def _look(self, t: int, norm: float) -> Look | None:
        """Begin to look at step `t` if it is its turn; its gradients have this norm, NaN where it was not asked for."""
        assert self.monitor is not None
        past = t % self.monitor.every
        if past:
            self._look_due = t - past + self.monitor.every
            return None
        if math.isnan(norm):
            self._plan.square_sum()
        return Look(self.monitor, self._plan)

    def _prepare(self, scale: float, norms: list[float], nonfinite: int) -> tuple[float, int]:
        """Put directions in the place of gradients where the optimizer has such, and note what is to be changed after the sweep."""
        changes: list = []
        if self.optimizer.factored:
            changes, found = self._around.direct(self._plan, scale)
            scale, nonfinite = 1.0, found or nonfinite
        self._around.expect(self._plan.t + 1, changes, norms)
        return scale, nonfinite

    def _inform(self, scale: float, loss: Any) -> list:
        """Measure what the rules need to know of all elements together; return what each cohort's carry becomes with that."""
        if self.optimizer.needs_loss:
            if loss is None:
                raise check.type_error(
                    "step", "loss", f"given to {type(self.optimizer).__name__}", loss, "step(grads, loss=...)"
                )
            evaluate = loss
            if self.optimizer.searches:
                loss = first_loss(loss, type(self.optimizer).__name__)
            loss = check.real(loss() if callable(loss) else loss, "step", "loss")
        rows, squares, informed = [], [], []
        for cohort in self._plan.cohorts:
            group = self._groups[cohort.group]
            now = group.current
            limit = math.inf if now.clip_value is None else now.clip_value
            hyper = group.pick_measured(now._measuring(cohort.age + 1, cohort.carry))
            rows.append((-scale if now.maximize else scale, limit, *hyper))
            squares.append(now.squares)
        measured_sums = self._plan.measure(rows, squares)
        if self.optimizer.searches:
            return self._searched(scale, loss, evaluate, sum(sums[0] for sums in measured_sums))
        for cohort, sums in zip(self._plan.cohorts, measured_sums, strict=True):
            now = self._groups[cohort.group].current
            carry = now._informed(cohort.age + 1, cohort.carry, sums, loss)
            if not all(map(math.isfinite, carry)):
                found = dict(zip(now.carried, carry, strict=True))
                raise check.NonFiniteError(
                    f"{type(now).__name__} measured {found} at step {self.t}; nothing was changed"
                )
            informed.append(carry)
        return informed

    def _searched(self, scale: float, loss: float, evaluate: Callable[[], Any], square: float) -> list[tuple[float]]:
        """Return what each cohort's carry becomes with the step that the optimizer itself, as it stands, finds along all gradients.

        `loss` is that of the start, `square` the squared norm of the gradients as clipped.
        """
        plan, lead = self._plan, self._lead.current

        def take(eta: float) -> None:
            rows, carries, squares = self._scalars(scale, repeat((eta,)))
            plan.sweep(rows, carries, squares, trial=True)

        loss_at = loss_along(evaluate, plan, self._around, self._params, lead, scale)
        if loss_at is None:
            loss_at = loss_after(take, execute.kept(plan, self._params).put_back, evaluate)
        last = max(cohort.carry[0] for cohort in plan.cohorts)
        return [(lead._searched(last, square, loss, loss_at),)] * len(plan.cohorts)

    def _scalars(self, scale: float, informed: Iterator | None) -> tuple[list[tuple], list, list[bool]]:
        """Return, for each cohort, its sweep's scalars (scale, limit, *hyper), what it will carry on, and if its rule squares."""
        rows, carries, squares = [], [], []
        for cohort in self._plan.cohorts:
            group = self._groups[cohort.group]
            now, age, carry = group.current, cohort.age + 1, cohort.carry if informed is None else next(informed)
            rows.append(group.row(scale, age, carry))
            carries.append(now._next_carry(age, carry))
            squares.append(now.squares and not now.factored)
        return rows, carries, squares

    def observe(self, loss: float) -> None:
        """Tell measured schedules (`plateau`, `performance`) the loss; others do not mind.

        Parameters
        ----------
        loss : float
            A finite number, measured whenever it is the schedule's turn: usually once an epoch, on validation data. With ``rollback`` any
            number: one that is not finite, or far above the first one, leads back to the good copy.

        Examples
        --------
        >>> import fastgd, numpy as np
        >>> state = fastgd.SGD(lr=fastgd.schedules.plateau(0.1, factor=0.5, patience=0)).init(np.ones(1))
        >>> for loss in (1.0, 1.0, 1.0):
        ...     state.observe(loss)
        >>> state.lr < 0.1
        True
        """
        if self.recovery is not None and self.recovery._observe(self, check.as_float(loss, "observe", "loss")):
            return
        loss = check.real(loss, "observe", "loss")
        groups = zip((*self._groups, self._lead), self._memories, strict=True)
        self._memories = [group.observed(memories, loss, self.t) for group, memories in groups]  # all at once

    # ----------------------------------------------------------------------------------------------------------- saving, copying

    def _export(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Return the tensors and the JSON-able configuration from which `restore` makes this state again."""
        tensors, config = self._exported()
        tensors = {name: execute.host(array) for name, array in tensors.items()}
        if self.recovery is None:
            return tensors, config
        kept, known = self.recovery._export(self._described())
        return tensors | kept, config | {"rollback": known}

    def _exported(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Return the same without the good copy."""
        return self._tensors(), self._described() | self._moving()

    def _tensors(self) -> dict[str, np.ndarray]:
        """Return the parameters and state arrays themselves, by name, where they are."""
        self._refuse_lent("save")
        self._around.settle(self.t)
        return {**dict(zip(self.names, self._params, strict=True)), **self.arrays}

    def _described(self) -> dict[str, Any]:
        """Return what steps do not change of the configuration."""
        return {
            "optimizer": self.optimizer.to_dict(),
            "groups": [g.optimizer.to_dict() for g in self._groups],
            "names": self.names,
            "members": self._members,
            "monitor": self.monitor.every if self.monitor else 0,
        }

    def _moving(self) -> dict[str, Any]:
        """Return the rest of the configuration, once `_tensors` has settled it."""
        cohorts = self._plan.cohorts
        return {
            "t": self.t,
            "skipped": self.skipped,
            "cohorts": [[c.group, c.age, c.carry] for c in cohorts],
            "cohort_of": [cohorts.index(self._plan.cohort_of(i)) for i in range(len(self.names))],
            "memory": self._memories[:-1],
            "lead_memory": self._memories[-1],
            "norms": self._around.norms,
        }

    def _go_back(self, tensors: dict[str, np.ndarray], config: dict[str, Any]) -> None:
        """Become, in the same arrays, what `_tensors` and `_moving` returned earlier."""
        for name, p in zip(self.names, self._params, strict=True):
            p[...] = tensors[name]
        for name, array in self.arrays.items():
            array[...] = tensors[name]
        self._plan.set_cohorts([execute.Cohort(*each) for each in config["cohorts"]], config["cohort_of"])
        self._plan.t, self.skipped = config["t"], config["skipped"]
        self._look_due = 0 if self.monitor else NEVER
        self._around.resume(self.t, [])
        self._around.norms = list(config["norms"])
        *self._memories, lead = copy.deepcopy([*config["memory"], config["lead_memory"]])
        self._memories.append(lead)

    def __reduce__(self) -> tuple:
        return _rebuilt, (self.params, *self._export())


def _rebuilt(params: Tree, tensors: dict[str, np.ndarray], config: dict[str, Any]) -> State:
    from fastgd._restore import restore

    return restore(tensors, config, params)
