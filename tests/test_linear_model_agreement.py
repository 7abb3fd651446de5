"""The same steps as scikit-learn: to rounding where the order of rows is the same, within the spread of its seeds where it is not."""

import numpy as np
import pytest
import scipy.sparse as sp
import sklearn.linear_model as theirs
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris, load_wine
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

import fastgd.linear_model as ours

CLASSIFICATION = ("hinge", "log_loss", "modified_huber", "squared_hinge", "perceptron", "squared_error", "huber")
INSENSITIVE = ("epsilon_insensitive", "squared_epsilon_insensitive")
PENALTIES = ({}, {"penalty": "l1"}, {"penalty": "elasticnet"}, {"penalty": None})
RATES = (
    {"learning_rate": "optimal", "alpha": 0.01},
    {"learning_rate": "constant", "eta0": 0.01},
    {"learning_rate": "invscaling", "eta0": 0.05, "power_t": 0.3},
    {"learning_rate": "adaptive", "eta0": 0.02, "tol": 10.0, "n_iter_no_change": 2},
)
OTHERS = (
    {"average": True},
    {"average": 50},
    {"average": 10_000},
    {"fit_intercept": False},
    {"class_weight": {0: 0.3, 1: 2.0}},
    {"class_weight": "balanced"},
    {"learning_rate": "pa1", "eta0": 0.5},
    {"learning_rate": "pa2", "eta0": 0.5},
    {"tol": 1e-3, "max_iter": 200},
    {"tol": 0.0, "max_iter": 200, "n_iter_no_change": 3},
)


pytestmark = pytest.mark.filterwarnings("ignore:Maximum number of iteration:sklearn.exceptions.ConvergenceWarning")


def rows(n=120, d=6, seed=0):
    generator = np.random.default_rng(seed)
    X = generator.normal(size=(n, d))
    return X, X[:, 0] - X[:, 1] + 0.3 * generator.normal(size=n)


def assert_same_steps(name, X, y, weights=None, rtol=1e-8, **parameters):
    parameters = {"shuffle": False, "max_iter": 4, "tol": None, **parameters}
    if (
        "squared" in parameters.get("loss", "squared" if name == "SGDRegressor" else "")
        and parameters.get("learning_rate") == "optimal"
    ):
        parameters["alpha"] = 10  # a smaller one makes steps so large that rounding errors grow without bound
    pair = [getattr(m, name)(**parameters).fit(X, y, sample_weight=weights) for m in (theirs, ours)]
    bias = "offset_" if name == "SGDOneClassSVM" else "intercept_"
    for key in ("coef_", bias):
        expected = getattr(pair[0], key)
        np.testing.assert_allclose(getattr(pair[1], key), expected, rtol=rtol, atol=rtol * np.abs(expected).max())
    assert pair[1].n_iter_ == pair[0].n_iter_
    assert pair[1].t_ == pair[0].t_


@pytest.mark.parametrize("rate", RATES, ids=lambda rate: rate["learning_rate"])
@pytest.mark.parametrize("penalty", PENALTIES, ids=lambda each: str(each.get("penalty", "l2")))
@pytest.mark.parametrize("loss", CLASSIFICATION + INSENSITIVE)
def test_classifier_takes_the_same_steps(loss, penalty, rate):
    X, y = rows()
    assert_same_steps("SGDClassifier", X, y > 0, rtol=1e-6, loss=loss, **{"max_iter": 4} | penalty | rate)


@pytest.mark.parametrize("rate", RATES, ids=lambda rate: rate["learning_rate"])
@pytest.mark.parametrize("penalty", PENALTIES, ids=lambda each: str(each.get("penalty", "l2")))
@pytest.mark.parametrize("loss", ("squared_error", "huber", *INSENSITIVE))
def test_regressor_takes_the_same_steps(loss, penalty, rate):
    X, y = rows()
    assert_same_steps("SGDRegressor", X, y, rtol=1e-6, loss=loss, **penalty | rate)


@pytest.mark.parametrize("options", OTHERS, ids=str)
def test_options_mean_the_same(options):
    X, y = rows()
    assert_same_steps("SGDClassifier", X, y > 0, **options)
    if "class_weight" not in options:
        passive = {"loss": "epsilon_insensitive"} if str(options.get("learning_rate")).startswith("pa") else {}
        assert_same_steps("SGDRegressor", X, y, **passive, **options)


@pytest.mark.parametrize(
    "options", [{}, {"average": True}, {"nu": 0.1}, {"fit_intercept": False}, {"tol": 1e-3}], ids=str
)
def test_one_class_svm_takes_the_same_steps(options):
    assert_same_steps("SGDOneClassSVM", rows()[0], None, **options)


@pytest.mark.parametrize("options", [{}, {"penalty": "l2"}, {"penalty": "l1"}, {"eta0": 0.1}, {"tol": 1e-3}], ids=str)
def test_perceptron_takes_the_same_steps(options):
    X, y = rows()
    assert_same_steps("Perceptron", X, y > 0, **options)


@pytest.mark.parametrize(
    "options", [{}, {"tol": 1e-3, "max_iter": 200}, {"average": 30}, {"class_weight": "balanced"}], ids=str
)
@pytest.mark.parametrize("loss", ["hinge", "log_loss"])
def test_several_classes_take_the_same_steps(loss, options):
    """Lanes that stop early keep the weights they had then, as scikit-learn's separate fits do."""
    X, y = rows()
    calm = {"learning_rate": "invscaling", "eta0": 0.1}  # so that rounding does not decide when a lane stops
    assert_same_steps("SGDClassifier", X, np.digitize(y, [-1, 0, 1.5]), rtol=1e-6, loss=loss, **calm, **options)


def test_sample_weights_mean_the_same():
    X, y = rows()
    weights = np.random.default_rng(1).uniform(0.1, 3, len(y))
    assert_same_steps("SGDClassifier", X, y > 0, weights, class_weight={False: 2.0, True: 0.5})
    assert_same_steps("SGDClassifier", X, np.digitize(y, [-1, 1]), weights, class_weight="balanced")
    assert_same_steps("SGDRegressor", X, y, weights)
    assert_same_steps("SGDOneClassSVM", X, None, weights)


def test_initial_weights_mean_the_same():
    X, y = rows()
    many = np.digitize(y, [-1, 1])
    cases = [
        ("SGDClassifier", y > 0, np.arange(6.0), 0.5, "intercept_init"),
        ("SGDClassifier", y > 0, np.arange(6.0)[None], np.array([0.5]), "intercept_init"),
        ("SGDClassifier", many, np.arange(18.0).reshape(3, 6), np.arange(3.0), "intercept_init"),
        ("SGDRegressor", y, np.arange(6.0), np.array([0.5]), "intercept_init"),
        ("SGDOneClassSVM", None, np.arange(6.0), np.array([0.5]), "offset_init"),
    ]
    for name, target, coef, bias, argument in cases:
        pair = [getattr(m, name)(shuffle=False, max_iter=2, tol=None, alpha=0.1) if name != "SGDOneClassSVM" else
                getattr(m, name)(shuffle=False, max_iter=2, tol=None) for m in (theirs, ours)]  # fmt: skip
        for model in pair:
            model.fit(X, target, coef_init=coef.copy(), **{argument: np.copy(bias)})
        np.testing.assert_allclose(pair[1].coef_, pair[0].coef_, rtol=1e-8)


def test_float32_agrees():
    X, y = rows()
    for parameters in ({"loss": "log_loss"}, {"penalty": "elasticnet"}):
        parameters |= {"learning_rate": "constant", "eta0": 0.01}
        assert_same_steps("SGDClassifier", X.astype(np.float32), y > 0, rtol=1e-3, **parameters)


@pytest.mark.parametrize("penalty", PENALTIES, ids=lambda each: str(each.get("penalty", "l2")))
def test_sparse_rows_agree_with_scikit_learn_where_its_intercept_is_slowed(penalty):
    """`sparse_intercept_decay=0.01` is what scikit-learn does on sparse data without asking."""
    X, y = rows()
    X = sp.csr_array(X * (np.random.default_rng(3).random(X.shape) < 0.5))
    common = {"shuffle": False, "max_iter": 4, "tol": None, "learning_rate": "constant", **penalty}
    a = theirs.SGDClassifier(**common).fit(X, y > 0)
    b = ours.SGDClassifier(sparse_intercept_decay=0.01, **common).fit(X, y > 0)
    if penalty.get("penalty") in ("l1", "elasticnet"):  # scikit-learn leaves penalties uncollected on sparse rows
        np.testing.assert_allclose(b.coef_, a.coef_, atol=0.02 * np.abs(a.coef_).max())
    else:
        np.testing.assert_allclose(b.coef_, a.coef_, rtol=1e-8)
    np.testing.assert_allclose(b.intercept_, a.intercept_, rtol=0.01)


def wide():
    """Sparse rows like short texts."""
    generator = np.random.default_rng(7)
    X = sp.random_array((1500, 800), density=0.03, rng=generator, format="csr")
    return X, X @ generator.normal(size=800) > 0


DATA = {
    "breast cancer": lambda: load_breast_cancer(return_X_y=True),
    "digits": lambda: [each[:600] for each in load_digits(return_X_y=True)],
    "iris": lambda: load_iris(return_X_y=True),
    "wine": lambda: load_wine(return_X_y=True),
    "sparse": wide,
}


def held_out(X, y):
    X, X_test, y, y_test = train_test_split(X, y, random_state=0)
    scaler = StandardScaler(with_mean=not sp.issparse(X)).fit(X)
    return scaler.transform(X), y, scaler.transform(X_test), y_test


def scores(model_class, data, n_seeds=6, **parameters):
    X, y, X_test, y_test = data
    return [model_class(random_state=s, **parameters).fit(X, y).score(X_test, y_test) for s in range(n_seeds)]


def assert_within_the_spread(found, expected):
    """The means differ by no more than three standard errors of one seed's luck, and a hair."""
    spread = np.hypot(np.std(found), np.std(expected))
    assert abs(np.mean(found) - np.mean(expected)) <= 3 * spread / np.sqrt(len(found)) + 0.01


@pytest.mark.parametrize("data", DATA)
@pytest.mark.parametrize(
    "parameters",
    [{}, {"loss": "log_loss"}, {"penalty": "elasticnet"}, {"average": True}, {"early_stopping": True, "loss": "hinge"}],
    ids=str,
)
def test_scores_are_within_the_spread_of_scikit_learns_seeds(data, parameters):
    split = held_out(*DATA[data]())
    expected = scores(theirs.SGDClassifier, split, **parameters)
    assert_within_the_spread(scores(ours.SGDClassifier, split, **parameters), expected)


def test_regression_scores_are_within_the_spread():
    split = held_out(*load_diabetes(return_X_y=True))
    for parameters in ({}, {"penalty": "l1", "alpha": 0.1}, {"average": True}, {"early_stopping": True}):
        expected = scores(theirs.SGDRegressor, split, **parameters)
        assert_within_the_spread(scores(ours.SGDRegressor, split, **parameters), expected)


def test_perceptron_scores_are_within_the_spread():
    split = held_out(*load_digits(return_X_y=True))
    assert_within_the_spread(scores(ours.Perceptron, split), scores(theirs.Perceptron, split))


def test_outliers_are_as_many():
    X = rows(400)[0] + 3
    share = [
        np.mean([m.SGDOneClassSVM(nu=0.2, random_state=s).fit(X).predict(X) == 1 for s in range(8)])
        for m in (theirs, ours)
    ]
    assert abs(share[0] - share[1]) < 0.1
