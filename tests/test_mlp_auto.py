"""``learning_rate="auto"`` for networks: the model is that of one schedule, and as good as the best of a grid."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import fastgd
from fastgd.neural_network import MLPClassifier, MLPRegressor

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(400, 6))
Y = np.sin(X[:, 0]) + 0.1 * RANDOM.normal(size=400)
BASE = {"hidden_layer_sizes": (8,), "random_state": 0, "learning_rate": "auto", "max_iter": 12, "tol": None}


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"solver": "sgd"},
        {"optimizer": fastgd.AdamW(), "dropout": 0.1},
        {"early_stopping": True},
        {"hidden_layer_sizes": ()},
    ],
)
def test_the_model_is_that_of_its_schedule(options):
    model = MLPRegressor(**BASE | options).fit(X[:300], Y[:300], X_val=X[300:], y_val=Y[300:])
    race = model.race_
    same = clone(model).set_params(learning_rate=race.schedule, tol=None, max_iter=race.n_epochs, early_stopping=False)
    same.fit(X[:300], Y[:300])
    assert [a.tobytes() for a in model.coefs_] == [a.tobytes() for a in same.coefs_]
    assert model.learning_rate_ == race.chosen and model.n_iter_ <= 12
    assert model.history_["layer_gradient"].shape == (model.n_iter_, model.n_layers_ - 1)
    assert len(model.loss_curve_) == model.n_iter_ and model.t_ == 300 * model.n_iter_


def test_is_as_good_as_the_best_of_a_grid():
    data, labels = load_digits(return_X_y=True)
    train, test, labels, expected = train_test_split(data / 16, labels, random_state=0)
    options = {"hidden_layer_sizes": (32,), "random_state": 0, "batch_size": 32, "max_iter": 15, "tol": None}
    score = MLPClassifier(learning_rate="auto", **options).fit(train, labels).score(test, expected)
    grid = [
        MLPClassifier(learning_rate=rate, **options).fit(train, labels).score(test, expected)
        for rate in (1e-4, 1e-3, 1e-2, 1e-1)
    ]
    assert score >= max(grid) - 0.01, (score, grid)


def test_going_on_after_the_race():
    model = MLPRegressor(**BASE).fit(X, Y)
    again = pickle.loads(pickle.dumps(model)).partial_fit(X, Y)
    assert again.history_["learning_rate"][0] == model.learning_rate_ and again.t_ == model.t_ + 400
    new = MLPRegressor(**BASE)
    with pytest.raises(ValueError, match="call fit before partial_fit"):
        new.partial_fit(X, Y)
    with pytest.raises(ValueError, match="has no learning rate to find"):
        new.set_params(solver="lbfgs").fit(X, Y)


def test_callbacks_see_the_training():
    seen = []
    model = MLPRegressor(**BASE).fit(X, Y, callbacks=[lambda info: seen.append(info.coef[0].shape) or info.epoch == 3])
    assert seen == [(6, 8)] * 3 and model.stop_reason_ == "callback"


def test_many_diverge():
    with pytest.raises(fastgd.linear_model.DivergedError, match="all learning rates"):
        MLPRegressor(activation="identity", solver="sgd", **BASE).fit(X * 1e160, Y * 1e300)
