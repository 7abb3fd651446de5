"""The lane search beyond lanes: where fits fail or are interrupted, in threads and pipelines, and as scikit-learn checks it."""

import logging
import pickle
import threading

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, FitFailedWarning
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from fastgd._training.fit import DivergedError
from fastgd._training.linear import LinearLanes
from fastgd.linear_model import SGDClassifier, SGDOneClassSVM, SGDRegressor
from fastgd.model_selection import LaneSearchCV

from .searches import LANES, PENALTIES, QUICK, both, data, two_numbers

# ---------------------------------------------------------------------------------------------------------------------------------
# What cannot be a lane


class Own(SGDClassifier):
    def fit(self, X, y):
        return super().fit(X, y)


@pytest.mark.parametrize(
    "estimator, grid, why",
    [
        (Ridge(), {"alpha": [0.1, 1.0]}, "Ridge"),
        (Own(**QUICK), {"alpha": [0.1, 1.0]}, "Own"),
        (SGDClassifier(max_time=60.0, **QUICK), {"alpha": [0.1, 1.0]}, "max_time"),
    ],
)
def test_what_is_no_lane_is_fitted_separately(estimator, grid, why, caplog):
    with caplog.at_level(logging.INFO, "fastgd"):
        both(estimator, grid, *data(), lanes={"separate fit"})
    assert why in caplog.text and "0 of 2 candidates as lanes" in caplog.text


def test_a_grid_of_both_kinds():
    grid = [{"alpha": [1e-4, 1e-2]}, {"max_time": [60.0]}]
    assert both(SGDClassifier(**QUICK), grid, *data(), lanes={"lanes", "separate fit"}).how_[-1] == "separate fit"


def test_estimators_without_targets():
    X, _ = data()
    search = LaneSearchCV(SGDOneClassSVM(**QUICK), {"nu": [0.1, 0.5]}, scoring=lambda m, X, y=None: float(m.offset_[0]))
    assert set(search.fit(X).how_) == {"separate fit"}


def test_later_arguments_of_fit():
    X, y = data()
    both(SGDClassifier(**QUICK), {"alpha": [1e-4, 1e-2]}, X, y, {"coef_init": np.ones((1, 5))}, lanes={"separate fit"})


def test_another_scikit_learn_would_only_be_slower(monkeypatch):
    """Without the name that we replace, the candidates are fitted one by one."""
    X, y = data()
    search = LaneSearchCV(SGDClassifier(**QUICK), {"alpha": [1e-4, 1e-2]})
    expected = search.fit(X, y).cv_results_["mean_test_score"]
    monkeypatch.setattr("fastgd.model_selection._lane_search.REPLACED", "Concurrently")
    again = clone(search).fit(X, y)
    np.testing.assert_array_equal(again.cv_results_["mean_test_score"], expected)
    assert set(again.how_) == {"separate fit"}


# ---------------------------------------------------------------------------------------------------------------------------------
# Failures


def test_candidates_that_diverge():
    X, y = data(n_classes=0)
    model, grid = SGDRegressor(penalty=None, **QUICK), {"eta0": [1e-3, 1e300, 1e-2]}
    for score in (np.nan, -1.0):
        options = {"cv": 3, "error_score": score, "return_train_score": True}
        results = []
        for kind in (GridSearchCV, LaneSearchCV):
            with pytest.warns() as caught:
                results.append(kind(model, grid, **options).fit(X, y).cv_results_)
            told = [str(w.message) for w in caught if issubclass(w.category, FitFailedWarning)]
            assert (
                len(told) == 1
                and "3 fits failed out of a total of 9" in told[0]
                and "under-/overflow occurred at epoch #1" in told[0]
            )
        for name in results[0]:
            if "time" not in name:
                np.testing.assert_array_equal(results[0][name], results[1][name], err_msg=name)
    with pytest.raises(DivergedError):
        LaneSearchCV(model, grid, error_score="raise").fit(X, y)
    with pytest.raises(ValueError, match="All the 5 fits failed"):
        LaneSearchCV(model, {"eta0": [1e300]}).fit(X, y)


def test_several_scores_of_candidates_that_diverge():
    X, y = data(n_classes=0)
    search = LaneSearchCV(
        SGDRegressor(penalty=None, **QUICK), {"eta0": [1e-3, 1e300]}, scoring=["r2", "neg_max_error"], refit="r2"
    )
    with pytest.warns(FitFailedWarning), pytest.warns(UserWarning, match="non-finite"):
        search.fit(X, y)
    assert np.isnan(search.cv_results_["mean_test_neg_max_error"]).tolist() == [False, True]


@pytest.mark.parametrize("n_jobs", [1, 2])
@pytest.mark.parametrize(
    "grid, X, named",
    [
        ({"alfa": [1.0]}, None, "alfa"),
        ({"alpha": []}, None, "alpha"),
        ({"alpha": 1.0}, None, "alpha"),
        ({"alpha": [-1.0]}, None, "alpha"),
        ({"alpha": [1.0]}, np.full((90, 5), np.nan), "NaN"),
        ({"restore_best": [True]}, None, "validation score"),
    ],
)
def test_errors_are_scikit_learns_and_change_nothing(grid, X, named, n_jobs):
    rows, y = data()
    messages = []
    for kind in (GridSearchCV, LaneSearchCV):
        search = kind(SGDClassifier(**QUICK), grid)
        with pytest.raises((ValueError, TypeError)) as caught:
            search.fit(rows if X is None else X, y)
        messages.append((caught.type, str(caught.value)[:150]))
    assert messages[0] == messages[1] and named in str(caught.value)
    assert not [name for name in vars(search) if name.endswith("_")]


def test_a_class_that_a_fold_lacks():
    X, y = data()
    folds = [(np.arange(60), np.arange(60, 90)), (np.flatnonzero(y == 1)[:20], np.arange(30))]
    with pytest.warns(FitFailedWarning, match="greater than one"), pytest.warns(UserWarning, match="non-finite"):
        search = LaneSearchCV(SGDClassifier(**QUICK), {"alpha": [1e-4, 1e-2]}, cv=folds).fit(X, y)
    assert np.isfinite(search.cv_results_["split0_test_score"]).all()
    assert np.isnan(search.cv_results_["split1_test_score"]).all()


def test_warnings_are_those_of_fit():
    X, y = data()
    with pytest.warns(ConvergenceWarning) as caught:
        LaneSearchCV(SGDClassifier(max_iter=1, random_state=0), {"alpha": [1e-4, 1e-2]}, cv=2, refit=False).fit(X, y)
    assert len(caught) == 4


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_control_c_leaves_the_search_as_it_was(n_jobs, monkeypatch):
    """Ctrl-C arrives while folds are trained: nothing is set, no thread goes on."""
    X, y = data()
    search = LaneSearchCV(
        SGDClassifier(max_iter=10**7, tol=None, random_state=0), {"alpha": [1e-4, 1e-2]}, n_jobs=n_jobs
    )
    plain, main = LinearLanes.epoch, threading.main_thread()
    started = threading.Event()

    def epoch(lanes, *arguments, **named):
        started.set()
        if threading.current_thread() is main:
            raise KeyboardInterrupt
        return plain(lanes, *arguments, **named)

    def interrupted(future):
        started.wait(10)
        raise KeyboardInterrupt

    monkeypatch.setattr(LinearLanes, "epoch", epoch)
    monkeypatch.setattr("concurrent.futures.Future.result", interrupted)
    before = dict(vars(search))
    with pytest.raises(KeyboardInterrupt):
        search.fit(X, y)
    assert started.is_set() and vars(search) == before
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("ThreadPoolExecutor")]


# ---------------------------------------------------------------------------------------------------------------------------------
# Threads, pipelines, the contract


def test_results_do_not_depend_on_threads():
    X, y = data(n_classes=3)
    found = [
        LaneSearchCV(SGDClassifier(**QUICK), PENALTIES, n_jobs=n_jobs).fit(X, y).cv_results_["mean_test_score"]
        for n_jobs in (None, 2, 5, -1)
    ]
    assert all(np.array_equal(found[0], each) for each in found)


class Counting(StandardScaler):
    fits = 0

    def fit(self, X, y=None, sample_weight=None):
        Counting.fits += 1
        return super().fit(X, y)


@pytest.mark.parametrize("scoring", [None, two_numbers], ids=["own", "callable"])
def test_a_pipelines_transformers_are_fitted_once_for_each_fold(scoring):
    X, y = data()
    pipeline = make_pipeline(Counting(), SGDClassifier(**QUICK))
    grid = {"sgdclassifier__alpha": [1e-4, 1e-2, 1.0], "counting__with_mean": [True, False]}
    options = {"scoring": (lambda m, X, y: m[-1].score(m[:-1].transform(X), y)) if scoring else None, "cv": 3}
    theirs = GridSearchCV(pipeline, grid, **options).fit(X, y)
    Counting.fits = 0
    ours = LaneSearchCV(pipeline, grid, **options).fit(X, y)
    assert Counting.fits == 2 * 3 + 1 and set(ours.how_) == LANES
    np.testing.assert_array_equal(ours.cv_results_["mean_test_score"], theirs.cv_results_["mean_test_score"])
    np.testing.assert_array_equal(ours.predict(X), theirs.predict(X))


@pytest.mark.filterwarnings("ignore:Scoring failed")
@pytest.mark.filterwarnings("ignore:One or more of the test scores are non-finite")
def test_test_rows_that_cannot_be_transformed():
    """A category that the training rows lack: the score fails, not the search."""
    X, y = np.array([[k % 3 == 2] for k in range(40)] + [[7]], float), np.arange(41) % 2
    pipeline = make_pipeline(OneHotEncoder(), SGDClassifier(**QUICK))
    grid, folds = (
        {"sgdclassifier__alpha": [1e-4, 1e-2]},
        [(np.arange(20), np.arange(20, 41)), (np.arange(41), np.arange(9))],
    )
    searches = [kind(pipeline, grid, cv=folds, refit=False).fit(X, y) for kind in (GridSearchCV, LaneSearchCV)]
    for name in ("split0_test_score", "split1_test_score"):
        np.testing.assert_array_equal(*(search.cv_results_[name] for search in searches))
    assert np.isnan(searches[1].cv_results_["split0_test_score"]).all() and set(searches[1].how_) == LANES


@pytest.mark.parametrize("form", [np.asarray, sp.csr_array], ids=["dense", "sparse"])
def test_scorers_get_ordinary_models(form):
    """They may keep them, copy them, and predict whatever they like."""
    X, y = data()
    X, kept = form(X), []

    def scorer(model, X_test, y_test):
        kept.append(model)
        expected = clone(model)
        vars(expected).update(pickle.loads(pickle.dumps({n: v for n, v in vars(model).items() if n != "_raw"})))
        np.testing.assert_array_equal(model.decision_function(X_test[5:]), expected.decision_function(X_test[5:]))
        np.testing.assert_array_equal(model.decision_function(X_test), expected.decision_function(X_test))
        model.decision_function(X_test)[:] = 0  # its own copy
        return model.score(X_test, y_test)

    both(SGDClassifier(**QUICK), {"alpha": [1e-4, 1e-2]}, X, y, scoring=scorer)
    assert not [name for model in kept for name in vars(model) if name == "_raw"]
    assert all(pickle.loads(pickle.dumps(model)).predict(X).shape == y.shape for model in kept)


def test_texts():
    texts = [f"{'good' if k % 2 else 'bad'} film number {k % 7}" for k in range(40)]
    y = np.arange(40) % 2
    pipeline = make_pipeline(TfidfVectorizer(), SGDClassifier(**QUICK))
    fit_params = {"sgdclassifier__sample_weight": np.linspace(0.5, 1, 40)}
    grid = {"sgdclassifier__alpha": [1e-4, 1e-2], "tfidfvectorizer__lowercase": [True, False]}
    searches = [kind(pipeline, grid, cv=3).fit(texts, y, **fit_params) for kind in (GridSearchCV, LaneSearchCV)]
    scores = [search.cv_results_["mean_test_score"] for search in searches]
    assert set(searches[1].how_) == LANES and np.array_equal(*scores)


def test_lines_for_each_fit(capsys):
    X, y = data()
    LaneSearchCV(SGDClassifier(**QUICK), {"alpha": [1e-4, 1e-2]}, cv=2, verbose=3).fit(X, y)
    out = capsys.readouterr().out
    assert "Fitting 2 folds for each of 2 candidates, totalling 4 fits" in out
    assert out.count("[CV 2/2] END alpha=0.01; score=") == 1


def test_clone_pickle_and_nesting():
    X, y = data()
    search = LaneSearchCV(SGDClassifier(**QUICK), {"alpha": [1e-4, 1e-2]}, cv=2)
    assert clone(search).get_params()["estimator__max_iter"] == 4
    again = pickle.loads(pickle.dumps(search.fit(X, y)))
    np.testing.assert_array_equal(again.predict(X), search.predict(X))
    found, expected = (
        cross_validate(kind(SGDClassifier(**QUICK), {"alpha": [1e-4, 1e-2]}, cv=2), X, y, cv=3)["test_score"]
        for kind in (LaneSearchCV, GridSearchCV)
    )
    np.testing.assert_array_equal(found, expected)


CHECKED = [
    LaneSearchCV(SGDClassifier(max_iter=5, random_state=0), {"alpha": [1e-3, 0.1]}, cv=2, error_score="raise"),
    LaneSearchCV(SGDRegressor(max_iter=5, random_state=0), {"eta0": [1e-3, 1e-2]}, cv=2, error_score="raise"),
]
EXCUSED = {
    "check_supervised_y_2d": "as for GridSearchCV: the fits of the folds warn, too",
    "check_requires_y_none": "as for GridSearchCV",
    "check_sample_weight_equivalence_on_dense_data": "a row of weight 2 takes one step twice as long, not two",
    "check_sample_weight_equivalence_on_sparse_data": "a row of weight 2 takes one step twice as long, not two",
}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
@pytest.mark.filterwarnings("ignore::fastgd.GradientHealthWarning")  # of rows that are not scaled
@pytest.mark.filterwarnings(
    "ignore:invalid value encountered in cast:RuntimeWarning"
)  # in scikit-learn's check_cv, of NaN in y
@parametrize_with_checks(CHECKED, expected_failed_checks=lambda estimator: EXCUSED)
def test_scikit_learn_contract(estimator, check):
    check(estimator)
