"""How networks train: going on exactly, stopping, best weights, callbacks, and what is left when training fails."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

import fastgd
from fastgd._training.network import NetworkLanes
from fastgd.linear_model import DivergedError, EpochInfo
from fastgd.neural_network import MLPClassifier, MLPRegressor
from fastgd.schedules import cosine, warmup

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(90, 5))
Y = X[:, :3].argmax(axis=1)
BASE = {"hidden_layer_sizes": (6,), "random_state": 0, "tol": None, "batch_size": 20}
WAYS = {
    "adam": {},
    "sgd": {"solver": "sgd", "learning_rate_init": 0.1},
    "invscaling": {"solver": "sgd", "learning_rate_init": 0.1, "learning_rate": "invscaling"},
    "dropout": {"dropout": 0.3},
    "schedule": {"learning_rate": 0.1 * cosine(40)},
    "optimizer": {"optimizer": fastgd.NAdam(lr=0.01), "clip_norm": 0.1},
    "decoupled": {"alpha": 0.1, "decoupled_weight_decay": True},
}


def everything(model):
    arrays = [each.tobytes() for each in model.coefs_ + model.intercepts_]
    return arrays, model.t_, model.loss_curve_


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("weight", [None, np.linspace(0, 2, 90)])
def test_going_on_is_exact(way, weight):
    for cls in (MLPClassifier, MLPRegressor):
        options = BASE | WAYS[way]
        whole = cls(max_iter=4, **options).fit(X, Y, weight)
        part = pickle.loads(pickle.dumps(cls(max_iter=2, **options).fit(X, Y, weight)))
        part = pickle.loads(pickle.dumps(part.partial_fit(X, Y, weight)))
        assert everything(part.partial_fit(X, Y, weight)) == everything(whole)


def test_partial_fit_alone_is_fit():
    kinds = {"classes": [2, 0, 1]}
    whole = MLPClassifier(max_iter=3, **BASE).fit(X, Y)
    part = MLPClassifier(**BASE).partial_fit(X, Y, **kinds).partial_fit(X, Y, n_epochs=2, **kinds)
    assert everything(part) == everything(whole) and part.n_iter_ == 2


def test_shares_in_schedules_are_of_max_iter_in_every_call():
    for cls in (MLPClassifier, MLPRegressor):
        options = BASE | {"max_iter": 5, "learning_rate": 0.05 * (warmup("20%") >> cosine("80%"))}
        whole = cls(**options).fit(X, Y)
        part = cls(**options).fit(X, Y, callbacks=[lambda info: info.epoch == 2]).partial_fit(X, Y, n_epochs=3)
        kinds = {} if cls is MLPRegressor else {"classes": [0, 1, 2]}
        steps = cls(**options)
        for _ in range(5):
            steps.partial_fit(X, Y, **kinds)
        assert everything(part) == everything(steps) == everything(whole)


def test_going_on_with_another_optimizer_is_refused_in_plain_words():
    model = MLPClassifier(max_iter=2, **BASE).fit(X, Y)
    before = everything(model)
    for changed in ({"solver": "sgd"}, {"optimizer": fastgd.RMSprop()}):
        model.set_params(**changed)
        with pytest.raises(ValueError, match=r"Go on with the optimizer that has trained, or fit anew\."):
            model.partial_fit(X, Y)
        assert everything(model) == before


def test_changed_weights_count():
    model = MLPRegressor(max_iter=2, **BASE).fit(X, Y)
    other = pickle.loads(pickle.dumps(model))
    other.coefs_[0][:] = 0.5
    other.partial_fit(X, Y)
    assert not np.allclose(other.coefs_[0], model.partial_fit(X, Y).coefs_[0], atol=0.1)
    np.testing.assert_allclose(other.coefs_[0], 0.5, atol=0.1)


def test_warm_start_goes_on_with_the_weights_alone():
    with pytest.warns(
        ConvergenceWarning, match=r"Maximum iterations \(2\) reached and the optimization hasn't converged yet."
    ):
        model = MLPClassifier(max_iter=2, warm_start=True, **BASE | {"tol": 1e-4}).fit(X, Y)
    first = model.loss_
    model.set_params(tol=None).fit(X, Y)
    assert len(model.loss_curve_) == 4 and model.n_iter_ == 2 and model.t_ == 360 and model.loss_ < first
    for labels in (np.where(Y == 2, 7, Y), Y > 0):
        with pytest.raises(ValueError, match="warm_start can only be used where `y` has the same classes"):
            model.fit(X, labels)
    with pytest.raises(ValueError, match=r"hidden_layer_sizes must be \[6\] to go on training"):
        model.set_params(hidden_layer_sizes=(7,)).fit(X, Y)


@pytest.mark.parametrize("n_iter_no_change", [1, 3])
def test_stops_when_more_epochs_than_that_are_bad(n_iter_no_change):
    """With an improvement asked for that no epoch can bring, the second epoch is the first bad one."""
    model = MLPRegressor(n_iter_no_change=n_iter_no_change, **BASE | {"tol": 1e9}).fit(X, Y)
    assert (model.n_iter_, model.stop_reason_) == (n_iter_no_change + 2, "tol")
    forever = MLPRegressor(n_iter_no_change=np.inf, max_iter=20, **BASE | {"tol": 1e9})
    with pytest.warns(ConvergenceWarning):
        assert forever.fit(X, Y).n_iter_ == 20


def test_adaptive_rates_are_divided():
    options = {"solver": "sgd", "learning_rate": "adaptive", "learning_rate_init": 0.1, "n_iter_no_change": 1}
    model = MLPRegressor(**BASE | options | {"tol": 1e9}).fit(X, Y)
    rates = model.history_["learning_rate"]
    assert rates[0] == 0.1 and rates[-1] <= 1e-6 and set((rates[:-1] / rates[1:]).round(6)) == {1.0, 5.0}


def test_early_stopping_returns_the_best_weights():
    random = np.random.default_rng(1)
    noisy = np.where(random.random(90) < 0.3, random.integers(0, 3, 90), Y)
    options = BASE | {"tol": 1e-4, "max_iter": 300, "learning_rate_init": 0.02, "hidden_layer_sizes": (40,)}
    model = MLPClassifier(early_stopping=True, **options)
    model.fit(X[:60], noisy[:60], X_val=X[60:], y_val=noisy[60:])
    assert model.stop_reason_ == "tol" and len(model.validation_scores_) == model.n_iter_ < 300
    assert model.best_validation_score_ == max(model.validation_scores_) == model.score(X[60:], noisy[60:])
    assert model.best_loss_ is None
    split = MLPClassifier(early_stopping=True, **options).fit(X, noisy)
    assert split.best_validation_score_ == max(split.validation_scores_) and split.t_ == 81 * split.n_iter_


def test_callbacks_see_epochs_and_stop():
    seen = []

    def watch(info):
        assert isinstance(info, EpochInfo)
        seen.append((info.epoch, info.loss, info.coef[0].copy(), info.intercept[1].copy()))
        return info.epoch == 3

    for cls in (MLPClassifier, MLPRegressor):
        for options in ({}, {"solver": "lbfgs"}):
            seen.clear()
            model = cls(max_iter=9, **BASE | options).fit(X, Y, callbacks=[watch])
            assert [each[0] for each in seen] == [1, 2, 3] and model.stop_reason_ == "callback"
            assert np.array_equal(seen[-1][2], model.coefs_[0]) and np.array_equal(seen[-1][3], model.intercepts_[1])
            assert [each[1] for each in seen] == model.history_["loss"].tolist()


def test_max_time():
    for options in ({}, {"solver": "lbfgs"}):
        model = MLPRegressor(max_time=1e-9, max_iter=50, **BASE | options).fit(X, Y)
        assert (model.stop_reason_, model.n_iter_) == ("max_time", 1)


def test_verbose_prints_epochs(capsys):
    MLPRegressor(verbose=True, max_iter=2, **BASE).fit(X, Y)
    assert capsys.readouterr().out.count("-- Epoch") == 2
    MLPRegressor(verbose=2, max_iter=2, **BASE).fit(X, Y)
    assert "gradient norm" in capsys.readouterr().out
    with pytest.warns(ConvergenceWarning):
        MLPRegressor(verbose=True, max_iter=3, solver="lbfgs", **BASE).fit(X, Y)
    assert capsys.readouterr().out.count("-- Epoch") == 3


@pytest.mark.parametrize("fitted", [False, True])
def test_divergence_leaves_the_estimator_as_it_was(fitted):
    model = MLPRegressor(max_iter=30, activation="identity", solver="sgd", learning_rate_init=0.01, **BASE)
    if fitted:
        model.fit(X, Y)
    model.set_params(learning_rate_init=1e6)
    before = pickle.dumps(vars(model))
    with pytest.raises(DivergedError, match="Floating-point under-/overflow"):
        model.fit(X, Y)
    assert pickle.dumps(vars(model)) == before
    if fitted:
        with pytest.raises(ValueError, match="as it was before"):
            model.partial_fit(X, Y, n_epochs=30)
        assert pickle.dumps(vars(model)) == before


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("cls", [MLPClassifier, MLPRegressor])
@pytest.mark.parametrize("fitted", [False, True])
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_interruptions_leave_the_estimator_as_it_was(cls, fitted, solver, monkeypatch):
    model = cls(max_iter=5, **BASE | {"solver": solver})
    if fitted:
        model.fit(X, Y)
    epoch, calls, before = NetworkLanes.epoch, [], pickle.dumps(vars(model))

    def interrupted(*args, **kwargs):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return epoch(*args, **kwargs)

    monkeypatch.setattr(NetworkLanes, "epoch", interrupted)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, Y)
    assert pickle.dumps(vars(model)) == before


@pytest.mark.parametrize("kind", [int, np.random.RandomState, np.random.default_rng])
def test_random_states(kind):
    a, b = (MLPRegressor(max_iter=2, **BASE | {"random_state": kind(3)}).fit(X, Y) for _ in range(2))
    assert everything(a) == everything(b)
    if kind is not int:
        assert everything(a.fit(X, Y)) != everything(b)
    assert everything(MLPRegressor(max_iter=2, **BASE | {"random_state": None}).fit(X, Y)) != everything(b)


def test_optimizers_own_rate_counts_unless_another_is_given():
    own = MLPRegressor(max_iter=2, optimizer=fastgd.Adam(lr=0.05), **BASE).fit(X, Y)
    named = MLPRegressor(max_iter=2, optimizer=fastgd.Adam(), learning_rate_init=0.05, **BASE).fit(X, Y)
    number = MLPRegressor(max_iter=2, optimizer=fastgd.Adam(), learning_rate=0.05, **BASE).fit(X, Y)
    solver = MLPRegressor(max_iter=2, learning_rate_init=0.05, **BASE).fit(X, Y)
    assert everything(own) == everything(named) == everything(number) == everything(solver)


def test_clones_and_parameters():
    model = MLPClassifier(optimizer=fastgd.AdamW(lr=0.1), dropout=[0.1], **BASE)
    assert repr(clone(model)) == repr(model)
