"""Pruned and quantized networks: what they hold, what they predict, and what is reported."""

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import train_test_split

from fastgd.neural_network import MLPClassifier, MLPRegressor


def fitted(dtype=np.float64):
    X, y = load_digits(return_X_y=True)
    train, test, labels, expected = train_test_split((X / 16).astype(dtype), y, random_state=0)
    model = MLPClassifier((32,), learning_rate_init=5e-3, max_iter=30, tol=None, random_state=0).fit(train, labels)
    return model, test, expected


@pytest.mark.parametrize("fraction", [0.0, 0.3, 0.9])
def test_pruning_drops_the_smallest(fraction):
    model, test, expected = fitted()
    sizes = np.sort(np.concatenate([np.abs(coef).ravel() for coef in model.coefs_]))
    intercepts, score = [each.copy() for each in model.intercepts_], model.score(test, expected)
    report = model.prune(fraction, test, expected)
    count = int(np.ceil(fraction * len(sizes)))
    left = np.sort(np.concatenate([np.abs(coef).ravel() for coef in model.coefs_]))
    assert np.array_equal(left[count:], sizes[count:]) and not left[:count].any()
    assert all(np.array_equal(a, b) for a, b in zip(intercepts, model.intercepts_, strict=True))
    assert (report.score_before, report.score_after) == (score, model.score(test, expected))
    assert (report.n_weights, report.n_nonzero_after) == (len(sizes), len(sizes) - count)
    assert report.largest_change == (sizes[count - 1] if count else 0)
    assert report.score_after > (0.94 if fraction < 0.5 else 0.1)
    assert (report.bytes_after < 0.2 * report.bytes_before) == (fraction == 0.9)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_quantized_weights_are_bytes_times_scales(dtype):
    model, test, expected = fitted(dtype)
    before = [coef.copy() for coef in model.coefs_]
    report = model.quantize(test, expected)
    for old, new, (whole, scale) in zip(before, model.coefs_, model.quantized_coefs_, strict=True):
        assert whole.dtype == np.int8 and new.dtype == scale.dtype == dtype and np.abs(whole).max() == 127
        np.testing.assert_allclose(new, whole * scale, rtol=1e-6)
        assert (np.abs(new - old) <= 0.5001 * scale).all()
    assert report.score_after >= report.score_before - 0.01
    assert report.bytes_after < report.bytes_before * (0.3 if dtype == np.float32 else 0.2)
    assert not hasattr(model.partial_fit(test, expected), "quantized_coefs_")


def test_bad_arguments_change_nothing():
    X = np.random.default_rng(0).normal(size=(20, 3))
    model = MLPRegressor(hidden_layer_sizes=(4,), max_iter=2, tol=None).fit(X, X[:, 0])
    before = [coef.copy() for coef in model.coefs_]
    for fraction in (1.0, -0.1, np.nan, "half", None):
        with pytest.raises((ValueError, TypeError), match="fraction"):
            model.prune(fraction)
    for call in (lambda: model.prune(0.5, X), lambda: model.quantize(y=X), lambda: model.quantize(X[:, :2], X[:, 0])):
        with pytest.raises(ValueError):
            call()
    assert all(np.array_equal(a, b) for a, b in zip(before, model.coefs_, strict=True))
    for call in (MLPRegressor().quantize, lambda: MLPClassifier().prune(0.5)):
        with pytest.raises(NotFittedError):
            call()
