"""Rewrites one Python function into the text that Numba compiles; `_jit_source` says what is rewritten and why."""

import ast
import functools
import math
import numbers
import operator
import os
import types
from collections.abc import Callable
from typing import Any, Protocol

from fastgd._validation import ArgumentTypeError, ArgumentValueError, shortened

# The functions of `math` that a rule may call, with their numbers of arguments: those that C has under the same name,
# so that CPython and Numba end in the same libm. CPython's own `gamma`, `hypot`, ... differ from it in the last bits.
LIBM = dict.fromkeys(("exp", "exp2", "expm1", "log", "log1p", "log2", "log10", "sin", "cos", "tan", "sinh", "cosh"), 1)
LIBM |= dict.fromkeys(("tanh", "asin", "acos", "atan", "asinh", "acosh", "atanh", "erf", "erfc"), 1)
LIBM |= {"pow": 2, "atan2": 2}
EXACT = {"sqrt": 1, "fabs": 1, "copysign": 2}  # the same bits in any precision
TESTS = {"isnan": 1, "isinf": 1, "isfinite": 1}
ARITY = LIBM | EXACT | TESTS | {"abs": 1}
MATH = {getattr(math, name): name for name in LIBM | EXACT | TESTS}
COMPARISONS = (ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.Eq, ast.NotEq)
FOLD = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: math.pow,
}


class Module(Protocol):
    """The text that a function is written into."""

    returned: dict[str, int]

    def function(self, function: types.FunctionType) -> str:
        """Return the name of `function` in the text, writing it where it is new."""

    def number(self, value: float) -> ast.expr:
        """Return the expression of a number in the array's dtype."""


def named(name: str) -> ast.expr:
    """Return the expression of a (dotted) name."""
    return ast.parse(name, mode="eval").body


def call(name: str, *arguments: ast.expr) -> ast.expr:
    """Return the expression of a call."""
    return ast.Call(named(name), list(arguments), [])


def _is_truth(node: ast.expr) -> bool:
    """Tell whether a rewritten expression is a truth value; all others are numbers."""
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Attribute) and node.func.attr in TESTS
    return isinstance(node, ast.Compare) or (isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not))


class Rewriter:
    """Rewrites one function, statement by statement; what the language of rules lacks is refused with its line."""

    def __init__(self, module: Module, function: types.FunctionType, node: ast.FunctionDef | ast.Lambda):
        self.module = module
        self.function = function
        self.locals = set(function.__code__.co_varnames)
        self.node = node
        self.set_here: set[str] = set()  # the variables that have a value wherever the statement at hand runs
        self.count = 0  # how many values it returns, once known

    def text(self, name: str) -> tuple[str, int]:
        """Return the rewritten function, called `name`, and how many values it returns."""
        form = self.node.args
        if form.vararg or form.kwarg or form.kwonlyargs:
            raise self.refusal(self.node, "keyword-only or starred arguments", "Name every argument")
        arguments = [a.arg for a in form.posonlyargs + form.args]
        self.set_here.update(arguments)
        if isinstance(self.node, ast.Lambda):
            body: list[ast.stmt] = [ast.copy_location(ast.Return(self.node.body), self.node)]
        else:
            body = self.node.body[ast.get_docstring(self.node, clean=False) is not None :]
        statements, returns = self.block(body)
        if not returns:
            raise self.refusal(self.node, "a path that ends without return", "End with return")
        lines = ast.unparse(ast.Module(statements, [])).splitlines()
        return "\n    ".join([f"def {name}({', '.join(arguments)}):", *lines]) + "\n", self.count

    def refusal(self, node: ast.AST, what: str, fix: str, kind: type[Exception] = ArgumentValueError) -> Exception:
        """Return the error that names the function, the line and what to write instead."""
        place = f"{os.path.basename(self.function.__code__.co_filename)}, line {getattr(node, 'lineno', '?')}"
        return kind(shortened(f"the rule function {self.function.__name__!r} ({place}) uses {what}. {fix}."))

    # Statements

    def block(self, body: list[ast.stmt]) -> tuple[list[ast.stmt], bool]:
        """Return the rewritten statements, and whether every path through them ends in a return."""
        statements: list[ast.stmt] = []
        for statement in body:
            if isinstance(statement, ast.Return):
                return [*statements, ast.Return(self.result(statement))], True
            if isinstance(statement, ast.If):
                branch, returns = self.branch(statement)
                statements.append(branch)
                if returns:
                    return statements, True
            elif not isinstance(statement, ast.Pass):
                statements.append(self.assignment(statement))
        return statements, False

    def branch(self, node: ast.If) -> tuple[ast.stmt, bool]:
        test, before = self.test(node.test), self.set_here
        self.set_here = set(before)
        body, body_returns = self.block(node.body)
        after, self.set_here = self.set_here, set(before)
        orelse, orelse_returns = self.block(node.orelse)
        if orelse_returns:
            self.set_here = after
        elif not body_returns:
            self.set_here &= after
        return ast.If(test, body or [ast.Pass()], orelse), body_returns and orelse_returns

    def assignment(self, node: ast.stmt) -> ast.stmt:
        targets: list[ast.expr]
        value: ast.expr
        match node:
            case ast.Assign(targets=targets, value=value):
                pass
            case ast.AnnAssign(target=ast.Name() as target, value=ast.expr() as value):
                targets = [target]
            case ast.AugAssign(target=ast.Name(id=own) as target, op=op, value=operand):
                left = ast.copy_location(ast.Name(own, ast.Load()), node)
                targets = [target]
                value = ast.copy_location(ast.BinOp(left, op, operand), node)
            case _:
                what = f"the statement `{shortened(ast.unparse(node), 60)}`"
                raise self.refusal(
                    node, what, "Write assignments, if and return; loops and calls for their effect have no place"
                )
        sides = [t.elts if isinstance(t, ast.Tuple) else [t] for t in targets]
        new = self.values(value, len(sides[0]), node)
        for name in [name for side in sides for name in side]:
            if not isinstance(name, ast.Name):
                raise self.refusal(node, f"an assignment to `{ast.unparse(name)}`", "Assign to plain names")
            self.set_here.add(name.id)
        if any(len(side) != len(sides[0]) for side in sides):
            raise self.refusal(node, "targets of different lengths", "Assign them one by one")
        return ast.Assign(targets, new, lineno=0)

    def result(self, node: ast.Return) -> ast.expr:
        value = node.value
        if value is None:
            raise self.refusal(node, "a return without a value", "Return p, or p and every state value")
        if isinstance(value, ast.Tuple) and len(value.elts) == 1:
            value = value.elts[0]
        count = len(value.elts) if isinstance(value, ast.Tuple) else self.returned(self.helper(value))
        if self.count not in (0, count):
            raise self.refusal(
                node, f"returns of {self.count} and of {count} values", "Return the same values everywhere"
            )
        self.count = count
        return self.values(value, count, node)

    def values(self, node: ast.expr, count: int, where: ast.AST) -> ast.expr:
        """Return the expression of `count` values: a tuple, or the call of a function that returns as many."""
        new: ast.expr
        if isinstance(node, ast.Tuple):
            found, new = len(node.elts), ast.Tuple([self.value(e) for e in node.elts], ast.Load())
        else:
            helper = self.helper(node)
            found = self.returned(helper)
            new = self.helper_call(node, helper) if isinstance(node, ast.Call) and helper else self.value(node)
        if found != count:
            raise self.refusal(where, f"{found} value(s) where {count} are needed", "Make the numbers of values equal")
        return new

    # Expressions

    def value(self, node: ast.expr) -> ast.expr:
        """Return the expression of one number in the array's dtype."""
        return self.strong(self.expression(node))

    def strong(self, new: ast.expr | float) -> ast.expr:
        """Return a rewritten expression in the array's dtype: numbers are rounded, truth values become 1 and 0."""
        if isinstance(new, float):
            return self.module.number(new)
        return ast.IfExp(new, self.module.number(1.0), self.module.number(0.0)) if _is_truth(new) else new

    def test(self, node: ast.expr) -> ast.expr:
        """Return the expression of a truth value."""
        if isinstance(node, ast.BoolOp):
            return ast.BoolOp(node.op, [self.test(v) for v in node.values])
        new = self.expression(node)
        if isinstance(new, float):
            return ast.Constant(bool(new))
        return new if _is_truth(new) else ast.Compare(new, [ast.NotEq()], [self.module.number(0.0)])

    def expression(self, node: ast.expr) -> ast.expr | float:
        """Return the rewritten expression, or its value where it consists of numbers alone."""
        match node:
            case ast.Name(id=name) if name in self.locals:
                if name not in self.set_here:
                    raise self.refusal(
                        node, f"the variable {name!r}, which may have no value here", "Set it on every path"
                    )
                return ast.Name(name, ast.Load())
            case ast.Constant(value=value):
                return self.constant(value, node, repr(value))
            case ast.Name() | ast.Attribute():
                return self.constant(self.resolved(node), node, ast.unparse(node))
            case ast.UnaryOp(op=ast.USub() | ast.UAdd() as op, operand=operand):
                new = self.expression(operand)
                if isinstance(new, float):
                    return -new if isinstance(op, ast.USub) else new
                return ast.UnaryOp(op, self.strong(new))
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return ast.UnaryOp(ast.Not(), self.test(operand))
            case ast.BinOp(left=left, op=op, right=right) if type(op) in FOLD:
                return self.arithmetic(node, self.expression(left), self.expression(right))
            case ast.Compare(left=left, ops=ops, comparators=others) if all(isinstance(op, COMPARISONS) for op in ops):
                return ast.Compare(self.value(left), ops, [self.value(o) for o in others])
            case ast.BoolOp(op=op, values=operands):
                return ast.BoolOp(op, [self.value(v) for v in operands])
            case ast.IfExp(test=test, body=body, orelse=orelse):
                return ast.IfExp(self.test(test), self.value(body), self.value(orelse))
            case ast.Call():
                return self.call(node)
        what = f"`{shortened(ast.unparse(node), 60)}`"
        raise self.refusal(
            node,
            what,
            "Write + - * / **, comparisons, if-else, abs, min, max, functions of math, and functions of these",
        )

    def arithmetic(self, node: ast.BinOp, left: ast.expr | float, right: ast.expr | float) -> ast.expr | float:
        if isinstance(left, float) and isinstance(right, float):
            return self.folded(FOLD[type(node.op)], [left, right], node)
        if not isinstance(node.op, ast.Pow):
            return ast.BinOp(self.strong(left), node.op, self.strong(right))
        # LLVM replaces these powers by products and roots, which libm's `pow` does not always equal: so does the text.
        if isinstance(left, float) and left == 2:
            return self.math("exp2", [self.strong(right)])
        base = self.strong(left)
        match right:
            case 2.0:
                return call("_fastgd_square", base)
            case 1.0:
                return base
            case 0.5:
                return self.math("sqrt", [base])
            case -1.0:
                return ast.BinOp(self.module.number(1.0), ast.Div(), base)
        return self.math("pow", [base, self.strong(right)])

    def folded(self, function: Callable[..., float], operands: list[Any], node: ast.AST) -> float:
        try:
            return float(function(*operands))
        except (ArithmeticError, ValueError) as error:
            raise self.refusal(
                node, f"`{shortened(ast.unparse(node), 60)}` ({error})", "Change these numbers"
            ) from None

    def call(self, node: ast.Call) -> ast.expr | float:
        helper = self.helper(node)
        if helper is not None:
            return self.values(node, 1, node)
        target = self.resolved(node.func)
        isbuiltin = isinstance(target, types.BuiltinFunctionType)
        name = (target.__name__ if target in (abs, min, max) else MATH.get(target)) if isbuiltin else None
        arguments = [self.expression(a) for a in node.args]
        few = len(arguments) < 2 if name in ("min", "max") else len(arguments) != ARITY.get(str(name))
        if name is None or few or node.keywords:
            same = getattr(target, "__name__", "")
            fix = (
                "Call abs, min, max, your own functions, and those of math that C has too (sqrt, exp, log1p, tanh, ...)"
            )
            if not isbuiltin and same in MATH.values():
                fix = f"Write math.{same}"  # for that of NumPy
            raise self.refusal(node, f"the call `{shortened(ast.unparse(node), 60)}`", fix)
        if all(isinstance(a, float) for a in arguments):
            return self.folded(target, arguments, node)
        strong = [self.strong(a) for a in arguments]
        if name in ("min", "max"):
            return functools.reduce(functools.partial(call, f"_fastgd_{name}"), strong)
        return call("abs", *strong) if name == "abs" else self.math(name, strong)

    def math(self, name: str, arguments: list[ast.expr]) -> ast.expr:
        if name in LIBM:
            arguments = [call("_fastgd_double", a) for a in arguments]
        new = call(f"_fastgd_math.{name}", *arguments)
        return new if name in TESTS else call("_fastgd_T", new)

    def helper(self, node: ast.expr) -> types.FunctionType | None:
        """Return the Python function that `node` calls, None where it calls none."""
        if not isinstance(node, ast.Call):
            return None
        target = self.resolved(node.func)
        target = getattr(target, "py_func", target)  # the function behind numba.njit
        return target if isinstance(target, types.FunctionType) else None

    def returned(self, helper: types.FunctionType | None) -> int:
        """Return the number of values of a call: one where it calls no Python function."""
        return 1 if helper is None else self.module.returned[self.module.function(helper)]

    def helper_call(self, node: ast.Call, target: types.FunctionType) -> ast.expr:
        code, defaults = target.__code__, target.__defaults__ or ()
        keywords = [ast.keyword(k.arg, self.value(k.value)) for k in node.keywords]
        given = {*code.co_varnames[: len(node.args)], *(k.arg for k in node.keywords)}
        for name, value in zip(
            code.co_varnames[code.co_argcount - len(defaults) : code.co_argcount], defaults, strict=True
        ):
            if name not in given:
                keywords.append(ast.keyword(name, self.module.number(self.constant(value, node, name))))
                given.add(name)
        if given != {*code.co_varnames[: code.co_argcount]} or len(node.args) + len(keywords) != code.co_argcount:
            raise self.refusal(
                node, f"`{shortened(ast.unparse(node), 60)}`", f"{target.__name__} takes {code.co_argcount} argument(s)"
            )
        return ast.Call(named(self.module.function(target)), [self.value(a) for a in node.args], keywords)

    # What names stand for

    def resolved(self, node: ast.expr) -> Any:
        """Return the object that a name of the closure, of the module or of Python stands for, attributes included."""
        function: Any = self.function
        match node:
            case ast.Attribute(value=owner, attr=attribute):
                missing = object()
                found = getattr(self.resolved(owner), attribute, missing)
                if found is not missing:
                    return found
            case ast.Name(id=name) if name in function.__code__.co_freevars:
                try:
                    return (function.__closure__ or ())[function.__code__.co_freevars.index(name)].cell_contents
                except ValueError:
                    pass
            case ast.Name(id=name) if name not in self.locals:
                for namespace in (function.__globals__, function.__builtins__):
                    if name in namespace:
                        return namespace[name]
        raise self.refusal(
            node, f"`{shortened(ast.unparse(node), 60)}`, which stands for nothing", "Define it before the rule is used"
        )

    def constant(self, value: object, node: ast.AST, text: str) -> float:
        """Return a number that the function uses without being passed it."""
        if not isinstance(value, numbers.Real):
            what = f"{shortened(text, 60)}, of type {type(value).__name__}"
            fix = "Beside its arguments a rule may use numbers and call functions; pass the rest as arguments"
            raise self.refusal(node, what, fix, ArgumentTypeError)
        return self.folded(float, [value], node)
