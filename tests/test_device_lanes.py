"""Lanes on arrays of another library, as on a GPU: the textbook's mini-batches, and the state of lanes in host memory.

The library is `device_library.py`, which has the Array API standard and no more; torch takes the same way where it is installed. The
kernels that take the steps on a GPU are tested in the simulator, by `cuda_sim_lanes.py`.
"""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fastgd
from fastgd._kernels import execute, losses
from fastgd._kernels.array_functions import of_arrays
from fastgd._training.coded import Coded
from fastgd._training.device import DeviceRows
from fastgd._training.device_linear import DeviceLanes
from fastgd._training.rates import RateTable

from . import device_library, naive_sgd
from .batch_cases import BATCH, FEW, OPTIMIZERS, assert_like, classes, make, ours, textbook, textbooks, trained
from .test_lanes import ALPHA, N_FEATURES, N_ROWS, PENALTIES, orders, problem, rate_table


def there(X):
    return DeviceRows(device_library.on_device(X), device_library.library)


def on_the_device(X, y, loss, rate, n_lanes=1, weight=None, epochs=3, rows=None, **options):
    """Train as `trained` does."""
    rows = there(X) if rows is None else rows
    defaults = {"alpha": np.full(n_lanes, ALPHA), "l1_ratio": 0.0, "loss_parameter": 0.1, "batch_size": BATCH}
    lanes = DeviceLanes(rows, loss, **defaults | options)
    for order in orders(X.shape[0], epochs):
        result = lanes.epoch(rows, y.reshape(len(y), -1), order, rate, weight)
    return lanes, result


@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("loss", naive_sgd.LOSSES)
def test_batches_are_the_textbooks(loss, penalty):
    l1_ratio, on = PENALTIES[penalty]
    X, y = problem(loss)
    for name in FEW[:: 1 if penalty == "l2" else 2]:
        options = {"l1_ratio": l1_ratio, "penalty_on": on}
        model = textbook(X, y, loss, "invscaling", optimizer=textbooks(name), **options)
        lanes, result = on_the_device(X, y, loss, rate_table("invscaling"), optimizer=ours(name), **options)
        assert_like(lanes, result, model, 1e-9)
        np.testing.assert_allclose(result.grad_norm * 8, model.grad_norm, rtol=1e-7)
        np.testing.assert_allclose(result.penalty, model.penalty, rtol=1e-7, atol=1e-9)
        assert result.finite and result.clipped is None and result.n_rows == N_ROWS


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_is_the_textbooks(name):
    X, y = problem("log_loss")
    model = textbook(X, y, "log_loss", "constant", l1_ratio=0.3, optimizer=textbooks(name))
    lanes, result = on_the_device(X, y, "log_loss", rate_table("constant"), l1_ratio=0.3, optimizer=ours(name))
    assert_like(lanes, result, model, 1e-8)


WAYS = {
    "no intercept": {"fit_intercept": False},
    "average": {"average": 3},
    "one class": {"one_class": True},
    "clipped": {"clip_norm": [0.05, np.inf, 0.2]},
    "clipped Adam": {"clip_norm": 0.1, "optimizer": fastgd.Adam()},
    "schedule": {"optimizer": fastgd.SGD(momentum=fastgd.schedules.linear(0.9, 30))},
    "intercept decay": {"intercept_decay": 0.1},
    "weights": {"weight": True, "optimizer": fastgd.NAdam()},
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("way", WAYS)
def test_lanes_are_those_of_host_memory(way, dtype):
    """Three lanes with rates of their own, a last batch that is smaller, and more steps than scalars are computed for at once."""
    options = {"average": 0, "epochs": 60, "batch_size": 32, "n_lanes": 3, "l1_ratio": 0.1} | WAYS[way]
    X, y = problem("huber", dtype)
    rng = np.random.default_rng(5)
    weight = rng.integers(0, 3, (len(y), 3)).astype(float) if options.pop("weight", False) else None
    rate = RateTable.invscaling([0.1, 0.05, 0.01], 0.25)
    here, expected = trained(X, y, "huber", rate, weight=weight, **options)
    lanes, found = on_the_device(X, y, "huber", rate, weight=weight, **options)
    tolerance = {"rtol": 0, "atol": 2e-5 if dtype == "float32" else 1e-12}
    names = ("coef", "intercept", "average_coef", "average_intercept") if options["average"] else ("coef", "intercept")
    for name in names:
        np.testing.assert_allclose(getattr(lanes, name), getattr(here, name), **tolerance, err_msg=name)
    for name in ("loss_sum", "weighted_loss_sum", "weight_sum", "penalty", "grad_norm", "clipped"):
        if getattr(expected, name) is not None:
            np.testing.assert_allclose(
                getattr(found, name), getattr(expected, name), rtol=1e-3 if dtype == "float32" else 1e-9
            )


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_softmax_is_that_of_host_memory(dtype):
    X, y = classes(dtype)
    options = {"n_lanes": 10, "n_outputs": 5, "l1_ratio": 0.0, "clip_norm": 0.5}
    rate = RateTable.constant(np.repeat([0.1, 0.02], 5))
    weight = np.random.default_rng(2).random((len(y), 2))
    here, expected = trained(X, y, "softmax", rate, weight=weight, **options)
    lanes, found = on_the_device(X, y, "softmax", rate, weight=weight, **options)
    np.testing.assert_allclose(lanes.coef, here.coef, rtol=0, atol=1e-6 if dtype == "float32" else 1e-13)
    for name in ("loss_sum", "weighted_loss_sum", "weight_sum", "penalty", "grad_norm", "clipped"):
        np.testing.assert_allclose(getattr(found, name), getattr(expected, name), rtol=1e-5, err_msg=name)
    np.testing.assert_allclose(lanes.decision(there(X)), here.decision(X), rtol=0, atol=1e-5)


def test_targets_that_are_codes():
    X, y = classes()
    code = Coded(y.astype(np.uint8), 2.0 * np.eye(5) - 1, np.linspace(0.5, 2, len(y)))
    rate = RateTable.constant(0.1)
    rows = there(X)
    lanes = DeviceLanes(rows, "squared_hinge", alpha=[1e-2] * 5, l1_ratio=0.0, batch_size=16)
    dense = DeviceLanes(rows, "squared_hinge", alpha=[1e-2] * 5, l1_ratio=0.0, batch_size=16)
    for order in orders(len(y), 3):
        lanes.epoch(rows, code, order, rate)
        dense.epoch(rows, np.asarray(code), order, rate)
    assert np.array_equal(lanes.coef, dense.coef) and not np.array_equal(lanes.coef, 0 * lanes.coef)


@pytest.mark.parametrize("optimizer", [None, fastgd.AdamW(), fastgd.FTRL(), fastgd.NAdam()], ids=repr)
def test_training_goes_on_here_and_there(optimizer):
    """From a state of the host on the device, and back; in two halves of an epoch as in one."""
    X, y = problem("huber")
    options = {
        "loss_parameter": 0.1,
        "alpha": [0.01] * 3,
        "l1_ratio": 0.0,
        "batch_size": 16,
        "optimizer": optimizer,
        "average": 2,
    }
    rate, order, rows = RateTable.constant([0.1, 0.05, 0.01]), np.random.default_rng(1).permutation(len(y)), there(X)
    here = make(X, "huber", 3, **options)
    lanes, other = (DeviceLanes(rows, "huber", **options) for _ in range(2))
    targets = y[:, None]
    here.epoch(X, targets, order, rate)
    lanes.set_state(here.state())
    first = lanes.epoch(rows, targets, order, rate, None, 0, 64)
    other.set_state(lanes.state())
    whole = here.epoch(X, targets, order, rate)
    halves = other.epoch(rows, targets, order, rate, None, 64, None, first and 1.0 + here.n_steps(len(y)))
    np.testing.assert_allclose(other.coef, here.coef, rtol=0, atol=1e-13)
    np.testing.assert_allclose(other.average_coef, here.average_coef, rtol=0, atol=1e-13)
    np.testing.assert_allclose(halves.loss_sum, whole.loss_sum, rtol=1e-12)
    np.testing.assert_allclose(halves.grad_norm, whole.grad_norm, rtol=1e-12)
    here.set_state(other.state())
    here.epoch(X, targets, order, rate)
    other.epoch(rows, targets, order, rate)
    np.testing.assert_allclose(other.coef, here.coef, rtol=0, atol=1e-12)
    other.set_average(2 * other.coef, np.arange(3.0))
    assert np.array_equal(other.average_coef, 2 * other.coef) and other.average_intercept.tolist() == [0, 1, 2]


def test_only_what_was_measured_goes_to_the_host():
    """Of an epoch of many steps a few numbers for each lane: no row, no weights."""
    X, y = problem("huber")
    rows = there(X)
    lanes = DeviceLanes(
        rows, "huber", alpha=[0.01], l1_ratio=0.2, loss_parameter=0.1, batch_size=2, optimizer=fastgd.Adam()
    )
    lanes.epoch(rows, y[:, None], None, RateTable.constant(0.1))
    device_library.fetched.clear()
    lanes.epoch(rows, y[:, None], None, RateTable.constant(0.1))
    assert device_library.fetched and max(device_library.fetched) <= 6 < N_FEATURES
    with pytest.raises(TypeError, match="not copied to the host"):
        np.asarray(rows)


def test_a_lane_that_meets_nan_is_lost_and_the_others_are_not():
    X, y = problem("squared_error")
    y = np.stack([y, y, y], axis=1)
    y[3, 1] = np.nan
    lanes, result = on_the_device(X, y, "squared_error", RateTable.constant(0.01), 3)
    expected, _ = on_the_device(X, y[:, [0, 2]], "squared_error", RateTable.constant(0.01), 2)
    assert result.finite_lanes.tolist() == [True, False, True] and not result.finite
    assert trained(X, y, "squared_error", RateTable.constant(0.01), 3)[1].finite_lanes.tolist() == [True, False, True]
    assert np.isnan(lanes.coef[:, 1]).all() and np.array_equal(lanes.coef[:, [0, 2]], expected.coef)


def test_scalars_that_float32_cannot_hold_are_refused():
    X, y = problem("squared_error", "float32")
    with pytest.raises(
        fastgd.ArgumentValueError, match="lr of a step is 1e\\+99, which float32 cannot hold; use float64 data"
    ):
        on_the_device(X, y, "squared_error", RateTable.constant(1e99))


def hyper_of(loss):
    return {"epsilon": 0.25, "q": 0.3, "log2": math.log(2), "power": 1.5, "gamma": 2.0}[execute.hyper_names(loss)[0]]


@given(
    name=st.sampled_from(sorted(naive_sgd.LOSSES)),
    z=st.lists(st.floats(-30, 30), min_size=1, max_size=9),
    code=st.integers(0, 1),
)
def test_losses_of_arrays_are_those_of_numbers(name, z, code):
    loss = getattr(losses, name)
    y = float(
        code if name in ("log_loss", "focal") else code + 1 if name in ("poisson", "gamma", "tweedie") else 2 * code - 1
    )
    hyper = [hyper_of(loss)] if execute.hyper_names(loss) else []
    values = device_library.on_device(np.array(z)[:, None])
    value, slope = of_arrays(loss, device_library.library, values)(
        values,
        device_library.on_device(np.full((1, 1), y)),
        *(device_library.on_device(np.full((1, 1), h)) for h in hyper),
    )
    expected = np.array([loss(each, y, *hyper) for each in z])
    for found, wanted in ((value, expected[:, 0]), (slope, expected[:, 1])):
        np.testing.assert_allclose((found + 0 * values).get()[:, 0], wanted, rtol=1e-12, atol=1e-14)
