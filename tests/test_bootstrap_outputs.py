"""The bootstrap of models of several lanes, and with the rate that a race has found."""

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.base import clone

from fastgd._training import fit
from fastgd._training.rows import Rows
from fastgd.linear_model import SGDClassifier, SGDRegressor, _bootstrap

generator = np.random.default_rng(0)
X = generator.normal(size=(120, 4))
SCORE = X @ [1.0, 0.0, -0.5, 0.2] + generator.normal(size=120)
CLASSES = np.searchsorted(np.quantile(SCORE, [0.3, 0.7]), SCORE)
LABELS = np.column_stack([SCORE > 0, X[:, 0] > 0, SCORE > 1]).astype(int)


@pytest.mark.parametrize("form", [np.asarray, sp.csr_array], ids=["dense", "sparse"])
@pytest.mark.parametrize("options", [{}, {"batch_size": 16}, {"batch_size": 8, "class_weight": "balanced"}], ids=str)
def test_replicates_of_softmax_are_separate_trainings(options, form):
    model = SGDClassifier(loss="softmax", random_state=0, **options)
    rows, weight = form(X), np.arange(120) % 3 / 2
    result = model.bootstrap_intervals(rows, CLASSES, n_replicates=39, n_epochs=2, sample_weight=weight)
    assert result.coef.shape == (39, 3, 4) and result.intercept.shape == (39, 3)
    alone = clone(model)
    task = alone._task(rows, CLASSES, weight, (None, None, None), False)
    counts = _bootstrap.replicate_weights(alone._seed(), 120, 39).astype(float)
    learn = np.flatnonzero(weight)
    for k in (0, 17, 38):
        lanes, pace = alone._new_lanes(rows, 3, np.float64), alone._rate(3, len(learn), 2)
        problem = fit.Problem(Rows.of(rows), task["targets"], learn, counts[:, [k]] * task["weight"])
        outcome = fit.train(lanes, problem, pace, fit.Plan(2), alone._seed())
        assert result.coef[k].tobytes() == np.ascontiguousarray(outcome.coef.T).tobytes()
        assert result.intercept[k].tobytes() == outcome.intercept.tobytes()


def test_replicates_of_a_label_are_those_of_its_own():
    model = SGDClassifier(loss="log_loss", random_state=0)
    together = model.bootstrap_intervals(X, LABELS, n_replicates=39, n_epochs=2)
    for k, y in enumerate(LABELS.T):
        alone = model.bootstrap_intervals(X, y, n_replicates=39, n_epochs=2)
        assert together.coef[:, k].tobytes() == alone.coef[:, 0].tobytes()


@pytest.mark.parametrize(("model", "y"), [(SGDClassifier(loss="log_loss"), CLASSES), (SGDRegressor(), SCORE)])
def test_the_rate_is_the_one_that_fit_has_found(model, y):
    model.set_params(learning_rate="auto", random_state=0)
    with pytest.raises(ValueError, match="takes the rate that fit has found: call fit before, or set a number"):
        model.bootstrap_intervals(X, y, n_replicates=39, n_epochs=2)
    found = model.fit(X, y).bootstrap_intervals(X, y, n_replicates=39, n_epochs=2)
    given = clone(model).set_params(learning_rate=model.learning_rate_)
    assert found.coef.tobytes() == given.bootstrap_intervals(X, y, n_replicates=39, n_epochs=2).coef.tobytes()
    assert found.estimator.learning_rate == model.learning_rate_
