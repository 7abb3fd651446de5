"""What the linear estimators share: parameters, their checks, and the way from arrays to lanes and back."""

import inspect
import math
import warnings
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
import scipy.sparse as sp
from sklearn.base import BaseEstimator
from sklearn.callback import CallbackSupportMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model._base import SparseCoefMixin
from sklearn.utils import check_random_state
from sklearn.utils._metadata_requests import UNUSED
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.extmath import safe_sparse_dot
from sklearn.utils.validation import check_is_fitted

from fastgd._estimators import inputs
from fastgd._estimators.callbacks import CallbackObserver
from fastgd._kernels.execute import thread_limit
from fastgd._training import fit
from fastgd._training.batches import BatchLanes
from fastgd._training.linear import LinearLanes
from fastgd._training.models import Lanes
from fastgd._training.pacing import NamedPace, SchedulePace
from fastgd._training.rows import Rows
from fastgd._validation import ArgumentValueError, shortened
from fastgd.linear_model import _auto
from fastgd.optimizers import Optimizer
from fastgd.schedules import Schedule

RATES = ("constant", "optimal", "invscaling", "adaptive", "pa1", "pa2")
TAKES_ETA0 = ("invscaling", "adaptive", "pa1", "pa2")
PARAMETERS = {"quantile": "quantile", "tweedie": "power", "focal": "gamma"}  # the constructor's name of the loss's
MAX_SEED = np.iinfo(np.int32).max
PROBE_BATCH = 256  # rows whose losses are measured together


def store(estimator: Any, given: dict[str, Any]) -> None:
    """Set the arguments of a constructor, its `locals()`, as attributes, as scikit-learn's contract asks."""
    vars(estimator).update({name: value for name, value in given.items() if name not in ("self", "__class__")})


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


class LinearSGD(SparseCoefMixin, CallbackSupportMixin, BaseEstimator):
    """The base of all: subclasses say what their targets, scores and attributes are."""

    _parameter_constraints: ClassVar[dict] = {
        "penalty": [StrOptions({"l2", "l1", "elasticnet"}), None],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "l1_ratio": [Interval(Real, 0, 1, closed="both"), None],
        "fit_intercept": ["boolean"],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left"), None],
        "shuffle": ["boolean"],
        "verbose": ["verbose"],
        "epsilon": [Interval(Real, 0, None, closed="left")],
        "random_state": ["random_state", np.random.Generator],
        "learning_rate": [StrOptions(set(RATES)), Interval(Real, 0, None, closed="neither"), Schedule],
        "eta0": [Interval(Real, 0, None, closed="neither")],
        "power_t": [Interval(Real, None, None, closed="neither")],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
        "warm_start": ["boolean"],
        "average": [Interval(Integral, 0, None, closed="neither"), "boolean"],
        "restore_best": ["boolean"],
        "max_time": [Interval(Real, 0, None, closed="neither"), None],
        "sparse_intercept_decay": [Interval(Real, 0, 1, closed="right")],
        "optimizer": [Optimizer, None],
        "batch_size": [Interval(Integral, 1, None, closed="left"), None],
        "clip_norm": [Interval(Real, 0, None, closed="neither"), None],
        "n_jobs": [Integral, None],
    }

    # Callbacks are for a call, not for routing: what lasts is set by set_callbacks.
    __metadata_request__fit: ClassVar = {"callbacks": UNUSED}
    __metadata_request__partial_fit: ClassVar = {"callbacks": UNUSED}

    t_: int
    n_iter_: int
    stop_reason_: str

    # What a class has no constructor parameter for
    penalty: Any = "l2"
    l1_ratio: Any = 0.15
    epsilon = 0.1
    early_stopping = False
    validation_fraction = 0.1
    n_iter_no_change = 5
    average: Any = False
    learning_rate: Any = "optimal"
    power_t = 0.5
    restore_best = False
    optimizer: Any = None
    batch_size: Any = None
    clip_norm: Any = None
    n_jobs: Any = None
    _one_class = False
    _bias = "intercept_"
    _passive_aggressive_loss = "hinge"

    # ------------------------------------------------------------------------------------------------- what subclasses say

    def _loss(self) -> tuple[str, float]:
        """Return the name of the loss and its parameter."""
        return self.loss, math.log(2) if self.loss == "logcosh" else getattr(self, PARAMETERS.get(self.loss, "epsilon"))

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

    # ------------------------------------------------------------------------------------------------------------- settings

    def _check_settings(self, for_partial_fit: bool = False) -> None:
        """Refuse what parameters forbid one another, in scikit-learn's words."""
        if self.early_stopping and for_partial_fit:
            raise ArgumentValueError("early_stopping should be False with partial_fit")
        given = self._given_rate()
        named = given if isinstance(given, str) else ""
        if named == "optimal" and self._alpha() == 0:
            raise ArgumentValueError(
                "alpha must be > 0 since learning_rate is 'optimal'. alpha is used to compute the optimal learning rate."
            )
        if named in ("pa1", "pa2") and self.loss != self._passive_aggressive_loss:
            raise ArgumentValueError(f"Learning rate {named!r} only works with loss {self._passive_aggressive_loss!r}.")
        if named in ("pa1", "pa2") and self._in_batches():
            raise ArgumentValueError(
                f"Learning rate {named!r} makes its step from a single row: leave out optimizer, batch_size and clip_norm."
            )
        if self.penalty == "elasticnet" and self.l1_ratio is None:
            raise ArgumentValueError("l1_ratio must be set when penalty is 'elasticnet'")
        if self.n_jobs == 0:
            raise ArgumentValueError(
                "n_jobs == 0 has no meaning; use None, a positive number, or -1 for all processors."
            )

    def _alpha(self) -> float:
        return float(self.alpha)

    def _given_rate(self) -> str | float | Schedule:
        """Return `learning_rate`; with an optimizer, the default stands for the optimizer's own rate."""
        default = inspect.signature(type(self)).parameters.get("learning_rate")
        if self.optimizer is not None and default is not None and self.learning_rate == default.default:
            return self.optimizer.lr
        return self.learning_rate

    def _in_batches(self) -> bool:
        """Return whether steps are made by the engine for batches and optimizers instead of the one for single rows."""
        return self.optimizer is not None or self.clip_norm is not None or (self.batch_size or 1) > 1

    def _n_threads(self) -> int:
        """Return `n_jobs` as a number of threads: None is 1, negative numbers count down from all processors."""
        jobs = 1 if self.n_jobs is None else int(self.n_jobs)
        return jobs if jobs > 0 else max(1, thread_limit() + 1 + jobs)

    def _seed(self) -> int:
        if isinstance(self.random_state, np.random.Generator):
            return int(self.random_state.integers(MAX_SEED))
        return int(check_random_state(self.random_state).randint(MAX_SEED))

    def _rate(
        self, n_lanes: int, n_rows: int, n_epochs: int, memory: Any = None, rates: np.ndarray | None = None
    ) -> NamedPace | SchedulePace:
        """Return the pace of the lanes; with `rates` (n_lanes,) each lane has its own base rate, or factor of the schedule."""
        given = self._given_rate()
        if isinstance(given, Schedule):
            n_steps = -(-n_rows // (self.batch_size or 1))
            resolved = given.resolve(steps_per_epoch=n_steps, total_steps=n_steps * n_epochs)
            return SchedulePace(resolved, np.ones(n_lanes) if rates is None else rates, memory)
        if _auto.is_auto(self):
            given = _auto.found_rate(self) if rates is None else 1.0
        kind, eta0 = (given, self.eta0) if isinstance(given, str) else ("constant", given)
        if rates is not None and kind not in TAKES_ETA0:
            kind = "constant"
        eta0s = np.full(n_lanes, float(eta0)) if rates is None else rates
        return NamedPace(kind, eta0s, float(self.power_t), np.full(n_lanes, self._alpha()), *self._loss(), memory)

    def _with_rate(self, rate: float) -> dict[str, Any]:
        """Return the parameters that make `fit` train as the lane of this rate does in a sweep."""
        given = self._given_rate()
        if isinstance(given, Schedule):
            return {"learning_rate": rate * given}
        if given in TAKES_ETA0 or "learning_rate" not in self.get_params():
            return {"eta0": rate}
        return {"learning_rate": rate}

    def _new_lanes(self, X: Any, n_lanes: int, dtype: Any, beside: "list | None" = None) -> Lanes:
        """Return lanes that have learnt nothing yet, of the engine that the parameters ask for, `n_lanes` in all.

        With `beside` there are equally many for each of these estimators, that differ in `_lane` and rate only.
        """
        options = self._lane_options(X, n_lanes, beside)
        n_outputs = self._n_outputs()
        if not self._in_batches() and n_outputs == 1:
            return LinearLanes(dtype, X.shape[1], **options)
        steps = {"optimizer": self.optimizer, "batch_size": self.batch_size or 1, "clip_norm": self.clip_norm}
        return BatchLanes(dtype, X.shape[1], **options, **steps, n_outputs=n_outputs)

    def _probe(self, X: Any, n_lanes: int, dtype: Any, beside: "list | None" = None) -> Lanes:
        """Return lanes of the same loss and penalty, to measure with."""
        options, n_outputs = self._lane_options(X, n_lanes, beside), self._n_outputs()
        if n_outputs == 1:
            return LinearLanes(dtype, X.shape[1], **options)
        return BatchLanes(dtype, X.shape[1], **options, batch_size=PROBE_BATCH, n_outputs=n_outputs)

    def _n_outputs(self) -> int:
        """Return how many lanes make up one model."""
        return 1

    def _lane(self) -> tuple[float, float, float]:
        """Return what a lane has of its own beside its rate: the strength of the penalty, its share of L1, the loss's parameter."""
        share = {"l1": 1.0, "elasticnet": self.l1_ratio}.get(self.penalty, 0.0)
        return self._alpha() if self.penalty is not None else 0.0, float(share), self._loss()[1]

    def _lane_options(self, X: Any, n_lanes: int, beside: "list | None" = None) -> dict[str, Any]:
        every = [self] if beside is None else beside
        strength, share, parameter = np.repeat([each._lane() for each in every], n_lanes // len(every), axis=0).T
        return {
            "loss": self._loss()[0],
            "alpha": strength,
            "l1_ratio": share,
            "loss_parameter": parameter,
            "fit_intercept": bool(self.fit_intercept),
            "intercept_decay": float(self.sparse_intercept_decay) if sp.issparse(X) else 1.0,
            "average": int(self.average),
            "one_class": self._one_class,
            "n_threads": self._n_threads(),
        }

    # ------------------------------------------------------------------------------------------------------------- training

    def _learn(
        self,
        X: Any,
        targets: np.ndarray,
        weight: np.ndarray | None,
        *,
        n_lanes: int,
        n_epochs: int | None = None,
        init: tuple[Any, Any] = (None, None),
        held_out: np.ndarray | None = None,
        validation: tuple[Any, np.ndarray, np.ndarray | None] | None = None,
        observer: CallbackObserver | None = None,
    ) -> None:
        """Train and set every fitted attribute. With `n_epochs` training goes on from where it was, otherwise it begins anew.

        Parameters
        ----------
        X : ndarray or CSR, shape (n_rows, n_features)
            Validated.
        targets : ndarray, shape (n_rows, 1) or (n_rows, K)
            In the coding of the loss.
        weight : ndarray of float64, shape (n_rows, 1) or (n_rows, K), optional
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
        """
        if n_epochs is None:
            _auto.forget(self)
            if _auto.is_auto(self):
                return _auto.learn(self, X, targets, weight, n_lanes, init, held_out, validation, observer)
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
        rate = self._rate(n_lanes, len(learn), epochs, past.get("memory") if past.get("pace") == pace else None)
        plan = fit.Plan(
            max_iter=epochs,
            tol=None if continuing else self.tol,
            n_iter_no_change=int(self.n_iter_no_change),
            shuffle=bool(self.shuffle),
            by_score=bool(self.early_stopping) and not continuing,
            restore_best=bool(self.restore_best) and not continuing,
            max_time=None if continuing else self.max_time,
            verbose=int(self.verbose),
        )
        problem = fit.Problem(Rows.of(X, finite=False), targets, learn, weight)
        done = past.get("epochs", 0)
        t, per_epoch = getattr(self, "t_", 1) if continuing else 1, inputs.rows_that_count(X, weight)

        def fitted(coef: np.ndarray, intercept: np.ndarray, n_iter: int) -> dict[str, Any]:
            return {**self._attributes(coef, intercept), "n_iter_": n_iter, "t_": t + n_iter * per_epoch}

        if observer is not None:
            observer.begin_fit(fitted)
        measured = self._measured(validation, lanes)
        outcome = fit.train(lanes, problem, rate, plan, self._seed(), done, measured, observer)
        self._set(fitted(outcome.coef, outcome.intercept, int(outcome.n_iter.max())))
        self.history_ = outcome.history
        self.stop_reason_ = ", ".join(dict.fromkeys(outcome.stop_reason.tolist()))
        self._training = {"state": lanes.state(), "epochs": done + self.n_iter_, "pace": pace, "memory": rate.memory}
        if observer is not None:
            observer.end_fit()

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
            and np.array_equal(shown[self._bias], getattr(self, self._bias))
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
        """Say, after all is done, what scikit-learn would say."""
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
        X = inputs.matrix(self, X, reset=False)
        coef, intercept = self._checked_model()
        scores = safe_sparse_dot(X, coef.T, dense_output=True) + (-intercept if self._bias == "offset_" else intercept)
        return scores.ravel() if scores.shape[1] == 1 else scores

    def _checked_model(self) -> tuple[Any, np.ndarray]:
        """Return coef_ and intercept_; refuse what somebody has set to something that cannot be them."""
        coef, intercept = self.coef_, getattr(self, self._bias)
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
