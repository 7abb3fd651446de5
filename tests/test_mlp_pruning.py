"""Fine-tuning after `prune`: zeros that stay, and everything else as in a network that never had those weights."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone

import fastgd
from fastgd._training.fit import epoch_order
from fastgd._training.network import NetworkLanes
from fastgd.neural_network import MLPClassifier, MLPRegressor

from .naive_network import Head, Network
from .test_network import OPTIMIZERS, optimizer_pair

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(76, 6))
Y = X[:, :3].argmax(axis=1)
BASE = {"hidden_layer_sizes": (9, 5), "random_state": 0, "tol": None, "batch_size": 8, "activation": "tanh"}


def zeros(model):
    return [coef == 0 for coef in model.coefs_]


def same(a, b):
    return all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_zeros_stay_under_every_optimizer(name, dtype):
    ours, _ = optimizer_pair(name, OPTIMIZERS[name])
    model = MLPClassifier(optimizer=ours, max_iter=3, **BASE).fit(X.astype(dtype), Y)
    assert not any(each.any() for each in zeros(model))
    model.prune(0.6)
    pruned, before = zeros(model), [coef.copy() for coef in model.coefs_]
    assert same(model.pruned_, pruned) and sum(each.sum() for each in pruned) == np.ceil(0.6 * 114)
    model.partial_fit(X.astype(dtype), Y, n_epochs=3)
    assert same(zeros(model), pruned) and not same(model.coefs_, before)
    assert not any(np.signbit(coef[place]).any() for coef, place in zip(model.coefs_, pruned, strict=True))


@pytest.mark.parametrize("name", [n for n in OPTIMIZERS if n != "ASGD"])
@pytest.mark.parametrize(
    "options", [{}, {"clip_norm": 0.05}, {"alpha": 0.3, "l1": 0.1}], ids=["plain", "clip", "penalty"]
)
def test_fine_tuning_is_that_of_the_oracle(name, options):
    """The optimizer begins anew, as it does with `warm_start`."""
    ours, theirs = optimizer_pair(name, OPTIMIZERS[name] | ({"clip_norm": 0.05} if "clip_norm" in options else {}))
    model = MLPClassifier(optimizer=ours, max_iter=3, warm_start=True, **BASE | options).fit(X, Y)
    model.prune(0.5)
    penalties = {"alpha": model.alpha, "l1": model.l1}
    oracle = Network(
        list(zip(model.coefs_, model.intercepts_, strict=True)), ["tanh"] * 2, [Head(3, "softmax")],
        kept=[~place for place in model.pruned_], **penalties,
    )  # fmt: skip
    seed = np.random.RandomState(0).randint(np.iinfo(np.int32).max)
    orders = [epoch_order(np.arange(76), seed, epoch, True) for epoch in range(3)]
    oracle.train(theirs, X, Y[:, None], [order[low : low + 8] for order in orders for low in range(0, 76, 8)])
    model.fit(X, Y)
    for (w, b), coef, intercept in zip(oracle.weights, model.coefs_, model.intercepts_, strict=True):
        np.testing.assert_allclose(coef, w, rtol=1e-7, atol=1e-9)
        np.testing.assert_allclose(intercept, b, rtol=1e-7, atol=1e-9)


def test_fine_tuning_brings_the_score_back():
    target = np.sin(X[:, 0]) + X[:, 1]
    model = MLPRegressor(learning_rate_init=0.02, max_iter=200, **BASE | {"hidden_layer_sizes": (24,)}).fit(X, target)
    report = model.prune(0.7, X, target)
    model.partial_fit(X, target, n_epochs=100)
    assert report.seconds_before > 0 < report.seconds_after
    assert report.score_after < report.score_before - 0.05 < model.score(X, target)


def test_masks_live_as_long_as_the_weights():
    model = MLPClassifier(max_iter=2, **BASE).fit(X, Y)
    model.prune(0.5)
    other = pickle.loads(pickle.dumps(model))
    assert same(other.pruned_, model.pruned_)
    assert same(other.partial_fit(X, Y).coefs_, model.partial_fit(X, Y).coefs_) and same(zeros(model), model.pruned_)
    assert not hasattr(clone(model), "pruned_")
    before = model.pruned_
    model.prune(0.2)  # less than is zero already
    assert same(model.pruned_, before)
    model.prune(0.8)
    assert all((now | old == now).all() for now, old in zip(model.pruned_, before, strict=True))
    assert sum(map(np.sum, model.pruned_)) == np.ceil(0.8 * 114)
    model.quantize()
    assert same(zeros(model.partial_fit(X, Y)), model.pruned_)
    assert not any(each.any() for each in zeros(model.fit(X, Y))) and not hasattr(model, "pruned_")


@pytest.mark.parametrize(
    "way",
    [{"solver": "lbfgs", "tol": 1e-3, "alpha": 0.1}, {"learning_rate": "auto", "max_iter": 4}],
    ids=["lbfgs", "auto"],
)
def test_zeros_stay_in_other_ways_of_training(way):
    model = MLPClassifier(**BASE | {"warm_start": True} | way).fit(X, Y)
    model.prune(0.5)
    pruned, before = model.pruned_, [coef.copy() for coef in model.coefs_]
    model.fit(X, Y)
    assert same(zeros(model), pruned) and not same(before, model.coefs_)


def test_masks_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match=r"'kept' argument of NetworkLanes must be of shape \(27,\)"):
        NetworkLanes("float64", 4, [(3, "relu")], [(3, "softmax")], kept=np.ones(5, bool))


def test_new_networks_hold_zeros_from_the_beginning():
    kept = np.arange(27) % 2 == 0
    lanes = NetworkLanes("float64", 4, [(3, "relu")], [(3, "softmax")], kept=kept, optimizer=fastgd.SGD())
    assert not lanes.coef[~kept].any() and (lanes.coef[kept] != 0).all()


def test_weights_are_not_negative():
    model = MLPRegressor(non_negative=True, learning_rate_init=0.02, max_iter=50, **BASE).fit(X, X[:, 0] - X[:, 1])
    assert all((coef >= 0).all() for coef in model.coefs_) and any((b < 0).any() for b in model.intercepts_)
    with pytest.raises(ValueError, match="solver='lbfgs' has no use for non_negative=True"):
        MLPRegressor(non_negative=True, solver="lbfgs").fit(X, Y)
