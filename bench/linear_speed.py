"""Seconds of an epoch and of a prediction, and the memory of a fit: fastgd's linear models beside scikit-learn's."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse
from sklearn.linear_model import SGDClassifier as TheirSGDClassifier

import fastgd
from bench.lanes import measure
from bench.linear_contenders import BATCH, RATES, accepts
from bench.linear_data import Task
from bench.results import Figure, Result, duration
from bench.streaming import usable_cores
from bench.timing import Contender, Effort, Timing, interleave
from fastgd.learning_rate import sweep
from fastgd.linear_model import SGDClassifier

THEIRS = "scikit-learn, 1 rate"
FEW = 100
"""Rows to validate on where the time of validation must not count."""
NOISE = 0.05
"""How much slower than scikit-learn's still counts as not slower."""
RATE = 0.1
MIB = 2**20


# --------------------------------------------------------------------------------------------------------------------------- epochs


def _epoch(fit: Callable[[int], Any]) -> float:
    """Return the seconds of one epoch: half the difference between calls with three and with one, so that nothing else counts."""
    seconds = []
    for epochs in (1, 3):
        begin = time.perf_counter()
        fit(epochs)
        seconds.append(time.perf_counter() - begin)
    return (seconds[1] - seconds[0]) / 2


def _fit(task: Task, kind: type, epochs: int, **options: Any) -> None:
    options = {"loss": "log_loss", "learning_rate": "constant", "eta0": RATE} | options
    kind(alpha=task.alpha, max_iter=epochs, tol=None, random_state=0, **options).fit(task.X_train, task.y_train)


def _sweep(task: Task, epochs: int, **options: Any) -> None:
    model = SGDClassifier(loss="log_loss", alpha=task.alpha, random_state=0, **options)
    X_val, y_val = task.X_test[:FEW], task.y_test[:FEW]
    sweep(model, task.X_train, task.y_train, learning_rate=RATES, n_epochs=epochs, X_val=X_val, y_val=y_val)


def _epochs(task: Task) -> dict[str, Callable[[int], None]]:
    """Return a function of the number of epochs for each contender."""
    found: dict[str, Callable[[int], None]] = {THEIRS: partial(_fit, task, TheirSGDClassifier)}
    ours = partial(_fit, task, SGDClassifier)
    found["fastgd, 1 rate"] = partial(ours, n_jobs=1)
    if usable_cores() > 1:
        found["fastgd, 1 rate, n_jobs=2"] = partial(ours, n_jobs=2)
    if task.n_classes > 2 and accepts(loss="softmax"):
        found["fastgd, softmax"] = partial(ours, loss="softmax", n_jobs=1)
    if task.n_classes > 2 and accepts(batch_size=BATCH):
        loss = "softmax" if accepts(loss="softmax", batch_size=BATCH) else "log_loss"
        found[f"fastgd, {loss}, batch_size={BATCH}"] = partial(ours, loss=loss, batch_size=BATCH, n_jobs=1)
    if task.n_classes == 2:
        found["fastgd, 16 rates"] = partial(_sweep, task, n_jobs=1)
        if usable_cores() > 1:
            found["fastgd, 16 rates, n_jobs=2"] = partial(_sweep, task, n_jobs=2)
    return found


EPOCH_TARGETS = {
    "rcv1": {
        "fastgd, 1 rate": {"least": 4.0},
        "fastgd, 16 rates": {"most": 0.6},
        "fastgd, 16 rates, n_jobs=2": {"most": 0.35},
    },
    "fashion": {
        "fastgd, 1 rate": {"least": 20.0},
        "fastgd, softmax": {"least": 20.0},
    },
    "flights": {"fastgd, 1 rate": {"least": 4.0}},
}
"""By task and contender: at least so many times faster than scikit-learn's epoch, or at most so much of its time."""


def epoch(task: Task, rounds: int) -> Result:
    """Measure an epoch of each, interleaved."""
    samples = measure({name: partial(_epoch, fit) for name, fit in _epochs(task).items()}, rounds)
    timing = Timing(samples)
    result = Result(f"{task.title}: one epoch", header=["", "median", "+-", "scikit-learn's epoch / this"])
    for name in samples:
        ratio = timing.ratio(THEIRS, name)
        result.rows.append([name, duration(timing.median(name)), f"{timing.spread(name):.0%}", str(ratio)])
    for name, target in EPOCH_TARGETS.get(task.name, {}).items():
        if name not in samples:
            continue
        times = f"{duration(timing.median(name))} against {duration(timing.median(THEIRS))}"
        if "most" in target:
            what, ratio = f"one epoch, {name}: time / {THEIRS}", timing.ratio(name, THEIRS)
        else:
            what, ratio = f"one epoch, {name}: times faster than {THEIRS}", timing.ratio(THEIRS, name)
        result.figures.append(Figure(what, ratio.medians, f"{ratio}: {times}", **target))
    result.note = (
        f"Half the difference between whole fits of 3 epochs and of 1, medians of {rounds} rounds in random order; 1 thread where n_jobs "
        "is not named. Several classes: all one-vs-rest classes, or softmax where named."
    )
    result.samples = {name: seconds.tolist() for name, seconds in samples.items()}
    return result


# ---------------------------------------------------------------------------------------------------------------------- predictions


def predictions(task: Task, effort: Effort) -> Result:
    """Measure `predict` and `decision_function` of both on the same rows."""
    options = {"loss": "log_loss", "alpha": task.alpha, "max_iter": 1, "tol": None, "random_state": 0}
    few = task.head(2_000)
    models = {
        "fastgd": SGDClassifier(**options).fit(few.X_train, few.y_train),
        "scikit-learn": TheirSGDClassifier(**options).fit(few.X_train, few.y_train),
    }
    for name in ("coef_", "intercept_", "classes_"):
        setattr(models["scikit-learn"], name, getattr(models["fastgd"], name).copy())
    kind = "CSR" if scipy.sparse.issparse(task.X_test) else "dense"
    result = Result(f"{task.title}: predictions", header=["", *models, "scikit-learn / fastgd"])
    for method in ("decision_function", "predict"):
        calls = {name: partial(getattr(model, method), task.X_test) for name, model in models.items()}
        first, second = (call() for call in calls.values())
        if not np.allclose(first, second, rtol=1e-3, atol=1e-4):
            raise AssertionError(f"{method} of the same weights differs from scikit-learn's")
        timing = interleave([Contender(name, lambda k, call=call: call) for name, call in calls.items()], effort)
        ratio = timing.ratio("scikit-learn", "fastgd")
        times = [duration(timing.median(name)) for name in calls]
        result.rows.append([method, *times, str(ratio)])
        what = f"{method}, {len(task.y_test):,} rows, {kind}: times faster than scikit-learn (1 less {NOISE:.0%} noise)"
        result.figures.append(Figure(what, ratio.medians, f"{ratio}: {times[0]} against {times[1]}", least=1 - NOISE))
        result.samples[method] = {name: row.tolist() for name, row in timing.seconds.items()}
    result.note = f"The same weights and the same {len(task.y_test):,} {kind} rows."
    return result


# --------------------------------------------------------------------------------------------------------------------------- memory

CHILD = """
import sys
import numpy as np, scipy.sparse

folder, package = sys.argv[1:]
if package == "fastgd":
    from fastgd.linear_model import SGDClassifier
else:
    from sklearn.linear_model import SGDClassifier

def status(name):
    with open("/proc/self/status") as lines:
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name + ":"))

X = scipy.sparse.csr_matrix(tuple(np.load(f"{folder}/{name}.npy") for name in ("data", "indices", "indptr")), copy=False)
y = np.load(f"{folder}/y.npy")
options = dict(loss="log_loss", max_iter=1, tol=None, learning_rate="constant", eta0=0.1, random_state=0)
SGDClassifier(**options).fit(X[:1000], y[:1000])  # all imports, threads started
with open("/proc/self/clear_refs", "w") as file:
    file.write("5")  # the peak begins anew
before = status("VmRSS")
SGDClassifier(**options).fit(X, y)
print(before, status("VmHWM"))
"""


def memory(task: Task) -> Result:
    """Measure how much the resident memory of a fresh process grows at most while it fits sparse rows that it holds."""
    X, root = task.X_train, Path(fastgd.__file__).parent.parent
    result = Result(f"{task.title}: memory", header=["", "before", "peak", "more than before / data"])
    with tempfile.TemporaryDirectory() as folder:
        for name, array in (("data", X.data), ("indices", X.indices), ("indptr", X.indptr), ("y", task.y_train)):
            np.save(Path(folder, f"{name}.npy"), array)
        for package in ("fastgd", "scikit-learn"):
            command = [sys.executable, "-c", CHILD, folder, package]
            done = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True)
            before, peak = map(int, done.stdout.split())
            more = (peak - before) / task.bytes
            result.rows.append([package, *(f"{b / MIB:,.0f} MiB" for b in (before, peak)), f"{more:.1%}"])
            result.samples[package] = {"before": before, "peak": peak, "data": task.bytes}
            text = f"{more:.1%}: {(peak - before) / MIB:.0f} MiB beside {task.bytes / MIB:.0f} MiB"
            if package == "fastgd":
                what = "one fit: memory beside the data"
                result.figures.append(Figure(what, 100 * more, text, most=10.0, unit=" %"))
    result.note = f"Data: {task.bytes / MIB:,.0f} MiB of rows and classes. Resident memory of a fresh process, its peak while it fits."
    return result
