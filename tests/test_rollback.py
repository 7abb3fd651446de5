"""Divergence: an error, the last finite weights, or a second try with a smaller rate."""

import pickle
import re
import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.callback import ProgressBar

import fastgd
from fastgd._training import fit
from fastgd.linear_model import DivergedError, SGDClassifier, SGDOneClassSVM, SGDRegressor
from fastgd.neural_network import MLPRegressor
from fastgd.schedules import linear

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(120, 4))
Y = X @ [1.0, -1.0, 0.5, 0.0]
LABELS = np.digitize(Y, [-0.5, 0.5])
EPOCHS = 12
STEEP = linear(1e-3, 60, 5.0)  # stable at first; then each step is far beyond the edge
ROWS = {"tol": None, "random_state": 0, "max_iter": EPOCHS}
BATCHES = ROWS | {"batch_size": 20}
MODELS = {
    "rows": SGDRegressor(learning_rate=linear(1e-3, 1000, 1.0), **ROWS),
    "averaged": SGDRegressor(learning_rate=linear(1e-3, 1000, 1.0), average=150, **ROWS),
    "classes": SGDClassifier("squared_error", learning_rate=linear(1e-3, 1000, 1.0), **ROWS),
    "batches": SGDRegressor(learning_rate=STEEP, optimizer=fastgd.SGD(momentum=0.9), **BATCHES),
    "network": MLPRegressor(
        hidden_layer_sizes=(5,), solver="sgd", activation="identity", learning_rate=0.1 * STEEP, **BATCHES
    ),
}


def target(model):
    return LABELS if isinstance(model, SGDClassifier) else Y


def weights(model):
    return [*model.coefs_, *model.intercepts_] if hasattr(model, "coefs_") else [model.coef_, model.intercept_]


def fitted(model):
    return [each.tobytes() for each in weights(model)]


@pytest.mark.parametrize("name", MODELS)
def test_rollback_ends_at_the_last_good_weights(name):
    model, seen = clone(MODELS[name]).set_params(on_divergence="rollback"), []
    with pytest.warns(fastgd.GradientHealthWarning, match="went back to the weights of epoch") as caught:
        model.fit(X, target(model), callbacks=[lambda info: seen.append(info.epoch)])
    n = seen[-1]
    assert any(f"diverged in epoch {n + 1}: went back to the weights of epoch {n}" in str(w.message) for w in caught)
    assert 1 < n < EPOCHS and model.stop_reason_ == "diverged" and model.n_iter_ == n == len(model.history_["loss"])
    assert model.score(X, target(model)) > -10 * np.var(Y)
    shorter = clone(model).set_params(max_iter=n, on_divergence="raise", learning_rate=model.learning_rate)
    if name not in ("classes", "averaged"):
        assert fitted(quietly(shorter)) == fitted(model) and model.t_ == shorter.t_


def quietly(model):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", fastgd.GradientHealthWarning)
        return model.fit(X, target(model))


@pytest.mark.parametrize("name", MODELS)
def test_retry_goes_on_with_a_smaller_rate(name):
    """The epoch is done again with half of the rate, as often as needed; rates that need not be smaller stay."""
    model = clone(MODELS[name]).set_params(on_divergence="retry", learning_rate=1e180)
    with pytest.raises(DivergedError):  # so many halvings are not allowed
        model.fit(X, target(model))
    with pytest.warns(fastgd.GradientHealthWarning) as caught:
        model.set_params(learning_rate=300.0).fit(X, target(model))
    assert any(re.match(r"training diverged \d+ times?: went back and multiplied", str(w.message)) for w in caught)
    factor = model.history_["learning_rate"] / 300
    assert model.n_iter_ == EPOCHS and (model.history_["loss"][-1] < 100).all()
    assert (np.log2(factor) % 1 == 0).all() and (np.diff(factor, axis=0) <= 0).all() and factor.max() < 1


def test_retry_is_training_at_that_rate():
    """Divergence in the first epoch leaves nothing behind: all is as with the smaller rate from the beginning."""
    for name in ("rows", "batches", "network"):
        model = clone(MODELS[name]).set_params(on_divergence="retry", learning_rate=300.0)
        with pytest.warns(fastgd.GradientHealthWarning):
            model.fit(X, Y)
        rates = model.history_["learning_rate"]
        if (rates == rates[0]).all():
            assert fitted(clone(model).set_params(learning_rate=rates[0]).fit(X, Y)) == fitted(model), name


@pytest.mark.filterwarnings("ignore::fastgd.GradientHealthWarning")
@pytest.mark.parametrize("name", ["rows", "batches", "network", "averaged"])
def test_going_on_after_a_retry_is_exact(name):
    model = clone(MODELS[name]).set_params(on_divergence="retry", learning_rate=300.0)
    whole = clone(model).fit(X, Y)
    part = pickle.loads(pickle.dumps(clone(model).set_params(max_iter=EPOCHS - 5).fit(X, Y)))
    assert fitted(part.partial_fit(X, Y, n_epochs=5)) == fitted(whole)


def test_nothing_to_go_back_to_is_an_error():
    model = SGDRegressor(learning_rate=1e200, on_divergence="rollback", **ROWS)
    with pytest.raises(DivergedError, match="epoch #1"):
        model.fit(X, Y)
    assert not hasattr(model, "coef_")


def test_partial_fit_goes_back_to_what_it_began_with():
    model = SGDRegressor(learning_rate=0.01, **ROWS).fit(X, Y)
    before = fitted(model)
    with pytest.raises(DivergedError):
        model.set_params(learning_rate=1e200, on_divergence="rollback").partial_fit(X, Y)
    assert fitted(model) == before


def test_callbacks_see_whole_epochs():
    seen = []
    model = clone(MODELS["network"]).set_params(on_divergence="rollback").set_callbacks(ProgressBar())
    with pytest.warns(fastgd.GradientHealthWarning):
        model.fit(X, Y, callbacks=[lambda info: seen.append(info.epoch)])
    assert seen == model.history_["epoch"].tolist()


@pytest.mark.parametrize("estimator", [SGDRegressor(), SGDClassifier(), SGDOneClassSVM(), MLPRegressor()])
def test_the_parameter_is_checked(estimator):
    with pytest.raises(ValueError, match=r"The 'on_divergence' parameter of .* must be a str among"):
        estimator.set_params(on_divergence="ignore").fit(X, LABELS)


def test_the_error_names_the_last_stable_rate():
    steep = clone(MODELS["network"]).set_params(learning_rate=linear(1e-3, 200, 3.0), max_iter=50)
    with pytest.raises(DivergedError, match=r"learning rate \S+, last stable \S+, last finite loss"):
        steep.fit(X, Y)


@pytest.mark.filterwarnings("ignore::fastgd.GradientHealthWarning")
@pytest.mark.parametrize("rate", [0.01, 0.24, 300.0])
def test_classes_go_back_one_by_one(rate):
    """Each class has the bits that it has alone, though all of them do an epoch again when one diverges."""
    model = SGDClassifier("squared_error", learning_rate=rate, on_divergence="retry", **ROWS)
    together = clone(model).fit(X, LABELS)
    for k in range(3):
        alone = clone(model).fit(X, k == LABELS)
        assert together.coef_[k].tobytes() == alone.coef_[0].tobytes()
        assert (together.history_["learning_rate"][:, k] == alone.history_["learning_rate"]).all()


@pytest.mark.parametrize("name", ["rows", "batches", "network"])
def test_of_many_rows_some_are_judged(name):
    many = np.tile(X, (30, 1)) + 0.1 * np.random.default_rng(1).normal(size=(3600, 4))
    y = many @ [1.0, -1.0, 0.5, 0.0]
    steep = 1.0 if name == "rows" else 8.0  # beyond the edge from the first step on
    model = clone(MODELS[name]).set_params(on_divergence="retry", learning_rate=steep)
    with pytest.warns(fastgd.GradientHealthWarning, match="multiplied the learning rate"):
        model.fit(many, y)
    assert model.score(many, y) > 0.5


@pytest.mark.parametrize("n", [1, 255, 256, 511, 512, 10_000])
def test_rows_that_judge_are_spread_and_have_weight(n):
    learn = np.arange(3, 3 + 2 * n, 2)
    weight = np.ones((3 + 2 * n, 2))
    judged = fit.Problem(None, None, learn).judged
    assert min(n, 256) <= len(judged) < 512 and len(set(np.diff(judged))) <= 1 and judged[0] == 3
    assert n - (judged[-1] - 3) / 2 <= 2 * n / 256 + 1  # up to the end
    assert (fit.Problem(None, None, learn, weight).judged == judged).all()
    assert (np.asarray(fit.Problem(None, None, range(n), weight).judged) == (judged - 3) / 2).all()
    weight[judged, 1] = 0  # none in one lane
    assert (fit.Problem(None, None, learn, weight).judged == learn).all()
