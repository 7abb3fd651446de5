"""learning_rate="auto": chosen on rows held out and on nothing else, told in full, and repeated bit for bit by the schedule it tells."""

import json
import pickle
import re
import time

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.model_selection import ShuffleSplit, StratifiedShuffleSplit

import fastgd
from fastgd._training import curves, folds, race
from fastgd._training.fit import DivergedError
from fastgd._validation import ArgumentValueError
from fastgd.learning_rate import sweep
from fastgd.linear_model import Perceptron, SGDClassifier, SGDOneClassSVM, SGDRegressor
from fastgd.schedules import linear

pytestmark = pytest.mark.filterwarnings("ignore:Maximum number of iteration:sklearn.exceptions.ConvergenceWarning")

LOG = SGDClassifier(loss="log_loss", learning_rate="auto", random_state=0)
SQUARE = SGDRegressor(learning_rate="auto", random_state=0)
ESTIMATORS = {
    "log_loss": (LOG, 2),
    "hinge": (SGDClassifier(learning_rate="auto", random_state=1), 2),
    "three classes": (LOG, 3),
    "seven classes": (clone(LOG).set_params(class_weight="balanced"), 7),
    "l1": (clone(LOG).set_params(penalty="l1", alpha=1e-3), 3),
    "averaged": (clone(LOG).set_params(average=True), 2),
    "in order": (clone(LOG).set_params(shuffle=False), 2),
    "no intercept": (clone(LOG).set_params(fit_intercept=False, penalty=None), 2),
    "softmax in batches": (clone(LOG).set_params(loss="softmax", batch_size=8), 4),
    "adam in batches": (clone(LOG).set_params(optimizer=fastgd.Adam(), batch_size=8, clip_norm=1.0), 3),
    "nadam, averaged": (clone(LOG).set_params(optimizer=fastgd.NAdam(), batch_size=16, average=30), 2),
    "ftrl": (clone(LOG).set_params(optimizer=fastgd.FTRL(), batch_size=8), 2),
    "squared_error": (SQUARE, None),
    "poisson": (SGDRegressor(loss="poisson", learning_rate="auto", random_state=3), None),
    "outlier": (SGDRegressor(loss="huber", learning_rate="auto", random_state=3, max_iter=7), None),
}


def data(n=400, n_classes=2, d=8, seed=0):
    """Return rows, some zero, and labels, or counts where there are no classes."""
    generator = np.random.default_rng(seed)
    X = generator.normal(size=(n, d)) * (generator.random((n, d)) < 0.7)
    score = X @ np.linspace(-1, 1, d) + 0.7 * generator.normal(size=n)
    if n_classes is None:
        return X, np.round(np.exp(score / 2))
    return X, np.searchsorted(np.quantile(score, np.arange(1, n_classes) / n_classes), score)


def with_fixed_rate(model):
    """Return an unfitted estimator with the schedule that a race tells."""
    told = {"learning_rate": model.race_.schedule, "max_iter": model.race_.n_epochs, "tol": None}
    return clone(model).set_params(**told)


def rows_learnt(model, y):
    kind = ShuffleSplit if isinstance(model, SGDRegressor) else StratifiedShuffleSplit
    split = kind(test_size=model.validation_fraction, random_state=model.random_state).split(y[:, None], y)
    return tuple(np.sort(each) for each in next(split))


def untimed(result):
    return {name: value for name, value in result.to_dict().items() if name != "seconds"}


# ----------------------------------------------------------------------------------------------------------------- the choice


@pytest.mark.parametrize("form", [np.asarray, sp.csr_array], ids=["dense", "sparse"])
@pytest.mark.parametrize("name", ESTIMATORS)
def test_an_ordinary_fit_with_the_schedule_repeats_the_model(name, form):
    """Neither the lanes beside it nor the rows held out have touched the model: `fit` without them has the same bits."""
    estimator, n_classes = ESTIMATORS[name]
    X, y = data(n_classes=n_classes)
    weight = np.linspace(0.1, 2, len(y))
    model = clone(estimator).fit(form(X), y, sample_weight=weight)
    learnt, _ = rows_learnt(model, y)
    again = with_fixed_rate(model)
    if again.get_params().get("class_weight"):  # of all rows, held out or not
        counts = np.bincount(y)
        again.set_params(class_weight=dict(enumerate(len(y) / (len(counts) * counts))))
    again.fit(form(X)[learnt], y[learnt], sample_weight=weight[learnt])
    assert again.coef_.tobytes() == model.coef_.tobytes()
    assert again.intercept_.tobytes() == model.intercept_.tobytes()
    assert model.score(X, y) > (0.3 if n_classes == 7 else 0.5 if n_classes else 0.1)


@pytest.mark.parametrize("name", ESTIMATORS)
def test_every_choice_is_the_lowest_recorded_validation_loss(name):
    estimator, n_classes = ESTIMATORS[name]
    model = clone(estimator).fit(*data(n_classes=n_classes))
    found = model.race_
    assert found.best_learning_rate == found.learning_rate[np.nanargmin(found.val_loss[-1])]
    near = found.best_learning_rate * race.FIRST_NEIGHBOURS
    ends = []
    for cycle in found.cycles:
        np.testing.assert_allclose(cycle.learning_rate, near, rtol=1e-15)
        assert len(cycle.val_loss) == cycle.n_epochs
        assert cycle.val_loss[-1, cycle.best] == np.nanmin(cycle.val_loss[-1])
        ends.append(np.sort(cycle.val_loss[-1])[:2].mean())
        length = sum(c.n_epochs for c in found.cycles[: len(ends)])
        near = cycle.learning_rate[cycle.best] * (race.NEIGHBOURS if length <= race.SHORT else race.ALONE)
    assert found.n_kept == 1 + np.argmin(ends)
    kept = found.cycles[found.n_kept - 1]
    assert model.learning_rate_ == found.chosen == kept.learning_rate[kept.best]
    epochs = [cycle.n_epochs for cycle in found.cycles]
    assert model.n_iter_ == sum(epochs) == len(model.history_["epoch"])
    doubling = [1, 1, 2, 4, 8, 16, 32, 64, 128, 256]
    assert epochs == doubling[: len(epochs)] if model.max_iter == 1000 else [1, 1, 2, 3][: len(epochs)]


def test_the_validation_loss_is_that_of_the_rows_held_out():
    X, y = data(n=10 * folds.FEW, n_classes=3)
    weight = np.linspace(0, 2, len(y))
    model = clone(LOG).fit(X, y, sample_weight=weight)
    _, held_out = rows_learnt(model, y)
    z = X[held_out] @ model.coef_.T + model.intercept_
    target = y[held_out, None] == np.arange(3)
    loss = np.logaddexp(0, np.where(target, -z, z)).sum(axis=1)
    kept = model.race_.cycles[model.race_.n_kept - 1]
    np.testing.assert_allclose(kept.val_loss[-1].min(), np.average(loss, weights=weight[held_out]), rtol=1e-9)
    np.testing.assert_allclose(model.history_["val_loss"][model.race_.n_epochs - 1], kept.val_loss[-1].min())


@pytest.mark.parametrize("shuffle", [True, False])
def test_the_race_is_a_fit_with_a_falling_rate(shuffle):
    """On a tenth of the rows; the rows held out are the validation rows and the last quarter of that fit, before its updates."""
    (X, y), (X_val, y_val) = data(n=11_000), data(n=50, seed=1)
    weight = np.linspace(0.5, 4, len(y_val))
    auto = clone(LOG).set_params(shuffle=shuffle, max_iter=1)
    found = auto.fit(X, y, X_val=X_val, y_val=y_val, sample_weight_val=weight).race_
    part = race.fit.epoch_order(np.arange(len(y)), auto._seed(), race.RACE, True)[:1100]
    part = part if shuffle else np.sort(part)
    assert found.n_rows == 1100
    for k in (3, 9):
        falling = clone(auto).set_params(learning_rate=linear(found.learning_rate[k], 1100), shuffle=False, tol=None)
        sums = [n * clone(falling).fit(X[part[:n]], y[part[:n]]).history_["loss"][0] for n in (1100, 825)]
        np.testing.assert_allclose(found.loss[0, k], sums[0] / 1100, rtol=1e-9)
        z = falling.fit(X[part], y[part]).decision_function(X_val)
        held_out = (weight * np.logaddexp(0, np.where(y_val > 0, -z, z))).sum() + sums[0] - sums[1]
        np.testing.assert_allclose(found.val_loss[0, k], held_out / (weight.sum() + 275), rtol=1e-9)


def test_rows_held_out_do_not_train():
    """Other targets for them leave the losses of all lanes before their updates as they were."""
    X, y = data(n_classes=None)
    first = clone(SQUARE).fit(X, y)
    _, held_out = rows_learnt(first, y)
    changed = y.copy()
    changed[held_out] = 1000 - 500 * changed[held_out]
    second = clone(SQUARE).fit(X, changed)
    common = np.isin(second.race_.learning_rate, first.race_.learning_rate)
    assert np.array_equal(first.race_.loss, second.race_.loss[:, common])
    assert (first.race_.val_loss != second.race_.val_loss[:, common])[~np.isnan(first.race_.val_loss)].all()


def test_own_validation_rows_decide_and_no_row_is_held_out():
    (X, y), (X_val, y_val) = data(), data(seed=1)
    weight = np.linspace(1, 3, len(y_val))
    model = clone(LOG).fit(X, y, X_val=X_val, y_val=y_val, sample_weight_val=weight)
    again = with_fixed_rate(model).fit(X, y)
    assert again.coef_.tobytes() == model.coef_.tobytes()
    loss = np.logaddexp(0, np.where(y_val > 0, -1, 1) * model.decision_function(X_val))
    kept = model.race_.cycles[model.race_.n_kept - 1]
    np.testing.assert_allclose(kept.val_loss[-1].min(), np.average(loss, weights=weight), rtol=1e-9)
    opposite = clone(LOG).fit(X, y, X_val=X_val, y_val=1 - y_val)
    assert opposite.learning_rate_ < model.learning_rate_ / 8


def test_rows_of_weight_zero_are_not_there():
    X, y = data()
    (X_val, y_val), keep = data(seed=1), np.arange(len(y)) % 3 > 0
    weighted = clone(LOG).fit(X, y, sample_weight=keep.astype(float), X_val=X_val, y_val=y_val)
    without = clone(LOG).fit(X[keep], y[keep], X_val=X_val, y_val=y_val)
    np.testing.assert_allclose(weighted.race_.val_loss, without.race_.val_loss, rtol=1e-9)
    assert weighted.race_.n_rows == without.race_.n_rows == keep.sum()


@pytest.mark.parametrize("n_classes", [2, 3, 5])
def test_dense_and_sparse_rows_choose_the_same(n_classes):
    X, y = data(n_classes=n_classes)
    dense, sparse = (clone(LOG).fit(form(X), y) for form in (np.asarray, sp.csr_matrix))
    assert dense.learning_rate_ == pytest.approx(sparse.learning_rate_, rel=1e-12)
    np.testing.assert_allclose(dense.race_.val_loss, sparse.race_.val_loss, rtol=1e-8)
    np.testing.assert_allclose(dense.coef_, sparse.coef_, rtol=1e-6)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**31 - 1), st.sampled_from([np.float32, np.float64]))
def test_the_same_seed_repeats_everything(seed, dtype):
    X, y = data(n=120)
    one, two = (
        SGDClassifier(learning_rate="auto", random_state=seed, max_iter=8).fit(X.astype(dtype), y) for _ in "ab"
    )
    assert one.coef_.dtype == dtype and one.coef_.tobytes() == two.coef_.tobytes()
    assert untimed(one.race_) == untimed(two.race_)


# ----------------------------------------------------------------------------------------------------------------- scales


@pytest.mark.parametrize("factor", [2.0**-10, 2.0**-3, 2.0**3, 2.0**10])
def test_rates_go_with_the_scale_of_the_rows(factor):
    """Without intercept and penalty, the weights of rows times f go by f**2 in the rate: the models are the same."""
    X, y = data(n=10 * folds.FEW)
    X /= 2**-2  # so that the 1 beside the norm of the rows weighs little
    common = {"fit_intercept": False, "penalty": None}
    one, other = (clone(LOG).set_params(**common).fit(X * f, y) for f in (1.0, factor))
    ratio = other.learning_rate_ * factor**2 / one.learning_rate_
    assert 1 / 8 <= ratio <= 8
    np.testing.assert_allclose(other.decision_function(X * factor), one.decision_function(X), atol=1.5)
    losses = [m.race_.cycles[m.race_.n_kept - 1].val_loss[-1].min() for m in (one, other)]
    assert losses[1] < 1.05 * losses[0]


@pytest.mark.parametrize("factor", [1e-6, 1e-3, 1e3, 1e6])
@pytest.mark.parametrize("loss", ["squared_error", "epsilon_insensitive"])
def test_targets_of_any_scale_are_learnt(loss, factor):
    """The rate that suits the absolute error goes with the size of the targets, far beyond the first grid."""
    X, y = data(n_classes=None)
    y = factor * (X @ np.arange(8) + 0.1 * y)
    tol = 1e-3 * factor ** {"squared_error": 2, "epsilon_insensitive": 1}[loss]
    model = SGDRegressor(loss=loss, penalty=None, epsilon=0.0, tol=tol, learning_rate="auto", random_state=0)
    assert model.fit(X, y).score(X, y) > 0.95
    assert 0 < np.nanargmin(model.race_.val_loss[0]) < len(model.race_.learning_rate) - 1


def test_rows_that_the_race_has_not_seen_may_need_smaller_rates():
    """The race is held on a tenth of the rows; the last row, a million times as large as the others, is not among them."""
    X, y = data(n=20_000, d=3, n_classes=None)
    X[-1] = 1e6
    X_val, y_val = data(seed=1, d=3, n_classes=None)
    model = clone(SQUARE).set_params(shuffle=False).fit(X, y, X_val=X_val, y_val=y_val)
    part = race.fit.epoch_order(np.arange(len(y)), model._seed(), race.RACE, True)[: model.race_.n_rows]
    assert model.race_.n_rows == 2000 and len(y) - 1 not in part
    assert model.race_.cycles[0].learning_rate.max() < model.race_.best_learning_rate / 16
    assert model.race_.cycles[0].val_loss[-1].min() < np.mean(y_val**2) / 2


def test_rates_that_diverge_are_told_and_left_out():
    X, y = data(n_classes=None)
    model = clone(SQUARE).fit(X, y)
    found = model.race_
    assert found.diverged[-1] and not found.diverged[np.nanargmin(found.val_loss[-1])]
    assert found.edge == found.learning_rate[found.diverged].min() > found.best_learning_rate
    low, high = found.band
    assert low <= found.best_learning_rate <= high < found.edge
    assert re.search(
        r"16 rates on 360 rows: best .*, diverged from .* on; then \d+ epochs in \d cycles: chosen", repr(found)
    )
    described = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert described["chosen"] == model.learning_rate_ and described["schedule"] == str(found.schedule)


def test_where_every_rate_diverges_the_error_says_what_helps():
    X, y = data(n_classes=None)
    model = clone(SQUARE).fit(X, y)
    before = model.coef_
    with pytest.raises(DivergedError, match=r"'auto': all learning rates from .* diverged. Scale X and y"):
        model.fit(X, y * 1e200)
    assert model.coef_ is before and model.learning_rate_ > 0


# ----------------------------------------------------------------------------------------------------------------- stopping


def test_the_bounds_of_training():
    X, y = data()
    for max_iter, lengths in {
        1: [1],
        2: [2],
        3: [1, 2],
        4: [1, 1, 2],
        5: [1, 1, 3],
        8: [1, 1, 2, 4],
        11: [1, 1, 2, 7],
    }.items():
        model = clone(LOG).set_params(max_iter=max_iter, tol=None).fit(X, y)
        assert [cycle.n_epochs for cycle in model.race_.cycles] == lengths
        assert (model.n_iter_, model.stop_reason_, model.t_) == (max_iter, "max_iter", max_iter * len(y) + 1)
    patient = clone(LOG).set_params(tol=10.0, n_iter_no_change=1).fit(X, y)
    assert (patient.n_iter_, patient.stop_reason_) == (2, "tol")
    hasty = clone(LOG).set_params(max_time=1e-9).fit(X, y)
    assert (hasty.n_iter_, hasty.stop_reason_) == (1, "max_time")


@pytest.mark.parametrize("patience", [1, 5])
@pytest.mark.parametrize("tol", [1e-4, 1e-3, 3e-3, 1e-2])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_training_ends_when_the_loss_falls_too_slowly(n_classes, tol, patience):
    X, y = data(n_classes=n_classes)
    X *= np.geomspace(0.01, 1, 8)[::-1]  # the last features learn slowly
    model = clone(LOG).set_params(tol=tol, n_iter_no_change=patience, max_iter=64).fit(X, y)
    lowest, bad = np.inf, 0
    for cycle in model.race_.cycles:
        assert bad < patience
        end, n = np.sort(cycle.val_loss[-1])[:2].mean(), cycle.n_epochs
        asked = tol * (n_classes if n_classes > 2 else 1) * max(1, n / patience)
        bad = 0 if end <= lowest - asked else bad + n
        lowest = min(lowest, end)
    assert model.stop_reason_ == ("tol" if bad >= patience else "max_iter")


def test_one_lucky_rate_does_not_keep_an_early_cycle():
    """Cycles are compared by the mean of their two lowest losses, where several rates ran."""
    lucky, steady = (
        curves.Cycle(np.arange(1.0, 4), np.array([loss]), 1) for loss in ([0.9, 0.5, 0.8], [0.7, 0.6, 0.61])
    )
    assert lucky.value == pytest.approx(0.65) and steady.value == pytest.approx(0.605)
    assert curves.Cycle(np.ones(1), np.array([[0.3]]), 8).value == 0.3
    assert curves.Cycle(np.ones(2), np.array([[0.3, np.nan]]), 8).value == 0.3, "the other has diverged"
    X, y = data()
    race_of = clone(LOG).fit(X, y).race_
    assert race_of.n_kept == 1 + int(np.argmin([cycle.value for cycle in race_of.cycles]))


def test_a_cycle_is_no_longer_than_the_time_left():
    course = race._Course(None, race.fit.Plan(1000, max_time=100.0), 0, time.perf_counter() - 90, epoch=32)
    course.epochs.append({"took": 2.0})
    assert 4 <= course._length() <= 5
    course.plan = race.fit.Plan(1000)
    assert course._length() == 32


def test_the_history_is_that_of_the_best_lanes(capsys):
    X, y = data(n_classes=3)
    model = clone(LOG).set_params(verbose=1, max_iter=4, tol=None).fit(X, y)
    assert len(re.findall(r"^-- Epoch \d, learning_rate .* to 0, val_loss", capsys.readouterr().out, re.MULTILINE)) == 3
    learnt, held_out = rows_learnt(model, y)
    validation = {"X_val": X[held_out], "y_val": y[held_out]}
    plain = with_fixed_rate(model).fit(X[learnt], y[learnt], **validation).history_
    for name in ("epoch", "step", "learning_rate", "loss", "objective", "grad_norm"):
        # the rate after an epoch: a schedule has begun its next part where a cycle has come to zero
        same = slice(2, 3) if name == "learning_rate" else slice(model.race_.n_epochs)
        expected = plain[name] if name != "learning_rate" else plain[name][:, :1].repeat(3, axis=1)
        np.testing.assert_allclose(model.history_[name][same], expected[same], rtol=1e-12)
    curve = plain["val_loss"].sum(axis=1)
    np.testing.assert_allclose(model.history_["val_loss"][: len(curve)], curve, rtol=1e-12)
    assert model.history_["learning_rate"][3].max() == 0


# ----------------------------------------------------------------------------------------------------------------- the estimator's life


def test_partial_fit_goes_on_with_the_rate_that_was_found():
    X, y = data()
    model = clone(LOG).fit(X, y)
    again = with_fixed_rate(model)
    learnt, _ = rows_learnt(model, y)
    again.fit(X[learnt], y[learnt]).set_params(learning_rate=model.learning_rate_)
    again._training["epochs"] = model._training["epochs"]  # the order of the rows goes by the number of epochs
    for each in (model, again):
        each.partial_fit(X, y)
    assert model.coef_.tobytes() == again.coef_.tobytes()
    for fresh in (clone(LOG), clone(LOG).set_params(learning_rate=0.1).fit(X, y).set_params(learning_rate="auto")):
        with pytest.raises(ArgumentValueError, match="call fit before partial_fit, or set learning_rate to a number"):
            fresh.partial_fit(X, y, classes=[0, 1])
    assert not hasattr(clone(LOG).set_params(learning_rate=0.1).fit(X, y), "learning_rate_")
    model.set_params(learning_rate=0.1).fit(X, y)
    assert not hasattr(model, "learning_rate_") and not hasattr(model, "race_")


def test_warm_start_begins_with_the_last_weights():
    X, y = data()
    model = clone(LOG).set_params(warm_start=True, max_iter=4).fit(X, y)
    first, start = model.race_.cycles[-1].val_loss[-1].min(), (model.coef_.copy(), model.intercept_.copy())
    model.fit(X, y)
    assert model.race_.loss[0, 0] < first + 0.1 < np.log(2)
    cold = clone(LOG).set_params(max_iter=4).fit(X, y, coef_init=start[0], intercept_init=start[1])
    assert untimed(cold.race_) == untimed(model.race_) and cold.coef_.tobytes() == model.coef_.tobytes()


def test_clone_pickle_and_sweep():
    X, y = data()
    model = clone(LOG).fit(X, y)
    assert clone(model).get_params() == LOG.get_params()
    copy = pickle.loads(pickle.dumps(model))
    assert untimed(copy.race_) == untimed(model.race_) and copy.learning_rate_ == model.learning_rate_
    assert np.array_equal(copy.partial_fit(X, y).coef_, model.partial_fit(X, y).coef_)
    rates = np.geomspace(1e-3, 1, 4)
    swept, constant = (sweep(m, X, y, learning_rate=rates) for m in (LOG, clone(LOG).set_params(learning_rate=0.1)))
    assert np.array_equal(swept.val_loss, constant.val_loss)


# ----------------------------------------------------------------------------------------------------------------- refusals


def test_what_cannot_be_is_refused():
    X, y = data(n=12)
    with pytest.raises(ArgumentValueError, match="Use 'constant'"):
        SGDClassifier(loss="perceptron", learning_rate="auto").fit(X, y)
    with pytest.raises(ValueError, match="greater than one"):
        clone(LOG).fit(X, np.zeros(12))
    for rows, labels in ((X, [0] * 11 + [1]), (X[:3], [0, 1, 1])):
        with pytest.raises(ArgumentValueError, match="Pass X_val and y_val, or another validation_fraction"):
            clone(LOG).fit(rows, labels)
    with pytest.raises(ArgumentValueError, match="Pass X_val and y_val"):
        clone(SQUARE).fit(X[:1], [1.0])
    with pytest.raises(ValueError, match="learning_rate"):
        SGDOneClassSVM(learning_rate="auto").fit(X)
    with pytest.raises(TypeError, match="learning_rate"):
        Perceptron(learning_rate="auto")
    assert clone(LOG).fit(X[:4], [0, 1, 0, 1], X_val=X, y_val=y > 0).race_.n_rows == 4


def test_callbacks_see_every_epoch_after_the_race_and_may_end_it():
    X, y = data()
    seen = []

    def look(info):
        seen.append((info.epoch, info.coef.shape, info.val_loss))
        return len(seen) == 3

    model = clone(LOG).fit(X, y, callbacks=[look])
    assert [epoch for epoch, _, _ in seen] == [1, 2, 3]
    assert {shape for _, shape, _ in seen} == {(8, 1)} or {shape for _, shape, _ in seen} == {(1, 8)}
    assert all(np.isfinite(loss) for _, _, loss in seen)
    assert model.stop_reason_ == "callback"
    assert model.n_iter_ == 3


def test_the_unit_of_the_target_changes_nothing_but_the_unit():
    X, _ = data()
    y = X @ np.linspace(-1, 1, 8) + np.random.default_rng(1).normal(size=len(X))
    whole, small = (SGDRegressor(learning_rate="auto", random_state=0).fit(X, unit * y) for unit in (1.0, 2.0**-12))
    assert small.n_iter_ == whole.n_iter_ and small.learning_rate_ == whole.learning_rate_
    np.testing.assert_array_equal(small.coef_, 2.0**-12 * whole.coef_)
