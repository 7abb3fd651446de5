"""The formulas of docstrings, written in Python's notation there, as LaTeX."""

import ast
import re

SYMBOLS = {name: f"\\{name}" for name in ("alpha", "beta", "gamma", "eta", "pi")}
SYMBOLS |= {"delta_t": r"\delta_t", "a0": "a_0", "t0": "t_0", "eta0": r"\eta_0"}
BRACKETS = {"floor": (r"\lfloor ", r" \rfloor"), "abs": ("|", "|")}
LITERAL = re.compile(r"``(.+?)``", re.DOTALL)
BEFORE = re.compile(r"(\w)_\{t-1\}")  # what Python has no notation for
COMPARISONS = {ast.Lt: "<", ast.LtE: r"\le", ast.Gt: ">", ast.GtE: r"\ge"}


def drawn(text: str) -> str:
    """Return a docstring's text with its formulas to be drawn, and everything else between double backticks as it is."""
    return LITERAL.sub(lambda found: _role(found[1]) or found[0], text)


def latex(formula: str) -> str:
    """Return a formula as LaTeX.

    Raises
    ------
    ValueError
        It is no formula of numbers, names and elementary functions.
    """
    names = BEFORE.sub(r"\1_before", " ".join(formula.split()))
    try:
        statement = ast.parse(names).body[0]
    except SyntaxError:
        raise ValueError(f"no formula: {formula}") from None
    if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
        return f"{_of(statement.targets[0])} = {_of(statement.value)}"
    if isinstance(statement, ast.Expr):
        return _of(statement.value)
    raise ValueError(f"no formula: {formula}")


def _role(formula: str) -> str:
    if not re.search(r"[=*/+<]| - ", formula) or re.search(r"[\"\[]|>>", formula):
        return ""  # a name, a call, or a text
    try:
        return rf":math:`\displaystyle {latex(formula)}`"
    except ValueError:
        return ""


def _of(node: ast.expr) -> str:
    match node:
        case ast.Constant(int() | float() as value):
            return f"{value:g}"
        case ast.Name(name):
            return _symbol(name)
        case ast.UnaryOp(ast.USub(), operand):
            return f"-{_within(operand, 2)}"
        case ast.BinOp(left, ast.Div(), right) if _in_line(node):
            return f"{_of(left)} / {_of(right)}"
        case ast.BinOp(left, ast.Div(), right):
            return rf"\frac{{{_of(left)}}}{{{_of(right)}}}"
        case ast.BinOp(left, ast.Pow(), right):
            return rf"{_within(left, 4)}^{{{_of(right)}}}"
        case ast.BinOp(left, ast.Mult(), right):
            return r" \, ".join(_within(factor, 3 if _in_line(factor) else 2) for factor in (left, right))
        case ast.BinOp(left, ast.Add(), right):
            return f"{_of(left)} + {_of(right)}"
        case ast.BinOp(left, ast.Sub(), right):
            return f"{_of(left)} - {_within(right, 2)}"
        case ast.Call(ast.Name("sqrt"), [inner], []):
            return rf"\sqrt{{{_of(inner)}}}"
        case ast.Call(ast.Name(name), [inner], []) if name in BRACKETS:
            return BRACKETS[name][0] + _of(inner) + BRACKETS[name][1]
        case ast.Call(ast.Name("cos" | "tanh" | "min" | "max" | "clip" as name), arguments, []):
            inner = ", ".join(map(_of, arguments))
            return rf"\text{{{name}}}" + (rf"\left({inner}\right)" if r"\frac" in inner else f"({inner})")
        case ast.Compare(left, [comparison], [right]) if type(comparison) in COMPARISONS:
            return f"{_of(left)} {COMPARISONS[type(comparison)]} {_of(right)}"
        case _:
            raise ValueError(f"no formula: {ast.unparse(node)}")


def _within(node: ast.expr, strength: int) -> str:
    """Return a part of a formula, in brackets where it binds less than what stands around it."""
    text = _of(node)
    match node:
        case ast.BinOp(op=ast.Add() | ast.Sub()) | ast.Compare():
            own = 1
        case ast.BinOp(op=ast.Mult()) | ast.UnaryOp():
            own = 2
        case ast.BinOp(op=ast.Div()):
            own = 2 if _in_line(node) else 3
        case ast.BinOp(op=ast.Pow()):
            own = 3
        case _:
            own = 4
    if own >= strength:
        return text
    return rf"\left({text}\right)" if r"\frac" in text else f"({text})"


def _in_line(node: ast.expr) -> bool:
    """Tell whether a part is a quotient as plain as t/T, which is easier to read in a line than as a small fraction."""
    match node:
        case ast.BinOp(left, ast.Div(), ast.Name() | ast.Constant()):
            return not (isinstance(left, ast.BinOp) and isinstance(left.op, ast.Add | ast.Sub))
        case _:
            return False


def _symbol(name: str) -> str:
    if name in SYMBOLS:
        return SYMBOLS[name]
    base, _, index = name.partition("_")
    if index == "before":
        return rf"{base}_{{t-1}}"
    if len(base) == 1 and len(index) == 1:
        return rf"{base}_{index}"
    return name if len(name) == 1 else rf"\text{{{name}}}"
