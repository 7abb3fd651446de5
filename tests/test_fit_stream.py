"""`fit(stream)`: the same models from files as from memory, whatever the batches are read from."""

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.datasets import dump_svmlight_file, make_classification, make_regression
from sklearn.exceptions import ConvergenceWarning

from fastgd.io import load_svmlight_file, stream
from fastgd.linear_model import Perceptron, SGDClassifier, SGDRegressor
from fastgd.schedules import parse


def problem(tmp_path, n_classes=2):
    X, y = make_classification(
        1000, 20, n_informative=10, n_classes=n_classes, n_clusters_per_class=1, class_sep=2.0, random_state=0
    )
    name = str(tmp_path / "data.svm")
    dump_svmlight_file(X, y, name, zero_based=False)
    return name, *load_svmlight_file(name, dtype=np.float32)


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("ending", ["", ".fgd"])
def test_a_stream_trains_like_partial_fit_by_hand(tmp_path, n_classes, ending):
    name, X, y = problem(tmp_path, n_classes)
    load_svmlight_file(name, dtype=np.float32, cache=True)
    model = SGDClassifier(loss="log_loss", max_iter=4, tol=None, random_state=0, eta0=0.01, learning_rate="constant")
    model.fit(stream(name + ending, n_features=20, batch_size=300, shuffle=False))
    other = SGDClassifier(loss="log_loss", random_state=0, eta0=0.01, learning_rate="constant")
    for _ in range(4):
        for begin in range(0, 1000, 300):
            other.partial_fit(X[begin : begin + 300], y[begin : begin + 300], classes=np.unique(y))
    np.testing.assert_array_equal(model.coef_, other.coef_)
    np.testing.assert_array_equal(model.intercept_, other.intercept_)
    assert model.n_iter_ == 4 and model.stop_reason_ == "max_iter" and model.t_ == 4001
    assert model.history_["epoch"].tolist() == [1, 2, 3, 4] and model.history_["step"].tolist() == [
        1000,
        2000,
        3000,
        4000,
    ]
    assert (np.diff(model.history_["objective"].reshape(4, -1).mean(axis=1)) < 0).all()
    assert model.score(X, y) > 0.85


def test_it_stops_when_the_objective_does_not_fall(tmp_path):
    X, y = make_regression(500, 10, noise=1.0, random_state=0)
    name = str(tmp_path / "data.svm")
    dump_svmlight_file(sp.csr_matrix(X), y, name, zero_based=False)
    model = SGDRegressor(max_iter=200, random_state=0).fit(stream(name, n_features=10, batch_size=100, buffer=200))
    assert model.stop_reason_ == "tol" and model.n_iter_ < 200 and model.score(X, y) > 0.99
    with pytest.warns(ConvergenceWarning, match="max_iter=2"):
        SGDRegressor(max_iter=2, random_state=0).fit(stream(name, n_features=10, batch_size=100))
    assert SGDRegressor(max_time=1e-9, random_state=0).fit(stream(name, n_features=10)).stop_reason_ == "max_time"


def test_an_error_leaves_the_model_as_it_was(tmp_path):
    name, X, y = problem(tmp_path)
    model = SGDClassifier(random_state=0).fit(X, y)
    before = model.coef_.copy()
    with open(name, "a") as file:
        file.write("1 2:x\n")
    with pytest.raises(ValueError, match="expected a number"):
        model.fit(stream(name, n_features=20))
    np.testing.assert_array_equal(model.coef_, before)


def test_what_a_stream_cannot_have_is_refused(tmp_path):
    name, _, y = problem(tmp_path)
    rows = stream(name, n_features=20)
    for options in (
        {"learning_rate": "auto"},
        {"learning_rate": parse("linear(0.1, 5 epochs)")},
        {"early_stopping": True},
        {"class_weight": "balanced"},
        {"warm_start": True},
    ):
        with pytest.raises(ValueError, match=f"{next(iter(options))} must be .* when X is a stream"):
            SGDClassifier(**options).fit(rows)
    with pytest.raises(ValueError, match="y must be None when X is a stream"):
        SGDClassifier().fit(rows, y)
    with pytest.raises(ValueError, match=r"requires y|y cannot be None|y to be passed"):
        SGDClassifier().fit(np.eye(3))
    with pytest.raises((ValueError, TypeError), match="y"):
        SGDRegressor().fit(np.eye(3))
    assert Perceptron(max_iter=3, tol=None).fit(rows).n_iter_ == 3
