"""Smaller networks: weights that hardly count set to zero, and weights of eight bits."""

import time
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from fastgd import _validation as check
from fastgd._estimators.device_predictions import followed
from fastgd._validation import ArgumentValueError

LARGEST = 127  # of a signed byte, symmetric


@dataclass(frozen=True)
class CompressionReport:
    """What `prune` or `quantize` has made of a network.

    Attributes
    ----------
    n_weights : int
        The number of weights, intercepts not counted.
    n_nonzero_before, n_nonzero_after : int
        How many of them are not zero.
    bytes_before, bytes_after : int
        What weights and intercepts take: dense before; afterwards, pruned weights as values with 32-bit column numbers and row
        beginnings where that is less, quantized ones as bytes with a scale for each unit.
    largest_change : float
        The largest change of a weight.
    seconds_before, seconds_after : float or None
        How long scoring these rows took, the faster of two times. Zeros are multiplied like other weights, and bytes are made numbers of
        the weights' dtype first: what is gained is size, and speed where something else predicts from them.
    score_before, score_after : float or None
        The estimator's score on the rows that were given, where they were.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from fastgd.neural_network import MLPClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> report = MLPClassifier((16,), learning_rate_init=0.01, tol=None, random_state=0).fit(X, y).prune(0.25, X, y)
    >>> report.n_weights, report.n_nonzero_after, report.score_before - report.score_after < 0.05
    (112, 84, True)
    """

    n_weights: int
    n_nonzero_before: int
    n_nonzero_after: int
    bytes_before: int
    bytes_after: int
    largest_change: float
    seconds_before: float | None
    seconds_after: float | None
    score_before: float | None
    score_after: float | None


class Compressible:
    """What makes fitted networks smaller."""

    coefs_: list[np.ndarray]
    intercepts_: list[np.ndarray]
    pruned_: list[np.ndarray]

    def prune(self, fraction, X=None, y=None):
        """Set the smallest weights to zero, the same limit for all layers; intercepts stay.

        Training that goes on, by `partial_fit` or with `warm_start`, keeps them at zero (fine-tuning), as a network that never had them;
        what an optimizer remembers of them has no effect. `pruned_` says which they are; pruning again adds to them, a `fit` from the
        beginning and `clone` forget them. Source: S. Han et al., Learning both weights and connections for efficient neural
        networks (2015).

        Parameters
        ----------
        fraction : float
            Which share of all weights is zero afterwards, at least, in [0, 1).
        X, y : array-like of shapes (n_samples, n_features) and (n_samples,) or (n_samples, n_outputs), optional
            Rows, float32 or float64, and targets to score before and after.

        Returns
        -------
        CompressionReport
            Sizes and scores.

        Examples
        --------
        >>> from fastgd.neural_network import MLPRegressor
        >>> model = MLPRegressor(hidden_layer_sizes=(8,), tol=None, random_state=0).fit([[0.0], [1.0]] * 20, [0.0, 1.0] * 20)
        >>> model.prune(0.25).n_nonzero_after
        12
        >>> [int((coef != 0).sum()) for coef in model.partial_fit([[0.0], [1.0]] * 20, [0.0, 1.0] * 20).coefs_]
        [5, 7]
        """
        check_is_fitted(self)
        fraction = check.real(fraction, "prune", "fraction", 0, 1, "left")
        sizes = np.concatenate([np.abs(coef).ravel() for coef in self._checked_coefs()])
        count = int(np.ceil(fraction * len(sizes)))
        dropped = np.zeros(len(sizes), bool)
        dropped[np.argsort(sizes, kind="stable")[:count]] = True
        parts = np.split(dropped, np.cumsum([coef.size for coef in self.coefs_])[:-1])
        places = [part.reshape(coef.shape) for coef, part in zip(self.coefs_, parts, strict=True)]
        if hasattr(self, "pruned_"):
            places = [place | before for place, before in zip(places, self.pruned_, strict=True)]
        smaller = [np.where(place, coef.dtype.type(0), coef) for coef, place in zip(self.coefs_, places, strict=True)]
        report = self._replaced(smaller, sum(map(_sparse_bytes, smaller)), X, y)
        self.pruned_ = places
        return report

    def quantize(self, X=None, y=None):
        """Round the weights to signed bytes, one scale for each unit; intercepts stay.

        ``w = scale * q`` with whole ``q`` from -127 to 127 and ``scale = max |w| / 127`` over the weights into the unit. `coefs_` hold the
        rounded values, with which predictions compute in floating point; `quantized_coefs_` is the list of ``(q, scale)``, of dtypes int8
        and that of the weights, for storage elsewhere.

        Parameters
        ----------
        X, y : array-like of shapes (n_samples, n_features) and (n_samples,) or (n_samples, n_outputs), optional
            Rows, float32 or float64, and targets to score before and after.

        Returns
        -------
        CompressionReport
            Sizes and scores.

        Examples
        --------
        >>> from fastgd.neural_network import MLPRegressor
        >>> X, y = [[0.0], [1.0]] * 20, [0.0, 1.0] * 20
        >>> model = MLPRegressor(hidden_layer_sizes=(8,), learning_rate_init=0.01, tol=None, random_state=0).fit(X, y)
        >>> report = model.quantize(X, y)
        >>> report.bytes_before, report.bytes_after, report.score_after > 0.99
        (200, 160, True)
        """
        check_is_fitted(self)
        parts, rounded = [], []
        for coef in self._checked_coefs():
            scale = np.abs(coef).max(axis=0, initial=0) / LARGEST
            scale = np.where(scale > 0, scale, 1).astype(coef.dtype)
            whole = np.clip(np.rint(coef / scale), -LARGEST, LARGEST).astype(np.int8)
            parts.append((whole, scale))
            rounded.append((whole * scale).astype(coef.dtype))
        report = self._replaced(rounded, sum(whole.nbytes + scale.nbytes for whole, scale in parts), X, y)
        self.quantized_coefs_ = parts
        return report

    def _checked_coefs(self) -> list[np.ndarray]:
        """Return `coefs_`, from now on in host memory, where compressing them is done."""
        self._flat()  # type: ignore[attr-defined]
        self.coefs_, self.intercepts_ = (followed(None, each) for each in (self.coefs_, self.intercepts_))
        return self.coefs_

    def _kept(self) -> np.ndarray | None:
        """Return which of all parameters, in the order of `_flat`, may be other than 0; None for all."""
        if not hasattr(self, "pruned_"):
            return None
        parts = [(~place.ravel(), np.ones(place.shape[1], bool)) for place in self.pruned_]
        return np.concatenate([part for pair in parts for part in pair])

    def _forget_compression(self, going_on: bool) -> None:
        """Training begins: weights will be no bytes any more, and new networks have no zeros to keep."""
        self.__dict__.pop("quantized_coefs_", None)
        if not going_on:
            self.__dict__.pop("pruned_", None)

    def _replaced(self, coefs: list[np.ndarray], n_bytes: int, X: Any, y: Any) -> CompressionReport:
        """Set `coefs_`, which take so many bytes, and return what has changed."""
        if (X is None) != (y is None):
            raise ArgumentValueError("X and y go together; got only one of them.")
        model: Any = self
        before = self.coefs_
        biases = sum(intercept.nbytes for intercept in self.intercepts_)
        score_before, seconds_before = _scored(model, X, y)
        self.coefs_ = coefs
        self.__dict__.pop("quantized_coefs_", None)
        score_after, seconds_after = _scored(model, X, y)
        return CompressionReport(
            n_weights=sum(coef.size for coef in coefs),
            n_nonzero_before=sum(int(np.count_nonzero(coef)) for coef in before),
            n_nonzero_after=sum(int(np.count_nonzero(coef)) for coef in coefs),
            bytes_before=sum(coef.nbytes for coef in before) + biases,
            bytes_after=n_bytes + biases,
            largest_change=max(float(np.abs(a - b).max()) for a, b in zip(before, coefs, strict=True)),
            seconds_before=seconds_before,
            seconds_after=seconds_after,
            score_before=score_before,
            score_after=score_after,
        )


def _scored(model: Any, X: Any, y: Any) -> tuple[float | None, float | None]:
    """Return the score and how long it took, the faster of two times; None without rows."""
    if X is None:
        return None, None
    moments, score = [time.perf_counter()], None
    for _ in range(2):
        score = model.score(X, y)
        moments.append(time.perf_counter())
    return score, min(b - a for a, b in pairwise(moments))


def _sparse_bytes(coef: np.ndarray) -> int:
    return min(coef.nbytes, int(np.count_nonzero(coef)) * (coef.itemsize + 4) + 4 * (len(coef) + 1))
