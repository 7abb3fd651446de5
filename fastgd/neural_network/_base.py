"""What the networks' estimators share: the way from arrays to lanes and back."""

import warnings
from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.callback import CallbackSupportMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils._metadata_requests import UNUSED
from sklearn.utils.validation import check_is_fitted

from fastgd._estimators import auto, device_inputs, device_predictions, inputs, settings
from fastgd._estimators.callbacks import CallbackObserver
from fastgd._estimators.storage import Storable
from fastgd._training import fit, health, rollback
from fastgd._training.device import DeviceRows
from fastgd._training.device_network import DeviceNetworks
from fastgd._training.history import History
from fastgd._training.network import NetworkLanes
from fastgd._training.own_lanes import network_lanes
from fastgd._training.rows import Rows
from fastgd._validation import ArgumentValueError
from fastgd.neural_network import _auto, _device, _lbfgs, _solvers, _weights
from fastgd.neural_network._compression import Compressible
from fastgd.neural_network._settings import NetworkSettings
from fastgd.optimizers import SGD

MEASURED_TOGETHER = 256  # rows


class MultilayerPerceptron(Storable, Compressible, NetworkSettings, CallbackSupportMixin, BaseEstimator):
    """The base of both: subclasses say what their targets, outputs and scores are."""

    _takes_device_arrays = True

    # Callbacks are for a call, not for routing: what lasts is set by set_callbacks.
    __metadata_request__fit: ClassVar = {"callbacks": UNUSED}
    __metadata_request__partial_fit: ClassVar = {"callbacks": UNUSED}

    coefs_: list[Any]
    intercepts_: list[Any]
    out_activation_: str
    n_outputs_: int
    n_iter_: int
    t_: int
    stop_reason_: str

    # ------------------------------------------------------------------------------------------------- what subclasses say

    def _head(self) -> tuple:
        """Return the head of the network as `NetworkLanes` describes it."""
        raise NotImplementedError

    def _heads(self) -> list[tuple]:
        """Return the heads: one, if the subclass does not say otherwise."""
        return [self._head()]

    def _task(self, X: Any, y: Any, sample_weight: Any, own: tuple, split: bool) -> dict[str, Any]:
        """Check the arguments of `fit` and return those of `_learn`; without `own` validation data, hold rows out if `split`."""
        raise NotImplementedError

    def _validation(self, X: Any, y: Any, weight: Any, dtype: Any) -> tuple | None:
        """Return the validation data that were passed, checked, as (X, targets, weight); None where none were."""
        raise NotImplementedError

    def _score_raw(self, raw: np.ndarray, y: np.ndarray, weight: np.ndarray | None) -> float:
        """Return the score of raw outputs (n_rows, n_outputs_)."""
        raise NotImplementedError

    def _shown_loss(self, loss: np.ndarray, targets: np.ndarray, weight: np.ndarray | None) -> np.ndarray:
        """Return the mean losses as scikit-learn counts them, for `loss_curve_`."""
        return loss

    # ---------------------------------------------------------------------------------------------------------------- lanes

    def _new_lanes(
        self, X: Any, n_lanes: int, dtype: Any, seed: int = 0, alpha_times: float = 1.0, beside: "list | None" = None
    ) -> NetworkLanes:
        """Return networks that have learnt nothing yet, with the penalties of those `beside` one another, multiplied by `alpha_times`."""
        beside = beside or [self] * n_lanes
        if isinstance(X, DeviceRows):
            _device.check(self)
        make, shape = (
            (DeviceNetworks, (X.none_of(dtype),)) if isinstance(X, DeviceRows) else (network_lanes, (dtype, X.shape[1]))
        )
        return make(
            *shape, self._layers(self._hidden()), self._heads(),
            alpha=np.array([alpha_times * model.alpha for model in beside]),
            l1=np.array([alpha_times * model.l1 for model in beside]),
            penalty="decoupled" if self.decoupled_weight_decay else "coupled",
            batch_size=self._batch_size(X.shape[0]),
            optimizer=_solvers.optimizer_of(self),
            clip_norm=self.clip_norm,
            dropout=self.dropout if np.ndim(self.dropout) == 0 else [float(share) for share in self.dropout],
            max_norm=self.max_norm,
            non_negative=bool(self.non_negative),
            kept=self._kept(),
            init="glorot_uniform" if self.init == "auto" else self.init,
            seed=np.full(n_lanes, seed),
            n_threads=settings.n_threads(self.n_jobs),
        )  # fmt: skip

    def _probe(self, X: Any, n_lanes: int, dtype: Any, hidden: list[int] | None = None) -> NetworkLanes:
        """Return networks to measure or predict with, whose weights are set later; `hidden` are the sizes of fitted ones."""
        layers = self._layers(self._hidden() if hidden is None else hidden)
        n_threads = settings.n_threads(self.n_jobs)
        steps: dict[str, Any] = {"optimizer": SGD(), "batch_size": MEASURED_TOGETHER, "n_threads": n_threads}
        if isinstance(X, DeviceRows):
            return DeviceNetworks(
                X.none_of(dtype), layers, self._heads(), init="zeros", seed=np.zeros(n_lanes), **steps
            )
        return NetworkLanes(dtype, X.shape[1], layers, self._heads(), init="zeros", seed=np.zeros(n_lanes), **steps)

    def _layers(self, sizes: list[int]) -> list[tuple[int, str]]:
        return [(size, self.activation) for size in sizes]

    def _attributes(self, coef: np.ndarray, intercept: np.ndarray) -> dict[str, list[np.ndarray]]:
        """Return the fitted attributes that are made of a network's parameters (n_parameters, 1)."""
        return _weights.by_layer(coef[:, 0], [self.n_features_in_, *self._hidden(), self.n_outputs_])

    def _flat(self) -> np.ndarray:
        """Return coefs_ and intercepts_ as (n_parameters, 1); refuse what somebody has set to something that cannot be them."""
        coefs, intercepts = (device_predictions.followed(None, each) for each in (self.coefs_, self.intercepts_))
        return _weights.flat(coefs, intercepts, self.n_features_in_, self.n_outputs_)[:, None]

    def _lanes_to_train(
        self, X: Any, seed: int, going_on: bool, exactly: bool, alpha_times: float
    ) -> tuple[NetworkLanes, dict]:
        """Return lanes, new or with the fitted weights, and what else is remembered; `exactly`: the optimizer's state too."""
        if not going_on:
            return self._new_lanes(X, 1, X.dtype, seed=seed, alpha_times=alpha_times), {}
        flat = self._flat()
        if [coef.shape[1] for coef in self.coefs_[:-1]] != self._hidden():
            sizes = [coef.shape[1] for coef in self.coefs_[:-1]]
            raise ArgumentValueError(
                f"hidden_layer_sizes must be {sizes} to go on training; got {self.hidden_layer_sizes!r}."
            )
        dtype = flat.dtype if flat.dtype in inputs.DTYPES else X.dtype
        lanes = self._new_lanes(X, 1, dtype, seed=seed, alpha_times=alpha_times)
        past = getattr(self, "_training", {})
        if past and exactly:
            lanes.set_state(past["state"])
        if not past or not exactly or not np.array_equal(lanes.coef, flat):
            lanes.set_coef(flat)  # a warm start, or the user has changed them
        return lanes, past if exactly else {}

    # ------------------------------------------------------------------------------------------------------------- training

    def _learn(
        self,
        X: Any,
        targets: np.ndarray,
        weight: np.ndarray | None,
        *,
        seed: int,
        n_epochs: int | None = None,
        held_out: np.ndarray | None = None,
        validation: tuple[Any, np.ndarray, np.ndarray | None] | None = None,
        observer: CallbackObserver | None = None,
    ) -> None:
        """Train and set every fitted attribute. With `n_epochs` training goes on from where it was, otherwise it begins anew.

        Parameters
        ----------
        X : ndarray or CSR, shape (n_rows, n_features)
            Validated.
        targets : ndarray, shape (n_rows, n_columns)
            In the coding of the head.
        weight : ndarray of float64, shape (n_rows, 1), optional
            Rows of weight 0 are not visited.
        seed : int
            Of weights, orders and dropout.
        n_epochs : int, optional
            The number of further epochs.
        held_out : ndarray of int64, optional
            Rows that are for validation only.
        validation : (X, targets, weight), optional
            The validation data.
        observer : CallbackObserver, optional
            Who looks on.
        """
        device_inputs.check_place(X, validation)
        exactly = n_epochs is not None
        going_on = getattr(self, "coefs_", None) is not None and (exactly or self.warm_start)
        self._forget_compression(going_on)
        if n_epochs is None:
            auto.forget(self)
            if auto.is_auto(self):
                _auto.learn(self, X, targets, weight, seed, held_out, validation, observer)
                return self._follow(X)
        learn = inputs.rows_to_learn(X, weight, held_out)
        times = self._alpha_times(weight, learn)
        lanes, past = self._lanes_to_train(X, seed, going_on, exactly, times)
        X = X.astype(lanes.dtype, copy=False)
        problem = fit.Problem(Rows.of(X, finite=False), targets.astype(lanes.dtype, copy=False), learn, weight)
        t, per_epoch = self.t_ if going_on else 0, X.shape[0] - (0 if held_out is None else len(held_out))

        def fitted(coef: np.ndarray, intercept: np.ndarray, n_iter: int) -> dict[str, Any]:
            return {**self._attributes(coef, intercept), "n_iter_": n_iter, "t_": t + n_iter * per_epoch}

        if observer is not None:
            observer.begin_fit(fitted)
        if self.solver == "lbfgs":
            self._forget()
            outcome, undone = _lbfgs.minimise(self, lanes, problem, observer), []
        else:
            epochs = int(self.max_iter) if n_epochs is None else n_epochs
            pace = _solvers.given_rate(self)
            memory = past.get("memory") if past.get("pace") == pace else None
            # The whole training, which shares in schedules are of, is max_iter epochs for partial_fit too.
            followed = self._rate(1, len(learn), int(self.max_iter), memory)
            measured = self._measured(validation, lanes)
            rate = rollback.recovering(followed, self.on_divergence, 1, past.get("undoing"))
            plan = self._plan(epochs, exactly)
            outcome = fit.train(lanes, problem, rate, plan, seed, past.get("epochs", 0), measured, observer)
            done = past.get("epochs", 0) + int(outcome.n_iter[0])
            remembered = {"memory": rate.memory, "undoing": rollback.undoing_of(rate)}
            self._training = {"state": lanes.state(), "epochs": done, "pace": pace, **remembered}
            undone = rollback.told_by(rate, outcome.n_iter, outcome.stop_reason)
        self._set(fitted(outcome.coef, outcome.intercept, int(outcome.n_iter[0])))
        self.n_layers_ = len(self.coefs_) + 1
        self.stop_reason_, self.history_ = str(outcome.stop_reason[0]), outcome.history
        self._note_losses(problem, going_on)
        if observer is not None:
            observer.end_fit()
        self._follow(X)
        health.warn(undone, stacklevel=5)

    def _follow(self, X: Any) -> None:
        """Put the fitted weights where X is."""
        self.coefs_, self.intercepts_ = (
            device_predictions.followed(X, each) for each in (self.coefs_, self.intercepts_)
        )

    def _alpha_times(self, weight: np.ndarray | None, learn: np.ndarray) -> float:
        """Return by what the penalties are multiplied: coupled ones are divided by the sum of a batch's weights, on average."""
        return 1.0 if weight is None or self.decoupled_weight_decay else float(1 / weight[learn].mean())

    def _beside(self, task: dict[str, Any], learn: np.ndarray, n_lanes: int) -> NetworkLanes:
        """Return networks for what `_task` returned, side by side, each as `fit` would begin with it."""
        times = self._alpha_times(task["weight"], learn)
        return self._new_lanes(task["X"], n_lanes, task["X"].dtype, task["seed"], times)

    def _take(self, outcome: fit.Outcome, k: int, problem: fit.Problem) -> None:
        """Set the fitted attributes of the network in column `k` of an outcome."""
        self._set(self._attributes(outcome.coef[:, k : k + 1], outcome.intercept[k : k + 1]))
        self.n_layers_, self.n_iter_ = len(self.coefs_) + 1, int(outcome.n_iter[k])
        self.t_, self.stop_reason_ = self.n_iter_ * len(problem.learn), str(outcome.stop_reason[k])
        self.history_ = History(
            (name, (value[..., k] if len(outcome.n_iter) > 1 and np.ndim(value) > 1 else value)[: self.n_iter_])
            for name, value in outcome.history.items()
        )
        self._note_losses(problem, False)

    def _plan(self, epochs: int, exactly: bool) -> fit.Plan:
        return fit.Plan(
            max_iter=epochs,
            tol=None if exactly else self.tol,
            n_iter_no_change=self.n_iter_no_change + 1,  # scikit-learn's networks stop when there are more than so many
            shuffle=bool(self.shuffle),
            by_score=bool(self.early_stopping),
            restore_best=bool(self.early_stopping),
            max_time=None if exactly else self.max_time,
            verbose=int(self.verbose),
        )

    def _measured(self, validation: tuple | None, lanes: NetworkLanes) -> fit.Validation | None:
        """Return how to measure these lanes on validation data (X, targets, weight)."""
        if validation is None:
            return None
        X, y, weight = validation
        X, y = X.astype(lanes.dtype, copy=False), y.astype(lanes.dtype, copy=False)
        column = None if weight is None else weight[:, None]

        def score(raw: np.ndarray) -> np.ndarray:
            each = raw.reshape(len(raw), -1, self.n_outputs_)
            return np.array([self._score_raw(each[:, k], y, weight) for k in range(each.shape[1])])

        probe = self._probe(X, lanes.n_lanes, lanes.dtype)
        return fit.Validation(probe, Rows.of(X, finite=False), y, column, score)

    def _note_losses(self, problem: fit.Problem, going_on: bool) -> None:
        """Set scikit-learn's attributes of losses and scores, from `history_`; they go on where training does."""
        history = self.history_
        with np.errstate(invalid="ignore"):
            penalty = np.where(np.isfinite(history["loss"]), history["objective"] - history["loss"], 0.0)
        weight = None if problem.weight is None else problem.weight[problem.learn, 0]
        losses = (self._shown_loss(history["loss"], problem.targets[problem.learn], weight) + penalty).tolist()
        self.loss_ = losses[-1]
        if self.solver == "lbfgs":
            return
        self.loss_curve_ = [*(getattr(self, "loss_curve_", []) if going_on else []), *losses]
        scores = None
        if self.early_stopping and "val_score" in history:
            before = getattr(self, "validation_scores_", None) if going_on else None
            scores = [*(before or []), *history["val_score"].tolist()]
        self.validation_scores_ = scores
        self.best_loss_ = min(self.loss_curve_) if scores is None else None
        self.best_validation_score_ = None if scores is None else max(scores)

    def _forget(self) -> None:
        """Drop what only stochastic solvers say, and an earlier `fit` may have said."""
        for name in ("loss_curve_", "best_loss_", "validation_scores_", "best_validation_score_", "_training"):
            self.__dict__.pop(name, None)

    def _begin_untrained(self, X: Any, seed: int) -> None:
        """Set the fitted attributes of a network that has seen no row yet."""
        lanes = self._new_lanes(X, 1, X.dtype, seed=seed)
        self._set(self._attributes(lanes.coef, lanes.intercept))
        self._follow(X)
        self.n_layers_, self.t_, self.n_iter_, self.loss_curve_ = len(self.coefs_) + 1, 0, 0, []

    def _set(self, attributes: dict[str, Any]) -> None:
        for name, value in attributes.items():
            setattr(self, name, value)

    def _to_learn(
        self, X: Any, targets: Any, weight: Any, seed: int, own: tuple[Any, Any, Any], splitter: type | None, y: Any
    ) -> dict[str, Any]:
        """Return what `_learn` takes; a splitter holds rows out, by what `y` says of them, unless some were passed."""
        validation, held_out = self._validation(*own, X.dtype), None
        if splitter is not None and validation is None and self.solver != "lbfgs":
            held_out = self._held_out(splitter, y, seed)
            validation = inputs.held_out(X, targets, weight, held_out)
        weight = None if weight is None else weight[:, None]
        named = {"seed": seed, "held_out": held_out, "validation": validation}
        return {"X": X, "targets": targets, "weight": weight, **named}

    def _held_out(self, splitter: type, y: np.ndarray, seed: int) -> np.ndarray:
        """Return the rows to hold out for early stopping."""
        splits = splitter(test_size=self.validation_fraction, random_state=seed).split(np.zeros((len(y), 1)), y)
        try:
            rows = next(splits)[1]
        except ValueError as error:
            raise ArgumentValueError(
                f"{str(error).rstrip('.')}. Pass X_val and y_val, or another validation_fraction."
            ) from None
        if len(rows) < 2:
            raise ArgumentValueError(
                "The validation set is too small. Increase 'validation_fraction' or the size of your dataset."
            )
        return rows

    def _warn(self, n_rows: int, in_fit: bool) -> None:
        """Say, after all is done, what scikit-learn would say, and what the history does."""
        if self.solver == "lbfgs":
            return
        if in_fit and not auto.is_auto(self):  # which goes back by itself
            n_last = n_rows % self._batch_size(n_rows) or self._batch_size(n_rows)
            health.warn(health.troubles(self.history_, n_last), stacklevel=4)
        if self.batch_size != "auto" and self.batch_size > n_rows:
            warnings.warn(
                "Got `batch_size` less than 1 or larger than sample size. It is going to be clipped", stacklevel=3
            )
        if in_fit and self.tol is not None and self.stop_reason_ == "max_iter":
            warnings.warn(
                f"Stochastic Optimizer: Maximum iterations ({self.max_iter}) reached and the optimization hasn't converged yet.",
                ConvergenceWarning,
                stacklevel=3,
            )

    def _refuse_validation(self) -> None:
        if self.solver == "lbfgs":
            raise ArgumentValueError(
                "solver='lbfgs' has no use for X_val and y_val; leave them out, or use 'sgd' or 'adam'."
            )

    def _check_solver(self) -> bool:
        if self.solver not in _solvers.STOCHASTIC:
            raise AttributeError(
                f"partial_fit is only available for stochastic optimizers. {self.solver} is not stochastic."
            )
        return True

    # ----------------------------------------------------------------------------------------------------------- prediction

    def _raw(self, X: Any) -> np.ndarray:
        """Return the raw outputs, (n_rows, n_outputs_), in the wider dtype of rows and weights."""
        check_is_fitted(self)
        X = inputs.matrix(self, X, reset=False)
        flat = self._flat()
        dtype = np.result_type(X.dtype, flat.dtype)
        dtype = dtype if dtype in inputs.DTYPES else np.dtype(np.float64)
        lanes = self._probe(X, 1, dtype, [coef.shape[1] for coef in self.coefs_[:-1]])
        lanes.set_coef(flat)
        if isinstance(lanes, DeviceNetworks):
            return lanes.raw(X.astype(dtype, copy=False))
        return lanes.decision(Rows.of(X.astype(dtype, copy=False), finite=False))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
