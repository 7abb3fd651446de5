"""Functions of numbers, as in ``losses.py``, on arrays of any library of the Array API standard: the same formulas, rewritten, not copied.

With arrays in the place of numbers everything in a function means the same, element by element, but for two things:
``a if test else b`` becomes the library's `where`, and ``math.f``, `max` and `min` the library's functions.
"""

import ast
import functools
import math
import textwrap
from collections.abc import Callable
from typing import Any

from fastgd._kernels._jit_source import definition

NAMES = {"fabs": "abs"}  # what the standard calls otherwise than `math`


class _Arrays(ast.NodeTransformer):
    """Makes choices calls of ``_where``."""

    def visit_IfExp(self, node: ast.IfExp) -> ast.AST:
        self.generic_visit(node)
        return ast.Call(ast.Name("_where", ast.Load()), [node.test, node.body, node.orelse], [])


@functools.cache
def _code(function: Callable) -> Any:
    found: Any = definition(function)  # type: ignore[arg-type]
    tree = ast.parse(textwrap.dedent(ast.unparse(found)))
    return compile(ast.fix_missing_locations(_Arrays().visit(tree)), f"<fastgd {function.__name__}>", "exec")


class _Math:
    """Stands for the module `math`."""

    def __init__(self, library: Any):
        self._library = library

    def __getattr__(self, name: str) -> Any:
        value = getattr(math, name)
        return getattr(self._library, NAMES.get(name, name)) if callable(value) else value


def of_arrays(function: Callable, library: Any, like: Any) -> Callable:
    """Return a function of numbers as one of arrays.

    Parameters
    ----------
    function : callable
        Of ``losses.py`` or ``directions.py``.
    library : module
        The namespace of the arrays.
    like : array
        Of the dtype and device of the arrays.
    """

    @functools.cache
    def constant(value: float) -> Any:
        return library.full((1, 1), float(value), dtype=like.dtype, device=like.device)

    def where(test: Any, a: Any, b: Any) -> Any:
        a, b = (constant(x) if isinstance(x, (int, float)) else x for x in (a, b))
        return library.where(test, a, b)

    world: dict[str, Any] = {"math": _Math(library), "_where": where, "max": library.maximum, "min": library.minimum}
    exec(_code(function), world)
    return world[function.__name__]
