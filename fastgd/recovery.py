"""Divergence undone: when training counts as lost, how it goes on, and the good copy that a state goes back to.

The estimators' ``on_divergence`` follows the same policy, epoch by epoch; see ``_training/rollback.py``.
"""

import copy
import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from fastgd import _validation as check
from fastgd._kernels import execute
from fastgd._step import StepInfo

TOO_HIGH = 10.0  # a loss, times the first one: finite weights that have it are not worth going on with
SLOWER = 0.5  # times the rate, at each return
MOST = 50  # returns
EVERY = 200  # steps between two copies: a copy costs about one or two steps

PREFIX = "rollback:"  # of the copy's arrays in a checkpoint


def lost(loss: Any, first: Any, too_high: float = TOO_HIGH) -> Any:
    """Return whether training is lost at this loss, or at each of an array of them, where the first one was `first`.

    It is where the loss is not finite, or more than `too_high` times a first one that was positive.
    """
    return (loss - loss != 0) | (first > 0) & (loss > too_high * first)


@dataclass(frozen=True)
class Rollback:
    """What a state does about divergence; give it to ``optimizer.init(params, rollback=Rollback(...))``.

    A good copy of the parameters, all state arrays and the place in the schedules is kept every so many steps. The state goes back to it,
    wholly, and on with a smaller rate, when a loss that it is told (by `State.observe` or ``state.step(grads, loss=...)``) is not finite
    or far above the first one, when a gradient is not finite under ``on_nonfinite="raise"``, or when the next copy would not be finite.

    Parameters
    ----------
    every : int
        How many steps lie between two copies, at least 1.
    slower : float
        What the learning rate is multiplied by at each return, in (0, 1].
    too_high : float
        Which multiple of the first loss, if that is positive, counts as divergence; greater than 1, infinity for none.
    most : int
        How many returns there are at most; then `NonFiniteError` is raised, at the good copy.

    Notes
    -----
    The copy takes as much memory as the parameters and the state arrays together, where they are, in checkpoints too. A loss that creeps
    up, or that the state is never told, looks like any other: the copy may then be of weights that are on their way out. Steps since the
    copy are gone, `State.t` says so; the gradients for the next step must be those of the weights that were put back.

    Examples
    --------
    >>> import fastgd, numpy as np
    >>> w = np.array([3.0])
    >>> state = fastgd.SGD(lr=1.5).init(w, rollback=fastgd.Rollback(every=5))
    >>> for _ in range(40):
    ...     info = state.step(2 * w, loss=float(w @ w))
    >>> state.lr, bool(abs(w) < 1e-3)
    (0.75, True)
    >>> state.recovery.warnings()
    ['step 2: the loss, 144, is 16 times the first one: back to step 0, the learning rate times 0.5']
    """

    every: int = EVERY
    slower: float = SLOWER
    too_high: float = TOO_HIGH
    most: int = MOST

    def __post_init__(self) -> None:
        check.integer(self.every, "Rollback", "every", 1)
        check.integer(self.most, "Rollback", "most", 1)
        object.__setattr__(self, "slower", check.real(self.slower, "Rollback", "slower", 0, 1, "right"))
        if self.too_high != math.inf:
            object.__setattr__(self, "too_high", check.real(self.too_high, "Rollback", "too_high", 1, closed="right"))


def policy_of(rollback: Any, optimizer: Any) -> Rollback | None:
    """Return what `Optimizer.init` was asked for: None, True, or a `Rollback`."""
    if rollback is None or rollback is False:
        return None
    if not (rollback is True or isinstance(rollback, Rollback)):
        raise check.type_error("init", "rollback", "True, False or a Rollback", rollback)
    policy = Rollback() if rollback is True else rollback
    if policy.slower < 1 and not hasattr(optimizer, "lr"):
        fix = "Use Rollback(slower=1)."
        raise check.value_error("init", "rollback", "one that leaves the rate: the rule has no lr", policy, fix)
    return policy


class Recovery:
    """The good copy of a state, and how often it was needed: ``state.recovery``.

    Parameters
    ----------
    policy : Rollback
    state : State
        Of which the first copy is made.

    Attributes
    ----------
    factor : float
        What the learning rate is multiplied by.
    n_rollbacks : int
        How often the state went back.

    Examples
    --------
    >>> import fastgd, numpy as np
    >>> state = fastgd.SGD(lr=0.1).init(np.ones(2), rollback=True)
    >>> state.observe(1.0)
    >>> state.observe(float("nan"))
    >>> state.recovery.n_rollbacks, state.lr
    (1, 0.05)
    """

    def __init__(self, policy: Rollback, state: Any):
        self.policy, self.factor, self.n_rollbacks = policy, 1.0, 0
        self._first_loss: float | None = None
        self._since = 0  # steps tried since the copy
        self._told: list[str] = []
        tensors, self._config = state._tensors(), copy.deepcopy(state._moving())
        self._tensors = {name: execute.copy_of(array) for name, array in tensors.items()}  # where they are

    def __repr__(self) -> str:
        return f"Recovery({self.policy}, copy of step {self._config['t']}, {self.n_rollbacks} rollbacks)"

    def warnings(self) -> list[str]:
        """Return what happened, in plain words, one line for each return.

        Returns
        -------
        list of str
            Step, reason, where it went on and the rate's factor.

        Examples
        --------
        >>> import fastgd, numpy as np
        >>> fastgd.SGD(lr=0.1).init(np.ones(2), rollback=True).recovery.warnings()
        []
        """
        return list(self._told)

    # ------------------------------------------------------------------------------------------------------------- for the state

    def _step(self, state: Any, grads: Any, cast: bool, loss: Any) -> StepInfo:
        """Step the state, or go back; then the step is told to be skipped."""
        if loss is not None and not callable(loss):
            reason = self._judged(check.as_float(loss, "step", "loss"))
            if reason:
                return self._back(state, reason)
        if self._since >= self.policy.every and not self._keep(state):
            return self._back(state, "a parameter or state array is not finite")
        try:
            info = state._step(grads, cast, loss)
        except check.NonFiniteError as error:
            return self._back(state, str(error).partition("; nothing was changed")[0])
        self._since += 1
        return info

    def _observe(self, state: Any, loss: float) -> bool:
        """Take in a loss; return whether the state has gone back because of it."""
        reason = self._judged(loss)
        if reason:
            self._back(state, reason)
        return bool(reason)

    def _judged(self, loss: float) -> str:
        """Return why training is lost at this loss, or nothing."""
        if self._first_loss is None and math.isfinite(loss):
            self._first_loss = loss
        if not lost(loss, self._first_loss or 0.0, self.policy.too_high):
            return ""
        if not math.isfinite(loss):
            return f"the loss is {loss}"
        assert self._first_loss is not None
        return f"the loss, {loss:.3g}, is {loss / self._first_loss:.3g} times the first one"

    def _keep(self, state: Any) -> bool:
        """Copy the state as it is, unless it is not finite."""
        tensors = state._tensors()
        if not _finite(list(tensors.values())):
            return False
        for name, array in tensors.items():
            self._tensors[name][...] = array
        self._config, self._since = copy.deepcopy(state._moving()), 0
        return True

    def _back(self, state: Any, reason: str) -> StepInfo:
        t, again = state.t, self.n_rollbacks >= self.policy.most
        state._go_back(self._tensors, self._config)
        self._since = 0
        if again:
            raise check.NonFiniteError(
                f"at step {t} {reason}; diverged again after {self.n_rollbacks} rollbacks. The parameters are those of step {state.t}."
            )
        self.n_rollbacks += 1
        self.factor *= self.policy.slower
        state._slow(self.factor)
        self._told.append(f"step {t}: {reason}: back to step {state.t}, the learning rate times {self.factor:.3g}")
        return StepInfo(state.t, state.lr, math.nan, False, True, 0)

    # --------------------------------------------------------------------------------------------------------------- checkpoints

    def _export(self, described: dict[str, Any]) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Return the copy's tensors and what else there is to know; `described` is what is always the same of the configuration."""
        known: dict[str, Any] = {"factor": self.factor, "first_loss": self._first_loss, "n_rollbacks": self.n_rollbacks}
        known |= {"since": self._since, "told": self._told, "copy": described | self._config}
        tensors = {PREFIX + name: execute.host(array) for name, array in self._tensors.items()}
        return tensors, asdict(self.policy) | known

    def _resume(self, state: Any, tensors: dict[str, np.ndarray], known: dict[str, Any]) -> None:
        """Go on from what `_export` returned, when that has been checked."""
        for name, array in self._tensors.items():
            array[...] = tensors[name]
        self._config, self._first_loss, self._told = known["copy"], known["first_loss"], list(known["told"])
        self.factor, self.n_rollbacks, self._since = known["factor"], known["n_rollbacks"], known["since"]
        state._slow(self.factor)


def parted(tensors: dict[str, np.ndarray]) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Return the tensors of a checkpoint that are the state's own, and those of its good copy."""
    copies = {name: array for name, array in tensors.items() if name.startswith(PREFIX)}
    own = {name: array for name, array in tensors.items() if name not in copies}
    return own, {name.removeprefix(PREFIX): array for name, array in copies.items()}


def checked(stored: Any) -> tuple[Rollback | None, dict[str, Any]]:
    """Return the policy and the rest of what `Recovery._export` stored, numbers checked; None and nothing where there is none."""
    if stored is None:
        return None, {}
    known = dict(stored)
    policy = Rollback(**{name: known.pop(name) for name in Rollback.__dataclass_fields__})
    known["factor"] = check.real(known["factor"], "load", "factor", 0, 1, "right")
    if known["first_loss"] is not None:
        known["first_loss"] = check.real(known["first_loss"], "load", "first_loss")
    for name in ("n_rollbacks", "since"):
        check.integer(known[name], "load", name, 0)
    if not isinstance(known["told"], list) or not all(isinstance(line, str) for line in known["told"]):
        raise check.type_error("load", "told", "a list of texts", known["told"])
    return policy, known


def _finite(arrays: list) -> bool:
    """Say whether all elements are finite, of arrays in host memory or on a GPU."""
    reals = [array for array in arrays if array.dtype.kind not in "iu"]
    if math.isfinite(execute.square_sum(reals)):
        return True
    return all(math.isfinite(execute.square_sum([a])) or bool(np.isfinite(execute.host(a)).all()) for a in reals)
