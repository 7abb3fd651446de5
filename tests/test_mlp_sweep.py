"""Many learning rates of a network side by side: each is the network that `fit` with its rate gives."""

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.base import clone

import fastgd
from fastgd.learning_rate import sweep
from fastgd.neural_network import MLPClassifier, MLPRegressor
from fastgd.schedules import cosine

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(150, 6))
Y = X[:, :3].argmax(axis=1)
BASE = {"hidden_layer_sizes": (8,), "random_state": 0, "batch_size": 16}
MODELS = {
    "adam": MLPClassifier(**BASE),
    "sgd": MLPRegressor(solver="sgd", learning_rate="adaptive", alpha=0.1, **BASE),
    "invscaling": MLPRegressor(solver="sgd", learning_rate="invscaling", **BASE),
    "schedule": MLPClassifier(learning_rate=cosine("100%"), dropout=0.2, **BASE),
    "first rate": MLPClassifier(learning_rate_init=cosine("100%"), **BASE),
    "optimizer": MLPClassifier(optimizer=fastgd.AdamW(), decoupled_weight_decay=True, **BASE),
}


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("weight", [None, np.linspace(0, 3, 120)])
def test_a_lane_is_the_fit_with_its_rate(name, weight):
    rates = [1e-3, 1e-2, 3e-2]
    model = MODELS[name]
    result = sweep(
        model, X[:120], Y[:120], learning_rate=rates, n_epochs=3, X_val=X[120:], y_val=Y[120:], sample_weight=weight
    )
    best = result.best_estimator
    same = clone(best).set_params(tol=None, max_iter=3).fit(X[:120], Y[:120], weight)
    assert [a.tobytes() for a in best.coefs_] == [a.tobytes() for a in same.coefs_]
    assert (best.loss_curve_, best.t_, best.n_iter_) == (same.loss_curve_, 3 * (120 if weight is None else 119), 3)
    for k, rate in enumerate(rates):
        one = clone(model).set_params(**model._with_rate(rate), tol=None, max_iter=3)
        one.fit(X[:120], Y[:120], weight, X_val=X[120:], y_val=Y[120:])
        assert one.history_["val_loss"].tolist() == result.val_loss[:, k].tolist()
        assert one.history_["loss"].tolist() == result.loss[:, k].tolist()
    assert not hasattr(model, "coefs_")


def test_rates_that_diverge_are_told():
    model = MLPRegressor(hidden_layer_sizes=(8,), activation="identity", solver="sgd", random_state=0)
    result = sweep(model, sp.csr_array(X), 1.0 * Y, learning_rate=[1e-2, 1e5, 1e9])
    assert result.diverged.tolist() == [False, True, True] and result.edge == 1e5
    with pytest.raises(fastgd.linear_model.DivergedError, match="all learning rates"):
        sweep(model, X, Y, learning_rate=[1e9, 1e10])


def test_lbfgs_has_no_rate():
    with pytest.raises(TypeError, match="a network with solver 'adam' or 'sgd'"):
        sweep(MLPRegressor(solver="lbfgs"), X, Y)
