"""Histories: dicts in every respect, shown as curves in notebooks, whatever is in them."""

import copy
import json
import math
import pickle
import re
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fastgd
from fastgd._training.history import History, _scale, _ticks
from fastgd.linear_model import Perceptron, SGDClassifier, SGDOneClassSVM, SGDRegressor
from fastgd.neural_network import MLPClassifier, MLPMultiTask, MLPRegressor

SVG = re.compile(r"<svg.*?</svg>", re.DOTALL)


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((60, 4))
    return X, np.digitize(X[:, 0], [-0.5, 0.5])


def parsed(html):
    """Return the elements: what a strict parser takes has no unescaped text and no tag left open."""
    return ElementTree.fromstring(html.replace("&nbsp;", " "))


@pytest.mark.parametrize(
    "model",
    [
        SGDClassifier(max_iter=5, tol=None, random_state=0),
        SGDClassifier(max_iter=6, learning_rate="auto", random_state=0),
        SGDClassifier(loss="log_loss", max_iter=5, tol=None, random_state=0, early_stopping=True),
        SGDRegressor(max_iter=1, tol=None, random_state=0),
        SGDOneClassSVM(max_iter=3, tol=None, random_state=0),
        Perceptron(max_iter=3, tol=None),
        MLPClassifier((4,), max_iter=3, tol=0.0, random_state=0, n_iter_no_change=9),
        MLPClassifier((4,), max_iter=3, solver="lbfgs", random_state=0),
        MLPRegressor(hidden_layer_sizes=(4,), max_iter=3, learning_rate="auto", random_state=0),
    ],
    ids=lambda model: f"{type(model).__name__}-{getattr(model, 'learning_rate', '')}",
)
@pytest.mark.filterwarnings("ignore")  # too few epochs, on purpose
def test_every_estimator_has_a_history_that_notebooks_show(data, model, tmp_path):
    model.fit(data[0], data[1]) if not isinstance(model, SGDOneClassSVM) else model.fit(data[0])
    history = model.history_
    assert type(history) is History and isinstance(history, dict)
    parsed(history._repr_html_())
    fastgd.save_model(tmp_path / "model.safetensors", model)
    for other in (
        pickle.loads(pickle.dumps(history)),
        copy.deepcopy(history),
        fastgd.load_model(tmp_path / "model.safetensors").history_,
    ):
        assert type(other) is History and other.keys() == history.keys()
        for name, values in history.items():
            np.testing.assert_array_equal(other[name], values)


def test_several_tasks_and_partial_fit(data):
    model = MLPMultiTask({"kind": "log_loss"}, (4,), max_iter=2, random_state=0)
    X, y = data
    with pytest.warns(UserWarning):
        model.fit(X, {"kind": y})
    assert type(model.history_) is History
    assert type(SGDClassifier().partial_fit(X, y, classes=[0, 1, 2]).history_) is History


def test_it_is_a_dict():
    plain = {"epoch": [1, 2], "loss": [2.0, 1.0]}
    history = History(plain)
    assert history == plain and plain == history and list(history) == list(plain) and {**history} == plain
    assert json.loads(json.dumps(history)) == plain and repr(history) == repr(plain)


def test_the_numbers_and_the_curves():
    loss = np.array([[4.0, 2.0], [3.0, 1.0], [1.0, np.nan]])  # the second model has stopped after two epochs
    history = History(
        epoch=np.array([1, 2, 3]),
        loss=loss,
        val_loss=np.array([3.0, 2.5, 2.75]),
        val_score=np.array([0.5, 0.75, 0.5]),
        learning_rate=np.array([0.1, 0.4, 0.1]),
        rows_per_second=np.array([1000.0, 3000.0, 2000.0]),
        seconds=np.array([1.0, 2.0, 3.5]),
    )
    html = history._repr_html_()
    rows = {row[0].text: row[1].text for row in parsed(html).iter("tr")}
    assert rows == {
        "epochs": "3",
        "curves": "means over 2 models",
        "training loss": "3 → 1",
        "lowest validation loss": "2.5 after epoch 2",
        "highest validation score": "0.75 after epoch 2",
        "learning rate": "0.1 to 0.4",
        "rows a second": "2,000",
        "seconds": "3.5",
    }
    loss_chart, rate_chart = map(parsed, SVG.findall(html))
    titles = [each.text for each in loss_chart.iter("title")]
    assert titles == [f"training, epoch {k}: {v}" for k, v in ((1, 3), (2, 2), (3, 1))] + [
        f"validation, epoch {k}: {v}" for k, v in ((1, 3), (2, 2.5), (3, 2.75))
    ]
    marks = [(float(each.get("cx")), float(each.get("cy"))) for each in loss_chart.iter("circle")]
    assert marks[0][1] < marks[1][1] < marks[2][1] and marks[1][0] - marks[0][0] == pytest.approx(
        marks[2][0] - marks[1][0], abs=0.11
    )
    assert "training 3 → 1" in loss_chart.get("aria-label") and len(list(rate_chart.iter("title"))) == 3
    assert "http" not in html and "<script" not in html


def test_a_curve_is_broken_where_a_value_is_not_finite():
    history = History(epoch=np.arange(1, 6), loss=np.array([2.0, 1.0, np.nan, np.inf, 1.5]))
    (chart,) = map(parsed, SVG.findall(history._repr_html_()))
    assert [each.get("d").count("M") for each in chart.iter("path") if each.get("stroke") != "currentColor"] == [2]


def test_long_histories_stay_small():
    n = 200_000
    html = History(epoch=np.arange(1, n + 1), loss=np.linspace(1e6, 1e-6, n), learning_rate=np.ones(n))._repr_html_()
    assert len(html) < 30_000


@pytest.mark.parametrize(
    "history",
    [
        {},
        {"loss": np.ones(3)},
        {"epoch": np.arange(3)},
        {"epoch": np.arange(3), "loss": np.ones(2)},
        {"epoch": "spam", "loss": np.ones(2)},
        {"epoch": np.arange(2), "loss": ["a", "b"]},
        {"epoch": np.empty(0), "loss": np.empty(0)},
        {"epoch": np.arange(3), "loss": np.full(3, np.nan), "val_loss": np.full(3, np.nan)},
        {"epoch": ["<script>alert(1)</script>"], "loss": [1.0]},
        {"epoch": np.arange(3), "seconds": ["<b>"] * 3},
    ],
)
def test_whatever_users_put_in(history):
    html = History(history)._repr_html_()
    assert html is None or (parsed(html) is not None and "<script" not in html)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.one_of(st.floats(width=64), st.floats(1e-9, 1e9), st.just(0.0)),
        min_size=1,
        max_size=6,
    )
)
def test_any_numbers_make_elements_with_finite_places(values):
    html = History(
        epoch=np.arange(1, len(values) + 1), loss=np.array(values), learning_rate=np.array(values)
    )._repr_html_()
    for chart in map(parsed, SVG.findall(html)):
        for each in chart.iter():
            for name in ("cx", "cy", "x", "y", "d"):
                assert "nan" not in each.get(name, "") and "inf" not in each.get(name, "")


@given(st.floats(-1e12, 1e12), st.floats(1e-9, 1e12), st.booleans())
def test_ticks_are_few_round_and_inside(low, span, log):
    low, high = (abs(low) + 1e-6, (abs(low) + 1e-6) * (1 + span)) if log else (low, low + span)
    if low == high:
        return
    scale = _scale(np.array([low, high]), 0.0, 100.0, log)
    ticks = _ticks(scale)
    slack = 1e-6 * max(abs(low), abs(high))
    assert len(ticks) <= 6 and all(low - slack <= tick <= high + slack for tick in ticks)
    assert all(math.isfinite(float(scale(tick))) for tick in ticks)
