"""The solver "lbfgs": all rows in one batch, SciPy's minimiser on the engine's loss and gradient."""

import time
from typing import Any

import numpy as np
import scipy.optimize
from sklearn.utils.optimize import _check_optimize_result

from fastgd._estimators.callbacks import CallbackObserver
from fastgd._training import fit
from fastgd._training.log import DivergedError, Log
from fastgd._training.network import NetworkLanes
from fastgd._training.rates import RateTable
from fastgd.optimizers import SGD

# The first step of momentum keeps the gradient in its state array, to the last bit.
GRADIENT_KEEPER = SGD(momentum=0.5)


class Objective:
    """The mean loss plus penalty of a network over all rows, and its gradient, as functions of all parameters.

    Attributes
    ----------
    measured : dict
        What the last call found, by its names in the history.
    """

    def __init__(self, lanes: NetworkLanes, problem: fit.Problem):
        self.lanes, self.problem = lanes, problem
        self.untrained = lanes.state()
        self.measured: dict[str, float] = {}

    def __call__(self, parameters: np.ndarray) -> tuple[float, np.ndarray]:
        """Return value and gradient."""
        lanes, problem = self.lanes, self.problem
        lanes.set_state(self.untrained)
        lanes.set_coef(parameters[:, None])
        with np.errstate(all="ignore"):
            found = lanes.epoch(problem.rows, problem.targets, problem.learn, RateTable.constant(1.0), problem.weight)
            loss = float(found.weighted_loss_sum[0] / found.weight_sum[0])
            value = loss + float(found.penalty[0]) / len(problem.learn)
        self.measured = {"loss": loss, "objective": value, "grad_norm": float(found.grad_norm[0])}
        return value, lanes.state()["momentum_buffer"][0].astype(np.float64)


def minimise(model: Any, lanes: NetworkLanes, problem: fit.Problem, observer: CallbackObserver | None) -> fit.Outcome:
    """Minimise from the weights of `lanes` on and return the outcome of one network; an iteration counts as an epoch."""
    began, objective = time.perf_counter(), Objective(lanes, problem)
    log, reason = Log(int(model.verbose)), ""

    def note(intermediate_result: scipy.optimize.OptimizeResult) -> None:
        nonlocal reason
        seconds = time.perf_counter() - began
        done = len(log.epochs) + 1
        log.add(np.ones(1, bool), epoch=done, step=done, **objective.measured, seconds=seconds)
        if observer is not None:
            weights = intermediate_result.x[:, None].astype(lanes.dtype), np.zeros(1)
            observer.begin(lambda: weights)
            if observer.end(log.epochs[-1], lambda: weights):
                reason = "callback"
        if model.max_time is not None and seconds >= model.max_time:
            reason = reason or "max_time"
        if reason:
            raise StopIteration

    start = lanes.coef[:, 0].astype(np.float64)
    options = {"maxfun": model.max_fun, "maxiter": model.max_iter, "gtol": 0.0 if model.tol is None else model.tol}
    found = scipy.optimize.minimize(objective, start, method="L-BFGS-B", jac=True, options=options, callback=note)
    if not (np.isfinite(found.x).all() and np.isfinite(found.fun)):
        raise DivergedError(
            "Solver produced non-finite parameter weights. The input data may contain large values and need to be preprocessed. "
            "The estimator is as it was before."
        )
    n_iter = found.nit if reason else _check_optimize_result("lbfgs", found, model.max_iter)
    if not log.epochs:  # it began at a minimum
        log.add(np.ones(1, bool), epoch=0, step=0, **objective.measured, seconds=time.perf_counter() - began)
    reason = reason or ("tol" if found.success else "max_iter")
    coef = found.x[:, None].astype(lanes.dtype)
    return fit.Outcome(coef, np.zeros(1), np.array([n_iter]), np.array([reason]), log.history())
