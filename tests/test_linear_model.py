"""The face of the estimators: scikit-learn's parameters, defaults, attributes, methods, tags and wording."""

import copy
import inspect
import pickle

import numpy as np
import pytest
import scipy.sparse as sp
import sklearn
import sklearn.linear_model as theirs
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import get_tags

import fastgd.linear_model as ours
from fastgd.schedules import cosine, warmup

NAMES = ("SGDClassifier", "SGDRegressor", "Perceptron", "SGDOneClassSVM")
BEYOND = {
    "optimizer",
    "batch_size",
    "clip_norm",
    "n_jobs",
    "restore_best",
    "max_time",
    "on_divergence",
    "sparse_intercept_decay",
    "quantile",
    "power",
    "gamma",
}
QUICK = {"max_iter": 5, "tol": None, "random_state": 0}


def table(n=60, d=4, n_classes=2, seed=0):
    """Return rows and labels that a line separates but for some noise."""
    generator = np.random.default_rng(seed)
    X = generator.normal(size=(n, d))
    score = X[:, 0] + 0.1 * generator.normal(size=n)
    return X, np.searchsorted(np.quantile(score, np.arange(1, n_classes) / n_classes), score)


def both(name, **parameters):
    return getattr(theirs, name)(**parameters), getattr(ours, name)(**parameters)


@pytest.mark.parametrize("name", NAMES)
def test_the_constructor_is_that_of_scikit_learn(name):
    """Names, order, kinds and defaults; what is beyond is keyword-only and named here."""
    expected = list(inspect.signature(getattr(theirs, name)).parameters.values())
    found = list(inspect.signature(getattr(ours, name)).parameters.values())
    assert found[: len(expected)] == expected
    assert {p.name for p in found[len(expected) :]} <= BEYOND
    assert all(p.kind is inspect.Parameter.KEYWORD_ONLY for p in found[len(expected) :])


@pytest.mark.parametrize("name", NAMES)
def test_every_public_method_is_there_with_its_arguments(name):
    theirs_class, ours_class = getattr(theirs, name), getattr(ours, name)
    for key in dir(theirs_class):
        if key.startswith("_") or not callable(getattr(theirs_class, key, None)):
            continue
        assert hasattr(ours_class, key), key
        expected = list(inspect.signature(getattr(theirs_class, key)).parameters.values())
        found = list(inspect.signature(getattr(ours_class, key)).parameters.values())
        if key.startswith("set_") and key.endswith("_request"):
            assert {p.name for p in expected} <= {p.name for p in found}
        else:
            if key == "fit":  # y may be left out where X is a stream, which has the targets
                expected = [
                    p.replace(default=None) if p.name == "y" and name != "SGDOneClassSVM" else p for p in expected
                ]
            assert [(p.name, p.kind, p.default) for p in found[: len(expected)]] == [
                (p.name, p.kind, p.default) for p in expected
            ]
            assert all(p.kind is inspect.Parameter.KEYWORD_ONLY for p in found[len(expected) :])


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_fitted_attributes(name, n_classes, dtype):
    X, y = table(n_classes=n_classes)
    a, b = both(name, **QUICK)
    a.fit(X.astype(dtype), y)
    b.fit(X.astype(dtype), y)
    for key in (key for key in vars(a) if key.endswith("_") and not key.startswith("_")):
        assert np.shape(getattr(b, key)) == np.shape(getattr(a, key)), key
    assert b.coef_.dtype == dtype
    assert b.n_iter_ == a.n_iter_ and type(b.n_iter_) is int
    assert b.t_ == a.t_
    for method in ("predict", "decision_function", "score_samples"):
        if hasattr(a, method):
            result, expected = getattr(b, method)(X.astype(dtype)), getattr(a, method)(X.astype(dtype))
            assert result.shape == expected.shape
            assert result.dtype == expected.dtype, method
    expected = get_tags(a)
    expected.target_tags.multi_output |= name == "SGDRegressor"
    if expected.classifier_tags is not None:
        expected.classifier_tags.multi_label = True
    assert get_tags(b) == expected


def test_probabilities():
    X, y = table(n_classes=3)
    for loss in ("log_loss", "modified_huber"):
        for labels in (y, y > 0):
            a, b = both("SGDClassifier", loss=loss, shuffle=False, max_iter=3, tol=None)
            expected, found = a.fit(X, labels).predict_proba(X), b.fit(X, labels).predict_proba(X)
            np.testing.assert_allclose(found, expected, atol=1e-5)
            with np.errstate(divide="ignore"):
                np.testing.assert_array_equal(b.predict_log_proba(X), np.log(found))
    far = ours.SGDClassifier(loss="modified_huber", **QUICK).fit(X, y)
    far.intercept_ = np.full(3, -1e9)
    np.testing.assert_allclose(far.predict_proba(X), 1 / 3)
    hinge = ours.SGDClassifier()
    assert not hasattr(hinge, "predict_proba")
    with pytest.raises(AttributeError) as caught:
        _ = hinge.predict_proba
    assert "probability estimates are not available for loss='hinge'" in str(caught.value.__cause__)


@pytest.mark.parametrize("coefficient", [1e308, -1e308, 1e-320])
def test_probabilities_of_huge_scores_are_finite(coefficient):
    model = ours.SGDClassifier(loss="log_loss", **QUICK).fit(*table(n_classes=3))
    model.coef_ = np.full_like(model.coef_, coefficient)
    chance = model.predict_proba(np.eye(4))
    assert np.isfinite(chance).all()
    np.testing.assert_allclose(chance.sum(axis=1), 1)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "parameters",
    [
        {"max_iter": 0},
        {"max_iter": 1.5},
        {"tol": -1},
        {"eta0": 0},
        {"shuffle": 3},
        {"random_state": "x"},
        {"random_state": 0.5},
        {"verbose": -1},
        {"fit_intercept": None},
        {"warm_start": 2},
    ],
    ids=str,
)
def test_parameters_are_refused_in_scikit_learns_words(name, parameters):
    X, y = table()
    messages = []
    for model in both(name, **parameters):
        with pytest.raises(ValueError) as caught:
            model.fit(X, y)
        messages.append(str(caught.value))
    if "random_state" not in parameters:  # ours takes a numpy Generator too, and says so
        assert messages[0] == messages[1]


@pytest.mark.parametrize(
    "name, parameters",
    [
        ("SGDClassifier", {"loss": "nonsense"}),
        ("SGDClassifier", {"penalty": "l3"}),
        ("SGDClassifier", {"alpha": -1}),
        ("SGDClassifier", {"alpha": 0}),
        ("SGDClassifier", {"l1_ratio": 2}),
        ("SGDClassifier", {"penalty": "elasticnet", "l1_ratio": None}),
        ("SGDClassifier", {"learning_rate": "pa1", "loss": "log_loss"}),
        ("SGDRegressor", {"learning_rate": "pa2"}),
        ("SGDClassifier", {"validation_fraction": 1.0}),
        ("SGDClassifier", {"n_iter_no_change": 0}),
        ("SGDClassifier", {"average": -1}),
        ("SGDClassifier", {"class_weight": "even"}),
        ("SGDClassifier", {"epsilon": -0.1}),
        ("Perceptron", {"l1_ratio": None}),
        ("SGDOneClassSVM", {"nu": 0}),
        ("SGDRegressor", {"power_t": "x"}),
    ],
    ids=str,
)
def test_values_that_scikit_learn_refuses_are_refused(name, parameters):
    X, y = table()
    messages = []
    for model in both(name, **parameters):
        with pytest.raises(ValueError) as caught:
            model.fit(X, y)
        messages.append(str(caught.value))
    if "loss" not in parameters or len(parameters) > 1:  # ours has more losses to list
        assert sorted(messages[1]) == sorted(messages[0])  # sets of accepted strings come in any order


def test_partial_fit_refuses_early_stopping():
    X, y = table()
    for model in both("SGDClassifier", early_stopping=True):
        with pytest.raises(ValueError, match="early_stopping should be False with partial_fit"):
            model.partial_fit(X, y, classes=[0, 1])


@pytest.mark.parametrize("name", NAMES)
def test_unfitted_models_say_so(name):
    for method in ("predict", "decision_function", "score_samples", "densify", "sparsify"):
        model = getattr(ours, name)()
        if hasattr(model, method):
            with pytest.raises(NotFittedError):
                getattr(model, method)(*([np.ones((1, 4))] if method not in ("densify", "sparsify") else []))


@pytest.mark.parametrize("name", NAMES)
def test_convergence_warning(name):
    X, y = table()
    for model in both(name, max_iter=2, tol=1e-9, random_state=0):
        with pytest.warns(ConvergenceWarning, match="Maximum number of iteration reached before convergence"):
            model.fit(X, y)
    assert model.stop_reason_ == "max_iter"


def test_negative_power_warns_as_in_scikit_learn():
    X, y = table()
    for model in both("SGDClassifier", power_t=-0.5, **QUICK):
        with pytest.warns(FutureWarning, match="Negative values for `power_t` are deprecated"):
            model.fit(X, y)


@pytest.mark.parametrize("name", NAMES)
def test_sparsify_and_densify(name):
    X, y = table(n_classes=3)
    model = getattr(ours, name)(**QUICK).fit(X, y)
    expected, coef = model.predict(X), model.coef_
    assert sp.issparse(model.sparsify().coef_)
    np.testing.assert_array_equal(model.predict(X), expected)
    again = copy.deepcopy(model).partial_fit(X, y)  # scikit-learn cannot do this
    np.testing.assert_array_equal(model.densify().coef_, coef)
    np.testing.assert_array_equal(again.coef_, model.partial_fit(X, y).coef_)


@pytest.mark.parametrize("name", NAMES)
def test_clone_and_pickle(name):
    X, y = table(n_classes=3)
    model = getattr(ours, name)(**QUICK).fit(X, y)
    assert clone(model).get_params() == model.get_params()
    twin = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(twin.predict(X), model.predict(X))
    np.testing.assert_array_equal(twin.partial_fit(X, y).coef_, model.partial_fit(X, y).coef_)


def test_schedules_are_parameters_like_others():
    model = ours.SGDClassifier(learning_rate=0.1 * (warmup("5%") >> cosine("95%")), random_state=0)
    assert clone(model).learning_rate == model.learning_rate
    assert pickle.loads(pickle.dumps(model)).learning_rate == model.learning_rate
    assert "cosine" in repr(model)


def test_pipelines_and_searches():
    X, y = table(n=120)
    pipeline = make_pipeline(StandardScaler(), ours.SGDClassifier(max_iter=20, tol=None, random_state=0))
    assert cross_val_score(pipeline, X, y, cv=3).mean() > 0.85
    grid = {
        "sgdclassifier__alpha": [1e-4, 1e-1],
        "sgdclassifier__learning_rate": ["optimal", 0.01, 0.1 * cosine("100%")],
    }
    search = GridSearchCV(pipeline, grid, cv=3, n_jobs=2).fit(X, y)
    assert len(search.cv_results_["params"]) == 6
    assert search.best_score_ > 0.85


def test_metadata_routing():
    X, y = table()
    weights = np.ones(len(y))
    with sklearn.config_context(enable_metadata_routing=True):
        model = ours.SGDClassifier(**QUICK).set_fit_request(sample_weight=True, X_val=True, y_val=True)
        pipeline = make_pipeline(model).fit(X, y, sample_weight=weights, X_val=X, y_val=y)
    assert len(pipeline[-1].history_["val_score"]) == 5


def test_verbose_prints_one_line_per_epoch(capsys):
    ours.SGDClassifier(verbose=1, **QUICK).fit(*table())
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 5
    assert lines[0].startswith("-- Epoch 1") and "objective" in lines[0]
