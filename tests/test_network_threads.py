"""Threads that share the steps of one network: the same bits whatever they share, in forked children too; and averages that fade to 0."""

import itertools
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse

import fastgd
from fastgd._kernels import execute
from fastgd._training import network
from fastgd._training.network import NetworkLanes
from fastgd._training.rates import RateTable

VARIANTS = {
    "plain": {},
    "coupled": {"alpha": 0.3, "l1": 0.1},
    "decoupled": {"alpha": 0.3, "l1": 0.1, "penalty": "decoupled"},
    "clip_norm": {"clip_norm": 0.05},
    "dropout": {"dropout": 0.3},
    "max_norm": {"max_norm": 0.4},
    "sparse": {},
    "linear": {"layers": []},
    "deep": {"layers": [(60, "tanh"), (70, "relu"), (50, "silu")]},
}


def problem(n=150, m=300, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, m)).astype(np.float32)
    X[rng.random(X.shape) < 0.5] = 0
    return X, rng.integers(0, 3, (n, 1)).astype(np.float32)


def trained(variant, n_threads, epochs=2):
    """Return all that training yields, as bytes; batches of 64, the last one of 22."""
    X, y = problem()
    options = {"layers": [(70, "relu")], "optimizer": fastgd.Adam(), "seed": 3} | VARIANTS[variant]
    net = NetworkLanes(np.float32, X.shape[1], heads=[(3, "softmax")], batch_size=64, n_threads=n_threads, **options)
    rows = scipy.sparse.csr_matrix(X) if variant == "sparse" else X
    order = np.random.default_rng(1).permutation(len(X))
    results = [net.epoch(rows, y, order, RateTable.constant(1e-2)) for _ in range(epochs)]
    measured = [(r.loss_sum, r.penalty, r.grad_norm, r.layer_gradient, r.update_ratio, r.dead_units) for r in results]
    return [a.tobytes() for each in measured for a in each] + [net.coef.tobytes(), net.decision(rows).tobytes()]


@pytest.mark.parametrize("variant", VARIANTS)
def test_threads_change_no_bit(variant):
    alone = trained(variant, 1)
    assert trained(variant, 2) == alone
    assert trained(variant, 5) == alone


@pytest.mark.parametrize("variant", ["plain", "clip_norm", "max_norm", "deep"])
def test_steps_that_begin_the_next_one_change_no_bit(monkeypatch, variant):
    """The first layer's sums are taken one step ahead within a slice, and not across slices."""
    whole = trained(variant, 1)
    monkeypatch.setattr(network, "WORK", 1)
    assert trained(variant, 2)[-2:] == whole[-2:]


def test_groups_of_features_are_the_same_for_sparse_rows():
    """As many values as are stored, in any order within a row, are added up as all features of a dense row are."""
    assert trained("sparse", 1) == trained("plain", 1)
    X, y = problem()
    rows = scipy.sparse.csr_matrix(X)
    shuffled = rows.copy()
    for low, high in itertools.pairwise(rows.indptr):  # groups, not features within a group, stand in another order
        at = np.argsort(-(rows.indices[low:high] // 10), kind="stable")
        shuffled.indices[low:high], shuffled.data[low:high] = rows.indices[low:high][at], rows.data[low:high][at]
    nets = [NetworkLanes(np.float64, 300, [(5, "tanh")], [(3, "softmax")], batch_size=64) for _ in range(2)]
    for net, each in zip(nets, (rows, shuffled), strict=True):
        net.epoch(each.astype(np.float64), y, None, RateTable.constant(1e-2))
    np.testing.assert_allclose(nets[0].coef, nets[1].coef, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("n_threads", [1, 2])
def test_networks_beside_each_other_are_separate_runs_with_groups_of_features(n_threads):
    X, y = problem()
    rates = np.array([1e-2, 1e-3, 3e-3])

    def coef(rates, seeds, n_threads):
        options = {"heads": [(3, "softmax")], "batch_size": 16, "seed": seeds, "n_threads": n_threads}
        net = NetworkLanes(np.float32, 300, [(40, "relu")], alpha=np.full(len(rates), 0.1), **options)
        net.epoch(X, y, None, RateTable.constant(rates))
        return net.coef

    together = coef(rates, [0, 1, 2], n_threads)
    for k in range(3):
        np.testing.assert_array_equal(together[:, k], coef(rates[k : k + 1], [k], 1)[:, 0])


def test_levels_of_processors_agree(monkeypatch):
    """No sum over features or squares depends on the width of vectors."""
    expected = trained("clip_norm", 1)
    for table in [execute.network_table(level) for level in execute._built_levels()]:
        monkeypatch.setattr(execute, "network_table", lambda table=table: table)
        assert trained("clip_norm", 1) == expected


def test_no_bit_depends_on_who_was_faster():
    """Long enough that steps are tried together and alone, and go on with what was faster."""
    assert trained("plain", 2, epochs=30) == trained("plain", 1, epochs=30)


CHILD = """
import os, sys
from tests.test_network_threads import trained
expected = trained("plain", 3)
child = os.fork()
if child == 0:
    os._exit(0 if trained("plain", 3) == expected else 1)
status = os.waitpid(child, 0)[1]
sys.exit(1 if status or trained("plain", 3) != expected else 0)
"""


def test_forked_child_trains_with_helpers_of_its_own():
    done = subprocess.run([sys.executable, "-c", CHILD], cwd=Path(__file__).parents[1], timeout=60)
    assert done.returncode == 0


def faded(optimizer, steps):
    """Return the state of a network whose only unit is dead after its first step, so that no gradient comes any more."""
    X = np.ones((1, 20), np.float32)
    net = NetworkLanes(np.float32, 20, [(1, "relu")], [(1, "squared_error")], batch_size=1, optimizer=optimizer)
    net.set_weights([[(np.full((20, 1), 0.1), np.zeros(1)), (np.ones((1, 1)), np.zeros(1))]])
    net.epoch(X, np.ones((1, 1), np.float32), None, RateTable.constant(1e-3))
    net.set_weights([[(np.full((20, 1), -1.0), np.zeros(1)), (np.zeros((1, 1)), np.zeros(1))]])
    net.epoch(X, np.ones((1, 1), np.float32), np.zeros(steps, int), RateTable.constant(1e-9))
    return net.state()


@pytest.mark.parametrize("optimizer", [fastgd.Adam(), fastgd.SGD(momentum=0.9), fastgd.RMSprop(momentum=0.9)], ids=repr)
def test_averages_of_dead_units_reach_zero(optimizer):
    """By itself an average of float32 stays subnormal for ever, and processors are slow with subnormal numbers."""
    name = "exp_avg" if isinstance(optimizer, fastgd.Adam) else "momentum_buffer"
    assert np.abs(faded(optimizer, 500)[name][0, :20]).min() > np.finfo(np.float32).tiny
    assert (faded(optimizer, 1100)[name][0, :20] == 0).all()


def test_averages_whose_sign_is_the_step_stay():
    average = faded(fastgd.Lion(betas=(0.9, 0.9)), 1100)["exp_avg"][0, :20]
    assert (average != 0).all() and (np.abs(average) < np.finfo(np.float32).tiny).all()
