"""LaneSearchCV over steps beyond scikit-learn's: batches, optimizers, clipping, softmax."""

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV

import fastgd
from fastgd.linear_model import SGDClassifier
from fastgd.model_selection import LaneSearchCV

GRID = {"eta0": [0.003, 0.03, 0.3], "alpha": [1e-5, 1e-3]}


@pytest.mark.parametrize(
    ("options", "how"),
    [
        ({"optimizer": fastgd.Adam(), "batch_size": 16}, {"lanes"}),
        ({"optimizer": fastgd.FTRL()}, {"lanes"}),
        ({"batch_size": 8, "clip_norm": 0.5}, {"lanes"}),
        ({"loss": "softmax", "batch_size": 8}, {"lanes"}),
    ],
    ids=str,
)
def test_scores_are_those_of_a_grid_search(options, how):
    X, y = load_digits(return_X_y=True)
    X, y = X[:300] / 16, y[:300]
    estimator = SGDClassifier(
        **{"loss": "log_loss", "learning_rate": "constant", "max_iter": 3, "tol": None, "random_state": 0, **options}
    )
    ours = LaneSearchCV(estimator, GRID, cv=3).fit(X, y)
    theirs = GridSearchCV(estimator, GRID, cv=3).fit(X, y)
    assert np.array_equal(ours.cv_results_["mean_test_score"], theirs.cv_results_["mean_test_score"])
    assert ours.best_params_ == theirs.best_params_
    assert set(ours.how_) == how
    assert ours.best_estimator_.coef_.tolist() == theirs.best_estimator_.coef_.tolist()
