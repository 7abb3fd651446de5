"""Networks with the optimizers that textbooks leave out: 100 steps are those of a plain NumPy network with the paper's update."""

import numpy as np
import pytest

import fastgd
from fastgd._training.network import NetworkLanes
from fastgd._training.rates import RateTable
from fastgd.optimizers import Optimizer

from . import naive_more, naive_trust
from .naive_network import Head, Network
from .test_network import OPTIMIZERS, data, flat

MORE = {
    "AdaBelief": {"lr": 1e-2}, "Yogi": {"lr": 1e-2}, "AdaBound": {"lr": 1e-2}, "LaProp": {"lr": 1e-2}, "ADOPT": {"lr": 1e-2},
    "Adan": {"lr": 1e-2}, "AdEMAMix": {"lr": 1e-2}, "QHAdam": {"lr": 1e-2}, "QHM": {"lr": 0.1, "momentum": 0.9, "nu": 0.7},
}  # fmt: skip


@pytest.mark.parametrize("name", MORE)
def test_trajectory_is_that_of_the_oracle(name):
    """Two networks side by side, each with its own rate and penalty; every row is seen several times, with a last batch that is smaller."""
    ours, alphas, heads = getattr(fastgd, name)(**MORE[name]), [0.01, 0.0], [(3, "softmax")]
    rates = [ours.lr, ours.lr / 2]
    X, y = data(heads, 76)
    net = NetworkLanes("float64", 7, [(8, "tanh")], heads, batch_size=8, optimizer=ours, alpha=alphas, seed=[1, 2])
    oracles = [
        Network(start, ["tanh"], [Head(3, "softmax")], alpha=alpha)
        for start, alpha in zip(net.weights(), alphas, strict=True)
    ]
    orders = [np.random.default_rng(seed).permutation(76) for seed in range(10)]
    for order in orders:
        net.epoch(X, y, order, RateTable.constant(rates))
    assert net.t == 101
    kind = getattr(naive_more if hasattr(naive_more, name) else naive_trust, name)
    batches = [order[low : low + 8] for order in orders for low in range(0, 76, 8)]
    for k, (oracle, rate) in enumerate(zip(oracles, rates, strict=True)):
        start = flat(oracle.weights)
        oracle.train(kind(**MORE[name] | {"lr": rate}), X, y, batches)
        assert np.abs(flat(oracle.weights) - start).max() > 0.01
        np.testing.assert_allclose(net.coef[:, k], flat(oracle.weights), rtol=1e-7, atol=1e-9)


def test_every_compiled_optimizer_has_a_trajectory():
    ours = {
        name
        for name, kind in Optimizer.registry.items()
        if kind.in_lanes and str(kind.__module__).startswith("fastgd.")
    }
    assert ours == {name.split()[0] for name in OPTIMIZERS} | set(MORE)
