"""LaneSearchCV over models of several lanes: softmax, several outputs, several labels; and over every way to score them."""

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.datasets import make_multilabel_classification
from sklearn.exceptions import FitFailedWarning
from sklearn.model_selection import GroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import fastgd
from fastgd.linear_model import SGDClassifier, SGDRegressor
from fastgd.model_selection import LaneSearchCV
from tests.searches import QUICK, both, data

pytestmark = [
    pytest.mark.filterwarnings("ignore:Maximum number of iteration:sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:The scoring .* does not support sample_weight:UserWarning"),
]

GRID = {"alpha": [1e-4, 1e-2, 1.0], "eta0": [0.01, 0.1]}
SMALL = {"alpha": [1e-4, 1e-1]}
SOFTMAX = {
    "rows": {},
    "batches": {"batch_size": 8},
    "Adam": {"optimizer": fastgd.Adam(), "batch_size": 16, "learning_rate": "constant"},
    "held out": {"early_stopping": True, "validation_fraction": 0.3, "tol": 1e-3, "max_iter": 20, "restore_best": True},
    "averaged": {"average": True, "batch_size": 4, "clip_norm": 0.3},
    "balanced": {"class_weight": "balanced", "penalty": "l1"},
    "stops": {"tol": 0.05, "max_iter": 30, "n_iter_no_change": 1, "learning_rate": "adaptive"},
}  # fmt: skip


def all_of_it(estimator, X, y):
    """Return numbers in which every bit of the weights and of the history has its share."""
    found = {"score": estimator.score(X, y), "epochs": estimator.n_iter_}
    weights = estimator.coef_.astype(np.float64)
    found["weights"] = float(np.sum(weights * np.arange(1, weights.size + 1).reshape(weights.shape)))
    found["history"] = float(np.nansum(estimator.history_["objective"]) + np.nansum(estimator.history_["grad_norm"]))
    return found


@pytest.mark.parametrize(
    ("form", "dtype"), [(np.asarray, np.float32), (sp.csr_array, np.float64)], ids=["dense", "sparse"]
)
@pytest.mark.parametrize("n_classes", [2, 17])
@pytest.mark.parametrize("name", SOFTMAX)
def test_softmax_is_that_of_separate_fits(name, n_classes, form, dtype):
    X, y = data(119, n_classes)
    model = SGDClassifier(loss="softmax", **QUICK | SOFTMAX[name])
    options = {"scoring": all_of_it, "refit": "score"}
    both(model, SMALL, form(X.astype(dtype)), y, {"sample_weight": np.arange(len(y)) % 3 / 2 + 0.5}, cv=2, **options)


@pytest.mark.filterwarnings("ignore:One or more of the test scores are non-finite:UserWarning")
def test_a_softmax_that_diverges_fails_alone():
    X, y = data(90, 3)
    model = SGDClassifier(loss="softmax", learning_rate="constant", **QUICK)
    with pytest.warns(FitFailedWarning, match="3 fits failed"):
        ours = LaneSearchCV(model, {"eta0": [0.1, 1e308]}, cv=3).fit(X * 1e10, y)
    assert ours.how_ == ["lanes", "lanes"] and np.isnan(ours.cv_results_["mean_test_score"]).tolist() == [False, True]


@pytest.mark.parametrize("form", [np.asarray, sp.csr_array], ids=["dense", "sparse"])
def test_several_outputs_and_labels(form):
    X, y = data(90, 0)
    options = {"scoring": all_of_it, "refit": "score"}
    outputs = np.column_stack([y, X[:, 0] - X[:, 1], -y])
    for more in ({}, {"average": True}, {"early_stopping": True, "restore_best": True, "tol": 1e-3}):
        both(SGDRegressor(**QUICK | more), SMALL, form(X), outputs, **options)
    both(SGDRegressor(**QUICK), GRID, form(X), outputs, scoring=["r2", "neg_mean_squared_error"], refit="r2")
    rows, labels = make_multilabel_classification(90, 5, n_classes=3, random_state=0)
    model = SGDClassifier(loss="log_loss", class_weight="balanced", **QUICK)
    both(model, SMALL, form(rows), labels, **options)
    model = make_pipeline(StandardScaler(with_mean=False), model)
    both(model, {"sgdclassifier__alpha": [1e-4, 1.0]}, form(rows), labels, scoring="f1_micro", refit=False)


def simplest_of_the_good(results):
    """Return the strongest penalty within a standard error of the best: a refit by a function."""
    mean, error = results["mean_test_score"], results["std_test_score"]
    good = mean >= mean.max() - error[mean.argmax()]
    return int(np.where(good, np.ma.getdata(results["param_alpha"]).astype(float), -1).argmax())


CLASSIFIERS = ["accuracy", "roc_auc", "f1", "balanced_accuracy", "neg_log_loss", "average_precision", "neg_brier_score"]
REGRESSORS = ["r2", "neg_mean_absolute_error", "neg_median_absolute_error", "explained_variance", "neg_max_error"]


@pytest.mark.parametrize("form", [np.asarray, sp.csr_array], ids=["dense", "sparse"])
@pytest.mark.parametrize("scoring", [*CLASSIFIERS, *REGRESSORS])
def test_every_scorer_has_its_best_parameters(scoring, form):
    X, y = data(90, 2 if scoring in CLASSIFIERS else 0)
    model = SGDClassifier(loss="log_loss", **QUICK) if scoring in CLASSIFIERS else SGDRegressor(**QUICK)
    weight = {"sample_weight": np.arange(90) % 4 / 2 + 0.1}
    both(model, GRID, form(X), y, weight, scoring=scoring)


@pytest.mark.parametrize("refit", [False, "roc_auc", "accuracy", "function"])
def test_several_scores_and_what_decides(refit):
    X, y = data(90)
    if refit == "function":
        both(SGDClassifier(**QUICK), GRID, X, y, refit=simplest_of_the_good, return_train_score=True)
        return
    both(SGDClassifier(**QUICK), GRID, X, y, scoring=["roc_auc", "accuracy"], refit=refit, return_train_score=True)


@pytest.mark.parametrize("form", [np.asarray, sp.csr_array], ids=["dense", "sparse"])
def test_groups_and_weights(form):
    X, y = data(90)
    given = {"groups": np.arange(90) % 6, "sample_weight": np.arange(90) % 3 / 2 + 0.5}
    both(SGDClassifier(loss="log_loss", **QUICK), GRID, form(X), y, given, cv=GroupKFold(3), scoring="neg_log_loss")


def test_rates_side_by_side_have_the_best_one_of_separate_fits():
    """The grid of the benchmark, on which scikit-learn's own SGD may choose a neighbour: its orders of rows are others."""
    X, y = data(300, 2, seed=2)
    rates = {"eta0": np.geomspace(0.001, 100, 16).tolist()}
    model = SGDClassifier(loss="log_loss", learning_rate="constant", max_iter=5, tol=None, random_state=0)
    both(model, rates, X, y, cv=3, scoring="neg_log_loss")  # compares best_params_, too
