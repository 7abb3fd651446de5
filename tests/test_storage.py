"""Estimators in files: the same bits afterwards, in prediction as in training, and files that are refused."""

import json
import pickle
import subprocess
import sys
import warnings

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from sklearn.base import clone

import fastgd
from fastgd.checkpoint import read_file, write_file
from fastgd.linear_model import Perceptron, SGDClassifier, SGDOneClassSVM, SGDRegressor
from fastgd.neural_network import MLPClassifier, MLPRegressor
from fastgd.schedules import cosine, plateau, warmup

from .test_network import OPTIMIZERS, optimizer_pair

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(80, 5))
Y = X[:, 0] - X[:, 1]
TEXTS = np.array(["low", "middle", "high"])[np.digitize(Y, [-0.5, 0.5])]
FEW = {"max_iter": 4, "tol": None, "random_state": 0}
RATE = warmup(10) >> cosine(0.05, 100)
MODELS = {
    "hinge": (SGDClassifier(**FEW, class_weight={"low": 2.0, "high": 0.5}), TEXTS),
    "averaged": (SGDClassifier("log_loss", average=100, **FEW), TEXTS),
    "softmax": (SGDClassifier("softmax", learning_rate=0.1, **FEW), TEXTS),
    "perceptron": (Perceptron(**FEW), TEXTS),
    "regression": (SGDRegressor(learning_rate=RATE, batch_size=16, optimizer=fastgd.AdamW(), **FEW), Y),
    "several": (SGDRegressor(learning_rate=0.01, **FEW), np.stack([Y, -Y], 1)),
    "adaptive": (
        SGDRegressor(learning_rate="adaptive", **FEW | {"tol": 0.5, "n_iter_no_change": 1, "max_iter": 50}),
        Y,
    ),
    "one class": (SGDOneClassSVM(**FEW), None),
    "auto": (SGDRegressor(learning_rate="auto", **FEW), Y),
    "retry": (SGDRegressor(learning_rate=300.0, on_divergence="retry", **FEW), Y),
    "network": (MLPClassifier((6, 3), dropout=[0.1, 0.0], **FEW), TEXTS),
    "plateau": (MLPRegressor(hidden_layer_sizes=(6,), learning_rate=plateau(0.1, patience=0), **FEW), Y),
    "stopped": (MLPClassifier((6,), early_stopping=True, **FEW), TEXTS),
    "auto network": (MLPRegressor(hidden_layer_sizes=(6,), learning_rate="auto", **FEW), Y),
    "unfitted": (MLPClassifier((6,), random_state=np.random.RandomState(3), alpha=np.float32(0.5)), None),
    "lbfgs": (MLPRegressor(hidden_layer_sizes=(6,), solver="lbfgs", random_state=0, tol=1e-2), Y),
}


def trained(name):
    model, y = MODELS[name]
    if name == "unfitted":
        return clone(model)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", fastgd.GradientHealthWarning)
        return clone(model).fit(X) if y is None else clone(model).fit(X, y)


def bits(value):
    """Return a value as something that is equal only where every bit is."""
    if isinstance(value, dict):
        return {key: bits(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value), [bits(each) for each in value]
    if isinstance(value, np.ndarray):
        order = value.flags.f_contiguous and not value.flags.c_contiguous
        return value.dtype, value.shape, order, value.tolist() if value.dtype == object else value.tobytes()
    if isinstance(value, np.random.RandomState):
        return bits(value.get_state(legacy=False))
    if sp.issparse(value):
        return type(value), [bits(each) for each in (value.data, value.indices, value.indptr)]
    return (
        bits(vars(value))
        if hasattr(value, "best_learning_rate") or hasattr(value, "n_epochs")
        else (type(value), value)
    )


def through(model, path):
    model.save(path)
    return fastgd.load_model(path)


@pytest.mark.parametrize("name", MODELS)
def test_everything_comes_back(name, tmp_path):
    model = trained(name)
    other = through(model, tmp_path / "model.safetensors")
    assert type(other) is type(model) and list(vars(other)) == list(vars(model))
    assert bits(vars(other)) == bits(vars(model))
    assert all(each.flags.writeable for each in vars(other).values() if isinstance(each, np.ndarray))
    assert bits(vars(type(model).load(tmp_path / "model.safetensors"))) == bits(vars(model))


TRAINABLE = [name for name in MODELS if name not in ("unfitted", "lbfgs", "stopped")]


@pytest.mark.filterwarnings("ignore::fastgd.GradientHealthWarning")
@pytest.mark.parametrize("name", TRAINABLE)
def test_training_goes_on_with_the_same_bits(name, tmp_path):
    model, y = trained(name), MODELS[name][1]
    if "class_weight" in model.get_params() and model.class_weight:
        model.set_params(class_weight=None)
    other = through(model, tmp_path / "model.safetensors")
    for each in (model, other):
        each.partial_fit(X, y) if y is not None else each.partial_fit(X)
    for each in (model, other):  # which measure time
        each.history_ = {key: value for key, value in each.history_.items() if "second" not in key}
    assert bits(vars(other)) == bits(vars(model))


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("kind", ["linear", "sparse", "network"])
def test_every_optimizer_goes_on(optimizer, kind, tmp_path):
    ours, _ = optimizer_pair(optimizer, OPTIMIZERS[optimizer])
    rows = sp.csr_array(np.where(np.abs(X) > 1, X, 0)) if kind == "sparse" else X
    model = SGDRegressor if kind != "network" else MLPRegressor
    options = {} if kind != "network" else {"hidden_layer_sizes": (4,)}
    model = model(optimizer=ours, batch_size=16, **options, **FEW).fit(rows, Y)
    other = through(model, tmp_path / "m").partial_fit(rows, Y, n_epochs=2)
    assert other.predict(rows).tobytes() == model.partial_fit(rows, Y, n_epochs=2).predict(rows).tobytes()


def test_another_process_reads_it(tmp_path):
    model = trained("network")
    model.save(tmp_path / "model")
    code = (
        "import sys, fastgd, numpy; m = fastgd.load_model(sys.argv[1]); print(m.coefs_[0].tobytes().hex(), *m.classes_)"
    )
    said = subprocess.run([sys.executable, "-c", code, tmp_path / "model"], capture_output=True, text=True, check=True)
    assert said.stdout.split() == [model.coefs_[0].tobytes().hex(), "high", "low", "middle"]


def test_what_else_a_model_may_hold(tmp_path):
    frame = pd.DataFrame(X, columns=list("abcde"))
    model = SGDClassifier(**FEW | {"random_state": np.random.default_rng(5)})
    model.fit(frame, TEXTS.astype(object)).sparsify()
    other = through(model, tmp_path / "m")
    assert bits(other.coef_) == bits(model.coef_) and bits(other.feature_names_in_) == bits(model.feature_names_in_)
    assert (
        bits(other.classes_) == bits(model.classes_) and other.predict(frame).tolist() == model.predict(frame).tolist()
    )
    assert other.random_state.random() == model.random_state.random()
    network = MLPRegressor(hidden_layer_sizes=(5,), **FEW).fit(X.astype(np.float32), Y)
    network.prune(0.5)
    network.quantize()
    other = through(network, tmp_path / "m")
    assert bits(vars(other)) == bits(vars(network)) and other.quantized_coefs_[0][0].dtype == np.int8
    assert not other.partial_fit(X, Y).coefs_[0][other.pruned_[0]].any()
    model.note = {"nan": [np.nan, -np.inf], ("a", 1): np.float32(0.1), "big": 2**80, "none": np.zeros((0, 3), np.int16)}
    assert str(through(model, tmp_path / "m").note) == str(model.note)


def test_callbacks_stay_behind(tmp_path):
    from sklearn.callback import ProgressBar

    model = MLPRegressor(hidden_layer_sizes=(3,), **FEW).set_callbacks(ProgressBar()).fit(X, Y)
    assert not hasattr(through(model, tmp_path / "m"), "_skl_callbacks")


@pytest.mark.parametrize(
    "value, named",
    [(len, "note is a builtin_function_or_method"), ([{"k": object()}], "note.0.k is a object"),
     (np.zeros(2, "M8[s]"), "note is an array of dtype datetime64"),
     ({"a": np.zeros(2, complex)}, "note.a is an array of dtype complex128"), (np.ma.zeros(2), "note is an array")],
)  # fmt: skip
def test_what_cannot_be_saved_is_named(value, named, tmp_path):
    model = SGDRegressor()
    model.save(tmp_path / "m")
    before = (tmp_path / "m").read_bytes()
    model.note = value
    with pytest.raises(TypeError, match=named):
        model.save(tmp_path / "m")
    assert (tmp_path / "m").read_bytes() == before
    with pytest.raises(TypeError, match="'model' argument of save_model must be an estimator of fastgd"):
        fastgd.save_model(tmp_path / "m", object())


def test_damage_is_found(tmp_path):
    path = tmp_path / "m"
    trained("network").save(path)
    sound = path.read_bytes()
    for place in np.linspace(8, len(sound) - 1, 60).astype(int):
        path.write_bytes(sound[:place] + bytes([sound[place] ^ 4]) + sound[place + 1 :])
        with pytest.raises(fastgd.ArgumentValueError):
            fastgd.load_model(path)
    for size in (0, 7, 100, len(sound) - 1):
        path.write_bytes(sound[:size])
        with pytest.raises(fastgd.ArgumentValueError, match=r"damaged|not"):
            fastgd.load_model(path)


def test_other_files_are_refused_by_what_they_are(tmp_path):
    path = tmp_path / "m"
    fastgd.save(path, fastgd.SGD(lr=0.1).init(np.ones(3)))
    with pytest.raises(ValueError, match=r"must be a saved estimator; .* It is an optimizer's state: use fastgd.load"):
        fastgd.load_model(path)
    path.write_bytes(pickle.dumps(SGDRegressor()))
    with pytest.raises(ValueError, match="It is a pickle"):
        SGDRegressor.load(path)
    SGDClassifier().save(path)
    with pytest.raises(ValueError, match=r"must be a saved SGDRegressor; .* It is a SGDClassifier"):
        SGDRegressor.load(path)
    with pytest.raises(FileNotFoundError):
        fastgd.load_model(tmp_path / "nothing")
    with pytest.raises(ValueError, match="names"):
        SGDClassifier().save(path)
        fastgd.load(path, np.ones(3))


class Own(SGDRegressor):
    """A user's class."""


def test_a_subclass_reads_its_own_files(tmp_path):
    Own(alpha=0.5).save(tmp_path / "m")
    assert type(Own.load(tmp_path / "m")) is Own
    with pytest.raises(ValueError, match="It is a Own: use its own class's load"):
        fastgd.load_model(tmp_path / "m")


def forged(path, change):
    tensors, config = read_file(path)
    change(tensors, config)
    write_file(path, tensors, json.loads(json.dumps(config)))


FORGERIES = {
    "a module": lambda t, c: c.update(estimator="os.system"),
    "no attributes": lambda t, c: c.pop("attributes"),
    "an unknown kind": lambda t, c: c["attributes"].update(coef_={"eval": "1"}),
    "two kinds": lambda t, c: c["attributes"].update(coef_={"array": "coef_", "float": "1"}),
    "no such array": lambda t, c: t.pop("coef_"),
    "an unknown record": lambda t, c: c["attributes"].update(coef_={"record": ["Popen", {}]}),
    "an unknown bit generator": lambda t, c: c["attributes"].update(coef_={"Generator": ["seed", {}]}),
    "an unknown optimizer": lambda t, c: c["attributes"].update(optimizer={"optimizer": {"name": "os"}}),
    "a parameter of the future": lambda t, c: (c["parameters"].append("new"), c["attributes"].update(new=1)),
    "a damaged sparse matrix": lambda t, c: c["attributes"].update(
        coef_={"sparse": ["csr_matrix", [1, 5], {"data": {"array": "coef_"}, "indices": {"array": "coef_"}, "indptr": [0, 99]}]}
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FORGERIES)
def test_forged_files_run_nothing_and_are_refused(name, tmp_path):
    SGDRegressor(**FEW).fit(X, Y).save(tmp_path / "m")
    forged(tmp_path / "m", FORGERIES[name])
    with pytest.raises((ValueError, TypeError)):
        fastgd.load_model(tmp_path / "m")


def test_older_files_are_kept(tmp_path):
    SGDRegressor(alpha=1.0).save(tmp_path / "m")
    SGDRegressor(alpha=2.0).save(tmp_path / "m", keep=2)
    assert fastgd.load_model(tmp_path / "m").alpha == 2 and fastgd.load_model(tmp_path / "m.1").alpha == 1
