"""The short trial of the finder: its losses are those of real training on rows held out, and its suggestion is a good rate."""

import json

import numpy as np
import pytest
import scipy.sparse as sp

from fastgd.learning_rate import _trial as trial
from fastgd.learning_rate import lr_find, sweep
from fastgd.learning_rate._growth import Growth, lowest_point
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


def results(rates, loss, longer=1.0, untrained=5.0):
    return trial.Trial(np.asarray(rates, float), np.asarray(loss, float), untrained, 100, longer)


def test_the_suggestion_is_the_lowest_point_of_a_parabola():
    rates = 2.0 ** np.arange(12)
    loss = 1 + 0.01 * (np.log2(rates) - 4.3) ** 2
    assert results(rates, loss[:, None]).suggestion == pytest.approx(2**4.3)
    assert results(rates, loss[:, None], longer=16.0).suggestion == pytest.approx(2**2.3)
    loss[[3, 5]] += [0.004, -0.004]  # luck moves it less than it moves the lowest loss
    assert 2**4.3 < results(rates, loss[:, None]).suggestion < 2**4.9


def test_what_lies_far_above_the_lowest_loss_bends_no_parabola():
    cliff = [[1.2], [1.1], [1.05], [1.0], [50.0], [np.nan]]
    assert 4 <= results([1, 2, 4, 8, 16, 32], cliff).suggestion <= 8
    assert results([1, 2, 4, 8], [[3.0], [2.0], [1.0], [3.0]]).suggestion == pytest.approx(4.0), "too few in the dip"
    assert results([1, 2, 4, 8], [[1.03], [1.02], [1.01], [1.0]]).suggestion == pytest.approx(8.0), (
        "a line has no lowest point"
    )
    mean_of_two = results([1, 2, 4], [[1.0, 3.0], [1.5, 1.5], [2.0, 2.0]])
    assert mean_of_two.curve.tolist() == [2.0, 1.5, 2.0]


def test_a_rate_with_which_one_fold_diverges_is_not_good():
    found = results([1, 2, 4], [[2.0, 2.0], [1.5, 1.5], [0.5, np.nan]])
    assert found.curve.tolist() == [2.0, 1.5, np.inf]
    assert found.suggestion == 2.0
    assert json.loads(json.dumps(found.to_dict(), allow_nan=False))["val_loss"][2] == [0.5, None]


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("n_epochs", [1, 3])
def test_a_fold_is_a_sweep_with_these_validation_rows(name, n_epochs):
    """The same rows, rates and orders: the loss is that of a sweep of so many epochs, whose rows are put in this order."""
    model, y = EVERY[name]
    subject = Subject.of(model, X, y, None, None)
    learn, held_out = np.arange(40, 200), np.arange(40)
    rates = np.array([1e-3, 1e-2, 1e-1])
    some = (subject, rates, learn, held_out, n_epochs * 160, n_epochs, subject.seed)
    (untrained, found, way), (_, on_the_way, growth) = trial._one_fold(*some), trial._one_fold(*some, grows=True)
    np.testing.assert_array_equal(found, on_the_way)
    a_step_each_row = name in ("line", "one against the rest")  # the others take too few steps to tell
    assert way is None and (growth is None) == (n_epochs > 1 or not a_step_each_row), "rows seen twice are not held out"
    model = type(model)(**{**model.get_params(), "learning_rate": "constant"})
    expected = sweep(
        model, X[learn], y[learn], learning_rate=rates, n_epochs=n_epochs, X_val=X[held_out], y_val=y[held_out]
    )
    np.testing.assert_allclose(found, expected.val_loss[-1], rtol=1e-9)
    assert untrained > found.min()


@pytest.mark.parametrize("name", LINEAR)
def test_a_part_of_an_epoch_ends_with_a_whole_batch(name):
    model, y = LINEAR[name]
    subject = Subject.of(model, X, y, None, None)
    losses = [
        trial._one_fold(subject, np.array([0.1]), np.arange(160), np.arange(160, 200), n, 1, 0)[1] for n in (64, 65, 71)
    ]
    same = [losses[0] == each for each in losses[1:]]
    assert same == ([True, True] if model.batch_size == 8 else [False, False])


@pytest.mark.parametrize("n_folds", [1, 2, 5])
def test_each_row_is_held_out_once_and_not_learnt_from(n_folds, monkeypatch):
    model, y = LINEAR["line"]
    subject, seen = Subject.of(model, X, y, None, None), []

    def one_fold(subject, rates, learn, held_out, *more):
        seen.append((learn, held_out, more[-2]))
        return 2.0, np.array([1.0, 3.0]), Growth(np.array([300.0]), [[seen[-1][1][0], 3.0]])

    monkeypatch.setattr(trial, "_one_fold", one_fold)
    loss, untrained, growth = trial._train(subject, np.array([1e-3, 1e-2]), 400, 2, n_folds, grows=True)
    expected = [[np.mean([out[0] for _, out, _ in seen]), np.inf]]
    np.testing.assert_allclose(growth.loss, expected, err_msg="the mean of the folds, without what has not trained")
    assert untrained == 2.0 and np.array_equal(loss, [[1.0] * n_folds, [np.nan] * n_folds], equal_nan=True)
    assert len({seed for *_, seed in seen}) == n_folds, "each in an order of its own"
    for learn, held_out, _ in seen:
        assert sorted([*learn, *held_out]) == list(range(200))
        assert len(held_out) == 40
    assert len(np.unique(np.concatenate([out for _, out, _ in seen]))) == 40 * n_folds


def test_a_part_has_the_rows_it_says():
    """Targets, weights and rows of the sample belong together."""
    weight = np.linspace(0.5, 2, 200) * (np.arange(200) % 4 > 0)
    for form in (np.asarray, sp.csr_array):
        whole = Subject.of(LINEAR["line"][0], form(X), Z, weight, None)
        part = whole.part(50)
        assert part.X.shape == (50, 4) and len(part.learn) == 50 and whole.part(150) is whole
        dense = part.X.toarray() if sp.issparse(part.X) else part.X
        rows = [int(np.flatnonzero((row == X).all(axis=1))[0]) for row in dense]
        assert len(set(rows)) == 50 and (weight[rows] > 0).all()
        np.testing.assert_array_equal(np.ravel(part.targets), Z[rows])
        np.testing.assert_array_equal(np.ravel(part.weight), weight[rows])


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


def test_a_fold_is_shorter_than_the_training_asked_for():
    """It learns from four fifths of the rows, and the rate falls by the root of that."""
    found = lr_find(SGDRegressor(random_state=0, learning_rate=0.1), X, Z).trial
    assert found.val_loss.shape[1] == 5 and found.n_rows == 5 * 160 and found.longer == 1.25
    best = lowest_point(found.learning_rate, found.curve, found.untrained)
    assert found.suggestion == pytest.approx(best / np.sqrt(1.25))


def test_large_data_is_tried_in_part(monkeypatch):
    monkeypatch.setattr(trial, "WORK", 100_000.0)
    result = lr_find(SGDRegressor(random_state=0, learning_rate=0.1), np.tile(X, (50, 1)), np.tile(Z, 50))
    assert result.trial.n_rows < 3000
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
