"""The emitter: the committed loops are those of the rules, and what executors would not round alike is refused, by line and reason."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import fastgd
from fastgd._kernels import emit

from .executors import LOSSES, RULES


def refusal(tmp_path, source):
    """Return the message with which a file of rules is refused."""
    path = tmp_path / "mine.py"
    path.write_text(source)
    with pytest.raises(emit.RuleError) as caught:
        emit.parse(path)
    return str(caught.value)


# ---------------------------------------------------------------------------------------------------------------------------------
# What is emitted


FRESH = "_sweeps.pyx is fresh\n_lane_losses.pyx is fresh\n_lane_rules.pyx is fresh\n"
FRESH += "_activations.pyx is fresh\n_stored_sweeps.pyx is fresh\n"


def test_generated_modules_are_fresh(capsys):
    assert emit.main(["--check"]) == 0
    assert capsys.readouterr().out == FRESH


def test_stale_module_is_told_and_rewritten(tmp_path, monkeypatch, capsys):
    target = tmp_path / "_sweeps.pyx"
    monkeypatch.setattr(emit, "targets", lambda: {target: emit.module})
    for text in (None, emit.module() + "\n"):
        if text is not None:
            target.write_text(text)
        assert emit.main(["--check"]) == 1
        assert capsys.readouterr().out == "_sweeps.pyx is STALE: run python -m fastgd._kernels.emit\n"
    assert emit.main([]) == 0
    assert target.read_text() == emit.module()
    assert emit.main(["--check"]) == 0


def test_module_runs_as_a_command():
    where = Path(fastgd.__file__).parents[1]
    command = [sys.executable, "-m", "fastgd._kernels.emit", "--check"]
    done = subprocess.run(command, cwd=where, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, FRESH)


def test_every_function_has_a_loop_for_each_dtype():
    text = emit.module()
    loops = re.findall(r"^cdef Py_ssize_t (\w+)_(float32|float64)\(", text, re.M)
    assert set(loops) == {(name, dtype) for name in [*RULES, *LOSSES] for dtype in ("float32", "float64")}
    assert len(loops) == len(set(loops))


def test_every_loop_over_a_gradient_counts_what_is_not_finite():
    """In the same pass; a counter as wide as an element, so that it vectorises with the rest."""
    loops = emit.module().split("\ncdef Py_ssize_t ")[1:]
    assert len(loops) == 2 * (len(RULES) + len(LOSSES))
    for loop in loops:
        name, dtype = re.match(r"(\w+)_(float\d+)", loop).groups()
        counts = re.findall(r"nonfinite_ \+= 0 if g\[i_\] - g\[i_\] == 0 else 1\n", loop)
        assert len(counts) == (name in RULES)
        assert loop.count("return nonfinite_") == 1
        assert f"cdef {'int' if dtype == 'float32' else 'Py_ssize_t'} nonfinite_ = 0" in loop


def test_every_rule_has_a_loop_over_each_number_of_lanes():
    """Each applies the penalty and clips; one lane alone has a second loop, over features that lie side by side."""
    text = emit.lane_rules_module()
    loops = re.findall(r"^cdef void (\w+)_(float32|float64)_(\d+)\(", text, re.M)
    assert len(loops) == len(set(loops)) == 2 * len(emit.LANES) * len(RULES)
    assert {name for name, _, _ in loops} == set(RULES)
    for loop in text.split("\ncdef void ")[1:]:
        alone = 1 + bool(re.match(r"\w+_1\(", loop))
        assert [loop.count(f"{f}(") for f in ("decayed", "clipped", "thresholded")] == [alone] * 3


def test_body_keeps_its_operations(tmp_path):
    """What is emitted for a small rule, in full: types before, integers in the type of the loop, otherwise verbatim."""
    path = tmp_path / "mine.py"
    path.write_text(
        "def decayed(p, g, m, /, lr, mu):\n"
        '    """A docstring is for people."""\n'
        "    m = mu * m + g\n"
        "    step = 2 * lr * m  # 2 here is text\n"
        "    return p - step if step > 0 else 1 / (p + 3), m\n"
    )
    rule = emit.parse(path)["decayed"]
    assert (rule.element, rule.hyper, rule.n_outputs) == (["p", "g", "m"], ["lr", "mu"], 2)
    assert rule.function().strip() == (
        "cdef inline (floating, floating) decayed(\n"
        "    floating p, floating g, floating m, floating lr, floating mu\n"
        ") noexcept nogil:\n"
        "    cdef floating step\n"
        "    m = mu * m + g\n"
        "    step = <floating> 2 * lr * m  # 2 here is text\n"
        "    return p - step if step > <floating> 0 else <floating> 1 / (p + <floating> 3), m"
    )


# ---------------------------------------------------------------------------------------------------------------------------------
# What is refused

# The body of a rule f(p, g, m, /, lr), the line of its fault (the first is 1), and what the message says.
BODIES = {
    "float literal": ("return p - 0.5 * g, m", 1, "literal 0.5"),
    "float that is an integer": ("return p - 1.0 * g, m", 1, "literal 1.0"),
    "float literal in a later line": ("m = m + g\nm = m * 1e-3\nreturn p - m, m", 2, "literal 0.001"),
    "large integer": ("return p - 4097 * g, m", 1, "literal 4097"),
    "boolean": ("return p - True * g, m", 1, "literal True"),
    "text": ("return p - 'x', m", 1, "literal 'x'"),
    "complex": ("return p - 1j * g, m", 1, "literal"),
    "literals alone": ("return p - g * (1 / 3), m", 1, ""),
    "literals alone through minus": ("return p - g / (-1 / 3), m", 1, ""),
    "function of a literal": ("return p - g * math.sqrt(2), m", 1, ""),
    "early return": ("if g > 0:\n    return p, m\nreturn p - g, m", 1, "If"),
    "return in the middle": ("return p, m\nreturn p - g, m", 1, "returns early"),
    "no return": ("m = m + g", 1, "return"),
    "empty return": ("m = m + g\nreturn", 1, "return"),
    "for": ("for k in m:\n    p = p - g\nreturn p, m", 1, "For"),
    "while": ("while g > 0:\n    g = g - 1\nreturn p, m", 1, "While"),
    "with": ("with m:\n    p = g\nreturn p, m", 1, "With"),
    "comprehension": ("return p - sum([g for k in m]), m", 1, ""),
    "call of a built-in": ("return p - abs(g), m", 1, "calls something"),
    "call of min": ("return min(p, g), m", 1, "calls something"),
    "call of another rule": ("return other(p), m", 1, "calls something"),
    "call of a method": ("return p.conjugate(), m", 1, "calls something"),
    "unknown function of math": ("return math.erf(p), m", 1, ".erf"),
    "constant of math": ("return p - math.pi * g, m", 1, ".pi"),
    "two arguments": ("return math.sqrt(p, g), m", 1, "one argument"),
    "keyword argument": ("return math.sqrt(x=p), m", 1, "one argument"),
    "starred argument": ("return math.sqrt(*m), m", 1, "Starred"),
    "function as a value": ("f = math.sqrt\nreturn f(p), m", 2, "calls something"),
    "starred return": ("return p, *m", 1, "Starred"),
    "starred target": ("p, *g = m\nreturn p, m", 1, ""),
    "chained comparison": ("return p if 0 < g < m else m, m", 1, "chains"),
    "not equal": ("return p if g != 0 else m, m", 1, "NotEq"),
    "is": ("return p if g is m else m, m", 1, "Is"),
    "comparison as a number": ("return p - ((g > 0) + (m > 0)), m", 1, ""),
    "and": ("return p if g > 0 and m > 0 else g, m", 1, "BoolOp"),
    "not": ("return p if not g > 0 else m, m", 1, "Not"),
    "unknown name": ("return p - rate * g, m", 1, "'rate'"),
    "name before it is set": ("m = later\nlater = g\nreturn p, m", 1, "'later'"),
    "global": ("global x\nreturn p, m", 1, "Global"),
    "import": ("import numpy\nreturn p, m", 1, "Import"),
    "attribute": ("return p.real, m", 1, ".real"),
    "subscript": ("return p[0], m", 1, "Subscript"),
    "power": ("return p - g**2, m", 1, "Pow"),
    "floor division": ("return p // g, m", 1, "FloorDiv"),
    "remainder": ("return p % g, m", 1, "Mod"),
    "invert": ("return ~p, m", 1, "Invert"),
    "in place": ("p -= g\nreturn p, m", 1, "AugAssign"),
    "annotated": ("x: float = g\nreturn p - x, m", 1, "AnnAssign"),
    "two targets": ("x = y = g\nreturn p - x, m", 1, "one plain name"),
    "tuple target": ("p, m = m, p\nreturn p, m", 1, ""),
    "walrus": ("return (x := g) - p, m", 1, "NamedExpr"),
    "nested tuple": ("return (p, (g, m))", 1, "tuple"),
    "list": ("return [p, m]", 1, "List"),
    "lambda": ("return (lambda: p)(), m", 1, ""),
    "nested function": ("def h(x):\n    y = x\nreturn p, m", 1, ""),
    "math as a variable": ("math = g\nreturn p - math, m", 1, ""),
    "minus zero": ("return p if g > 0 else -0, m", 1, ""),
    "assert": ("assert g > 0\nreturn p, m", 1, "Assert"),
    "try": ("try:\n    x = g\nfinally:\n    y = g\nreturn p, m", 1, "Try"),
    "format": ("return f'{p}', m", 1, ""),
    "expression": ("g > 0\nreturn p, m", 1, "Expr"),
    "pass": ("pass\nreturn p, m", 1, "Pass"),
    "await": ("yield p\nreturn p, m", 1, ""),
}


@pytest.mark.parametrize(("body", "line", "reason"), BODIES.values(), ids=BODIES)
def test_body_is_refused(body, line, reason, tmp_path):
    """With file, line, rule and reason; where the whole body is at fault, with the line of the rule."""
    source = "import math\n\n\ndef f(p, g, m, /, lr):\n" + "".join(f"    {text}\n" for text in body.splitlines())
    message = refusal(tmp_path, source)
    assert re.match(r"mine\.py:\d+: f\(\) ", message) and reason in message
    assert int(message.split(":")[1]) in (4, 4 + line)
    assert int(message.split(":")[1]) == 4 + line or "needs a return" in message


SIGNATURES = {
    "no slash": ("def f(p, g):", "plain signature"),
    "no argument": ("def f():", "plain signature"),
    "default": ("def f(p, g, /, lr=1):", "plain signature"),
    "star": ("def f(p, g, /, *rest):", "plain signature"),
    "double star": ("def f(p, g, /, **rest):", "plain signature"),
    "keyword only": ("def f(p, g, /, *, lr):", "plain signature"),
    "trailing underscore": ("def f(p, g, lr_, /):", "'lr_'"),
    "trailing underscore after the slash": ("def f(p, g, /, i_):", "'i_'"),
    "decorated": ("@staticmethod\ndef f(p, g, /):", "decorated"),
}


@pytest.mark.parametrize(("head", "reason"), SIGNATURES.values(), ids=SIGNATURES)
def test_signature_is_refused(head, reason, tmp_path):
    message = refusal(tmp_path, f"{head}\n    return p\n" if "p" in head else f"{head}\n    return 1\n")
    assert re.match(r"mine\.py:[12]: f\(\) ", message) and reason in message


CLIPPED = "def clipped(g, /, scale, limit):\n    return scale * g\n"
OUTPUTS = [
    ("rules.py", "def f(p, g, m, /, lr):\n    return p - g\n", "return p and every state"),
    ("rules.py", "def f(p, g, /, lr):\n    return p - g, g\n", "return p and every state"),
    ("rules.py", "def f(g, p, /, lr):\n    return p - g\n", "(p, g, *state, /, ...)"),
    ("rules.py", "def f(w, g, /, lr):\n    return w - g\n", "(p, g, *state, /, ...)"),
    ("losses.py", "def f(z, y, /):\n    return z - y\n", "(value, slope)"),
    ("losses.py", "def f(z, y, /):\n    return z, y, z\n", "(value, slope)"),
    ("losses.py", "def f(y, z, /):\n    return z, y\n", "(z, y, /, ...)"),
    ("measures.py", "def f(g, p, /):\n    return g * g\n", "(p, g, *state, /, ...)"),
]


@pytest.mark.parametrize(("file", "source", "reason"), OUTPUTS)
def test_wrong_inputs_and_outputs_are_refused(file, source, reason, tmp_path, monkeypatch):
    for name, text in {"rules.py": CLIPPED, "losses.py": "", "measures.py": ""}.items():
        (tmp_path / name).write_text(text + (source if name == file else ""))
    monkeypatch.setattr(emit, "HERE", tmp_path)
    with pytest.raises(emit.RuleError, match=re.escape(reason)) as caught:
        emit.module()
    assert str(caught.value).startswith(f"{file}:") and "f()" in str(caught.value)


def test_committed_rules_are_in_the_language():
    for file, functions in {"rules.py": RULES, "losses.py": LOSSES}.items():
        assert functions.keys() <= emit.parse(emit.HERE / file).keys()
