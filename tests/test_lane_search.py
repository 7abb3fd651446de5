"""The lane search is scikit-learn's grid search: the same scores from the same estimator to the last bit, whatever the grid."""

import re

import numpy as np
import pytest
import scipy.sparse as sp
import sklearn
from sklearn.metrics import accuracy_score, make_scorer
from sklearn.model_selection import GridSearchCV, GroupKFold, ShuffleSplit

from fastgd.linear_model import Perceptron, SGDClassifier, SGDRegressor
from fastgd.model_selection import LaneSearchCV, _together
from fastgd.schedules import cosine, plateau

from .searches import LANES, PENALTIES, QUICK, both, data, two_numbers


def without_address(value):
    """Return a test's name that is the same in every process."""
    return re.sub(r" at 0x[0-9A-Fa-f]+", "", str(value))


STOPPING = {"max_iter": 200, "tol": 1e-2, "n_iter_no_change": 2, "random_state": 0}
RATES = {"eta0": [1e-3, 0.05], "learning_rate": ["constant", "optimal", "invscaling", 0.02, 0.1 * cosine("100%")]}


class Bits:
    """A scorer that notes the bits of every model that it is given; equal scores could come from unequal models."""

    def __init__(self):
        self.seen = []

    def __call__(self, estimator, X, y, sample_weight=None):
        noted = (estimator.coef_, estimator.intercept_, estimator.n_iter_, estimator.t_, estimator.n_features_in_)
        self.seen.append(
            (
                tuple(np.asarray(each).tobytes() for each in noted),
                estimator.stop_reason_,
                estimator.predict(X).tobytes(),
            )
        )
        return 0.0


def same_models(estimator, grid, X, y, **fit_params):
    """Compare all models of both searches, as a set: we train fold by fold, scikit-learn candidate by candidate."""
    seen = []
    for kind in (GridSearchCV, LaneSearchCV):
        scorer = Bits()
        search = kind(estimator, grid, scoring=scorer, cv=3, refit=False).fit(X, y, **fit_params)
        seen.append(sorted(scorer.seen))
    assert set(search.how_) == LANES
    assert seen[0] == seen[1]
    assert len(set(seen[0])) > 3


@pytest.mark.parametrize("form", [np.asarray, sp.csr_array, np.asfortranarray], ids=["dense", "sparse", "columns"])
@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("grid", [PENALTIES, RATES], ids=["penalties", "rates"])
def test_every_candidate_is_its_own_fit(grid, n_classes, form):
    X, y = data(n_classes=n_classes)
    same_models(SGDClassifier("log_loss", **QUICK), grid, form(X), y)


@pytest.mark.parametrize(
    "estimator, grid",
    [
        (SGDRegressor(**QUICK), PENALTIES | {"eta0": [1e-3, 1e-2]}),
        (SGDRegressor("epsilon_insensitive", **QUICK), {"epsilon": [0.01, 0.1, 1.0], "power_t": [0.25, 0.5, 0.7]}),
        (SGDRegressor("huber", learning_rate="optimal", **QUICK), {"epsilon": [0.1, 1.0], "alpha": [0.01, 0.1]}),
        (SGDRegressor("quantile", average=True, **QUICK), {"quantile": [0.1, 0.5, 0.9], "fit_intercept": [True, False]}),
        (SGDRegressor(**STOPPING), {"learning_rate": ["adaptive", "constant"], "eta0": [1e-3, 0.01, 0.03]}),
        (SGDRegressor(early_stopping=True, average=100, **STOPPING), {"eta0": [1e-3, 0.01, 0.03], "alpha": [1e-4, 1.0]}),
        (SGDRegressor(early_stopping=True, restore_best=True, **STOPPING), {"eta0": [1e-3, 0.01], "shuffle": [True, False]}),
    ],
    ids=without_address,
)  # fmt: skip
def test_regressors(estimator, grid):
    same_models(estimator, grid, *data(n_classes=0))


@pytest.mark.parametrize("form", [np.asarray, sp.csr_array], ids=["dense", "sparse"])
@pytest.mark.parametrize(
    "estimator, grid",
    [
        (SGDClassifier(**STOPPING), {"alpha": [1e-4, 1e-2, 1.0], "learning_rate": ["optimal", "adaptive", "constant"]}),
        (SGDClassifier(early_stopping=True, **STOPPING), {"alpha": [1e-4, 0.1], "loss": ["hinge", "log_loss"]}),
        (SGDClassifier(class_weight="balanced", **QUICK), {"learning_rate": ["pa1", "pa2"], "eta0": [0.1, 1.0]}),
        (SGDClassifier(**QUICK), {"class_weight": [None, "balanced", {0: 3.0}], "random_state": [0, 1]}),
        (SGDClassifier(tol=None, max_iter=6, random_state=np.random.RandomState(4)), {"alpha": [1e-4, 1e-2]}),
        (SGDClassifier(**QUICK), {"learning_rate": [plateau(0.1, patience=1), plateau(1.0, patience=1)], "alpha": [1e-4, 1.0]}),
        (Perceptron(max_iter=4, tol=None), {"penalty": ["l1", "l2"], "alpha": [1e-4, 1e-2], "eta0": [0.1, 1.0]}),
    ],
    ids=without_address,
)  # fmt: skip
def test_classifiers(estimator, grid, form):
    X, y = data(n_classes=3)
    same_models(estimator, grid, form(X), y)


def test_more_lanes_than_one_pass_takes(monkeypatch):
    monkeypatch.setattr(_together, "MOST_LANES", 7)
    X, y = data(n_classes=3)
    same_models(SGDClassifier(**QUICK), {"alpha": np.geomspace(1e-5, 1, 9)}, X, y)


def test_weights_of_rows():
    """Zeros among them: those rows are not visited."""
    X, y = data(n_classes=3)
    weight = np.random.default_rng(1).integers(0, 3, len(y)).astype(float)
    same_models(SGDClassifier(**QUICK), PENALTIES, X, y, sample_weight=weight)
    both(SGDClassifier(**QUICK), {"alpha": [1e-4, 0.1]}, X, y, {"sample_weight": weight})


@pytest.mark.parametrize("form", [np.asarray, sp.csr_array], ids=["dense", "sparse"])
def test_the_results_are_scikit_learns(form):
    X, y = data(n_classes=3)
    grid = [PENALTIES, {"eta0": [0.1, 1.0], "learning_rate": ["constant"]}, {}]
    search = both(SGDClassifier("log_loss", **QUICK), grid, form(X), y, return_train_score=True)
    assert len(search.how_) == 19
    assert search.predict_proba(form(X)).shape == (len(y), 3) and search.score(form(X), y) > 0.5
    assert search.classes_.tolist() == [0, 1, 2] and search.n_features_in_ == 5 and search.refit_time_ >= 0
    assert (search.cv_results_["mean_fit_time"] > 0).all() and (search.cv_results_["mean_score_time"] > 0).all()


def first_of_the_best(results):
    return int(np.flatnonzero(results["rank_test_score"] == 1)[0])


@pytest.mark.parametrize("form", [np.asarray, sp.csr_array], ids=["dense", "sparse"])
@pytest.mark.parametrize(
    "options",
    [
        {"scoring": "neg_log_loss"},
        {"scoring": make_scorer(accuracy_score, greater_is_better=False)},
        {"scoring": ["accuracy", "roc_auc"], "refit": "roc_auc"},
        {"scoring": {"a": "accuracy", "b": "neg_log_loss"}, "refit": False, "return_train_score": True},
        {"scoring": two_numbers, "refit": "size"},
        {"refit": first_of_the_best},
        {"refit": False},
        {"cv": ShuffleSplit(4, test_size=0.3, random_state=1)},
        {"cv": [(np.arange(60), np.arange(60, 90)), (np.r_[50:90, 0:9, 3], np.arange(20))]},
        {"cv": [(np.arange(90) < 70, np.arange(90) > 60), (np.arange(-60, 0), np.arange(30))]},
    ],
    ids=without_address,
)
def test_options_are_scikit_learns(options, form):
    X, y = data()
    both(SGDClassifier("log_loss", **QUICK), {"alpha": [1e-4, 1e-2, 1.0], "eta0": [0.1]}, form(X), y, **options)


def test_groups_and_routing():
    X, y = data()
    groups, weight = np.arange(len(y)) % 7, np.linspace(0, 2, len(y))
    both(SGDClassifier(**QUICK), {"alpha": [1e-4, 1e-2]}, X, y, {"groups": groups}, cv=GroupKFold(3))
    with sklearn.config_context(enable_metadata_routing=True):
        model = SGDClassifier(**QUICK).set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
        both(model, {"alpha": [1e-4, 1e-2]}, X, y, {"groups": groups, "sample_weight": weight}, cv=GroupKFold(3))


@pytest.mark.parametrize("kind", ["list", "float32", "integers", "frame"])
def test_forms_of_rows(kind):
    pandas = pytest.importorskip("pandas") if kind == "frame" else None
    X, y = data()
    X = {"list": X.tolist, "float32": lambda: X.astype(np.float32), "integers": lambda: (9 * X).astype(int)}.get(
        kind, lambda: pandas.DataFrame(X, columns=list("abcde"), index=np.arange(len(X))[::-1])
    )()
    y = ["yes" if each else "no" for each in y]
    search = both(SGDClassifier(**QUICK), {"alpha": [1e-4, 1e-2]}, X, y)
    assert hasattr(search, "feature_names_in_") == (kind == "frame")
