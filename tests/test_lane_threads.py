"""Lanes spread over threads have the same bits; threads are few, end with the call, and stop when one fails or the user interrupts."""

import itertools
import os
import signal
import threading
import time

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

from fastgd._kernels import execute
from fastgd._training.lane_block import split
from fastgd._training.linear import LinearLanes
from fastgd._training.rates import RateTable
from fastgd._training.together import together

N_ROWS, N_FEATURES = 90, 37


@pytest.fixture(autouse=True)
def three_threads(monkeypatch):
    monkeypatch.setattr(execute, "thread_limit", lambda: 3)


def problem(n_lanes, seed=0):
    rng = np.random.default_rng(seed)
    X = (rng.standard_normal((N_ROWS, N_FEATURES)) * (rng.random((N_ROWS, N_FEATURES)) < 0.5)).astype(np.float32)
    return X, (rng.random((N_ROWS, n_lanes)) < 0.5).astype(np.float32), rng.integers(0, 3, (N_ROWS, n_lanes)) * 1.0


def lanes_of(n_lanes, n_threads, l1=0.5, average=3):
    return LinearLanes(
        np.float32, N_FEATURES, "log_loss", alpha=np.geomspace(1e-4, 1e-1, n_lanes), l1_ratio=l1, average=average,
        n_threads=n_threads,
    )  # fmt: skip


@pytest.mark.parametrize("options", [{}, {"l1": 0.0, "average": 0}, {"l1": 1.0, "average": 0}], ids=str)
@pytest.mark.parametrize("n_lanes", [1, 2, 5, 10, 16, 39])
def test_threads_change_no_bit(n_lanes, options):
    X, targets, weight = problem(n_lanes)
    rate = RateTable.invscaling(np.geomspace(0.01, 1, n_lanes), 0.5)
    for rows in (X, sp.csr_matrix(X)):
        found = []
        for n_threads in (1, 2, 3, 8):
            lanes = lanes_of(n_lanes, n_threads, **options)
            results = [
                lanes.epoch(rows, targets, np.random.default_rng(k).permutation(N_ROWS), rate, weight) for k in (0, 1)
            ]
            found.append([lanes.coef, lanes.intercept, lanes.average_coef, lanes.average_intercept, lanes.t,
                          *(getattr(r, name) for r in results for name in ("loss_sum", "penalty", "grad_norm", "n_rows"))])  # fmt: skip
            decision = lanes.decision(rows)
            np.testing.assert_allclose(decision, X @ lanes.coef + lanes.intercept, atol=1e-4)
            if sp.issparse(rows):
                found[-1].append(decision)
        for other in found[1:]:
            assert all(np.array_equal(a, b) for a, b in zip(found[0], other, strict=True))


def test_a_checkpoint_is_the_same_for_every_number_of_threads():
    X, targets, _ = problem(10)
    whole, first, second = lanes_of(10, 1), lanes_of(10, 2), lanes_of(10, 3)
    rate = RateTable.constant(0.1)
    for lanes in (whole, first):
        lanes.epoch(X, targets, None, rate)
    second.set_state(first.state())
    for lanes in (whole, second):
        lanes.epoch(X, targets, None, rate)
    assert np.array_equal(whole.coef, second.coef) and np.array_equal(whole.average_coef, second.average_coef)
    short = {name: value for name, value in first.state().items() if name != "paid"}
    with pytest.raises(ValueError, match=r"an array paid of shape \(37, 10\)"):
        second.set_state(short)


@given(n_lanes=st.integers(1, 200), n_threads=st.integers(1, 9))
def test_split_deals_every_lane_once(n_lanes, n_threads):
    threads = split(n_lanes, n_threads)
    assert 1 <= len(threads) <= n_threads and all(threads)
    blocks = sorted((b for each in threads for b in each), key=lambda b: b.start)
    assert blocks[0].start == 0 and blocks[-1].stop == n_lanes
    assert all(a.stop == b.start for a, b in itertools.pairwise(blocks))
    assert all(1 <= b.stop - b.start <= 16 for b in blocks)


def test_split_is_balanced():
    assert [[b.stop - b.start for b in each] for each in split(16, 2)] == [[8], [8]]
    assert len(split(10, 2)) == 2 and len(split(2, 2)) == 2
    assert split(16, 1) == [[slice(0, 16)]] and split(1, 4) == [[slice(0, 1)]]


class Watched(RateTable):
    """A constant rate that notes which threads ask for it, and may call something there."""

    def values(self, t, position, n):
        self.seen.add(threading.get_ident())
        self.act(threading.get_ident())
        return super().values(t, position, n)


def watched(act=lambda ident: None):
    rate = Watched("constant", np.full((1, 1), 0.1))
    object.__setattr__(rate, "seen", set())
    object.__setattr__(rate, "act", act)
    return rate


def our_threads():
    return [thread for thread in threading.enumerate() if thread.name.startswith("fastgd")]


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_never_more_threads_than_the_limit_and_none_afterwards(limit, monkeypatch):
    X, targets, _ = problem(39)
    monkeypatch.setattr(execute, "thread_limit", lambda: limit)
    lanes, rate, meeting = lanes_of(39, 8), watched(), threading.Barrier(limit)
    object.__setattr__(rate, "act", lambda ident: meeting.wait(5))
    lanes.epoch(X, targets, None, rate)
    assert len(rate.seen) == limit and (threading.get_ident() in rate.seen) == (limit == 1)
    monkeypatch.setattr(execute, "thread_limit", lambda: 1)  # lowered since
    rate = watched()
    lanes.epoch(X, targets, None, rate)
    assert rate.seen == {threading.get_ident()} and not our_threads()


def test_a_failing_thread_raises_and_stops_the_others():
    X, targets, _ = problem(39)
    failed = []

    def fail_once(ident):
        if not failed:
            failed.append(ident)
            raise ZeroDivisionError("in a thread")

    with pytest.raises(ZeroDivisionError, match="in a thread"):
        lanes_of(39, 3).epoch(X, targets, None, watched(fail_once))
    assert not our_threads()
    began = time.monotonic()

    def work(stop):
        if not stop.wait(10):
            raise AssertionError("not stopped")

    def fail(stop):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        together([work, fail], 2)
    assert time.monotonic() - began < 5


@pytest.mark.skipif(not hasattr(signal, "SIGINT") or os.name == "nt", reason="signals of POSIX")
def test_control_c_is_seen_while_threads_work():
    X, targets, _ = problem(16)
    lanes = lanes_of(16, 2, l1=0.0, average=0)
    timer = threading.Timer(0.1, lambda: os.kill(os.getpid(), signal.SIGINT))
    order = np.zeros(10**7, np.int64)  # some seconds
    began = time.monotonic()
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        lanes.epoch(X, targets, order, RateTable.constant(0.001))
    assert time.monotonic() - began < 2 and not our_threads()  # 0.35 on an idle machine
    assert lanes.t > 1 and np.isfinite(lanes.coef).all()


def test_results_are_in_the_order_of_the_calls():
    calls = [lambda stop, k=k: time.sleep(0.02 * (3 - k)) or k for k in range(4)]
    for n_threads in (1, 2, 9):
        assert together(calls, n_threads) == [0, 1, 2, 3]
    assert together([], 2) == []
