"""Small networks beyond the formulas: activations, dropout, threads, what an epoch measures, the fit loop, refusals."""

import math

import numpy as np
import pytest

import fastgd
from fastgd._kernels import activations, execute
from fastgd._training import fit
from fastgd._training.network import NetworkLanes
from fastgd._training.network_shape import ACTIVATIONS, initial_weights, layers_of
from fastgd._training.pacing import SchedulePace
from fastgd._training.rates import RateTable
from fastgd._training.rows import Rows

from . import naive_network

HALF = RateTable.constant(0.5)


def problem(n=200, m=6, dtype="float64", seed=0):
    """Return rows and two classes that a circle separates."""
    X = np.random.default_rng(seed).standard_normal((n, m)).astype(dtype)
    return X, ((X**2).sum(axis=1) > m).astype(dtype)[:, None]


def network(dtype="float64", n_features=6, layers=((16, "tanh"),), **options):
    return NetworkLanes(dtype, n_features, layers, [(2, "softmax")], **options)


# ---------------------------------------------------------------------------------------------------------------------------------
# Activations


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation_has_its_value_and_derivative(name):
    function, hyper = getattr(activations, name), ACTIVATIONS[name]
    z = np.concatenate([np.linspace(-9, 9, 1001), np.logspace(-9, 0, 40), -np.logspace(-9, 0, 40)])
    value, slope = naive_network.activate(name, z)
    with np.errstate(over="ignore"):
        found = np.array([function(x, *hyper) for x in z]).T
    np.testing.assert_allclose(found[0], value, rtol=1e-13, atol=1e-15)
    np.testing.assert_allclose(found[1], slope, rtol=1e-9, atol=1e-13)


@pytest.mark.parametrize("name", ["tanh", "elu"])
def test_activations_keep_their_digits_near_zero(name):
    exact = {"tanh": math.tanh, "elu": math.expm1}[name]
    for z in -np.logspace(-15, 1, 400):
        assert getattr(activations, name)(z, *ACTIVATIONS[name])[0] == pytest.approx(exact(z), rel=2e-15, abs=0)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_compiled_activation_is_the_scalar_function(name, dtype):
    """Through the outputs of a network of one hidden unit with weight 1; exponentials are within 3 ulp, not equal."""
    z = np.linspace(-20, 20, 513).astype(dtype)
    net = NetworkLanes(dtype, 1, [(1, name)], [(1, "squared_error")])
    net.set_coef(np.array([1, 0, 1, 0.0])[:, None])
    expected = [getattr(activations, name)(float(x), *ACTIVATIONS[name])[0] for x in z]
    eps = np.finfo(dtype).eps
    np.testing.assert_allclose(net.decision(z[:, None])[:, 0], expected, rtol=16 * eps, atol=16 * eps)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_nan_comes_through(name):
    net = NetworkLanes("float64", 1, [(1, name)], [(1, "squared_error")])
    net.set_coef(np.array([np.nan, 0, 1, 0.0])[:, None])
    assert np.isnan(net.decision(np.ones((1, 1)))).all()


# ---------------------------------------------------------------------------------------------------------------------------------
# Dropout


def test_dropout_drops_its_share_and_keeps_the_mean():
    mask = naive_network.dropout_mask(3, 7, 0, (200, 200), 0.3)
    dropped = mask == 0
    assert dropped.mean() == pytest.approx(0.3, abs=4 * math.sqrt(0.21 / 40_000))
    assert mask.mean() == pytest.approx(1, abs=0.02)
    for axis in (0, 1):  # rows and units are like coins, too
        spread = dropped.mean(axis=axis).std()
        assert spread == pytest.approx(math.sqrt(0.21 / 200), rel=0.25)
    assert abs(np.corrcoef(dropped[:-1].ravel(), dropped[1:].ravel())[0, 1]) < 0.02


def test_dropout_differs_by_seed_step_and_layer():
    masks = [naive_network.dropout_mask(*key, (50, 50), 0.5) for key in ((0, 1, 0), (1, 1, 0), (0, 2, 0), (0, 1, 1))]
    for k, mask in enumerate(masks):
        for other in masks[:k]:
            assert (mask == other).mean() == pytest.approx(0.5, abs=0.05)


def test_dropout_is_off_where_nothing_is_learnt():
    X, y = problem()
    with_dropout, without = network(dropout=0.5), network()
    a, b = (net.epoch(X, y, None, RateTable.constant(0.0)) for net in (with_dropout, without))
    assert a.loss_sum == b.loss_sum
    np.testing.assert_array_equal(with_dropout.decision(X), without.decision(X))


# ---------------------------------------------------------------------------------------------------------------------------------
# Threads


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_threads_of_one_network_change_nothing(dtype):
    """Large enough that products and steps are shared out."""
    X, y = problem(300, 700, dtype)
    found = []
    for threads in (1, 2, 3):
        net = network(dtype, 700, [(101, "relu")], batch_size=150, n_threads=threads)
        for _ in range(2):
            net.epoch(X, y, None, RateTable.constant(1e-3))
        found.append(net.coef)
    for other in found[1:]:
        np.testing.assert_array_equal(found[0], other)


# ---------------------------------------------------------------------------------------------------------------------------------
# What an epoch measures


def test_a_rate_of_zero_measures_and_changes_nothing():
    X, y = problem()
    net = network(optimizer=fastgd.AdamW())
    before = net.coef
    result = net.epoch(X, y, None, RateTable.constant(0.0))
    oracle = naive_network.Network(net.weights()[0], ["tanh"], [naive_network.Head(2, "softmax")])
    assert result.loss_sum[0] == pytest.approx(oracle.losses(oracle.forward(X)[0], y)[0].sum())
    assert net.t == 1
    np.testing.assert_array_equal(net.coef, before)


def test_layers_are_measured_on_the_last_batch():
    X, y = problem(64)
    net = network(layers=[(16, "relu"), (8, "relu")], batch_size=64, optimizer=fastgd.SGD())
    flat = net.coef
    flat[6 * 16 : 7 * 16] = -100.0  # biases of the first layer: half of its units never fire
    flat[6 * 16 + 8 : 7 * 16] = 0.0
    net.set_coef(flat)
    oracle = naive_network.Network(net.weights()[0], ["relu", "relu"], [naive_network.Head(2, "softmax")])
    gradient = oracle.gradient(X, y)
    result = net.epoch(X, y, None, HALF)
    norms = [math.hypot(np.linalg.norm(w), np.linalg.norm(b)) for w, b in gradient]
    sizes = [math.hypot(np.linalg.norm(w), np.linalg.norm(b)) for w, b in oracle.weights]
    np.testing.assert_allclose(result.layer_gradient[:, 0], norms, rtol=1e-9)
    np.testing.assert_allclose(
        result.update_ratio[:, 0], [n / 2 / s for n, s in zip(norms, sizes, strict=True)], rtol=1e-9
    )
    assert result.dead_units[0, 0] == 0.5
    assert result.dead_units[2, 0] == 0
    assert result.grad_norm[0] == pytest.approx(math.hypot(*norms))


@pytest.mark.parametrize("penalty", ["coupled", "decoupled"])
def test_penalty_is_added_up_over_the_rows(penalty):
    X, y = problem(50)
    net = network(alpha=0.3, l1=0.1, penalty=penalty, batch_size=50, optimizer=fastgd.SGD())
    weights = [w for w, _ in net.weights()[0]]
    expected = sum(0.15 * (w**2).sum() + 0.1 * np.abs(w).sum() for w in weights)
    result = net.epoch(X, y, None, HALF)
    assert result.penalty[0] == pytest.approx(expected * (1 if penalty == "coupled" else 50))


def test_divergence_is_told():
    X, y = problem(dtype="float32")
    net = network("float32", layers=[(16, "relu"), (16, "relu")], alpha=np.zeros(2), optimizer=fastgd.SGD())
    for _ in range(3):
        result = net.epoch(X * 1e8, y, None, RateTable.constant([1e-12, 1e8]))
    assert result.finite_lanes.tolist() == [True, False]
    assert not result.finite


# ---------------------------------------------------------------------------------------------------------------------------------
# The fit loop


def test_fit_loop_trains_networks():
    X, y = problem(1000)
    net, probe = network(alpha=np.zeros(3)), network(alpha=np.zeros(3))
    pace = SchedulePace(fastgd.schedules.constant(1.0), np.array([1e-2, 3e-2, 1e-6]))
    rows = Rows.of(X)

    def score(raw):
        return (raw.reshape(len(X), 3, 2).argmax(axis=2) == y).mean(axis=0)

    validation = fit.Validation(probe, rows, y, None, score)
    outcome = fit.train(
        net, fit.Problem(rows, y, np.arange(1000)), pace, fit.Plan(max_iter=15), 0, validation=validation
    )
    assert outcome.coef.shape == (net.n_parameters, 3)
    assert outcome.n_iter.tolist() == [15] * 3
    score_by_rate = outcome.history["val_score"][-1]
    assert (score_by_rate[:2] > 0.8).all()
    assert score_by_rate[2] < 0.7
    assert outcome.history["loss"].shape == (15, 3)


# ---------------------------------------------------------------------------------------------------------------------------------
# The beginning


def test_initial_weights_are_spread_as_stated():
    layers = layers_of(300, [(200, "relu")], 5, 0.0)
    bounds = {
        "glorot_uniform": math.sqrt(6 / 500),
        "he_uniform": math.sqrt(6 / 300),
        "lecun_uniform": math.sqrt(3 / 300),
    }
    for init, bound in bounds.items():
        first = initial_weights(layers, init, 0)[: 300 * 200]
        assert np.abs(first).max() == pytest.approx(bound, rel=1e-3)
        assert first.std() == pytest.approx(bound / math.sqrt(3), rel=0.02)
    logistic = initial_weights(layers_of(300, [(200, "logistic")], 5, 0.0), "glorot_uniform", 0)
    assert np.abs(logistic[:60_000]).max() == pytest.approx(math.sqrt(2 / 500), rel=1e-3)


def test_weights_come_and_go():
    net, other = network(seed=[0, 1]), network(seed=[5, 6])
    other.set_weights(net.weights())
    np.testing.assert_array_equal(net.coef, other.coef)
    w, b = net.weights()[1][0]
    np.testing.assert_array_equal(net.coef[: 6 * 16, 1], w.ravel())
    np.testing.assert_array_equal(net.coef[6 * 16 : 7 * 16, 1], b)


# ---------------------------------------------------------------------------------------------------------------------------------
# Refusals


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"layers": [(0, "relu")]}, "layers"),
        ({"layers": [(4, "swish")]}, "layers"),
        ({"layers": [(4, "relu", 0.1)]}, "layers"),
        ({"heads": []}, "heads"),
        ({"heads": [(2, "hinge")]}, "heads"),
        ({"heads": [(2, "huber")]}, "heads"),
        ({"heads": [(2, "softmax", -1.0)]}, "heads"),
        ({"dropout": 1.0}, "dropout"),
        ({"dropout": [0.1, 0.1]}, "dropout"),
        ({"penalty": "l2"}, "penalty"),
        ({"batch_size": 0}, "batch_size"),
        ({"optimizer": "adam"}, "optimizer"),
        ({"optimizer": fastgd.Adam(on_nonfinite="skip")}, "optimizer"),
        ({"init": "ones"}, "init"),
        ({"max_norm": 0}, "max_norm"),
        ({"n_threads": 0}, "n_threads"),
    ],
)
def test_bad_options_are_refused_by_name(options, named):
    with pytest.raises((ValueError, TypeError), match=named):
        NetworkLanes("float64", 6, **options)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"rows": np.ones((200, 5))}, "rows"),
        ({"rows": np.ones((200, 6), np.float32)}, "rows"),
        ({"targets": np.ones((200, 2))}, "targets"),
        ({"targets": np.full((200, 1), 2.0)}, "targets"),
        ({"targets": np.full((200, 1), -1.0)}, "targets"),
        ({"targets": np.full((200, 1), 0.5)}, "targets"),
        ({"targets": np.full((200, 1), np.nan)}, "targets"),
        ({"order": np.array([200])}, "order"),
        ({"order": np.array([-1])}, "order"),
        ({"row_weight": np.ones(200)}, "row_weight"),
        ({"row_weight": np.zeros((200, 1))}, "row_weight"),
        ({"start": 5}, "start"),
        ({"stop": 33}, "stop"),
    ],
)
def test_bad_data_are_refused_before_anything_changes(change, named):
    X, y = problem()
    net = network()
    before = net.coef
    with pytest.raises((ValueError, TypeError), match=named):
        net.epoch(**({"rows": X, "targets": y, "order": None, "rate": HALF} | change))
    np.testing.assert_array_equal(net.coef, before)
    assert net.t == 1


def test_rates_that_the_optimizer_cannot_have_are_refused():
    X, y = problem()
    with pytest.raises(ValueError, match="rate"):
        network(alpha=np.zeros(2), optimizer=fastgd.FTRL()).epoch(X, y, None, RateTable.constant([0.1, 0.0]))


def test_state_of_another_network_is_refused():
    net, other = network(), network(layers=[(5, "tanh")])
    with pytest.raises(ValueError, match="state"):
        net.set_state(other.state())


def test_every_activation_is_compiled():
    assert {name for name, _ in execute.network_table().ACTIVATIONS} == set(ACTIVATIONS)
