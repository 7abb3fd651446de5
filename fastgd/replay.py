"""Steps on a GPU without a word from the host: for CUDA graphs, and for models so small that the host is what limits them."""

import math
from typing import Any

import numpy as np

from fastgd import _validation as check
from fastgd._kernels import execute
from fastgd._step import StepInfo
from fastgd.optimizers.limits import NormLimit
from fastgd.state import State

POLICIES = {"zero": 0, "skip": 1, "raise": 2}


class Replay:
    """Many steps of a state on a GPU, whose scalars are computed ahead and wait on the device.

    `step` launches the kernels of one step and returns at once: nothing is computed, sent or awaited on the host, so it can be captured
    in a CUDA graph and replayed. What changes from step to step lives in device memory: the number of the step, the schedules' values for
    it, the factor of clipping, and whether the step is left out because a gradient is not finite. Meanwhile the state itself does not
    step; `sync` brings it up to date, and `close`, or leaving a ``with`` block, does so and releases it.

    Parameters
    ----------
    state : State
        Of parameters on a GPU. Not for optimizers that measure all elements before each step (`State.estimates` is not empty),
        `Adafactor` and `SM3`, nor for limits that are learned from norms, extras that change gradients, monitors and rollback. `EMA` and
        `Lookahead` are followed.
    grads : array, list, tuple or dict
        The gradients, arranged as the parameters: every step reads these same arrays, of any shape, of the parameters' dtype, which the
        caller fills again and again.
    steps : int
        For how many steps the scalars are computed ahead; after so many, call `refill`.

    Raises
    ------
    ArgumentTypeError, ArgumentValueError
        When the state is not on a GPU or is of one of those kinds, or a gradient is None or cannot be used.

    Notes
    -----
    The arithmetic is that of `State.step`, except that a step whose clipping factor float32 cannot hold scales float16 and bfloat16
    gradients without rounding them between. Not yet run on a device.

    Examples
    --------
    >>> import fastgd, numpy as np
    >>> state = fastgd.AdamW(lr=fastgd.schedules.cosine(1e-3, 1000)).init(np.ones(2))
    >>> fastgd.Replay(state, np.ones(2), steps=100)  # doctest: +IGNORE_EXCEPTION_DETAIL
    Traceback (most recent call last):
    fastgd._validation.ArgumentTypeError: the 'state' argument of Replay must be one whose parameters are on a GPU; ...
    """

    def __init__(self, state: State, grads: Any, steps: int):
        if not isinstance(state, State) or isinstance(state._params[0], np.ndarray):
            raise check.type_error("Replay", "state", "one whose parameters are on a GPU", state)
        from fastgd._kernels import cuda_launch

        self._run: Any = cuda_launch.run
        optimizer, plan = state.optimizer, state._plan
        if plan.measuring or optimizer.factored or isinstance(optimizer.clip_norm, NormLimit):
            accepted = "that of an optimizer whose steps need nothing measured on the host"
            raise check.value_error("Replay", "state", accepted, optimizer)
        unfit = {
            "extras before the rule": state._around.transforms,
            "a monitor": state.monitor,
            "rollback": state.recovery,
        }
        for name, given in unfit.items():
            if given:
                raise check.value_error(
                    "Replay", "state", f"without {name}, which steps on the device leave out", given
                )
        self._state: State = state
        self._plan: Any = plan
        self._rates: list[float] = []
        self._carries: list[list] = []
        self._steps: int = check.integer(steps, "Replay", "steps", 1)
        self._taken: int | None = None  # steps that the host knows of since `refill`; None where that came to no end
        self._stream: int | None = None  # for which `_launches` were made
        self._launches: list = []
        state._refuse_lent("Replay")
        try:
            if plan.bind(self, grads) != plan.n:
                raise check.value_error("Replay", "grads", "a gradient for each parameter", None)
            self._limits: Any = execute.zeros(state._params[0], np.dtype(np.float64), (self._steps,))
            self._needs_norm: bool = any(g.optimizer.clip_norm is not None for g in (*state._groups, state._lead))
            self._needs_norm |= optimizer.on_nonfinite != "zero"
            # Where all arrays are empty there is nothing to sum, but a step to count.
            self._by_norm: bool = self._needs_norm and bool(plan.tables.segments)
            # Loaded now: while steps are captured in a graph, nothing can be.
            self._begin: Any = None if self._by_norm else plan.tables.begin
            state._around.settle(plan.t)
            self.refill()
            state._replay = self
        except BaseException:
            plan.release(self)
            raise

    def __enter__(self) -> "Replay":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Bring the state up to date and release it, as the end of a ``with`` block does; nothing where that was done before.

        A graph that holds a step must not be replayed after this.

        Raises
        ------
        NonFiniteError, ArgumentValueError
            As `sync`; the state is released all the same.

        Examples
        --------
        >>> import fastgd
        >>> def finish(replay, state, grads):
        ...     replay.close()
        ...     return state.step(grads)  # the state steps by itself again
        """
        if self._plan.holder is not self:
            return
        try:
            self.sync()
        finally:
            self._taken, self._launches = None, []
            self._state._replay = None
            self._plan.release(self)

    def _refuse_closed(self, call: str) -> None:
        if self._plan.holder is not self:
            raise check.value_error(
                "Replay", call, "called before close() or the end of the with block", "called after it"
            )

    def __repr__(self) -> str:
        return f"Replay({self._state!r}, steps={self._steps})"

    def refill(self) -> None:
        """Compute the scalars of the next steps, from where the state is now, and send them; only after `sync`, or at the start.

        Examples
        --------
        >>> import fastgd
        >>> def train(state, grads, backward):  # with parameters and gradients on a GPU
        ...     with fastgd.Replay(state, grads, steps=1000) as replay:
        ...         for _ in range(10):
        ...             for _ in range(1000):
        ...                 backward()  # fills the gradients
        ...                 replay.step()
        ...             info = replay.sync()
        ...             replay.refill()
        """
        from fastgd._kernels import cuda_memory

        self._refuse_closed("refill")
        state, plan, tables = self._state, self._plan, self._plan.tables
        if self._taken is not None and tables.read_word("next", plan.now_stream()) != self._taken:
            raise check.value_error("Replay", "refill", "called after sync()", "called when steps have been launched")
        self._taken = self._stream = None
        cohorts = [(c.group, c.age, c.carry) for c in plan.cohorts]
        rates, carries = [], [[c for _, _, c in cohorts]]
        rows, limits = [], []
        for s in range(self._steps):
            for group, memories in zip((*state._groups, state._lead), state._memories, strict=True):
                if group.scheduled:
                    group.advance(plan.t + s, memories)
            owners = [
                (state._groups[g], age + 1 + s, carry) for (g, age, _), carry in zip(cohorts, carries[-1], strict=True)
            ]
            scalars = [group.row(1.0, age, carry) for group, age, carry in owners]
            rows.append(plan.wide_rows(scalars, [group.current.squares for group, _, _ in owners]))
            carries.append([group.current._next_carry(age, carry) for group, age, carry in owners])
            lead = state._lead.current
            rates.append(lead.lr)
            limits.append(math.inf if lead.clip_norm is None else lead.clip_norm)
        self._limits[...] = np.array(limits)
        stream = plan.now_stream()
        tables.send_step(np.array(rows), stream, end=self._steps, policy=POLICIES[state.optimizer.on_nonfinite])
        for average in state._around.averages:
            average.ahead(plan.t, self._steps, stream)
        cuda_memory.synchronize(stream)  # steps may follow on any stream
        self._rates, self._carries, self._taken = rates, carries, 0

    def step(self) -> None:
        """Launch the next step; what comes after it on the same stream sees the new parameters.

        Examples
        --------
        >>> import fastgd
        >>> def captured(torch, state, grads):  # with tensors on a GPU
        ...     replay = fastgd.Replay(state, grads, steps=1000)
        ...     graph = torch.cuda.CUDAGraph()
        ...     with torch.cuda.graph(graph):
        ...         replay.step()
        ...     return graph  # graph.replay() is one step
        """
        if self._taken is None:
            self._refuse_closed("step")
            raise check.value_error("Replay", "step", "called after refill()", "called after a refill that failed")
        stream = self._plan.now_stream()
        if stream != self._stream:
            self._prepare(stream)
        self._run(self._launches, [])

    def _prepare(self, stream: int) -> None:
        """Note what launches a step on a stream; all of it is the same until `refill`."""
        plan, tables = self._plan, self._plan.tables
        first = tables.norms if self._by_norm else tables.begins
        launches = first(self._limits.address, stream) + tables.updates(len(plan.cohorts), stream)
        for average in self._state._around.averages:
            launches += average.replayed(tables.control.address, stream)
        self._launches, self._stream = launches, stream

    def sync(self) -> StepInfo:
        """Wait for the steps launched so far, bring the state up to date, and return what the last step did.

        Returns
        -------
        StepInfo
            Of the last step; ``nonfinite`` counts the elements, or with ``on_nonfinite="skip"`` the steps left out, since the last call.

        Raises
        ------
        NonFiniteError
            When a gradient held NaN or infinity and ``on_nonfinite="raise"``: that step and all after it changed nothing.
        ArgumentValueError
            When more steps were asked for than had been computed ahead; those beyond changed nothing.

        Examples
        --------
        >>> import fastgd
        >>> def health(replay):
        ...     info = replay.sync()
        ...     return info.t, info.grad_norm, info.clipped
        """
        self._refuse_closed("sync")
        state, plan = self._state, self._plan
        found = self._catch_up()
        if not found:
            return StepInfo(max(plan.t - 1, 0), state.lr, math.nan, False, False, 0)
        left_out, taken = int(found["skipped"]), int(found["next"])
        state.skipped += left_out if state.optimizer.on_nonfinite == "skip" else 0
        plan.tables.clear_counts(plan.now_stream())
        if left_out and state.optimizer.on_nonfinite == "raise":
            raise check.NonFiniteError(
                f"a gradient is not finite at step {plan.t}; that step and those after it changed nothing."
            )
        if found["overrun"]:
            raise check.value_error("Replay", "steps", "as many as are taken before refill()", self._steps)
        rate = self._rates[max(taken - 1, 0)]
        norm = found["norm"] if self._needs_norm else math.nan
        clipped, skipped = bool(found["clipped"]) and not found["skip"], bool(found["skip"])
        last = plan.t if skipped else max(plan.t - 1, 0)
        return StepInfo(last, rate, norm, clipped, skipped, int(found["nonfinite"]) + left_out)

    def _catch_up(self) -> dict[str, float]:
        """Wait for the steps launched so far, on whatever streams, and let the state know of them; return the control block."""
        from fastgd._kernels import cuda_memory
        from fastgd._kernels._cuda_launch import set_all

        plan = self._plan
        if self._taken is None:  # nothing can have been launched
            return {}
        cuda_memory.wait()
        found = plan.tables.read_control(plan.now_stream())
        taken = int(found["next"])
        done = taken - self._taken
        cohorts = [
            execute.Cohort(cohort.group, cohort.age + done, carry)
            for cohort, carry in zip(plan.cohorts, self._carries[taken], strict=True)
        ]
        counted: list[tuple[Any, str, Any]] = [
            (plan, "t", plan.t + done),
            (plan, "cohorts", cohorts),
            (self, "_taken", taken),
        ]
        for average in self._state._around.averages:
            counted += average.resumption(plan.t + done)
        set_all(counted)  # which no signal interrupts
        return found
