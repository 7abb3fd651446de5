"""Users' rules through Numba: the same bits as the interpreted rule, packed instructions, one message."""

import inspect
import logging
import math
import platform
import re
import threading
import types
from pathlib import Path

import numba
import numpy as np
import pytest

from fastgd._kernels import _jit_cache, _jit_machine, jit, rules
from fastgd._validation import ArgumentTypeError, ArgumentValueError

DTYPES = ("float32", "float64")
BUILT_IN = [f for f in vars(rules).values() if isinstance(f, types.FunctionType) and f is not rules.clipped]
RATE = 0.25
N = 133  # no multiple of a vector, of two, of four
GUARD = 7.0


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory):
    """Keep the compiled rules of this module in a folder of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FASTGD_CACHE", str(tmp_path_factory.mktemp("home") / "cache"))
        patch.setattr(_jit_cache, "_problem", "")
        yield


@pytest.fixture
def fresh(monkeypatch, tmp_path):
    """Forget what is compiled and where it is kept."""
    monkeypatch.setattr(jit, "_machines", {})
    monkeypatch.setenv("FASTGD_CACHE", str(tmp_path / "cache"))


def data(rule, dtype, n=N):
    """Return random arrays with the odd values at their start, and scalars without scaling or clipping."""
    elements, hyper = jit.signature(rule)
    rng = np.random.default_rng(0)
    arrays = [rng.standard_normal(n).astype(dtype) for _ in elements]
    arrays[2:] = [abs(a) for a in arrays[2:]]
    arrays[1][: min(n, 3)] = np.array([-0.0, 0.0, 1e-30], dtype)[:n]
    return arrays, [1.0, math.inf, *rng.uniform(0.1, 0.9, len(hyper)).astype(dtype)]


def by_element(function, arrays, scalars):
    """Return `p, *state` after `function` ran in CPython on every element, clipped first."""
    if not arrays[0].size:
        return [arrays[0], *arrays[2:]]
    kind = arrays[0].dtype.type
    hyper = [kind(s) for s in scalars]
    clip = jit.written_function(rules.clipped, np.dtype(kind))
    clip = clip.defined()[clip.name]
    with np.errstate(all="ignore"):
        rows = [function(p, clip(g, *hyper[:2]), *state, *hyper[2:]) for p, g, *state in zip(*arrays, strict=True)]
    return [np.array(column, kind) for column in zip(*(r if isinstance(r, tuple) else (r,) for r in rows), strict=True)]


def swept(sweep, arrays, scalars):
    """Return `p, *state` after the compiled sweep, having checked that it leaves the gradient and the neighbours alone."""
    padded = [np.full(a.size + 2, GUARD, a.dtype) for a in arrays]
    for wide, array in zip(padded, arrays, strict=True):
        wide[1:-1] = array
    sweep([w[1:-1] for w in padded], scalars)
    assert all(w[0] == w[-1] == GUARD for w in padded)
    assert padded[1][1:-1].tobytes() == arrays[1].tobytes()
    return [padded[k][1:-1] for k in range(len(padded)) if k != 1]


def assert_same_bits(found, expected):
    for a, b in zip(found, expected, strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(np.isnan(a), np.isnan(b))
        assert np.nan_to_num(a, nan=0).tobytes() == np.nan_to_num(b, nan=0).tobytes()


# Rules as users write them


def soft(x, width=0.5):
    """A helper with a default and a literal."""
    return x - width if x > width else (x + width if x < -width else 0)


def literals(p, g, m, /, lr):
    m = 0.9 * m + (1 - 0.9) * g
    return p - RATE * lr * soft(m) / (2 + abs(g)), m


def branches(p, g, m, v, /, lr):
    """Statements, truth values, powers, min and max."""
    sign: float = (g > 0) - 1 * (g < 0)
    step = lr
    if m > 0.3 and not (g < 0 or p > 1):
        step *= 2
        m, v = m / 2, max(v, m, 0.1)
    elif m:
        m = min(m**2, v**0.5, 3) - m**-1
    else:
        return p, m, v
    step = step if math.isfinite(v) else 0
    return p - step * sign, m, v


def elementary(p, g, m, /, lr):
    inside = math.tanh(p) * 0.9
    a = math.exp(-abs(g)) + math.log1p(m * m) + math.tanh(p) + math.expm1(g) + math.log(m + 1) + 10**g + g**3
    b = math.log2(m + 1) + math.log10(m + 1) + math.sin(p) * math.cos(p) + math.tan(p) + math.sinh(g) + math.cosh(g)
    c = math.asin(inside) + math.acos(inside) + math.atan(p) + math.asinh(g) + math.acosh(m + 1) + math.atanh(inside)
    d = math.erf(p) + math.erfc(p) + math.exp2(g) + 2**m + math.pow(m, 0.7) + math.atan2(p, g)
    return p - lr * (a + b), c + math.copysign(d, g) + math.fabs(m) + math.pi


@numba.njit
def halves(p, m):
    return p / 2, m / 2


def calls_compiled_code(p, g, m, /, lr):
    if g > 0:
        return halves(p, m=m)
    return rules.momentum(p, g, m, lr, 0, mu=0.9, mu_c=1)


USERS = [literals, branches, elementary, calls_compiled_code]


@pytest.mark.parametrize(
    ("rule", "dtype"),
    [(rule, "float32") for rule in BUILT_IN] + [(rule, dtype) for rule in USERS for dtype in DTYPES],
)
def test_compiled_rule_has_the_bits_of_the_interpreted_one(rule, dtype):
    sweep = jit.compile_sweep(rule, dtype, quiet=True)
    function = jit.interpreted(rule, dtype)
    for n in (0, 1, 8, N):
        arrays, scalars = data(rule, dtype, n)
        assert_same_bits(swept(sweep, arrays, scalars), by_element(function, arrays, scalars))


@pytest.mark.parametrize("rule", [rules.adam, rules.adadelta, rules.ftrl, rules.rprop, literals, elementary])
def test_rule_as_written_has_the_same_bits_in_float64(rule):
    arrays, scalars = data(rule, "float64")
    found = swept(jit.compile_sweep(rule, "float64", quiet=True), arrays, scalars)
    assert_same_bits(found, by_element(rule, arrays, scalars))


def plain(p, g, m, /, lr):
    m = 0.9 * m + (1 - 0.9) * g
    return p - lr * math.exp(-abs(m)) * m / (math.sqrt(abs(g)) * m + 1e-3), m


@pytest.mark.parametrize("rule", [rules.sgd, rules.nesterov, rules.adam, rules.lion, rules.rprop, rules.asgd, plain])
def test_rule_as_written_has_the_same_bits_in_float32(rule):
    arrays, scalars = data(rule, "float32")
    found = swept(jit.compile_sweep(rule, "float32", quiet=True), arrays, scalars)
    assert_same_bits(found, by_element(rule, arrays, scalars))


@pytest.mark.parametrize("dtype", DTYPES)
def test_gradient_is_scaled_and_limited_by_the_one_formula(dtype):
    arrays, scalars = data(rules.sgd, dtype)
    arrays[1][3:6] = np.nan, np.inf, -np.inf
    scalars[:2] = -0.5, 0.3
    found = swept(jit.compile_sweep(rules.sgd, dtype, quiet=True), arrays, scalars)
    assert_same_bits(found, by_element(jit.interpreted(rules.sgd, dtype), arrays, scalars))


def test_lambda_and_closure_are_rules():
    def made(rate):
        return lambda p, g, /: p - rate * g

    one, two = made(0.5), made(0.25)
    for rule, rate in ((one, 0.5), (two, 0.25)):
        p = np.ones(3, np.float32)
        jit.compile_sweep(rule, "float32", quiet=True)([p, np.ones(3, np.float32)], [1, math.inf])
        assert p.tolist() == [1 - rate] * 3


def five_states(p, g, a, b, c, d, e, /, lr):
    a, b, c, d = 0.9 * a + g, 0.9 * b + a, 0.9 * c + b, 0.9 * d + c
    e = max(e, abs(d))
    return p - lr * d / (math.sqrt(e) + 1e-8), a, b, c, d, e


@pytest.mark.parametrize("rule", [rules.sgd, rules.adam, literals, five_states])
def test_float32_is_vectorised_and_never_widened(rule):
    ir = jit._numba_kernel(jit._written(rule, np.dtype("float32")), rule).inspect_llvm()
    assert "double" not in ir
    assert "memcheck" not in ir  # arrays are known not to overlap
    operation = "fsub" if rule is rules.sgd else "fdiv"
    assert re.search(rf"{operation} <\d+ x float>", ir)
    if platform.machine() == "x86_64":
        assembly = _jit_machine._target_machine().emit_assembly(_jit_machine.binding.parse_assembly(ir))
        assert re.search(r"v?subps" if rule is rules.sgd else r"v?divps", assembly)
        assert not re.search(r"vfn?m(add|sub)", assembly)


def test_sweep_checks_what_it_is_called_with():
    sweep = jit.compile_sweep(rules.momentum, "float32", quiet=True)
    assert sweep.elements == ("p", "g", "momentum_buffer") and sweep.hyper == ("lr", "l2", "mu", "mu_c")
    p, g, m, scalars = *(np.zeros(4, np.float32) for _ in range(3)), [0.0] * 6
    frozen = p.copy()
    frozen.flags.writeable = False
    for arrays in ([p, g], [p, g, m[:3]], [frozen, g, m]):
        with pytest.raises(ArgumentValueError):
            sweep(arrays, scalars)
    for arrays in ([p, g, m.astype(np.float64)], [np.zeros(8, np.float32)[::2], g, m], [[0.0], g, m]):
        with pytest.raises(ArgumentTypeError):
            sweep(arrays, scalars)
    with pytest.raises(ArgumentValueError, match="scale, limit, lr"):
        sweep([p, g, m], [0.0])
    sweep([p, frozen, m], scalars)


# The first use


def test_message_once_per_compilation(fresh, capsys, caplog):
    jit.compile_sweep(literals, "float32")
    out, error = capsys.readouterr()
    assert out == ""
    assert re.fullmatch(
        r"fastgd: compiling rule 'literals' for float32 \(about 1 s, once; cached in .*cache\)\n", error
    )
    jit.compile_sweep(literals, "float32")
    jit._machines.clear()
    jit.compile_sweep(literals, "float32")  # from the disk
    assert capsys.readouterr() == ("", "")
    with caplog.at_level(logging.INFO, "fastgd"):
        jit.compile_sweep(literals, "float64", quiet=True)
    assert [r.name for r in caplog.records] == ["fastgd"] and capsys.readouterr() == ("", "")


def test_32_threads_compile_once(fresh, monkeypatch):
    compiled, kernel = [], jit._numba_kernel
    monkeypatch.setattr(jit, "_numba_kernel", lambda *a: compiled.append(a) or kernel(*a))
    start, addresses = threading.Barrier(32), []

    def first_call():
        start.wait()
        addresses.append(jit.compile_sweep(literals, "float32", quiet=True).address)

    threads = [threading.Thread(target=first_call) for _ in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(compiled) == 1 and len(addresses) == 32 and len(set(addresses)) == 1


def test_numba_without_its_compiler_is_said(fresh, monkeypatch):
    monkeypatch.setattr(numba.config, "DISABLE_JIT", True)
    with pytest.raises(RuntimeError, match="NUMBA_DISABLE_JIT"):
        jit.compile_sweep(literals, "float32", quiet=True)


# Built-in rules in a user's compiled code


@numba.njit
def users_loop(p, g, m, v, lr):
    for i in range(p.size):
        g_i = rules.clipped(g[i], 1, 1e9)
        p[i], m[i], v[i] = rules.adam(p[i], g_i, m[i], v[i], lr, 0, 0.0, 0.9, 0.1, 0.999, 0.001, 1.5, eps=1e-8)


@pytest.mark.parametrize("dtype", DTYPES)
def test_rules_in_compiled_code_have_the_bits_of_the_kernel(dtype):
    jit.register()
    jit.register()
    arrays, _ = data(rules.adam, dtype)
    scalars = [1, 1e9, 0.01, 0, 0.0, 0.9, 0.1, 0.999, 0.001, 1.5, 1e-8]
    expected = swept(jit.compile_sweep(rules.adam, dtype, quiet=True), arrays, scalars)
    users_loop(*arrays, 0.01)
    assert_same_bits([arrays[0], *arrays[2:]], expected)


@pytest.mark.parametrize("rule", [rules.clipped, rules.sgd, rules.amsgrad, rules.rprop, rules.ftrl])
def test_rules_in_compiled_code_stay_in_float32(rule):
    jit.register()
    count = len(inspect.signature(rule).parameters)
    call = numba.njit(lambda *values: rule(*values))
    found = call(*[np.float32(0.5)] * count)
    expected = jit.written_function(rule, np.dtype("float32"))
    assert np.array_equal(found, expected.defined()[expected.name](*[np.float32(0.5)] * count))
    assert all(t == numba.float32 for t in np.atleast_1d(call.nopython_signatures[0].return_type))


def test_integers_are_no_parameters():
    jit.register()
    with pytest.raises(numba.TypingError, match="sgd"):
        numba.njit(lambda p: rules.sgd(p, 1, 0.1, 0))(1)


def test_files_are_short():
    for path in Path(jit.__file__).parent.glob("*jit*.py"):
        assert len(path.read_text().splitlines()) < 400
