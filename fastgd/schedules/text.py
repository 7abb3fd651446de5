"""Schedules as text and as JSON-able dictionaries, in both directions.

The grammar is that of Python's operators, with units after numbers::

    sequence = sum (">>" sum)*
    sum      = product ("+" product)*
    product  = value ("*" value)*
    value    = atom ("." method "(" arguments ")")*
    atom     = number ["%" | "steps" | "epochs"] | name "(" arguments ")" | "(" sequence ")" | list | string | True | False | None
"""

from collections.abc import Callable
from dataclasses import MISSING, fields
from typing import Any

from fastgd._validation import ArgumentTypeError, ArgumentValueError, nearest, shortened, type_error, value_error
from fastgd.schedules._algebra import CLASSES, FACTORIES, as_schedule
from fastgd.schedules._durations import Duration
from fastgd.schedules.base import DEPTH_LIMIT, Schedule, public_name

_OPERATORS = {"sequence": (0, " >> "), "sum": (1, " + "), "product": (2, " * ")}
_METHODS = ("clip", "shift", "lasting")
_TOKEN = r"""\s*(?:
    (?P<number> -?(?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:[eE][+-]?\d+)?)
  | (?P<name> [A-Za-z_]\w*)
  | (?P<string> '[^']*'|"[^"]*")
  | (?P<sign> >>|[+*().,=%\[\]])
)"""
_WORDS = {"True": True, "False": False, "None": None}


def schedule_text(schedule: Schedule, quoted: bool) -> str:
    """Return the schedule as text; with `quoted`, as Python that evaluates to it."""
    kind = schedule.kind
    if kind in _OPERATORS:
        return _operator_text(schedule, quoted)
    values = [(each, getattr(schedule, each.name)) for each in fields(schedule)]
    head = kind
    if kind in _METHODS:
        head = f"{_operand(schedule.of, 3, quoted)}.{kind}"
        values = values[1:]
    elif kind in ("maximum", "minimum"):
        values = [(values[0][0], part) for part in schedule.parts]
    texts, positional = [], True
    if schedule._unit_base and schedule.a0 == 1.0:  # cosine(95%), with what follows T named
        texts, positional, values = [value_text(schedule.T, quoted)], False, values[2:]
    for each, value in values:
        if each.default is not MISSING and value == each.default:
            positional = False  # what follows a left-out argument must be named
        else:
            texts.append(
                value_text(value, quoted) if positional else f"{public_name(each)}={value_text(value, quoted)}"
            )
    return f"{head}({', '.join(texts)})"


def value_text(value: object, quoted: bool) -> str:
    """Return one argument as text."""
    if isinstance(value, Schedule):
        return schedule_text(value, quoted)
    if isinstance(value, tuple):
        return f"[{', '.join(value_text(each, quoted) for each in value)}]"
    return (
        f"{str(value)!r}"
        if isinstance(value, Duration) and quoted
        else str(value)
        if isinstance(value, Duration)
        else repr(value)
    )


def _operator_text(schedule, quoted: bool) -> str:
    level, sign = _OPERATORS[schedule.kind]
    texts = [_operand(part, level + 1, quoted) for part in schedule.parts]
    # A constant is written as a plain number unless both sides of the first operator would be, which Python would compute.
    plain = [part.kind == "constant" for part in schedule.parts]
    if plain[0] and not plain[1] and level:
        texts[0] = repr(schedule.parts[0].a0)
    return sign.join(
        [
            texts[0],
            *(
                repr(part.a0) if p else text
                for part, p, text in zip(schedule.parts[1:], plain[1:], texts[1:], strict=True)
            ),
        ]
    )


def _operand(schedule: Schedule, level: int, quoted: bool) -> str:
    text = schedule_text(schedule, quoted)
    return f"({text})" if _OPERATORS.get(schedule.kind, (3,))[0] < level else text


def encoded(value: object) -> object:
    """Return a field as JSON."""
    if isinstance(value, Schedule):
        return value.to_dict()
    if isinstance(value, tuple):
        return [encoded(each) for each in value]
    return str(value) if isinstance(value, Duration) else value


def from_dict(description: dict) -> Schedule:
    """Return the schedule that `Schedule.to_dict` described.

    Parameters
    ----------
    description : dict
        As read from JSON. Everything in it is checked as at construction.

    Raises
    ------
    ArgumentValueError, ArgumentTypeError
        It describes no schedule; the message names the faulty key.

    Examples
    --------
    >>> from fastgd.schedules import cosine, from_dict
    >>> from_dict({"schedule": "cosine", "a0": 0.001, "T": 100})
    cosine(0.001, 100)
    """
    return _decoded(description, 0)


def _decoded(value: object, depth: int):
    if depth > 2 * DEPTH_LIMIT:
        raise value_error("from_dict", "description", f"nested at most {DEPTH_LIMIT} deep", "a deeper one")
    if isinstance(value, list) and depth:
        return tuple(_decoded(each, depth + 1) for each in value)
    if not isinstance(value, dict):
        if depth:
            return value
        raise type_error("from_dict", "description", "a dict with the key 'schedule'", value)
    kind = value.get("schedule")
    known = tuple(CLASSES)
    if not isinstance(kind, str) or kind not in known:
        raise value_error("from_dict", "schedule", "the name of a schedule", kind, nearest(str(kind), known))
    cls = CLASSES[kind]
    given = {name: _decoded(each, depth + 1) for name, each in value.items() if name != "schedule"}
    names = {public_name(each): each.name for each in fields(cls)}
    for each in fields(cls):
        if each.default is MISSING and public_name(each) not in given:
            raise value_error("from_dict", kind, f"given its argument {public_name(each)!r}", value)
    for name in given:
        if name not in names:
            raise value_error(
                "from_dict", kind, f"given only {', '.join(names)}", name, nearest(str(name), tuple(names))
            )
    return cls(**{names[name]: each for name, each in given.items()})


def parse(text: str) -> Schedule:
    """Return the schedule that the text describes.

    Parameters
    ----------
    text : str
        Calls of the functions of this package joined by ``>>``, ``*`` and ``+``, with ``.clip(low, high)``, ``.shift(n)`` and
        ``.lasting(T)``. Durations may have a unit: ``500``, ``500 steps``, ``10 epochs``, ``5%``.

    Returns
    -------
    Schedule
        ``parse(str(s)) == s`` for every schedule.

    Raises
    ------
    ArgumentValueError
        The text does not follow the grammar; the message says where.

    Examples
    --------
    >>> from fastgd.schedules import parse
    >>> parse("1e-3 * (warmup(5%) >> cosine(95%))")
    0.001 * (warmup('5%') >> cosine('95%'))
    """
    if not isinstance(text, str):
        raise type_error("parse", "text", "a string", text)
    return _Parser(text).whole()


class _Parser:
    """Recursive descent; every method consumes what it returns."""

    def __init__(self, text: str):
        import re

        self.text, self.position, self.depth = text, 0, 0
        self.tokens: list[tuple[str, str, int]] = []
        scan = re.compile(_TOKEN, re.ASCII | re.VERBOSE)
        end = len(text.rstrip())
        at = 0
        while at < end:
            match = scan.match(text, at)
            if match is None:
                at += len(text[at:]) - len(text[at:].lstrip())
                raise self.error("a schedule such as 'warmup(5%) >> cosine(95%)'", at)
            kind = str(match.lastgroup)
            self.tokens.append((kind, match[kind], match.start(kind)))
            at = match.end()
        self.tokens.append(("end", "", end))

    def error(self, wanted: str, at: int) -> ArgumentValueError:
        found = shortened(self.text[at : at + 30], 40) or "the end"
        return ArgumentValueError(
            shortened(
                f"the 'text' argument of parse must have {wanted} at column {at + 1}; got {found!r} in {shortened(self.text, 100)!r}."
            )
        )

    def peek(self, *texts: str) -> bool:
        kind, text, _ = self.tokens[self.position]
        return kind in ("sign", "name") and text in texts

    def take(self, *texts: str) -> str:
        _, text, at = self.tokens[self.position]
        if texts and not self.peek(*texts):
            raise self.error(" or ".join(map(repr, texts)), at)
        self.position += 1
        return text

    def whole(self) -> Schedule:
        value = self.sequence()
        kind, _, at = self.tokens[self.position]
        if kind != "end":
            raise self.error("an operator or the end", at)
        return self.schedule(value, 0)

    def schedule(self, value: Any, at: int) -> Schedule:
        if isinstance(value, (str, bool, tuple)) or value is None:
            raise self.error("a schedule or a number", at)
        return as_schedule(value, "parse")

    def joined(self, sign: str, operand: Callable, join: Callable) -> Any:
        at = self.tokens[self.position][2]
        value = operand()
        while self.peek(sign):
            self.take()
            next_at = self.tokens[self.position][2]
            value = join(self.schedule(value, at), self.schedule(operand(), next_at))
        return value

    def sequence(self) -> Any:
        return self.joined(">>", self.sum, lambda a, b: a >> b)

    def sum(self) -> Any:
        return self.joined("+", self.product, lambda a, b: a + b)

    def product(self) -> Any:
        return self.joined("*", self.value, lambda a, b: a * b)

    def value(self) -> Any:
        at = self.tokens[self.position][2]
        value = self.atom()
        while self.peek("."):
            self.take()
            method = self.take(*_METHODS)
            value = self.call(getattr(self.schedule(value, at), method))
        return value

    def atom(self) -> Any:
        self.depth += 1
        kind, text, at = self.tokens[self.position]
        if self.depth > DEPTH_LIMIT:
            raise self.error(f"at most {DEPTH_LIMIT} levels of nesting", at)
        self.position += 1
        if kind == "number":
            value: Any = self.number(text)
        elif kind == "string":
            value = text[1:-1]
        elif text in _WORDS:
            value = _WORDS[text]
        elif text == "(":
            value = self.sequence()
            self.take(")")
        elif text == "[":
            value = tuple(self.arguments("]")[0])
        elif kind == "name" and text in FACTORIES:
            value = self.call(FACTORIES[text])
        elif kind == "name":
            raise self.error(
                f"the name of a schedule ({nearest(text, tuple(FACTORIES)) or 'see fastgd.schedules'})", at
            )
        else:
            raise self.error("a schedule or a number", at)
        self.depth -= 1
        return value

    def number(self, text: str) -> "int | float | str":
        if self.peek("%", "step", "steps", "epoch", "epochs"):
            return f"{text} {self.take()}"
        return int(text) if text.lstrip("-").replace("_", "").isdecimal() else float(text)

    def call(self, function: Callable) -> Schedule:
        at = self.tokens[self.position][2]
        self.take("(")
        values, named = self.arguments(")")
        try:
            return function(*values, **named)
        except ArgumentTypeError:
            raise
        except TypeError as error:  # too many, missing or repeated arguments
            raise self.error(f"the arguments of the call ({error})", at) from None

    def arguments(self, closing: str) -> tuple[list, dict]:
        values, named = [], {}
        while not self.peek(closing):
            kind, text, at = self.tokens[self.position]
            if kind == "name" and closing == ")" and self.tokens[self.position + 1][1] == "=":
                self.position += 2
                if text in named:
                    raise self.error("every argument once", at)
                named[text] = self.sequence()
            elif named:
                raise self.error("named arguments after the positional ones", at)
            else:
                values.append(self.sequence())
            if not self.peek(closing):
                self.take(",")
        self.take(closing)
        return values, named
