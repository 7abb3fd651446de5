"""How the estimators train: parts and wholes, memory, weights of rows, stopping, validation, history, sparse and dense."""

import pickle
import time

import numpy as np
import pytest
import scipy.sparse as sp

from fastgd.linear_model import DivergedError, Perceptron, SGDClassifier, SGDOneClassSVM, SGDRegressor
from fastgd.schedules import constant, cosine, linear, piecewise, plateau

pytestmark = pytest.mark.filterwarnings("ignore:Maximum number of iteration:sklearn.exceptions.ConvergenceWarning")

EPOCHS = {"max_iter": 6, "tol": None, "random_state": 3}
MODELS = {
    "hinge": SGDClassifier(**EPOCHS),
    "averaged": SGDClassifier(loss="log_loss", average=150, **EPOCHS),
    "L1": SGDClassifier(penalty="l1", learning_rate="invscaling", eta0=0.1, **EPOCHS),
    "elastic net": SGDClassifier(penalty="elasticnet", average=True, learning_rate=0.05, **EPOCHS),
    "schedule": SGDClassifier(learning_rate=0.1 * linear(1.0, 500), **EPOCHS),
    "plateau": SGDClassifier(learning_rate=plateau(0.1, factor=0.5, patience=0), **EPOCHS),
    "passive-aggressive": SGDClassifier(learning_rate="pa1", eta0=0.5, penalty=None, **EPOCHS),
    "balanced": SGDClassifier(class_weight={0: 2.0, 1: 0.5}, **EPOCHS),
    "perceptron": Perceptron(penalty="elasticnet", **EPOCHS),
    "regressor": SGDRegressor(average=100, **EPOCHS),
    "poisson": SGDRegressor(loss="poisson", penalty="l1", **EPOCHS),
    "tweedie": SGDRegressor(loss="tweedie", power=1.2, **EPOCHS),
    "focal": SGDClassifier(loss="focal", gamma=3.0, **EPOCHS),
    "one class": SGDOneClassSVM(average=True, **EPOCHS),
}


def fresh(name, **changes):
    return type(MODELS[name])(**MODELS[name].get_params()).set_params(**changes)


def data(n=80, d=6, n_classes=2, seed=0):
    generator = np.random.default_rng(seed)
    X = generator.normal(size=(n, d)) * (generator.random((n, d)) < 0.6)
    score = X @ np.arange(d) + 0.3 * generator.normal(size=n)
    return X, np.searchsorted(np.quantile(score, np.arange(1, n_classes) / n_classes), score)


def fitted(model):
    """Return everything that fit leaves, but for times."""
    bias = "offset_" if isinstance(model, SGDOneClassSVM) else "intercept_"
    return [model.coef_.tobytes(), getattr(model, bias).tobytes(), model.t_]


@pytest.mark.parametrize("form", ["dense", "sparse"])
@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize("name", MODELS)
def test_parts_make_the_whole_bit_for_bit(name, n_classes, form):
    """fit of 6 epochs = fit of 2, saved and read, and partial_fit of 4 = six calls of partial_fit."""
    X, y = data(n_classes=n_classes)
    X = sp.csr_array(X) if form == "sparse" else X
    if name == "balanced" and n_classes > 2:
        pytest.skip("two labels only")
    whole = fresh(name).fit(X, y)
    classes = {"classes": np.unique(y)} if hasattr(whole, "classes_") else {}
    parts = pickle.loads(pickle.dumps(fresh(name, max_iter=2).fit(X, y))).partial_fit(X, y, n_epochs=4)
    single = fresh(name)
    for _ in range(6):
        single.partial_fit(X, y, **classes)
    assert fitted(parts) == fitted(whole)
    assert fitted(single) == fitted(whole)


def test_shares_in_schedules_are_of_max_iter_in_every_call():
    X, y = data()
    options = EPOCHS | {"learning_rate": 0.1 * cosine("100%")}
    whole, parts = SGDClassifier(**options).fit(X, y), SGDClassifier(**options)
    for _ in range(6):
        parts.partial_fit(X, y, classes=[0, 1])
    assert fitted(parts) == fitted(whole)


def test_one_epoch_of_fit_is_a_partial_fit():
    X, y = data()
    a = SGDClassifier(max_iter=1, tol=None, shuffle=False).fit(X, y)
    b = SGDClassifier(shuffle=False).partial_fit(X[:30], y[:30], classes=[0, 1]).partial_fit(X[30:], y[30:])
    assert fitted(a) == fitted(b)


def test_changed_weights_are_where_partial_fit_goes_on():
    X, y = data()
    a, b = (SGDRegressor(shuffle=False, random_state=0).partial_fit(X, y) for _ in range(2))
    b.coef_ = b.coef_ + 1.0
    assert not np.array_equal(a.partial_fit(X, y).coef_, b.partial_fit(X, y).coef_)
    b.coef_ = np.zeros(6)
    b.intercept_ = np.zeros(1)
    start = SGDRegressor(shuffle=False).fit(X, y, coef_init=np.zeros(6))
    start.t_, start.coef_, start.intercept_ = 161, np.zeros(6), np.zeros(1)
    del start._training
    np.testing.assert_allclose(start.partial_fit(X, y).coef_, b.partial_fit(X, y).coef_)


@pytest.mark.parametrize("name", MODELS)
def test_the_same_seed_gives_the_same_bits_and_another_does_not(name):
    X, y = data()
    assert fitted(fresh(name).fit(X, y)) == fitted(fresh(name).fit(X, y))
    assert fitted(fresh(name).fit(X, y)) != fitted(fresh(name, random_state=4).fit(X, y))


def test_random_states_of_every_kind():
    X, y = data()
    for make in (np.random.RandomState, np.random.default_rng):
        a, b = (SGDClassifier(max_iter=3, tol=None, random_state=make(5)).fit(X, y) for _ in range(2))
        assert fitted(a) == fitted(b)
        a = SGDClassifier(early_stopping=True, random_state=make(5)).fit(X, y)
    np.random.seed(0)
    a = SGDClassifier(max_iter=3, tol=None).fit(X, y)
    np.random.seed(0)
    assert fitted(SGDClassifier(max_iter=3, tol=None).fit(X, y)) == fitted(a)


@pytest.mark.parametrize("name", MODELS)
def test_sparse_and_dense_rows_give_one_model(name):
    """In every format, with indices of either width."""
    X, y = data()
    dense = fresh(name).fit(X, y)
    first = None
    for form in ("csr", "csc", "coo", "bsr", "lil"):
        S = sp.coo_array(X).asformat(form)
        model = fresh(name).fit(S, y)
        tolerance = (
            1e-3 if getattr(model, "penalty", "") == "elasticnet" else 1e-9
        )  # lazy L1 beside L2 is close, not exact
        np.testing.assert_allclose(model.coef_, dense.coef_, rtol=tolerance, atol=tolerance)
        first = first or fitted(model)
        assert fitted(model) == first
        raw = getattr(model, "decision_function", model.predict)
        np.testing.assert_allclose(raw(S), raw(X), atol=1e-12)
    wide = sp.csr_array(X)
    wide.indices, wide.indptr = wide.indices.astype(np.int64), wide.indptr.astype(np.int64)
    assert fitted(fresh(name).fit(wide, y)) == first
    np.testing.assert_allclose(model.predict(wide), model.predict(X))


@pytest.mark.parametrize(
    "layout", [np.asfortranarray, lambda X: np.repeat(X, 2, axis=1)[:, ::2], lambda X: X[::-1][::-1]]
)
def test_layouts_give_the_same_bits(layout):
    X, y = data()
    assert fitted(SGDClassifier(**EPOCHS).fit(layout(X), y)) == fitted(SGDClassifier(**EPOCHS).fit(X, y))


def test_classes_trained_together_are_classes_trained_alone():
    X, y = data(n_classes=4)
    for parameters in ({}, {"average": True}, {"penalty": "l1", "tol": 1e-3, "max_iter": 50}):
        together = SGDClassifier(**EPOCHS | parameters).fit(X, y)
        for k in range(4):
            alone = SGDClassifier(**EPOCHS | parameters).fit(X, y == k)
            assert alone.coef_.tobytes() == together.coef_[k].tobytes()
            assert alone.intercept_[0] == together.intercept_[k]


def test_warm_start_begins_with_the_last_weights_and_the_first_step():
    X, y = data(n_classes=3)
    for model in (SGDClassifier(**EPOCHS), SGDOneClassSVM(**EPOCHS), SGDRegressor(**EPOCHS)):
        model.set_params(warm_start=True).fit(X, y)
        coef = model.coef_.copy()
        bias = (
            {"offset_init": model.offset_}
            if isinstance(model, SGDOneClassSVM)
            else {"intercept_init": model.intercept_}
        )
        expected = type(model)(**EPOCHS).fit(X, y, coef_init=coef, **bias)
        assert fitted(model.fit(X, y)) == fitted(expected)
        assert model.t_ == 6 * 80 + 1


def test_a_weight_of_zero_is_a_missing_row():
    X, y = data()
    keep = np.arange(80) % 3 > 0
    weighted = SGDClassifier(max_iter=3, tol=None, shuffle=False).fit(X, y, sample_weight=keep.astype(float))
    without = SGDClassifier(max_iter=3, tol=None, shuffle=False).fit(X[keep], y[keep])
    assert fitted(weighted) == fitted(without)


def test_running_balanced_weights():
    """After all rows have come, the counts are those of the whole."""
    X, y = data()
    y[:60] = 0
    model = SGDClassifier(class_weight="balanced", random_state=0).partial_fit(X, y, classes=[0, 1])
    assert fitted(model) == fitted(
        SGDClassifier(class_weight="balanced", max_iter=1, tol=None, random_state=0).fit(X, y)
    )
    model.partial_fit(X[y == 0], y[y == 0])
    assert model._counts.tolist() == [2 * (y == 0).sum(), (y == 1).sum()]


def test_history():
    X, y = data(n_classes=3)
    model = SGDClassifier(learning_rate=0.1 * cosine("100%"), **EPOCHS).fit(X, y, X_val=X, y_val=y)
    history = model.history_
    assert set(history) == {
        "epoch", "step", "learning_rate", "loss", "objective", "val_loss", "val_score", "grad_norm", "rows_per_second", "seconds"
    }  # fmt: skip
    assert history["epoch"].tolist() == [1, 2, 3, 4, 5, 6]
    assert history["step"].tolist() == [80, 160, 240, 320, 400, 480]
    assert history["loss"].shape == history["learning_rate"].shape == history["val_score"].shape == (6, 3)
    assert (np.diff(history["seconds"]) >= 0).all() and (history["objective"] >= history["loss"]).all()
    np.testing.assert_allclose(history["learning_rate"][:, 0], 0.1 * cosine(480).values(481)[80::80])
    single = SGDRegressor(**EPOCHS).fit(X, y)
    assert single.history_["loss"].shape == (6,) and "val_score" not in single.history_
    np.testing.assert_allclose(single.history_["learning_rate"], 0.01 / np.arange(81, 482, 80) ** 0.25)


def test_the_progressive_loss_is_the_loss_before_each_update():
    X, y = data()
    model = SGDRegressor(shuffle=False, max_iter=1, tol=None, learning_rate=0.01, penalty=None).fit(X, y)
    w, b, total = np.zeros(6), 0.0, 0.0
    for x, target in zip(X, y, strict=True):
        error = x @ w + b - target
        total += error**2 / 2
        w, b = w - 0.01 * error * x, b - 0.01 * error
    np.testing.assert_allclose(model.coef_, w)
    np.testing.assert_allclose(model.history_["loss"], total / 80)


@pytest.mark.parametrize("average", [False, True])
def test_validation_measures_the_weights_that_users_see(average):
    X, y = data()
    weight = np.arange(80.0)
    model = SGDClassifier(loss="log_loss", average=average, learning_rate=0.1, **EPOCHS)
    model.fit(X, y, X_val=X, y_val=y, sample_weight_val=weight)
    losses = -model.predict_log_proba(X)[np.arange(80), y]
    np.testing.assert_allclose(model.history_["val_loss"][-1], np.average(losses, weights=weight))
    np.testing.assert_allclose(model.history_["val_score"][-1], model.score(X, y, weight))
    assert fitted(model) == fitted(SGDClassifier(**model.get_params()).fit(X, y))


def test_numbers_and_schedules_are_rates():
    X, y = data()
    named = fitted(SGDClassifier(learning_rate="constant", eta0=0.05, **EPOCHS).fit(X, y))
    assert fitted(SGDClassifier(learning_rate=0.05, **EPOCHS).fit(X, y)) == named
    assert fitted(SGDClassifier(learning_rate=constant(0.05), **EPOCHS).fit(X, y)) == named
    half = SGDClassifier(learning_rate=piecewise([240], [0.05, 0.0]), penalty=None, **EPOCHS).fit(X, y)
    assert (
        half.coef_.tobytes()
        == SGDClassifier(learning_rate=0.05, penalty=None, **EPOCHS | {"max_iter": 3}).fit(X, y).coef_.tobytes()
    )
    epochs = SGDClassifier(learning_rate=0.1 * cosine("6 epochs"), **EPOCHS).fit(X, y)
    assert fitted(epochs) == fitted(SGDClassifier(learning_rate=0.1 * cosine("100%"), **EPOCHS).fit(X, y))


def test_early_stopping_on_a_split_and_on_own_rows():
    X, y = data(n=200, n_classes=3)
    for model in (
        SGDClassifier(early_stopping=True, random_state=0),
        SGDRegressor(early_stopping=True, random_state=0),
    ):
        model.fit(X, y)
        scores = np.atleast_2d(model.history_["val_score"].T)
        assert model.stop_reason_ == "tol" and model.n_iter_ < 1000
        for lane in scores:
            best = np.maximum.accumulate(lane[np.isfinite(lane)])
            assert len(best) == model.n_iter_ or np.isnan(lane[-1])
            assert (np.diff(best)[-5:] <= model.tol).all()
        own = type(model)(early_stopping=True, random_state=0).fit(X[:150], y[:150], X_val=X[150:], y_val=y[150:])
        assert own.t_ == own.n_iter_ * 150 + 1


@pytest.mark.parametrize("loss", ["log_loss", "hinge"])
def test_the_validation_score_counts_both_classes(loss):
    """scikit-learn's early stopping compares -1 with 0 for log_loss, and so counts no negative row."""
    X, y = data()
    model = SGDClassifier(loss=loss, **EPOCHS).fit(X, y, X_val=X, y_val=y)
    assert model.history_["val_score"][-1] == model.score(X, y)


def test_the_best_weights_can_be_kept():
    X, y = data(n=300)
    X_val, y_val = data(n=100, seed=1)
    parameters = {"random_state": 0, "max_iter": 30, "tol": None, "learning_rate": "constant", "eta0": 1.0}
    for extra in ({}, {"average": True}, {"penalty": "l1"}):
        best = SGDClassifier(restore_best=True, **parameters, **extra).fit(X, y, X_val=X_val, y_val=y_val)
        first = int(best.history_["val_score"].argmax()) + 1
        again = SGDClassifier(**parameters | {"max_iter": first}, **extra).fit(X, y)
        assert best.coef_.tobytes() == again.coef_.tobytes()
        assert best.n_iter_ == 30
    with pytest.raises(ValueError, match="restore_best=True needs a validation score"):
        SGDClassifier(restore_best=True).fit(X, y)


def test_time_limit():
    X, y = data(n=2000)
    began = time.perf_counter()
    model = SGDClassifier(max_iter=10**7, tol=None, max_time=0.1, random_state=0).fit(X, y)
    assert model.stop_reason_ == "max_time" and model.n_iter_ < 10**7
    assert time.perf_counter() - began < 20


def test_adaptive_rates_fall_by_five_and_stop():
    X, y = data()
    model = SGDRegressor(learning_rate="adaptive", eta0=0.1, max_iter=2000, random_state=0).fit(X, y)
    rates = model.history_["learning_rate"]
    falls = rates[1:] / rates[:-1]
    assert np.all(np.isclose(falls, 1) | np.isclose(falls, 0.2))
    assert model.stop_reason_ == "tol" and rates[-1] <= 1e-6


def tweedie(generator, mean):
    """Return numbers of power 1.5 and dispersion 1, zeros among them: gamma variables of mean and shape 1, a Poisson number added up."""
    count = generator.poisson(2 * np.sqrt(mean))
    return generator.gamma(np.maximum(count, 1), np.sqrt(mean) / 2) * (count > 0)


@pytest.mark.parametrize("form", ["dense", "sparse"])
def test_losses_beyond_scikit_learns(form):
    generator = np.random.default_rng(0)
    X = generator.normal(size=(4000, 3)) * (generator.random((4000, 3)) < 0.7)
    z = X @ [0.5, -0.3, 0.0] + 0.2
    rows = sp.csr_array(X) if form == "sparse" else X
    common = {"random_state": 0, "average": 4000, "penalty": None, "learning_rate": 0.02, "tol": None, "max_iter": 10}
    for loss, y, link in [
        ("poisson", generator.poisson(np.exp(z)), np.exp),
        ("gamma", generator.gamma(2.0, np.exp(z) / 2), np.exp),
        ("tweedie", tweedie(generator, np.exp(z)), np.exp),
        ("logcosh", z + generator.normal(size=4000) / 4, np.array),
    ]:
        model = SGDRegressor(loss=loss, **common).fit(rows, y)
        np.testing.assert_allclose(model.coef_, [0.5, -0.3, 0.0], atol=0.08)
        np.testing.assert_allclose(model.predict(rows[:5]), link(X[:5] @ model.coef_ + model.intercept_))
    y = z + generator.exponential(size=4000)
    for q in (0.1, 0.5, 0.9):
        share = np.mean(y <= SGDRegressor(loss="quantile", quantile=q, **common).fit(rows, y).predict(rows))
        assert abs(share - q) < 0.03


def test_a_diverging_fit_says_when_and_keeps_the_old_model():
    X, y = data()
    model = SGDRegressor(random_state=0).fit(X, y)
    before = fitted(model)
    model.set_params(learning_rate=1e3, penalty=None)
    with pytest.raises(DivergedError, match=r"at epoch #\d+ \(learning rate 1e\+03, .* after step \d+\)") as caught:
        model.fit(X * 1e150, y)
    assert isinstance(caught.value, ValueError) and isinstance(caught.value, FloatingPointError)
    assert len(str(caught.value)) <= 300
    assert fitted(model) == before
    with pytest.raises(DivergedError):
        model.partial_fit(X * 1e150, y)
    assert fitted(model) == before
    assert not hasattr(SGDRegressor(learning_rate=1e3, penalty=None), "coef_")


@pytest.mark.parametrize("loss, low", [("poisson", -1.0), ("gamma", 0.0), ("tweedie", -1.0)])
def test_targets_that_a_loss_has_no_value_for(loss, low):
    X, y = data()
    y = np.ones(80)
    y[7] = low
    for call in (SGDRegressor(loss=loss).fit, SGDRegressor(loss=loss).partial_fit):
        with pytest.raises(ValueError, match=f"for the loss '{loss}'; got {low} in row 7"):
            call(X, y)
