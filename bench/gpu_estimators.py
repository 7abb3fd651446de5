"""Estimators on arrays of an NVIDIA GPU: first whether the models are those of the host, then rows per second.

``python -m bench.gpu_estimators`` needs fastgd[cuda13], torch with CUDA and a GPU; CuPy is checked where it is installed. A few minutes.
``--host`` runs the checks and the harness's logic on small torch tensors in host memory, without a GPU and without a figure that means
anything.

An epoch is what 3 of them take longer than 1, the median of the rounds, contenders in turn; the first `fit` of each, which compiles, is not
counted. Beside the GPU: the same estimator with NumPy arrays and all processors, and for dense rows a plain loop of torch with its fused
optimizer on the same GPU.
"""

import argparse
import os
import statistics
import time
import warnings

os.environ.setdefault("SCIPY_ARRAY_API", "1")

import numpy as np
import scipy.sparse as sp
import sklearn
import torch
from sklearn.base import clone

import fastgd
from fastgd.linear_model import SGDClassifier, SGDRegressor
from fastgd.neural_network import MLPClassifier

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--host", action="store_true", help="the logic only, in host memory")
parser.add_argument("--rounds", type=int, default=5)
options = parser.parse_args()

BATCH = 64 if options.host else 4096


def tensor(values):
    """Return a matrix or targets as torch has them, on the GPU."""
    device = "cpu" if options.host else "cuda"
    if sp.issparse(values):
        parts = (torch.asarray(each) for each in (values.indptr, values.indices, values.data))
        return torch.sparse_csr_tensor(*parts, size=values.shape).to(device)
    return torch.asarray(values).to(device)


def libraries():
    """Return by name how to put arrays on the GPU."""
    found = {"torch": tensor}
    try:
        import cupy
        import cupyx.scipy.sparse as csp
    except ImportError:
        return found
    found["CuPy"] = lambda values: csp.csr_matrix(values) if sp.issparse(values) else cupy.asarray(values)
    return {"torch": tensor} if options.host else found


def settings(**others):
    return {"batch_size": BATCH, "random_state": 0, "tol": None, "max_iter": 3} | others


def dense(n_rows, n_features, n_classes, seed=0):
    """Return rows and classes of a noisy linear model."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n_rows, n_features), dtype=np.float32)
    weights = rng.standard_normal((n_features, n_classes), dtype=np.float32)
    return X, (X @ weights + 3 * rng.standard_normal((n_rows, n_classes), dtype=np.float32)).argmax(axis=1)


def sparse(n_rows, n_features, per_row, seed=0):
    """Return sparse rows, some columns far more popular than others, and two classes."""
    rng = np.random.default_rng(seed)
    columns = np.sort((n_features * rng.random((n_rows, per_row)) ** 3).astype(np.int32), axis=1)
    values = rng.random((n_rows, per_row), dtype=np.float32)
    X = sp.csr_matrix(
        (values.ravel(), columns.ravel(), np.arange(0, n_rows * per_row + 1, per_row)), (n_rows, n_features)
    )
    X.sum_duplicates()
    return X, (X @ rng.standard_normal(n_features).astype(np.float32) > 0).astype(np.int64)


def check(name, put):
    """Raise where a model on the GPU is not that of the host, or two runs differ by a bit."""
    X, y = dense(3000, 37, 5)
    S, z = sparse(3000, 211, 9)
    adam = {"optimizer": fastgd.Adam(1e-2)}
    cases = [
        (SGDClassifier("log_loss", **settings(**adam)), X, y),
        (SGDClassifier("softmax", **settings(clip_norm=0.1, learning_rate="constant", eta0=0.1)), X, y),
        (SGDClassifier("hinge", **settings(penalty="elasticnet", average=True)), X, (y > 2).astype(int)),
        (SGDRegressor("huber", **settings(optimizer=fastgd.SGD(lr=1e-2, momentum=0.9))), X, X[:, :2].copy()),
        (SGDClassifier("log_loss", **settings(**adam)), S, z),
        (MLPClassifier((32, 16), **settings(alpha=1e-2)), X, y),
        (MLPClassifier((32,), **settings()), S, z),
    ]
    cases = [case for case in cases if not (options.host and sp.issparse(case[1]))]
    for model, rows, targets in cases:
        here = clone(model).fit(rows, targets)
        there, again = (clone(model).fit(put(rows), targets) for _ in range(2))
        pairs = zip(weights_of(there), weights_of(again), weights_of(here), strict=True)
        for found, twice, wanted in pairs:
            np.testing.assert_array_equal(found, twice, err_msg=f"{name}: {model!r} differs from run to run")
            np.testing.assert_allclose(found, wanted, rtol=2e-3, atol=2e-4, err_msg=f"{name}: {model!r}")
        found = there.predict(put(rows))
        assert type(found).__module__ == type(put(targets)).__module__, f"{name}: {model!r} predicts a {type(found)}"
    print(f"{name}: {len(cases)} kinds of models are those of the host, the same bits in every run")


def weights_of(model):
    """Return the fitted weights as NumPy arrays."""
    from fastgd._training.device import host

    return [host(each) for each in (model.coefs_ if hasattr(model, "coefs_") else [model.coef_, model.intercept_])]


def seconds_of_epoch(model, X, y):
    """Return the time of an epoch of `fit`."""
    taken = []
    for epochs in (1, 3):
        began = time.perf_counter()
        clone(model).set_params(max_iter=epochs).fit(X, y)
        taken.append(time.perf_counter() - began)
    return (taken[1] - taken[0]) / 2


def loop_of_torch(X, y, n_classes):
    """Return a function that trains logistic regression for an epoch as one writes it with torch."""
    model = torch.nn.Linear(X.shape[1], n_classes, device=X.device)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2, fused=True)

    def epoch():
        began = time.perf_counter()
        order = torch.randperm(len(X), device=X.device)
        for low in range(0, len(X), BATCH):
            rows = order[low : low + BATCH]
            loss = torch.nn.functional.cross_entropy(model(X[rows]), y[rows])
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
        if X.is_cuda:
            torch.cuda.synchronize()
        return time.perf_counter() - began

    return epoch


def compare(name, model, X, y, n_classes=None):
    """Print rows per second of an epoch."""
    put = tensor
    there = put(X), put(y)
    parallel = clone(model).set_params(n_jobs=-1)
    contenders = {
        "fastgd, GPU": lambda: seconds_of_epoch(model, *there),
        "fastgd, processor": lambda: seconds_of_epoch(parallel, X, y),
    }
    if n_classes is not None:
        contenders["torch loop, GPU"] = loop_of_torch(*there, n_classes)
    for step in contenders.values():
        step()
    samples = {label: [] for label in contenders}
    for _ in range(options.rounds):
        for label, step in contenders.items():
            samples[label].append(step())
    print(f"\n{name}")
    for label, seconds in samples.items():
        median = statistics.median(seconds)
        print(f"  {label:18s} {1e3 * median:9.2f} ms/epoch {len(y) / max(median, 1e-9) / 1e6:9.2f} M rows/s")


def main():
    if not (options.host or torch.cuda.is_available()):
        parser.error("there is no NVIDIA GPU that torch can use; --host runs the logic in host memory")
    warnings.simplefilter("ignore")
    print("host memory, logic only" if options.host else torch.cuda.get_device_name())
    small = 100 if options.host else 1
    with sklearn.config_context(array_api_dispatch=options.host):
        for name, put in libraries().items():
            check(name, put)
        adam = settings(optimizer=fastgd.Adam(1e-2))
        rows = dense(1_000_000 // small, 256, 2)
        compare("logistic regression, 1,000,000 x 256, batches of 4096", SGDClassifier("softmax", **adam), *rows, 2)
        rows = dense(60_000 // small, 784, 10)
        compare("softmax of 10 classes, 60,000 x 784", SGDClassifier("softmax", **adam), *rows, 10)
        compare("MLP 784-256-10, 60,000 rows", MLPClassifier((256,), **settings()), *rows)
        if not options.host:
            rows = sparse(200_000, 47_000, 75)
            compare("sparse logistic regression, 200,000 x 47,000, 75 a row", SGDClassifier("log_loss", **adam), *rows)


if __name__ == "__main__":
    main()
