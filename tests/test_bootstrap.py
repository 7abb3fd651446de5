"""The bootstrap in one pass: replicates are separate trainings, intervals cover, standard errors are those of drawing rows."""

import dataclasses
import math
import pickle
import tracemalloc

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.base import clone

from fastgd._training import fit
from fastgd._training.log import DivergedError
from fastgd._training.rows import Rows
from fastgd._validation import ArgumentTypeError, ArgumentValueError
from fastgd.linear_model import BootstrapResult, SGDClassifier, SGDRegressor, _bootstrap
from fastgd.schedules import cosine

BETA = np.array([1.0, 0.0, -0.5, 0.2])


def regression(seed=0, n=300):
    generator = np.random.default_rng(seed)
    X = generator.normal(size=(n, 4))
    return X, X @ BETA + 2 + generator.normal(size=n)


def classes(n_classes=2, n=200, seed=0):
    X, score = regression(seed, n)
    return X, np.searchsorted(np.quantile(score, np.arange(1, n_classes) / n_classes), score)


# ---------------------------------------------------------------------------------------------------------------------------------
# Statistics


def test_intervals_cover_as_often_as_they_say():
    """Of 60 data sets with 5 parameters each; four standard deviations of the binomial distribution are allowed."""
    hits = {0.95: [], 0.8: []}
    for seed in range(60):
        model = SGDRegressor(learning_rate=0.02, average=300, penalty=None, random_state=seed)
        result = model.bootstrap_intervals(*regression(seed), n_epochs=3)
        for level, found in hits.items():
            each = dataclasses.replace(result, level=level)
            found.append((each.coef_low <= BETA) & (each.coef_high >= BETA))
            found.append((each.intercept_low <= 2) & (each.intercept_high >= 2))
    for level, found in hits.items():
        covered = np.concatenate(found)
        assert len(covered) == 300
        assert abs(covered.mean() - level) < 4 * math.sqrt(level * (1 - level) / 300)


def test_standard_errors_are_those_of_drawing_rows():
    """400 replicates and 400 fits to rows drawn with replacement: each deviation is known to 1 / sqrt(800), the ratio to 5 %."""
    X, y = classes(n=400)
    model = SGDClassifier(loss="log_loss", alpha=0.01, learning_rate=0.05, average=400, random_state=0)
    result = model.bootstrap_intervals(X, y, n_replicates=400, n_epochs=3)
    generator, explicit = np.random.default_rng(0), []
    for _ in range(400):
        drawn = generator.integers(0, 400, 400)
        one = clone(model).set_params(max_iter=3, tol=None).fit(X[drawn], y[drawn])
        explicit.append([*one.coef_[0], *one.intercept_])
    ratio = [*result.coef_std[0], *result.intercept_std] / np.std(explicit, axis=0, ddof=1)
    assert (abs(ratio - 1) < 0.2).all(), ratio
    np.testing.assert_allclose(np.mean(explicit, axis=0)[:4], result.coef.mean(axis=0)[0], atol=0.05)


def test_weights_are_poisson_numbers_and_a_function_of_the_seed(monkeypatch):
    weights = _bootstrap.replicate_weights(5, 3000, 40)
    assert weights.dtype == np.uint8 and weights.shape == (3000, 40)
    expected = np.array([math.exp(-1) / math.factorial(k) for k in range(5)])
    found = np.array([(weights == k).mean() for k in range(5)])
    assert (abs(found - expected) < 4 * np.sqrt(expected / weights.size)).all()
    between = np.corrcoef(weights.T)[np.triu_indices(40, 1)]
    assert abs(between).max() < 5 / math.sqrt(3000)  # of 780 pairs
    monkeypatch.setattr(_bootstrap, "CHUNK", 1000)
    assert np.array_equal(_bootstrap.replicate_weights(5, 3000, 40), weights)
    assert not np.array_equal(_bootstrap.replicate_weights(6, 3000, 40), weights)


def test_bounds_are_order_statistics():
    """With 39 replicates 95 % lie between the lowest and the highest, 90 % between the second ones."""
    result = SGDRegressor(random_state=0).bootstrap_intervals(*regression(), n_replicates=39, n_epochs=1)
    ranked = np.sort(result.coef, axis=0)
    np.testing.assert_allclose([result.coef_low, result.coef_high], [ranked[0], ranked[-1]], rtol=1e-12)
    narrow = dataclasses.replace(result, level=0.9)
    np.testing.assert_allclose([narrow.coef_low, narrow.coef_high], [ranked[1], ranked[-2]], rtol=1e-12)
    np.testing.assert_allclose(narrow.intercept_low, np.sort(result.intercept, axis=0)[1])


# ---------------------------------------------------------------------------------------------------------------------------------
# Lanes

MODELS = {
    "two classes": (SGDClassifier(loss="log_loss", average=100), 2),
    "three classes": (SGDClassifier(loss="hinge", class_weight={0: 2.0}, penalty="l1"), 3),
    "own stopping": (SGDClassifier(loss="log_loss", max_iter=40, tol=1e-2, n_iter_no_change=2), 3),
    "schedule": (SGDRegressor(learning_rate=0.1 * cosine("100%"), penalty="elasticnet"), 0),
    "adaptive": (SGDRegressor(learning_rate="adaptive", max_iter=30), 0),
    "outputs": (SGDRegressor(average=True), -2),
}


def problem(n_classes, form, dtype):
    X, y = classes(n_classes) if n_classes > 0 else regression(n=200)
    y = np.column_stack([y, y**2]) if n_classes < 0 else y
    return form(X.astype(dtype) * (abs(X) > 0.5)), y


@pytest.mark.filterwarnings("ignore:Maximum number of iteration:sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("form", [np.asarray, sp.csr_array], ids=["dense", "sparse"])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", MODELS)
def test_every_lane_is_a_training_alone(name, weighted, form, dtype):
    """With its column of the weights, times those of the rows and of the classes, bit for bit."""
    estimator, n_classes = MODELS[name]
    estimator.set_params(random_state=3)
    X, y = problem(n_classes, form, dtype)
    rows = np.arange(200) % 4 / 2 if weighted else None
    n_epochs = None if estimator.max_iter < 1000 else 2
    result = estimator.bootstrap_intervals(X, y, n_replicates=41, n_epochs=n_epochs, sample_weight=rows)
    model = clone(estimator)
    task = model._task(X, y, rows, (None, None, None), False)
    seed, n_lanes = model._seed(), task["n_lanes"]
    counts = _bootstrap.replicate_weights(seed, 200, 41).astype(float)
    own = np.broadcast_to(1.0 if task["weight"] is None else task["weight"], (200, n_lanes))
    learn = np.flatnonzero(np.ones(200) if rows is None else rows)
    plan = fit.Plan(n_epochs or estimator.max_iter, None if n_epochs else estimator.tol, estimator.n_iter_no_change)
    assert result.coef.dtype == dtype and result.coef_low.shape == result.coef.shape[1:]
    flat = result.coef.reshape(41, n_lanes, 4)
    for replicate, lane in [(0, 0), (7, n_lanes - 1), (40, 0)]:
        weight = counts[:, [replicate]] * own[:, [lane]]
        told = fit.Problem(Rows.of(task["X"]), task["targets"][:, [lane]], learn, weight)
        alone = fit.train(model._new_lanes(X, 1, dtype), told, model._rate(1, len(learn), plan.max_iter), plan, seed)
        assert alone.coef[:, 0].tobytes() == flat[replicate, lane].tobytes()
        assert alone.intercept[0] == result.intercept[replicate, lane]


def test_the_estimator_is_not_touched():
    X, y = regression()
    for state in (0, np.random.default_rng(1), np.random.RandomState(1)):
        model = SGDRegressor(random_state=state, warm_start=True).fit(X, y)
        before, parameters = pickle.dumps(vars(model)), model.get_params()
        result = model.bootstrap_intervals(X, y, n_epochs=1)
        assert pickle.dumps(vars(model)) == before and model.get_params() == parameters
        assert result.estimator is not model and not hasattr(result.estimator, "coef_")


def test_the_seed():
    X, y = regression()
    call = {"n_epochs": 1, "n_replicates": 39}
    first = SGDRegressor(random_state=1).bootstrap_intervals(X, y, **call)
    again = SGDRegressor().bootstrap_intervals(X, y, random_state=1, **call)
    other = SGDRegressor(random_state=2).bootstrap_intervals(X, y, **call)
    assert np.array_equal(first.coef, again.coef) and not np.array_equal(first.coef, other.coef)


@pytest.mark.parametrize("n_classes", [2, 8])
def test_memory_is_a_byte_for_each_row_and_replicate(n_classes):
    """Beside them some numbers for each row, and each slice's tables; of eight classes alone they would be 128 numbers a row."""
    n, n_replicates = 40_000, 64
    X, y = classes(n_classes, n)
    tracemalloc.start()
    SGDClassifier(alpha=0.01).bootstrap_intervals(X, y, n_replicates=n_replicates, n_epochs=1)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < n * (n_replicates + 64 + 16 * n_classes) + 20e6


# ---------------------------------------------------------------------------------------------------------------------------------
# The result


@pytest.mark.parametrize("form", [np.asarray, sp.csr_array], ids=["dense", "sparse"])
@pytest.mark.parametrize("n_classes", [2, 3, 0, -2])
def test_intervals_of_predictions(n_classes, form, monkeypatch):
    X, y = problem(n_classes, form, np.float64)
    model = SGDClassifier(random_state=0) if n_classes > 0 else SGDRegressor(loss="poisson", random_state=0)
    y = y if n_classes > 0 else np.floor(abs(y))
    result = model.bootstrap_intervals(X, y, n_epochs=2)
    monkeypatch.setattr(_bootstrap, "CHUNK", 5000)
    low, high = result.predict_interval(X)
    predictions, one = [], clone(model).fit(X, y)
    for coef, intercept in zip(result.coef, result.intercept, strict=True):
        one.coef_, one.intercept_ = coef, intercept
        predictions.append(one.decision_function(X) if n_classes > 0 else one.predict(X))
    assert low.shape == high.shape == predictions[0].shape
    expected = np.quantile(predictions, [0.025, 0.975], axis=0, method="weibull")
    np.testing.assert_allclose([low, high], expected, rtol=1e-9, atol=1e-12)
    with pytest.raises(ValueError, match="features"):
        result.predict_interval(X[:, :2])


def test_the_result_describes_itself():
    result = SGDRegressor(learning_rate=0.02, random_state=0).bootstrap_intervals(*regression(), n_replicates=50)
    assert repr(result).startswith("BootstrapResult(50 replicates, level 0.95: ")
    assert result.n_replicates == 50 and result.n_iter > 1 and result.stop_reason == "tol"
    same = pickle.loads(pickle.dumps(result))
    assert isinstance(same, BootstrapResult) and np.array_equal(same.coef_low, result.coef_low)
    with pytest.raises(dataclasses.FrozenInstanceError):
        result.level = 0.5


@pytest.mark.parametrize(
    ("parameters", "call", "error", "words"),
    [
        ({}, {"level": 1.0}, ArgumentValueError, "'level'"),
        ({}, {"level": "high"}, ArgumentTypeError, "'level'"),
        ({}, {"n_replicates": 38}, ArgumentValueError, "at least 39 for level=0.95"),
        ({}, {"level": 0.99, "n_replicates": 198}, ArgumentValueError, "at least 199"),
        ({}, {"n_replicates": 64.0}, ArgumentTypeError, "'n_replicates'"),
        ({}, {"n_epochs": 0}, ArgumentValueError, "'n_epochs'"),
        ({"early_stopping": True}, {}, ArgumentValueError, "pass n_epochs"),
        ({"alpha": -1}, {}, ValueError, "alpha"),
        ({"loss": "poisson"}, {}, ArgumentValueError, "y must be >= 0"),
        ({}, {"sample_weight": [-1.0] * 300}, ValueError, "sample_weight"),
    ],
    ids=str,
)
def test_what_is_refused(parameters, call, error, words):
    with pytest.raises(error, match=words):
        SGDRegressor(**parameters).bootstrap_intervals(*regression(), **call)


def test_divergence_is_told():
    with pytest.raises(DivergedError):
        SGDRegressor(learning_rate=1e299, penalty=None).bootstrap_intervals(*regression(), n_epochs=2)
