"""Reads a user's update rule and writes the text that Numba compiles: the same formula in the array's dtype.

Python numbers are a trap for a compiler: in ``0.5 * g`` the literal is a double, and one double turns the arithmetic of
a float32 kernel into doubles. NumPy's way is better (a Python number takes the dtype of the array beside it), so a rule
is rewritten before it is compiled::

    def decayed(p, g, m, /, lr):                     def decayed(p, g, m, lr):
        m = 0.9 * m + (1 - 0.9) * g            ->        m = T(0.9) * m + T(0.1) * g
        return p - lr * math.tanh(BETA * m), m           return p - lr * T(math.tanh(double(T(0.5) * m))), m

* What consists of numbers alone (literals, constants of the module or of the closure) is computed here, in double, and
  rounded once.
* Every variable holds the array's dtype, truth values as 1 and 0. `math.sqrt` works in that dtype; the functions of
  `math` that no processor has work in double and are rounded once. ``x ** 2`` is ``x * x``, ``x ** 0.5`` the root.
* As in C, and unlike Python, a division by zero, an overflow and ``math.log(-1)`` give inf or NaN.
* Functions that the rule calls are rewritten too, so the text holds all that decides the result: its hash is the key of
  the cache, and editing a helper or a constant changes it.

The same text runs in CPython on NumPy scalars (`jit.interpreted`): that is the oracle of the tests.
"""

import ast
import functools
import inspect
import linecache
import math
import operator
import os
import types
from typing import Any, NamedTuple

import numpy as np

from fastgd._kernels._jit_rewrite import Rewriter, call, named
from fastgd._validation import ArgumentValueError, shortened, type_error, value_error

OWNER = "fastgd.rule"

# Python's own min and max: the first of equals, and the first where the second is NaN.
PRELUDE = """\
def _fastgd_min(a, b):
    return b if b < a else a


def _fastgd_max(a, b):
    return b if b > a else a


def _fastgd_square(x):
    return x * x
"""

SWEEP = """\
def _fastgd_sweep(n, arrays, scalars):
    {scalars}
    nonfinite = 0
    for i in range(n):
        g = _fastgd_load(arrays, 1, i)
        nonfinite += 0 if g - g == g - g else 1
        {results} = {rule}({loads})
        {stores}
    return nonfinite
"""


def definition(function: types.FunctionType) -> ast.FunctionDef | ast.Lambda:
    """Return the syntax tree of a function: that of the very code it runs, whatever happened to its file since.

    Raises
    ------
    ArgumentValueError
        The source cannot be read, or it was edited after the function was made.
    """
    code = function.__code__
    for _ in range(2):
        text = "".join(linecache.getlines(code.co_filename, function.__globals__))
        nodes, codes = _functions(text)
        if any(_facts(c) == _facts(code) for c in codes):
            found = {ast.dump(node): node for node in nodes if _first_line(node) == code.co_firstlineno}
            if len(found) == 1:
                return found.popitem()[1]
        linecache.checkcache(code.co_filename)
    why = "cannot be read; define the function in a file or a notebook cell"
    if text:
        why = "is not what runs: its file was edited after the import, or functions share its line"
    place = f"{os.path.basename(code.co_filename)}, line {code.co_firstlineno}"
    raise ArgumentValueError(shortened(f"the source of the rule function {function.__name__!r} ({place}) {why}."))


_facts = operator.attrgetter(
    "co_firstlineno", "co_name", "co_code", "co_consts", "co_names", "co_varnames", "co_freevars"
)


@functools.lru_cache(maxsize=4)
def _functions(text: str) -> tuple[list[ast.FunctionDef | ast.Lambda], list[types.CodeType]]:
    """Return the functions of a module, as syntax trees and as CPython compiles them."""
    try:
        tree = ast.parse(text)
        codes = [compile(tree, "", "exec", dont_inherit=True)]
    except (SyntaxError, ValueError):
        return [], []
    for code in codes:  # grows as it goes: functions within functions
        codes.extend(c for c in code.co_consts if isinstance(c, types.CodeType))
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.Lambda)], codes


def _first_line(node: ast.FunctionDef | ast.Lambda) -> int:
    return min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", ()))])


class RuleText(NamedTuple):
    """The text of one rule for one dtype, ready to be compiled or interpreted.

    Attributes
    ----------
    text : str
        A module: the helpers, the rule, and the loop over the elements where one was asked for.
    name : str
        The name of the rule in it.
    dtype : dtype
        What it computes in.
    arguments : tuple of str
        The names of the rule's arguments.
    """

    text: str
    name: str
    dtype: np.dtype
    arguments: tuple[str, ...]

    def defined(self) -> dict[str, Any]:
        """Return the functions of the text as CPython runs them; the sweep lacks its loads and stores."""
        code = compile(self.text, f"<fastgd {self.name}>", "exec", dont_inherit=True)
        world: dict[str, Any] = {"_fastgd_T": self.dtype.type, "_fastgd_double": np.float64, "_fastgd_math": math}
        defined = {
            c.co_name: types.FunctionType(c, world, c.co_name) for c in code.co_consts if isinstance(c, types.CodeType)
        }
        world.update(defined)
        return world


def signature(rule: object) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the names of a rule's element arguments (``p, g, *state``) and of its per-step scalars.

    Raises
    ------
    ArgumentTypeError
        `rule` is not a Python function.
    ArgumentValueError
        Its signature is not ``(p, g, *state, /, *hyper)``.
    """
    if not isinstance(rule, types.FunctionType):
        raise type_error(OWNER, "rule", "a function (p, g, *state, /, *hyper)", rule)
    code = rule.__code__
    elements = code.co_varnames[: code.co_posonlyargcount]
    hyper = code.co_varnames[code.co_posonlyargcount : code.co_argcount]
    fix = ""
    if code.co_flags & (inspect.CO_VARARGS | inspect.CO_VARKEYWORDS) or code.co_kwonlyargcount:
        fix = "Name every argument: no *args, **kwargs or keyword-only arguments."
    elif elements[:2] != ("p", "g"):
        fix = "The first two arguments are p and g, and a slash ends those that vary per element."
    elif len(rule.__defaults__ or ()) > len(hyper):
        fix = "Arguments before the slash are arrays and take no default."
    elif code.co_flags & (inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR):
        fix = "A rule is an ordinary function, neither a generator nor a coroutine."
    if fix:
        raise value_error(OWNER, "rule", "a function (p, g, *state, /, *hyper)", rule, fix)
    return elements, hyper


def written_rule(rule: types.FunctionType, dtype: np.dtype, clip: types.FunctionType) -> RuleText:
    """Return the text of an update rule and of the sweep that applies it to every element.

    Parameters
    ----------
    rule : function
        ``(p, g, *state, /, *hyper) -> p`` or ``-> (p, *state)``.
    dtype : dtype
        float32 or float64.
    clip : function
        ``(g, /, scale, limit) -> g``, applied to each gradient before the rule sees it.
    """
    elements, hyper = signature(rule)
    module = _Module(dtype)
    name = module.function(rule)
    expected = ("p", *elements[2:])
    if module.returned[name] != len(expected):
        fix = f"This one returns {module.returned[name]}."
        accepted = f"a function that returns {len(expected)} value(s): {', '.join(expected)}"
        raise value_error(OWNER, "rule", shortened(accepted, 120), rule, fix)
    sweep = _sweep(name, module.function(clip), len(elements), len(hyper))
    return RuleText("\n\n".join([*module.texts, sweep]), name, dtype, elements + hyper)


def written_functions(functions: list[types.FunctionType], dtype: np.dtype) -> tuple[str, list[str], list[int]]:
    """Return the text of several functions of numbers, their names in it, and how many values each returns."""
    module = _Module(dtype)
    names = [module.function(f) for f in functions]
    return "\n\n".join(module.texts), names, [module.returned[name] for name in names]


def written_function(function: types.FunctionType, dtype: np.dtype) -> RuleText:
    """Return the text of one function of numbers, without a sweep."""
    text, (name,), _ = written_functions([function], dtype)
    code = function.__code__
    return RuleText(text, name, dtype, code.co_varnames[: code.co_argcount])


def _sweep(rule: str, clip: str, arrays: int, hyper: int) -> str:
    scalars = [f"s{k}" for k in range(hyper + 2)]  # scale, limit, *hyper
    elements = [f"_fastgd_load(arrays, {k}, i)" for k in range(arrays)]
    elements[1] = f"{clip}(g, s0, s1)"
    changed = [k for k in range(arrays) if k != 1]  # all but the gradient
    return SWEEP.format(
        rule=rule,
        scalars="; ".join(f"{s} = _fastgd_at(scalars, {k})" for k, s in enumerate(scalars)),
        results=", ".join(f"x{k}" for k in changed),
        loads=", ".join([*elements, *scalars[2:]]),
        stores="; ".join(f"_fastgd_store(arrays, {k}, i, x{k})" for k in changed),
    )


class _Module:
    """The text under construction: the functions written so far, each once."""

    def __init__(self, dtype: np.dtype):
        self.dtype = dtype
        self.texts = [f"# {dtype}\n{PRELUDE}"]
        self.returned: dict[str, int] = {}
        self._names: dict[types.FunctionType, str | None] = {}  # None: being written

    def function(self, function: types.FunctionType) -> str:
        """Return the name of `function` in the text, writing it where it is new."""
        if function not in self._names:
            name = f"_fastgd{len(self._names)}_{function.__code__.co_name.strip('<>')}"
            self._names[function] = None
            text, self.returned[name] = Rewriter(self, function, definition(function)).text(name)
            self.texts.append(text)
            self._names[function] = name
        found = self._names[function]
        if found is None:
            raise ArgumentValueError(
                shortened(f"the rule function {function.__name__!r} calls itself. Write it without recursion.")
            )
        return found

    def number(self, value: float) -> ast.expr:
        """Return the expression of a number in the array's dtype, which must not turn it into 0 or infinity."""
        with np.errstate(all="ignore"):
            rounded = float(self.dtype.type(value))
        if (rounded == 0 and value != 0) or (math.isinf(rounded) and math.isfinite(value)):
            fix = "Scale the rule, or pass float64 arrays."
            raise ArgumentValueError(
                f"a rule for {self.dtype} uses the number {value!r}, which is {rounded} in {self.dtype}. {fix}"
            )
        if math.isfinite(value):
            return call("_fastgd_T", ast.Constant(value))
        text = call("_fastgd_T", named("_fastgd_math.nan" if math.isnan(value) else "_fastgd_math.inf"))
        return ast.UnaryOp(ast.USub(), text) if value < 0 else text
