"""The networks' estimators against scikit-learn's: the same trajectories from the same weights, the same attributes and scores."""

import inspect

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from sklearn import neural_network as theirs
from sklearn.datasets import load_diabetes, load_digits, make_multilabel_classification
from sklearn.metrics import accuracy_score, log_loss
from sklearn.model_selection import train_test_split

import fastgd
from fastgd.model_selection import LaneSearchCV
from fastgd.neural_network import MLPClassifier, MLPRegressor
from fastgd.schedules import cosine

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
PAIRS = {MLPClassifier: theirs.MLPClassifier, MLPRegressor: theirs.MLPRegressor}


def rows(n=110, d=6, seed=0):
    random = np.random.default_rng(seed)
    X = random.normal(size=(n, d))
    return X, X @ random.normal(size=(d, 3)) + 0.3 * random.normal(size=(n, 3))


X, Z = rows()
TARGETS = {
    "two classes": (MLPClassifier, np.where(Z[:, 0] > 0, "yes", "no")),
    "three classes": (MLPClassifier, Z.argmax(axis=1) * 10),
    "indicators": (MLPClassifier, (Z > 0).astype(int)),
    "one output": (MLPRegressor, Z[:, 0]),
    "three outputs": (MLPRegressor, Z),
}


def from_the_same_weights(cls, y, weight=None, **options):
    """Return a model of ours and one of scikit-learn that were trained from the same weights on."""
    options = {
        "hidden_layer_sizes": (7, 5),
        "shuffle": False,
        "warm_start": True,
        "tol": 0.0,
        "random_state": 0,
    } | options
    ours = cls(**options | {"max_iter": 1}).fit(X, y)
    other = PAIRS[cls](**options | {"max_iter": 1}).fit(X, y)
    other.coefs_ = [coef.copy() for coef in ours.coefs_]
    other.intercepts_ = [intercept.copy() for intercept in ours.intercepts_]
    given = {} if weight is None else {"sample_weight": weight}
    return ours.set_params(**options).fit(X, y, **given), other.set_params(**options).fit(X, y, **given)


SOLVERS = {
    "sgd": {"solver": "sgd", "learning_rate_init": 0.05},
    "momentum": {
        "solver": "sgd",
        "learning_rate_init": 0.02,
        "nesterovs_momentum": False,
        "momentum": 0.5,
        "alpha": 0.5,
    },
    "plain": {"solver": "sgd", "learning_rate_init": 0.1, "momentum": 0.0, "batch_size": 30},
    "adam": {"solver": "adam", "epsilon": 1e-300, "batch_size": 25, "alpha": 0.1},
}


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("target", TARGETS)
def test_trajectories_are_scikit_learns(target, solver):
    cls, y = TARGETS[target]
    ours, other = from_the_same_weights(cls, y, max_iter=8, activation="tanh", **SOLVERS[solver])
    for mine, their in zip(ours.coefs_ + ours.intercepts_, other.coefs_ + other.intercepts_, strict=True):
        np.testing.assert_allclose(mine, their, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(ours.loss_curve_[1:], other.loss_curve_[1:], rtol=1e-7)
    np.testing.assert_allclose(ours.predict(X) if cls is MLPRegressor else ours.predict_proba(X), other.predict(X)
                               if cls is MLPRegressor else other.predict_proba(X), rtol=1e-6, atol=1e-9)  # fmt: skip
    assert np.array_equal(ours.predict(X), other.predict(X)) or cls is MLPRegressor
    assert (ours.n_layers_, ours.n_outputs_, ours.out_activation_) == (4, other.n_outputs_, other.out_activation_)
    assert (ours.t_, ours.n_iter_) == (other.t_, other.n_iter_)
    assert ours.best_loss_ == pytest.approx(min(ours.loss_curve_)) and ours.validation_scores_ is None


@pytest.mark.parametrize("activation", ["identity", "logistic", "relu"])
@pytest.mark.parametrize("solver", ["sgd", "lbfgs"])
def test_trajectories_of_other_activations(activation, solver):
    ours, other = from_the_same_weights(
        MLPRegressor,
        np.exp(Z[:, 0]),
        loss="poisson",
        max_iter=5,
        activation=activation,
        solver=solver,
        learning_rate_init=1e-3,
    )
    np.testing.assert_allclose(ours.loss_, other.loss_, rtol=1e-6)
    np.testing.assert_allclose(ours.predict(X), other.predict(X), rtol=1e-4)


@pytest.mark.parametrize("target", ["two classes", "three classes", "one output"])
@pytest.mark.parametrize("solver", ["sgd", "lbfgs"])
def test_weighted_trajectories_in_a_full_batch(target, solver):
    cls, y = TARGETS[target]
    weight = np.random.default_rng(1).uniform(0.5, 3, len(X))
    ours, other = from_the_same_weights(
        cls, y, weight, max_iter=5, solver=solver, batch_size=110, alpha=1.0, learning_rate_init=0.05
    )
    np.testing.assert_allclose(ours.loss_, other.loss_, rtol=1e-7)
    np.testing.assert_allclose(ours.coefs_[0], other.coefs_[0], rtol=1e-5, atol=1e-8)


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return train_test_split(X / 16, y, random_state=0, train_size=700)


@pytest.mark.parametrize(
    "options",
    [
        {"max_iter": 40, "learning_rate_init": 5e-3},
        {"solver": "sgd", "learning_rate_init": 0.2, "max_iter": 40},
        {"solver": "lbfgs", "max_iter": 8},
        {"early_stopping": True, "max_iter": 40, "learning_rate_init": 5e-3},
    ],
)
def test_scores_on_digits_are_scikit_learns(digits, options):
    train, test, labels, expected = digits
    ours, other = (
        [cls((32,), random_state=seed, **options).fit(train, labels).score(test, expected) for seed in range(10)]
        for cls in (MLPClassifier, theirs.MLPClassifier)
    )
    assert not_worse(ours, other), (ours, other)


def not_worse(ours, other):
    """Return whether our mean score is at most three standard errors below theirs."""
    return np.mean(ours) >= np.mean(other) - 3 * np.sqrt((np.var(ours, ddof=1) + np.var(other, ddof=1)) / len(ours))


def test_scores_on_diabetes_are_scikit_learns():
    X, y = load_diabetes(return_X_y=True)
    X, y = X / X.std(axis=0), y / 100
    train, test, targets, expected = train_test_split(X, y, random_state=0)
    for options in ({"max_iter": 100}, {"solver": "sgd", "max_iter": 60, "learning_rate_init": 0.01}):
        options |= {"hidden_layer_sizes": (20,), "alpha": 1.0}
        ours, other = (
            [cls(random_state=s, **options).fit(train, targets).score(test, expected) for s in range(5)]
            for cls in (MLPRegressor, theirs.MLPRegressor)
        )
        assert not_worse(ours, other), (options, ours, other)


@pytest.mark.parametrize("cls", PAIRS)
def test_parameters_are_scikit_learns_and_more(cls):
    ours, other = (inspect.signature(c).parameters for c in (cls, PAIRS[cls]))
    assert {name: ours[name].default for name in other} == {name: p.default for name, p in other.items()}
    assert list(ours)[: len(other)] == list(other)
    assert all(ours[name].kind is inspect.Parameter.KEYWORD_ONLY for name in set(ours) - set(other))
    for method in ("fit", "partial_fit"):
        ours, other = (list(inspect.signature(getattr(c, method)).parameters) for c in (cls, PAIRS[cls]))
        assert ours[: len(other)] == other


def test_fitted_attributes_are_scikit_learns():
    for options in ({"early_stopping": True}, {}, {"solver": "lbfgs"}):
        for target, (cls, y) in TARGETS.items():
            ours, other = (c(max_iter=3, random_state=0, **options).fit(X, y) for c in (cls, PAIRS[cls]))
            names = {name for name in vars(other) if name.endswith("_") and not name.startswith("_")}
            assert names <= set(vars(ours)), (target, names - set(vars(ours)))
            for name in names - {"loss_", "best_loss_", "loss_curve_", "validation_scores_", "best_validation_score_"}:
                assert type(getattr(ours, name)) is type(getattr(other, name)), name
            assert (ours.best_loss_ is None) == (other.best_loss_ is None) if "solver" not in options else True
            assert [c.shape for c in ours.coefs_] == [c.shape for c in other.coefs_]


# --------------------------------------------------------------------------------------------------------- beyond scikit-learn


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("target", TARGETS)
def test_dtypes_and_sparse_rows(target, dtype):
    cls, y = TARGETS[target]
    few = np.where(np.abs(X) > 0.8, X, 0).astype(dtype)
    model = cls(hidden_layer_sizes=(5,), max_iter=5, random_state=0)
    dense = model.fit(few, y)
    kept = [coef.copy() for coef in dense.coefs_]
    assert all(each.dtype == dtype for each in dense.coefs_ + dense.intercepts_)
    before = model.predict_proba(few) if cls is MLPClassifier else model.predict(few)
    assert before.dtype == dtype
    sparse = model.fit(sp.csr_array(few), y)
    for a, b in zip(kept, sparse.coefs_, strict=True):
        np.testing.assert_allclose(
            a, b, rtol=1e-4 if dtype == np.float32 else 1e-10, atol=1e-5 if dtype == np.float32 else 1e-12
        )
    assert np.allclose(
        sparse.predict(sp.csc_array(few)) if cls is MLPRegressor else 0, before if cls is MLPRegressor else 0, atol=1e-4
    )


def test_multilabel_scores():
    data, labels = make_multilabel_classification(200, 10, n_classes=4, random_state=0)
    data = (data - data.mean(axis=0)) / data.std(axis=0)
    model = MLPClassifier((50,), learning_rate_init=0.01, max_iter=300, random_state=0).fit(data, sp.csr_matrix(labels))
    assert model.score(data, labels) > 0.9 and model.predict(data).shape == (200, 4)
    assert model.classes_.tolist() == [0, 1, 2, 3]


def test_probabilities_as_targets_teach_a_smaller_network(digits):
    """Distillation: from the teacher's probabilities alone the student learns classes that it was never told."""
    train, test, labels, expected = digits
    teacher = MLPClassifier((64,), max_iter=40, learning_rate_init=5e-3, random_state=0).fit(train, labels)
    soft = teacher.predict_proba(train)
    scores = []
    for temperature in (1.0, 4.0):
        student = MLPClassifier((16,), max_iter=60, learning_rate_init=0.01, temperature=temperature, random_state=0)
        student.fit(train, soft, X_val=test, y_val=expected)
        assert student.out_activation_ == "softmax" and student.n_outputs_ == 10
        np.testing.assert_allclose(student.predict_proba(test).sum(axis=1), 1)
        scores.append(student.score(test, expected))
        assert student.history_["val_score"][-1] == pytest.approx(scores[-1])
    assert min(scores) > 0.9


def test_scores_by_probabilities_are_those_by_their_most_likely_classes():
    chances = np.random.default_rng(0).dirichlet(np.ones(3), len(X))
    model = MLPClassifier((5,), max_iter=20, learning_rate_init=0.05, tol=None, random_state=0).fit(X, chances)
    weight = np.linspace(0, 1, len(X))
    expected = accuracy_score(chances.argmax(axis=1), model.predict(X), sample_weight=weight)
    assert model.score(X, chances, weight) == model.score(X, chances.argmax(axis=1), weight) == pytest.approx(expected)
    assert model.score(X, chances.tolist()) == model.score(X, pd.DataFrame(chances))
    assert model.prune(0.0, X, chances).score_before == model.score(X, chances)
    search = LaneSearchCV(model, {"alpha": [0.0, 1.0]}, cv=2, error_score="raise").fit(X, chances)
    assert 0 < search.best_score_ < 1


def test_hard_probabilities_are_labels():
    """Nearly certain probabilities give the loss of labels; exact ones are indicators, as in scikit-learn."""
    y = Z.argmax(axis=1)
    certain = np.where(np.eye(3)[y] > 0, 1 - 2e-12, 1e-12)
    options = {"hidden_layer_sizes": (5,), "max_iter": 5, "random_state": 0}
    hard, soft = MLPClassifier(**options).fit(X, y), MLPClassifier(**options).fit(X, certain)
    np.testing.assert_allclose(hard.loss_curve_, soft.loss_curve_, rtol=1e-6)
    assert MLPClassifier(**options).fit(X, np.eye(3)[y]).out_activation_ == "logistic"


OPTIONS = {
    "optimizer": {"optimizer": fastgd.AdamW(lr=0.02)},
    "schedule": {"learning_rate": 0.02 * cosine("100%")},
    "number": {"learning_rate": 0.02},
    "schedule as first rate": {"learning_rate_init": 0.02 * cosine("100%")},
    "clip_norm": {"clip_norm": 0.5, "learning_rate_init": 0.02},
    "dropout": {"dropout": 0.2, "learning_rate_init": 0.02},
    "dropouts": {"dropout": [0.2, 0.0], "learning_rate_init": 0.02},
    "l1": {"l1": 0.5, "learning_rate_init": 0.02},
    "decoupled": {"decoupled_weight_decay": True, "alpha": 0.1, "learning_rate_init": 0.02},
    "max_norm": {"max_norm": 1.0, "learning_rate_init": 0.02},
    **{init: {"init": init, "learning_rate_init": 0.02} for init in ("he_uniform", "lecun_uniform")},
    **{name: {"activation": name, "learning_rate_init": 0.02} for name in ("leaky_relu", "gelu", "silu", "elu")},
}


@pytest.mark.parametrize("name", OPTIONS)
def test_every_option_learns_and_differs(name):
    for cls, y in (TARGETS["three classes"], TARGETS["one output"]):
        plain = {"hidden_layer_sizes": (12, 8), "max_iter": 60, "tol": None, "random_state": 0}
        model = cls(**plain | OPTIONS[name]).fit(X, y)
        assert model.score(X, y) > 0.8
        assert (
            not np.array_equal(model.coefs_[0], cls(**plain | {"learning_rate_init": 0.02}).fit(X, y).coefs_[0])
            or name == "number"
        )
    if name == "max_norm":
        assert max(np.linalg.norm(coef, axis=0).max() for coef in model.coefs_) < 1 + 1e-9


def test_the_history_knows_layers():
    model = MLPClassifier((9, 4), max_iter=6, random_state=0, clip_norm=1e-3, tol=None).fit(X, Z.argmax(axis=1))
    for name in ("layer_gradient", "update_ratio", "dead_units"):
        assert model.history_[name].shape == (6, 3) and np.isfinite(model.history_[name]).all()
    assert (model.history_["clipped"] == 1).all() and model.history_["step"].tolist() == [1, 2, 3, 4, 5, 6]
    assert (model.history_["dead_units"][:, -1] == 0).all() and (model.history_["layer_gradient"] > 0).all()
    dead = MLPClassifier((9,), max_iter=1, random_state=0, warm_start=True).fit(X, Z.argmax(axis=1))
    dead.intercepts_[0][:] = -1e6
    with pytest.warns(fastgd.GradientHealthWarning, match="layer 1: 100% of the units are dead"):
        assert dead.fit(X, Z.argmax(axis=1)).history_["dead_units"][0, 0] == 1


def test_huber_resists_outliers():
    y = Z[:, 0].copy()
    y[:5] += 100
    options = {"hidden_layer_sizes": (), "max_iter": 300, "learning_rate_init": 0.02, "random_state": 0, "tol": None}
    robust, square = MLPRegressor("huber", **options).fit(X, y), MLPRegressor(**options).fit(X, y)
    assert robust.score(X[5:], Z[5:, 0]) > max(0.9, square.score(X[5:], Z[5:, 0]) + 0.05)


def test_class_weights_are_sample_weights():
    y = Z.argmax(axis=1)
    options = {"hidden_layer_sizes": (5,), "max_iter": 5, "random_state": 0}
    weighted = MLPClassifier(class_weight={0: 3, 1: 1, 2: 0.5}, **options).fit(X, y)
    expected = MLPClassifier(**options).fit(X, y, sample_weight=np.array([3, 1, 0.5])[y])
    assert weighted.coefs_[0].tobytes() == expected.coefs_[0].tobytes()
    balanced = MLPClassifier(class_weight="balanced", **options).fit(X, y)
    assert not np.array_equal(balanced.coefs_[0], MLPClassifier(**options).fit(X, y).coefs_[0])


def test_validation_rows_are_measured():
    y = Z.argmax(axis=1)
    model = MLPClassifier((8,), max_iter=5, random_state=0).fit(X[:80], y[:80], X_val=X[80:], y_val=y[80:])
    assert model.history_["val_score"][-1] == model.score(X[80:], y[80:])
    assert model.history_["val_loss"][-1] == pytest.approx(log_loss(y[80:], model.predict_proba(X[80:])))


def test_threads_do_not_change_bits():
    data = np.random.default_rng(0).normal(size=(300, 200)).astype(np.float32)
    y = (data[:, :3].sum(axis=1) > 0).astype(int)
    one, more = (MLPClassifier((150,), max_iter=3, random_state=0, n_jobs=n).fit(data, y) for n in (1, 3))
    assert one.coefs_[0].tobytes() == more.coefs_[0].tobytes()
