"""Several targets of a regressor: lanes of one pass, each output the same bits as a fit of its own."""

import pickle

import numpy as np
import pytest
import scipy.sparse as sp
import sklearn.linear_model as theirs
from sklearn.metrics import r2_score
from sklearn.multioutput import MultiOutputRegressor

from fastgd.learning_rate import sweep
from fastgd.linear_model import SGDRegressor
from fastgd.schedules import cosine

pytestmark = pytest.mark.filterwarnings("ignore:Maximum number of iteration:sklearn.exceptions.ConvergenceWarning")

MODELS = {
    "default": SGDRegressor(),
    "averaged": SGDRegressor(average=50, max_iter=5, tol=None),
    "L1": SGDRegressor(loss="huber", penalty="l1", learning_rate=0.05, max_iter=5, tol=None),
    "schedule": SGDRegressor(learning_rate=0.05 * cosine("100%"), max_iter=5, tol=None),
    "adaptive": SGDRegressor(learning_rate="adaptive", eta0=0.05, max_iter=40),
    "held out": SGDRegressor(early_stopping=True, n_iter_no_change=2, restore_best=True, max_iter=30),
    "tweedie": SGDRegressor(loss="tweedie", max_iter=5, tol=None),
}


def problem(m=3, n=120, seed=0):
    generator = np.random.default_rng(seed)
    X = generator.normal(size=(n, 5)) * (generator.random((n, 5)) < 0.7)
    return X, abs(X @ np.random.default_rng(1).normal(size=(5, m)) + 0.3 * generator.normal(size=(n, m)))


def fresh(name, **changes):
    return SGDRegressor(**MODELS[name].get_params()).set_params(random_state=3, **changes)


def assert_outputs_are(together, singles):
    """Bit for bit."""
    assert together.coef_.shape == (len(singles), 5) and together.intercept_.shape == (len(singles),)
    for k, alone in enumerate(singles):
        assert together.coef_[k].tobytes() == alone.coef_.tobytes()
        assert together.intercept_[k] == alone.intercept_[0]
    assert together.n_iter_ == max(alone.n_iter_ for alone in singles)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("form", [np.asarray, sp.csr_array], ids=["dense", "sparse"])
@pytest.mark.parametrize("m", [2, 17])
@pytest.mark.parametrize("name", MODELS)
def test_each_output_is_a_fit_alone(name, m, form, dtype):
    X, Y = problem(m)
    X, weight = form(X.astype(dtype)), np.arange(120) % 3 / 2
    together = fresh(name).fit(X, Y, sample_weight=weight)
    singles = [fresh(name).fit(X, y, sample_weight=weight) for y in Y.T]
    assert_outputs_are(together, singles)
    assert together.predict(X).shape == Y.shape and together.coef_.dtype == dtype
    np.testing.assert_allclose(together.predict(X), np.transpose([s.predict(X) for s in singles]), rtol=1e-4, atol=1e-6)
    for k, alone in enumerate(singles):
        curve = together.history_["loss"][: alone.n_iter_, k]
        assert np.array_equal(curve, alone.history_["loss"])


def test_validation_rows_and_their_scores():
    (X, Y), (X_val, Y_val) = problem(), problem(seed=1)
    weight = np.arange(120.0)
    for name in ("default", "held out"):
        together = fresh(name).fit(X, Y, X_val=X_val, y_val=Y_val, sample_weight_val=weight)
        singles = [
            fresh(name).fit(X, y, X_val=X_val, y_val=v, sample_weight_val=weight)
            for y, v in zip(Y.T, Y_val.T, strict=True)
        ]
        assert_outputs_are(together, singles)
        for key in ("val_loss", "val_score"):
            for k, alone in enumerate(singles):
                found = together.history_[key][: alone.n_iter_, k]
                np.testing.assert_allclose(found, alone.history_[key], rtol=1e-12)


def test_the_score_is_the_mean_over_the_outputs():
    X, Y = problem()
    model = fresh("default").fit(X, Y)
    assert model.score(X, Y) == r2_score(Y, model.predict(X), multioutput="uniform_average")


@pytest.mark.parametrize("name", ["averaged", "L1", "schedule", "tweedie"])
def test_parts_make_the_whole(name):
    X, Y = problem()
    whole = fresh(name).fit(X, Y)
    first = fresh(name, max_iter=2)
    if name == "schedule":
        first.learning_rate = whole.learning_rate = 0.05 * cosine(600)
        whole.fit(X, Y)
    parts = pickle.loads(pickle.dumps(first.fit(X, Y))).partial_fit(X, Y, n_epochs=3)
    assert parts.coef_.tobytes() == whole.coef_.tobytes() and parts.intercept_.tobytes() == whole.intercept_.tobytes()
    single = fresh(name).partial_fit(X, Y, sample_weight=np.zeros(120))
    assert not single.coef_.any() and single.coef_.shape == (3, 5) and single.intercept_.shape == (3,)


def test_initial_weights_and_warm_starts():
    X, Y = problem()
    start = {"coef_init": np.ones((3, 5)), "intercept_init": np.arange(3.0)}
    together = fresh("averaged").fit(X, Y, **start)
    singles = [fresh("averaged").fit(X, y, np.ones(5), float(k)) for k, y in enumerate(Y.T)]
    assert_outputs_are(together, singles)
    again = fresh("averaged").fit(X, Y, together.coef_, together.intercept_)
    assert again.coef_.tobytes() == together.set_params(warm_start=True).fit(X, Y).coef_.tobytes()


def test_it_is_scikit_learns():
    X, Y = problem()
    parameters = {"shuffle": False, "max_iter": 4, "tol": None}
    expected = MultiOutputRegressor(theirs.SGDRegressor(**parameters)).fit(X, Y)
    found = SGDRegressor(**parameters).fit(X, Y)
    np.testing.assert_allclose(found.predict(X), expected.predict(X), rtol=1e-9)


def test_the_sweep_sums_over_the_outputs():
    (X, Y), (X_val, Y_val) = problem(), problem(seed=1)
    rates = [1e-3, 1e-2, 0.1]
    own = {"X_val": X_val, "y_val": Y_val}
    result = sweep(SGDRegressor(random_state=0), X, Y, learning_rate=rates, n_epochs=2, **own)
    for k, rate in enumerate(rates):
        model = SGDRegressor(eta0=rate, max_iter=2, tol=None, random_state=0).fit(X, Y, **own)
        np.testing.assert_allclose(result.val_loss[:, k], model.history_["val_loss"].sum(axis=1), rtol=1e-12)
        if rate == result.best_learning_rate:
            assert result.best_estimator.coef_.tobytes() == model.coef_.tobytes()


def test_sparse_weights():
    X, Y = problem()
    model = fresh("L1").fit(X, Y)
    expected = model.predict(X)
    np.testing.assert_allclose(model.sparsify().predict(X), expected, rtol=1e-12)
    assert np.isfinite(model.partial_fit(X, Y).coef_).all()


def test_another_number_of_outputs_is_refused():
    X, Y = problem()
    model = fresh("default").fit(X, Y)
    before = pickle.dumps(vars(model))
    for y, outputs in ((Y[:, :2], 2), (Y[:, 0], 1)):
        with pytest.raises(ValueError, match=f"y must have as many outputs as before, 3; got {outputs}"):
            model.partial_fit(X, y)
        assert pickle.dumps(vars(model)) == before
        with pytest.raises(ValueError, match="as many outputs as before, 3"):
            model.set_params(warm_start=True).fit(X, y)
        model.set_params(warm_start=False)
        with pytest.raises(ValueError, match=f"y_val must have as many outputs as y, 3; got {outputs}"):
            model.fit(X, Y, X_val=X, y_val=y)
    with pytest.raises(ValueError, match=r"coef_init does not match dataset: its shape must be \(3, 5\)"):
        model.fit(X, Y, coef_init=np.ones(5))
    with pytest.raises(ValueError, match="for the loss 'poisson'; got -1\\.0 in row 7"):
        Y[7, 2] = -1
        SGDRegressor(loss="poisson").fit(X, Y)
