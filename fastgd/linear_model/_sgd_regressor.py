"""Linear regression by stochastic gradient descent."""

from numbers import Real
from typing import Any, ClassVar

import numpy as np
from sklearn.base import RegressorMixin, _fit_context
from sklearn.metrics import r2_score
from sklearn.model_selection import ShuffleSplit
from sklearn.utils._param_validation import Interval, StrOptions

from fastgd._estimators import device_predictions, inputs, streams
from fastgd._estimators.callbacks import observed
from fastgd._estimators.settings import store
from fastgd._validation import ArgumentValueError
from fastgd.linear_model import _auto, _resume
from fastgd.linear_model._base import LinearSGD
from fastgd.linear_model._bootstrap import BootstrapMixin

LOSSES = (
    "squared_error",
    "huber",
    "epsilon_insensitive",
    "squared_epsilon_insensitive",
    "quantile",
    "logcosh",
    "poisson",
    "gamma",
    "tweedie",
)
LOG_LINK = ("poisson", "gamma", "tweedie")


class SGDRegressor(device_predictions.DeviceScore, BootstrapMixin, RegressorMixin, LinearSGD):
    """Linear models for numbers, trained by stochastic gradient descent.

    Takes the place of ``sklearn.linear_model.SGDRegressor`` by a change of the import: every parameter, default, attribute and method has
    its name and meaning.

    Parameters
    ----------
    loss : str, default="squared_error"
        "squared_error", "huber" (linear for outliers), "epsilon_insensitive" (SVR), "squared_epsilon_insensitive". Beyond scikit-learn:
        "quantile" (predicts the `quantile`), "logcosh", and with a logarithmic link "poisson" (targets >= 0), "gamma" (targets > 0)
        and "tweedie" (see `power`).
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
        `tol`. None: always `max_iter` epochs. With `learning_rate` "auto" and squared errors, `tol` counts in variances of y.
    shuffle : bool, default=True
        A new order of the rows for every epoch.
    verbose : int, default=0
        1 prints a line per epoch, 2 a row of a table: learning rate, losses, norm of the gradient, rows per second.
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
        `fit` begins with the last weights. Where `max_time` or Ctrl-C ended the last `fit`, it goes on with that instead, with the same
        data and settings: at the very row, bit for bit as if nothing had been (after Ctrl-C, from some seconds before).
    average : bool or int, default=False
        Publish the mean of the weights over all steps, or over those from the step `average` on.
    restore_best : bool, default=False
        Keep the weights of the epoch with the best validation score, not the last ones. Needs `early_stopping` or `X_val`.
    max_time : float, optional
        Seconds after which `fit` ends, also inside an epoch: then `epoch_position_` is above 0, and the last entry of `history_` is of
        the rows seen. With the rate "auto" it begins no further epoch.
    on_divergence : {"raise", "rollback", "retry"}, default="raise"
        What to do when weights are no longer finite: raise and leave the estimator as it was; go back to the weights of the epoch before
        and stop, as stop_reason_ "diverged"; or go back and on with half of the learning rate, as often as needed. The last two warn
        (`fastgd.GradientHealthWarning`), measure the loss of some rows, of 256 at least, after each epoch, and count ten times the first
        one as divergence too.
    optimizer : Optimizer, optional
        An optimizer of `fastgd.optimizers`, such as ``fastgd.Adam(lr=0.01)``, in place of plain SGD. `learning_rate` takes the place of its
        `lr`, unless it is left at its default. The penalty stays beside the rule: decoupled decay for L2, soft thresholding for L1.
        Those that tune themselves or search, as ``fastgd.DoG()`` and ``fastgd.Armijo()``, those with `extras`, and users' rules take each
        step from Python, with an L2 penalty in loss and gradient and none of L1: give them batches of some hundred rows.
        ``fastgd.NormalizedOnline()`` learns row by row, as Vowpal Wabbit does, without a scaler.
    batch_size : int, optional
        Rows of one step, whose gradients are averaged; None: each row is a step, as in scikit-learn. Must be given for X on a GPU. Row
        weights are divided by their mean, so that a whole number as weight counts like so many rows.
    clip_norm : float, optional
        The largest Euclidean norm of a step's gradient, each lane's own.
    n_jobs : int, optional
        Threads inside one model: they share its lanes (of which a softmax model counts as one), or with batches and too few lanes for
        all threads, every large batch of dense rows; small batches, and batches of sparse rows, are not shared. None is 1, -1 all
        processors. The result does not depend on it.
    sparse_intercept_decay : float, default=1.0
        Factor of the intercept's rate on sparse data. scikit-learn uses 0.01, silently; here dense and sparse data give one model.
    quantile : float, default=0.5
        What "quantile" predicts, strictly between 0 and 1.
    power : float, default=1.5
        The variance of "tweedie" is proportional to the mean to this power, as in ``TweedieRegressor``. Between 1 and 2 (sums of a Poisson
        number of gamma variables, exact zeros among them: targets >= 0), or above 2 (3: inverse Gaussian; targets > 0). At 1 and 2 stand
        "poisson" and "gamma".

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,), or (n_outputs, n_features) for a y of two dimensions
        The weights, of the dtype of X.
    intercept_ : ndarray of shape (1,), or (n_outputs,) for a y of two dimensions
        The constants.
    n_iter_ : int
        The number of whole epochs, of the longest lane.
    t_ : int
        ``n_iter_ * n_samples + epoch_position_ + 1``, over all calls since `fit`; rows of weight 0 do not count.
    epoch_position_ : int
        How many rows of an unfinished epoch were seen: 0 unless `max_time` or Ctrl-C ended `fit` inside one.
    history_ : dict of ndarray
        Epoch by epoch: epoch, step, learning_rate, loss (mean over the rows, each before its update), objective (loss plus
        penalty), val_loss, val_score, grad_norm (of the loss, mean over the steps), clipped (share of the steps), rows_per_second,
        seconds. With several lanes, what differs between them has shape (n_epochs, n_lanes), NaN after a lane has stopped.
    stop_reason_ : str
        "tol", "max_iter", "max_time", "callback" or "diverged"; several where lanes stopped for different reasons.
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
    The outputs of a y of shape (n_samples, n_outputs) are lanes: trained in one pass over the rows, each as it would be alone, bit for
    bit, with its own stopping. (A measured schedule is one for all of them: it sees their mean objective.)

    Differences from scikit-learn, all deliberate: dense and sparse data give the same model; `tol` sees the whole penalty on sparse data;
    rows of weight 0 are not visited and negative weights are refused; int64 indices are accepted; a diverging or interrupted call leaves
    the estimator as it was, but for what `warm_start` remembers.

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
        "power": [Interval(Real, None, None, closed="neither")],
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
        on_divergence="raise",
        optimizer=None,
        batch_size=None,
        clip_norm=None,
        n_jobs=None,
        sparse_intercept_decay=1.0,
        quantile=0.5,
        power=1.5,
    ):
        store(self, locals())

    def _attributes(self, coef, intercept):
        return {"coef_": coef[:, 0].copy() if len(intercept) == 1 else coef.T.copy(), "intercept_": intercept}

    def _lane_scores(self, raw, y, weight):
        pairs = zip(y.T, self._unlinked(raw).T, strict=True)
        return np.array([r2_score(target, found, sample_weight=weight) for target, found in pairs])

    def _unlinked(self, raw: np.ndarray) -> np.ndarray:
        if self.loss not in LOG_LINK:
            return raw
        return np.exp(raw) if isinstance(raw, np.ndarray) else device_predictions.exponentials(raw)

    def _least_target(self) -> str | None:
        """Return what targets must be for the loss, None for any number; refuse a power of "tweedie" that has no such loss."""
        if self.loss == "tweedie" and (self.power <= 1 or self.power == 2):
            fix = {1: " Use loss='poisson'.", 2: " Use loss='gamma'."}.get(self.power, "")
            raise ArgumentValueError(
                f"power must be between 1 and 2, or above 2, for the loss 'tweedie'; got {self.power!r}.{fix}"
            )
        return {"poisson": ">= 0", "gamma": "> 0", "tweedie": ">= 0" if self.power < 2 else "> 0"}.get(self.loss)

    def _targets(self, y: np.ndarray, dtype: Any, name: str = "y") -> np.ndarray:
        """Return (n_rows, n_outputs) targets, as they are; refuse those that have no value in this dtype or for the loss."""
        targets, least = y if y.ndim == 2 else y[:, None], self._least_target()
        for low in range(0, len(targets), inputs.CHUNK):
            with np.errstate(over="ignore"):
                part = targets[low : low + inputs.CHUNK].astype(dtype, copy=False)
            if not np.isfinite(part).all():
                raise ArgumentValueError(
                    f"Input {name} contains infinity or a value too large for dtype({np.dtype(dtype).name!r})."
                )
            bad = part < 0 if least == ">= 0" else part <= 0
            if least and bad.any():
                row = low + int(bad.any(axis=1).argmax())
                raise ArgumentValueError(
                    f"{name} must be {least} for the loss {self.loss!r}; got {part[bad][0]} in row {row}."
                )
        return targets

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(
        self,
        X,
        y=None,
        coef_init=None,
        intercept_init=None,
        sample_weight=None,
        *,
        X_val=None,
        y_val=None,
        sample_weight_val=None,
        callbacks=None,
    ):
        """Train from the beginning, or with `warm_start` from the last weights.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows; float32 and float64 are used as they are, anything else is converted to float64. Or a `fastgd.io.stream`, which has the
            targets too: then every other argument must be left out.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets, converted to the dtype of X.
        coef_init : array-like of shape (n_features,), or (n_outputs, n_features), optional
            Coefficients to begin with.
        intercept_init : array-like of shape (1,), or (n_outputs,), optional
            Intercepts to begin with.
        sample_weight : array-like of shape (n_samples,), optional
            Weights >= 0 of the rows. Rows of weight 0 are not visited.
        X_val, y_val : array-like of shapes (n_val, n_features) and (n_val,) or (n_val, n_outputs), optional
            Validation rows: scored after each epoch, into `history_`; with `early_stopping` they decide instead of a split.
        sample_weight_val : array-like of shape (n_val,), optional
            The weights of the validation rows in the score.
        callbacks : list, optional
            Functions that are called after each epoch with an `EpochInfo`, a frozen record of what it measured and of the weights; one that
            returns True ends the training. Callbacks of scikit-learn's kind are used in this call only; `set_callbacks` keeps them.

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
        if streams.is_stream(X):
            own = (X_val, y_val, sample_weight_val)
            return streams.fit(self, X, y, coef_init, intercept_init, sample_weight, *own, callbacks)
        looks_on = observed(self, callbacks, self.max_iter, X, y, sample_weight)
        with _resume.remembered(self, coef_init, intercept_init) as call, looks_on as observer:
            self._check_settings()
            own = (X_val, y_val, sample_weight_val)
            split = self.early_stopping or _auto.is_auto(self)
            task = self._task(X, y, sample_weight, own, split, (coef_init, intercept_init))
            self._learn(**task, observer=observer, call=call)
        self._warn()
        return self

    def _task(self, X, y, sample_weight, own, split, init=(None, None)):
        X, y = inputs.numeric(self, X, y, reset=True)
        targets = self._targets(y, X.dtype)
        weight = inputs.row_weights(sample_weight, X)
        init = self._initial(*init, targets.shape[1])
        validation = self._validation(*own, X.dtype, targets.shape[1])
        held_out = None
        if split and validation is None:
            held_out = self._split(ShuffleSplit, y)
            validation = inputs.held_out(X, targets, weight, held_out)
        lanes = {"n_lanes": targets.shape[1], "weight": None if weight is None else weight[:, None]}
        return {"X": X, "targets": targets, **lanes, "init": init, "held_out": held_out, "validation": validation}

    def _validation(self, X: Any, y: Any, weight: Any, dtype: Any, n_outputs: int) -> tuple | None:
        found = inputs.validation(self, X, y, weight, dtype, read=inputs.numeric)
        if found is None:
            return None
        X, y, weight = found
        targets = self._targets(y, dtype, "y_val").astype(dtype, copy=False)
        if targets.shape[1] != n_outputs:
            raise ArgumentValueError(f"y_val must have as many outputs as y, {n_outputs}; got {targets.shape[1]}.")
        return X, targets, weight

    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y, sample_weight=None, *, n_epochs=1, callbacks=None):
        """Go on training, by default for one epoch.

        The step counter, the averages, the lazy penalties and the memory of a schedule go on exactly: ``fit`` of 10 epochs equals ``fit``
        of 5 and ``partial_fit(n_epochs=5)`` on the same rows, bit for bit, when `random_state` is an int.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows, of dtype float32 or float64, or convertible.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets, converted to the dtype of X; always as many outputs as in the first call.
        sample_weight : array-like of shape (n_samples,), optional
            Weights >= 0. When all are 0 nothing changes, the step counter included.
        n_epochs : int, default=1
            How often to go through the rows.
        callbacks : list, optional
            As in `fit`.

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
        with observed(self, callbacks, n_epochs, X, y, sample_weight) as observer:
            inputs.check_n_epochs(n_epochs)
            first = getattr(self, "coef_", None) is None
            if first:
                self._check_settings(for_partial_fit=True)
            X, y = inputs.numeric(self, X, y, reset=first)
            targets = self._targets(y, X.dtype)
            if not first:
                self._check_outputs(targets.shape[1])
            weight = inputs.row_weights(sample_weight, X, allow_all_zero=True)
            if weight is None or weight.any():
                lane_weight = None if weight is None else weight[:, None]
                self._learn(X, targets, lane_weight, n_lanes=targets.shape[1], n_epochs=n_epochs, observer=observer)
            elif first:
                self._begin_at_zero(X.dtype, targets.shape[1])
        return self

    def _check_outputs(self, n_outputs: int) -> None:
        """Refuse to go on with another number of outputs than the fitted one."""
        before = len(self._checked_model()[1])
        if before != n_outputs:
            raise ArgumentValueError(f"y must have as many outputs as before, {before}; got {n_outputs}.")

    def _initial(self, coef: Any, intercept: Any, n_outputs: int) -> tuple[Any, Any]:
        warm = self.warm_start and getattr(self, "coef_", None) is not None
        if warm:
            self._check_outputs(n_outputs)
        before = self._starting_point() if warm else (None, None)
        shape = (n_outputs, self.n_features_in_)
        coef = before[0] if coef is None else inputs.initial("coef_init", coef, shape).T
        intercept = before[1] if intercept is None else inputs.initial("intercept_init", intercept, shape[:1])
        if coef is not None and len(coef) != self.n_features_in_:
            raise ArgumentValueError(
                f"warm_start needs the same features: coef_ has {len(coef)}, X {self.n_features_in_}."
            )
        return coef, intercept

    def predict(self, X):
        """Return the predictions: ``X @ coef_.T + intercept_``, for "poisson", "gamma" and "tweedie" the exponential of that.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows, of dtype float32 or float64, or convertible.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_outputs)
            Of the dtype of X and the weights.

        Examples
        --------
        >>> from fastgd.linear_model import SGDRegressor
        >>> model = SGDRegressor(loss="poisson", random_state=0).fit([[0.0], [1.0]] * 50, [1.0, 3.0] * 50)
        >>> (model.predict([[5.0]]) > 0).item()
        True
        """
        return self._unlinked(self._raw(X))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        tags.target_tags.positive_only = self.loss in LOG_LINK
        return tags
