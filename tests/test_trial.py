"""The short trial of the finder: its losses are those of real training on rows held out, and its suggestion is a good rate."""

import json

import numpy as np
import pytest
import scipy.sparse as sp

from fastgd.learning_rate import _trial as trial
from fastgd.learning_rate import lr_find, sweep
from fastgd.learning_rate._subject import Subject
from fastgd.linear_model import Perceptron, SGDClassifier, SGDRegressor
from fastgd.neural_network import MLPClassifier, MLPRegressor
from fastgd.schedules import linear

GENERATOR = np.random.default_rng(0)
X = GENERATOR.normal(size=(200, 4))
Z = X @ np.arange(1.0, 5) / 4 + 0.3 * GENERATOR.normal(size=200)
Y = np.searchsorted([-0.7, 0.7], Z)
LINEAR = {
    "line": (SGDRegressor(random_state=0, penalty=None, learning_rate=0.1), Z),
    "one against the rest": (SGDClassifier(loss="log_loss", random_state=0, penalty=None), Y),
    "softmax": (SGDClassifier(loss="softmax", random_state=0, penalty=None, batch_size=8), Y),
}
NETWORKS = {
    "classes": (MLPClassifier(hidden_layer_sizes=(6,), random_state=0, batch_size=16), Y),
    "numbers": (MLPRegressor(hidden_layer_sizes=(6,), random_state=0, batch_size=16, solver="sgd"), Z),
}
EVERY = {**LINEAR, **NETWORKS}


def results(rates, loss, longer=1.0):
    return trial.Trial(np.asarray(rates, float), np.asarray(loss, float), 100, longer)


def test_the_suggestion_is_the_middle_of_what_is_as_good():
    loss = [[3.0], [1.01], [1.0], [1.015], [1.5], [1.0]]
    assert results([1, 2, 4, 8, 16, 32], loss).suggestion == pytest.approx(4.0)
    assert results([1, 2, 4, 8, 16, 32], loss, longer=16.0).suggestion == pytest.approx(1.0)


def test_a_rate_with_which_one_fold_diverges_is_not_good():
    found = results([1, 2, 4], [[2.0, 2.0], [1.5, 1.5], [0.5, np.nan]])
    assert found.curve.tolist() == [2.0, 1.5, np.inf]
    assert found.suggestion == 2.0
    assert json.loads(json.dumps(found.to_dict(), allow_nan=False))["val_loss"][2] == [0.5, None]


@pytest.mark.parametrize("name", EVERY)
def test_without_folds_it_is_a_sweep_with_these_validation_rows(name):
    """The same rows, rates and order: the loss is that of a sweep of one epoch, whose rows are put in this order."""
    model, y = EVERY[name]
    subject = Subject.of(model, X, y, None, None)
    learn, held_out, weight, held_weight = trial._apart(
        subject, np.random.default_rng(subject.seed).permutation(subject.learn), 3, 1
    )
    assert (len(learn), len(held_out), weight, held_weight) == (160, 40, None, None)
    rates = np.array([1e-3, 1e-2, 1e-1])
    found = trial._train(subject, rates, 160, 1, 1)[:, 0]
    order = trial.fit.epoch_order(learn, subject.seed, 0, True)
    model = type(model)(**{**model.get_params(), "shuffle": False, "learning_rate": "constant"})
    result = sweep(model, X[order], y[order], learning_rate=rates, n_epochs=1, X_val=X[held_out], y_val=y[held_out])
    np.testing.assert_allclose(found, result.val_loss[0], rtol=1e-9)


@pytest.mark.parametrize("name", ["line", "one against the rest", "softmax"])
def test_folds_have_not_seen_what_they_are_measured_on(name):
    """Targets that are wrong in one fold spoil the models of the other folds only: that of the fold itself has the same weights."""
    model, y = LINEAR[name]
    subject = Subject.of(model, X, y, None, None)
    _, _, weight, out = trial._in_folds(subject, np.random.default_rng(0).permutation(200), 10, 5)
    each = weight.reshape(200, 2, 5, subject.columns)
    assert (each + out.reshape(each.shape) == 1).all()
    assert (out.reshape(each.shape).sum(axis=2) == 1).all(), "each row is held out once"
    assert (out.reshape(each.shape).sum(axis=0) == 40).all()
    loss = trial._train(subject, np.array([1e-3, 1e-2]), 400, 2, 5)
    assert loss.shape == (2, 5) and np.ptp(loss, axis=1).min() > 0


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("form", [np.asarray, sp.csr_array], ids=["dense", "sparse"])
def test_training_with_the_suggestion_is_nearly_the_best(name, form):
    model, y = EVERY[name]
    result = lr_find(model, form(X), y)
    assert result.default_rule == "trial" and result.suggest() == result.trial.suggestion
    X_val, y_val = X + 0.01, y  # as easy as the rows learnt from: judged is how far training gets
    rates = np.append(np.geomspace(1e-5, 10, 32), result.suggest())
    constant = type(model)(**{**model.get_params(), "learning_rate": "constant"})
    found = sweep(constant, form(X), y, learning_rate=np.sort(rates), n_epochs=5, X_val=form(X_val), y_val=y_val)
    loss = found.val_loss[-1]
    untrained = loss[0]
    best = np.nanmin(loss)
    assert loss[np.searchsorted(np.sort(rates), result.suggest())] <= best + 0.1 * (untrained - best)


def test_schedules_are_followed():
    """A rate that falls to zero may begin higher."""
    model = SGDRegressor(random_state=0, learning_rate=0.1)
    falling = SGDRegressor(random_state=0, learning_rate=linear(1.0, "100%"))
    assert lr_find(falling, X, Z).suggest() > lr_find(model, X, Z).suggest()


def test_longer_training_wants_smaller_rates():
    y = Z + GENERATOR.normal(size=200)
    model = SGDRegressor(random_state=0, learning_rate=0.1)
    assert lr_find(model, X, y, n_epochs=40).suggest() < lr_find(model, X, y, n_epochs=1).suggest()


def test_large_data_is_tried_in_part(monkeypatch):
    monkeypatch.setattr(trial, "WORK", 100_000.0)
    result = lr_find(SGDRegressor(random_state=0, learning_rate=0.1), np.tile(X, (50, 1)), np.tile(Z, 50))
    assert result.trial.n_rows < 2000
    assert result.trial.longer == pytest.approx(5 * 10_000 / result.trial.n_rows)
    assert result.trial.val_loss.shape[1] == 1


def test_there_is_no_trial_where_nothing_can_be_compared():
    assert lr_find(Perceptron(random_state=0), X, Y).trial is None, "a model of zeros has no loss"
    result = lr_find(SGDRegressor(random_state=0, learning_rate=0.1), X * 1e20, Z, low=1.0, high=10.0)
    assert result.trial is None and result.suggest() == result.suggest("valley")


def test_weights_of_rows_count():
    """Rows of weight 0 change nothing."""
    weight = np.r_[np.ones(200), np.zeros(50)]
    more, targets = np.vstack([X, 100 * X[:50]]), np.r_[Z, -Z[:50]]
    model = SGDRegressor(random_state=0, learning_rate=0.1)
    one, other = lr_find(model, more, targets, sample_weight=weight), lr_find(model, X, Z)
    assert one.suggest() == pytest.approx(other.suggest(), rel=1e-6)


def test_networks_have_a_range_test():
    result = lr_find(NETWORKS["classes"][0], X, Y)
    assert result.loss.shape == (100, 5)
    assert set(result.suggestions) == {"steepest", "valley", "slide", "minimum", "trial"}
    np.testing.assert_allclose(result.loss[:5].mean(), np.log(3), rtol=0.3)
    again = lr_find(NETWORKS["classes"][0], X, Y)
    np.testing.assert_array_equal(result.loss, again.loss)
    with pytest.raises(TypeError, match="solver"):
        lr_find(MLPClassifier(solver="lbfgs"), X, Y)
