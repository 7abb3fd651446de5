"""Write ``_sweeps.pyx``, ``_lane_losses.pyx`` and ``_lane_rules.pyx`` from ``rules.py``, ``losses.py`` and ``measures.py``.

Typed loops around verbatim bodies.

The one thing that changes in a body is an integer, which becomes ``<floating> 1``: beside a float, Cython would make it a double.

    python -m fastgd._kernels.emit            rewrite them
    python -m fastgd._kernels.emit --check    exit 1 if one is out of date

Each rule becomes an inline function and two loops, float32 and float64, with the one signature that every executor shares::

    Py_ssize_t sweep(Py_ssize_t n, void **arrays, const void *scalars)

A rule's sweep returns how many gradient elements were NaN or infinite (the rule saw 0 instead), a loss's returns 0.
For a rule the arrays are ``p, g, *state`` and the scalars ``scale, limit, *hyper``; for a loss the arrays are ``z, y, value, slope`` and
the scalars ``*hyper``. The caller guarantees the lengths: ``_drive.pyx`` checks every array once per call.

A measure becomes a loop over one block, in float64 for arrays of either dtype, that returns the sums of its terms::

    void measure(Py_ssize_t n, void **arrays, const double *scalars, double *sums)

For lanes each loss becomes one loop per dtype and number of lanes, that number being known to the compiler::

    void loss(const T *z, const T *y, const T *hyper, T *value, T *slope)

where `hyper` holds the lanes of the first hyperparameter, then those of the second; ``exp`` and ``log1p`` come from ``lane_math.pxd``.
And each rule becomes such a loop, which also applies the penalty::

    void rule(Py_ssize_t n, const int64_t *which, Py_ssize_t stride, Py_ssize_t advance, void **arrays, const void *scalars)

It updates `n` features: those that `which` names, or all in turn where it is NULL, `stride` elements apart in each of the arrays
``p, g, *state``. `scalars` holds the lanes of ``scale``, then of ``limit``, ``share``, ``threshold``, ``*hyper``; `advance` elements
further stand those of the next turn. With a stride of 0 and the advance of one step, one feature goes through `n` steps.
"""

import ast
import itertools
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn, cast

from fastgd._kernels.emit_text import (
    FUNCTION,
    LANES_LOOP,
    LANES_PRELUDE,
    LANES_SLOPE,
    LOOP,
    MEASURE_LOOP,
    MEASURE_PRELUDE,
    PRELUDE,
    RULES_LOOP,
    RULES_PRELUDE,
    SIDE_BY_SIDE,
    TABLE,
)

HERE = Path(__file__).parent

LANES = (1, 4, 8, 16)
LANE_SCALARS = ("scale", "limit", "share", "threshold")
C_TYPES = {"float32": "float", "float64": "double"}
COUNTS = {"float32": "int", "float64": "Py_ssize_t"}  # as wide as an element, so that counting vectorises with the rest

# The language of rules: what CPython, C and CUDA all round the same way.
GRAMMAR = (
    ast.Assign, ast.Return, ast.Tuple, ast.IfExp, ast.Constant,
    ast.Name, ast.Load, ast.Store, ast.Call, ast.Attribute, ast.UnaryOp, ast.USub,
    ast.BinOp, ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Compare, ast.Lt, ast.Gt, ast.LtE, ast.GtE, ast.Eq,
)  # fmt: skip
FUNCTIONS = ("sqrt", "fabs", "exp", "log1p")
LARGEST_LITERAL = 2**11  # the integers up to here are exact even in float16


class RuleError(SyntaxError):
    """A rule uses something outside the language that all executors round alike."""


def wrapped(items: list[str], indent: str) -> str:
    """Return the items, separated by commas, on lines of at most 120 characters."""
    glued = ", ".join(item.replace(" ", "\0") for item in items)
    return textwrap.fill(glued, 120, initial_indent=indent, subsequent_indent=indent).replace("\0", " ")


class Rule:
    """One parsed function: its names, its body's source lines, and what it returns."""

    def __init__(self, node: ast.FunctionDef, lines: list[str], filename: str):
        self.filename = filename
        self.name = node.name
        self.element = [a.arg for a in node.args.posonlyargs]
        self.hyper = [a.arg for a in node.args.args]
        docstring = ast.get_docstring(node) is not None
        statements = node.body[docstring:]
        self._check(node, statements)
        last = cast(ast.Return, statements[-1]).value
        self.n_outputs = len(last.elts) if isinstance(last, ast.Tuple) else 1
        self.body = lines[statements[0].lineno - 1 : node.end_lineno]
        self._cast_integers(node, statements[0].lineno)
        stored = {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
        self.temporaries = sorted(stored - {*self.element, *self.hyper})

    def _cast_integers(self, function: ast.FunctionDef, first: int):
        """Give each integer literal the element type."""
        literals = [n for n in ast.walk(function) if isinstance(n, ast.Constant) and isinstance(n.value, int)]
        for n in sorted(literals, key=lambda n: n.col_offset, reverse=True):
            line = self.body[n.lineno - first]
            self.body[n.lineno - first] = f"{line[: n.col_offset]}<floating> {line[n.col_offset :]}"

    def _refuse(self, node: ast.AST, why: str) -> NoReturn:
        raise RuleError(f"{self.filename}:{getattr(node, 'lineno', '?')}: {self.name}() {why}")

    def _check(self, function: ast.FunctionDef, statements: list[ast.stmt]):
        """Raise RuleError, naming file, line and reason, for anything outside the language of rules."""
        arguments = function.args
        if arguments.vararg or arguments.kwarg or arguments.kwonlyargs or arguments.defaults or not self.element:
            self._refuse(function, "needs the plain signature (element, ..., /, hyper, ...) without defaults or stars")
        if not statements or not isinstance(statements[-1], ast.Return) or statements[-1].value is None:
            self._refuse(function, "needs a return of values as its last statement")
        if function.decorator_list:
            self._refuse(function, "may not be decorated")
        known = {*self.element, *self.hyper, "math"}
        for name in self.element + self.hyper:
            if name.endswith("_"):
                self._refuse(function, f"names an argument {name!r}; a trailing underscore belongs to the emitted loop")
        for statement in statements:
            for node in ast.walk(statement):
                child: Any  # operators have no line of their own
                for child in ast.iter_child_nodes(node):
                    child.lineno = getattr(child, "lineno", getattr(node, "lineno", function.lineno))
                self._check_node(node, statement, cast(ast.Return, statements[-1]), known)
            known |= {n.id for n in ast.walk(statement) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
        self._check_types(function)

    def _check_types(self, function: ast.FunctionDef):
        """Refuse what CPython would compute as another type than C does."""
        tests = {id(n.test) for n in ast.walk(function) if isinstance(n, ast.IfExp)}
        for n in ast.walk(function):
            if isinstance(n, ast.Compare) and id(n) not in tests:
                self._refuse(n, "uses a comparison as a number; write (1 if ... else 0)")
            if isinstance(n, (ast.BinOp, ast.Call)) and not any(
                isinstance(x, ast.Name) and x.id != "math" for x in ast.walk(n)
            ):
                self._refuse(
                    n, "computes with literals alone, which CPython does in double; pass the result as a hyperparameter"
                )

    def _check_node(self, node: ast.AST, statement: ast.stmt, last: ast.Return, known: set[str]):
        if not isinstance(node, GRAMMAR):
            self._refuse(node, f"uses {type(node).__name__}, which the language of rules does not have")
        if isinstance(node, ast.Constant) and not (type(node.value) is int and 0 <= node.value <= LARGEST_LITERAL):
            self._refuse(
                node, f"uses the literal {node.value!r}; pass it as a hyperparameter, computed on the host in float64"
            )
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node.id == "math":
            self._refuse(node, "assigns to math")
        if isinstance(node, ast.UnaryOp) and isinstance(node.operand, ast.Constant) and node.operand.value == 0:
            self._refuse(node, "uses -0, which is 0 in CPython and negative zero in C")
        if isinstance(node, ast.Return) and node is not last:
            self._refuse(node, "returns early; use a conditional expression so that the loop vectorises")
        if isinstance(node, ast.Tuple) and not (statement is last and node is last.value):
            self._refuse(node, "builds a tuple elsewhere than in its return")
        if isinstance(node, ast.Assign) and not (len(node.targets) == 1 and isinstance(node.targets[0], ast.Name)):
            self._refuse(node, "assigns to something that is not one plain name")
        if isinstance(node, ast.Compare) and len(node.ops) != 1:
            self._refuse(node, "chains comparisons; write one at a time")
        if isinstance(node, ast.Attribute) and not (
            isinstance(node.value, ast.Name) and node.value.id == "math" and node.attr in FUNCTIONS
        ):
            self._refuse(node, f"uses .{node.attr}; only {', '.join('math.' + f for f in FUNCTIONS)} are known")
        if isinstance(node, ast.Call) and (
            not isinstance(node.func, ast.Attribute) or node.keywords or len(node.args) != 1
        ):
            self._refuse(node, "calls something that is not a math function of one argument")
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id not in known:
            self._refuse(node, f"uses the name {node.id!r}, which it neither receives nor assigns")

    def function(self) -> str:
        """Return the Cython text of the inline function: typed header, verbatim body."""
        body = list(self.body)
        if self.temporaries:
            body.insert(0, f"    cdef floating {', '.join(self.temporaries)}")
        return FUNCTION.format(
            returns="floating" if self.n_outputs == 1 else f"({', '.join(['floating'] * self.n_outputs)})",
            name=self.name,
            arguments=wrapped([f"floating {a}" for a in self.element + self.hyper], "    "),
            body="\n".join(body),
        )

    def loop(self, dtype: str, arrays: list[str], scalars: list[str], statements: list[str]) -> str:
        """Return the Cython text of the loop over contiguous arrays of one dtype."""
        declarations = [f"    cdef {dtype}_array {a} = <{dtype}_array> arrays_[{k}]" for k, a in enumerate(arrays)]
        c_type = C_TYPES[dtype]
        declarations += [f"    cdef {c_type} {s} = (<const {c_type} *> scalars_)[{k}]" for k, s in enumerate(scalars)]
        return LOOP.format(
            name=self.name,
            dtype=dtype,
            declarations="\n".join(declarations),
            count=COUNTS[dtype],
            statements="\n".join("        " + s for s in statements),
        )


def parse(path: Path) -> dict[str, Rule]:
    """Return the rules of one source file by name, in order, each checked against the language."""
    source = path.read_text()
    nodes = [n for n in ast.parse(source, path.name).body if isinstance(n, ast.FunctionDef)]
    return {n.name: Rule(n, source.splitlines(), path.name) for n in nodes}


def _update_loops(rule: Rule, clip: Rule) -> str:
    if rule.element[:2] != ["p", "g"] or rule.n_outputs != len(rule.element) - 1:
        raise RuleError(f"{rule.filename}: {rule.name}() must take (p, g, *state, /, ...) and return p and every state")
    outputs = ["p", *rule.element[2:]]
    values = {a: f"{a}[i_]" for a in rule.element}
    values["g"] = f"{clip.name}(g[i_], {', '.join(clip.hyper)})"
    inputs = wrapped([values[a] for a in rule.element] + rule.hyper, " " * 12)
    call = f"{rule.name}(\n{inputs}\n        )"
    count = "nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1"
    update = f"{', '.join(f'{a}[i_]' for a in outputs)} = {call}"
    return "".join(rule.loop(d, rule.element, clip.hyper + rule.hyper, [count, update]) for d in C_TYPES)


def _loss_loops(loss: Rule) -> str:
    if loss.element != ["z", "y"] or loss.n_outputs != 2:
        raise RuleError(f"{loss.filename}: {loss.name}() must take (z, y, /, ...) and return (value, slope)")
    call = f"{loss.name}({', '.join(['z[i_]', 'y[i_]', *loss.hyper])})"
    statement = f"value[i_], slope[i_] = {call}"
    return "".join(loss.loop(d, ["z", "y", "value", "slope"], loss.hyper, [statement]) for d in C_TYPES)


def _measure_loops(measure: Rule, clip: Rule) -> str:
    if measure.element[:2] != ["p", "g"]:
        raise RuleError(f"{measure.filename}: {measure.name}() must take (p, g, *state, /, ...)")
    scalars = clip.hyper + measure.hyper
    values = [f"value{k}_" for k in range(measure.n_outputs)]
    lanes = [f"sum{k}_" for k in range(measure.n_outputs)]

    def statements(index: str, indent: str) -> str:
        element = {a: f"<double> {a}[{index}]" for a in measure.element}
        element["g"] = f"{clip.name}({element['g']}, {', '.join(clip.hyper)})"
        inputs = wrapped([element[a] for a in measure.element] + measure.hyper, indent + "    ")
        call = f"{indent}{', '.join(values)} = {measure.name}(\n{inputs}\n{indent})"
        return "\n".join([call, *(f"{indent}{a}[j_] += {v}" for a, v in zip(lanes, values, strict=True))])

    text = ""
    for dtype in C_TYPES:
        declarations = [
            f"    cdef {dtype}_array {a} = <{dtype}_array> arrays_[{k}]" for k, a in enumerate(measure.element)
        ]
        declarations += [f"    cdef double {a} = scalars_[{k}]" for k, a in enumerate(scalars)]
        text += MEASURE_LOOP.format(
            name=measure.name,
            dtype=dtype,
            declarations="\n".join(declarations),
            values=", ".join(values),
            lanes=", ".join(lanes),
            zero=" = ".join(f"{a}[j_]" for a in lanes),
            inner=statements("i_ * LANES + j_", " " * 12),
            tail=statements("n_ // LANES * LANES + j_", " " * 8),
            folds="\n".join(f"    sums_[{k}] = folded({a})" for k, a in enumerate(lanes)),
        )
    return text


def _table(name: str, functions: list[Rule]) -> str:
    rows = (f'    ("{f.name}", "{d}"): <size_t> &{f.name}_{d},' for f in functions for d in C_TYPES)
    return TABLE.format(table=name, rows="\n".join(rows))


def module() -> str:
    """Return the text of ``_sweeps.pyx``."""
    rules, losses, measures = (parse(HERE / f"{name}.py") for name in ("rules", "losses", "measures"))
    clip = rules.pop("clipped")
    text = [PRELUDE, clip.function()]
    for rule in rules.values():
        text += [rule.function(), _update_loops(rule, clip)]
    for loss in losses.values():
        text += [loss.function(), _loss_loops(loss)]
    text.append(MEASURE_PRELUDE)
    for measure in measures.values():
        text += [measure.function(), _measure_loops(measure, clip)]
    tables = {"RULES": rules, "LOSSES": losses, "MEASURES": measures}
    return "".join([*text, *(_table(name, list(functions.values())) for name, functions in tables.items())])


def lanes_module() -> str:
    """Return the text of ``_lane_losses.pyx``."""
    losses = parse(HERE / "losses.py")
    text, rows, slopes = [LANES_PRELUDE], [], []
    for loss in losses.values():
        text.append(loss.function())
        for dtype, c_type in C_TYPES.items():
            call = f"{loss.name}({', '.join(['z', 'y', *(f'hyper[{k}]' for k in range(len(loss.hyper)))])})"
            text.append(LANES_SLOPE.format(name=loss.name, dtype=dtype, c_type=c_type, call=call))
            slopes.append(f'    ("{loss.name}", "{dtype}"): <size_t> &{loss.name}_{dtype}_slope,')
        for (dtype, c_type), lanes in itertools.product(C_TYPES.items(), LANES):
            hyper = [f"hyper[{k * lanes} + i_]" for k in range(len(loss.hyper))]
            call = f"{loss.name}({', '.join(['z[i_]', 'y[i_]', *hyper])})"
            taken = f"\n    cdef {dtype}_array hyper = <{dtype}_array> hyper_" if hyper else ""
            loop = LANES_LOOP.format(name=loss.name, dtype=dtype, c_type=c_type, lanes=lanes, hyper=taken, call=call)
            text.append(loop)
            rows.append(f'    ("{loss.name}", "{dtype}", {lanes}): <size_t> &{loss.name}_{dtype}_{lanes},')
    tables = {"LANE_LOSSES": rows, "LANE_SLOPES": slopes}
    return "".join([*text, *(TABLE.format(table=name, rows="\n".join(rows)) for name, rows in tables.items())])


def _lane_rule_statements(rule: Rule, clip: Rule, place: str, scalar: str) -> list[str]:
    """Return the update of one element, `place` being its index and `scalar` the pattern of a scalar's."""
    values = {a: f"{a}[{place}]" for a in rule.element}
    scalars = {s: scalar.format(k) for k, s in enumerate([*LANE_SCALARS, *rule.hyper])}
    outputs = ", ".join(values[a] for a in ["p", *rule.element[2:]])
    inputs = values | {
        "p": f"decayed({values['p']}, {scalars['share']})",
        "g": f"{clip.name}({', '.join([values['g'], scalars['scale'], scalars['limit']])})",
    }
    call = wrapped([inputs[a] for a in rule.element] + [scalars[h] for h in rule.hyper], " " * 16)
    return [
        f"            {outputs} = {rule.name}(\n{call}\n            )",
        f"            {values['p']} = thresholded({values['p']}, {scalars['threshold']})",
    ]


def lane_rules_module() -> str:
    """Return the text of ``_lane_rules.pyx``."""
    rules = parse(HERE / "rules.py")
    clip = rules.pop("clipped")
    text, rows = [RULES_PRELUDE, clip.function()], []
    for rule in rules.values():
        text.append(rule.function())
        for dtype, lanes in itertools.product(C_TYPES, LANES):
            declarations = [
                f"    cdef {dtype}_array {a} = <{dtype}_array> arrays_[{k}]" for k, a in enumerate(rule.element)
            ]
            alone = "\n".join(_lane_rule_statements(rule, clip, "i_", "scalars[{}]"))
            loop = RULES_LOOP.format(
                name=rule.name,
                dtype=dtype,
                lanes=lanes,
                declarations="\n".join(declarations),
                side_by_side=SIDE_BY_SIDE.format(statements=alone) if lanes == 1 else "",
                statements="\n".join(_lane_rule_statements(rule, clip, "k_ + l_", f"scalars[{{}} * {lanes} + l_]")),
            )
            text.append(loop)
            rows.append(f'    ("{rule.name}", "{dtype}", {lanes}): <size_t> &{rule.name}_{dtype}_{lanes},')
    return "".join([*text, TABLE.format(table="LANE_RULES", rows="\n".join(rows))])


TARGETS = {
    HERE / "_sweeps.pyx": module,
    HERE / "_lane_losses.pyx": lanes_module,
    HERE / "_lane_rules.pyx": lane_rules_module,
}


def targets() -> dict[Path, Callable[[], str]]:
    """Return who writes which module."""
    from fastgd._kernels import emit_activations, emit_stored

    return {**TARGETS, **{other.TARGET: other.module for other in (emit_activations, emit_stored)}}


def main(arguments: list[str]) -> int:
    """Write the generated modules, or with ``--check`` say whether they are fresh."""
    stale = False
    for target, text in targets().items():
        if "--check" in arguments:
            fresh = target.exists() and target.read_text() == text()
            print(f"{target.name} is {'fresh' if fresh else 'STALE: run python -m fastgd._kernels.emit'}")
            stale |= not fresh
        else:
            target.write_text(text())
    return stale


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
