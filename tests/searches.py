"""What the tests of the lane search share: small data, grids, and the comparison with scikit-learn's search."""

import numpy as np
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from fastgd.model_selection import LaneSearchCV

LANES = {"lanes"}
QUICK = {"max_iter": 4, "tol": None, "random_state": 3}
PENALTIES = {"alpha": [1e-3, 0.1], "penalty": ["l2", "l1", "elasticnet", None], "l1_ratio": [0.2, 0.9]}


def data(n=90, n_classes=2, seed=0):
    generator = np.random.default_rng(seed)
    X = generator.normal(size=(n, 5)) * (generator.random((n, 5)) < 0.7)
    score = X @ np.arange(5) + generator.normal(size=n)
    return X, np.searchsorted(np.quantile(score, np.arange(1, n_classes) / n_classes), score) if n_classes else score


def both(estimator, grid, X, y, fit_params=None, lanes=LANES, **options):
    """Return our search, after comparing it with scikit-learn's in every number that is no time."""
    options = {"cv": 3, **options}
    theirs = GridSearchCV(clone(estimator), grid, **options).fit(X, y, **(fit_params or {}))
    ours = LaneSearchCV(estimator, grid, **options).fit(X, y, **(fit_params or {}))
    assert set(ours.how_) == lanes
    assert ours.cv_results_.keys() == theirs.cv_results_.keys()
    for name, values in theirs.cv_results_.items():
        if "time" not in name:
            np.testing.assert_array_equal(ours.cv_results_[name], values, err_msg=name)
    for name in ("best_params_", "best_index_", "best_score_", "multimetric_", "n_splits_"):
        assert getattr(ours, name, None) == getattr(theirs, name, None), name
    if hasattr(theirs, "best_estimator_"):
        assert ours.best_estimator_.coef_.tobytes() == theirs.best_estimator_.coef_.tobytes()
    return ours


def two_numbers(estimator, X, y):
    return {"right": estimator.score(X, y), "size": -float(np.abs(estimator.coef_).sum())}
