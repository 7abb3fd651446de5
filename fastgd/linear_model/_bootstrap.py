"""Confidence intervals by the bootstrap in one pass: every replicate is a lane, with its own random weights of the rows."""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.utils.extmath import safe_sparse_dot

from fastgd._estimators import inputs
from fastgd._training import fit
from fastgd._training.rows import Rows
from fastgd._validation import ArgumentValueError, integer, real, value_error
from fastgd.linear_model import _auto

OWNER = "bootstrap_intervals"
STREAM = 2**64 - 1  # of random numbers; the shuffles of the epochs have 0, 1, ...
CHUNK = 2**20  # numbers at a time: temporary arrays stay small


@dataclass(frozen=True, repr=False)
class BootstrapResult:
    """What `bootstrap_intervals` found: the replicates, and intervals of their quantiles.

    `coef_low`, `coef_high` and `coef_std` have the shape of `coef_`, those of the intercepts that of `intercept_`; all are float64.

    With `n` replicates the bounds are the order statistics number ``(n + 1) (1 - level) / 2`` and ``(n + 1) (1 + level) / 2``, interpolated
    (definition 6 of Hyndman and Fan, 1996), between which one more replicate lies with probability `level`.

    Attributes
    ----------
    coef : ndarray of shape (n_replicates, ...)
        The `coef_` of each replicate, of the dtype of X.
    intercept : ndarray of float64, shape (n_replicates, n_outputs)
        The `intercept_` of each replicate.
    level : float
        How probable it is that an interval covers.
    n_iter : int
        The number of epochs, of the longest lane.
    stop_reason : str
        "tol", "max_iter" or "max_time"; several where lanes stopped for different reasons.
    estimator : estimator
        An unfitted copy, with the settings that were trained.

    Examples
    --------
    >>> import numpy as np
    >>> from fastgd.linear_model import SGDRegressor
    >>> generator = np.random.default_rng(0)
    >>> X = generator.normal(size=(500, 2))
    >>> y = X @ [1.0, 0.0] + generator.normal(size=500)
    >>> model = SGDRegressor(learning_rate=0.02, average=500, random_state=0)
    >>> result = model.bootstrap_intervals(X, y, n_epochs=5)
    >>> result
    BootstrapResult(64 replicates, level 0.95: 1 of 2 weights away from 0)
    >>> (result.coef_low < [1, 0]) & (result.coef_high > [1, 0])
    array([ True,  True])
    """

    coef: np.ndarray
    intercept: np.ndarray
    level: float
    n_iter: int
    stop_reason: str
    estimator: Any

    @property
    def n_replicates(self) -> int:
        """The number of replicates."""
        return len(self.coef)

    @cached_property
    def _coef_bounds(self) -> np.ndarray:
        return self._bounds(self.coef)

    @cached_property
    def _intercept_bounds(self) -> np.ndarray:
        return self._bounds(self.intercept)

    def _bounds(self, values: np.ndarray, axis: int = 0) -> np.ndarray:
        """Return the lower and the upper end of the interval of values along the axis of the replicates."""
        tails = [(1 - self.level) / 2, (1 + self.level) / 2]
        return np.quantile(values, tails, axis=axis, method="weibull")

    @property
    def coef_low(self) -> np.ndarray:
        """The lower ends of the intervals of the weights."""
        return self._coef_bounds[0]

    @property
    def coef_high(self) -> np.ndarray:
        """The upper ends of the intervals of the weights."""
        return self._coef_bounds[1]

    @property
    def coef_std(self) -> np.ndarray:
        """The standard errors of the weights: their standard deviations over the replicates."""
        return self.coef.std(axis=0, ddof=1, dtype=np.float64)

    @property
    def intercept_low(self) -> np.ndarray:
        """The lower ends of the intervals of the intercepts."""
        return self._intercept_bounds[0]

    @property
    def intercept_high(self) -> np.ndarray:
        """The upper ends of the intervals of the intercepts."""
        return self._intercept_bounds[1]

    @property
    def intercept_std(self) -> np.ndarray:
        """The standard errors of the intercepts."""
        return self.intercept.std(axis=0, ddof=1)

    def __repr__(self) -> str:
        away = int(np.count_nonzero((self.coef_low > 0) | (self.coef_high < 0)))
        of = f"{away} of {self.coef_low.size} weights away from 0"
        return f"BootstrapResult({self.n_replicates} replicates, level {self.level:g}: {of})"

    def predict_interval(self, X):
        """Return intervals of what the model predicts: a classifier's decision function, a regressor's mean.

        They say how sure the model is of its line, not where new targets lie, which scatter around it.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows, of dtype float32 or float64, or convertible.

        Returns
        -------
        low, high : ndarray of float64, shape (n_samples,) or (n_samples, n_outputs)
            The ends of the intervals, in the shape of the estimator's `decision_function` or `predict`.

        Examples
        --------
        >>> from fastgd.linear_model import SGDRegressor
        >>> X, y = [[-1.0], [0.0], [1.0]] * 100, [-1.0, 1.0, 3.1] * 100
        >>> low, high = SGDRegressor(random_state=0).bootstrap_intervals(X, y).predict_interval([[5.0]])
        >>> bool(low[0] < high[0])
        True
        """
        X = inputs.matrix(self.estimator, X, reset=False)
        n_outputs = self.intercept.shape[1]
        flat, step = self.coef.reshape(self.intercept.size, -1), max(1, CHUNK // self.intercept.size)
        found = []
        for low in range(0, X.shape[0], step):
            raw = safe_sparse_dot(X[low : low + step], flat.T, dense_output=True) + self.intercept.ravel()
            found.append(self._bounds(self.estimator._unlinked(raw).reshape(len(raw), -1, n_outputs), axis=1))
        ends = np.concatenate(found, axis=1)
        return tuple(ends[:, :, 0] if n_outputs == 1 else ends)


class BootstrapMixin:
    """The method `bootstrap_intervals` of the estimators."""

    def _unlinked(self, raw: np.ndarray) -> np.ndarray:
        return raw

    def bootstrap_intervals(
        self: Any,
        X,
        y,
        *,
        n_replicates=64,
        level=0.95,
        n_epochs=None,
        random_state=None,
        sample_weight=None,
    ):
        """Return confidence intervals of the weights by the bootstrap, in one training of many lanes; the estimator is not touched.

        Every replicate is trained with the estimator's settings on the same rows in the same order, each row weighted by the replicate's
        own Poisson number of mean 1, drawn once: the limit of drawing as many rows with replacement.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows, of dtype float32 or float64, or convertible.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets, as in `fit`.
        n_replicates : int, default=64
            How many. At least ``2 / (1 - level) - 1``, which is 39 for 0.95: with fewer no replicate lies outside of the interval.
        level : float, default=0.95
            How probable it is that an interval covers, strictly between 0 and 1.
        n_epochs : int, optional
            How often to go through the rows. Without it the estimator's `max_iter`, `tol` and `max_time` end the training.
        random_state : int, RandomState or numpy Generator, optional
            Takes the place of the estimator's: the seed of the weights and of the shuffles.
        sample_weight : array-like of shape (n_samples,), optional
            Weights >= 0 of the rows, multiplied with the replicates'.

        Returns
        -------
        BootstrapResult
            The replicates, intervals and standard errors.

        Raises
        ------
        DivergedError
            The weights of a replicate left the range of floating-point numbers.

        Notes
        -----
        The intervals are those of averaged SGD. Fang, Xu and Yang (2018, "Online bootstrap confidence intervals for the stochastic gradient
        descent estimator", JMLR 19) prove that the spread of such replicates around the averaged estimate has the limit distribution of
        the estimate's error, already after one epoch with a rate that falls like ``t**-a``, a between 1/2 and 1. A last iterate also
        carries the noise of its last steps, which the intervals then measure in part only.

        No bootstrap sees a bias that all replicates share: that of the penalty, and that of weights still on their way from 0. Train for
        several epochs and let the average begin when the way is done: ``average=n_samples`` rather than True.

        Poisson weights row by row are those of Oza and Russell (2001) and of Hanley and MacGibbon (2006). They need ``n_samples *
        n_replicates`` bytes; the result holds `n_replicates` times the weights of the model.

        Examples
        --------
        >>> from sklearn.datasets import load_breast_cancer
        >>> from fastgd.linear_model import SGDClassifier
        >>> X, y = load_breast_cancer(return_X_y=True)
        >>> X = (X - X.mean(axis=0)) / X.std(axis=0)
        >>> model = SGDClassifier(loss="log_loss", alpha=0.01, average=len(X), random_state=0)
        >>> result = model.bootstrap_intervals(X, y, n_epochs=10)
        >>> result.coef_low.shape, result.coef_std.shape
        ((1, 30), (1, 30))
        """
        level, n_replicates = _checked(level, n_replicates)
        model = clone(self)
        if random_state is not None:
            model.set_params(random_state=random_state)
        if _auto.is_auto(self):
            model.set_params(learning_rate=_found_rate(self))
        model._validate_params()
        model._check_settings()
        plan = _plan(model, n_epochs)
        task = model._task(X, y, sample_weight, (None, None, None), False)
        X, own, n_lanes = task["X"], task["weight"], task["n_lanes"]
        learn, seed = inputs.rows_to_learn(X, own, None), model._seed()
        weight: Any = _Product(replicate_weights(seed, X.shape[0], n_replicates), _ones(X.shape[0], n_lanes, own))
        targets = task["targets"]
        if targets.shape[1] > 1:  # those of softmax are one column for all
            targets = _Product(_ones(X.shape[0], n_replicates), targets)
        lanes = model._new_lanes(X, n_replicates * n_lanes, X.dtype)
        rate = model._rate(lanes.n_lanes, len(learn), plan.max_iter)
        outcome = fit.train(lanes, fit.Problem(Rows.of(X, finite=False), targets, learn, weight), rate, plan, seed)
        parts = [slice(low, low + n_lanes) for low in range(0, lanes.n_lanes, n_lanes)]
        fitted = [model._attributes(outcome.coef[:, part], outcome.intercept[part]) for part in parts]
        return BootstrapResult(
            np.stack([each["coef_"] for each in fitted]),
            outcome.intercept.reshape(n_replicates, n_lanes),
            level,
            int(outcome.n_iter.max()),
            ", ".join(dict.fromkeys(outcome.stop_reason.tolist())),
            model,
        )


def replicate_weights(seed: int, n_rows: int, n_replicates: int) -> np.ndarray:
    """Return Poisson numbers of mean 1, uint8 of shape (n_rows, n_replicates): a function of the arguments alone."""
    generator = np.random.Generator(np.random.Philox(key=np.array([seed, STREAM], np.uint64)))
    weights = np.empty((n_rows, n_replicates), np.uint8)
    step = max(1, CHUNK // n_replicates)
    for low in range(0, n_rows, step):
        part = weights[low : low + step]
        part[...] = generator.poisson(1.0, part.shape)
    return weights


class _Product:
    """Stands for an array (n_rows, n_replicates * n_lanes), a column of each replicate times one of each lane; rows are made when taken.

    The lanes of a replicate are side by side. The array itself would be many times as large as the data.
    """

    def __init__(self, of_replicate: np.ndarray, of_lane: np.ndarray):
        self.of_replicate, self.of_lane = of_replicate, of_lane
        self.shape = len(of_lane), of_replicate.shape[1] * of_lane.shape[1]

    def take(self, rows: np.ndarray, axis: int = 0) -> np.ndarray:
        product = self.of_replicate[rows][:, :, None] * self.of_lane[rows][:, None, :]
        return product.reshape(len(rows), self.shape[1])


def _ones(n_rows: int, n_columns: int, values: np.ndarray | None = None) -> np.ndarray:
    """Return one column, or ones, for each of `n_columns` without storing more than that."""
    return np.broadcast_to(np.uint8(1) if values is None else values, (n_rows, n_columns))


def _checked(level: Any, n_replicates: Any) -> tuple[float, int]:
    level = real(level, OWNER, "level", 0, 1, "neither")
    n_replicates = integer(n_replicates, OWNER, "n_replicates", 2)
    least = math.ceil(2 / (1 - level) - 1 - 1e-9)
    if n_replicates < least:
        raise value_error(OWNER, "n_replicates", f"at least {least} for level={level:g}", n_replicates)
    return level, n_replicates


def _found_rate(model: Any) -> float:
    """Return the rate that a fitted estimator has found."""
    if not hasattr(model, "learning_rate_"):
        raise ArgumentValueError(
            "bootstrap_intervals with learning_rate='auto' takes the rate that fit has found: call fit before, or set a number."
        )
    return model.learning_rate_


def _plan(model: Any, n_epochs: Any) -> fit.Plan:
    """Return when to stop: after so many epochs, or as the estimator does."""
    common: dict[str, Any] = {"shuffle": bool(model.shuffle), "verbose": int(model.verbose)}
    if n_epochs is not None:
        return fit.Plan(integer(n_epochs, OWNER, "n_epochs", 1), **common)
    if model.early_stopping:
        raise ArgumentValueError(
            "bootstrap_intervals holds no rows out for early_stopping=True; pass n_epochs, or set early_stopping=False."
        )
    patience = int(model.n_iter_no_change)
    return fit.Plan(int(model.max_iter), model.tol, patience, max_time=model.max_time, **common)
