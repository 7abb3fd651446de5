"""Networks on arrays of another library, as on a GPU: those of host memory, step by step and as estimators."""

import pickle

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.base import clone

import fastgd
from fastgd._estimators import device_inputs
from fastgd._training.device import DeviceRows
from fastgd._training.device_network import DeviceNetworks
from fastgd._training.network import NetworkLanes
from fastgd._training.rates import RateTable
from fastgd.neural_network import MLPClassifier, MLPMultiTask, MLPRegressor

from . import device_library
from .device_library import Array, on_device

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
SIZES = (
    "loss_sum",
    "weighted_loss_sum",
    "weight_sum",
    "penalty",
    "grad_norm",
    "layer_gradient",
    "update_ratio",
    "dead_units",
)


@pytest.fixture(autouse=True)
def every_library(monkeypatch):
    """Let arrays in host memory take the way of those on a GPU, as with scikit-learn's array_api_dispatch, which scipy must be told of."""
    monkeypatch.setattr(device_inputs, "get_config", lambda: {"array_api_dispatch": True})


NETWORKS = {
    "softmax": (((8, "relu"),), ((3, "softmax"),), {}),
    "temperature": (((8, "tanh"), (5, "gelu")), ((3, "softmax", 1.0, 2.0),), {"alpha": 0.1, "optimizer": fastgd.SGD(momentum=0.9)}),
    "two heads": (
        ((8, "elu"), (5, "leaky_relu")),
        ((2, "squared_error"), (1, "huber", 0.5, 0.3)),
        {"alpha": [0.1, 0.01], "l1": 0.01, "clip_norm": 0.2},
    ),
    "decoupled": (
        ((8, "silu"), (5, "logistic")),
        ((2, "log_loss"), (1, "poisson", 0.5)),
        {"alpha": [0.1, 0.01], "l1": 0.1, "penalty": "decoupled", "optimizer": fastgd.AdamW()},
    ),
    "constrained": (((8, "identity"),), ((3, "softmax"),), {"max_norm": 0.5, "non_negative": True, "seed": [1, 2]}),
    "probabilities": (((8, "relu"),), ((3, "softmax_probabilities"),), {"weighted": True}),
    "no hidden layer": ((), ((3, "softmax"),), {"optimizer": fastgd.FTRL()}),
    "dropout": (
        ((8, "relu"), (5, "tanh")),
        ((3, "softmax"),),
        {"dropout": [0.3, 0.5], "seed": [7, 2**63 + 5]},
    ),
    "kept": (((4, "relu"),), ((3, "softmax"),), {"kept": np.random.default_rng(3).random(47) < 0.7}),
}  # fmt: skip


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", NETWORKS)
def test_networks_are_those_of_host_memory(name, dtype):
    layers, heads, options = NETWORKS[name]
    options = {"seed": [1, 2], "batch_size": 32, **options}
    rng = np.random.default_rng(0)
    X = rng.standard_normal((200, 7)).astype(dtype)
    codes = heads[0][1] == "softmax"
    targets = (rng.integers(0, 3, (200, 1)) if codes else rng.random((200, 3))).astype(dtype)
    weight = rng.random((200, 2)) if options.pop("weighted", False) else None
    rows = DeviceRows(on_device(X), device_library.library)
    here = NetworkLanes(dtype, 7, layers, heads, **options)
    there = DeviceNetworks(rows, layers, heads, **options)
    rate, close = RateTable.constant([0.01, 0.02]), 1e-5 if dtype == "float32" else 1e-12
    for epoch in range(4):
        order = rng.permutation(200)
        expected, found = here.epoch(X, targets, order, rate, weight), there.epoch(rows, targets, order, rate, weight)
        np.testing.assert_allclose(there.coef, here.coef, rtol=0, atol=close)
        for size in SIZES:
            np.testing.assert_allclose(
                getattr(found, size), getattr(expected, size), rtol=100 * close, atol=100 * close, err_msg=size
            )
        assert (found.clipped is None) == (expected.clipped is None) and there.t == here.t
        if epoch == 1:  # both go on from the state of the other
            here_state = here.state()
            here.set_state(there.state())
            there.set_state(here_state)
    still = RateTable.constant(0.0)
    measured = [lanes.epoch(data, targets, None, still, weight).loss_sum for lanes, data in ((here, X), (there, rows))]
    np.testing.assert_allclose(measured[1], measured[0], rtol=100 * close)
    np.testing.assert_allclose(there.decision(rows), here.decision(X), rtol=0, atol=10 * close)


def test_a_network_that_meets_nan_is_lost():
    X, y = np.ones((40, 3)), np.zeros((40, 1))
    y[0] = np.nan
    rows = DeviceRows(on_device(X), device_library.library)
    there = DeviceNetworks(rows, ((4, "relu"),), ((1, "squared_error"),), batch_size=8)
    there._checked_rows = lambda rows, targets, order, weight: (
        targets,
        np.arange(40),
        None,
        np.ones(1),
    )  # which refuses NaN
    assert not there.epoch(rows, y, None, RateTable.constant(0.1)).finite


def data(dtype="float32"):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((200, 7)).astype(dtype)
    scores = X @ rng.standard_normal((7, 3)) + 0.5 * rng.standard_normal((200, 3))
    numbers = scores.astype(dtype)
    soft = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    kinds = {
        "classes": scores.argmax(axis=1),
        "two": (scores[:, 0] > 0).astype(int),
        "labels": (scores > 0).astype(int),
    }
    return X, kinds | {
        "number": numbers[:, 0],
        "counts": np.abs(numbers[:, 0]),
        "outputs": numbers[:, :2],
        "soft": soft.astype(dtype),
    }


def settings(**options):
    return {"hidden_layer_sizes": (8, 5), "batch_size": 32, "random_state": 0, "max_iter": 5} | options


MODELS = {
    "Adam": ("classes", MLPClassifier(**settings(class_weight="balanced"))),
    "sgd": ("two", MLPClassifier(**settings(solver="sgd", alpha=0.1))),
    "labels": ("labels", MLPClassifier(**settings(clip_norm=0.5, dropout=0.2))),
    "probabilities": ("soft", MLPClassifier(**settings(temperature=2.0))),
    "stopping": ("classes", MLPClassifier(**settings(optimizer=fastgd.Lion(1e-3), early_stopping=True))),
    "regression": ("number", MLPRegressor(**settings(activation="tanh", batch_size="auto"))),
    "counts": ("counts", MLPRegressor("poisson", **settings(on_divergence="retry"))),
    "auto": ("outputs", MLPRegressor(**settings(learning_rate="auto"))),
}


@pytest.mark.parametrize("name", MODELS)
def test_a_model_is_that_of_numpy_arrays(name):
    kind, model = MODELS[name]
    X, y = data()
    y = y[kind]
    here, there = clone(model).fit(X, y), clone(model).fit(on_device(X), on_device(y))
    for found, wanted in zip([*there.coefs_, *there.intercepts_], [*here.coefs_, *here.intercepts_], strict=True):
        assert isinstance(found, Array) and found.dtype == wanted.dtype
        np.testing.assert_allclose(found.get(), wanted, rtol=1e-3, atol=1e-4)
    assert (there.n_iter_, there.t_, there.stop_reason_) == (here.n_iter_, here.t_, here.stop_reason_)
    assert there.history_.keys() == here.history_.keys() and there.loss_ == pytest.approx(here.loss_, rel=1e-4)
    for method in ("predict_proba", "predict_log_proba", "predict"):
        if hasattr(here, method):
            found, wanted = getattr(there, method)(on_device(X)), getattr(here, method)(X)
            assert isinstance(found, Array) and found.shape == wanted.shape and found.dtype == wanted.dtype, method
            if wanted.dtype.kind == "f":
                np.testing.assert_allclose(found.get(), wanted, rtol=1e-3, atol=1e-3, err_msg=method)
            else:
                assert (found.get() == wanted).mean() > 0.98
    assert there.score(on_device(X), on_device(y)) == pytest.approx(here.score(X, y), abs=0.01)


def test_partial_fit_goes_on_exactly_here_and_there(tmp_path):
    X, y = data("float64")
    y, model = y["classes"], MLPClassifier(**settings(tol=None))
    whole = clone(model).fit(on_device(X), y)
    parts = clone(model).set_params(max_iter=3).fit(on_device(X), y)
    parts.set_params(max_iter=5).save(tmp_path / "model.safetensors")
    copies = [pickle.loads(pickle.dumps(parts)), MLPClassifier.load(tmp_path / "model.safetensors")]
    for other in (parts, *copies):
        other.partial_fit(on_device(X), y, n_epochs=2)
        assert all(np.array_equal(a.get(), b.get()) for a, b in zip(other.coefs_, whole.coefs_, strict=True))
    host = clone(model).set_params(max_iter=3).fit(on_device(X), y).partial_fit(X, y, n_epochs=2)
    for found, wanted in zip(host.coefs_, whole.coefs_, strict=True):
        assert type(found) is np.ndarray
        np.testing.assert_allclose(found, wanted.get(), rtol=1e-9, atol=1e-12)
    names = np.array(["a", "b", "c"])[y]
    assert clone(model).fit(on_device(X), names).predict(on_device(X)).dtype.kind == "U"


def test_a_model_is_pruned_on_the_host_and_goes_on_there():
    X, y = data("float64")
    here, there = (MLPClassifier(**settings(tol=None)).fit(a(X), y["two"]) for a in (np.asarray, on_device))
    for model, wrap in ((here, np.asarray), (there, on_device)):
        model.prune(0.5)
        assert type(model.coefs_[0]) is np.ndarray
        model.partial_fit(wrap(X), y["two"])
    for found, wanted in zip(there.coefs_, here.coefs_, strict=True):
        np.testing.assert_allclose(found.get(), wanted, rtol=1e-8, atol=1e-11)
        assert ((found.get() == 0) == (wanted == 0)).all() and (wanted == 0).any()


def test_a_sweep_is_that_of_numpy_arrays():
    X, y = data("float64")
    found, wanted = (
        fastgd.sweep(MLPClassifier(**settings()), a(X), y["classes"], learning_rate=[1e-3, 1e-2], n_epochs=2).val_loss
        for a in (on_device, np.asarray)
    )
    np.testing.assert_allclose(found, wanted, rtol=1e-8)


REFUSED = {
    "lbfgs": (MLPRegressor(solver="lbfgs"), "solver='lbfgs' takes its steps on the host; use 'adam' or 'sgd'"),
    "own steps": (MLPClassifier(optimizer=fastgd.DoG()), "optimizer must be one that.*got DoG.*fastgd.Adam"),
    "search": (MLPClassifier(optimizer=fastgd.Armijo()), "optimizer must be one that.*got Armijo.*fastgd.Adam"),
    "online": (
        MLPClassifier(optimizer=fastgd.NormalizedOnline()),
        "optimizer must be one that steps by gradients.*got NormalizedOnline",
    ),
    "several targets": (
        MLPMultiTask({"a": "softmax"}),
        "X is a .*Array, which MLPMultiTask does not train on; pass a NumPy array",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_changes_nothing(name):
    model, message = REFUSED[name]
    model, y = clone(model), np.arange(40) % 2
    with pytest.raises((fastgd.ArgumentTypeError, fastgd.ArgumentValueError), match=message):
        model.fit(on_device(np.ones((40, 2))), {"a": y} if name == "several targets" else y)
    assert vars(model).keys() == model.get_params(deep=False).keys()


def test_sparse_matrices_of_other_libraries_in_host_memory_are_refused():
    with pytest.raises(fastgd.ArgumentTypeError, match=r"in host memory; pass it as one of scipy.sparse"):
        MLPClassifier().fit(device_library.CSR(sp.csr_matrix(np.eye(4))), [0, 1, 0, 1])
