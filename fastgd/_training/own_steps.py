"""Steps that an optimizer takes itself, by `State.step`, with the gradients that compiled lanes measure batch by batch."""

import copy
import functools
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from fastgd._restore import restore
from fastgd._training.lane_arguments import accepted_optimizer
from fastgd._validation import NonFiniteError, value_error
from fastgd.optimizers._base import Optimizer
from fastgd.state import State

__all__ = ["FINDS_STEPS", "OwnSteps", "own_optimizer"]

FINDS_STEPS = "whose step sizes are its own"


def own_optimizer(owner: str, optimizer: Optimizer | None, clip_norm: Any) -> Optimizer:
    """Return the optimizer that takes its steps itself, with this limit where one is given, if its options suit lanes."""
    accepted = accepted_optimizer(owner, optimizer, users_rules=True, in_lanes=False)
    return accepted if clip_norm is None else accepted.replace(clip_norm=clip_norm)


class Due(NamedTuple):
    """A step that is to be taken as soon as its batch has been measured, which the lanes' counter `t` tells."""

    t: int
    rates: np.ndarray
    ages: list[int]
    measured: Callable[[], np.ndarray]
    tried: Callable[[int], float] | None
    along: Callable[..., Callable[[float], float]] | None


class Known:
    """The loss of a batch as a line search asks for it: first the one that is known, then that of trial steps.

    Parameters
    ----------
    loss : float
    tried : callable
        Returns the loss with the weights as they are.
    along : callable, optional
        ``along(moving, scale)`` returns the loss as a function of the step: see `BatchMargins.along`.
    """

    def __init__(self, loss: float, tried: Callable[[], float] | None, along: Callable | None):
        self.loss, self.tried, self.along, self.asked = loss, tried, along, False

    def __call__(self) -> float:
        if not self.asked or self.tried is None:
            self.asked = True
            return self.loss
        return self.tried()


class OwnSteps:
    """The states of an optimizer, one for each model, over views of the arrays that lanes train.

    Parameters
    ----------
    optimizer : Optimizer
    n_models : int
    weights, gradient : ndarray
        Of the same layout; weights are stepped in place.
    views : callable
        ``views(array, k)`` returns model `k`'s parameters in such an array, by name.

    Attributes
    ----------
    states : list of State or None
        None for a model that has diverged, whose weights are NaN; empty before the first step.

    Notes
    -----
    An interrupt may come between a batch's measurement and the steps, or between the steps of two models. `expect` says before the
    measurement what is due; whether it has been measured, and which models have taken their step, is read off the counters, so that
    `finish` may come as late as one likes, and may be interrupted itself.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        n_models: int,
        weights: np.ndarray,
        gradient: np.ndarray,
        views: Callable[[np.ndarray, int], dict[str, np.ndarray]],
    ):
        self.optimizer, self.n_models, self.weights, self.views = optimizer, n_models, weights, views
        self._gradients = [views(gradient, k) for k in range(n_models)]
        self.states: list[State | None] = []
        self._due: Due | None = None

    def expect(
        self,
        t: int,
        rates: np.ndarray,
        measured: Callable[[], np.ndarray],
        tried: Callable[[int], float] | None = None,
        along: Callable[..., Callable[[float], float]] | None = None,
    ) -> None:
        """Let a step be due when the counter becomes `t`.

        Parameters
        ----------
        t : int
        rates : ndarray (n_models,)
        measured : callable
            Returns the losses of the batch, ``(n_models,)``, and makes the gradient ready; may be called several times.
        tried : callable, optional
            ``tried(k)`` returns model `k`'s loss over that batch with the weights as they are, and changes nothing: for line searches.
        along : callable, optional
            The same for all steps along a direction: ``along(k, moving, scale)``, see `BatchMargins.along`.
        """
        if not self.states:
            self.states = [self._begun(k, rate) for k, rate in enumerate(rates.tolist())]
        self._due = Due(t, rates, [-1 if state is None else state.t for state in self.states], measured, tried, along)

    def _begun(self, k: int, rate: float) -> State | None:
        params = self.views(self.weights, k)
        finite = all(np.isfinite(p).all() for p in params.values())
        return self.optimizer.replace(lr=rate).init(params) if finite else None

    def finish(self, t: int, last: Callable[[], None] | None = None) -> np.ndarray:
        """Take the step that is due at this value of the counter, where it has not been taken; return whose gradient was clipped.

        `last` is called once all have taken it, and may be called again.
        """
        due, clipped = self._due, np.zeros(self.n_models, bool)
        if due is not None and due.t == t:
            losses = due.measured().tolist()
            for k, state in enumerate(self.states):
                if state is not None and state.t == due.ages[k]:
                    clipped[k] = self._take(k, state, due, losses[k])
            if last is not None:
                last()
        self._due = None
        return clipped

    def _take(self, k: int, state: State, due: Due, loss: float) -> bool:
        state._set_rate(float(due.rates[k]))
        try:
            if not math.isfinite(loss):
                raise NonFiniteError("the loss is not finite")
            return state.step(self._gradients[k], loss=self._told(k, due, loss)).clipped
        except NonFiniteError:
            for p in self.views(self.weights, k).values():
                p[...] = math.nan
            self.states[k] = None
            return False

    def _told(self, k: int, due: Due, loss: float) -> float | Known:
        """Return the loss as the step wants it."""
        if not self.optimizer.searches:
            return loss
        tried = None if due.tried is None else functools.partial(due.tried, k)
        return Known(loss, tried, None if due.along is None else functools.partial(due.along, k))

    def evaluated(self) -> np.ndarray:
        """Return a copy of the weights with what each model is to be evaluated with: schedule-free ones train at another point."""
        array = self.weights.copy()
        for k, state in enumerate(self.states):
            if state is not None:
                found = state.evaluation_params()
                for name, view in self.views(array, k).items():
                    view[...] = found[name]
        return array

    def begin_anew(self) -> None:
        """Forget the past; the next step is the first."""
        self.states, self._due = [], None

    def state(self) -> list[tuple[dict[str, np.ndarray], dict[str, Any]] | None]:
        """Return copies of everything, for `set_state`."""
        found: list = []
        for each in self.states:
            if each is None:
                found.append(None)
            else:
                tensors, config = each._export()
                found.append(({name: array.copy() for name, array in tensors.items()}, copy.deepcopy(config)))
        return found

    def check_state(self, stored: Any, owner: str) -> None:
        """Refuse what `state` cannot have returned, before anything is changed."""
        if not isinstance(stored, list) or len(stored) not in (0, self.n_models):
            accepted = f"own steps of {self.n_models} models with {type(self.optimizer).__name__}"
            fix = "Go on with the optimizer that has trained, or fit anew."
            raise value_error(owner, "state", accepted, f"{type(stored).__name__}: another's", fix)

    def set_state(self, stored: Any) -> None:
        """Go on from what `state` returned."""
        self.states = [None if one is None else self._restored(k, *one) for k, one in enumerate(stored)]
        self._due = None

    def _restored(self, k: int, tensors: dict[str, np.ndarray], config: dict[str, Any]) -> State:
        """Return a stored state with the hyperparameters of now; of another optimizer it is refused."""
        given = self.optimizer.replace(lr=config["optimizer"]["lr"])
        return restore(tensors, config, self.views(self.weights, k), given)
