"""Users' own update rules: a scalar function becomes an optimizer."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import field, make_dataclass
from typing import Any, ClassVar

from fastgd import _validation as check
from fastgd._kernels import execute
from fastgd.optimizers._base import ANY, NONNEGATIVE, Hyper, Optimizer


class _UserRule(Optimizer):
    """What all users' optimizers share: their rule, whose hyperparameters are passed on as they are."""

    nonnegative: ClassVar[frozenset[str]] = frozenset()
    averages: ClassVar[Mapping[str, str]] = {}  # what a user's state array means, only the user knows
    rule: ClassVar[Callable]
    scalar_names: ClassVar[tuple[str, ...]]

    def _rule(self) -> Callable:
        return type(self).rule

    def _scalars(self, age: Any, carry: Any) -> dict[str, Any]:
        return {name: 1.0 * age if name == "t" else getattr(self, name) for name in self.scalar_names}


def rule(function: Callable) -> type[Optimizer]:
    """Make an optimizer of a scalar update rule: a decorator.

    The function says everything: ``(p, g, *state, /, *hyper) -> p`` or ``-> (p, *state)``. Names before the slash are one element of the
    parameter, of its gradient, and of the state arrays, which start at 0; names after it are hyperparameters, with their defaults, each
    a number or a schedule. A hyperparameter named ``t`` is not an option: it receives the number of the step, from 1. The rule may use
    arithmetic, conditional expressions, ``math`` functions, numbers, and the rules of `fastgd.rules`.

    The result is an `Optimizer` class like any other: clipping, schedules, overrides, every layout and dtype, threads, checkpoints. It is
    compiled by Numba on first use, for float32 or float64 (about a second, with a message), and kept in a private folder
    (``$FASTGD_CACHE``, else ``~/.cache/fastgd``) for the next time.

    Parameters
    ----------
    function : callable
        The rule.

    Returns
    -------
    type
        A subclass of `Optimizer`, under the function's name.

    Raises
    ------
    ArgumentTypeError, ArgumentValueError
        When the signature is not of that form; the message says what to change.

    Examples
    --------
    >>> import fastgd, numpy as np
    >>> @fastgd.rule
    ... def Heavy(p, g, m, /, lr=0.1, mu=0.9):
    ...     m = mu * m + g
    ...     return p - lr * m, m
    >>> w = np.array([1.0, 2.0])
    >>> state = Heavy(lr=0.5).init(w)
    >>> info = state.step(np.array([1.0, 1.0]))
    >>> w
    array([0.5, 1.5])
    """
    if not inspect.isfunction(function):
        raise check.type_error("rule", "function", "a plain Python function", function)
    parameters = list(inspect.signature(function).parameters.values())
    element = [p for p in parameters if p.kind is p.POSITIONAL_ONLY]
    hyper = [p for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
    if [p.name for p in element[:2]] != ["p", "g"] or len(element) + len(hyper) != len(parameters):
        raise check.ArgumentTypeError(
            f"the rule {function.__name__}{inspect.signature(function)} must have the form (p, g, *state, /, *hyper)"
        )
    if len(element) - 2 > execute.MOST_SLOTS or len(hyper) + 2 > execute.MOST_SCALARS:
        raise check.value_error(
            function.__name__,
            "state",
            f"at most {execute.MOST_SLOTS} arrays and {execute.MOST_SCALARS - 2} hyperparameters",
            len(element) - 2,
        )
    own = [p for p in hyper if p.name != "t"]
    reserved = [p.name for p in own if p.name in Optimizer.__dataclass_fields__ or p.name.startswith("_")]
    if reserved:
        raise check.value_error(
            function.__name__, "hyper", "names that are not options of every optimizer", reserved[0]
        )
    return _class(function, own)


def _class(function: Callable, own: list[inspect.Parameter]) -> type[Optimizer]:
    """Return the dataclass whose fields are the rule's hyperparameters."""
    described = [
        (p.name, Hyper, field(default=p.default)) if p.default is not p.empty else (p.name, Hyper) for p in own
    ]
    intervals = {p.name: NONNEGATIVE if p.name == "lr" else ANY for p in own}
    namespace = {
        "__module__": function.__module__,
        "__doc__": inspect.getdoc(function) or f"The user's rule {function.__name__}{inspect.signature(function)}.",
        "__qualname__": function.__qualname__,
        "intervals": intervals,
        "rule": staticmethod(function),
        "scalar_names": execute.hyper_names(function),
    }
    return make_dataclass(
        function.__name__, described, bases=(_UserRule,), namespace=namespace, frozen=True, repr=False
    )
