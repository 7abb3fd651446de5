"""Small networks: gradients, trajectories, and that K networks are K runs."""

import itertools

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st

import fastgd
from fastgd._training import network as module
from fastgd._training.network import NetworkLanes
from fastgd._training.rates import RateTable

from . import naive, naive_network

ACTIVATIONS = ("identity", "logistic", "tanh", "relu", "leaky_relu", "gelu", "silu", "elu")
HEADS = {
    "softmax": (3, "softmax"),
    "softmax_probabilities": (3, "softmax_probabilities", 1.0, 2.5),
    "log_loss": (2, "log_loss"),
    "squared_error": (2, "squared_error"),
    "huber": (2, "huber", 1.0, 0.4),
    "poisson": (2, "poisson"),
    "multi-task": (3, "softmax", 0.5),
}
OPTIONS = {
    "plain": {},
    "l2": {"alpha": 0.3},
    "l1": {"alpha": 0.1, "l1": 0.2},
    "dropout": {"dropout": 0.4},
    "weights": {},
}


def heads_for(name):
    return [HEADS[name], (1, "squared_error", 2.0), (2, "log_loss")] if name == "multi-task" else [HEADS[name]]


def data(heads, n=40, m=7, dtype=np.float64, seed=0):
    """Return rows, and targets for each head side by side."""
    rng = np.random.default_rng(seed)
    columns = []
    for n_out, loss, *_ in heads:
        if loss == "softmax":
            columns.append(rng.integers(0, n_out, (n, 1)).astype(float))
        elif loss == "softmax_probabilities":
            columns.append(rng.dirichlet(np.ones(n_out), n))
        elif loss == "log_loss":
            columns.append(rng.integers(0, 2, (n, n_out)).astype(float))
        elif loss == "poisson":
            columns.append(rng.poisson(2, (n, n_out)).astype(float))
        else:
            columns.append(rng.standard_normal((n, n_out)))
    return rng.standard_normal((n, m)).astype(dtype), np.concatenate(columns, axis=1).astype(dtype)


def gradient_of(net, X, y, weight=None):
    """Return the gradient of a network with SGD at rate 1: what one step takes away."""
    before = net.coef
    assert net.epoch(X, y, None, RateTable.constant(1.0), weight).finite
    return before - net.coef


def plain(lanes, hidden, heads, **options):
    """Return the oracle with the same weights."""
    return naive_network.Network(lanes.weights()[0], [h[1:] if len(h) > 2 else h[1] for h in hidden],
                                 [naive_network.Head(*h) for h in heads], **options)  # fmt: skip


def flat(gradient):
    return np.concatenate([np.ravel(a) for pair in gradient for a in pair])


# ---------------------------------------------------------------------------------------------------------------------------------
# Gradients


@pytest.mark.parametrize("option", OPTIONS)
@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_gradient_is_that_of_torch_and_of_the_oracle(activation, head, option):
    torch = pytest.importorskip("torch")
    heads, hidden, options = heads_for(head), [(9, activation), (17, activation)], OPTIONS[option]
    X, y = data(heads)
    weight = np.random.default_rng(1).uniform(0.1, 2, (40, 1)) if option == "weights" else None
    net = NetworkLanes("float64", 7, hidden, heads, batch_size=40, optimizer=fastgd.SGD(lr=1.0), seed=5, **options)
    oracle_options = options | ({"dropout": [0.4, 0.4], "seed": 5} if option == "dropout" else {})
    oracle = plain(net, hidden, heads, **oracle_options)
    start = net.weights()[0]
    found = gradient_of(net, X, y, weight)[:, 0]
    w = None if weight is None else weight[:, 0]
    expected = flat(oracle.gradient(X, y, w, 1.0 if w is None else w.mean(), step=1))
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)

    parameters = [torch.tensor(a, requires_grad=True) for pair in start for a in pair]
    loss = torch_loss(torch, parameters, activation, heads, torch.tensor(X), torch.tensor(y), w, options)
    loss.backward()
    np.testing.assert_allclose(
        found, np.concatenate([p.grad.numpy().ravel() for p in parameters]), rtol=1e-9, atol=1e-12
    )


@pytest.mark.parametrize("loss", ["softmax", "softmax_probabilities"])
@pytest.mark.parametrize("batch_size", [1, 15, 16, 17, 65])
def test_softmax_takes_rows_together_without_mixing_them(batch_size, loss):
    """Rows stand side by side in vectors; the last few of a batch do not fill one, and the widest layer is the outputs."""
    heads = [(40, loss, 0.7, 1.5)]
    X, y = data(heads, n=batch_size)
    net = NetworkLanes("float64", 7, [(5, "tanh")], heads, batch_size=batch_size, optimizer=fastgd.SGD(lr=1.0), seed=2)
    expected = plain(net, [(5, "tanh")], heads).gradient(X, y)
    np.testing.assert_allclose(gradient_of(net, X, y)[:, 0], flat(expected), rtol=1e-9, atol=1e-12)


def torch_loss(torch, parameters, activation, heads, X, y, weight, options):
    F = torch.nn.functional
    functions = {
        "identity": lambda z: z, "logistic": torch.sigmoid, "tanh": torch.tanh, "relu": F.relu, "leaky_relu": F.leaky_relu,
        "gelu": lambda z: F.gelu(z, approximate="tanh"), "silu": F.silu, "elu": F.elu,
    }  # fmt: skip
    value = X
    for k in range(0, len(parameters), 2):
        value = value @ parameters[k] + parameters[k + 1]
        if k + 2 < len(parameters):
            value = functions[activation](value)
            if "dropout" in options:
                mask = naive_network.dropout_mask(5, 1, k // 2, tuple(value.shape), options["dropout"])
                value = value * torch.tensor(mask)
    losses, first, column = 0, 0, 0
    for n_out, name, *rest in heads:
        factor, parameter = (*rest, *(1.0, 1.0)[len(rest) :])
        z = value[:, first : first + n_out]
        target = y[:, column : column + (1 if name == "softmax" else n_out)]
        first, column = first + n_out, column + target.shape[1]
        each = {
            "softmax": lambda z, t: F.cross_entropy(z, t[:, 0].long(), reduction="none"),
            "softmax_probabilities": lambda z, t, T=parameter: T**2 * F.cross_entropy(z / T, t, reduction="none"),
            "log_loss": lambda z, t: F.binary_cross_entropy_with_logits(z, t, reduction="none").sum(1),
            "squared_error": lambda z, t: ((z - t) ** 2 / 2).sum(1),
            "huber": lambda z, t, d=parameter: F.huber_loss(z, t, delta=d, reduction="none").sum(1),
            "poisson": lambda z, t: F.poisson_nll_loss(z, t, reduction="none").sum(1),
        }[name](z, target)  # fmt: skip
        losses = losses + factor * each
    w = torch.ones(len(X), dtype=torch.float64) if weight is None else torch.tensor(weight)
    loss = (w * losses).sum() / w.sum()
    for p in parameters[::2]:
        loss = loss + (options.get("alpha", 0) * (p**2).sum() / 2 + options.get("l1", 0) * p.abs().sum()) / len(X)
    return loss


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_gradient_is_the_difference_quotient_of_the_reported_loss(activation, head):
    """Independent of every other derivative: the losses that the kernels report, at weights moved along a direction."""
    heads, hidden = heads_for(head), [(6, activation)]
    X, y = data(heads)
    net = NetworkLanes("float64", 7, hidden, heads, batch_size=40, optimizer=fastgd.SGD(), seed=2)
    start = net.coef
    g = gradient_of(net, X, y)
    direction = np.random.default_rng(3).standard_normal(start.shape)
    values = []
    for step in (1e-5, -1e-5):
        net.set_coef(start + step * direction)
        values.append(net.epoch(X, y, None, RateTable.constant(0.0)).loss_sum[0] / 40)
    assert (values[0] - values[1]) / 2e-5 == pytest.approx((g * direction).sum(), rel=1e-5, abs=1e-8)


@pytest.mark.parametrize("activation", ["leaky_relu", "elu"])
def test_activation_has_its_parameter(activation):
    X, y = data([HEADS["softmax"]])
    hidden = [(9, activation, 0.3)]
    net = NetworkLanes("float64", 7, hidden, [HEADS["softmax"]], batch_size=40, optimizer=fastgd.SGD())
    oracle = naive_network.Network(net.weights()[0], [(activation, 0.3)], [naive_network.Head(3, "softmax")])
    np.testing.assert_allclose(gradient_of(net, X, y)[:, 0], flat(oracle.gradient(X, y)), rtol=1e-9, atol=1e-12)


@settings(deadline=None, max_examples=40)
@given(
    n=st.integers(1, 70), m=st.integers(1, 40), sizes=st.lists(st.integers(1, 70), max_size=3), n_out=st.integers(1, 40),
    dtype=st.sampled_from(["float32", "float64"]),
)  # fmt: skip
def test_every_shape(n, m, sizes, n_out, dtype):
    """Tiles have edges; the products must not."""
    heads, hidden = [(n_out, "squared_error")], [(size, "tanh") for size in sizes]
    X, y = data(heads, n, m, dtype)
    net = NetworkLanes(dtype, m, hidden, heads, batch_size=n, optimizer=fastgd.SGD())
    oracle = plain(net, hidden, heads)
    z = oracle.forward(X.astype(float))[0]
    tolerance = 1e-4 if dtype == "float32" else 1e-12
    np.testing.assert_allclose(net.decision(X), z, rtol=tolerance, atol=tolerance)
    expected = flat(oracle.gradient(X.astype(float), y.astype(float)))
    np.testing.assert_allclose(gradient_of(net, X, y)[:, 0], expected, rtol=tolerance, atol=10 * tolerance)


# ---------------------------------------------------------------------------------------------------------------------------------
# Trajectories

OPTIMIZERS = {
    "SGD": {"lr": 0.1}, "SGD momentum": {"lr": 0.1, "momentum": 0.9}, "SGD nesterov": {"lr": 0.1, "momentum": 0.9, "nesterov": True},
    "Adagrad": {"lr": 0.1}, "RMSprop": {}, "RMSprop centered": {"centered": True, "momentum": 0.5}, "Adadelta": {"lr": 1.0},
    "Adam": {"lr": 1e-2}, "Adam amsgrad": {"lr": 1e-2, "amsgrad": True}, "AdamW": {"lr": 1e-2}, "Adamax": {"lr": 1e-2},
    "NAdam": {"lr": 1e-2}, "RAdam": {"lr": 1e-2}, "Lion": {"lr": 1e-3}, "SignSGD": {"lr": 1e-3}, "Signum": {"lr": 1e-3},
    "Rprop": {"lr": 1e-3}, "FTRL": {"lr": 0.1}, "ASGD": {"lr": 0.1},
}  # fmt: skip


def optimizer_pair(name, options):
    kind = name.split()[0]
    theirs = naive.Signum(momentum=0, **options) if kind == "SignSGD" else getattr(naive, kind)(**options)
    return getattr(fastgd, kind)(**options), theirs


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_trajectory_is_that_of_the_oracle(name):
    """100 steps, every row seen several times, with a last batch that is smaller."""
    ours, theirs = optimizer_pair(name, OPTIMIZERS[name])
    heads, hidden = [(3, "softmax")], [(8, "tanh")]
    X, y = data(heads, 76)
    net = NetworkLanes("float64", 7, hidden, heads, batch_size=8, optimizer=ours, alpha=0.01, seed=1)
    oracle = plain(net, hidden, heads, alpha=0.01)
    rng, batches = np.random.default_rng(0), []
    for _ in range(10):
        order = rng.permutation(76)
        batches += [order[low : low + 8] for low in range(0, 76, 8)]
        net.epoch(X, y, order, RateTable.constant(ours.lr))
    oracle.train(theirs, X, y, batches)
    assert net.t == 101
    np.testing.assert_allclose(net.coef[:, 0], flat(oracle.weights), rtol=1e-7, atol=1e-9)


VARIANTS = {
    "decoupled": {"alpha": 0.5, "l1": 0.2, "penalty": "decoupled"},
    "dropout": {"dropout": 0.3},
    "max_norm": {"max_norm": 0.7},
    "non_negative": {"non_negative": True, "max_norm": 0.7},
    "clip_norm": {"clip_norm": 0.1},
    "weights": {},
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_trajectory_with_options(variant):
    options, rate = VARIANTS[variant], 0.05
    heads, hidden = [(2, "squared_error"), (3, "softmax", 0.7)], [(8, "silu"), (5, "tanh")]
    X, y = data(heads, 60)
    weight = np.random.default_rng(1).uniform(0, 2, (60, 1)) if variant == "weights" else None
    net = NetworkLanes("float64", 7, hidden, heads, batch_size=16, optimizer=fastgd.SGD(lr=rate), seed=4, **options)
    translated = {"penalty": ("decoupled", True), "dropout": ("dropout", [0.3, 0.3])}
    told = dict(translated.get(k, (k, v)) for k, v in options.items() if k != "clip_norm")
    oracle = plain(net, hidden, heads, seed=4, **told)
    theirs = naive.SGD(lr=rate, clip_norm=options.get("clip_norm"))
    order = np.random.default_rng(0).permutation(60)
    result = net.epoch(X, y, order, RateTable.constant(rate), weight)
    batches = [order[low : low + 16] for low in range(0, 60, 16)]
    oracle.train(theirs, X, y, batches, None if weight is None else weight[:, 0], rate)
    np.testing.assert_allclose(net.coef[:, 0], flat(oracle.weights), rtol=1e-9, atol=1e-12)
    assert (result.clipped is not None) == (variant == "clip_norm")
    if variant == "clip_norm":
        assert result.clipped[0] == 1.0


def test_schedules_are_followed():
    """The rate table replaces the optimizer's own rate; its other schedules hold."""
    ours = fastgd.SGD(lr=123.0, momentum=fastgd.schedules.linear(0.9, 8))
    theirs = naive.SGD(lr=lambda t: 0.1 / (t + 1), momentum=lambda t: 0.9 * (1 - min(t, 8) / 8))
    heads, hidden = [(3, "softmax")], [(8, "tanh")]
    X, y = data(heads, 64)
    net = NetworkLanes("float64", 7, hidden, heads, batch_size=8, optimizer=ours)
    oracle = plain(net, hidden, heads)
    net.epoch(X, y, None, RateTable.steps(0.1 / np.arange(1, 9)))
    oracle.train(theirs, X, y, np.split(np.arange(64), 8))
    np.testing.assert_allclose(net.coef[:, 0], flat(oracle.weights), rtol=1e-9, atol=1e-12)


# ---------------------------------------------------------------------------------------------------------------------------------
# Lanes, threads, slices, resumption


def many(dtype="float32", n_threads=1, optimizer=None, only=slice(None), **more):
    lanes = {"alpha": [0.0, 0.1, 0.2, 0.0, 1.0], "l1": [0.0, 0.0, 0.1, 0.0, 0.0], "seed": [0, 0, 1, 2, 3]}
    options = {name: np.array(values)[only] for name, values in lanes.items()} | more
    return NetworkLanes(dtype, 30, [(33, "relu"), (20, "gelu")], [(3, "softmax")], batch_size=16, dropout=0.2,
                        optimizer=optimizer or fastgd.NAdam(), n_threads=n_threads, **options)  # fmt: skip


RATES = np.array([1e-2, 1e-3, 3e-3, 1e-4, 1e-2])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("optimizer", [fastgd.NAdam(), fastgd.FTRL(), fastgd.ASGD(), fastgd.Rprop()], ids=repr)
def test_lanes_are_separate_runs_for_any_number_of_threads(dtype, optimizer):
    X, y = data([(3, "softmax")], 100, 30, dtype)
    order = np.random.default_rng(0).permutation(100)
    together = []
    for threads in (1, 2, 5):
        net = many(dtype, threads, optimizer)
        results = [net.epoch(X, y, order, RateTable.constant(RATES)) for _ in range(2)]
        together.append((net.coef, results[1].loss_sum, net.decision(X).reshape(100, 5, 3)))
    for other in together[1:]:
        for a, b in zip(together[0], other, strict=True):
            np.testing.assert_array_equal(a, b)
    for k in range(5):
        alone = many(dtype, 1, optimizer, slice(k, k + 1))
        results = [alone.epoch(X, y, order, RateTable.constant(RATES[k])) for _ in range(2)]
        np.testing.assert_array_equal(together[0][0][:, k], alone.coef[:, 0])
        assert together[0][1][k] == results[1].loss_sum[0]
        np.testing.assert_array_equal(together[0][2][:, k], alone.decision(X))


def test_levels_of_processors_agree(monkeypatch):
    """No sum depends on the width of vectors."""
    from fastgd._kernels import execute

    X, y = data([(3, "softmax")], 100, 30, "float32")
    found = []
    for table in [execute.network_table(level) for level in execute._built_levels()]:
        monkeypatch.setattr(execute, "network_table", lambda table=table: table)
        net = many()
        net.epoch(X, y, None, RateTable.constant(RATES))
        found.append(net.coef)
    for other in found[1:]:
        np.testing.assert_array_equal(found[0], other)


def test_slices_change_nothing(monkeypatch):
    X, y = data([(3, "softmax")], 100, 30, "float32")
    whole, cut = many(), many()
    expected = whole.epoch(X, y, None, RateTable.constant(RATES))
    monkeypatch.setattr(module, "WORK", 1)
    found = cut.epoch(X, y, None, RateTable.constant(RATES))
    np.testing.assert_array_equal(whole.coef, cut.coef)
    np.testing.assert_array_equal(expected.loss_sum, found.loss_sum)


def test_interruption_between_slices_leaves_whole_steps(monkeypatch):
    X, y = data([(3, "softmax")], 100, 30, "float32")
    net, reference = many(), many()
    monkeypatch.setattr(module, "WORK", 1)
    tables = net._step_tables
    calls = itertools.count()

    def interrupted(*arguments):
        if next(calls) == 3:
            raise KeyboardInterrupt
        return tables(*arguments)

    monkeypatch.setattr(net, "_step_tables", interrupted)
    with pytest.raises(KeyboardInterrupt):
        net.epoch(X, y, None, RateTable.constant(RATES))
    assert net.t == 4
    reference.epoch(X, y, None, RateTable.constant(RATES), stop=48)
    np.testing.assert_array_equal(net.coef, reference.coef)


class InterruptedAfter:
    """Compiled networks whose signal is looked at as soon as their fourth call is over."""

    def __init__(self, networks):
        self.networks, self.calls = networks, itertools.count(1)

    def learn(self, *arguments):
        self.networks.learn(*arguments)
        if next(self.calls) == 4:
            raise KeyboardInterrupt


@pytest.mark.parametrize("optimizer", [fastgd.NAdam(), fastgd.FTRL()], ids=repr)
def test_interruption_after_compiled_code_loses_no_step(monkeypatch, optimizer):
    X, y = data([(3, "softmax")], 100, 30, "float32")
    net, reference = many(optimizer=optimizer), many(optimizer=optimizer)
    reference.epoch(X, y, None, RateTable.constant(RATES))
    monkeypatch.setattr(module, "WORK", 1)
    networks, net._networks = net._networks, InterruptedAfter(net._networks)
    with pytest.raises(KeyboardInterrupt):
        net.epoch(X, y, None, RateTable.constant(RATES))
    assert net.t == 5
    net._networks = networks
    net.epoch(X, y, None, RateTable.constant(RATES), start=64)
    np.testing.assert_array_equal(net.coef, reference.coef)


@pytest.mark.parametrize("stop", [16, 64])
def test_resume_in_the_middle_of_an_epoch(stop):
    X, y = data([(3, "softmax")], 100, 30, "float32")
    rate = RateTable.steps(np.linspace(1e-2, 1e-3, 7))
    order = np.random.default_rng(0).permutation(100)
    straight, first, second = many(), many(), many()
    straight.epoch(X, y, order, rate)
    first.epoch(X, y, order, rate, stop=stop)
    second.set_state(first.state())
    first.set_coef(np.zeros_like(first.coef))  # what state() returned are copies
    second.epoch(X, y, order, rate, start=stop)
    assert second.t == straight.t
    np.testing.assert_array_equal(straight.coef, second.coef)


# ---------------------------------------------------------------------------------------------------------------------------------
# Rows


@pytest.mark.parametrize("width", [np.int32, np.int64])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_sparse_rows_are_dense_rows_bit_for_bit(dtype, width):
    X, y = data([(3, "softmax")], 100, 30, dtype)
    X[np.random.default_rng(0).random(X.shape) < 0.8] = 0
    S = scipy.sparse.csr_matrix(X)
    S.indices, S.indptr = S.indices.astype(width), S.indptr.astype(width)
    order = np.random.default_rng(1).permutation(100)
    dense, sparse = many(dtype), many(dtype)
    a = dense.epoch(X, y, order, RateTable.constant(RATES))
    b = sparse.epoch(S, y, order, RateTable.constant(RATES))
    np.testing.assert_array_equal(dense.coef, sparse.coef)
    np.testing.assert_array_equal(a.loss_sum, b.loss_sum)
    np.testing.assert_array_equal(dense.decision(X), sparse.decision(S))


def test_strided_rows_are_used_in_place():
    X, y = data([(3, "softmax")], 100, 60, "float32")
    a, b = many(), many()
    a.epoch(X[:, :30], y, None, RateTable.constant(RATES))
    b.epoch(X[:, :30].copy(), y, None, RateTable.constant(RATES))
    np.testing.assert_array_equal(a.coef, b.coef)


def test_weight_is_repetition_in_a_full_batch():
    X, y = data([(3, "softmax")], 20)
    weight = np.random.default_rng(0).integers(0, 4, (20, 1)).astype(float)
    often = np.repeat(np.arange(20), weight[:, 0].astype(int))
    options = {"optimizer": fastgd.SGD(), "heads": [(3, "softmax")]}
    weighted = NetworkLanes("float64", 7, batch_size=20, **options)
    repeated = NetworkLanes("float64", 7, batch_size=len(often), **options)
    a = weighted.epoch(X, y, None, RateTable.constant(0.5), weight)
    b = repeated.epoch(X, y, often, RateTable.constant(0.5))
    np.testing.assert_allclose(weighted.coef, repeated.coef, rtol=1e-10, atol=1e-13)
    assert a.weighted_loss_sum[0] == pytest.approx(b.loss_sum[0])
    assert a.weight_sum[0] == len(often) == b.n_rows


def test_weights_of_each_network():
    X, y = data([(3, "softmax")], 100, 30, "float64")
    weight = np.random.default_rng(0).uniform(0, 2, (100, 5))
    net = many("float64")
    net.epoch(X, y, None, RateTable.constant(RATES), weight)
    alone = many("float64", only=slice(2, 3))
    alone.epoch(X, y, None, RateTable.constant(RATES[2]), weight[:, 2:3])
    np.testing.assert_array_equal(net.coef[:, 2], alone.coef[:, 0])
