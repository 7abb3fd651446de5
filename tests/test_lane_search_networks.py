"""Networks as lanes of a search: scikit-learn's scores from the same networks to the last bit, and what is fitted separately."""

import logging
import warnings

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, FitFailedWarning
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import fastgd
from fastgd._training import fit
from fastgd.model_selection import LaneSearchCV, _networks, _together
from fastgd.neural_network import MLPClassifier, MLPRegressor
from fastgd.schedules import cosine, plateau

from .searches import LANES, data

SMALL = {"hidden_layer_sizes": (6,), "batch_size": 8, "max_iter": 4, "tol": None, "random_state": 3}
STOPPING = SMALL | {"max_iter": 300, "tol": 1e-2, "n_iter_no_change": 2}
PENALTIES = {"alpha": [0.0, 1e-3, 1.0], "l1": [0.0, 0.1], "learning_rate_init": [1e-3, 0.05]}
RATES = {
    "learning_rate": ["constant", "invscaling", "adaptive", 0.02],
    "power_t": [0.25, 0.6],
    "learning_rate_init": [0.1, 0.2],
}
SEPARATE = {"separate fit"}


class Bits:
    """A scorer that notes all that is fitted: equal scores could come from unequal networks."""

    NOTED = (
        "n_iter_",
        "t_",
        "n_layers_",
        "n_outputs_",
        "n_features_in_",
        "stop_reason_",
        "out_activation_",
        "loss_curve_",
    )
    SCORES = ("loss_", "best_loss_", "validation_scores_", "best_validation_score_")

    def __init__(self):
        self.seen = []

    def __call__(self, estimator, X, y, sample_weight=None):
        arrays = [*estimator.coefs_, *estimator.intercepts_, estimator.predict(X)]
        arrays += [v for n, v in sorted(estimator.history_.items()) if "seconds" not in n and "per_second" not in n]
        noted = tuple(repr(getattr(estimator, name)) for name in (*self.NOTED, *self.SCORES))
        self.seen.append((*noted, *(np.asarray(array).tobytes() for array in arrays), str(sorted(estimator.history_))))
        return 0.0


def same_networks(estimator, grid, X, y, **fit_params):
    """Compare the networks of all candidates and folds, as a set: lanes come fold by fold, scikit-learn's candidate by candidate."""
    seen = []
    for kind in (GridSearchCV, LaneSearchCV):
        scorer = Bits()
        search = kind(clone(estimator), grid, scoring=scorer, cv=2, refit=False).fit(X, y, **fit_params)
        seen.append(sorted(scorer.seen))
    assert set(search.how_) == LANES
    assert seen[0] == seen[1]
    assert len(set(seen[0])) > 3


def both(estimator, grid, X, y, how=LANES, **fit_params):
    """Return our search, after comparing it with scikit-learn's in every number that is no time and in the refitted network."""
    options = {"cv": 3, "return_train_score": True}
    theirs = GridSearchCV(clone(estimator), grid, **options).fit(X, y, **fit_params)
    ours = LaneSearchCV(clone(estimator), grid, **options).fit(X, y, **fit_params)
    assert set(ours.how_) == how
    assert ours.cv_results_.keys() == theirs.cv_results_.keys()
    for name, values in theirs.cv_results_.items():
        if "time" not in name:
            np.testing.assert_array_equal(ours.cv_results_[name], values, err_msg=name)
    for name in ("best_params_", "best_index_", "best_score_", "n_splits_"):
        assert getattr(ours, name) == getattr(theirs, name), name
    assert last_of(ours).loss_ == last_of(theirs).loss_
    assert [w.tobytes() for w in last_of(ours).coefs_] == [w.tobytes() for w in last_of(theirs).coefs_]
    return ours


def last_of(search):
    best = search.best_estimator_
    return best if hasattr(best, "coefs_") else best[-1]


@pytest.mark.parametrize("form", [np.asarray, sp.csr_array, np.asfortranarray], ids=["dense", "sparse", "columns"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_every_candidate_is_its_own_fit(form, dtype):
    X, y = data(n_classes=3)
    same_networks(MLPClassifier(**SMALL), PENALTIES, form(X.astype(dtype)), y)


@pytest.mark.parametrize(
    "estimator, grid",
    [
        (MLPClassifier(**SMALL, solver="sgd"), RATES),
        (MLPClassifier(**STOPPING, solver="sgd"), {"learning_rate": ["adaptive", "constant"], "learning_rate_init": [1e-3, 0.1]}),
        (MLPClassifier(**STOPPING, early_stopping=True), {"alpha": [1e-4, 1.0], "learning_rate_init": [1e-3, 0.01, 0.1]}),
        (MLPClassifier(**SMALL, class_weight="balanced", dropout=0.3, max_norm=1.0, clip_norm=0.5), PENALTIES),
        (MLPClassifier(**SMALL), {"learning_rate": [0.1 * cosine("100%"), 0.01], "alpha": [0.0, 1.0]}),
        (MLPClassifier(**SMALL), {"hidden_layer_sizes": [(4,), (3, 5)], "alpha": [0.1, 1.0], "random_state": [0, 1]}),
        (MLPClassifier(**SMALL), {"activation": ["tanh", "silu"], "shuffle": [True, False], "solver": ["adam", "sgd"]}),
        (MLPClassifier(**SMALL), {"learning_rate": [plateau(0.1, patience=1), plateau(0.01, patience=1)], "alpha": [0.1, 1]}),
        (MLPClassifier(**SMALL, optimizer=fastgd.Lion(1e-2), decoupled_weight_decay=True, n_jobs=2), PENALTIES),
        (MLPClassifier(**SMALL), {"optimizer": [fastgd.AdamW(1e-2), fastgd.RMSprop(1e-2)], "alpha": [0.1, 1.0]}),
    ],
    ids=range(10),
)  # fmt: skip
def test_classifiers(estimator, grid):
    same_networks(estimator, grid, *data(n_classes=3))


@pytest.mark.parametrize(
    "estimator, grid",
    [
        (MLPRegressor(**SMALL), PENALTIES),
        (MLPRegressor("huber", **SMALL), {"huber_epsilon": [0.1, 1.0], "alpha": [0.0, 1.0], "l1": [0.0, 0.1]}),
        (MLPRegressor(**STOPPING, early_stopping=True), {"learning_rate_init": [1e-3, 0.01, 0.05], "alpha": [0.1, 10.0]}),
    ],
    ids=range(3),
)  # fmt: skip
def test_regressors(estimator, grid):
    X, y = data(n_classes=0)
    same_networks(estimator, grid, X, y)
    same_networks(estimator, grid, X, np.column_stack([y, X[:, 0]]))


def test_indicators_of_labels():
    X, y = data(n_classes=3)
    same_networks(MLPClassifier(**SMALL), PENALTIES, X, np.eye(3, dtype=int)[y] | (X[:, :1] > 0))


@pytest.mark.parametrize("stops", [False, True])
def test_weights_of_rows(stops):
    """Zeros among them: those rows are not visited, and coupled penalties count for the others."""
    X, y = data()
    weight = np.random.default_rng(1).integers(0, 3, len(y)).astype(float)
    same_networks(MLPClassifier(**SMALL, early_stopping=stops), PENALTIES, X, y, sample_weight=weight)
    both(MLPRegressor(**SMALL), {"alpha": [0.0, 1.0]}, X, X[:, 0] - X[:, 1], sample_weight=weight)


@pytest.mark.parametrize("form", [np.asarray, sp.csr_array], ids=["dense", "sparse"])
def test_the_results_are_scikit_learns(form):
    X, y = data(n_classes=3)
    search = both(MLPClassifier(**SMALL), [PENALTIES, {"hidden_layer_sizes": [(3,), (5, 4)]}, {}], form(X), y)
    assert len(search.how_) == 15 and search.predict_proba(form(X)).shape == (len(y), 3)
    both(MLPRegressor(**SMALL), PENALTIES, form(X), X @ np.arange(5))


def test_a_pipeline_that_ends_in_a_network():
    X, y = data(n_classes=3)
    grid = {
        "standardscaler__with_mean": [True, False],
        "mlpclassifier__alpha": [0.0, 1.0],
        "mlpclassifier__l1": [0.0, 0.1],
    }
    both(make_pipeline(StandardScaler(), MLPClassifier(**SMALL)), grid, X, y)


def test_more_lanes_than_one_pass_takes(monkeypatch):
    monkeypatch.setattr(_together, "MOST_LANES", 5)  # the last pass has two of them
    X, y = data()
    same_networks(MLPClassifier(**SMALL), PENALTIES, X, y)


def test_threads_change_nothing():
    X, y = data(n_classes=3)
    one, two = (LaneSearchCV(MLPClassifier(**SMALL), PENALTIES, n_jobs=n).fit(X, y) for n in (1, 2))
    assert set(two.how_) == LANES
    assert one.cv_results_["mean_test_score"].tolist() == two.cv_results_["mean_test_score"].tolist()


@pytest.mark.parametrize("most_bytes, sizes", [(2**21, [12] * 3), (8 * 43 * 5, [5, 5, 2] * 3), (1, [1] * 36)])
def test_networks_are_trained_together_while_they_fit_a_cache(most_bytes, sizes, monkeypatch):
    """What separate fits would hide: the networks of each training; one has 6 * 6 + 7 parameters."""
    seen, train = [], fit.train
    monkeypatch.setattr(fit, "train", lambda lanes, *a, **b: seen.append(lanes.n_lanes) or train(lanes, *a, **b))
    monkeypatch.setattr(_networks, "MOST_BYTES", most_bytes)
    LaneSearchCV(MLPClassifier(**SMALL), PENALTIES, cv=3, refit=False).fit(*data())
    assert seen == sizes


def test_a_network_that_diverges_fails_as_alone():
    X, y = data(n_classes=0)
    model = MLPRegressor(**SMALL | {"activation": "identity"}, solver="sgd")
    told = []
    for kind in (GridSearchCV, LaneSearchCV):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            search = kind(clone(model), {"learning_rate_init": [1e-3, 1e9, 1e-2]}, cv=2).fit(X, y)
        failed = [str(w.message) for w in caught if w.category is FitFailedWarning]
        assert len(failed) == 1
        error = failed[0].splitlines()[-1].partition("(")[0]  # a lane does not name its rate
        told.append((error, repr(search.cv_results_["mean_test_score"].tolist()), search.best_params_))
    assert set(search.how_) == LANES
    assert told[0] == told[1] and "occurred at epoch #1" in told[0][0]


def test_each_network_warns_as_alone():
    X, y = data()
    model = MLPClassifier(**SMALL | {"tol": 1e-9})
    n = []
    for kind in (GridSearchCV, LaneSearchCV):
        with pytest.warns(ConvergenceWarning) as caught:
            kind(clone(model), {"alpha": [0.0, 1.0]}, cv=2, refit=False).fit(X, y)
        n.append(sorted(str(w.message) for w in caught))
    assert n[0] == n[1] and len(n[0]) == 4


@pytest.mark.parametrize(
    "estimator, grid, why",
    [
        (MLPClassifier((2,), solver="lbfgs", tol=0.1, random_state=0), {"alpha": [1.0, 10.0]}, "not for lanes: solver"),
        (MLPClassifier(**SMALL, max_time=60.0), {"alpha": [0.1, 1.0]}, "not for lanes: max_time"),
        (MLPClassifier(**SMALL, on_divergence="retry"), {"alpha": [0.1, 1.0]}, "not for lanes: on_divergence"),
        (MLPClassifier(**SMALL), {"optimizer": [fastgd.DoG()], "alpha": [0.1, 1.0]}, "not for lanes: optimizer"),
        (MLPClassifier(**SMALL), {"learning_rate": ["auto"], "alpha": [0.1, 1.0]}, "not for lanes: learning_rate"),
        (type("Own", (MLPClassifier,), {})(**SMALL), {"alpha": [0.1, 1.0]}, "Own does not train in lanes"),
    ],
    ids=range(6),
)  # fmt: skip
def test_what_is_no_lane_is_fitted_separately_and_said(estimator, grid, why, caplog):
    X, y = data()
    with caplog.at_level(logging.INFO, "fastgd"):
        both(estimator, grid, X, y, how=SEPARATE)
    assert why in caplog.text


def test_lanes_beside_separate_fits(caplog):
    X, y = data()
    with caplog.at_level(logging.INFO, "fastgd"):
        search = both(
            MLPClassifier(**SMALL), {"max_time": [None, 60.0], "alpha": [0.1, 1.0]}, X, y, how=LANES | SEPARATE
        )
    assert search.how_ == ["lanes", "separate fit"] * 2
    assert "2 of 4 candidates as lanes, 2 by separate fits: not for lanes: max_time" in caplog.text
