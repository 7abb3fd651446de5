"""What the adversarial tests share: optimizers, a small problem, memory layouts, and the kinds of rows a table is made of.

A row yields its cases, `(label, call)`; the call asserts. `refused` is the heart: the right exception of fastgd's own, in at most
300 characters that name what is wrong, and nothing changed, seen through the callers' own base arrays.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields

import numpy as np
import pytest

import fastgd

VE, TE, FP = fastgd.ArgumentValueError, fastgd.ArgumentTypeError, fastgd.NonFiniteError
MESSAGE_LIMIT = 300

OPTIMIZERS = {
    "SGD": fastgd.SGD(lr=0.1),
    "momentum": fastgd.SGD(lr=0.1, momentum=0.9, weight_decay=0.01),
    "AdamW": fastgd.AdamW(lr=0.1),
    "Lion": fastgd.Lion(lr=0.1, weight_decay=0.1),
    "FTRL": fastgd.FTRL(lr=0.1, l1=0.01),
}
"""One of each family: no state, one and two state arrays, a sign, and a weight that is a function of the state."""

EVERY_OPTIMIZER = OPTIMIZERS | {
    "nesterov": fastgd.SGD(lr=0.1, momentum=0.9, nesterov=True),
    "ASGD": fastgd.ASGD(lr=0.1, t0=1),
    "Adagrad": fastgd.Adagrad(lr=0.1),
    "RMSprop": fastgd.RMSprop(),
    "RMSprop-centered": fastgd.RMSprop(centered=True),
    "RMSprop-momentum": fastgd.RMSprop(momentum=0.9),
    "RMSprop-centered-momentum": fastgd.RMSprop(centered=True, momentum=0.9),
    "Adadelta": fastgd.Adadelta(),
    "Adam": fastgd.Adam(lr=0.1),
    "amsgrad": fastgd.Adam(lr=0.1, amsgrad=True),
    "Adamax": fastgd.Adamax(lr=0.1),
    "NAdam": fastgd.NAdam(lr=0.1),
    "RAdam": fastgd.RAdam(lr=0.1),
    "SignSGD": fastgd.SignSGD(lr=0.1),
    "Signum": fastgd.Signum(lr=0.1),
    "Rprop": fastgd.Rprop(lr=0.1),
}
# Those that need the loss in each step are left out: test_self_tuning.py. And those that need rows: test_online.py.
PUBLIC = [
    getattr(fastgd.optimizers, name) for name in fastgd.optimizers.__all__ if name not in ("Optimizer", "from_dict")
]
CLASSES = [cls for cls in PUBLIC if issubclass(cls, fastgd.Optimizer) and not (cls.needs_loss or cls.needs_rows)]
POLICIES = {
    "raise": {},
    "clip": {"clip_norm": 0.5},
    "skip": {"on_nonfinite": "skip"},
    "zero": {"on_nonfinite": "zero"},
}


def classes_with(*names: str) -> list[type]:
    """Return the optimizers that have all these options; Adafactor's eps is a pair."""
    singles = [cls for cls in CLASSES if "eps" not in names or "eps" not in cls.pairs]
    return [cls for cls in singles if set(names) <= {f.name for f in fields(cls)}]


# ------------------------------------------------------------------------------------------------------------------ the problem


def values(*shape: int, dtype="float64", seed: int = 0) -> np.ndarray:
    """Return numbers between 1 and 2 of either sign."""
    generator = np.random.default_rng([seed, *shape])
    return np.asarray(generator.uniform(1, 2, shape) * generator.choice([-1, 1], shape), dtype)


def problem(dtype="float64") -> tuple[dict, dict]:
    """Return the parameters "v", "w", "b" and their gradients: the first and the last of them are never what is wrong."""
    shapes = {"v": (2,), "w": (3, 4), "b": (4,)}
    params = {name: values(*shape, dtype=dtype) for name, shape in shapes.items()}
    return params, {name: values(*shape, dtype=dtype, seed=1) for name, shape in shapes.items()}


def trained(optimizer: fastgd.Optimizer, params, *all_grads, cast: bool = False) -> fastgd.State:
    """Return the state after one step for each of the gradients."""
    state = optimizer.init(params)
    for grads in all_grads:
        state.step(grads, cast=cast)
    return state


# ---------------------------------------------------------------------------------------------------------- nothing has changed


def leaves(tree) -> Iterator:
    """Yield the leaves of a tree, whatever they are."""
    if isinstance(tree, dict | list | tuple):
        for branch in tree.values() if isinstance(tree, dict) else tree:
            yield from leaves(branch)
    else:
        yield tree


def root(array: np.ndarray) -> np.ndarray:
    """Return the array that owns the memory."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array


def snapshot(*things) -> list:
    """Return the bytes of everything: arrays through their base, states with their counters and schedules."""
    taken = []
    for thing in things:
        if isinstance(thing, fastgd.State):
            arrays, config = thing._export()
            taken += [{name: a.tobytes() for name, a in arrays.items()}, json.dumps(config), thing.t, thing.skipped]
        else:
            taken += [np.asarray(root(a)).tobytes() for a in leaves(thing) if isinstance(a, np.ndarray)]
    return taken


def refused(action: Callable, error: type, words: tuple, *watched) -> None:
    """Assert that the action raises exactly this error, says these words in few, and leaves what is watched as it was."""
    before = snapshot(*watched)
    with pytest.raises(error) as caught:
        action()
    message = str(caught.value)
    assert type(caught.value) is error, f"{type(caught.value).__name__}: {message}"
    assert len(message) <= MESSAGE_LIMIT, message
    for word in words:
        assert word in message, f"{word!r} is not in {message!r}"
    assert snapshot(*watched) == before


def assert_same(a: fastgd.State, b: fastgd.State) -> None:
    """Assert that two states and their parameters are equal, bit for bit."""
    (tensors, config), (others, other_config) = a._export(), b._export()
    assert config == other_config
    assert tensors.keys() == others.keys()
    for name, tensor in tensors.items():
        assert tensor.dtype == others[name].dtype
        assert tensor.tobytes() == others[name].tobytes(), f"{name}\n{tensor}\n{others[name]}"


# ------------------------------------------------------------------------------------------------------------------------- rows


@dataclass(frozen=True)
class Row:
    """A row of the table: its number there, what is odd about the input, and how to make it."""

    number: int
    name: str
    make: Callable

    def cases(self) -> Iterator[tuple[str, Callable]]:
        """Yield label and check."""
        raise NotImplementedError


@dataclass(frozen=True)
class Check(Row):
    """`make` is the whole test; with `optimizers` it is called with each of them."""

    optimizers: dict | None = None

    def cases(self):
        if self.optimizers is None:
            yield "", self.make
        for label, optimizer in (self.optimizers or {}).items():
            yield label, lambda optimizer=optimizer: self.make(optimizer)


@dataclass(frozen=True)
class BadParams(Row):
    """`make()` returns parameters that `init` refuses."""

    error: type = VE
    words: tuple = ("'w'",)

    def cases(self):
        for label, optimizer in OPTIMIZERS.items():
            yield label, lambda optimizer=optimizer: self.check(optimizer)

    def check(self, optimizer):
        params = self.make()
        refused(lambda: optimizer.init(params), self.error, self.words, params)


@dataclass(frozen=True)
class BadGrads(Row):
    """`make(params, grads)` returns gradients that `step` refuses under every policy, and the state goes on as if never asked."""

    error: type = VE
    words: tuple = ("'w'",)
    cast: bool = False
    dtype: str = "float64"
    policies: tuple = tuple(POLICIES)

    def cases(self):
        for label, optimizer in OPTIMIZERS.items():
            yield label, lambda optimizer=optimizer: self.check_all(optimizer)

    def check_all(self, optimizer):
        for policy in self.policies:
            try:
                self.check(optimizer.replace(**POLICIES[policy]))
            except BaseException as error:
                error.add_note(f"with the policy {policy!r}")
                raise

    def check(self, optimizer):
        (params, grads), (twins, _) = problem(self.dtype), problem(self.dtype)
        state, twin = trained(optimizer, params, grads), trained(optimizer, twins, grads)
        faulty = self.make(params, dict(grads))
        refused(lambda: state.step(faulty, cast=self.cast), self.error, self.words, state, params, faulty)
        state.step(grads)
        twin.step(grads)
        assert_same(state, twin)


@dataclass(frozen=True)
class SameParams(Row):
    """`make(array)` returns equal parameters in another guise: they train as plain ones do, and nothing beside them changes."""

    dtype: str = "float64"

    def cases(self):
        for label, optimizer in OPTIMIZERS.items():
            yield label, lambda optimizer=optimizer: self.check(optimizer)

    def check(self, optimizer):
        (params, grads), (plain, _) = problem(self.dtype), problem(self.dtype)
        odd = {name: self.make(p) for name, p in params.items()}
        expected = trained(optimizer, plain, grads, grads)
        state = trained(optimizer, odd, grads, grads)
        assert_same(state, expected)
        for name, p in odd.items():
            assert np.array_equal(p, plain[name])


@dataclass(frozen=True)
class SameGrads(Row):
    """`make(array)` returns an equal gradient in another guise, which trains as the plain one does and is only read."""

    dtype: str = "float64"
    cast: bool = False

    def cases(self):
        for label, optimizer in OPTIMIZERS.items():
            yield label, lambda optimizer=optimizer: self.check(optimizer)

    def check(self, optimizer):
        (params, grads), (plain, _) = problem(self.dtype), problem(self.dtype)
        odd = {name: self.make(g) for name, g in grads.items()}
        expected = trained(optimizer, plain, grads, grads)
        before = snapshot(odd)
        assert_same(trained(optimizer, params, odd, odd, cast=self.cast), expected)
        assert snapshot(odd) == before


# ---------------------------------------------------------------------------------------------------------------------- layouts


def every(array: np.ndarray, piece: slice) -> np.ndarray:
    """Return the same slice along every axis, as a view even of a 0-d array."""
    return array[(piece,) * array.ndim + (...,)]


def unaligned(array: np.ndarray) -> np.ndarray:
    """Return a copy of an array that begins at an odd address."""
    raw = np.zeros(array.nbytes + 1, np.uint8)
    copy = np.ndarray(array.shape, array.dtype, raw.data, offset=1)
    copy[...] = array
    return copy


def packed(shape: tuple, dtype) -> np.ndarray:
    """Return records of one byte and one number, without padding."""
    return np.zeros(shape, np.dtype([("flag", "u1"), ("x", dtype)]))


LAYOUTS: dict[str, tuple[Callable, Callable]] = {
    "C": (np.zeros, lambda b: b),
    "transposed": (lambda s, d: np.zeros(s[::-1], d), lambda b: b.T),
    "rolled axes": (lambda s, d: np.zeros((*s[1:], *s[:1]), d), lambda b: np.moveaxis(b, -1, 0) if b.ndim else b),
    "every second": (lambda s, d: np.zeros([2 * n + 1 for n in s], d), lambda b: every(b, slice(1, None, 2))),
    "backwards": (np.zeros, lambda b: every(b, slice(None, None, -1))),
    "rows backwards": (np.zeros, lambda b: b[::-1] if b.ndim else b),
    "every third, backwards": (lambda s, d: np.zeros([3 * n for n in s], d), lambda b: every(b, slice(None, None, -3))),
    "inner block": (lambda s, d: np.zeros([n + 3 for n in s], d), lambda b: every(b, slice(1, -2))),
    "one column of seven": (lambda s, d: np.zeros((*s, 7), d), lambda b: b[..., 3]),
    "one plane of three": (lambda s, d: np.zeros((3, *s), d), lambda b: b[1, ...]),
    "transposed block": (
        lambda s, d: np.zeros([n + 2 for n in s[::-1]], d),
        lambda b: every(b, slice(1, -1)).T,
    ),
    "unaligned": (lambda s, d: unaligned(np.zeros(s, d)), lambda b: b),
    "field of packed records": (packed, lambda b: b["x"]),
    "backwards field, every second": (
        lambda s, d: packed([2 * n for n in s], d),
        lambda b: every(b["x"], slice(None, None, -2)),
    ),
}
"""How to make the caller's base array for a shape and dtype, and the view of it that has this shape."""


def laid_out(array: np.ndarray, layout: str) -> tuple[np.ndarray, np.ndarray]:
    """Return a base array and the view of it, in this layout, that holds the values of `array`."""
    make, view = LAYOUTS[layout]
    base = make(array.shape, array.dtype)
    assert view(base).shape == array.shape
    view(base)[...] = array
    return base, view(base)
