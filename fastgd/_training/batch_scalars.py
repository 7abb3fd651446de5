"""What an optimizer's rule does at each step of training, as tables for the compiled loops of linear models and of networks."""

import math
from typing import Any, NamedTuple

import numpy as np

from fastgd._kernels import execute
from fastgd._kernels.ranges import LARGEST_SQUARED
from fastgd.optimizers import SGD
from fastgd.optimizers._base import Optimizer
from fastgd.schedules import Schedule

__all__ = ["Idle", "RuleScalars"]

ALL = 2**62  # steps
UNPENALISED = ("l1", "l2", "decay")  # scalars that are 0 for intercepts
OPTIONS_OF_A_STEP = ("lr", "weight_decay", "clip_norm", "clip_value")  # those that do not say how state arrays fade


class Idle(NamedTuple):
    """What a rule does to a feature in steps without a gradient: the first `head` and the last `tail` of them must be run one by one.

    In those between, each state array shrinks by its factor of `fades` and the weight only by penalties.
    """

    head: int
    tail: int
    fades: tuple[float, ...]


class RuleScalars:
    """The scalars of an optimizer's rule, step by step and lane by lane.

    Parameters
    ----------
    optimizer : Optimizer, optional
        One that `accepted_optimizer` returned; None is plain gradient descent.
    dtype : numpy.dtype
        Of the weights.
    intercept_decay : float, optional
        Factor of the intercept's rate, without an optimizer; None where no row of the weights is intercepts.

    Attributes
    ----------
    rule : callable
        The function of `fastgd.rules`.
    names, slots : tuple of str
        Its hyperparameters and its state arrays.
    began : int
        The number of steps before the optimizer's first.
    step : int
        The number of steps before the next one. What that needs to know of the past follows from it, wherever an interrupt came.
    """

    def __init__(self, optimizer: Optimizer | None, dtype: np.dtype, intercept_decay: float | None = None):
        self.optimizer = SGD() if optimizer is None else optimizer
        self.dtype = dtype
        self.rule = self.optimizer._rule()
        self.names, self.slots = execute.hyper_names(self.rule), execute.slot_names(self.rule)
        self.began, self.step = -1, 0
        self._carried: list[Any] = [
            None
        ]  # what `step` and those after it, as far as a table was made, need to know of the past
        self._current: Any = self.optimizer.replace()
        self._scheduled = self.optimizer.schedules()
        self._intercepts = intercept_decay is not None
        factors = [0.0 if name in UNPENALISED else 1.0 for name in self.names]
        if optimizer is None and intercept_decay is not None:
            factors[self.names.index("lr")] = intercept_decay
        self.intercept_factors = np.array([1.0, 1.0, 0.0, 0.0, *factors])

    @property
    def coupled(self) -> bool:
        """Whether weight decay goes through the gradient, so that no feature ever rests."""
        decoupled = getattr(self.optimizer, "_decoupled", bool)()
        return (
            "weight_decay" in self.optimizer.__dataclass_fields__
            and "l2" in self.names
            and not (
                decoupled or self.optimizer.weight_decay == 0  # type: ignore[attr-defined]
            )
        )

    def check_rates(self, rates: np.ndarray) -> None:
        """Refuse rates that the optimizer cannot have: FTRL divides by them."""
        interval = self.optimizer.intervals["lr"]
        if rates.size:
            interval.number(float(rates.min()), type(self.optimizer).__name__, "lr (the least rate of a lane)")

    def initial(self, step: int, rates: np.ndarray, weights: np.ndarray) -> list[np.ndarray]:
        """Begin before `step` (from 0) with these first rates ``(K,)``; return the state arrays of the weights ``(n, K)``."""
        self._set(step, 1, rates[None, :], first=True)
        self.began, self.step, self._carried = step, step, [self._current._first_carry()]
        arrays = []
        for slot in self.slots:
            array = np.broadcast_to(self._current._initial(slot, weights), weights.shape).astype(self.dtype)
            if slot == "z" and self._intercepts:
                # FTRL's, of which the weight is a function with the penalties that an intercept does not have
                array[-1] = -weights[-1].astype(np.float64) * (self._current.beta / rates)
            arrays.append(array)
        return arrays

    def sweeps(self, step: int, rates: np.ndarray) -> np.ndarray:
        """Return what the rule's loop over elements takes at the steps from `step` (from 0) on.

        Parameters
        ----------
        step : int
        rates : ndarray (n, K), float64

        Returns
        -------
        ndarray (n, 2 + n_hyper, K), float64
            The gradient's scale and limit, then the rule's hyperparameters; no norm clips yet.
        """
        self.reach(step)
        carry = self._carries(rates)
        self._set(step, len(rates), rates)
        age = np.arange(step - self.began + 1, step - self.began + len(rates) + 1)[:, None]
        now = self._current
        found = now._scalars(age, carry)
        limit = math.inf if now.clip_value is None else now.clip_value
        if now.squares:
            limit = np.minimum(limit, LARGEST_SQUARED[self.dtype.name])
        columns = (-1.0 if now.maximize else 1.0, limit, *(found[name] for name in self.names))
        return np.stack([np.broadcast_to(column, rates.shape) for column in columns], axis=1)

    def clip_norms(self, step: int, n: int) -> np.ndarray:
        """Return the norms to clip at in `n` steps from `step` (from 0) on, ``(n,)``; `sweeps` checks what a schedule yields."""
        limit = self.optimizer.clip_norm
        if isinstance(limit, Schedule):
            return np.array(limit._values(step, n, limit.start()), np.float64)
        return np.full(n, math.inf if limit is None else limit)

    def table(self, step: int, rates: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the scalars of the steps from `step` (from 0) on, and the decoupled decay, which is no scalar of theirs.

        Parameters
        ----------
        step : int
        rates : ndarray (n, K), float64

        Returns
        -------
        scalars : ndarray (n, 4 + n_hyper, K), float64
            In the order of ``emit.py``; no share and no threshold yet.
        decay : ndarray (n, K), float64
        """
        sweeps = self.sweeps(step, rates)
        scalars, decay = np.zeros((len(rates), 4 + len(self.names), rates.shape[1])), np.zeros(rates.shape)
        scalars[:, :2], scalars[:, 4:] = sweeps[:, :2], sweeps[:, 2:]
        if "decay" in self.names:
            own = scalars[:, 4 + self.names.index("decay")]
            decay, own[...] = own.copy(), 0.0
        return scalars, decay

    def _carries(self, rates: np.ndarray) -> Any:
        """Return what each step needs to know of the past, as columns."""
        if type(self.optimizer)._next_carry is Optimizer._next_carry:
            return None
        carried = self._carried
        for k in range(len(rates)):
            self._set(self.step + k, 1, rates[k : k + 1], first=True)
            carried.append(self._current._next_carry(self.step + k - self.began + 1, carried[-1]))
        if isinstance(carried[-1], tuple):
            return tuple(np.stack([np.atleast_1d(c[j]) for c in carried[:-1]]) for j in range(len(carried[-1])))
        columns = np.array([1.0 if c is None else c for c in carried[:-1]])
        return columns[:, None] if columns.ndim == 1 else columns

    def reach(self, step: int) -> None:
        """Let `step` be the next one: those before it have been done, or passed over by measuring."""
        self.go_on(step - self.step)

    def go_on(self, done: int) -> None:
        """So many of the last table's steps have been done."""
        self._carried = [self._carried[min(max(done, 0), len(self._carried) - 1)]]
        self.step += done

    def state(self) -> dict[str, Any]:
        """Return what the next step needs to know of the past."""
        carry = self._carried[0]
        several: tuple = carry if isinstance(carry, tuple) else () if carry is None else (carry,)
        return {"began": self.began} | {f"carry.{k}": np.array(value) for k, value in enumerate(several)}

    def set_state(self, state: dict[str, Any], step: int) -> None:
        """Go on before `step` (from 0) from what `state` returned."""
        self.began, self.step = int(state["began"]), step
        carry = tuple(np.array(state[f"carry.{k}"]) for k in range(2) if f"carry.{k}" in state)
        single = None if not carry else carry[0] if carry[0].ndim else carry[0].item()
        self._carried = [carry if len(carry) > 1 else single]

    def _set(self, step: int, n: int, rates: np.ndarray, first: bool = False) -> None:
        """Set the optimizer's hyperparameters to those of `n` steps: columns, or for `first` the numbers of one step and its rates."""
        for name, k, schedule in self._scheduled:
            if name != "lr":
                values = schedule._values(step, n, schedule.start())
                for value in values:
                    self.optimizer._interval(name).number(
                        float(value), type(self.optimizer).__name__, f"{name} (its schedule)"
                    )
                self._assign(name, k, float(values[0]) if first else values[:, None])
        object.__setattr__(self._current, "lr", rates[0] if first else rates)

    def _assign(self, name: str, k: int | None, value: Any) -> None:
        if k is not None:
            pair = list(getattr(self._current, name))
            pair[k] = value
            value = tuple(pair)
        object.__setattr__(self._current, name, value)

    # -----------------------------------------------------------------------------------------------------------------------------
    # Steps without a gradient

    def idle(self, steady: bool, last_step: int) -> Idle:
        """Return how features catch up in steps before `last_step`; `steady` says that a lane has the same rate in all of them.

        Momentum that shrinks by the factor `r` a step is run until all that is still to come is below a quarter of a rounding of its
        first move, ``r**m / (1 - r) < eps / 4``. Sign rules (Lion, Signum) move by the whole rate however small the momentum is: they
        run every step, and so do rules whose hyperparameters follow schedules.
        """
        everything = Idle(ALL, 0, (1.0,) * len(self.slots))
        if any(name not in OPTIONS_OF_A_STEP for name, _, _ in self._scheduled):
            return everything
        options: Any = self.optimizer
        name = self.rule.__name__
        if name in ("sgd", "signsgd", "adagrad"):
            return Idle(0, 0, (1.0,) * len(self.slots))
        if name in ("momentum", "nesterov"):
            return Idle(self._until_faded(options.momentum), 0, (options.momentum,))
        if name.startswith("rmsprop"):
            fades = [options.momentum if slot == "momentum_buffer" else options.alpha for slot in self.slots]
            return Idle(self._until_faded(options.momentum) if options.momentum else 0, 0, tuple(fades))
        if name == "adadelta":
            return Idle(0, 0, (options.rho, options.rho))
        if name == "rprop":
            return Idle(1, 0, (1.0, 1.0))  # forgets the gradient, and then rests
        if name in ("adam", "amsgrad", "adamax", "nadam", "radam"):
            b1, b2 = options.betas
            relative = {"amsgrad": 1.0, "adamax": b2}.get(name, math.sqrt(b2))
            floor = int(name == "adamax")  # the last step brings the size back that it does not fall below
            return Idle(self._until_faded(b1 / relative if relative else 1.0), floor, (b1, b2, 1.0)[: len(self.slots)])
        if name == "ftrl" and steady:
            return Idle(
                1, 1, (1.0, 1.0)
            )  # the first step may have another rate than the one before; the weight is made anew in each
        if name == "asgd" and last_step - self.began <= options.t0 + 2:
            return Idle(0, 1, (1.0,))  # the average is still the weight itself
        return everything

    def _until_faded(self, factor: float) -> int:
        if factor >= 1:
            return ALL
        bound = float(np.finfo(self.dtype).eps) / 4 * (1 - factor)
        return 1 if factor == 0 else math.ceil(math.log(bound) / math.log(factor))
