"""From the parameters of a network's estimator to an optimizer, and to the pace of its learning rate."""

from typing import Any

import numpy as np

from fastgd._estimators import auto
from fastgd._training.pacing import InverseRowsPace, NamedPace, Pace, SchedulePace
from fastgd._validation import ArgumentValueError
from fastgd.neural_network import _lbfgs
from fastgd.optimizers import SGD, Adam, Optimizer
from fastgd.schedules import Schedule

DEFAULT_RATE = 1e-3
STOCHASTIC = ("sgd", "adam")
# What the other solver has no use for, with the value that says so.
NOT_IN_LBFGS: dict[str, Any] = {
    "optimizer": None, "clip_norm": None, "dropout": 0.0, "l1": 0.0, "decoupled_weight_decay": False, "max_norm": None,
    "non_negative": False,
}  # fmt: skip


def check(model: Any) -> None:
    """Refuse what parameters forbid one another."""
    kind, base = given_rate(model)
    if isinstance(base, Schedule) and kind != "constant":
        raise ArgumentValueError(
            f"learning_rate={kind!r} needs a number as learning_rate_init; got the schedule {base}. Use learning_rate='constant'."
        )
    if model.solver == "lbfgs":
        for name, unused in NOT_IN_LBFGS.items():
            if not np.array_equal(getattr(model, name), unused):
                raise ArgumentValueError(
                    f"solver='lbfgs' has no use for {name}={getattr(model, name)!r}; leave it out, or use 'sgd' or 'adam'."
                )


def optimizer_of(model: Any) -> Optimizer:
    """Return the optimizer, whose rate is the business of the pace; for "lbfgs" one whose state tells the gradient."""
    if model.solver == "lbfgs":
        return _lbfgs.GRADIENT_KEEPER
    if model.optimizer is not None:
        return model.optimizer
    if model.solver == "adam":
        return Adam(betas=(float(model.beta_1), float(model.beta_2)), eps=float(model.epsilon))
    momentum = float(model.momentum)
    return SGD(momentum=momentum, nesterov=bool(model.nesterovs_momentum) and momentum > 0)


def given_rate(model: Any) -> tuple[str, Any]:
    """Return the name of the rate, and the number or schedule that it begins with.

    With an optimizer, the defaults stand for the optimizer's own rate; the solver "adam" takes no name, as in scikit-learn.
    """
    if auto.is_auto(model):
        return "constant", getattr(model, "learning_rate_", DEFAULT_RATE)
    named = isinstance(model.learning_rate, str)
    base = model.learning_rate_init if named else model.learning_rate
    kind = model.learning_rate if named else "constant"
    if model.optimizer is not None:
        own = kind == "constant" and not isinstance(base, Schedule) and named and base == DEFAULT_RATE
        return kind, model.optimizer.lr if own else base
    return ("constant" if model.solver == "adam" else kind), base


def with_rate(model: Any, rate: float) -> dict[str, Any]:
    """Return the parameters that make `fit` train as the lane of this rate, or factor of the schedule, does in a sweep."""
    kind, base = given_rate(model)
    if isinstance(base, Schedule) or kind == "constant":
        return {"learning_rate": rate * base if isinstance(base, Schedule) else rate}
    return {"learning_rate_init": rate}


def pace_of(
    model: Any, n_lanes: int, n_rows: int, batch_size: int, n_epochs: int, memory: Any = None, rates: Any = None
) -> Pace:
    """Return the pace of the lanes; with `rates` (n_lanes,) each lane has its own base rate, or factor of the schedule."""
    kind, base = given_rate(model)
    if isinstance(base, Schedule):
        n_steps = -(-n_rows // batch_size)
        resolved = base.resolve(steps_per_epoch=n_steps, total_steps=n_steps * n_epochs)
        return SchedulePace(resolved, np.ones(n_lanes) if rates is None else rates, memory)
    each = np.full(n_lanes, float(base)) if rates is None else rates
    if kind == "invscaling":
        return InverseRowsPace(each, float(model.power_t), n_rows, memory)
    return NamedPace(kind, each, 0.0, np.zeros(n_lanes), "", 0.0, memory)
