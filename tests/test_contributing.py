"""CONTRIBUTING.md's worked examples do what they say: an optimizer, a loss and a schedule, by its own textbooks."""

import importlib.util
import re
from pathlib import Path

import numpy as np
import pytest

import fastgd
from fastgd._kernels import emit, jit
from fastgd.schedules import _algebra

from .executors import run_interpreted

GUIDE = Path(fastgd.__file__).parents[1] / "CONTRIBUTING.md"
pytestmark = pytest.mark.skipif(not GUIDE.exists(), reason="installed without CONTRIBUTING.md")
DTYPES = (np.float32, np.float64)


@pytest.fixture(scope="module")
def blocks(tmp_path_factory):
    """Return a folder with each block of the page as a module."""
    folder = tmp_path_factory.mktemp("contributing")
    for name, text in re.findall(r"^```python (\w+)\n(.*?)^```", GUIDE.read_text(), re.M | re.S):
        (folder / f"{name}.py").write_text(text)
    return folder


@pytest.fixture
def load(blocks):
    """Return what imports a block; what it registers is forgotten afterwards."""
    classes, factories = dict(_algebra.CLASSES), dict(_algebra.FACTORIES)

    def module(name):
        spec = importlib.util.spec_from_file_location(f"contributing_{name}", blocks / f"{name}.py")
        found = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(found)
        return found

    yield module
    for table, before in ((_algebra.CLASSES, classes), (_algebra.FACTORIES, factories)):
        table.clear()
        table.update(before)


def test_every_python_block_is_named():
    """A block without a name would not be run."""
    fences = re.findall(r"^```(\w+)(.*)$", GUIDE.read_text(), re.M)
    assert all(name for kind, name in fences if kind == "python")
    assert {kind for kind, _ in fences} == {"python", "bash"}


def test_what_it_names_exists():
    text = GUIDE.read_text()
    root = GUIDE.parent
    for path in re.findall(r"`((?:fastgd|tests|docs)/[\w/.*]*)`", text):
        assert list(root.glob(path)), path
    makefile = (root / "Makefile").read_text()
    for target in re.findall(r"(?:^|`)make (\w+)", text, re.M):
        assert f"\n{target}:" in makefile, target


@pytest.mark.parametrize("name", ["rules", "losses"])
def test_the_emitter_accepts_it(blocks, name):
    (found,) = emit.parse(blocks / f"{name}.py").values()
    clip = emit.parse(Path(emit.__file__).with_name("rules.py"))["clipped"]
    loops = emit._update_loops(found, clip) if name == "rules" else emit._loss_loops(found)
    assert {f"{found.name}_float32", f"{found.name}_float64"} <= set(re.findall(r"cdef Py_ssize_t (\w+)\(", loops))


def test_the_rule_in_every_executor_is_the_textbook(load):
    """CPython, Numba as an own optimizer, and Numba as a trial; to rounding, and the compiled ones like CPython to the bit."""
    rules, optimizer, trial = load("rules"), load("optimizer"), load("trial")
    optimizer.rules = rules
    rng = np.random.default_rng(0)
    start, grads = rng.normal(size=7), rng.normal(size=(5, 7))
    expected = load("textbook").textbook(start, grads, 0.1, 0.5, 0.01)
    for kind, options in ((optimizer.SoftSign, {"momentum": 0.5}), (trial.Trial, {"mu": 0.5})):
        p = start.copy()
        state = kind(lr=0.1, eps=0.01, **options).init(p)
        for g in grads:
            state.step(g)
        np.testing.assert_allclose(p, expected, rtol=1e-13)
    p, m = start.copy(), np.zeros(7)
    interpreted = jit.interpreted(rules.softsign, "float64")
    for g in grads:
        scalars = map(np.float64, (0.1, 0.0, 0.5, 0.5, 0.01))
        p, m = (
            np.array(column)
            for column in zip(*map(lambda *row, s=tuple(scalars): interpreted(*row, *s), p, g, m), strict=True)
        )
    q = start.copy()
    state = optimizer.SoftSign(lr=0.1, momentum=0.5, eps=0.01).init(q)
    for g in grads:
        state.step(g)
    assert p.tobytes() == q.tobytes()


def test_the_optimizer_is_like_any_other(load):
    optimizer = load("optimizer")
    optimizer.rules = load("rules")
    with pytest.raises(fastgd.ArgumentValueError, match="momentum"):
        optimizer.SoftSign(momentum=1.0)
    w = np.ones(3, np.float32)
    state = optimizer.SoftSign(lr=fastgd.schedules.linear(0.5, 2), momentum=0.0, clip_norm=1.0).init(w)
    assert state.step(np.full(3, 5.0, np.float32)).clipped
    np.testing.assert_allclose(w, 0.5, rtol=1e-6)


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_loss_is_the_textbook_and_its_slope_the_derivative(load, dtype):
    cauchy, textbook = load("losses").cauchy, load("textbook_loss").textbook_loss
    z, y, scale, h = np.linspace(-5, 5, 41).astype(dtype), np.full(41, 0.25, dtype), 1.5, 1e-6
    value, slope = run_interpreted(cauchy, [z, y], [scale])
    wide = z.astype(np.float64)
    np.testing.assert_allclose(
        value, textbook(wide, y, scale), rtol=4 * np.finfo(dtype).eps, atol=4 * np.finfo(dtype).eps
    )
    difference = (textbook(wide + h, y, scale) - textbook(wide - h, y, scale)) / (2 * h)
    np.testing.assert_allclose(slope, difference, rtol=1e-5, atol=1e-8)


def test_the_schedule_is_its_formula_and_composes(load):
    logarithmic = load("schedule").logarithmic
    t = np.arange(50)
    np.testing.assert_allclose(logarithmic(0.3, 7).values(50), 0.3 / np.log(np.e + t / 7), rtol=1e-14)
    assert str(logarithmic(0.3, "7 epochs").resolve(steps_per_epoch=2)) == "logarithmic(0.3, 14)"
    assert fastgd.schedules.parse("warmup(5) >> logarithmic(0.3, 7)")(5) == 0.3
    with pytest.raises(fastgd.ArgumentValueError, match="a0"):
        logarithmic(-1.0, 7)
