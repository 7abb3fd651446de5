"""Every optimizer through the public interface: against the naive oracle, against torch, and the properties that hold bit by bit."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fastgd
from fastgd import optimizers, schedules

from . import naive, naive_factored, naive_more, naive_trust, naive_tuning

STEPS = 50
SHAPES = [(3, 4), (5,), (), (0, 2), (67,)]
# What 50 steps may differ from the float64 oracle, relative to the largest number of all parameters, or of a state array of all.
TOLERANCES = {np.float64: 1e-12, np.float32: 1e-5}

# The options that are met beside the defaults. Clipping, maximize and schedules are crossed with every class below.
CONFIGS = {
    "SGD": [
        {},
        {"lr": 0.1, "weight_decay": 0.1},
        {"lr": 0.1, "momentum": 0.9},
        {"lr": 0.1, "momentum": 0.9, "dampening": 0.5, "weight_decay": 0.01},
        {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.01},
    ],
    "Adagrad": [{}, {"lr": 0.1, "lr_decay": 0.1, "weight_decay": 0.1}, {"initial_accumulator_value": 2.0, "eps": 0.1}],
    "RMSprop": [
        {},
        {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.1},
        {"centered": True, "alpha": 0.9, "eps": 1e-3},
        {"centered": True, "momentum": 0.5, "alpha": 0.5, "eps": 1e-3, "weight_decay": 0.01},
    ],
    "Adadelta": [{}, {"lr": 0.5, "rho": 0.5, "eps": 1e-3, "weight_decay": 0.1}],
    "Adam": [{}, {"lr": 0.1, "betas": (0.5, 0.9), "weight_decay": 0.1}, {"amsgrad": True, "eps": 0.1}, {"betas": (0.0, 0.0)},
             {"cautious": True, "lr": 0.1, "weight_decay": 0.1}],
    "AdamW": [{}, {"lr": 0.1, "weight_decay": 0.5}, {"cautious": True, "lr": 0.1, "weight_decay": 0.1},
              {"amsgrad": True, "weight_decay": 0.1, "betas": (0.9, 0.5)}],
    "Adamax": [{}, {"lr": 0.1, "betas": (0.5, 0.9), "weight_decay": 0.1, "eps": 0.1}],
    "NAdam": [{}, {"weight_decay": 0.1, "momentum_decay": 0.1}, {"weight_decay": 0.1, "decoupled_weight_decay": True}],
    "RAdam": [{}, {"betas": (0.8, 0.5)}, {"weight_decay": 0.1}, {"weight_decay": 0.1, "decoupled_weight_decay": True, "lr": 0.1}],
    "Lion": [{}, {"cautious": True, "betas": (0.5, 0.9)}, {"lr": 0.01, "betas": (0.5, 0.9), "weight_decay": 0.5}],
    "SignSGD": [{}, {"lr": 0.1, "weight_decay": 0.3}],
    "Signum": [{}, {"lr": 0.1, "momentum": 0.5, "weight_decay": 0.3}, {"momentum": 0.0}],
    "Rprop": [{}, {"lr": 0.1, "etas": (0.3, 1.5), "step_sizes": (0.01, 0.2)}],
    "FTRL": [{}, {"lr": 0.5, "beta": 0.1, "l1": 0.3, "l2": 0.7}, {"lr": 0.5, "l1": 2.0}],
    "ASGD": [{}, {"lr": 0.1, "lambd": 0.1, "alpha": 0.5, "t0": 3, "weight_decay": 0.1}],
    "AdaBelief": [{}, {"lr": 0.1, "eps": 1e-3, "weight_decay": 0.1}, {"weight_decay": 0.1, "decoupled_weight_decay": False}],
    "Yogi": [{}, {"lr": 0.1, "betas": (0.5, 0.9), "weight_decay": 0.1, "initial_accumulator_value": 0.5}],
    "AdaBound": [{}, {"lr": 0.1, "final_lr": 0.02, "gamma": 0.5, "weight_decay": 0.1}],
    "LaProp": [{}, {"lr": 0.1, "betas": (0.9, 0.5), "eps": 1e-3, "weight_decay": 0.1}],
    "ADOPT": [{}, {"lr": 0.1, "weight_decay": 0.1, "decoupled_weight_decay": True}, {"clip_ratio": False, "weight_decay": 0.1}],
    "Adan": [{}, {"lr": 0.1, "betas": (0.5, 0.8, 0.9), "weight_decay": 0.1}],
    "AdEMAMix": [{}, {"lr": 0.1, "betas": (0.5, 0.9, 0.99), "alpha": 2.0, "weight_decay": 0.1}],
    "QHAdam": [{}, {"lr": 0.1, "nus": (0.7, 0.5), "weight_decay": 0.1}, {"weight_decay": 0.1, "decoupled_weight_decay": True}],
    "QHM": [{}, {"lr": 0.1, "momentum": 0.9, "nu": 0.5, "weight_decay": 0.1}],
    "DoG": [{}, {"lr": 0.5, "reps_rel": 0.01, "weight_decay": 0.1, "eps": 0.5}],
    "LDoG": [{}, {"lr": 0.5, "reps_rel": 0.01, "weight_decay": 0.1, "eps": 0.5}],
    "DoWG": [{}, {"lr": 0.5, "weight_decay": 0.1, "eps": 0.01}],
    "DAdaptSGD": [{}, {"d0": 0.01, "momentum": 0.9, "weight_decay": 0.1, "growth_rate": 1.1}],
    "DAdaptAdam": [
        {},
        {"d0": 0.01, "betas": (0.5, 0.9), "weight_decay": 0.1, "growth_rate": 1.1},
        {"d0": 0.01, "weight_decay": 0.1, "decoupled_weight_decay": True, "use_bias_correction": True},
    ],
    "Prodigy": [
        {"d0": 0.1},
        {"d0": 0.01, "use_bias_correction": True, "safeguard_warmup": True, "growth_rate": 1.1},
        {"d0": 0.01, "betas": (0.5, 0.9), "beta3": 0.8, "d_coef": 2.0, "weight_decay": 0.1, "decoupled_weight_decay": False},
    ],
    "SGDScheduleFree": [{"lr": 0.1}, {"lr": 0.1, "momentum": 0.5, "weight_decay": 0.1, "warmup_steps": 10, "r": 1, "weight_lr_power": 1}],
    "AdamWScheduleFree": [{}, {"lr": 0.1, "betas": (0.5, 0.9), "weight_decay": 0.1, "warmup_steps": 10, "r": 0.5}],
    "SGDHD": [{}, {"lr": 0.1, "hypergrad_lr": 1e-3, "momentum": 0.9, "weight_decay": 0.1}],
    "AdamHD": [{}, {"lr": 0.1, "hypergrad_lr": 1e-3, "betas": (0.5, 0.9), "weight_decay": 0.1}],
    "SPS": [{}, {"lr": 0.1, "c": 0.1, "f_min": -1.0}, {"eps": 100.0, "f_min": 2.0}],
    "AliG": [{}, {"lr": 0.01, "momentum": 0.9, "f_min": -0.5}],
    "BarzilaiBorwein": [{}, {"lr": 0.5, "first": 0.1, "short": True, "growth_rate": 1.5}],
    "MechanicSGD": [{}, {"lr": 0.5, "momentum": 0.9, "eps": 0.01, "weight_decay": 0.1, "s_init": 0.01}],
    "MechanicAdam": [{}, {"lr": 0.5, "betas": (0.5, 0.9), "eps": 0.01, "weight_decay": 0.1, "s_init": 0.01}],
    "COCOB": [{}, {"lr": 0.5, "alpha": 10.0, "eps": 0.1}],
    "LARS": [{}, {"lr": 0.5, "momentum": 0.5, "weight_decay": 0.1, "trust_coefficient": 0.1, "eps": 0.1}],
    "LAMB": [{}, {"lr": 0.1, "betas": (0.5, 0.9), "weight_decay": 0.1}],
    "NovoGrad": [{}, {"lr": 0.1, "betas": (0.5, 0.9), "weight_decay": 0.1}],
    "MADGRAD": [{}, {"weight_decay": 0.1, "decoupled_weight_decay": True}, {"lr": 0.1, "momentum": 0.5, "weight_decay": 0.1, "eps": 0.1}],
    "Adafactor": [{}, {"lr": 0.5, "beta2_decay": -0.5, "eps": (1e-3, 0.1), "d": 2.0, "weight_decay": 0.1}],
    "SM3": [{}, {"momentum": 0.0}, {"lr": 0.5, "momentum": 0.5, "beta2": 0.9, "eps": 0.1, "weight_decay": 0.1}],
}  # fmt: skip
# Those that look at many elements together: the order in which sums are taken leaves its rounding in every element.
MEASURING = {name for name in CONFIGS if getattr(fastgd, name)()._measure() is not None}
LOSS = 0.7  # of every step, for those that need one
CASES = [(name, config) for name, configs in CONFIGS.items() for config in configs]
every_class = pytest.mark.parametrize("name", CONFIGS)
every_case = pytest.mark.parametrize(
    ("name", "config"), CASES, ids=[f"{name}{number}" for number, (name, _) in enumerate(CASES)]
)


def fast(name, **options):
    return getattr(fastgd, name)(**options)


def slow(name, **options):
    if name == "SignSGD":
        name, options = "Signum", {"momentum": 0, **options}
    if options.get("cautious"):
        name, options = f"Cautious{name}", {key: value for key, value in options.items() if key != "cautious"}
    (module,) = [m for m in (naive, naive_factored, naive_more, naive_trust, naive_tuning) if hasattr(m, name)]
    oracle = getattr(module, name)(**options)
    oracle.loss = LOSS
    return oracle


def random_params(dtype=np.float64, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.normal(size=shape).astype(dtype) for shape in SHAPES]


def random_grads(dtype=np.float64, steps=STEPS, seed=1):
    """Gradients with exact zeros in them; the second array is skipped in step 7, and all arrays are in step 9."""
    rng = np.random.default_rng(seed)
    grads = [[np.asarray(rng.normal(size=s) * (rng.random(s) > 0.2), dtype) for s in SHAPES] for _ in range(steps)]
    if steps > 9:
        grads[7][1] = None
        grads[9] = [None] * len(SHAPES)
    return grads


def assert_near(found, expected, where, before=0.0):
    """Raise unless two lists of arrays agree; the first one's dtype says how closely. Return the largest size, of `before` too.

    A sum that has come back to 0 keeps the rounding of what it was before.
    """
    largest = max(before, *(float(np.max(np.abs(b), initial=0)) for b in expected))
    for i, (a, b) in enumerate(zip(found, expected, strict=True)):
        assert a.shape == b.shape
        error = float(np.max(np.abs(a - b), initial=0))
        assert error <= TOLERANCES[a.dtype.type] * largest, f"{where}, array {i}: off by {error}, largest {largest}"
    return largest


def compare(state, oracle, where, sizes):
    """Raise unless a state agrees with the oracle's: parameters, state arrays, nothing missing; note in `sizes` how large each was."""
    slots = {name.partition(".")[2] for name in state.arrays}
    assert slots == {slot for slot, arrays in oracle.state.items() if any(a is not None for a in arrays)}
    sizes["p"] = assert_near(state.params, oracle.params, where, sizes.get("p", 0.0))
    for slot in slots:
        kept = [i for i, array in enumerate(oracle.state[slot]) if array is not None]
        assert kept == [i for i in range(len(state.params)) if f"{i}.{slot}" in state.arrays]
        found = [state.arrays[f"{i}.{slot}"] for i in kept]
        expected = [oracle.state[slot][i] for i in kept]
        sizes[slot] = assert_near(found, expected, f"{where}, {slot}", sizes.get(slot, 0.0))


def compare_with_naive(name, options, oracle_options=None, dtype=np.float64, overrides=None):
    """Run both on the same gradients, and compare everything after each step."""
    oracle = slow(name, **(oracle_options or options))
    oracle.init(random_params(dtype))
    state, sizes = fast(name, **options).init(random_params(dtype)), {}
    for number, grads in enumerate(random_grads(dtype)):
        norm, t = naive.global_norm(grads), oracle.t
        info = state.step(grads, loss=LOSS)
        oracle.step(grads)
        compare(state, oracle, f"{name} {options}, step {number}", sizes)
        assert info.t == t and state.t == oracle.t
        assert info.grad_norm == pytest.approx(norm, rel=1e-12)
        assert info.skipped == all(g is None for g in grads) and info.nonfinite == 0


# ---------------------------------------------------------------------------------------------------------------------------------
# The naive oracle


@pytest.mark.parametrize("dtype", TOLERANCES, ids=lambda d: d.__name__)
@every_case
def test_is_the_naive_optimizer(name, config, dtype):
    compare_with_naive(name, config, dtype=dtype)


@every_class
def test_clipping_and_maximize_are_naive(name):
    for options in (
        {"clip_norm": 1.5},
        {"clip_value": 0.3},
        {"maximize": True},
        {"clip_norm": 2.0, "clip_value": 0.3, "maximize": True},
    ):
        compare_with_naive(name, {**CONFIGS[name][-1], **options})


# Where each hyperparameter goes from and to; a pair has two such ranges, a triple three.
RANGES = {
    "lr": (0.1, 0.02), "momentum": (0.5, 0.95), "dampening": (0.8, 0.1), "weight_decay": (0.3, 0.0), "lr_decay": (0.0, 0.5),
    "initial_accumulator_value": (0.5, 2.0), "eps": (0.5, 0.01), "alpha": (0.5, 0.95), "rho": (0.5, 0.95), "momentum_decay": (0.5, 0.0),
    "betas": ((0.5, 0.95), (0.8, 0.99), (0.9, 0.999)), "nus": ((0.2, 1.0), (1.0, 0.3)),
    "etas": ((0.3, 0.7), (1.1, 1.5)), "step_sizes": ((0.001, 0.01), (0.1, 0.3)),
    "beta": (0.5, 2.0), "l1": (0.5, 0.1), "l2": (0.0, 0.5), "lambd": (0.0, 0.5), "t0": (0.0, 20.0),
    "final_lr": (0.5, 0.05), "gamma": (0.01, 0.5), "clip_norm": (1.0, 5.0), "clip_value": (0.1, 1.0),
    "nu": (0.2, 1.0), "reps_rel": (1e-3, 1e-1), "d0": (0.1, 0.01), "growth_rate": (1.05, 2.0), "beta3": (0.8, 0.95), "d_coef": (0.5, 2.0),
    "warmup_steps": (0.0, 20.0), "r": (0.0, 1.0), "weight_lr_power": (2.0, 0.5), "hypergrad_lr": (0.0, 1e-3), "c": (0.5, 2.0),
    "f_min": (0.0, 0.6), "first": (0.1, 0.01), "trust_coefficient": (0.1, 0.01),
    "s_init": (0.1, 0.01), "beta2_decay": (-0.5, -1.0), "d": (1.0, 3.0), "beta2": (0.9, 0.5), "Adafactor.eps": ((1e-3, 0.1), (1e-3, 0.1)),
}  # fmt: skip
# What a class must be told for all of its hyperparameters to matter.
FULL = {
    "SGD": {"momentum": 0.9},
    "AliG": {"momentum": 0.9},
    "Prodigy": {"d0": 0.1},
    "RMSprop": {"momentum": 0.9, "centered": True, "eps": 0.1},
    "Adam": {"amsgrad": True},
}


def hyperparameters(name):
    """Yield each hyperparameter of a class with its range: (option, position in a pair or None, (from, to))."""
    for option in [*getattr(fastgd, name).intervals, "clip_norm", "clip_value"]:
        ranges = RANGES.get(f"{name}.{option}", RANGES.get(option))
        if isinstance(ranges[0], tuple):
            yield from ((option, k, ranges[k]) for k in range(len(getattr(fast(name), option))))
        else:
            yield option, None, ranges


def with_schedules(name, chosen):
    """Return options of which the chosen hyperparameters are schedules, and the same with plain functions of the step."""
    ours, theirs = dict(FULL.get(name, {})), dict(FULL.get(name, {}))
    for option, k, (start, end) in chosen:
        pair = ours.get(option, getattr(fast(name), option))
        schedule = schedules.linear(start, 40, end)

        def formula(t, start=start, end=end):
            return start + (end - start) * min(t / 40, 1)

        if k is None:
            ours[option], theirs[option] = schedule, formula
        else:
            other = theirs.get(option, pair)
            ours[option] = (*pair[:k], schedule, *pair[k + 1 :])
            theirs[option] = (*other[:k], formula, *other[k + 1 :])
    return ours, theirs


@every_class
def test_every_hyperparameter_may_be_a_schedule(name):
    found = [each for each in hyperparameters(name) if min(each[2]) >= 0]  # as all schedules are
    for chosen in [*([one] for one in found), found]:
        compare_with_naive(name, *with_schedules(name, chosen))


@every_class
def test_step_tells_its_rate(name):
    state = fast(name, lr=schedules.linear(0.1, 4, 0.02)).init(np.ones(3))
    rates = [state.step(np.full(3, 0.1), loss=LOSS).lr for _ in range(6)]
    assert rates == [schedules.linear(0.1, 4, 0.02)(t) for t in range(6)]


@every_class
def test_overrides_are_optimizers_of_their_own(name):
    """Each array follows the naive optimizer with its own options; of several patterns that match, the last wins."""
    own = [{}, {"lr": 0.3}, {"lr": 0.2, "clip_value": 0.3}, {}, {"maximize": True}]
    overrides = {"[12]": {"lr": 0.3}, "2": {"lr": 0.2, "clip_value": 0.3}, "*4": {"maximize": True}}
    config = {"lr": 0.1, **CONFIGS[name][-1]}
    alone = [slow(name, **{**config, **options}) for options in own]
    for oracle, p in zip(alone, random_params(), strict=True):
        oracle.init([p])
    state = fast(name, **config).init(random_params(), overrides)
    for grads in random_grads():
        state.step(grads, loss=LOSS)
        for oracle, g in zip(alone, grads, strict=True):
            oracle.step([g])
        assert_near(state.params, [oracle.params[0] for oracle in alone], name)


@every_class
@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_is_the_naive_optimizer_for_random_options(name, data):
    """The hyperparameters anywhere in their ranges, any shapes, any magnitude of the gradients."""
    options = dict(FULL.get(name, {}))
    for option, k, (start, end) in hyperparameters(name):
        value = data.draw(st.floats(min(start, end), max(start, end)), label=option)
        options[option] = value if k is None else (*options.get(option, ()), value)
    shapes = data.draw(st.lists(st.lists(st.integers(0, 5), max_size=3).map(tuple), min_size=1, max_size=4))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    params = [rng.normal(size=shape) for shape in shapes]
    oracle, state, sizes = slow(name, **options), fast(name, **options).init([p.copy() for p in params]), {}
    oracle.init(params)
    for _ in range(data.draw(st.integers(1, 6))):
        magnitude = 10.0 ** data.draw(st.integers(-3, 3))
        grads = [np.asarray(rng.normal(size=s) * magnitude) if rng.random() < 0.9 else None for s in shapes]
        state.step(grads, loss=LOSS)
        oracle.step(grads)
        compare(state, oracle, f"{options}", sizes)


# ---------------------------------------------------------------------------------------------------------------------------------
# Torch

ELSEWHERE = {
    "Lion",
    "SignSGD",
    "Signum",
    "FTRL",
    *vars(naive_factored).keys() - {"Adafactor"},
    *vars(naive_more),
    *vars(naive_trust),
    *vars(naive_tuning),
}  # not in torch
TORCH_CLASSES = sorted(CONFIGS.keys() - ELSEWHERE)


@pytest.fixture
def torch():
    """Torch with float64 as its default: the scalars that it keeps as tensors follow it."""
    torch = pytest.importorskip("torch", reason="torch is not installed: pip install 'fastgd[torch]'")
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield torch
    torch.set_default_dtype(before)


def in_many_layouts(arrays):
    """Return copies that lie in memory in C order, in Fortran order, strided and reversed, by turns."""
    copies = []
    for k, a in enumerate(arrays):
        wide = np.zeros([2 * n for n in a.shape])
        strided = wide[tuple(slice(None, None, 2) for _ in a.shape)]
        copy = [np.array(a), np.asfortranarray(a), strided, np.array(a)[tuple(slice(None, None, -1) for _ in a.shape)]][
            k % 4
        ]
        copy[...] = a
        copies.append(copy)
    return copies


@pytest.mark.parametrize("name", TORCH_CLASSES)
def test_is_torch(torch, name):
    """All of torch's own table of configurations, 50 steps, one array skipped once, one empty, in four memory layouts."""
    pytest.importorskip("expecttest", reason="torch's table of optimizers needs it: pip install expecttest")
    from torch.testing._internal.common_optimizers import optim_db

    (info,) = [info for info in optim_db if info.optim_cls.__name__ == name]
    inputs = info.optim_inputs_func(device="cpu")
    assert len(inputs) >= 5
    rng = np.random.default_rng(0)
    shapes = [(3, 4), (3, 4), (4, 3), (2, 2, 2), (), (0, 2)]
    shapes = shapes[:-1] if name == "Adafactor" else shapes  # torch divides by the number of elements
    start = [rng.normal(size=shape) for shape in shapes]
    steps = [[rng.normal(size=shape) for shape in shapes] for _ in range(STEPS)]
    steps[7][1] = None
    for entry in inputs:
        config = {key: float(v) if isinstance(v, torch.Tensor) else v for key, v in entry.kwargs.items()}
        weights = [torch.tensor(p, requires_grad=True) for p in start]
        theirs = info.optim_cls(weights, foreach=False, **config)
        ours = fast(name, **config).init(in_many_layouts(start))
        for number, grads in enumerate(steps):
            for weight, grad in zip(weights, grads, strict=True):
                weight.grad = None if grad is None else torch.tensor(grad)
            theirs.step()
            ours.step(grads)
            where = f"{name} {config}, step {number}"
            assert_near(ours.params, [weight.detach().numpy() for weight in weights], where)
            for slot in {key.partition(".")[2] for key in ours.arrays}:
                kept = [i for i, p in enumerate(start) if f"{i}.{slot}" in ours.arrays and p.size]
                found = [theirs.state[weights[i]][slot].numpy() for i in kept]
                assert_near([ours.arrays[f"{i}.{slot}"] for i in kept], found, f"{where}, {slot}")


@pytest.mark.parametrize("name", TORCH_CLASSES)
def test_defaults_are_torch(torch, name):
    ours, theirs = fast(name), getattr(torch.optim, name)([torch.zeros(1)]).defaults
    for option in {*type(ours).intervals, *type(ours).flags, "maximize"} - {"cautious"}:  # which torch does not have
        assert getattr(ours, option) == theirs[option], option


def test_every_optimizer_is_met():
    known = {n for n, c in vars(optimizers).items() if isinstance(c, type) and issubclass(c, fastgd.Optimizer)}
    # Armijo needs a function: test_search.py; NormalizedOnline needs rows: test_online.py.
    assert known - {"Optimizer", "Armijo", "NormalizedOnline"} == CONFIGS.keys()
