"""Linear regression by stochastic gradient descent."""

from numbers import Real
from typing import Any, ClassVar

import numpy as np
from sklearn.base import RegressorMixin, _fit_context
from sklearn.metrics import r2_score
from sklearn.model_selection import ShuffleSplit
from sklearn.utils._param_validation import Interval, StrOptions

from fastgd._validation import ArgumentValueError
from fastgd.linear_model import _auto, _data
from fastgd.linear_model._base import LinearSGD, store

LOSSES = (
    "squared_error",
    "huber",
    "epsilon_insensitive",
    "squared_epsilon_insensitive",
    "quantile",
    "logcosh",
    "poisson",
    "gamma",
)
LOG_LINK = ("poisson", "gamma")


class SGDRegressor(RegressorMixin, LinearSGD):
    """Linear models for numbers, trained by stochastic gradient descent.

    Takes the place of ``sklearn.linear_model.SGDRegressor`` by a change of the import: every parameter, default, attribute and method has
    its name and meaning.

    Parameters
    ----------
    loss : str, default="squared_error"
        "squared_error", "huber" (linear for outliers), "epsilon_insensitive" (SVR), "squared_epsilon_insensitive". Beyond scikit-learn:
        "quantile" (predicts the `quantile`), "logcosh", and with a logarithmic link "poisson" (targets >= 0) and "gamma" (targets > 0).
    penalty : {"l2", "l1", "elasticnet"} or None, default="l2"
        What keeps weights small: half the squared norm, the sum of sizes (exact zeros), both, or nothing.
    alpha : float, default=0.0001
        The strength of the penalty, >= 0. The rate "optimal" is made of it.
    l1_ratio : float or None, default=0.15
        The share of L1 in "elasticnet", from 0 to 1.
    fit_intercept : bool, default=True
        Learn a constant besides the weights.
    max_iter : int, default=1000
        The largest number of epochs of `fit`.
    tol : float or None, default=1e-3
        `fit` stops a lane after `n_iter_no_change` epochs in which mean loss plus penalty (or the validation score) has not improved by
        `tol`. None: always `max_iter` epochs.
    shuffle : bool, default=True
        A new order of the rows for every epoch.
    verbose : int, default=0
        Above 0, one printed line per epoch.
    epsilon : float, default=0.1
        The width of the tube of the "epsilon_insensitive" losses, and where "huber" turns linear.
    random_state : int, RandomState, numpy Generator or None, default=None
        The seed of the shuffles and of the split for early stopping. An int repeats the same training.
    learning_rate : str, float or Schedule, default="invscaling"
        "constant" (eta0), "optimal" (1 / (alpha (t0 + t)), Bottou's t0), "invscaling" (eta0 / t**power_t), "adaptive" (eta0, divided by 5
        instead of stopping, down to 1e-6), "pa1" and "pa2" (passive-aggressive, only with the loss "epsilon_insensitive"; eta0 is
        the aggressiveness C). Beyond scikit-learn: a number, or a `fastgd.schedules.Schedule` of the
        0-based step, whose durations may be in steps, epochs or per cent; or "auto".
        "auto" holds rows out, races rates on them and trains with the best, falling to zero in cycles of 1, 1, 2, 4 ... epochs, until
        `n_iter_no_change` epochs have not improved the validation loss by `tol`; the weights are those of the lowest. `max_iter` bounds
        the epochs after the race, and `partial_fit` goes on with `learning_rate_`.
    eta0 : float, default=0.01
        The base rate.
    power_t : float, default=0.25
        The exponent of "invscaling".
    early_stopping : bool, default=False
        Stop on the score of rows held out of the training data (or of `X_val`) instead of the objective.
    validation_fraction : float, default=0.1
        The share of rows to hold out.
    n_iter_no_change : int, default=5
        The patience, in epochs.
    warm_start : bool, default=False
        `fit` begins with the last weights.
    average : bool or int, default=False
        Publish the mean of the weights over all steps, or over those from the step `average` on.
    restore_best : bool, default=False
        Keep the weights of the epoch with the best validation score, not the last ones. Needs `early_stopping` or `X_val`.
    max_time : float, optional
        Seconds after which `fit` begins no further epoch.
    sparse_intercept_decay : float, default=1.0
        Factor of the intercept's rate on sparse data. scikit-learn uses 0.01, silently; here dense and sparse data give one model.
    quantile : float, default=0.5
        What "quantile" predicts, strictly between 0 and 1.

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,)
        The weights, of the dtype of X.
    intercept_ : ndarray of shape (1,)
        The constant.
    n_iter_ : int
        The number of epochs, of the longest lane.
    t_ : int
        ``n_iter_ * n_samples + 1``, over all calls since `fit`; rows of weight 0 do not count.
    history_ : dict of ndarray
        Epoch by epoch: epoch, step, learning_rate, loss (mean over the rows, each before its update), objective (loss plus
        penalty), val_loss, val_score, rows_per_second, seconds. With several lanes, what differs between them has shape
        (n_epochs, n_lanes), NaN after a lane has stopped.
    stop_reason_ : str
        "tol", "max_iter" or "max_time"; several where lanes stopped for different reasons.
    learning_rate_ : float
        Only with the rate "auto": the base rate that was found, that of the model's last cycle.
    race_ : RaceResult
        Only with the rate "auto": rates, curves, the choice, what is as good, where training diverged, and the model's `schedule`.
    n_features_in_ : int
        The number of features.
    feature_names_in_ : ndarray of shape (n_features,)
        The names of the columns, where X was a frame with string names.

    Notes
    -----
    Differences from scikit-learn, all deliberate: dense and sparse data give the same model; `tol` sees the whole penalty on sparse data;
    rows of weight 0 are not visited and negative weights are refused; int64 indices are accepted; a diverging or interrupted call leaves
    the estimator as it was.

    ``Ridge(a)`` minimises the same objective with ``alpha = a / n_samples``, ``LinearSVR(C)`` with ``alpha = 1 / (C * n_samples)``.

    Examples
    --------
    >>> from fastgd.linear_model import SGDRegressor
    >>> X = [[-1.0], [0.0], [1.0]] * 100
    >>> model = SGDRegressor(random_state=0).fit(X, [-1.0, 1.0, 3.0] * 100)
    >>> model.coef_.round(1), model.intercept_.round(1)
    (array([2.]), array([1.]))

    The same with the learning rate chosen by a race on rows held out:

    >>> model = SGDRegressor(learning_rate="auto", random_state=0).fit(X, [-1.0, 1.0, 3.0] * 100)
    >>> model.coef_.round(1), model.intercept_.round(1), len(model.race_.learning_rate)
    (array([2.]), array([1.]), 16)
    """

    _parameter_constraints: ClassVar[dict] = {
        **LinearSGD._parameter_constraints,
        "loss": [StrOptions(set(LOSSES))],
        "quantile": [Interval(Real, 0, 1, closed="neither")],
        "learning_rate": [*LinearSGD._parameter_constraints["learning_rate"], _auto.CONSTRAINT],
    }
    _passive_aggressive_loss = "epsilon_insensitive"

    def __init__(
        self,
        loss="squared_error",
        *,
        penalty="l2",
        alpha=0.0001,
        l1_ratio=0.15,
        fit_intercept=True,
        max_iter=1000,
        tol=1e-3,
        shuffle=True,
        verbose=0,
        epsilon=0.1,
        random_state=None,
        learning_rate="invscaling",
        eta0=0.01,
        power_t=0.25,
        early_stopping=False,
        validation_fraction=0.1,
        n_iter_no_change=5,
        warm_start=False,
        average=False,
        restore_best=False,
        max_time=None,
        sparse_intercept_decay=1.0,
        quantile=0.5,
    ):
        store(self, locals())

    def _attributes(self, coef, intercept):
        return {"coef_": coef[:, 0].copy(), "intercept_": intercept}

    def _lane_scores(self, raw, y, weight):
        return np.array([r2_score(y[:, 0], self._unlinked(lane), sample_weight=weight) for lane in raw.T])

    def _unlinked(self, raw: np.ndarray) -> np.ndarray:
        return np.exp(raw) if self.loss in LOG_LINK else raw

    def _targets(self, y: np.ndarray, dtype: Any, name: str = "y") -> np.ndarray:
        """Return (n_rows, 1) targets of this dtype; refuse those that the loss has no value for."""
        low = {"poisson": ">= 0", "gamma": "> 0"}.get(self.loss)
        bad = y < 0 if low == ">= 0" else y <= 0
        if low and bad.any():
            raise ArgumentValueError(
                f"{name} must be {low} for the loss {self.loss!r}; got {y[bad][0]} in row {int(bad.argmax())}."
            )
        with np.errstate(over="ignore"):
            targets = np.asarray(y, dtype=dtype)[:, None]
        if not np.isfinite(targets).all():
            raise ArgumentValueError(
                f"Input {name} contains infinity or a value too large for dtype({np.dtype(dtype).name!r})."
            )
        return targets

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(
        self,
        X,
        y,
        coef_init=None,
        intercept_init=None,
        sample_weight=None,
        *,
        X_val=None,
        y_val=None,
        sample_weight_val=None,
    ):
        """Train from the beginning, or with `warm_start` from the last weights.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows; float32 and float64 are used as they are, anything else is converted to float64.
        y : array-like of shape (n_samples,)
            Targets, converted to the dtype of X.
        coef_init : array-like of shape (n_features,), optional
            Coefficients to begin with.
        intercept_init : array-like of shape (1,), optional
            Intercept to begin with.
        sample_weight : array-like of shape (n_samples,), optional
            Weights >= 0 of the rows. Rows of weight 0 are not visited.
        X_val, y_val : array-like of shapes (n_val, n_features) and (n_val,), optional
            Validation rows: scored after each epoch, into `history_`; with `early_stopping` they decide instead of a split.
        sample_weight_val : array-like of shape (n_val,), optional
            The weights of the validation rows in the score.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        DivergedError
            The weights left the range of floating-point numbers. The estimator is as it was before the call.

        Examples
        --------
        >>> from fastgd.linear_model import SGDRegressor
        >>> SGDRegressor(random_state=0).fit([[0.0], [1.0]] * 50, [0.0, 1.0] * 50).stop_reason_
        'tol'
        """
        with _data.unchanged_on_error(self):
            self._check_settings()
            own = (X_val, y_val, sample_weight_val)
            split = self.early_stopping or _auto.is_auto(self)
            self._learn(**self._task(X, y, sample_weight, own, split, (coef_init, intercept_init)))
        self._warn()
        return self

    def _task(self, X, y, sample_weight, own, split, init=(None, None)):
        X, y = _data.matrix(self, X, y, reset=True, y_numeric=True)
        targets = self._targets(y, X.dtype)
        weight = _data.row_weights(sample_weight, X)
        init = self._initial(*init)
        validation = _data.validation(self, *own, X.dtype, y_numeric=True)
        if validation is not None:
            validation = validation[0], self._targets(validation[1], X.dtype, "y_val"), validation[2]
        held_out = None
        if split and validation is None:
            held_out = self._split(ShuffleSplit, y)
            validation = _data.held_out(X, targets, weight, held_out)
        lanes = {"n_lanes": 1, "weight": None if weight is None else weight[:, None]}
        return {"X": X, "targets": targets, **lanes, "init": init, "held_out": held_out, "validation": validation}

    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y, sample_weight=None, *, n_epochs=1):
        """Go on training, by default for one epoch.

        The step counter, the averages, the lazy penalties and the memory of a schedule go on exactly: ``fit`` of 10 epochs equals ``fit``
        of 5 and ``partial_fit(n_epochs=5)`` on the same rows, bit for bit, when `random_state` is an int.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows, of dtype float32 or float64, or convertible.
        y : array-like of shape (n_samples,)
            Targets, converted to the dtype of X.
        sample_weight : array-like of shape (n_samples,), optional
            Weights >= 0. When all are 0 nothing changes, the step counter included.
        n_epochs : int, default=1
            How often to go through the rows.

        Returns
        -------
        self : object
            The fitted estimator.

        Examples
        --------
        >>> from fastgd.linear_model import SGDRegressor
        >>> model = SGDRegressor(random_state=0).partial_fit([[0.0], [1.0]], [0.0, 1.0], n_epochs=3)
        >>> model.t_
        7
        """
        with _data.unchanged_on_error(self):
            _data.check_n_epochs(n_epochs)
            first = getattr(self, "coef_", None) is None
            if first:
                self._check_settings(for_partial_fit=True)
            X, y = _data.matrix(self, X, y, reset=first, y_numeric=True)
            weight = _data.row_weights(sample_weight, X, allow_all_zero=True)
            if weight is None or weight.any():
                lane_weight = None if weight is None else weight[:, None]
                self._learn(X, self._targets(y, X.dtype), lane_weight, n_lanes=1, n_epochs=n_epochs)
            elif first:
                self._begin_at_zero(X.dtype, 1)
        return self

    def _initial(self, coef: Any, intercept: Any) -> tuple[Any, Any]:
        warm = self.warm_start and getattr(self, "coef_", None) is not None
        before = self._starting_point() if warm else (None, None)
        coef = before[0] if coef is None else _data.initial("coef_init", coef, (1, self.n_features_in_)).T
        intercept = before[1] if intercept is None else _data.initial("intercept_init", intercept, (1,))
        if coef is not None and len(coef) != self.n_features_in_:
            raise ArgumentValueError(
                f"warm_start needs the same features: coef_ has {len(coef)}, X {self.n_features_in_}."
            )
        return coef, intercept

    def predict(self, X):
        """Return the predictions: ``X @ coef_ + intercept_``, for "poisson" and "gamma" the exponential of that.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows, of dtype float32 or float64, or convertible.

        Returns
        -------
        ndarray of shape (n_samples,)
            Of the dtype of X and the weights.

        Examples
        --------
        >>> from fastgd.linear_model import SGDRegressor
        >>> model = SGDRegressor(loss="poisson", random_state=0).fit([[0.0], [1.0]] * 50, [1.0, 3.0] * 50)
        >>> (model.predict([[5.0]]) > 0).item()
        True
        """
        return self._unlinked(self._raw(X))
