"""The oracle's own tests: against torch where torch has the optimizer, against the papers and arithmetic elsewhere."""

import math
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from . import naive

STEPS = 50
SHAPES = [(3, 4), (5,), (), (0, 2)]
OWN = [c for c in naive.Optimizer.__subclasses__() if c.__module__ == naive.__name__]  # other files test their own
CLASSES = {c.__name__: c for c in [*OWN, naive.AdamW]}
TORCH_CLASSES = sorted(CLASSES.keys() - {"Lion", "Signum", "FTRL"})

# What torch's own table leaves out, so that every option is met alone and with its neighbours.
MORE_CONFIGS = {
    "SGD": [{"dampening": 0.5}, {"momentum": 0.5, "nesterov": True, "maximize": True}],
    "Adagrad": [{"eps": 0.1}, {"initial_accumulator_value": 2.0}],
    "RMSprop": [{"alpha": 0.5, "eps": 1e-3}, {"momentum": 0.9}, {"alpha": 0.9, "centered": True}],
    "Adadelta": [{"eps": 1e-3}, {"rho": 0.5, "lr": 0.1, "maximize": True}],
    "Adam": [{"betas": (0.5, 0.9), "eps": 0.1}, {"amsgrad": True, "maximize": True}],
    "AdamW": [{"betas": (0.5, 0.9), "eps": 0.1, "weight_decay": 0}, {"amsgrad": True, "betas": (0.9, 0.5)}],
    "Adamax": [{"betas": (0.5, 0.9)}, {"eps": 0.1, "lr": 0.1}],
    "NAdam": [{"betas": (0.5, 0.9), "eps": 0.1}, {"momentum_decay": 0.5, "maximize": True}],
    "RAdam": [{"betas": (0.5, 0.9)}, {"betas": (0.8, 0.5)}, {"lr": 0.1, "decoupled_weight_decay": True}],
    "Rprop": [{"step_sizes": (0.005, 0.02)}, {"etas": (0.9, 1.01), "lr": 1.0}],
    "ASGD": [{"t0": 10, "lambd": 0.5, "lr": 0.1}, {"t0": 0, "alpha": 0.5}],
}


@pytest.fixture
def torch():
    """Torch with float64 as its default: the scalars that it keeps as tensors, `eta` and `mu_product`, follow it."""
    torch = pytest.importorskip("torch")
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield torch
    torch.set_default_dtype(before)


def random_params(seed=0):
    rng = np.random.default_rng(seed)
    return [rng.normal(size=shape) for shape in SHAPES]


def random_grads(steps=STEPS, seed=1):
    """Gradients with exact zeros in them; the second array is skipped in step 7, and all arrays are in step 9."""
    rng = np.random.default_rng(seed)
    grads = [[rng.normal(size=s) * (rng.random(s) > 0.2) for s in SHAPES] for _ in range(steps)]
    if steps > 9:
        grads[7][1] = None
        grads[9] = [None] * len(SHAPES)
    return grads


def assert_same(actual, expected, message):
    np.testing.assert_allclose(actual, expected, rtol=1e-12, atol=1e-15, err_msg=message)


def compare_with_torch(torch, name, config, options_at=lambda t: {}):
    """Run both for `STEPS` steps on the same gradients and compare weights and state after each.

    `options_at(t)` gives torch's group the values that the schedules in `config` have at step `t`.
    """
    ours = CLASSES[name](**config)
    ours.init(random_params())
    weights = [torch.tensor(p, requires_grad=True) for p in random_params()]
    theirs = getattr(torch.optim, name)(weights, foreach=False, **{**config, **options_at(0)})
    for step, grads in enumerate(random_grads()):
        theirs.param_groups[0].update(options_at(ours.t))
        for weight, grad in zip(weights, grads, strict=True):
            weight.grad = None if grad is None else torch.tensor(grad)
        theirs.step()
        ours.step(grads)
        for i, weight in enumerate(weights):
            where = f"{name} {config}, step {step}, array {i}"
            assert_same(ours.params[i], weight.detach().numpy(), where)
            arrays = {key: value for key, value in theirs.state[weight].items() if key in ours.state}
            for key, value in arrays.items():
                assert_same(ours.state[key][i], value.numpy(), f"{where}, {key}")
            assert ours.state.keys() == arrays.keys(), where
            if name == "NAdam":
                assert_same(ours.mu_product[i], theirs.state[weight]["mu_product"].item(), where)


@pytest.mark.parametrize("name", TORCH_CLASSES)
def test_torch_defaults(torch, name):
    """Every option of the class exists in torch with the same default."""
    ours, theirs = CLASSES[name]().options, getattr(torch.optim, name)([torch.zeros(1)]).defaults
    assert ours == {key: theirs[key] for key in ours}


@pytest.mark.parametrize("name", TORCH_CLASSES)
def test_torch_more_configs(torch, name):
    for config in MORE_CONFIGS[name]:
        compare_with_torch(torch, name, config)


@pytest.mark.parametrize("name", TORCH_CLASSES)
def test_torch_optim_db(torch, name):
    """Torch's own table of configurations; none is left out, since all its options for these classes exist here."""
    pytest.importorskip("expecttest", reason="torch's table of optimizers needs it")
    from torch.testing._internal.common_optimizers import optim_db

    (info,) = [info for info in optim_db if info.optim_cls.__name__ == name]
    inputs = info.optim_inputs_func(device="cpu")
    assert len(inputs) >= 5
    for entry in inputs:
        config = {key: float(v) if isinstance(v, torch.Tensor) else v for key, v in entry.kwargs.items()}
        compare_with_torch(torch, name, config)


@pytest.mark.parametrize("name", sorted(set(TORCH_CLASSES) - {"ASGD", "Rprop"}))
def test_torch_scheduled_rate(torch, name):
    """A callable has the effect of setting torch's group before each step (ASGD: one step late there; Rprop: none)."""

    def lr(t):
        return 0.1 / (1 + t)

    config = {"lr": lr, "weight_decay": lambda t: 0.01 * t}
    compare_with_torch(torch, name, config, lambda t: {"lr": lr(t), "weight_decay": 0.01 * t})


@pytest.mark.parametrize("name", ["Adam", "AdamW", "Adamax", "NAdam", "RAdam"])
def test_torch_scheduled_beta(torch, name):
    config = {"betas": (lambda t: 0.8 + 0.1 * math.sin(t), 0.99)}
    compare_with_torch(torch, name, config, lambda t: {"betas": (0.8 + 0.1 * math.sin(t), 0.99)})


def test_torch_clipping(torch):
    """`clip_value` is torch's; `clip_norm` is but for the 1e-6 that torch adds to the norm."""
    clips = torch.nn.utils.clip_grad_value_, torch.nn.utils.clip_grad_norm_
    for option, torch_clip, rtol in zip(["clip_value", "clip_norm"], clips, [0, 1e-6], strict=True):
        grads = random_grads(1)[0]
        tensors = [torch.zeros(shape, requires_grad=True) for shape in SHAPES]
        for tensor, grad in zip(tensors, grads, strict=True):
            tensor.grad = torch.tensor(grad)
        torch_clip(tensors, 0.5)
        for ours, tensor in zip(getattr(naive, option)(grads, 0.5), tensors, strict=True):
            np.testing.assert_allclose(ours, tensor.grad.numpy(), rtol=rtol, atol=0)


# What torch does not have: numbers worked out by hand, and properties that the papers state.


def run(opt, params, steps):
    opt.init(params)
    for grads in steps:
        opt.step(grads)
    return opt


def test_lion_by_hand():
    opt = run(naive.Lion(lr=0.1, weight_decay=0.5), [[1.0, 1.0]], [[[2.0, 0.0]]])
    np.testing.assert_allclose(opt.params[0], [0.85, 0.95])  # 1 - 0.1 (sign + 0.5)
    np.testing.assert_allclose(opt.exp_avg[0], [0.02, 0.0])
    opt.step([[-0.1, 0.0]])  # the average still points the other way: 0.9 * 0.02 - 0.1 * 0.1 > 0
    np.testing.assert_allclose(opt.params[0], [0.7075, 0.9025])
    np.testing.assert_allclose(opt.exp_avg[0], [0.0188, 0.0])


def test_signum_by_hand():
    opt = run(naive.Signum(lr=0.1, momentum=0.75), [[1.0, 1.0]], [[[4.0, 0.0]], [[-2.0, -1.0]], [[-2.0, 1.0]]])
    np.testing.assert_allclose(opt.momentum_buffer[0], [-0.3125, 0.0625])  # 1, 0.25, -0.3125; 0, -0.25, 0.0625
    np.testing.assert_allclose(opt.params[0], [0.9, 1.0])  # down, down, up; stay, up, down


def test_signum_without_momentum_is_signsgd():
    opt = run(naive.Signum(lr=0.1, momentum=0, weight_decay=2), [[1.0, 1.0, -1.0]], [[[-1.0, -2.0, 1.0]]])
    np.testing.assert_allclose(opt.params[0], [0.9, 1.0, -0.9])  # signs of -1 + 2, -2 + 2, 1 - 2
    assert not opt.state


@pytest.mark.parametrize("l1, l2", [(0, 0), (0.3, 0), (0, 0.7), (0.3, 0.7)])
@pytest.mark.parametrize("lr", [0.5, lambda t: 0.5 / (1 + t)], ids=["constant", "decaying"])
def test_ftrl_minimises_its_objective(lr, l1, l2):
    """The paper's section 3: each weight minimises the linearised losses, the proximal terms and the penalties.

    The start is part of it: a proximal term of strength `beta / lr` about the initial weight, and the slope with which
    the penalties leave that weight in place.
    """
    rate = lr if callable(lr) else lambda t: lr
    start, beta = -0.8, 1.5
    offset = -start * l2 - np.sign(start) * l1
    terms = [(offset, beta / rate(0), start)]  # (slope, strength, centre)
    opt = naive.FTRL(lr=lr, beta=beta, l1=l1, l2=l2)
    opt.init([[start]])
    inverse_rate, square_sum = beta / rate(0), 0.0

    def objective(w):
        return sum(g * w + s / 2 * (w - c) ** 2 for g, s, c in terms) + l1 * abs(w) + l2 / 2 * w * w

    assert minimiser(objective) == pytest.approx(start, abs=1e-6)
    for t, g in enumerate(np.random.default_rng(0).normal(size=20)):
        square_sum += g * g
        before, inverse_rate = inverse_rate, (beta + math.sqrt(square_sum)) / rate(t)
        terms.append((g, inverse_rate - before, float(opt.params[0][0])))
        opt.step([[g]])
        assert opt.params[0][0] == pytest.approx(minimiser(objective), abs=1e-6)


def minimiser(convex, low=-10.0, high=10.0):
    """Return where a convex function of one variable is least, by ternary search."""
    for _ in range(100):
        third = (high - low) / 3
        low, high = (low, high - third) if convex(low + third) < convex(high - third) else (low + third, high)
    return (low + high) / 2


def test_ftrl_without_penalties_is_gradient_descent():
    """Section 3.1 of the paper: then the step is `lr / (beta + sqrt(n))` along the gradient."""
    opt = naive.FTRL(lr=0.3, beta=0.5)
    opt.init(random_params())
    for grads in random_grads(20, seed=2):
        before = list(opt.params)
        opt.step(grads)
        for i, g in enumerate(grads):
            step = 0 if g is None else 0.3 / (0.5 + np.sqrt(opt.n[i])) * g
            np.testing.assert_allclose(opt.params[i], before[i] - step, rtol=1e-12, atol=1e-14)


def test_ftrl_l1_gives_exact_zeros():
    opt = run(naive.FTRL(l1=10.0), [[0.5, 0.0]], [[[1.0, 1.0]], [[1.0, -1.0]]])
    assert opt.params[0][1] == 0 and opt.params[0][0] < 0.5


def test_asgd_takes_the_present_rate():
    opt = run(naive.ASGD(lr=lambda t: 0.5**t, lambd=0, t0=0), [[0.0]], [[[1.0]]] * 3)
    np.testing.assert_allclose(opt.params[0], [-1.75])
    np.testing.assert_allclose(opt.ax[0], [(-1.5 - 1.75) / 2])  # the average counts from step t0 + 2 on, as in torch


def test_rprop_agreement_survives_underflow():
    opt = run(naive.Rprop(lr=1.0), [[0.0]], [[[1e-200]], [[1e-200]]])
    np.testing.assert_allclose(opt.step_size[0], [1.2])


def test_centered_rmsprop_stays_finite_for_a_constant_gradient():
    opt = run(naive.RMSprop(alpha=0.5, centered=True), [np.zeros(3)], [[np.array([0.1, 0.3, 0.7])]] * 200)
    assert np.isfinite(opt.params[0]).all()


# The conventions of a step, for every class.


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_dtype_is_kept(name):
    """Float32 stays float32, and agrees with float64 as far as its width allows."""
    narrow = run(CLASSES[name](dtype=np.float32, clip_norm=1.0, clip_value=0.5), random_params(), random_grads(6))
    wide = run(CLASSES[name](clip_norm=1.0, clip_value=0.5), random_params(), random_grads(6))
    for i, p in enumerate(narrow.params):
        assert p.dtype == np.float32 and p.shape == SHAPES[i]
        np.testing.assert_allclose(p, wide.params[i], rtol=1e-4, atol=1e-5)
        for arrays in narrow.state.values():
            assert arrays[i].dtype == np.float32 and arrays[i].shape == SHAPES[i]


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_constant_callables_are_numbers(name):
    options = CLASSES[name]().options
    # Not momentum: a callable adds its array even where it returns 0.
    callables = {
        k: v if k == "momentum" or isinstance(v, bool | tuple) else lambda t, v=v: v for k, v in options.items()
    }
    plain = run(CLASSES[name](), random_params(), random_grads(10))
    scheduled = run(CLASSES[name](**callables), random_params(), random_grads(10))
    for a, b in zip(plain.params, scheduled.params, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_maximize_negates_the_gradient(name):
    up = run(CLASSES[name](maximize=True), random_params(), random_grads(10))
    down = run(CLASSES[name](), random_params(), [[None if g is None else -g for g in s] for s in random_grads(10)])
    for a, b in zip(up.params, down.params, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_skipped_array_is_untouched(name):
    """None leaves an array and its state alone; what it does later is what it would have done without the pause."""
    steps = random_grads(8, seed=3)
    paused = [[steps[0][0], steps[0][1]], [steps[1][0], None], [None, None], [steps[2][0], steps[1][1]]]
    opt = run(CLASSES[name](), random_params()[:2], paused)
    alone = run(CLASSES[name](), random_params()[1:2], [[steps[0][1]], [steps[1][1]]])
    np.testing.assert_array_equal(opt.params[1], alone.params[0])
    for key, arrays in opt.state.items():
        np.testing.assert_array_equal(arrays[1], alone.state[key][0])
    assert opt.counts == [3, 2] and opt.t == 3


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_arguments_are_not_changed(name):
    params, grads = random_params(), random_grads(1)[0]
    run(CLASSES[name](clip_norm=0.1, clip_value=0.01, maximize=True), params, [grads, grads])
    for before, after in zip(random_params() + random_grads(1)[0], params + grads, strict=True):
        np.testing.assert_array_equal(before, after)


def test_schedules_count_steps_not_calls():
    seen = []
    opt = naive.SGD(lr=lambda t: seen.append(t) or 1.0, clip_norm=lambda t: 1.0 + t)
    run(opt, [[0.0]], [[[1.0]], [None], [[10.0]]])
    assert seen[-1] == 1 and opt.t == 2
    np.testing.assert_allclose(opt.params[0], [-3.0])  # 1, then 10 clipped to 2


# Clipping.


@pytest.mark.parametrize("scale", [5e-324, 1e-300, 1e-160, 1.0, 1e160, 1e308])
@pytest.mark.parametrize("limit", [1e-3, 1.0, 1e5])
def test_clipped_norm_is_the_limit(scale, limit):
    """The norm after clipping is the smaller of limit and norm, to 4 ulp of an exact rational sum, at any magnitude."""
    grads = [np.array([1.0, -1.5, 0.5]) * scale, None, np.array(1.25) * scale, np.zeros(0)]
    clipped = naive.clip_norm(grads, limit)
    before, after = (sum(Fraction(float(x)) ** 2 for g in a if g is not None for x in g.flat) for a in (grads, clipped))
    assert clipped[1] is None
    expected = min(before, Fraction(limit) ** 2)
    assert abs(after - expected) <= expected * 8 * Fraction(2) ** -52


def test_clip_norm_leaves_small_gradients_alone():
    for limit in (0.0, 1.0, math.inf):
        assert naive.clip_norm([np.zeros(3)], limit)[0].tolist() == [0, 0, 0]
    assert naive.clip_norm([np.array([3.0, 4.0])], 5.0)[0].tolist() == [3, 4]
    assert naive.clip_norm([np.array([3.0, 4.0])], 0.0)[0].tolist() == [0, 0]
    assert naive.clip_norm([None, None], 1.0) == [None, None]


def test_global_norm():
    assert naive.global_norm([np.array([3e200]), None, np.array(4e200)]) == pytest.approx(5e200, rel=1e-15)
    assert naive.global_norm([np.float32([3e-45, 0])]) == float(np.float32(3e-45))
    assert naive.global_norm([np.zeros(0), None]) == 0


def test_value_is_clipped_after_norm():
    opt = run(naive.SGD(lr=1.0, clip_norm=1.0, clip_value=0.7), [[0.0, 0.0]], [[[-3.0, 4.0]]])
    np.testing.assert_allclose(opt.params[0], [0.6, -0.7])


# Losses.


def random_network(sizes, seed=0):
    rng = np.random.default_rng(seed)
    params = [a for m, n in pairwise(sizes) for a in (rng.normal(size=(m, n)), rng.normal(size=n))]
    return params, rng.normal(size=(7, sizes[0])), rng.integers(sizes[-1], size=7)


def softmax_regression(params, inputs, labels):
    return naive.softmax_regression(*params, inputs, labels)


@pytest.mark.parametrize(
    "loss, sizes",
    [(softmax_regression, (5, 3)), (naive.relu_mlp, (5, 4, 3)), (naive.relu_mlp, (5, 4, 6, 3))],
    ids=["softmax", "one hidden layer", "two hidden layers"],
)
def test_gradients_are_finite_differences(loss, sizes):
    params, inputs, labels = random_network(sizes)
    _, grads = loss(params, inputs, labels)
    for p, g in zip(params, grads, strict=True):
        assert p.shape == g.shape
        for index in np.ndindex(p.shape):
            h = 1e-5
            value = p[index]
            p[index] = value + h
            up, _ = loss(params, inputs, labels)
            p[index] = value - h
            down, _ = loss(params, inputs, labels)
            p[index] = value
            assert (up - down) / (2 * h) == pytest.approx(g[index], rel=1e-6, abs=1e-9)


def test_losses_agree_with_torch(torch):
    params, inputs, labels = random_network((5, 4, 3))
    tensors = [torch.tensor(p, requires_grad=True) for p in params]
    hidden = torch.relu(torch.tensor(inputs) @ tensors[0] + tensors[1])
    loss = torch.nn.functional.cross_entropy(hidden @ tensors[2] + tensors[3], torch.tensor(labels))
    loss.backward()
    value, grads = naive.relu_mlp(params, inputs, labels)
    assert_same(value, loss.item(), "loss")
    for g, tensor in zip(grads, tensors, strict=True):
        assert_same(g, tensor.grad.numpy(), "gradient")


def test_loss_by_hand():
    """Equal scores: the loss is the log of the number of classes, the slope 1 / n minus the one-hot label."""
    value, slope = naive.cross_entropy(np.full(4, 1000.0), 2)
    assert value == pytest.approx(math.log(4))
    np.testing.assert_allclose(slope, [0.25, 0.25, -0.75, 0.25])


def test_naive_knows_nothing_of_the_package():
    assert "fastgd" not in Path(naive.__file__).read_text()
