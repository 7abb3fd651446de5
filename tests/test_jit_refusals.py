"""What a rule may not be or do: refused before anything is compiled, with the line and what to write instead."""

import math

import numba
import numpy as np
import pytest

from fastgd._kernels import jit, rules
from fastgd._validation import ArgumentTypeError, ArgumentValueError


def soft(x, width=0.5):
    return x - width if x > width else (x + width if x < -width else 0)


@numba.njit
def halves(p, m):
    return p / 2, m / 2


table = [1.0]
tiny = 1e-50


def recursive(p, g, /):
    return recursive(p, g)


def keyword(p, g, /, *, lr):
    return p


def defaulted(p, g=0.0, /):
    return p


def loop(p, g, /):
    for _ in range(3):
        p = p - g
    return p


def no_return(p, g, /):
    if g > 0:
        return p


def unset(p, g, /):
    if g > 0:
        x = g
    return p - x


def generator(p, g, /):
    yield p


def two_for_one(p, g, /):
    x = halves(p, g)
    return x


def uneven(p, g, m, /):
    if g > 0:
        return p, m
    return p


def assigns_item(p, g, /):
    p[0] = g
    return p


def imports(p, g, /):
    import math

    return math.sqrt(p)


REFUSED = [
    (3, "must be a function"),
    (np.sin, "must be a function"),
    (lambda p, g: p, "a slash ends"),
    (lambda g, p, /: p, "first two arguments are p and g"),
    (lambda p, g, /, *rest: p, "no \\*args"),
    (lambda p, g, /, **rest: p, "no \\*args"),
    (keyword, "no \\*args"),
    (defaulted, "no default"),
    (generator, "neither a generator"),
    (lambda p, g, m, /: p, "returns 2 value\\(s\\): p, m.*returns 1"),
    (lambda p, g, /: (p, g), "returns 1 value"),
    (lambda p, g, /: p - table * g, "table, of type list"),
    (lambda p, g, /: p - table[0], "table\\[0\\]"),
    (lambda p, g, /: p - missing * g, "`missing`, which stands for nothing"),  # noqa: F821
    (lambda p, g, /: p - math.missing, "`math.missing`, which stands for nothing"),
    (lambda p, g, /: p - "1", "'1', of type str"),
    (lambda p, g, /: p - 1j * g, "of type complex"),
    (lambda p, g, /: p - 10**400 * g, "`10 \\*\\* 400` \\(math range error\\)"),
    (lambda p, g, /: p - g * (1 / (1 - 1)), "division by zero"),
    (lambda p, g, /: p - tiny * g, "number 1e-50, which is 0.0 in float32"),
    (lambda p, g, /: p - 1e39 * g, "number 1e\\+39, which is inf in float32"),
    (lambda p, g, /: p - np.sqrt(g), "np.sqrt\\(g\\)`. Write math.sqrt"),
    (lambda p, g, /: p - math.gamma(g), "those of math that C has"),
    (lambda p, g, /: p - math.log(g, 2), "those of math that C has"),
    (lambda p, g, /: p - max(g), "those of math that C has"),
    (lambda p, g, /: p // g, "`p // g`"),
    (lambda p, g, /: p - (g is None), "`g is None`"),
    (lambda p, g, /: p - soft(g, 1, 2), "soft takes 2 argument"),
    (lambda p, g, /: p - soft(x=g, size=1), "soft takes 2 argument"),
    (lambda p, g, /: p - soft(*g), "`\\*g`"),
    (lambda p, g, /: p - halves(g, g), "2 value\\(s\\) where 1"),
    (lambda p, g, /: p - g.real, "g"),
    (lambda p, g, /: p(g), "`p`"),
    (lambda p, g, /: [p][0], "uses"),
    (recursive, "calls itself"),
    (loop, "line \\d+.*for _ in range\\(3\\)"),
    (no_return, "without return"),
    (unset, "'x', which may have no value"),
    (two_for_one, "2 value\\(s\\) where 1"),
    (uneven, "returns of 2 and of 1"),
    (assigns_item, "`p\\[0\\]`"),
    (imports, "import math"),
]


@pytest.mark.parametrize(("rule", "message"), REFUSED, ids=[m for _, m in REFUSED])
def test_refused_before_anything_is_compiled(rule, message, monkeypatch):
    monkeypatch.setattr(jit, "_numba_kernel", None)
    with pytest.raises((ArgumentTypeError, ArgumentValueError), match=message) as caught:
        jit.compile_sweep(rule, "float32")
    assert len(str(caught.value)) <= 300


@pytest.mark.parametrize("dtype", ["float16", "int64", ">f4", object, "no dtype", None.__class__])
def test_other_dtypes_are_refused(dtype):
    with pytest.raises(ArgumentTypeError, match="float32 or float64"):
        jit.compile_sweep(rules.sgd, dtype)


def test_rule_without_source_is_refused():
    rule = eval("lambda p, g, /: p - g")
    with pytest.raises(ArgumentValueError, match="cannot be read; define the function in a file"):
        jit.compile_sweep(rule, "float32")


def test_empty_closure_is_refused():
    def made():
        def rule(p, g, /):
            return p - later * g

        first = rule
        yield first
        later = 1.0
        yield later

    with pytest.raises(ArgumentValueError, match="`later`, which stands for nothing"):
        jit.compile_sweep(next(made()), "float32")
