"""The range test: its curve is that of training, its suggestions follow their definitions, and what it is given stays as it is."""

import json

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.preprocessing import scale

import fastgd
from fastgd.learning_rate import LRFinderResult, Suggestion, lr_find
from fastgd.learning_rate._range_test import exploded, slide, smoothed, valley
from fastgd.linear_model import Perceptron, SGDClassifier, SGDOneClassSVM, SGDRegressor

RATES = np.geomspace(1e-4, 10, 60)


def result_of(loss, rates=RATES):
    return LRFinderResult(rates, np.asarray(loss, float).reshape(len(rates), -1), 0.1)


def cancer():
    X, y = load_breast_cancer(return_X_y=True)
    return scale(X), y


def test_smoothing_is_the_weighted_mean():
    loss = np.random.default_rng(0).normal(size=(30, 2))
    for k in range(30):
        weights = 0.9 ** np.arange(k, -1, -1)
        np.testing.assert_allclose(smoothed(loss)[k], weights @ loss[: k + 1] / weights.sum(), rtol=1e-12)


def test_explosion():
    assert exploded(np.array([[1.0], [0.5], [0.1], [2.0], [9.0]])).tolist() == [4]
    assert exploded(np.array([[1.0], [np.nan], [0.1]])).tolist() == [1]
    assert exploded(np.array([[1.0], [0.9]])).tolist() == [2]
    assert exploded(np.array([[0.0], [0.0], [1.0]])).tolist() == [2], "from a loss of 0 any rise is an explosion"


def ends_of_longest_descents(values):
    """Return the pairs of first and last index of all the longest decreasing subsequences, by trying all starts."""
    found = {}
    for start in range(len(values)):
        length = {start: 1}
        for k in range(start + 1, len(values)):
            before = [length[i] for i in length if values[i] > values[k]]
            if before:
                length[k] = 1 + max(before)
        for end, n in length.items():
            found.setdefault(n, []).append((start, end))
    return found[max(found)]


@given(st.lists(st.integers(0, 50), min_size=3, max_size=20))
def test_valley_stands_two_thirds_down_a_longest_descent(values):
    rates = np.geomspace(1, 2, len(values))
    at = int(np.flatnonzero(rates == valley(rates, np.array(values, float)).learning_rate)[0])
    assert at in {start + (end - start) * 2 // 3 for start, end in ends_of_longest_descents(values)}


def test_rules_on_a_known_curve():
    """A fall between 1e-2 and 1, a minimum at 1, a rise after it."""
    x = np.log10(RATES)
    curve = np.where(x < -2, 1.0, np.where(x < 0, 1.0 - (x + 2) / 4, 0.5 + x))
    steepest = result_of(curve[:, None]).suggestions["steepest"]
    lowest = result_of(curve[:, None]).suggestions["minimum"]
    assert isinstance(steepest, Suggestion)
    assert 1e-2 <= steepest.learning_rate <= 1
    assert 0.08 <= lowest.learning_rate <= 0.2
    assert 0.5 < slide(RATES, curve).learning_rate <= 1.1
    assert result_of(curve[:, None]).suggest("steepest") == steepest.learning_rate


def test_it_always_says_something():
    flat = result_of(np.ones(60))
    rising = result_of(np.linspace(1, 2, 60))
    broken = result_of(np.full(60, np.nan))
    for result, word in ((flat, "too small"), (rising, "too small"), (broken, "begin lower")):
        assert all(word in each.reason and each.learning_rate > 0 for each in result.suggestions.values())
    assert broken.edge == RATES[0]
    assert flat.edge is None
    assert "no divergence" in repr(flat)


def test_json_round_trip():
    loss = np.linspace(1, 0.5, 60)
    loss[50:] = np.nan
    text = json.dumps(result_of(loss).to_dict(), allow_nan=False)
    assert json.loads(text)["edge"] == RATES[50]
    assert set(json.loads(text)["suggestions"]) == {"steepest", "valley", "slide", "minimum"}


@pytest.mark.parametrize("loss", ["log_loss", "hinge", "modified_huber"])
def test_its_edge_is_where_training_blows_up(loss):
    """Training at a tenth of the edge works; the valley lies below the edge and learns something."""
    X, y = cancer()
    result = lr_find(SGDClassifier(loss=loss, random_state=0), X, y)
    rate = result.suggest()
    assert rate < (result.edge or 100)
    assert (
        SGDClassifier(loss=loss, learning_rate=rate, max_iter=5, tol=None, random_state=0).fit(X, y).score(X, y) > 0.95
    )


def test_squared_error_explodes_beyond_the_edge():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 5))
    y = X @ np.arange(1.0, 6)
    result = lr_find(SGDRegressor(random_state=0), X, y)
    assert result.edge is not None
    options = {"max_iter": 3, "tol": None, "penalty": None, "random_state": 0}
    assert SGDRegressor(learning_rate=result.edge / 10, **options).fit(X, y).score(X, y) > 0.99
    with pytest.warns(fastgd.GradientHealthWarning, match="past the stability edge"):
        assert SGDRegressor(learning_rate=result.edge * 10, **options).fit(X, y).score(X, y) < -100


def test_the_estimator_stays_as_it_is():
    X, y = cancer()
    fitted = SGDClassifier(random_state=0).fit(X, y)
    before = {name: repr(value) for name, value in vars(fitted).items()}
    lr_find(fitted, X, y, random_state=3)
    assert {name: repr(value) for name, value in vars(fitted).items()} == before


@pytest.mark.parametrize("form", [np.asarray, sp.csr_matrix, sp.csc_array])
def test_forms_classes_weights_and_repetition(form):
    X, y = load_digits(return_X_y=True)
    model = SGDClassifier(loss="log_loss", random_state=0)
    first = lr_find(model, form(X / 16), y, n_points=40, sample_weight=np.ones(len(y)))
    again = lr_find(model, X / 16, y, n_points=40)
    assert first.loss.shape == (40, 5)
    np.testing.assert_allclose(first.loss, again.loss, rtol=1e-6)
    low, high = first.band
    assert (low <= high).all()


def test_the_first_seed_is_plain_training():
    """Its first point is the loss of an untrained model, and each point that of training with that ramp."""
    X, y = cancer()
    one = lr_find(SGDClassifier(loss="log_loss", random_state=0), X, y, n_seeds=1, n_points=20)
    five = lr_find(SGDClassifier(loss="log_loss", random_state=0), X, y, n_points=20)
    k = min(np.isfinite(one.loss).sum(), np.isfinite(five.loss[:, 0]).sum())
    np.testing.assert_allclose(one.loss[:k, 0], five.loss[:k, 0], rtol=1e-9)
    np.testing.assert_allclose(one.loss[0, 0], np.log(2), rtol=1e-3)


@pytest.mark.parametrize(
    "model",
    [
        Perceptron(),
        SGDRegressor(loss="huber"),
        SGDClassifier(loss="softmax", batch_size=8),
        SGDClassifier(optimizer=fastgd.Adam(lr=0.1), batch_size=8),
        SGDRegressor(loss="poisson", optimizer=fastgd.Adam()),
    ],
    ids=str,
)
def test_every_kind_of_estimator(model):
    X, y = cancer()
    result = lr_find(model, X, y, n_points=30, n_seeds=2)
    assert np.isfinite(result.suggest())
    assert (np.diff(result.learning_rate) > 0).all()


def own_problem():
    rng = np.random.default_rng(0)
    batches = [(X, X @ np.array([1.0, -2.0, 3.0])) for X in rng.normal(size=(8, 16, 3))]
    params = {"w": np.zeros(3), "b": np.zeros(1)}

    def loss_and_grad(params, batch):
        X, y = batch
        r = X @ params["w"] + params["b"] - y
        return (r * r).mean() / 2, {"w": X.T @ r / len(r), "b": np.atleast_1d(r.mean())}

    return params, loss_and_grad, batches


@pytest.mark.parametrize("optimizer", [None, fastgd.Adam(), fastgd.SGD(lr=1.0, momentum=0.9, clip_norm=1.0)])
def test_ones_own_model(optimizer):
    params, function, batches = own_problem()
    result = lr_find(params, function, iter(batches), optimizer=optimizer, n_seeds=3, random_state=0)
    assert params["w"].tolist() == [0, 0, 0]
    assert result.loss.shape == (100, 3)
    assert 1e-4 < result.suggest() < 10
    assert result.loss[0, 0] == function(params, batches[0])[0]


def test_ones_own_model_is_put_back_after_an_error():
    params, function, batches = own_problem()
    calls = []

    def failing(params, batch):
        calls.append(1)
        if len(calls) == 5:
            raise RuntimeError("mine")
        return function(params, batch)

    with pytest.raises(RuntimeError, match="mine"):
        lr_find(params, failing, batches)
    assert params["w"].tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"low": 0}, "low"),
        ({"low": 1, "high": 0.1}, "low"),
        ({"high": np.inf}, "high"),
        ({"n_points": 2}, "n_points"),
        ({"n_seeds": 0}, "n_seeds"),
        ({"optimizer": fastgd.Adam()}, "estimator"),
    ],
)
def test_what_is_refused(options, words):
    X, y = cancer()
    with pytest.raises(ValueError, match=words):
        lr_find(SGDClassifier(), X, y, **options)


def test_other_models_are_refused():
    X, y = cancer()
    for model in (SGDOneClassSVM(), "SGDClassifier", None):
        with pytest.raises(TypeError, match="model"):
            lr_find(model, X, y)
    with pytest.raises(ValueError, match="batch"):
        lr_find(np.zeros(2), lambda p, b: (0.0, p), [])
    with pytest.raises(TypeError, match="optimizer"):
        lr_find(np.zeros(2), lambda p, b: (0.0, p), [1], optimizer="adam")


def test_plot():
    import matplotlib

    matplotlib.use("agg")
    X, y = cancer()
    ax = lr_find(SGDClassifier(loss="log_loss", random_state=0), X, y).plot()
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert [label.split()[0] for label in labels] == [
        "5",
        "steepest",
        "valley",
        "slide",
        "minimum",
        "trial",
        "diverged",
    ]
