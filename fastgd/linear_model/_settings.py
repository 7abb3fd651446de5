"""The parameters of the linear estimators: what they may be, and the engine, rate and lanes that they ask for."""

import inspect
import math
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
from sklearn.utils._param_validation import Interval, StrOptions

from fastgd._estimators import settings
from fastgd._training import rollback
from fastgd._training.batches import BatchLanes
from fastgd._training.device import DeviceRows
from fastgd._training.device_linear import DeviceLanes
from fastgd._training.lane_block import WIDTHS
from fastgd._training.linear import MOST_OUTPUTS, LinearLanes
from fastgd._training.models import Lanes
from fastgd._training.own_lanes import batch_lanes
from fastgd._training.pacing import NamedPace, SchedulePace
from fastgd._validation import ArgumentValueError
from fastgd.linear_model import _auto, _device
from fastgd.optimizers import Optimizer
from fastgd.schedules import Schedule

RATES = ("constant", "optimal", "invscaling", "adaptive", "pa1", "pa2")
TAKES_ETA0 = ("invscaling", "adaptive", "pa1", "pa2")
PARAMETERS = {"quantile": "quantile", "tweedie": "power", "focal": "gamma"}  # the constructor's name of the loss's
PROBE_BATCH, DEVICE_PROBE_BATCH = 256, 2**14  # rows whose losses are measured together


class LinearSettings:
    """What the constructor's arguments mean; estimators add what they learn."""

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
        "on_divergence": [StrOptions(set(rollback.WAYS))],
        "sparse_intercept_decay": [Interval(Real, 0, 1, closed="right")],
        "optimizer": [Optimizer, None],
        "batch_size": [Interval(Integral, 1, None, closed="left"), None],
        "clip_norm": [Interval(Real, 0, None, closed="neither"), None],
        "n_jobs": [Integral, None],
    }

    loss: Any
    alpha: Any
    fit_intercept: Any
    random_state: Any
    eta0: Any
    sparse_intercept_decay: Any
    get_params: Any

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
    on_divergence = "raise"
    optimizer: Any = None
    batch_size: Any = None
    clip_norm: Any = None
    n_jobs: Any = None
    _one_class = False
    _bias = "intercept_"
    _passive_aggressive_loss = "hinge"

    def _loss(self) -> tuple[str, float]:
        """Return the name of the loss and its parameter."""
        return self.loss, math.log(2) if self.loss == "logcosh" else getattr(self, PARAMETERS.get(self.loss, "epsilon"))

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
        settings.check_n_jobs(self.n_jobs)

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

    def _seed(self) -> int:
        return settings.seed(self.random_state)

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
        if isinstance(X, DeviceRows):
            _device.check(self)
            options |= {"optimizer": self.optimizer, "batch_size": self.batch_size, "clip_norm": self.clip_norm}
            return DeviceLanes(X.none_of(dtype), **options, n_outputs=n_outputs)
        # Row by row the two engines collect L1 penalties differently, and a model of many classes is more than a block of lanes.
        if not self._in_batches() and (n_outputs == 1 or (n_outputs <= MOST_OUTPUTS and not options["l1_ratio"].any())):
            return LinearLanes(dtype, X.shape[1], **options, n_outputs=n_outputs)
        options |= {"optimizer": self.optimizer, "batch_size": self.batch_size or 1, "clip_norm": self.clip_norm}
        options |= {"n_threads": settings.n_threads(self.n_jobs)}  # that share a batch, or lanes
        return batch_lanes(dtype, X.shape[1], **options, n_outputs=n_outputs)

    def _probe(self, X: Any, n_lanes: int, dtype: Any, beside: "list | None" = None) -> Lanes:
        """Return lanes of the same loss and penalty, to measure with."""
        options, n_outputs = self._lane_options(X, n_lanes, beside), self._n_outputs()
        if isinstance(X, DeviceRows):
            return DeviceLanes(X.none_of(dtype), **options, batch_size=DEVICE_PROBE_BATCH, n_outputs=n_outputs)
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
        # The weights of up to sixteen lanes lie in the cache line that a sparse row fetches anyway: halves would fetch as many lines.
        sparse = getattr(X, "indices", None) is not None
        shared = WIDTHS[-1] if sparse else 1
        every = [self] if beside is None else beside
        strength, share, parameter = np.repeat([each._lane() for each in every], n_lanes // len(every), axis=0).T
        return {
            "loss": self._loss()[0],
            "alpha": strength,
            "l1_ratio": share,
            "loss_parameter": parameter,
            "fit_intercept": bool(self.fit_intercept),
            "intercept_decay": float(self.sparse_intercept_decay) if sparse else 1.0,
            "average": int(self.average),
            "one_class": self._one_class,
            "n_threads": min(settings.n_threads(self.n_jobs), -(-n_lanes // shared)),
        }
