"""Predictions of estimators where the rows are, in the arrays of their library."""

from typing import Any

import numpy as np
from sklearn.base import is_classifier
from sklearn.metrics import accuracy_score, r2_score

from fastgd._estimators import inputs
from fastgd._estimators.device_inputs import host, library
from fastgd._training.device import DeviceRows


def follow(rows: Any, values: Any) -> Any:
    """Return fitted numbers where X is: a copy on its device, or as they are."""
    return rows.own(values, values.dtype) if isinstance(rows, DeviceRows) else values


def followed(rows: Any, values: Any) -> Any:
    """Return fitted numbers, a list of arrays, where X is; on the host where `rows` is None."""
    if not isinstance(values, (list, tuple)):
        return values
    known = [host(each) for each in values]
    return known if rows is None else [follow(rows, each) for each in known]


def labels(found: Any, classes: np.ndarray) -> Any:
    """Return the labels of raw predictions: where these are, or in host memory those that are no numbers."""
    xp = library(found)
    code = xp.astype(found > 0, xp.int64) if found.ndim == 1 else xp.argmax(found, axis=1)
    if classes.dtype.kind not in "biuf":
        return classes[host(code)]
    return xp.take(xp.asarray(classes.copy(), device=found.device), code, axis=0)


def indicator(found: Any) -> Any:
    """Return which labels raw predictions give each row, as 0 and 1."""
    xp = library(found)
    return xp.astype(found > 0, xp.int64)


def probabilities(found: Any, kind: str, of_labels: bool) -> Any:
    """Return probabilities of raw predictions: of "softmax", "logistic" or "modified_huber"; see `predict_proba`."""
    xp = library(found)
    if kind == "softmax":
        powers = xp.exp(found - xp.max(found, axis=1, keepdims=True))
        return powers / xp.sum(powers, axis=1, keepdims=True)
    chance = _logistic(xp, found) if kind == "logistic" else (xp.clip(found, -1.0, 1.0) + 1) / 2
    if of_labels:
        least, one = xp.finfo(chance.dtype).smallest_normal, float(np.nextafter(np.float32(1), np.float32(0)))
        return xp.clip(chance, float(least), one)
    if chance.ndim == 1:
        return xp.stack([1 - chance, chance], axis=1)
    total = xp.sum(chance, axis=1, keepdims=True)
    nobody = total == 0  # no class claims the row: all are equally likely
    return xp.where(nobody, 0 * chance + 1 / chance.shape[1], chance / xp.where(nobody, 0 * total + 1, total))


def _logistic(xp: Any, found: Any) -> Any:
    e = xp.exp(-xp.abs(found))
    return xp.where(found >= 0, 1 / (1 + e), e / (1 + e))


def exponentials(raw: Any) -> Any:
    """Return the exponentials of raw predictions."""
    return library(raw).exp(raw)


def of_network(raw: Any, activation: str, several: bool) -> Any:
    """Return probabilities of raw outputs (n_rows, n_outputs): of "softmax" or "logistic", there of `several` labels or of two classes."""
    if activation == "softmax":
        return probabilities(raw, "softmax", False)
    chance = _logistic(library(raw), raw)
    return chance if several else library(raw).concat([1 - chance, chance], axis=1)


def logarithms(chance: Any) -> Any:
    """Return the logarithms of probabilities."""
    with np.errstate(divide="ignore"):  # of libraries in host memory
        return library(chance).log(chance)


class DeviceScore:
    """The method `score` for X wherever it is."""

    def score(self, X, y, sample_weight=None):
        """Return how good the predictions are: of classifiers the accuracy, of regressors the coefficient of determination.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows, of dtype float32 or float64, or convertible.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            What should be predicted.
        sample_weight : array-like of shape (n_samples,), optional
            Weights of the rows.

        Returns
        -------
        float
            At most 1, which is best.

        Examples
        --------
        >>> from fastgd.linear_model import SGDClassifier
        >>> SGDClassifier(random_state=0).fit([[0.0], [1.0]] * 9, [0, 1] * 9).score([[-1.0], [2.0]], [0, 1])
        1.0
        """
        if not inputs.on_device(X):
            return super().score(X, y, sample_weight=sample_weight)  # type: ignore[misc]
        weight = None if sample_weight is None else host(sample_weight)
        found = host(self.predict(X))  # type: ignore[attr-defined]
        metric = accuracy_score if is_classifier(self) else r2_score
        return metric(host(y), found, sample_weight=weight)
