"""What the linear estimators share: the way from arrays to lanes and back."""

import warnings
from typing import Any, ClassVar

import numpy as np
import scipy.sparse as sp
from sklearn.base import BaseEstimator
from sklearn.callback import CallbackSupportMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model._base import SparseCoefMixin
from sklearn.utils import assert_all_finite
from sklearn.utils._metadata_requests import UNUSED
from sklearn.utils.extmath import safe_sparse_dot
from sklearn.utils.validation import check_is_fitted

from fastgd._estimators import device_inputs, device_predictions, inputs, settings
from fastgd._estimators.callbacks import CallbackObserver
from fastgd._estimators.storage import Storable
from fastgd._training import fit, health, rollback
from fastgd._training.device import DeviceRows, host
from fastgd._training.models import Lanes
from fastgd._training.pauses import Pause
from fastgd._training.predictions import product
from fastgd._training.rows import Rows
from fastgd._validation import ArgumentValueError, shortened
from fastgd.linear_model import _auto, _device, _resume
from fastgd.linear_model._settings import LinearSettings


def _by_lane(coef: Any) -> Any:
    """Return coef_ as (K, n_features), dense or sparse."""
    if coef.ndim == 2:
        return coef
    dense = np.zeros(coef.shape, coef.dtype)
    if sp.issparse(coef):  # sparsify() makes flat sparse matrices of flat coef_, which scipy cannot reshape
        dense[coef.indices] = coef.data
    else:
        dense[:] = coef
    return dense[None, :]


class LinearSGD(Storable, LinearSettings, SparseCoefMixin, CallbackSupportMixin, BaseEstimator):
    """The base of all: subclasses say what their targets, scores and attributes are."""

    _takes_device_arrays = True

    # Callbacks are for a call, not for routing: what lasts is set by set_callbacks.
    __metadata_request__fit: ClassVar = {"callbacks": UNUSED}
    __metadata_request__partial_fit: ClassVar = {"callbacks": UNUSED}

    t_: int
    n_iter_: int
    stop_reason_: str

    # ------------------------------------------------------------------------------------------------- what subclasses say

    def _task(self, X: Any, y: Any, sample_weight: Any, own: tuple, split: bool, init: tuple = (None, None)) -> dict:
        """Check the arguments of `fit` and return those of `_learn`; without `own` validation data, hold rows out if `split`."""
        raise NotImplementedError

    def _lane_scores(self, raw: np.ndarray, y: np.ndarray, weight: np.ndarray | None) -> np.ndarray:
        """Return the validation score of each lane from the raw predictions (n_rows, K); higher is better."""
        raise NotImplementedError

    def _starting_point(self) -> tuple[Any, Any]:
        """Return the fitted weights as (n_features, K) and (K,)."""
        coef, intercept = self._checked_model()
        return (coef.toarray() if sp.issparse(coef) else coef).T, intercept

    def _attributes(self, coef: np.ndarray, intercept: np.ndarray) -> dict[str, np.ndarray]:
        """Return the fitted attributes that are made of weights (n_features, K) and (K,)."""
        raise NotImplementedError

    # ------------------------------------------------------------------------------------------------------------- training

    def _learn(
        self,
        X: Any,
        targets: Any,
        weight: Any,
        *,
        n_lanes: int,
        n_epochs: int | None = None,
        init: tuple[Any, Any] = (None, None),
        held_out: np.ndarray | None = None,
        validation: tuple[Any, np.ndarray, np.ndarray | None] | None = None,
        observer: CallbackObserver | None = None,
        call: _resume.Call | None = None,
    ) -> None:
        """Train and set every fitted attribute. With `n_epochs` training goes on from where it was, otherwise it begins anew.

        Parameters
        ----------
        X : ndarray or CSR, shape (n_rows, n_features)
            Validated.
        targets : ndarray or Coded, shape (n_rows, 1) or (n_rows, K)
            In the coding of the loss.
        weight : ndarray of float64 or Coded, shape (n_rows, 1) or (n_rows, K), optional
            Rows of weight 0 in all lanes are not visited.
        n_lanes : int
            K.
        n_epochs : int, optional
            The number of further epochs.
        init : (array or None, array or None)
            Weights (n_features, K) and intercepts (K,) to begin with.
        held_out : ndarray of int64, optional
            Rows that are for validation only.
        validation : (X, targets, weight), optional
            The validation data.
        observer : CallbackObserver, optional
            Who looks on.
        call : Call, optional
            Knows where an unfinished `fit` is to go on.
        """
        device_inputs.check_place(X, validation)
        if n_epochs is None:
            _auto.forget(self)
            if _auto.is_auto(self):
                _auto.learn(self, X, targets, weight, n_lanes, init, held_out, validation, observer)
                return self._follow(X)
        if call is not None and not (self.warm_start or self.max_time):
            call = None  # nothing can be left unfinished that anybody would go on with
        cut = None if call is None else call.open(X, targets, weight, held_out, validation)
        if cut is not None and cut.held_out is not None:
            held_out, kept = cut.held_out
            validation = X[held_out], targets[held_out], kept
        learn = inputs.rows_to_learn(X, weight, held_out)
        if self.restore_best and validation is None and n_epochs is None:
            raise ArgumentValueError(
                "restore_best=True needs a validation score: set early_stopping=True or pass X_val and y_val."
            )
        continuing = n_epochs is not None
        lanes, past = self._lanes_to_train(X, n_lanes, init, continuing)
        if X.dtype != lanes.dtype:
            X = X.astype(lanes.dtype)
        epochs = int(self.max_iter) if n_epochs is None else n_epochs
        pace = (self._given_rate(), self.eta0)
        resumed = None if cut is None else cut.pause
        memory = past.get("memory") if past.get("pace") == pace else None
        memory = memory if resumed is None else resumed.memory
        # The whole training, which shares in schedules are of, is max_iter epochs for partial_fit too.
        followed = self._rate(n_lanes, len(learn), int(self.max_iter), memory)
        plan = fit.Plan(
            max_iter=epochs,
            tol=None if continuing else self.tol,
            n_iter_no_change=int(self.n_iter_no_change),
            shuffle=bool(self.shuffle),
            by_score=bool(self.early_stopping) and not continuing,
            restore_best=bool(self.restore_best) and not continuing,
            max_time=None if continuing else self.max_time,
            cuts_epochs=True,
            verbose=int(self.verbose),
        )
        rate = rollback.recovering(followed, self.on_divergence, n_lanes, past.get("undoing"))
        problem = fit.Problem(Rows.of(X, finite=False), targets, learn, weight)
        done = past.get("epochs", 0)
        t, per_epoch = getattr(self, "t_", 1) if continuing else 1, inputs.rows_that_count(X, weight)

        def fitted(coef: np.ndarray, intercept: np.ndarray, n_iter: int) -> dict[str, Any]:
            return {**self._attributes(coef, intercept), "n_iter_": n_iter, "t_": t + n_iter * per_epoch}

        if observer is not None:
            observer.begin_fit(fitted, 0 if resumed is None else len(resumed.epochs))
        keep = call.keep if call is not None and self.warm_start else None
        measured = self._measured(validation, lanes)
        outcome = fit.train(lanes, problem, rate, plan, self._seed(), done, measured, observer, resumed, keep)
        self._set(fitted(outcome.coef, outcome.intercept, int(outcome.n_iter.max())))
        self.history_ = outcome.history
        self.stop_reason_ = ", ".join(dict.fromkeys(outcome.stop_reason.tolist()))
        self._training = {"state": lanes.state(), "epochs": done + self.n_iter_, "pace": pace, "memory": rate.memory}
        self._training["undoing"] = rollback.undoing_of(rate)
        if call is not None and outcome.pause is not None:
            self._note_cut(call, outcome.pause)
        if observer is not None:
            observer.end_fit()
        self._follow(X)
        health.warn(rollback.told_by(rate, outcome.n_iter, outcome.stop_reason), stacklevel=5)
        if not (continuing or self._perfect_at_zero) and isinstance(targets, np.ndarray):
            health.warn(health.beyond_untrained(outcome.history, X, targets), stacklevel=5)

    @property
    def _perfect_at_zero(self) -> bool:
        """Whether weights of zero lose nothing, so that no loss tells what has been learnt."""
        return self.loss == "perceptron"

    def _note_cut(self, call: _resume.Call, pause: Pause) -> None:
        """Remember where `max_time` has ended training. What comes after it, other than the rest, takes a part of an epoch for a whole."""
        self.t_ += pause.position
        self._training["epochs"] += pause.position > 0
        call.shown = _resume.shown(self)
        call.keep(pause)
        self._training["cut"] = call.cut

    @property
    def epoch_position_(self) -> int:
        """How many rows of an unfinished epoch have been seen: 0 unless `max_time` or Ctrl-C has ended `fit` inside one."""
        cut = getattr(self, "_training", {}).get("cut")
        return 0 if cut is None else cut.pause.position

    def _follow(self, X: Any) -> None:
        """Put the fitted weights where X is."""
        for name in ("coef_", self._bias):
            setattr(self, name, device_predictions.follow(X, getattr(self, name)))

    def _set(self, attributes: dict[str, np.ndarray]) -> None:
        for name, value in attributes.items():
            setattr(self, name, value)

    def _lanes_to_train(self, X: Any, n_lanes: int, init: tuple, continuing: bool) -> tuple[Lanes, dict]:
        """Return lanes, new or as they were after the last call, and what else is remembered of that."""
        if not continuing or getattr(self, "coef_", None) is None:
            lanes = self._new_lanes(X, n_lanes, X.dtype)
            if self._one_class or any(given is not None for given in init):
                zeros = np.zeros((X.shape[1], n_lanes)), np.full(n_lanes, 1.0 if self._one_class else 0.0)
                lanes.set_coef(*(z if given is None else given for given, z in zip(init, zeros, strict=True)))
            return lanes, {}
        coef, intercept = self._starting_point()
        if coef.shape[1] != n_lanes:
            raise ArgumentValueError(f"coef_ is for {coef.shape[1]} lanes; classes_ asks for {n_lanes}.")
        lanes = self._new_lanes(X, n_lanes, coef.dtype if coef.dtype in inputs.DTYPES else X.dtype)
        past = getattr(self, "_training", {})
        if past:
            lanes.set_state(past["state"])
        else:
            lanes.t = float(self.t_)
        shown = self._attributes(*fit.published(lanes))
        if not (
            np.array_equal(_by_lane(shown["coef_"]).T, coef)
            and np.array_equal(shown[self._bias], host(getattr(self, self._bias)))
        ):
            lanes.set_coef(coef, intercept)  # the user has changed them
        return lanes, past

    def _measured(self, validation: tuple | None, lanes: Lanes) -> fit.Validation | None:
        """Return how to measure these lanes on validation data (X, targets, weight)."""
        if validation is None:
            return None
        X, y, weight = validation
        X = X.astype(lanes.dtype, copy=False)
        probe = self._probe(X, lanes.n_lanes, lanes.dtype)
        column = None if weight is None else weight[:, None]
        return fit.Validation(probe, Rows.of(X, finite=False), y, column, lambda raw: self._lane_scores(raw, y, weight))

    def _begin_at_zero(self, dtype: Any, n_lanes: int) -> None:
        """Set the fitted attributes of a model that has seen no row yet."""
        intercept = np.full(n_lanes, 1 if self._one_class else 0, dtype)
        self._set(self._attributes(np.zeros((self.n_features_in_, n_lanes), dtype), intercept))
        self.t_, self.n_iter_ = 1, 0

    def _split(self, splitter: type, y: np.ndarray) -> np.ndarray:
        """Return the rows to hold out for early stopping."""
        state = self._seed() if isinstance(self.random_state, np.random.Generator) else self.random_state
        splits = splitter(test_size=self.validation_fraction, random_state=state).split(np.zeros((len(y), 1)), y)
        try:
            return next(splits)[1]
        except ValueError as error:
            raise ArgumentValueError(
                f"{str(error).rstrip('.')}. Pass X_val and y_val, or another validation_fraction."
            ) from None

    def _warn(self) -> None:
        """Say, after all is done, what scikit-learn would say, and what the history does."""
        if not _auto.is_auto(self):  # which goes back by itself
            health.warn(health.troubles(self.history_), stacklevel=4)
        if self.tol is not None and self.n_iter_ == self.max_iter and "max_iter" in self.stop_reason_:
            warnings.warn(
                "Maximum number of iteration reached before convergence. Consider increasing max_iter to improve the fit.",
                ConvergenceWarning,
                stacklevel=3,
            )
        if self.power_t < 0:
            warnings.warn(
                "Negative values for `power_t` are deprecated in version 1.8 and will raise an error in 1.10. "
                "Use values in the range [0.0, inf) instead.",
                FutureWarning,
                stacklevel=3,
            )

    # ----------------------------------------------------------------------------------------------------------- prediction

    def _raw(self, X: Any) -> np.ndarray:
        """Return the raw predictions, shape (n_rows,) for one lane, else (n_rows, K)."""
        check_is_fitted(self)
        ours = not sp.issparse(self.coef_)
        X = inputs.matrix(self, X, reset=False, product=ours)
        coef, intercept = self._checked_model()
        bias = -intercept if self._bias == "offset_" else intercept
        if isinstance(X, DeviceRows):
            return _device.scores(X, coef, bias)
        if ours and sp.issparse(X):
            scores = product(X, coef, bias, settings.n_threads(self.n_jobs))
            if not np.isfinite(scores).all():  # weights are finite: either a value is not, or the sum is too large
                assert_all_finite(X.data, input_name="X", estimator_name=type(self).__name__)
        else:
            scores = safe_sparse_dot(X, coef.T, dense_output=True)
            scores = np.add(scores, bias, out=scores if np.result_type(scores, bias) == scores.dtype else None)
        return scores.ravel() if scores.shape[1] == 1 else scores

    def _checked_model(self) -> tuple[Any, np.ndarray]:
        """Return coef_ and intercept_; refuse what somebody has set to something that cannot be them."""
        coef, intercept = self.coef_, host(getattr(self, self._bias))
        coef = coef if sp.issparse(coef) else host(coef)
        for name, value, most in (("coef_", coef, 2), (self._bias, intercept, 1)):
            numbers = value.data if sp.issparse(value) else value
            kind = getattr(getattr(numbers, "dtype", None), "kind", "O")
            if kind not in "iuf" or not 1 <= value.ndim <= most or not np.isfinite(numbers).all():
                raise ArgumentValueError(
                    f"{name} must be a finite array as fit left it; got {shortened(repr(value), 100)}."
                )
        coef = _by_lane(coef)
        if coef.shape != (len(intercept), self.n_features_in_):
            shapes = f"coef_ of shape {coef.shape} and {self._bias} of shape {intercept.shape}"
            raise ArgumentValueError(f"{shapes} do not fit one another or {self.n_features_in_} features.")
        return coef, intercept

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
