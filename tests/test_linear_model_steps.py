"""Steps beyond scikit-learn's: batches, optimizers, clipping, softmax and threads, through the estimators."""

import pickle

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.datasets import load_digits, make_classification, make_regression
from sklearn.linear_model import LogisticRegression
from sklearn.utils.estimator_checks import parametrize_with_checks

import fastgd
from fastgd.learning_rate import sweep
from fastgd.linear_model import SGDClassifier, SGDRegressor
from fastgd.schedules import cosine

FULL = 10**6  # more rows than any data has: one batch is all rows


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return X / 16, y


def binary(n=120, dtype=np.float64):
    X, y = make_classification(n, 8, random_state=0)
    return X.astype(dtype), y


def fitted(model):
    return model.coef_.tolist(), model.intercept_.tolist(), model.t_, model.history_["step"].tolist()


FULL_BATCH = {"batch_size": FULL, "learning_rate": 0.1, "max_iter": 50, "tol": None, "random_state": 0}


@pytest.mark.filterwarnings("ignore::fastgd.GradientHealthWarning")
@parametrize_with_checks([SGDClassifier(**FULL_BATCH), SGDRegressor(**FULL_BATCH)])
def test_weight_equals_repetition_in_a_full_batch(estimator, check):
    """With all rows in one batch scikit-learn's checks pass without any expected failure, that of weights as repetitions included."""
    check(estimator)


@pytest.mark.parametrize(
    "optimizer", [None, fastgd.SGD(lr=0.1, momentum=0.9), fastgd.Adam(lr=0.01), fastgd.FTRL(lr=0.1)]
)
@pytest.mark.parametrize("batch_size", [None, 1, 7, FULL])
def test_continuing_is_exact(optimizer, batch_size):
    """Six epochs at once are the same as two, a pickle, and four: weights, state of the optimizer, step counter."""
    X, y = binary()
    options = {"optimizer": optimizer, "batch_size": batch_size, "tol": None, "random_state": 0, "loss": "log_loss"}
    whole = SGDClassifier(max_iter=6, **options).fit(X, y)
    part = SGDClassifier(max_iter=2, **options).fit(X, y)
    part = pickle.loads(pickle.dumps(part)).partial_fit(X, y, n_epochs=4)
    assert part.coef_.tolist() == whole.coef_.tolist()
    assert part.intercept_.tolist() == whole.intercept_.tolist()
    assert part.t_ == whole.t_


def test_batches_of_one_are_steps_of_rows():
    X, y = binary()
    rows = SGDClassifier(max_iter=5, tol=None, random_state=0).fit(X, y)
    batches = SGDClassifier(max_iter=5, tol=None, random_state=0, clip_norm=1e9).fit(X, y)
    np.testing.assert_allclose(batches.coef_, rows.coef_, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(batches.history_["loss"], rows.history_["loss"], rtol=1e-9)
    np.testing.assert_allclose(batches.history_["grad_norm"], rows.history_["grad_norm"], rtol=1e-9)


@pytest.mark.parametrize(
    "name", ["SGD", "Adam", "AdamW", "Adagrad", "RMSprop", "Lion", "NAdam", "RAdam", "FTRL", "Adadelta", "Signum"]
)
def test_every_optimizer_learns_on_dense_and_sparse_rows(name, digits):
    X, y = digits
    optimizer = getattr(fastgd, name)(lr={"SGD": 0.5, "Adadelta": 0.5, "Adagrad": 0.1, "FTRL": 0.1}.get(name, 0.01))
    options = {
        "loss": "log_loss",
        "optimizer": optimizer,
        "batch_size": 32,
        "max_iter": 8,
        "tol": None,
        "random_state": 0,
    }
    dense = SGDClassifier(**options).fit(X, y)
    sparse = SGDClassifier(**options).fit(sp.csr_matrix(X), y)
    assert dense.score(X, y) > 0.9
    np.testing.assert_allclose(sparse.coef_, dense.coef_, rtol=1e-6, atol=1e-8)


def test_the_optimizers_rate_unless_another_is_given():
    X, y = binary()
    own = SGDClassifier(optimizer=fastgd.Adam(lr=0.03), max_iter=2, tol=None).fit(X, y)
    assert own.history_["learning_rate"].tolist() == [0.03, 0.03]
    given = SGDClassifier(optimizer=fastgd.Adam(lr=0.03), learning_rate=0.2, max_iter=2, tol=None).fit(X, y)
    assert given.history_["learning_rate"].tolist() == [0.2, 0.2]
    planned = SGDRegressor(optimizer=fastgd.Adam(lr=0.1 * cosine("100%")), batch_size=12, max_iter=2, tol=None).fit(
        X, y * 1.0
    )
    np.testing.assert_allclose(planned.history_["learning_rate"], [0.05, 0.0], atol=1e-9)
    assert planned.history_["step"].tolist() == [10, 20]


def test_softmax_reaches_the_minimum_of_multinomial_regression(digits):
    """Full batches at a decaying rate come to where L-BFGS comes: one loss of all classes, unlike one-vs-rest."""
    X, y = digits[0][:500], digits[1][:500]
    alpha = 1e-2
    ours = SGDClassifier(
        loss="softmax",
        alpha=alpha,
        learning_rate=4.0 * cosine("100%"),
        batch_size=FULL,
        max_iter=3000,
        tol=None,
        random_state=0,
    ).fit(X, y)
    theirs = LogisticRegression(C=1 / (alpha * len(X)), max_iter=500, tol=1e-8).fit(X, y)
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=4e-3)
    assert ours.coef_.shape == (10, 64)
    assert ours.history_["loss"].shape == (3000,)


def test_softmax_of_two_classes_is_logistic_regression():
    X, y = binary()
    options = {"max_iter": 5, "tol": None, "random_state": 0}
    softmax = SGDClassifier(loss="softmax", **options).fit(X, y)
    assert fitted(softmax) == fitted(SGDClassifier(loss="log_loss", **options).fit(X, y))
    assert softmax.predict_proba(X).shape == (120, 2)


def test_softmax_stops_early_restores_and_sweeps(digits):
    X, y = digits
    options = {"loss": "softmax", "random_state": 0, "batch_size": 16}
    model = SGDClassifier(learning_rate=0.5, early_stopping=True, restore_best=True, max_iter=50, **options).fit(X, y)
    assert model.stop_reason_ == "tol"
    assert model.history_["val_score"].ndim == 1
    held = model.history_["val_score"].max()
    result = sweep(SGDClassifier(**options), X, y, learning_rate=[1e-4, 0.5, 1e6], n_epochs=3)
    assert result.best_learning_rate == 0.5
    again = SGDClassifier(learning_rate=0.5, max_iter=3, tol=None, **options)
    split = next(
        fastgd.linear_model._classification.StratifiedShuffleSplit(test_size=0.1, random_state=0).split(
            np.zeros((len(y), 1)), y
        )
    )
    again.fit(X[np.sort(split[0])], y[np.sort(split[0])])
    assert held > 0.9
    assert result.best_estimator.coef_.tolist() == again.coef_.tolist()


def test_softmax_takes_weights_of_rows_and_classes(digits):
    X, y = digits
    options = {"loss": "softmax", "learning_rate": 0.3, "max_iter": 20, "tol": None, "batch_size": FULL}
    weights = np.random.default_rng(0).integers(0, 3, len(y)).astype(float)
    weighted = SGDClassifier(**options).fit(X, y, sample_weight=weights)
    repeated = SGDClassifier(**options).fit(
        np.repeat(X, weights.astype(int), axis=0), np.repeat(y, weights.astype(int))
    )
    np.testing.assert_allclose(weighted.coef_, repeated.coef_, rtol=1e-7, atol=1e-9)
    heavy = SGDClassifier(class_weight={3: 50.0}, **options).fit(X, y)
    assert (heavy.predict(X) == 3).sum() > (weighted.predict(X) == 3).sum()


def test_clipping_limits_each_step():
    """With the gradient's norm limited to c, a step of plain SGD is at most c times the rate."""
    X, y = binary()
    model = SGDClassifier(
        loss="squared_error", learning_rate=0.1, clip_norm=0.5, batch_size=FULL, penalty=None, max_iter=1, tol=None
    ).fit(X * 100, y)
    length = np.sqrt((model.coef_**2).sum() + model.intercept_[0] ** 2)
    np.testing.assert_allclose(length, 0.05, rtol=1e-9)
    assert model.history_["clipped"].tolist() == [1.0]
    assert model.history_["grad_norm"][0] > 0.5


@pytest.mark.parametrize(
    "options", [{}, {"batch_size": 16}, {"optimizer": fastgd.Adam(lr=0.01), "batch_size": 16}, {"loss": "softmax"}]
)
@pytest.mark.parametrize("form", [np.asarray, sp.csr_matrix])
def test_threads_do_not_change_a_bit(options, form, digits):
    X, y = digits
    X = form(X)
    models = [
        SGDClassifier(n_jobs=n, max_iter=3, tol=None, random_state=0, **options).fit(X, y)
        for n in (None, 1, 2, -1, 5000)
    ]
    assert all(fitted(model) == fitted(models[0]) for model in models)


def test_averages_of_batches():
    X, y = make_regression(200, 5, noise=20, random_state=0)
    y = y / 100
    options = {"batch_size": 10, "learning_rate": 0.05, "max_iter": 20, "tol": None, "random_state": 0, "penalty": None}
    mean = SGDRegressor(average=200, **options).fit(X, y)
    exact = np.linalg.lstsq(np.column_stack([X, np.ones(200)]), y, rcond=None)[0]
    last = SGDRegressor(**options).fit(X, y)
    assert np.abs(mean.coef_ - exact[:-1]).max() < np.abs(last.coef_ - exact[:-1]).max()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"batch_size": 0}, "batch_size"),
        ({"batch_size": -3}, "batch_size"),
        ({"batch_size": 2.5}, "batch_size"),
        ({"clip_norm": 0}, "clip_norm"),
        ({"clip_norm": np.nan}, "clip_norm"),
        ({"optimizer": "adam"}, "optimizer"),
        ({"optimizer": fastgd.Adam}, "optimizer"),
        ({"n_jobs": 0}, "n_jobs"),
        ({"n_jobs": 1.5}, "n_jobs"),
        ({"learning_rate": "pa1", "batch_size": 4}, "single row"),
        ({"optimizer": fastgd.SGD(lr=0.1, maximize=True)}, "maximize"),
        ({"optimizer": fastgd.SGD(lr=0.1, on_nonfinite="skip")}, "on_nonfinite"),
    ],
    ids=str,
)
def test_what_is_refused(options, words):
    X, y = binary()
    model = SGDClassifier(**options)
    with pytest.raises((ValueError, TypeError), match=words):
        model.fit(X, y)
    assert not hasattr(model, "coef_")


def test_divergence_of_batches_is_an_error():
    X, y = make_regression(100, 5, random_state=0)
    with pytest.raises(fastgd.linear_model.DivergedError, match="smaller learning rate"):
        SGDRegressor(batch_size=10, learning_rate=1e300, max_iter=100, tol=None).fit(X, y)
