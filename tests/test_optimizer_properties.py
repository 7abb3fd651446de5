"""What holds bit by bit for optimizers: symmetries, structures, memory layouts, 16-bit parameters."""

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fastgd

from .executors import bits
from .test_optimizers import CASES, CONFIGS, LOSS, MEASURING

HALVES = (np.float16, ml_dtypes.bfloat16)
WIDE = (np.float32, np.float64)
# Sums over elements are taken in the order of arrays, blocks and memory, which leaves its rounding.
OF_ARRAYS = {*MEASURING, "Adafactor", "SM3"}
ELEMENTWISE_CASES = [(name, config) for name, config in CASES if name not in OF_ARRAYS and "cautious" not in config]
# Maximizing asks for the negated loss too.
LOSSLESS_CASES = [(name, config) for name, config in CASES if name not in ("SPS", "AliG")]
SIGN_CASES = [
    ("SignSGD", {}),
    ("Signum", {"momentum": 0.5}),
    ("Lion", {"weight_decay": 0.5}),
    ("Rprop", {"lr": 0.1}),
]
LINEAR_CASES = [(name, config) for name, config in CASES if name == "SGD"]
# A step of gradient zero leaves the parameters where they are: no decay, and no momentum from before.
STILL_CASES = [(name, config) for name, config in CASES if not config.keys() & {"weight_decay", "lambd", "l1", "l2"}]
STILL_CASES = [(name, config) for name, config in STILL_CASES if name not in ("AdamW", "ASGD")]

seeds = st.integers(0, 2**32 - 1)
sizes = st.lists(st.integers(0, 80), min_size=1, max_size=4)
steps = st.integers(1, 4)
properties = settings(max_examples=60, deadline=None)


def fast(case, **options):
    name, config = case
    return getattr(fastgd, name)(**{**config, **options})


def finite(rng, dtype, n):
    """Return numbers of any magnitude, zeros of both signs among them."""
    largest = 5 if dtype == np.float16 else 35
    numbers = rng.standard_normal(n) * 10.0 ** rng.uniform(-largest, largest, n) * (rng.random(n) > 0.1)
    return np.clip(numbers, -60_000, 60_000).astype(dtype) if dtype == np.float16 else numbers.astype(dtype)


def dyadic(rng, dtype, n):
    """Return multiples of 1/64, which many operations treat exactly; zeros among them."""
    return np.asarray(rng.integers(-200, 200, n) / 64, dtype)


def numbers_for(case):
    """Return the kind of numbers that a case can be given: what adds up products of gradients cannot hold those of any magnitude."""
    return dyadic if case[0] in MEASURING else finite


def problem(seed, sizes, steps, dtype, numbers=finite):
    """Return parameters and gradients: lists of vectors."""
    rng = np.random.default_rng(seed)
    params = [numbers(rng, dtype, n) for n in sizes]
    return params, [[numbers(rng, dtype, n) for n in sizes] for _ in range(steps)]


def run(optimizer, params, gradients):
    """Return the state after all steps, on copies of the parameters."""
    state = optimizer.init([p.copy() for p in params])
    for grads in gradients:
        state.step(grads, loss=LOSS)
    return state


def outcome(state, slots=True):
    """Return the bits of all parameters and state arrays."""
    arrays = [*state.params, *(state.arrays.values() if slots else [])]
    return [bits(a).tobytes() for a in arrays]


def slots_of(state, k):
    """Return the bits of the k-th parameter and its state arrays."""
    own = [a for name, a in state.arrays.items() if name.startswith(f"{k}.")]
    return [bits(a).tobytes() for a in (state.params[k], *own)]


@properties
@given(
    case=st.sampled_from(LOSSLESS_CASES), dtype=st.sampled_from((*WIDE, *HALVES)), seed=seeds, sizes=sizes, steps=steps
)
def test_maximize_is_the_negated_gradient(case, dtype, seed, sizes, steps):
    params, gradients = problem(seed, sizes, steps, dtype, numbers_for(case))
    up = run(fast(case, maximize=True, on_nonfinite="zero"), params, gradients)
    down = run(fast(case, on_nonfinite="zero"), params, [[-g for g in grads] for grads in gradients])
    assert outcome(up) == outcome(down)


@properties
@given(case=st.sampled_from(STILL_CASES), dtype=st.sampled_from((*WIDE, *HALVES)), seed=seeds, sizes=sizes)
def test_zero_gradient_leaves_parameters_alone(case, dtype, seed, sizes):
    params, _ = problem(seed, sizes, 0, dtype, dyadic if case[0] == "FTRL" else finite)
    state = run(fast(case), params, [[np.zeros_like(p) for p in params]] * 3)
    for found, p in zip(state.params, params, strict=True):
        if case[0] == "FTRL":  # there a parameter is computed from the state
            np.testing.assert_allclose(found.astype(float), p.astype(float), rtol=4 * float(ml_dtypes.finfo(dtype).eps))
        else:
            assert bits(found).tobytes() == bits(p).tobytes()


@properties
@given(
    case=st.sampled_from(SIGN_CASES),
    dtype=st.sampled_from(WIDE),
    seed=seeds,
    sizes=sizes,
    steps=steps,
    power=st.integers(-20, 20),
)
def test_sign_methods_do_not_see_the_scale_of_gradients(case, dtype, seed, sizes, steps, power):
    params, gradients = problem(seed, sizes, steps, dtype, dyadic)
    scaled = [[np.ldexp(g, power) for g in grads] for grads in gradients]
    assert outcome(run(fast(case), params, gradients), False) == outcome(run(fast(case), params, scaled), False)


@properties
@given(
    case=st.sampled_from(LINEAR_CASES),
    dtype=st.sampled_from(WIDE),
    seed=seeds,
    sizes=sizes,
    steps=steps,
    power=st.integers(-20, 20),
)
def test_gradient_descent_is_homogeneous(case, dtype, seed, sizes, steps, power):
    """Everything multiplied by a power of two: so are parameters and momentum, to the bit."""
    params, gradients = problem(seed, sizes, steps, dtype, dyadic)
    plain = run(fast(case), params, gradients)
    scaled = run(
        fast(case), [np.ldexp(p, power) for p in params], [[np.ldexp(g, power) for g in gs] for gs in gradients]
    )
    for a, b in zip([*plain.params, *plain.arrays.values()], [*scaled.params, *scaled.arrays.values()], strict=True):
        assert (np.ldexp(a, power) == b).all()


@properties
@given(case=st.sampled_from(LINEAR_CASES), seed=seeds, sizes=sizes, steps=steps)
def test_gradient_descent_is_additive(case, seed, sizes, steps):
    one, two = (problem(seed + k, sizes, steps, np.float64, dyadic) for k in range(2))
    params = [a + b for a, b in zip(one[0], two[0], strict=True)]
    gradients = [[a + b for a, b in zip(g, h, strict=True)] for g, h in zip(one[1], two[1], strict=True)]
    whole, first, second = (run(fast(case), *each).params for each in ((params, gradients), one, two))
    for a, b, c in zip(whole, first, second, strict=True):
        np.testing.assert_allclose(a, b + c, rtol=0, atol=1e-13)


@properties
@given(
    case=st.sampled_from(ELEMENTWISE_CASES),
    dtype=st.sampled_from(WIDE),
    seed=seeds,
    sizes=sizes,
    steps=steps,
    data=st.data(),
)
def test_the_order_of_arrays_does_not_matter(case, dtype, seed, sizes, steps, data):
    params, gradients = problem(seed, sizes, steps, dtype)
    order = data.draw(st.permutations(range(len(sizes))))
    plain = run(fast(case, on_nonfinite="zero"), params, gradients)
    mixed = run(fast(case, on_nonfinite="zero"), [params[k] for k in order], [[g[k] for k in order] for g in gradients])
    for position, k in enumerate(order):
        assert slots_of(plain, k) == slots_of(mixed, position)


@properties
@given(
    case=st.sampled_from(ELEMENTWISE_CASES),
    dtype=st.sampled_from((*WIDE, *HALVES)),
    seed=seeds,
    n=st.integers(0, 9000),
    cuts=st.lists(st.integers(0, 9000), max_size=6),
)
def test_one_array_or_many_is_the_same(case, dtype, seed, n, cuts):
    """Cut anywhere, within and across vectors, blocks of 4,096 and the memory of 16-bit numbers."""
    (whole,), gradients = problem(seed, [n], 2, dtype)
    options = {"on_nonfinite": "zero", "clip_value": 1e3}
    one = run(fast(case, **options), [whole], gradients)
    cuts = sorted(min(cut, n) for cut in cuts)
    many = run(fast(case, **options), np.split(whole, cuts), [np.split(g, cuts) for (g,) in gradients])
    assert bits(np.concatenate(many.params)).tobytes() == bits(one.params[0]).tobytes()
    for name, array in one.arrays.items():
        parts = [many.arrays[f"{k}.{name.partition('.')[2]}"] for k in range(len(cuts) + 1)]
        assert bits(np.concatenate(parts)).tobytes() == bits(array).tobytes()


@properties
@given(
    case=st.sampled_from(CASES), half=st.sampled_from(HALVES), seed=seeds, sizes=sizes, steps=steps, clip=st.booleans()
)
def test_16_bit_parameters_are_float32_rounded_once_a_step(case, half, seed, sizes, steps, clip):
    params, gradients = problem(seed, sizes, steps, half, numbers_for(case))
    options = {"clip_norm": 1.0} if clip else {}
    narrow = fast(case, **options).init([p.copy() for p in params])
    wide = fast(case, **options).init([p.astype(np.float32) for p in params])
    for grads in gradients:
        narrow.step(grads, loss=LOSS)
        wide.step([g.astype(np.float32) for g in grads], loss=LOSS)
        for p in wide.params:
            with np.errstate(over="ignore"):
                p[...] = p.astype(half).astype(np.float32)
    assert [bits(p.astype(np.float32)).tobytes() for p in narrow.params] == [bits(p).tobytes() for p in wide.params]
    assert all(a.dtype == np.float32 for a in narrow.arrays.values())
    assert [bits(a).tobytes() for a in narrow.arrays.values()] == [bits(a).tobytes() for a in wide.arrays.values()]


@properties
@given(case=st.sampled_from(CASES), dtype=st.sampled_from(WIDE), seed=seeds, steps=steps)
def test_the_structure_of_parameters_does_not_matter(case, dtype, seed, steps):
    """A list, a tuple, a dict, a nest of them: the same arrays in the same order have the same bits, their names alone differ."""
    params, gradients = problem(seed, [3, 8, 0, 20], steps, dtype, numbers_for(case))
    forms = [
        (list, ["0", "1", "2", "3"]),
        (tuple, ["0", "1", "2", "3"]),
        (lambda a: dict(zip("wxyz", a, strict=True)), list("wxyz")),
        (lambda a: {"a": [a[0], {"b": a[1]}], "c": (a[2], [a[3]])}, ["a.0", "a.1.b", "c.0", "c.1.0"]),
        (lambda a: [tuple(a[:2]), a[2:]], ["0.0", "0.1", "1.0", "1.1"]),
    ]
    outcomes = []
    for form, names in forms:
        copies = [p.copy() for p in params]
        state = fast(case, clip_norm=1.0).init(form(copies))
        assert state.names == names
        for grads in gradients:
            state.step(form(grads), loss=LOSS)
        outcomes.append([bits(a).tobytes() for a in (*copies, *state.arrays.values())])
    assert all(found == outcomes[0] for found in outcomes)


def laid_out(rng, array, kind):
    """Return a view with the values of an array, and its base: any order of axes, any strides of either sign, gaps between."""
    axes = rng.permutation(array.ndim) if kind else np.arange(array.ndim)
    strides = [int(k) for k in (rng.choice([1, 2, 3, -1, -2], array.ndim) if kind else np.ones(array.ndim, int))]
    base = np.full([array.shape[a] * abs(s) for a, s in zip(axes, strides, strict=True)], 7, array.dtype)
    view = base[(..., *(slice(None, None, s) for s in strides))].transpose(np.argsort(axes))
    view[...] = array
    return view, base


@properties
@given(
    case=st.sampled_from(ELEMENTWISE_CASES),
    dtype=st.sampled_from((*WIDE, *HALVES)),
    seed=seeds,
    shape=st.lists(st.integers(0, 7), max_size=4),
    kinds=st.tuples(st.booleans(), st.booleans()),
)
def test_the_layout_in_memory_does_not_matter(case, dtype, seed, shape, kinds):
    """Parameters are written through to the caller's memory, and to nothing between them."""
    rng = np.random.default_rng(seed)
    start, *gradients = (dyadic(rng, dtype, shape) for _ in range(3))
    plain = fast(case).init(start.copy())
    param, base = laid_out(rng, start, kinds[0])
    strange = fast(case).init(param)
    for g in gradients:
        plain.step(g, loss=LOSS)
        view, _ = laid_out(rng, g, kinds[1])
        strange.step(view, loss=LOSS)
        assert (view == g).all()
    assert bits(param).tobytes() == bits(plain.params).tobytes()
    for name, array in plain.arrays.items():
        assert bits(strange.arrays[name]).tobytes() == bits(array).tobytes()
    param[...] = 7
    assert (base == 7).all()


@pytest.mark.parametrize(
    "name", sorted(CONFIGS.keys() - {"AdaBound", "FTRL", "Rprop", "SGDHD", "AdamHD"})
)  # their rates are positive, a first step size, and learned
def test_rate_of_zero_changes_nothing(name):
    rng = np.random.default_rng(0)
    p = rng.normal(size=50)
    state = fast((name, CONFIGS[name][-1]), lr=0.0).init(p.copy())
    for _ in range(3):
        state.step(rng.normal(size=50), loss=LOSS)
    assert (state.params == p).all()
