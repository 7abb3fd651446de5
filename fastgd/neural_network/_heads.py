"""The heads of a network with several targets: what they are told, and what their outputs mean."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import expit
from sklearn.metrics import r2_score
from sklearn.model_selection import ShuffleSplit
from sklearn.utils.extmath import softmax

from fastgd import _validation as check
from fastgd._estimators import inputs, plain_data
from fastgd._training.network_shape import MOST_HEADS
from fastgd._validation import ArgumentValueError, shortened, type_error, value_error
from fastgd.neural_network._base import MultilayerPerceptron

LOSSES = ("log_loss", "squared_error", "huber", "poisson")


@dataclass(frozen=True)
class Head:
    """What a network is to learn about one target.

    Parameters
    ----------
    loss : {"log_loss", "squared_error", "huber", "poisson"}
        "log_loss" is for labels, the others for numbers, as in `MLPRegressor`.
    weight : float, default=1.0
        The factor of this loss in the sum of all, >= 0.
    epsilon : float, default=1.0
        From which error on "huber" is linear.

    Examples
    --------
    >>> from fastgd.neural_network import Head
    >>> Head("huber", weight=0.1)
    Head(loss='huber', weight=0.1, epsilon=1.0)
    """

    loss: str
    weight: float = 1.0
    epsilon: float = 1.0

    def __post_init__(self):
        check.choice(self.loss, "Head", "loss", LOSSES)
        check.real(self.weight, "Head", "weight", 0)
        check.real(self.epsilon, "Head", "epsilon", 0, closed="neither")


plain_data.RECORDS["Head"] = Head


class SeveralHeads(MultilayerPerceptron):
    """The base of the estimator: targets to columns, and outputs to predictions and scores."""

    _takes_device_arrays = False

    heads: dict[str, Any]
    classes_: dict[str, np.ndarray]
    outputs_: dict[str, slice]

    def _described(self) -> dict[str, Head]:
        """Return the heads, texts made whole."""
        if not self.heads:
            raise ArgumentValueError("heads must name at least one target, e.g. heads={'price': 'squared_error'}.")
        if len(self.heads) > MOST_HEADS:
            raise ArgumentValueError(f"heads must name at most {MOST_HEADS} targets; got {len(self.heads)}.")
        found = {name: Head(head) if isinstance(head, str) else head for name, head in self.heads.items()}
        for name, head in found.items():
            if not isinstance(head, Head) or not isinstance(name, str):
                raise type_error(type(self).__name__, f"heads[{name!r}]", "a Head or the name of a loss", head)
        return found

    def _is_softmax(self, name: str) -> bool:
        return name in self.classes_ and len(self.classes_[name]) > 2

    def _heads(self) -> list[tuple]:
        found = []
        for name, head in self._described().items():
            loss = "softmax" if self._is_softmax(name) else head.loss
            parameter = float(head.epsilon) if loss == "huber" else None
            width = self.outputs_[name].stop - self.outputs_[name].start
            found.append((width, loss, float(head.weight), parameter))
        return found

    def _given(self, y: Any, n_rows: int, name: str = "y") -> dict[str, np.ndarray]:
        """Return the target of each head, checked for names and lengths; `y` is a dict or a frame."""
        if not isinstance(y, Mapping) and not hasattr(y, "columns"):
            raise type_error(type(self).__name__, name, "a dict or a frame with a column for each head", y)
        heads, there = self._described(), list(y.keys() if isinstance(y, Mapping) else y.columns)
        if set(there) != set(heads):
            raise value_error(type(self).__name__, name, f"with exactly the targets {list(heads)}", there)
        found = {head: np.asarray(y[head]) for head in heads}
        for head, values in found.items():
            if values.ndim not in (1, 2) or len(values) != n_rows:
                raise ArgumentValueError(f"{name}[{head!r}] must have {n_rows} rows; got the shape {values.shape}.")
            if heads[head].loss == "log_loss" and values.ndim != 1:
                raise ArgumentValueError(f"{name}[{head!r}] must be one label a row; got the shape {values.shape}.")
            if heads[head].loss == "log_loss" and values.dtype.kind == "f" and np.isnan(values).any():
                raise ArgumentValueError(f"{name}[{head!r}] contains NaN; each row needs a label.")
        return found

    def _targets(self, y: dict[str, np.ndarray], dtype: Any, name: str = "y") -> np.ndarray:
        """Return the targets (n_rows, n_columns) in the coding of the heads."""
        columns = []
        for head, described in self._described().items():
            values = y[head]
            if described.loss == "log_loss":
                columns.append(inputs.codes(values, self.classes_[head], f"{name}[{head!r}]")[:, None].astype(dtype))
                continue
            if values.dtype.kind not in "biuf":
                raise ArgumentValueError(
                    f"{name}[{head!r}] must hold numbers for the loss {described.loss!r}; got {values.dtype}."
                )
            with np.errstate(over="ignore"):
                numbers = (values if values.ndim == 2 else values[:, None]).astype(dtype)
            if not np.isfinite(numbers).all() or (described.loss == "poisson" and (numbers < 0).any()):
                accepted = "finite and >= 0" if described.loss == "poisson" else "finite"
                raise ArgumentValueError(f"{name}[{head!r}] must be {accepted} for the loss {described.loss!r}.")
            width = self.outputs_[head].stop - self.outputs_[head].start
            if numbers.shape[1] != width:
                raise ArgumentValueError(f"{name}[{head!r}] must have {width} columns; got {numbers.shape[1]}.")
            columns.append(numbers)
        return np.concatenate(columns, axis=1)

    def _note_outputs(self, y: dict[str, np.ndarray], classes: dict[str, np.ndarray], going_on: bool) -> None:
        """Set what follows from the targets; refuse to go on with other classes or widths than the fitted ones."""
        outputs, first = {}, 0
        for head in self._described():
            width = y[head].shape[1] if y[head].ndim == 2 else 1
            width = len(classes[head]) if head in classes and len(classes[head]) > 2 else width
            outputs[head], first = slice(first, first + width), first + width
        if going_on:
            for head, known in self.classes_.items():
                if head not in classes or not np.array_equal(known, classes[head]):
                    raise ArgumentValueError(
                        f"y[{head!r}] must have the classes as before, {shortened(str(known), 80)}."
                    )
            if outputs != self.outputs_:
                raise ArgumentValueError(f"heads and targets must be as before, with the outputs {self.outputs_}.")
        self.classes_, self.outputs_, self.n_outputs_ = classes, outputs, first
        self.out_activation_ = "identity"

    def _parts(self, raw: np.ndarray, name: str, chances: bool = False) -> np.ndarray:
        """Return the prediction of a head, or the chances of its classes, from all raw outputs."""
        z = raw[:, self.outputs_[name]]
        if chances:
            return softmax(z) if self._is_softmax(name) else np.column_stack([1 - expit(z[:, 0]), expit(z[:, 0])])
        if name in self.classes_:
            return self.classes_[name][z.argmax(axis=1) if self._is_softmax(name) else (z[:, 0] > 0).astype(np.intp)]
        with np.errstate(over="ignore"):
            found = np.exp(z) if self._described()[name].loss == "poisson" else z
        return found[:, 0] if found.shape[1] == 1 else found

    def _head_score(self, name: str, raw: np.ndarray, values: np.ndarray, weight: Any) -> float:
        found = self._parts(raw, name)
        if name in self.classes_:
            return float(np.average(found == values, weights=weight))
        return float(r2_score(values, found, sample_weight=weight)) if np.isfinite(found).all() else np.nan

    def _mean_score(self, scores: dict[str, float]) -> float:
        weights = [head.weight for head in self._described().values()]
        return float(np.average(list(scores.values()), weights=weights if any(weights) else None))

    def _score_raw(self, raw, y, weight):
        scores, column = {}, 0
        for name, part in self.outputs_.items():
            width = 1 if name in self.classes_ else part.stop - part.start
            values = y[:, column : column + width]
            column += width
            values = self.classes_[name][values[:, 0].astype(np.intp)] if name in self.classes_ else values
            scores[name] = self._head_score(name, raw, values, weight)
        return self._mean_score(scores)

    def _task(self, X, y, sample_weight, own, split):
        warm = self.warm_start and getattr(self, "coefs_", None) is not None
        X = inputs.matrix(self, X, reset=not warm)
        y, heads = self._given(y, X.shape[0]), self._described()
        classes = {name: inputs.labels(y[name]) for name, head in heads.items() if head.loss == "log_loss"}
        self._note_outputs(y, classes, warm)
        targets, seed, weight = self._targets(y, X.dtype), self._seed(), inputs.row_weights(sample_weight, X)
        return self._to_learn(X, targets, weight, seed, own, ShuffleSplit if split else None, targets)

    def _validation(self, X: Any, y: Any, weight: Any, dtype: Any) -> tuple | None:
        def read(estimator: Any, X: Any, y: Any, *, reset: bool) -> tuple[Any, Any]:
            X = inputs.matrix(estimator, X, reset=reset)
            return X, self._targets(self._given(y, X.shape[0], "y_val"), dtype, "y_val")

        return inputs.validation(self, X, y, weight, dtype, read)

    def _announced(self, classes: Any, first: bool) -> dict[str, np.ndarray]:
        """Return the classes of each head with labels."""
        if not first and classes is None:
            return self.classes_
        expected = [name for name, head in self._described().items() if head.loss == "log_loss"]
        given = {} if classes is None else classes
        if not isinstance(given, Mapping) or set(given) != set(expected):
            raise value_error(
                "partial_fit", "classes", f"a dict of the labels of {expected} in the first call", classes
            )
        return {name: inputs.announced(given[name]) for name in expected}
