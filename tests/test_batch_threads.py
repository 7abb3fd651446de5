"""Mini-batches that threads share: the same bits for any number of them, whole steps after an interrupt, no spinning."""

import itertools
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

import fastgd
from fastgd._kernels import execute
from fastgd._training import batches
from fastgd._training.batch_block import cut
from fastgd._training.rates import RateTable
from fastgd.linear_model import SGDClassifier, SGDRegressor

from .batch_cases import FEW, make, ours

N_ROWS, N_FEATURES = 90, 37
THREADS = (1, 2, 3, 8)
USUAL = {"WORTH": batches.WORTH, "SHARED": batches.SHARED}


@pytest.fixture(autouse=True, scope="module")
def shared_in_small_pieces():
    """Let threads share the smallest batches, and these be of several chunks."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(execute, "thread_limit", lambda: 8)
        patch.setattr(batches, "WORTH", 1)
        patch.setattr(batches, "SHARED", (16, 16, 1))
        yield


def problem(n_lanes, n_outputs=1, dtype=np.float32, n_rows=N_ROWS, n_features=N_FEATURES):
    rng = np.random.default_rng(n_lanes)
    X = rng.standard_normal((n_rows, n_features)) * (rng.random((n_rows, n_features)) < 0.3)
    targets = rng.integers(0, max(2, n_outputs), (n_rows, 1 if n_outputs > 1 else n_lanes))
    return X.astype(dtype), targets.astype(dtype), rng.integers(0, 3, (n_rows, n_lanes)) * 1.0


def found(rows, targets, loss, weight, n_threads, n_lanes, **options):
    """Return everything that two epochs lead to, cut in the middle of the second."""
    own = {
        "l1_ratio": 0.3,
        "alpha": np.geomspace(1e-4, 1e-1, n_lanes),
        "average": 3,
        "clip_norm": 0.5,
        "batch_size": 40,
    }
    lanes = make(rows, loss, n_lanes, n_threads=n_threads, **own | options)
    rate = RateTable.invscaling(np.repeat(np.geomspace(0.01, 0.5, n_lanes // lanes.n_outputs), lanes.n_outputs), 0.5)
    order = np.random.default_rng(1).permutation(rows.shape[0])
    results = [lanes.epoch(rows, targets, order, rate, weight)]
    results.append(lanes.epoch(rows, targets, order, rate, weight, stop=lanes.batch_size))
    state = lanes.state()
    results.append(lanes.epoch(rows, targets, order, rate, weight, start=lanes.batch_size))
    values = {
        "coef": lanes.coef,
        "average": lanes.average_coef,
        "intercept": lanes.intercept,
        "mean": lanes.average_intercept,
    }
    values |= (
        {"decision": lanes.decision(rows)} | state | {f"end {name}": value for name, value in lanes.state().items()}
    )
    for k, result in enumerate(results):
        values |= {f"{name} {k}": value for name, value in vars(result).items() if value is not None}
    return values


def assert_the_same(values, expected):
    assert values.keys() == expected.keys()
    for name, value in values.items():
        same = value == expected[name] if isinstance(value, tuple) else np.array_equal(value, expected[name])
        assert same, name


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", FEW)
@pytest.mark.parametrize(
    ("loss", "n_lanes", "n_outputs"),
    [("log_loss", 1, 1), ("huber", 5, 1), ("hinge", 16, 1), ("log_loss", 39, 1), ("softmax", 5, 5), ("softmax", 21, 7)],
)
def test_threads_change_no_bit(loss, n_lanes, n_outputs, name, weighted):
    X, targets, weight = problem(n_lanes, n_outputs)
    options = {"n_outputs": n_outputs, "optimizer": ours(name)}
    for rows in (X, sp.csr_matrix(X)):
        one, *others = (
            found(rows, targets, loss, weight[:, ::n_outputs] if weighted else None, n, n_lanes, **options)
            for n in THREADS
        )
        assert np.isfinite(one["coef"]).all() and one["coef"].any()
        for other in others:
            assert_the_same(other, one)


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_threads_change_no_bit_of_any_shape(data):
    def draw(low, high):
        return data.draw(st.integers(low, high))

    n_outputs, n_rows, n_features = data.draw(st.sampled_from([1, 1, 2, 9])), draw(1, 150), draw(1, 70)
    n_lanes, dtype = n_outputs * draw(1, 6), data.draw(st.sampled_from([np.float32, np.float64]))
    X, targets, _ = problem(n_lanes, n_outputs, dtype, n_rows, n_features)
    loss = "softmax" if n_outputs > 1 else data.draw(st.sampled_from(["log_loss", "squared_error", "quantile"]))
    options = {"n_outputs": n_outputs, "batch_size": draw(1, 150), "optimizer": ours(data.draw(st.sampled_from(FEW)))}
    rows = X if data.draw(st.booleans()) else sp.csr_matrix(X)
    one, other = (found(rows, targets, loss, None, n, n_lanes, **options) for n in (1, draw(2, 8)))
    assert_the_same(other, one)


def test_sharing_is_what_an_ordinary_chunk_does(monkeypatch):
    """One thread with chunks of the usual size, and threads with many small pieces."""
    X, targets, _ = problem(5, n_rows=700, n_features=300)
    pieces = found(X, targets, "log_loss", None, 3, 5, batch_size=600)
    for name, value in USUAL.items():
        monkeypatch.setattr(batches, name, value)
    for n_threads in (1, 3):
        assert_the_same(found(X, targets, "log_loss", None, n_threads, 5, batch_size=600), pieces)


@pytest.mark.parametrize("name", FEW)
def test_a_checkpoint_in_mid_epoch_is_the_same_for_every_number_of_threads(name):
    X, targets, _ = problem(21)
    order, rate = np.random.default_rng(0).permutation(N_ROWS), RateTable.invscaling(0.3, 0.5)
    for rows in (X, sp.csr_matrix(X)):
        whole, first, second = (
            make(X, "log_loss", 21, n_threads=n, optimizer=ours(name), average=5, l1_ratio=0.2) for n in (1, 2, 3)
        )
        whole.epoch(rows, targets, order, rate)
        first.epoch(rows, targets, order, rate, stop=48)
        second.set_state(first.state())
        second.epoch(rows, targets, order, rate, start=48, began=1.0)
        assert_the_same(second.state(), whole.state())
        short = {key: value for key, value in first.state().items() if key != "weights"}
        with pytest.raises(ValueError, match=r"an array weights of shape \(38, 21\)"):
            second.set_state(short)


@given(n_models=st.integers(1, 100), n_outputs=st.integers(1, 30), n_threads=st.integers(1, 9))
def test_cut_deals_every_lane_once_and_keeps_models_whole(n_models, n_outputs, n_threads):
    parts = cut(n_models * n_outputs, n_outputs, n_threads)
    assert 1 <= len(parts) <= n_threads
    assert parts[0].start == 0 and parts[-1].stop == n_models * n_outputs
    assert all(a.stop == b.start for a, b in itertools.pairwise(parts))
    sizes = [(part.stop - part.start) / n_outputs for part in parts]
    assert all(size >= 1 and size.is_integer() for size in sizes) and max(sizes) - min(sizes) <= 1


def test_cut_leaves_no_block_too_small():
    assert [len(cut(n, 1, 8)) for n in (1, 8, 9, 16, 17, 200)] == [1, 1, 2, 2, 3, 8]
    assert cut(39, 1, 2) == [slice(0, 19), slice(19, 39)] and cut(30, 10, 2) == [slice(0, 10), slice(10, 30)]


def test_threads_share_what_is_worth_it(monkeypatch):
    """Blocks of lanes if there are as many as threads, else large batches of dense rows."""
    for name, value in USUAL.items():
        monkeypatch.setattr(batches, name, value)
    monkeypatch.setattr(execute, "thread_limit", lambda: 4)
    wide = np.zeros((1, 1000), np.float32)

    def threads(rows, n_lanes, batch_size):
        return make(rows, "log_loss", n_lanes, n_threads=3, batch_size=batch_size)._threads(batches.Rows.of(rows))

    assert threads(wide, 1, 1000) == (1, 3) and threads(wide, 16, 1000) == (1, 3)
    assert threads(wide, 1, 100) == (3, 1) and threads(wide, 24, 1000) == (3, 1)
    assert threads(sp.csr_matrix(wide), 1, 1000) == (3, 1)
    lanes = make(wide, "log_loss", n_threads=3, batch_size=1000)
    monkeypatch.setattr(execute, "thread_limit", lambda: 1)  # lowered since
    assert lanes._threads(batches.Rows.of(wide)) == (1, 1)


@pytest.mark.parametrize("estimator", [
    SGDClassifier(loss="log_loss", max_iter=3, tol=None, batch_size=40, optimizer=fastgd.Adam(lr=0.01)),
    SGDClassifier(loss="softmax", max_iter=3, tol=None, batch_size=40, learning_rate=0.1),
    SGDRegressor(max_iter=3, tol=None, batch_size=40, learning_rate=0.01),
], ids=["lanes", "softmax", "one lane"])  # fmt: skip
def test_n_jobs_changes_no_bit_of_an_estimator(estimator):
    X, _, _ = problem(1)
    y = np.arange(N_ROWS) % 20
    for rows in (X, sp.csr_matrix(X)):
        coefs = [estimator.set_params(random_state=0, n_jobs=n).fit(rows, y).coef_ for n in (1, 2, 3, -1)]
        assert all(np.array_equal(coefs[0], coef) for coef in coefs[1:])


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
@pytest.mark.parametrize(("n_lanes", "sparse"), [(1, False), (16, False), (16, True)])
def test_control_c_leaves_whole_steps(n_lanes, sparse):
    X, targets, _ = problem(n_lanes)
    rows, rate = sp.csr_matrix(X) if sparse else X, RateTable.constant(0.001)
    lanes, again = (make(X, "log_loss", n_lanes, n_threads=n, batch_size=50, optimizer=ours("adam")) for n in (2, 1))
    order, told = np.arange(10**7) % N_ROWS, []

    def interrupt():
        while lanes.t == 1:
            time.sleep(0.01)
        told.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        threading.Thread(target=interrupt, daemon=True).start()
        lanes.epoch(rows, targets, order, rate)
    assert time.monotonic() - told[0] < 2  # generous: others may keep the processors busy
    done = int(lanes.t) - 1
    assert 0 < done < 200_000
    again.epoch(rows, targets, order[: 50 * done], rate)
    # features of sparse rows have caught up at another time
    tolerance = {"rtol": 1e-4, "atol": 1e-6} if sparse else {"rtol": 0}
    np.testing.assert_allclose(lanes.coef, again.coef, **tolerance)


CHILD = """
import json, os, resource, sys, threading, time
import numpy as np
from fastgd._training import batches
from fastgd._training.batches import BatchLanes
from fastgd._training.rates import RateTable

X, y = np.cos(np.arange(400_000.0)).reshape(1000, 400), np.arange(1000.0)[:, None] % 2

def work(batch_size, n_lanes):
    lanes = BatchLanes(float, 400, "log_loss", alpha=np.full(n_lanes, 0.01), l1_ratio=0, batch_size=batch_size, n_threads=3)
    for _ in range(3):
        lanes.epoch(X, y, None, RateTable.constant(0.1))
    return [float(lanes.coef.sum()), len(os.listdir("/proc/self/task")) - threading.active_count()]

found = [work(10, 1), work(1000, 1), work(10, 24)]
before = resource.getrusage(resource.RUSAGE_SELF)
time.sleep(0.3)
after = resource.getrusage(resource.RUSAGE_SELF)
found.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
read, write = os.pipe()
if os.fork() == 0:
    os.write(write, json.dumps([work(1000, 1), work(10, 24)]).encode())
    os._exit(0)
os.wait()
print(json.dumps([*found, *json.loads(os.read(read, 1000))]))
"""


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="counts the threads of Linux")
def test_helpers_start_where_they_pay_sleep_and_survive_a_fork():
    variables = {
        "OMP_NUM_THREADS": "3",
        "OPENBLAS_NUM_THREADS": "1",
        "PYTHONPATH": str(Path(fastgd.__file__).parents[1]),
    }
    done = subprocess.run(
        [sys.executable, "-c", CHILD], capture_output=True, text=True, timeout=60, env=os.environ | variables
    )
    assert done.returncode == 0, done.stderr
    small, large, many, idle, forked_large, forked_many = json.loads(done.stdout)
    assert (small[1], large[1], many[1]) == (0, 2, 2)
    assert idle < 0.05
    assert forked_large == large and forked_many == many
