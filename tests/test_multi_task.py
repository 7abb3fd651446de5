"""Several heads on one trunk: the losses and gradients of the oracle, predictions by name, and refusals."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from sklearn.base import clone

import fastgd
from fastgd._training.fit import epoch_order
from fastgd.neural_network import Head, MLPClassifier, MLPMultiTask, MLPRegressor

from . import naive, naive_network

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(90, 5))
Y = {
    "kind": np.array(["a", "b", "c"])[np.digitize(X[:, 0], [-0.5, 0.5])],
    "side": X[:, 1] > 0,
    "height": X[:, 2] - X[:, 3],
    "place": X[:, :2] * 2,
    "count": RANDOM.poisson(np.exp(X[:, 4] / 2)),
}
HEADS = {
    "kind": "log_loss",
    "side": Head("log_loss", weight=0.5),
    "height": Head("huber", epsilon=0.7),
    "place": Head("squared_error", weight=0.2),
    "count": Head("poisson", weight=2.0),
}
FEW = {"hidden_layer_sizes": (9, 6), "activation": "tanh", "random_state": 0, "tol": None, "max_iter": 3}


def columns():
    return np.column_stack(
        [np.unique(Y["kind"], return_inverse=True)[1], Y["side"], Y["height"], Y["place"], Y["count"]]
    )


ORACLES = [
    naive_network.Head(3, "softmax"), naive_network.Head(1, "log_loss", 0.5), naive_network.Head(1, "huber", 1.0, 0.7),
    naive_network.Head(2, "squared_error", 0.2), naive_network.Head(1, "poisson", 2.0),
]  # fmt: skip


def test_training_is_that_of_the_oracle():
    options = FEW | {"alpha": 0.01, "batch_size": 16, "warm_start": True}
    model = MLPMultiTask(HEADS, optimizer=fastgd.Adam(lr=0.02), **options).fit(X, Y)
    weights = list(zip(model.coefs_, model.intercepts_, strict=True))
    oracle = naive_network.Network(weights, ["tanh", "tanh"], ORACLES, alpha=0.01)
    seed = np.random.RandomState(0).randint(np.iinfo(np.int32).max)
    orders = [epoch_order(np.arange(90), seed, epoch, True) for epoch in range(3)]
    oracle.train(
        naive.Adam(lr=0.02), X, columns(), [order[low : low + 16] for order in orders for low in range(0, 90, 16)]
    )
    model.fit(X, Y)
    for (w, b), coef, intercept in zip(oracle.weights, model.coefs_, model.intercepts_, strict=True):
        np.testing.assert_allclose(coef, w, rtol=1e-8, atol=1e-10)
        np.testing.assert_allclose(intercept, b, rtol=1e-8, atol=1e-10)
    z, _, _ = oracle.forward(X)
    found, chances = model.predict(X), model.predict_proba(X)
    assert (found["kind"] == np.array(["a", "b", "c"])[z[:, :3].argmax(1)]).all() and found["kind"].dtype == Y[
        "kind"
    ].dtype
    assert (found["side"] == (z[:, 3] > 0)).all() and found["side"].dtype == bool
    np.testing.assert_allclose(found["height"], z[:, 4], rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(found["place"], z[:, 5:7], rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(found["count"], np.exp(z[:, 7]), rtol=1e-6)
    e = np.exp(z[:, :3])
    np.testing.assert_allclose(chances["kind"], e / e.sum(1, keepdims=True), rtol=1e-6)
    np.testing.assert_allclose(
        chances["side"], np.stack([1 / (1 + np.exp(z[:, 3])), 1 / (1 + np.exp(-z[:, 3]))], 1), rtol=1e-6
    )
    assert list(chances) == ["kind", "side"]


def test_the_loss_is_the_weighted_sum():
    """And the gradient its difference quotient: one full-batch step of plain descent moves by the rate times the gradient."""
    options = FEW | {"alpha": 0.0, "batch_size": 90, "max_iter": 1, "warm_start": True}
    model = MLPMultiTask(HEADS, optimizer=fastgd.SGD(lr=1e-9), **options).fit(X, Y)
    oracle = naive_network.Network(list(zip(model.coefs_, model.intercepts_, strict=True)), ["tanh"] * 2, ORACLES)
    losses, _ = oracle.losses(oracle.forward(X)[0], columns())
    before = [coef.copy() for coef in model.coefs_]
    model.set_params(optimizer=fastgd.SGD(lr=1e-3)).fit(X, Y)
    assert model.loss_ == pytest.approx(losses.mean(), rel=1e-9)

    def mean_loss(k, place, change):
        w, b = oracle.weights[k]
        moved = w.copy()
        moved[place] += change
        other = [*oracle.weights[:k], (moved, b), *oracle.weights[k + 1 :]]
        network = naive_network.Network(other, ["tanh"] * 2, ORACLES)
        return network.losses(network.forward(X)[0], columns())[0].mean()

    for k, coef in enumerate(model.coefs_):
        for place in [(0, 0), (coef.shape[0] - 1, coef.shape[1] - 1)]:
            slope = (mean_loss(k, place, 1e-5) - mean_loss(k, place, -1e-5)) / 2e-5
            assert (before[k][place] - coef[place]) / 1e-3 == pytest.approx(slope, rel=1e-5, abs=1e-8)


@pytest.mark.parametrize("kind", ["kind", "side", "height", "place", "count"])
def test_one_head_is_the_single_estimator(kind):
    head = HEADS[kind] if isinstance(HEADS[kind], Head) else Head(HEADS[kind])
    several = MLPMultiTask({kind: Head(head.loss, epsilon=0.7)}, **FEW).fit(X, {kind: Y[kind]})
    single = MLPClassifier(**FEW) if head.loss == "log_loss" else MLPRegressor(head.loss, huber_epsilon=0.7, **FEW)
    single.fit(X, Y[kind])
    assert all(np.array_equal(a, b) for a, b in zip(several.coefs_, single.coefs_, strict=True))
    assert np.array_equal(several.predict(X)[kind], single.predict(X))
    assert several.score(X, {kind: Y[kind]}) == pytest.approx(single.score(X, Y[kind]))


def test_heads_learn_together():
    y = {name: Y[name] for name in ("kind", "side", "height", "place")}
    heads = {name: HEADS[name] for name in y}
    model = MLPMultiTask(heads, (40,), max_iter=300, learning_rate=0.01, random_state=0, tol=None).fit(X, y)
    assert min(model.scores(X, y).values()) > 0.97
    weights = [1, 0.5, 1, 0.2]
    assert model.score(X, y) == pytest.approx(np.average(list(model.scores(X, y).values()), weights=weights))


def test_a_weight_of_zero_is_no_head():
    """The trunk's weights move as without it; its own output stays."""
    with_it = MLPMultiTask({"height": "squared_error", "side": Head("log_loss", weight=0)}, alpha=0, **FEW)
    with_it.fit(X, {name: Y[name] for name in ("height", "side")})
    assert with_it.history_["layer_gradient"].shape == (3, 3)
    start = clone(with_it).set_params(max_iter=1, learning_rate=1e-300).fit(X, {n: Y[n] for n in ("height", "side")})
    assert np.array_equal(start.coefs_[-1][:, 1], with_it.coefs_[-1][:, 1])


def test_frames_sparse_rows_and_files(tmp_path):
    y = {name: Y[name] for name in ("kind", "height")}
    heads = {name: HEADS[name] for name in y}
    model = MLPMultiTask(heads, **FEW).fit(X, y)
    for rows, targets in ((X, pd.DataFrame(y)), (sp.csr_array(X), y), (X, dict(reversed(y.items())))):
        other = clone(model).fit(rows, targets)
        np.testing.assert_allclose(other.coefs_[0], model.coefs_[0], rtol=1e-9)
    model.save(tmp_path / "m")
    other = fastgd.load_model(tmp_path / "m")
    assert other.heads == heads and other.outputs_ == model.outputs_
    assert np.array_equal(other.partial_fit(X, y).coefs_[0], model.partial_fit(X, y).coefs_[0])
    assert model.prune(0.5).n_nonzero_after == other.prune(0.5).n_nonzero_after


def test_going_on_is_exact():
    whole = MLPMultiTask(HEADS, dropout=0.2, **FEW).fit(X, Y)
    part = MLPMultiTask(HEADS, dropout=0.2, **FEW | {"max_iter": 1}).fit(X, Y).partial_fit(X, Y, n_epochs=2)
    assert all(np.array_equal(a, b) for a, b in zip(whole.coefs_, part.coefs_, strict=True))
    alone = MLPMultiTask(HEADS, dropout=0.2, **FEW)
    alone.partial_fit(X, Y, classes={"kind": ["c", "b", "a"], "side": [False, True]}, n_epochs=3)
    assert all(np.array_equal(a, b) for a, b in zip(whole.coefs_, alone.coefs_, strict=True))


def test_validation_early_stopping_and_weights():
    model = MLPMultiTask(HEADS, **FEW | {"max_iter": 20}, early_stopping=True).fit(X, Y)
    assert len(model.validation_scores_) == 20 and model.best_validation_score_ == max(model.validation_scores_)
    model = MLPMultiTask(HEADS, **FEW).fit(
        X[:60], {n: v[:60] for n, v in Y.items()}, X_val=X[60:], y_val={n: v[60:] for n, v in Y.items()}
    )
    rest = {n: v[60:] for n, v in Y.items()}
    assert model.history_["val_score"][-1] == pytest.approx(model.score(X[60:], rest))
    weight = np.r_[np.ones(60), np.zeros(30)]
    assert np.array_equal(
        MLPMultiTask(HEADS, **FEW).fit(X, Y, weight).predict(X)["height"],
        MLPMultiTask(HEADS, **FEW).fit(X[:60], {n: v[:60] for n, v in Y.items()}).predict(X)["height"],
    )
    auto = MLPMultiTask(HEADS, learning_rate="auto", **FEW | {"max_iter": 5}).fit(X, Y)
    assert auto.learning_rate_ > 0


REFUSED = {
    "no heads": ({}, Y, "heads must name at least one target"),
    "a bad loss": ({"kind": "hinge"}, Y, "'loss' argument of Head"),
    "no head": ({"kind": 3}, Y, r"'heads\['kind'\]' argument|heads\['kind'\]"),
    "a missing target": (HEADS, {"kind": Y["kind"]}, "'y' argument of MLPMultiTask must be with exactly the targets"),
    "an array": (HEADS, Y["height"], "'y' argument of MLPMultiTask must be a dict or a frame"),
    "few rows": (HEADS, Y | {"side": Y["side"][:5]}, r"y\['side'\] must have 90 rows"),
    "texts as numbers": (HEADS, Y | {"height": Y["kind"]}, r"y\['height'\] must hold numbers"),
    "nan": (HEADS, Y | {"height": np.full(90, np.nan)}, r"y\['height'\] must be finite"),
    "negative counts": (HEADS, Y | {"count": -Y["count"] - 1}, r"y\['count'\] must be finite and >= 0"),
    "two labels a row": (HEADS, Y | {"side": np.ones((90, 2))}, r"y\['side'\] must be one label a row"),
    "nan as a label": (HEADS, Y | {"side": np.where(Y["side"], np.nan, 0.0)}, r"y\['side'\] contains NaN"),
    "one class": (HEADS, Y | {"side": np.ones(90)}, "number of classes has to be greater than one"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_bad_arguments_are_refused(name):
    heads, y, words = REFUSED[name]
    model = MLPMultiTask(heads, **FEW)
    with pytest.raises((ValueError, TypeError), match=words):
        model.fit(X, y)
    assert not hasattr(model, "coefs_")


def test_as_many_heads_as_the_compiled_tables_have_places():
    heads = {f"target {k}": "squared_error" for k in range(65)}
    y = {name: X[:, 0] for name in heads}
    with pytest.raises(ValueError, match="heads must name at most 64 targets; got 65"):
        MLPMultiTask(heads, **FEW).fit(X, y)
    for each in (heads, y):
        each.popitem()
    assert MLPMultiTask(heads, **FEW).fit(X, y).n_outputs_ == 64


def test_rows_without_weight_change_nothing():
    classes = {"kind": ["a", "b", "c"], "side": [False, True]}
    model = MLPMultiTask(HEADS, **FEW).partial_fit(X, Y, np.zeros(90), classes)
    assert model.t_ == 0 and len(model.predict(X)) == 5
    model.partial_fit(X, Y, n_epochs=2)
    other = MLPMultiTask(HEADS, **FEW).partial_fit(X, Y, classes=classes, n_epochs=2)
    other.partial_fit(X, Y, np.zeros(90))
    assert all(np.array_equal(a, b) for a, b in zip(model.coefs_, other.coefs_, strict=True)) and model.t_ == other.t_


def test_going_on_with_other_targets_is_refused():
    model = MLPMultiTask(HEADS, **FEW).fit(X, Y)
    before = [coef.copy() for coef in model.coefs_]
    with pytest.raises(ValueError, match=r"y\['kind'\] has labels \['z'\]"):
        model.partial_fit(X, Y | {"kind": np.full(90, "z")})
    with pytest.raises(ValueError, match="heads and targets must be as before"):
        model.partial_fit(X, Y | {"place": X[:, :3]})
    with pytest.raises(ValueError, match="'classes' argument of partial_fit must be a dict of the labels"):
        MLPMultiTask(HEADS).partial_fit(X, Y)
    with pytest.raises(ValueError, match=r"y\['kind'\] must have the classes as before"):
        model.set_params(warm_start=True).fit(X, Y | {"kind": np.where(Y["kind"] == "a", "x", Y["kind"])})
    assert all(np.array_equal(a, b) for a, b in zip(before, model.coefs_, strict=True))
