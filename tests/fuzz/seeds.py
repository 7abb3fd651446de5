"""The files that fuzzing starts from, beside the corpus: small, whole, and of every kind that a reader knows."""

import io as memory
import os
import tempfile
import warnings

import numpy as np
import scipy.sparse as sp

import fastgd
from fastgd import io, schedules
from fastgd.linear_model import Perceptron, SGDClassifier, SGDOneClassSVM, SGDRegressor
from fastgd.neural_network import MLPClassifier, MLPRegressor

LIBSVM = (
    b"1 1:0.5 3:2 # first\n-1 2:1e-3\n",
    b"0 qid:1 0:1 7:-2.5\r\n1 qid:2 1:3\n\n# only words\n2\n",
    b"1,2,3 1:1 2:2\n3 4:4\n1:5 2:6\n",
    b"0.1 1:0.1234567890123456789 2:123456789012345678901234567890e-20\n" * 3,
    b"1 5:1 3:1 5:2\n0 2147483646:1\n",
    b"nan 1:inf 2:-Infinity\n1 1:1e400\n",
)
CSV = (
    b"colour,weight,y\nred,1.5,1\nblue,2.5,0\n",
    b'a,b,y\n1,"x, y",0\n2,,1\n,"z",0\n',
    b"x,y\ntrue,yes\nfalse,no\n",
    b"t,x,y\n2020-01-01,1,0.5\n2020-01-02,2,1.5\n",
    b"x,x,y\n1,2,3\n",
    "größe,y\n1,ä\n2,ö\n".encode(),
)


def _arrays(folder):
    found = []
    for array in (
        np.eye(2),
        np.arange(6, dtype=">i4").reshape(3, 2),
        np.asfortranarray(np.ones((2, 3), np.float32)),
        np.array(["a", "bc"]),
    ):
        out = memory.BytesIO()
        np.save(out, array)
        found.append(out.getvalue())
    for save in (np.savez, np.savez_compressed):
        out = memory.BytesIO()
        save(out, X=np.eye(2), y=np.array([0, 1]))
        found.append(out.getvalue())
    out = memory.BytesIO()
    sp.save_npz(out, sp.csr_matrix(np.eye(3)), compressed=False)
    return [*found, out.getvalue()]


def _read(path):
    with open(path, "rb") as file:
        return file.read()


def _cache(folder):
    found = []
    for k, text in enumerate((b"1 1:1 2:2\n0 1:3\n1 3:1\n" * 3, b"1 qid:3 1:1\n0 qid:4 2:1\n", b"0\n1\n")):
        path = os.path.join(folder, f"{k}.svm")
        with open(path, "wb") as file:
            file.write(text)
        io.load_svmlight_file(path, cache=True, query_id=k == 1, dtype=(np.float32, np.float64)[k % 2])
        found.append(_read(f"{path}.fgd"))
    return found


def _model(folder):
    X, y = np.random.default_rng(0).standard_normal((12, 3)), np.arange(12) % 3
    models = [
        SGDClassifier(max_iter=2, tol=None, random_state=0).fit(X, y > 0),
        SGDClassifier(max_iter=2, tol=None, learning_rate=schedules.parse("cosine(0.1, 2 epochs)"), average=True).fit(
            X, y
        ),
        SGDClassifier(loss="log_loss", max_iter=2, tol=None, optimizer=fastgd.AdamW(lr=0.1), batch_size=4).fit(
            X, np.array(["a", "b", "c"])[y]
        ),
        SGDRegressor(max_iter=2, tol=None, random_state=np.random.RandomState(0)).partial_fit(X, y),
        SGDRegressor(learning_rate="auto", max_iter=4).fit(np.tile(X, (10, 1)), np.tile(y, 10)),
        SGDOneClassSVM(max_iter=2, tol=None).fit(X),
        Perceptron(max_iter=2, tol=None).fit(X, y).sparsify(),
        MLPClassifier((3,), max_iter=2).fit(X, y),
        MLPRegressor(hidden_layer_sizes=(3, 2)).partial_fit(X, y),
        SGDClassifier(class_weight={0: 1.0, 1: 2.0}),
    ]
    found = []
    for model in models:
        path = os.path.join(folder, "model.safetensors")
        model.save(path)
        found.append(_read(path))
    return found


def _checkpoint(folder):
    optimizers = (
        (fastgd.SGD(lr=0.1, momentum=0.9), {}),
        (
            fastgd.Adam(lr=schedules.parse("warmup(3) >> cosine(0.1, 9)"), clip_norm=1.0),
            {"overrides": {"b": {"lr": 0.5}}},
        ),
        (fastgd.AdamW(lr=0.1, clip_norm=fastgd.AutoClip()), {"monitor": True}),
    )
    found = []
    for optimizer, how in optimizers:
        params = {"w": np.ones((2, 3)), "b": np.ones(3)}
        state = optimizer.init(params, **how)
        for _ in range(3):
            state.step({name: 0.1 * p for name, p in params.items()})
        path = os.path.join(folder, "state.safetensors")
        fastgd.save(path, state)
        found.append(_read(path))
    return found


KINDS = {
    "crash": lambda _: CSV,
    "greedy": lambda _: CSV,
    "libsvm": lambda _: LIBSVM,
    "csv": lambda _: CSV,
    "arrays": _arrays,
    "cache": _cache,
    "model": _model,
    "checkpoint": _checkpoint,
}


def of(name):
    """Return the seeds of a target, as bytes."""
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return list(KINDS[name](folder))
