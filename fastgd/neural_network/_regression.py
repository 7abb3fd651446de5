"""What numbers mean to a network, and back."""

from numbers import Real
from typing import Any, ClassVar

import numpy as np
from scipy.special import xlogy
from sklearn.base import RegressorMixin
from sklearn.metrics import r2_score
from sklearn.model_selection import ShuffleSplit
from sklearn.utils._param_validation import Interval, StrOptions

from fastgd._estimators import device_predictions, inputs
from fastgd._validation import ArgumentValueError
from fastgd.neural_network._base import MultilayerPerceptron


class NetworkRegressor(device_predictions.DeviceScore, RegressorMixin, MultilayerPerceptron):
    """The base of the regressor: numbers to targets, and raw outputs to scores."""

    _parameter_constraints: ClassVar[dict] = {
        **MultilayerPerceptron._parameter_constraints,
        "loss": [StrOptions({"squared_error", "poisson", "huber"})],
        "huber_epsilon": [Interval(Real, 0, None, closed="neither")],
    }

    loss: str
    huber_epsilon: float

    def _head(self):
        return self.n_outputs_, self.loss, 1.0, float(self.huber_epsilon)

    def _targets(self, y: np.ndarray, dtype: Any, name: str = "y") -> np.ndarray:
        """Return (n_rows, n_outputs) targets of this dtype; refuse those that the loss has no value for."""
        with np.errstate(over="ignore"):
            targets = np.asarray(y if y.ndim == 2 else y[:, None], dtype=dtype)
        if not np.isfinite(targets).all():
            raise ArgumentValueError(
                f"Input {name} contains infinity or a value too large for dtype({np.dtype(dtype).name!r})."
            )
        bad = targets < 0
        if self.loss == "poisson" and bad.any():
            row = int(bad.any(axis=1).argmax())
            raise ArgumentValueError(f"{name} must be >= 0 for the loss 'poisson'; got {targets[bad][0]} in row {row}.")
        return targets

    def _note_outputs(self, n_outputs: int, going_on: bool) -> None:
        """Set what follows from the targets; refuse to go on with another number of outputs than the fitted one."""
        if going_on and n_outputs != self.n_outputs_:
            raise ArgumentValueError(f"y must have as many outputs as before, {self.n_outputs_}; got {n_outputs}.")
        self.n_outputs_ = n_outputs
        self.out_activation_ = "exp" if self.loss == "poisson" else "identity"

    def _shown_loss(self, loss, targets, weight):
        if self.loss == "poisson":  # half the deviance, which is 0 for perfect predictions
            return loss + np.average(xlogy(targets, targets) - targets, weights=weight, axis=0).sum()
        return loss / self.n_outputs_

    def _linked(self, raw: np.ndarray) -> np.ndarray:
        if self.out_activation_ != "exp":
            return raw
        return np.exp(raw) if isinstance(raw, np.ndarray) else device_predictions.exponentials(raw)

    def _score_raw(self, raw, y, weight):
        with np.errstate(over="ignore"):
            found = self._linked(raw)
        return float(r2_score(y, found, sample_weight=weight)) if np.isfinite(found).all() else np.nan

    def _task(self, X, y, sample_weight, own, split):
        warm = self.warm_start and getattr(self, "coefs_", None) is not None
        X, y = inputs.numeric(self, X, y, reset=not warm)
        targets, seed = self._targets(y, X.dtype), self._seed()
        self._note_outputs(targets.shape[1], warm)
        weight = inputs.row_weights(sample_weight, X)
        return self._to_learn(X, targets, weight, seed, own, ShuffleSplit if split else None, y)

    def _validation(self, X: Any, y: Any, weight: Any, dtype: Any) -> tuple | None:
        found = inputs.validation(self, X, y, weight, dtype, read=inputs.numeric)
        if found is None:
            return None
        self._refuse_validation()
        X, y, weight = found
        targets = self._targets(y, dtype, "y_val")
        if targets.shape[1] != self.n_outputs_:
            raise ArgumentValueError(
                f"y_val must have as many outputs as y, {self.n_outputs_}; got {targets.shape[1]}."
            )
        return X, targets, weight

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        tags.target_tags.positive_only = self.loss == "poisson"
        return tags
