"""The one-class SVM by stochastic gradient descent."""

from numbers import Real
from typing import Any, ClassVar

import numpy as np
from sklearn.base import OutlierMixin, _fit_context
from sklearn.utils._param_validation import Interval, StrOptions

from fastgd._estimators import inputs
from fastgd._estimators.callbacks import observed
from fastgd._estimators.settings import store
from fastgd._training.coded import Coded
from fastgd._validation import ArgumentValueError
from fastgd.linear_model import _resume
from fastgd.linear_model._base import LinearSGD
from fastgd.schedules import Schedule

FORBIDDEN = (
    "penalty",
    "alpha",
    "l1_ratio",
    "epsilon",
    "early_stopping",
    "validation_fraction",
    "n_iter_no_change",
    "restore_best",
)


class SGDOneClassSVM(OutlierMixin, LinearSGD):
    r"""The linear one-class SVM: finds a half-space that holds most rows, for the detection of outliers.

    Takes the place of ``sklearn.linear_model.SGDOneClassSVM`` by a change of the import: every parameter, default, attribute and method
    has its name and meaning. It minimises

    .. math:: \frac{\nu}{2} \lVert w \rVert^2 + \nu b + \frac{1}{n} \sum_i \max(0, 1 - (w \cdot x_i + b)), \qquad \rho = 1 - b

    Parameters
    ----------
    nu : float, default=0.5
        The strength of the penalty and about the share of outliers, in (0, 1].
    fit_intercept : bool, default=True
        Learn a constant besides the weights.
    max_iter : int, default=1000
        The largest number of epochs of `fit`.
    tol : float or None, default=1e-3
        `fit` stops a lane after 5 epochs in which mean loss plus penalty has not improved by `tol`. None: always `max_iter` epochs.
    shuffle : bool, default=True
        A new order of the rows for every epoch.
    verbose : int, default=0
        1 prints a line per epoch, 2 a row of a table: learning rate, losses, norm of the gradient, rows per second.
    random_state : int, RandomState, numpy Generator or None, default=None
        The seed of the shuffles and of the split for early stopping. An int repeats the same training.
    learning_rate : str, float or Schedule, default="optimal"
        "constant" (eta0), "optimal" (1 / (alpha (t0 + t)), Bottou's t0), "invscaling" (eta0 / t**power_t), "adaptive" (eta0, divided by 5
        instead of stopping, down to 1e-6). Beyond scikit-learn: a number, or a `fastgd.schedules.Schedule` of the
        0-based step, whose durations may be in steps, epochs or per cent.
    eta0 : float, default=0.01
        The base rate.
    power_t : float, default=0.5
        The exponent of "invscaling".
    warm_start : bool, default=False
        `fit` begins with the last weights. Where `max_time` or Ctrl-C ended the last `fit`, it goes on with that instead, with the same
        data and settings: at the very row, bit for bit as if nothing had been (after Ctrl-C, from some seconds before).
    average : bool or int, default=False
        Publish the mean of the weights over all steps, or over those from the step `average` on.
    max_time : float, optional
        Seconds after which `fit` ends, also inside an epoch: then `epoch_position_` is above 0, and the last entry of `history_` is of
        the rows seen.
    on_divergence : {"raise", "rollback", "retry"}, default="raise"
        What to do when weights are no longer finite: raise and leave the estimator as it was; go back to the weights of the epoch before
        and stop, as stop_reason_ "diverged"; or go back and on with half of the learning rate, as often as needed. The last two warn
        (`fastgd.GradientHealthWarning`), measure the loss of some rows, of 256 at least, after each epoch, and count ten times the first
        one as divergence too.
    sparse_intercept_decay : float, default=1.0
        Factor of the intercept's rate on sparse data. scikit-learn uses 0.01, silently; here dense and sparse data give one model.

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,)
        The weights, of the dtype of X.
    offset_ : ndarray of shape (1,)
        ``decision_function = score_samples - offset_``.
    n_iter_ : int
        The number of whole epochs, of the longest lane.
    t_ : int
        ``n_iter_ * n_samples + epoch_position_ + 1``, over all calls since `fit`; rows of weight 0 do not count.
    epoch_position_ : int
        How many rows of an unfinished epoch were seen: 0 unless `max_time` or Ctrl-C ended `fit` inside one.
    history_ : dict of ndarray
        Epoch by epoch: epoch, step, learning_rate, loss (mean over the rows, each before its update), objective (loss plus
        penalty), rows_per_second, seconds. With several lanes, what differs between them has shape
        (n_epochs, n_lanes), NaN after a lane has stopped.
    stop_reason_ : str
        "tol", "max_iter", "max_time", "callback" or "diverged"; several where lanes stopped for different reasons.
    n_features_in_ : int
        The number of features.
    feature_names_in_ : ndarray of shape (n_features,)
        The names of the columns, where X was a frame with string names.

    Notes
    -----
    The differences from scikit-learn are those of `SGDRegressor`.

    Examples
    --------
    >>> from fastgd.linear_model import SGDOneClassSVM
    >>> X = [[-1, -1], [-2, -1], [1, 1], [2, 1]]
    >>> SGDOneClassSVM(random_state=42, tol=None).fit(X).predict([[4, 4]])
    array([1], dtype=int32)
    """

    _parameter_constraints: ClassVar[dict] = {
        **{name: each for name, each in LinearSGD._parameter_constraints.items() if name not in FORBIDDEN},
        "nu": [Interval(Real, 0.0, 1.0, closed="right")],
        "learning_rate": [
            StrOptions({"constant", "optimal", "invscaling", "adaptive"}),
            Interval(Real, 0, None, closed="neither"),
            Schedule,
        ],
    }

    loss = "hinge"
    l1_ratio = 0.0
    _one_class = True
    _bias = "offset_"

    def __init__(
        self,
        nu=0.5,
        fit_intercept=True,
        max_iter=1000,
        tol=1e-3,
        shuffle=True,
        verbose=0,
        random_state=None,
        learning_rate="optimal",
        eta0=0.01,
        power_t=0.5,
        warm_start=False,
        average=False,
        *,
        max_time=None,
        on_divergence="raise",
        sparse_intercept_decay=1.0,
    ):
        store(self, locals())

    def _alpha(self):
        return float(self.nu)

    def _starting_point(self):
        coef, offset = super()._starting_point()
        return coef, 1 - offset

    def _attributes(self, coef, intercept):
        return {"coef_": coef[:, 0].copy(), "offset_": 1 - intercept}

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None, coef_init=None, offset_init=None, sample_weight=None, *, callbacks=None):
        """Train from the beginning, or with `warm_start` from the last weights.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows; float32 and float64 are used as they are, anything else is converted to float64.
        y : object
            Ignored; there for pipelines.
        coef_init : array-like of shape (n_features,), optional
            Coefficients to begin with.
        offset_init : array-like of shape (1,), optional
            Offset to begin with.
        sample_weight : array-like of shape (n_samples,), optional
            Weights >= 0 of the rows. Rows of weight 0 are not visited.
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
        >>> from fastgd.linear_model import SGDOneClassSVM
        >>> SGDOneClassSVM(random_state=0).fit([[1.0], [2.0]] * 50).coef_.shape
        (1,)
        """
        looks_on = observed(self, callbacks, self.max_iter, X, y, sample_weight)
        with _resume.remembered(self, coef_init, offset_init) as call, looks_on as observer:
            self._check_settings()
            X = inputs.matrix(self, X, reset=True)
            weight = inputs.row_weights(sample_weight, X)
            init = self._initial(coef_init, offset_init)
            self._learn(X, *self._ones(X, weight), n_lanes=1, init=init, observer=observer, call=call)
        self._warn()
        return self

    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y=None, sample_weight=None, *, n_epochs=1, callbacks=None):
        """Go on training, by default for one epoch; everything goes on exactly, as in `SGDRegressor.partial_fit`.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows, of dtype float32 or float64, or convertible.
        y : object
            Ignored; there for pipelines.
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
        >>> from fastgd.linear_model import SGDOneClassSVM
        >>> SGDOneClassSVM(random_state=0).partial_fit([[1.0], [2.0]]).t_
        3
        """
        with observed(self, callbacks, n_epochs, X, y, sample_weight) as observer:
            inputs.check_n_epochs(n_epochs)
            first = getattr(self, "coef_", None) is None
            if first:
                self._check_settings(for_partial_fit=True)
            X = inputs.matrix(self, X, reset=first)
            weight = inputs.row_weights(sample_weight, X, allow_all_zero=True)
            if weight is None or weight.any():
                self._learn(X, *self._ones(X, weight), n_lanes=1, n_epochs=n_epochs, observer=observer)
            elif first:
                self._begin_at_zero(X.dtype, 1)
        return self

    def _ones(self, X: Any, weight: np.ndarray | None) -> tuple[Coded, np.ndarray | None]:
        return Coded(np.zeros(X.shape[0], np.uint8), np.ones((1, 1), X.dtype)), None if weight is None else weight[
            :, None
        ]

    def _initial(self, coef: Any, offset: Any) -> tuple[Any, Any]:
        warm = self.warm_start and getattr(self, "coef_", None) is not None
        before = self._starting_point() if warm else (None, None)
        coef = before[0] if coef is None else inputs.initial("coef_init", coef, (1, self.n_features_in_)).T
        intercept = before[1] if offset is None else 1 - inputs.initial("offset_init", offset, (1,))
        if coef is not None and len(coef) != self.n_features_in_:
            raise ArgumentValueError(
                f"warm_start needs the same features: coef_ has {len(coef)}, X {self.n_features_in_}."
            )
        return coef, intercept

    def decision_function(self, X):
        """Return the signed distances to the hyperplane, up to the norm of the weights: positive for inliers.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows, of dtype float32 or float64, or convertible.

        Returns
        -------
        ndarray of shape (n_samples,)
            ``X @ coef_ - offset_``.

        Examples
        --------
        >>> from fastgd.linear_model import SGDOneClassSVM
        >>> SGDOneClassSVM(random_state=0).fit([[1.0], [2.0]] * 50).decision_function([[9.0]]).shape
        (1,)
        """
        return self._raw(X)

    def score_samples(self, X):
        """Return the unshifted scores.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows, of dtype float32 or float64, or convertible.

        Returns
        -------
        ndarray of shape (n_samples,)
            ``X @ coef_``.

        Examples
        --------
        >>> from fastgd.linear_model import SGDOneClassSVM
        >>> SGDOneClassSVM(random_state=0).fit([[1.0], [2.0]] * 50).score_samples([[9.0]]).shape
        (1,)
        """
        return self.decision_function(X) + self.offset_

    def predict(self, X):
        """Return 1 for inliers and -1 for outliers.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows, of dtype float32 or float64, or convertible.

        Returns
        -------
        ndarray of int32, shape (n_samples,)
            The labels.

        Examples
        --------
        >>> from fastgd.linear_model import SGDOneClassSVM
        >>> SGDOneClassSVM(random_state=0).fit([[1.0], [2.0]] * 50).predict([[9.0]])
        array([1], dtype=int32)
        """
        return np.where(self.decision_function(X) >= 0, 1, -1).astype(np.int32)
