"""The sweep: every learning rate is a lane, so many rates cost little more than one."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastgd import _drawing as drawing
from fastgd._training import fit
from fastgd._training.curves import RateCurves, diverged
from fastgd._training.log import DivergedError
from fastgd._training.models import side_by_side
from fastgd._training.rows import Rows
from fastgd._validation import ArgumentTypeError, ArgumentValueError, integer, shortened
from fastgd.learning_rate._subject import is_network


@dataclass(frozen=True, repr=False)
class SweepResult(RateCurves):
    """What `sweep` measured.

    Attributes
    ----------
    learning_rate : ndarray of float64, shape (n_rates,)
        The rates, ascending.
    loss, val_loss : ndarray of float64, shape (n_epochs, n_rates)
        After each epoch: the mean loss over the rows learnt from, each before its update, and the mean loss over the validation rows.
        With several classes or outputs, the sum over them. NaN after the weights have left the range of floating-point numbers.
    diverged : ndarray of bool, shape (n_rates,)
        Which ended with weights that are not finite, or with a higher validation loss than a model of zeros has (where that loses anything:
        not with the loss "perceptron").
    best_estimator : estimator
        Fitted: the lane with the lowest validation loss after the last epoch. Its parameters name the rate, and `fit` on the rows learnt
        from repeats it bit for bit.
    seconds : float
        How long it took.

    Examples
    --------
    >>> import numpy as np
    >>> from fastgd.learning_rate import sweep
    >>> from fastgd.linear_model import SGDRegressor
    >>> X = np.random.default_rng(0).normal(size=(200, 3))
    >>> result = sweep(SGDRegressor(random_state=0), X, X @ [1.0, 2.0, 3.0], learning_rate=[1e-4, 1e-2, 0.1])
    >>> result.val_loss.shape, result.band, result.edge
    ((5, 3), (0.1, 0.1), None)
    """

    best_estimator: Any
    seconds: float

    def to_dict(self) -> dict:
        """Return everything but the estimator as a JSON-able description, None for what is not finite.

        Examples
        --------
        >>> from fastgd.learning_rate import sweep
        >>> from fastgd.linear_model import SGDRegressor
        >>> result = sweep(SGDRegressor(), [[0.0], [1.0]] * 50, [0.0, 1.0] * 50, learning_rate=[0.01, 0.1])
        >>> result.to_dict()["best_learning_rate"]
        0.1
        """
        return {**super().to_dict(), "seconds": self.seconds}

    def __repr__(self) -> str:
        return f"SweepResult({len(self.learning_rate)} rates, {len(self.loss)} epochs: {self._summary()})"

    def plot(self, ax=None):
        """Plot the validation loss against the rate after each epoch with matplotlib, and return the axes.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; a new figure by default.

        Examples
        --------
        >>> import matplotlib
        >>> matplotlib.use("agg")
        >>> from fastgd.learning_rate import sweep
        >>> from fastgd.linear_model import SGDRegressor
        >>> sweep(SGDRegressor(), [[0.0], [1.0]] * 50, [0.0, 1.0] * 50, learning_rate=[0.01, 0.1]).plot().get_xscale()
        'log'
        """
        ax = drawing.axes(ax, "SweepResult.plot")
        n, best = len(self.val_loss), float(np.nanmin(self.val_loss[-1]))
        low, high = self.band
        ax.axvspan(low, high, color=drawing.GREEN, alpha=0.25, lw=4, label="within 1 % of the best")
        for epoch, values in enumerate(self.val_loss, 1):
            last = epoch == n
            early = {"color": str(0.8 - 0.5 * (epoch - 1) / n), "lw": 2.0}
            style = {"color": drawing.BLUE, "lw": 3.5, "marker": "o", "ms": drawing.MARKER, "zorder": 3}
            label = f"after epoch {epoch}" if last or epoch in (1, n - 1) else None
            ax.plot(self.learning_rate, values, label=label, **(style if last else early))
        if self.edge is not None:
            label = f"diverged or worse than\nuntrained from {self.edge:.3g}"
            ax.axvline(self.edge, ls="--", lw=drawing.LINE, color=drawing.VERMILLION, label=label)
        shown = self.val_loss[:, ~self.diverged] if not self.diverged.all() else self.val_loss
        lowest = float(np.nanmin(self.val_loss))  # of an earlier epoch perhaps
        worst = min(float(np.max(shown[np.isfinite(shown)])), best + 20 * abs(best) + 1e-12)
        if worst <= lowest:
            worst = lowest + (abs(lowest) or 1.0)  # one rate in one epoch, or nothing to lose
        logarithmic = drawing.scale([lowest, worst]) == "log"
        room = 0.05 * (worst - lowest)
        ends = (lowest / 1.2, worst * 1.2) if logarithmic else (lowest - room, worst + room)
        title = f"best learning rate {self.best_learning_rate:.3g}: validation loss {best:.4g} after {n} epoch{'s' * (n != 1)}"
        scales = {"xscale": "log", "yscale": "log" if logarithmic else "linear", "ylim": ends}
        drawing.finish(ax, title, "learning rate", "validation loss", **scales)
        drawing.legend(ax)
        return ax


def sweep(
    estimator: Any,
    X: Any,
    y: Any,
    *,
    learning_rate: Any = None,
    n_epochs: int = 5,
    random_state: Any = None,
    sample_weight: Any = None,
    X_val: Any = None,
    y_val: Any = None,
    sample_weight_val: Any = None,
    progress: Callable[[int, int], None] | None = None,
) -> SweepResult:
    """Train an estimator with many learning rates in one pass over the rows, and compare them on rows held out.

    Each rate is a lane: loading a row costs the same for 1 and for 16 of them, and each lane is trained exactly as `fit` with its rate
    would, bit for bit.

    Parameters
    ----------
    estimator : SGDClassifier, SGDRegressor, Perceptron, MLPClassifier or MLPRegressor
        Of `fastgd.linear_model` or `fastgd.neural_network`, there not with the solver "lbfgs"; it is not changed. A schedule as its
        `learning_rate` is multiplied by each rate; with "invscaling", "adaptive", "pa1" and "pa2" the rates take the place of the first
        rate; otherwise the rates are constant. Networks begin with the same weights.
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        Rows, of dtype float32 or float64, or convertible.
    y : array-like of shape (n_samples,), or (n_samples, n_outputs) for regression
        Targets.
    learning_rate : array-like of shape (n_rates,), optional
        Different numbers > 0, of dtype float64 or convertible; by default ``np.geomspace(1e-4, 10, 16)``.
    n_epochs : int, default=5
        How often to go through the rows.
    random_state : int, RandomState or numpy Generator, optional
        Takes the place of the estimator's.
    sample_weight : array-like of shape (n_samples,), optional
        Weights >= 0 of the rows.
    X_val, y_val : array-like of shapes (n_val, n_features) and (n_val,), optional
        The validation rows; without them `validation_fraction` of the rows is held out.
    sample_weight_val : array-like of shape (n_val,), optional
        The weights of the validation rows.
    progress : callable, optional
        Called as ``progress(epochs_done, n_epochs)`` after each epoch.

    Returns
    -------
    SweepResult
        The curves, the best rate, the band of rates that are as good, and the best model.

    Raises
    ------
    ArgumentTypeError, ArgumentValueError
        The estimator is of another kind, or the rates are no rates.
    DivergedError
        All rates diverged.

    Examples
    --------
    >>> import numpy as np
    >>> from fastgd.learning_rate import sweep
    >>> from fastgd.linear_model import SGDRegressor
    >>> X = np.random.default_rng(0).normal(size=(200, 3))
    >>> result = sweep(SGDRegressor(random_state=0), X, X @ [1.0, 2.0, 3.0], learning_rate=[1e-4, 1e-2, 1e3])
    >>> result.best_learning_rate, result.edge
    (0.01, 1000.0)
    """
    from sklearn.base import clone

    from fastgd._estimators import inputs

    fix = " Give it the last step, and the rows as the steps before leave them." if hasattr(estimator, "steps") else ""
    network = is_network(estimator, "the 'estimator' argument of sweep", fix=fix)
    began = time.perf_counter()
    rates = _checked_rates(np.geomspace(1e-4, 10, 16) if learning_rate is None else learning_rate)
    n_epochs = integer(n_epochs, "sweep", "n_epochs", 1)
    model = clone(estimator)
    if random_state is not None:
        model.set_params(random_state=random_state)
    model._validate_params()
    task = model._task(X, y, sample_weight, (X_val, y_val, sample_weight_val), True)
    X, weight, per_rate = task["X"], task["weight"], task.get("n_lanes", 1)
    learn = inputs.rows_to_learn(X, weight, task["held_out"])
    X_val, val_targets, val_weight = task["validation"]
    targets = task["targets"]
    if network:
        lanes = model._beside(task, learn, len(rates))  # which share the columns of their targets
    else:
        lanes = model._new_lanes(X, per_rate * len(rates), X.dtype)
        targets, weight, val_targets = (side_by_side(each, len(rates)) for each in (targets, weight, val_targets))
    validation = fit.Validation(
        model._probe(X, lanes.n_lanes, X.dtype),
        Rows.of(X_val, finite=False),
        val_targets,
        None if val_weight is None else val_weight[:, None],
    )
    problem = fit.Problem(Rows.of(X, finite=False), targets, learn, weight)
    pace = model._rate(lanes.n_lanes, len(learn), n_epochs, rates=np.repeat(rates, per_rate))
    plan = fit.Plan(n_epochs, shuffle=bool(model.shuffle), verbose=int(model.verbose), drop_diverged=True)
    untrained = validation.measure(lanes)[0]
    seed = task["seed"] if network else model._seed()
    observer = None if progress is None else _Progress(progress, n_epochs)
    outcome = fit.train(lanes, problem, pace, plan, seed, validation=validation, observer=observer)
    loss, val_loss, best = _curves(rates, outcome, len(untrained))
    model.set_params(**model._with_rate(float(rates[best])))
    if network:
        model._take(outcome, best, problem)
    else:
        own = slice(best * per_rate, (best + 1) * per_rate)
        model._set(model._attributes(outcome.coef[:, own].copy(), outcome.intercept[own].copy()))
        model.n_iter_ = int(outcome.n_iter.reshape(len(rates), -1)[best].max())
        model.t_ = model.n_iter_ * inputs.rows_that_count(X, weight) + 1
    lost = diverged(val_loss[-1], untrained.reshape(len(rates), -1).sum(axis=1))
    return SweepResult(rates, loss, val_loss, lost, model, time.perf_counter() - began)


class _Progress:
    """An observer that tells how many epochs are done."""

    def __init__(self, told: Callable[[int, int], None], n_epochs: int):
        self._told, self._done, self._n_epochs = told, 0, n_epochs

    def begin(self, weights: Any) -> None:
        """An epoch begins."""

    def end(self, measured: Any, weights: Any) -> bool:
        """An epoch has ended."""
        self._done += 1
        self._told(self._done, self._n_epochs)
        return False


def _checked_rates(given: Any) -> np.ndarray:
    try:
        rates = np.unique(np.asarray(given, dtype=np.float64))
    except (TypeError, ValueError):
        raise ArgumentTypeError(
            f"the 'learning_rate' argument of sweep must be numbers > 0; got {shortened(repr(given), 80)}."
        ) from None
    if (
        np.ndim(given) != 1
        or len(rates) != len(given)
        or not len(rates)
        or not (np.isfinite(rates) & (rates > 0)).all()
    ):
        raise ArgumentValueError(
            f"the 'learning_rate' argument of sweep must be a list of different numbers > 0; got {shortened(repr(given), 80)}."
        )
    return rates


def _curves(rates: np.ndarray, outcome: fit.Outcome, n_models: int) -> tuple[np.ndarray, np.ndarray, int]:
    """Return the losses and validation losses, (n_epochs, n_rates), and the number of the best rate; a rate's models are side by side."""
    n = len(rates)
    history = {name: outcome.history[name].reshape(-1, n, n_models // n) for name in ("loss", "val_loss")}
    loss, val_loss = (each.sum(axis=2) for each in history.values())
    lost = (outcome.stop_reason.reshape(n, -1) == "diverged").any(axis=1) | ~np.isfinite(val_loss[-1])
    val_loss[-1, lost] = np.nan
    if lost.all():
        raise DivergedError(f"all learning rates from {rates[0]:.3g} to {rates[-1]:.3g} diverged; try smaller ones.")
    return loss, val_loss, int(np.nanargmin(val_loss[-1]))
