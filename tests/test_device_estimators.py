"""Linear estimators on arrays of another library: everything follows X, and the model is the one that NumPy arrays give."""

import pickle

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.base import clone

import fastgd
from fastgd._estimators import device_inputs
from fastgd._training.own_lanes import runs_in_lines, runs_in_networks
from fastgd.linear_model import Perceptron, SGDClassifier, SGDOneClassSVM, SGDRegressor
from fastgd.neural_network import MLPClassifier

from . import device_library
from .cuda_arrays import Produced
from .device_library import CSR, Array, on_device

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
S = fastgd.schedules


@pytest.fixture(autouse=True)
def every_library(monkeypatch):
    """Let arrays in host memory take the way of those on a GPU, as with scikit-learn's array_api_dispatch, which scipy must be told of."""
    monkeypatch.setattr(device_inputs, "get_config", lambda: {"array_api_dispatch": True})


def data(dtype="float32", n_rows=200):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n_rows, 7)).astype(dtype)
    scores = X @ rng.standard_normal((7, 3)) + 0.5 * rng.standard_normal((n_rows, 3))
    kinds = {
        "classes": scores.argmax(axis=1),
        "two": (scores[:, 0] > 0).astype(int),
        "labels": (scores > 0).astype(int),
    }
    numbers = {
        "number": scores[:, 0].astype(dtype),
        "counts": np.abs(scores[:, 0]).astype(dtype),
        "outputs": scores[:, :2].astype(dtype),
    }
    return X, kinds | numbers


def settings(**options):
    return {"batch_size": 32, "random_state": 0, "max_iter": 8} | options


RATE = {"learning_rate": "constant", "eta0": 0.1}
MODELS = {
    "svm": ("two", SGDClassifier(**settings())),
    "Adam": ("classes", SGDClassifier("log_loss", **settings(optimizer=fastgd.Adam(0.01)))),
    "softmax": ("classes", SGDClassifier("softmax", **settings(**RATE))),
    "balanced": ("classes", SGDClassifier("modified_huber", **settings(learning_rate="adaptive", eta0=0.1, class_weight="balanced"))),
    "labels": ("labels", SGDClassifier("log_loss", **settings(**RATE))),
    "average": ("two", SGDClassifier("focal", **settings(learning_rate="invscaling", eta0=0.1, average=10))),
    "stopping": ("classes", SGDClassifier("log_loss", **settings(early_stopping=True, restore_best=True, **RATE))),
    "schedule": ("classes", SGDClassifier("squared_hinge", **settings(learning_rate=S.cosine(0.1, "100%"), clip_norm=0.5))),
    "elastic net": ("classes", SGDClassifier("log_loss", **settings(penalty="elasticnet", alpha=0.01, on_divergence="retry", **RATE))),
    "regression": ("number", SGDRegressor(**settings())),
    "outputs": ("outputs", SGDRegressor("huber", **settings(max_time=60.0, warm_start=True))),
    "counts": ("counts", SGDRegressor("poisson", **settings(learning_rate=0.01, shuffle=False))),
    "auto": ("classes", SGDClassifier("log_loss", **settings(learning_rate="auto"))),
}  # fmt: skip


def host(values):
    return values if isinstance(values, np.ndarray) else values.get()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", MODELS)
def test_a_model_is_that_of_numpy_arrays(name, dtype):
    kind, model = MODELS[name]
    X, y = data(dtype)
    y = y[kind]
    here, there = clone(model).fit(X, y), clone(model).fit(on_device(X), on_device(y))
    close = {"rtol": 1e-4, "atol": 2e-5} if dtype == "float32" else {"rtol": 1e-9, "atol": 1e-11}
    for attribute in ("coef_", "intercept_"):
        found, wanted = getattr(there, attribute), getattr(here, attribute)
        assert isinstance(found, Array) and found.dtype == wanted.dtype
        np.testing.assert_allclose(found.get(), wanted, **close)
    assert (there.n_iter_, there.t_, there.stop_reason_) == (here.n_iter_, here.t_, here.stop_reason_)
    assert there.history_.keys() == here.history_.keys()
    np.testing.assert_allclose(there.history_["objective"], here.history_["objective"], rtol=1e-4)
    for method in ("decision_function", "predict_proba", "predict_log_proba", "predict"):
        if hasattr(here, method):
            found, wanted = getattr(there, method)(on_device(X)), getattr(here, method)(X)
            expected = (
                there.coef_.dtype if wanted.dtype.kind == "f" else wanted.dtype
            )  # one intercept's float64 widens nothing
            assert isinstance(found, Array) and found.shape == wanted.shape and found.dtype == expected, method
            if wanted.dtype.kind == "f":
                np.testing.assert_allclose(found.get(), wanted, **close, err_msg=method)
            else:
                assert (found.get() == wanted).mean() > 0.98
    weight = np.linspace(0, 1, len(X))
    assert there.score(on_device(X), on_device(y), on_device(weight)) == pytest.approx(
        here.score(X, y, weight), abs=0.01
    )


def test_weights_and_validation_rows_may_be_on_the_device_or_not():
    X, y = data("float64")
    weight = np.random.default_rng(1).integers(0, 3, len(X)).astype(float)
    model = SGDClassifier("log_loss", **settings(**RATE))
    options = {"X_val": X[:50], "y_val": y["classes"][:50], "sample_weight_val": weight[:50]}
    here = clone(model).fit(X, y["classes"], sample_weight=weight, **options)
    for wrap in (on_device, np.asarray):
        own = {name: (on_device if name == "X_val" else wrap)(value) for name, value in options.items()}
        there = clone(model).fit(on_device(X), wrap(y["classes"]), sample_weight=wrap(weight), **own)
        np.testing.assert_allclose(there.coef_.get(), here.coef_, rtol=1e-9)
        for name in ("val_loss", "val_score", "loss"):
            np.testing.assert_allclose(there.history_[name], here.history_[name], rtol=1e-9)
    coef = np.ones((3, 7))
    started = [
        clone(model).fit(a(X), y["classes"], coef_init=a(coef), intercept_init=a(np.ones(3)))
        for a in (np.asarray, on_device)
    ]
    np.testing.assert_allclose(started[1].coef_.get(), started[0].coef_, rtol=1e-9)


def test_labels_may_be_texts():
    X, y = data()
    names = np.array(["no", "yes", "perhaps"])[y["classes"]]
    model = SGDClassifier("softmax", **settings(**RATE)).fit(on_device(X), names)
    assert model.classes_.tolist() == ["no", "perhaps", "yes"]
    found = model.predict(on_device(X))
    assert isinstance(found, np.ndarray) and (found == names).mean() > 0.7 and model.score(on_device(X), names) > 0.7


@pytest.mark.parametrize("loss", ["softmax", "hinge"])
def test_partial_fit_goes_on_exactly_here_and_there(loss):
    X, y = data("float64")
    y = y["classes"]
    model = SGDClassifier(loss, **settings(tol=None, max_iter=5, optimizer=fastgd.Adam(0.01)))
    whole = clone(model).fit(on_device(X), y)
    parts = clone(model).set_params(max_iter=3).fit(on_device(X), y)
    copy = pickle.loads(pickle.dumps(parts.set_params(max_iter=5)))
    parts.partial_fit(on_device(X), on_device(y), n_epochs=2)
    assert np.array_equal(parts.coef_.get(), whole.coef_.get()) and parts.t_ == whole.t_
    copy.partial_fit(X, y, n_epochs=2)
    assert type(copy.coef_) is np.ndarray
    np.testing.assert_allclose(copy.coef_, whole.coef_.get(), rtol=1e-10)
    first = clone(model).partial_fit(on_device(X), y, classes=np.unique(y), n_epochs=5)
    np.testing.assert_allclose(first.coef_.get(), whole.coef_.get(), rtol=1e-12)


def test_predictions_follow_x_and_not_the_model(tmp_path):
    X, y = data()
    there = SGDRegressor(**settings()).fit(on_device(X), y["number"])
    found = there.predict(X)
    assert type(found) is np.ndarray
    np.testing.assert_allclose(there.predict(on_device(X)).get(), found, rtol=1e-5, atol=1e-6)
    there.save(tmp_path / "model.safetensors")
    loaded = SGDRegressor.load(tmp_path / "model.safetensors")
    assert type(loaded.coef_) is np.ndarray and np.array_equal(loaded.coef_, there.coef_.get())
    assert isinstance(loaded.predict(on_device(X)), Array)
    for model in (loaded, there):
        model.partial_fit(on_device(X), y["number"])
    assert np.array_equal(loaded.coef_.get(), there.coef_.get())


def test_warm_start_goes_on_from_the_weights():
    X, y = data("float64")
    models = [SGDRegressor(**settings(warm_start=True, tol=None)) for _ in range(2)]
    for _ in range(2):
        models[0].fit(X, y["number"])
        models[1].fit(on_device(X), y["number"])
    np.testing.assert_allclose(models[1].coef_.get(), models[0].coef_, rtol=1e-9)


def test_rows_never_leave_the_device():
    X, y = data(n_rows=6000)
    model = SGDClassifier("log_loss", **settings(early_stopping=True, warm_start=True, max_iter=2, **RATE))
    X, y = on_device(X), on_device(y["classes"])
    device_library.fetched.clear()
    model.fit(X, y)
    model.partial_fit(X, y)
    model.predict_proba(X)
    assert device_library.fetched and max(device_library.fetched) <= len(y)  # the labels


def test_a_sweep_and_a_bootstrap_are_those_of_numpy_arrays():
    X, y = data("float64")
    y, model = y["classes"], SGDClassifier("log_loss", **settings(tol=None, max_iter=2))
    here, there = (fastgd.sweep(model, a(X), y, learning_rate=[0.01, 0.1], n_epochs=2) for a in (np.asarray, on_device))
    np.testing.assert_allclose(there.val_loss, here.val_loss, rtol=1e-9)
    here, there = (
        clone(model).fit(a(X), y).bootstrap_intervals(a(X), y, n_replicates=39) for a in (np.asarray, on_device)
    )
    np.testing.assert_allclose(there.coef_low, here.coef_low, rtol=1e-8)


@fastgd.rule
def plain_descent(p, g, /, lr=0.1):
    return p - lr * g


NAN = np.full((4, 2), np.nan)
ONES = np.ones((4, 2))
REFUSED = {
    "rows": (SGDClassifier(), ONES, "batch_size must be at least 2 for X on a GPU.*got None.*batch_size=1024"),
    "row": (SGDClassifier(batch_size=1), ONES, "batch_size must be at least 2.*got 1"),
    "own steps": (
        SGDRegressor(**settings(optimizer=fastgd.DoG())),
        ONES,
        "optimizer must be one that.*got DoG.*fastgd.Adam",
    ),
    "online": (
        SGDRegressor(optimizer=fastgd.NormalizedOnline()),
        ONES,
        "optimizer must be one that steps by gradients for X on a GPU; got NormalizedOnline. It learns from single rows",
    ),
    "search": (
        SGDClassifier(**settings(optimizer=fastgd.Armijo())),
        ONES,
        "optimizer must be one that.*got Armijo.*fastgd.Adam",
    ),
    "factored": (
        SGDClassifier(**settings(optimizer=fastgd.SM3())),
        ONES,
        "optimizer must be one whose state is of each weight.*got SM3",
    ),
    "users' rule": (
        SGDClassifier(**settings(optimizer=plain_descent())),
        ONES,
        "optimizer must be a built-in one.*got plain_descent",
    ),
    "perceptron": (Perceptron(), ONES, "Perceptron makes a step of every single row.*Use SGDClassifier"),
    "one class": (SGDOneClassSVM(), ONES, "SGDOneClassSVM makes a step of every single row"),
    "nan": (SGDRegressor(**settings()), NAN, "Input X contains NaN or infinity"),
    "infinity": (SGDRegressor(**settings()), np.full((4, 2), np.inf), "Input X contains NaN or infinity"),
    "flat": (SGDRegressor(**settings()), np.ones(4), "X must have two dimensions"),
    "no rows": (SGDRegressor(**settings()), np.ones((0, 2)), "Found array with 0 sample"),
    "no features": (SGDRegressor(**settings()), np.ones((4, 0)), "Found array with 0 feature"),
    "integers": (SGDRegressor(**settings()), np.ones((4, 2), int), "X on a GPU must be float32 or float64; got int64"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_changes_nothing(name):
    model, X, message = REFUSED[name]
    model = clone(model)
    with pytest.raises((fastgd.ArgumentTypeError, fastgd.ArgumentValueError), match=message):
        model.fit(on_device(X), np.arange(len(X)) % 2)
    assert vars(model).keys() == model.get_params().keys()


OPTIONS = {
    "extras": (fastgd.Adam(extras=(fastgd.EMA(0.9),)), r"one without extras for X on a GPU; got Adam\(extras=\(EMA.*Leave that option"),
    "learned": (fastgd.SGD(clip_norm=fastgd.AutoClip()), "one whose clip_norm is not learned.*got SGD.*AutoClip"),
    "bfloat16": (fastgd.AdamW(state_dtype="bfloat16"), r"one with state_dtype=None.*got AdamW\(state_dtype='bfloat16'\)"),
    "cautious": (fastgd.Lion(cautious=True), r"one with cautious=False.*got Lion\(cautious=True\)"),
}  # fmt: skip


@pytest.mark.parametrize("name", OPTIONS)
@pytest.mark.parametrize("kind", [SGDClassifier, MLPClassifier])
def test_an_option_that_estimators_lack_on_a_gpu_is_named(kind, name):
    optimizer, message = OPTIONS[name]
    model = kind(optimizer=optimizer, batch_size=2)
    with pytest.raises(fastgd.ArgumentValueError, match="optimizer must be " + message):
        model.fit(on_device(ONES), [0, 1, 0, 1])
    assert vars(model).keys() == model.get_params(deep=False).keys()


OPTIMIZERS = [kind for kind in fastgd.Optimizer.registry.values() if kind.__module__.startswith("fastgd.")]


@pytest.mark.parametrize("kind", [*OPTIMIZERS, plain_descent], ids=lambda kind: kind.__name__)
def test_an_optimizer_is_refused_just_where_no_compiled_loop_takes_its_steps(kind):
    optimizer = kind()
    for users_rules, runs in ((False, runs_in_lines(optimizer)), (True, runs_in_networks(optimizer))):
        if runs:
            device_inputs.check_optimizer(optimizer, users_rules=users_rules)
        else:
            with pytest.raises(fastgd.ArgumentValueError, match=f"got {kind.__name__}"):
                device_inputs.check_optimizer(optimizer, users_rules=users_rules)


def test_other_matrices_are_refused():
    X, y = data()
    model = SGDRegressor(**settings()).fit(on_device(X), y["number"])
    with pytest.raises(ValueError, match="X has 3 features, but SGDRegressor is expecting 7 features"):
        model.predict(on_device(X[:, :3]))
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        model.fit(on_device(X), y["number"][1:])
    with pytest.raises(fastgd.ArgumentTypeError, match="has no products; pass it as a CuPy array"):
        model.fit(Produced(X), y["number"])
    matrix = CSR(sp.csr_matrix(X))
    matrix.data = Produced(X)
    matrix.format = "csc"
    with pytest.raises(
        fastgd.ArgumentTypeError, match=r"a sparse matrix of the layout csc; convert it to CSR: X.tocsr\(\)"
    ):
        model.fit(matrix, y["number"])

    class Immutable(Produced):
        __module__ = "jaxlib.array"

    with pytest.raises(
        fastgd.ArgumentTypeError, match=r"JAX array, which cannot be changed in place.*cupy.from_dlpack"
    ):
        model.fit(Immutable(X), y["number"])


@pytest.mark.parametrize("model", [SGDClassifier(**settings()), MLPClassifier((4,))], ids=["linear", "network"])
def test_validation_rows_must_be_where_the_rows_are(model):
    X, y = data()
    for here, there in ((on_device, np.asarray), (np.asarray, on_device)):
        with pytest.raises(fastgd.ArgumentTypeError, match="X_val must be where X is: X is "):
            clone(model).fit(here(X), y["two"], X_val=there(X), y_val=y["two"])


def test_a_search_and_the_finder_are_those_of_numpy_arrays():
    X, y = data("float64", 120)
    y, model = y["classes"], SGDClassifier("log_loss", **settings(tol=None, max_iter=2))
    scores, curves = [], []
    for wrap in (np.asarray, on_device):
        search = fastgd.model_selection.LaneSearchCV(clone(model), {"alpha": [1e-4, 1e-2]}, cv=3).fit(wrap(X), y)
        scores.append(search.cv_results_["mean_test_score"])
        curves.append(fastgd.learning_rate.lr_find(clone(model), wrap(X), y).suggest("minimum"))
    assert scores[0].tolist() == scores[1].tolist() and curves[1] == pytest.approx(curves[0], rel=1e-6)


def test_a_frame_with_a_column_named_format_is_a_frame():
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    X = pandas.DataFrame({"format": [0.0, 1.0] * 9, "data": [1.0, 2.0] * 9})
    assert SGDClassifier(random_state=0).fit(X, [0, 1] * 9).score(X, [0, 1] * 9) == 1.0


def test_divergence_leaves_the_model_as_it_was():
    X, y = data()
    model = SGDRegressor(**settings(penalty=None, learning_rate=1e30))
    with pytest.raises(fastgd.linear_model.DivergedError):
        model.fit(on_device(X), y["number"])
    assert not hasattr(model, "coef_")


def test_callbacks_see_the_weights_of_the_host():
    X, y = data()
    seen = []

    def look(info):
        seen.append(info.coef.copy())
        return len(seen) == 2

    model = SGDRegressor(**settings()).fit(on_device(X), y["number"], callbacks=[look])
    assert model.stop_reason_ == "callback" and np.array_equal(seen[-1].ravel(), model.coef_.get())


def test_tensors_of_torch_give_tensors():
    torch = pytest.importorskip("torch", reason="torch is not installed: pip install 'fastgd[torch]'")
    X, y = data()
    for kind, model in (MODELS["softmax"], MODELS["outputs"]):
        here = clone(model).fit(X, y[kind])
        there = clone(model).fit(torch.asarray(X), torch.asarray(y[kind]))
        assert there.coef_.dtype == torch.float32 and isinstance(there.predict(torch.asarray(X)), torch.Tensor)
        np.testing.assert_allclose(there.coef_.numpy(), here.coef_, rtol=1e-4, atol=2e-5)
        if hasattr(there, "predict_proba"):
            found = there.predict_proba(torch.asarray(X, requires_grad=True))
            np.testing.assert_allclose(found.numpy(), here.predict_proba(X), rtol=1e-4, atol=1e-5)
