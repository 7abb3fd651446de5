"""Rows 51-78 of the adversarial table: hyperparameters, clipping functions, schedules, names."""

import dataclasses
import json
import math
from fractions import Fraction
from functools import partial

import numpy as np
import pytest

import fastgd
from fastgd import schedules
from fastgd._restore import restore

from .adversarial import (
    CLASSES,
    OPTIMIZERS,
    TE,
    VE,
    Check,
    assert_same,
    classes_with,
    problem,
    refused,
    snapshot,
    trained,
    values,
)

nan, inf = math.nan, math.inf
RATE, MOMENTUM, DECAY = "lr", "momentum", "weight_decay"

# ------------------------------------------------------------------------------------------------- numbers out of range: 51-66

BAD: list[tuple] = [
    (51, {RATE: nan}, VE),
    (52, {RATE: inf}, VE),
    (52, {RATE: -inf}, VE),
    (52, {RATE: 10**400}, VE),
    (53, {RATE: -0.1}, VE),
    (53, {RATE: np.float32(-0.1)}, VE),
    *(
        (55, {RATE: odd}, TE)
        for odd in ("0.1", b"1", None, 0.1j, True, np.bool_(True), [0.1], np.array("0.1"), np.array(1j))
    ),
    *((56, {RATE: odd}, VE) for odd in (np.array([0.1, 0.2]), np.zeros(0), np.ones((2, 1)))),
    *((58, {"betas": odd}, VE) for odd in ((-0.1, 0.9), (0.9, -0.1), (1.0, 0.9), (1.5, 0.9), (inf, 0.9))),
    *((59, {"betas": odd}, VE) for odd in ((0.9, 1.0), (0.9, 1), (0.0, 1.0000001))),
    *((60, {"betas": odd}, VE) for odd in ((nan, 0.9), (0.9, nan))),
    *((60, {"rho": odd}, VE) for odd in (nan, -0.1, 1.0)),
    *((61, {"betas": odd}, VE) for odd in ((0.9,), (0.9, 0.99, 0.999), (), 0.9, None, "ab", {0.9, 0.99})),
    (61, {"betas": ("0.9", 0.99)}, TE),
    (61, {"betas": (0.9, None)}, TE),
    *((62, {"eps": odd}, VE) for odd in (-1e-8, nan, inf, 0.0, 0, -0.0)),
    *((64, {DECAY: odd}, VE) for odd in (nan, inf, -0.1)),
    *((65, {MOMENTUM: odd}, VE) for odd in (nan, 1.0, 1.5, inf, -0.1)),
    *((65, {"dampening": odd}, VE) for odd in (nan, inf)),
    (66, {"nesterov": True}, VE),
    (66, {"nesterov": True, MOMENTUM: 0.9, "dampening": 0.1}, VE),
    (66, {"nesterov": 1, MOMENTUM: 0.9}, TE),
]
"""Row, options, error: for every optimizer that has these options."""


def described(options) -> str:
    return ", ".join(f"{name}={str(value)[:20]}" for name, value in options.items())


def bad_option(cls, options, error):
    name, value = next(iter(options.items()))
    shown = repr(value)[:12] if np.ndim(value) == 0 else ""
    refused(lambda: cls(**options), error, (repr(name)[:-1], shown, cls.__name__))
    good = cls()
    refused(lambda: good.replace(**options), error, (repr(name)[:-1], shown))
    assert good == cls()


def cases_of(options):
    found = [cls for cls in classes_with(*options) if "betas" not in options or cls is not fastgd.Rprop]
    return [cls for cls in found if "betas" not in options or len(cls().betas) == 2]


TRIPLES = [
    *((58, {"betas": odd}, VE) for odd in ((-0.1, 0.9, 0.9), (0.9, 0.9, 1.0), (0.9, nan, 0.9))),
    *((61, {"betas": odd}, VE) for odd in ((0.9, 0.99), (0.9, 0.9, 0.9, 0.9), (), 0.9, None, "abc")),
    *((61, {"betas": odd}, TE) for odd in (("0.9", 0.9, 0.9), (0.9, 0.9, None))),
]
"""The same for optimizers with three betas."""

NUMBERS = [
    Check(number, f"{cls.__name__}({described(options)})", partial(bad_option, cls, options, error))
    for number, options, error in BAD
    for cls in cases_of(options)
] + [
    Check(number, f"{cls.__name__}({described(options)})", partial(bad_option, cls, options, error))
    for number, options, error in TRIPLES
    for cls in (fastgd.Adan, fastgd.AdEMAMix)
]

# ---------------------------------------------------------------------------------------------- numbers accepted: 54, 57, and 63


def rate_of_0(cls):
    """A rate of 0 changes no parameter; FTRL and AdaBound divide by it, and say so."""
    if cls in (fastgd.FTRL, fastgd.AdaBound):
        refused(lambda: cls(lr=0), VE, ("'lr'", "> 0"))
        return
    still = {
        fastgd.Rprop: {"step_sizes": (0, 50)},
        fastgd.SGDHD: {"hypergrad_lr": 0},
        fastgd.AdamHD: {"hypergrad_lr": 0},
    }
    optimizer = cls(lr=0, **still.get(cls, {}))
    params, grads = problem()
    before = snapshot(params)
    trained(optimizer, params, grads, grads, grads)
    assert snapshot(params) == before


def rate_that_float32_takes_for_0(optimizer):
    """A rate that has decayed out of float32's range is as good as 0, no error in the middle of a run."""
    params, grads = problem("float32")
    before = snapshot(params)
    decayed = schedules.piecewise([1], [1.0, 1e-60])
    state = optimizer.replace(lr=decayed).init(params)
    state.step(dict.fromkeys(grads))
    assert snapshot(params) == before
    state.step({name: np.zeros_like(g) for name, g in grads.items()})
    moved = snapshot(params)
    state.step(grads)
    assert snapshot(params) == moved


def scalar_like_float(cls, scalar):
    assert cls(lr=scalar) == cls(lr=0.25) and type(cls(lr=scalar).lr) is float
    (params, grads), (plain, _) = problem(), problem()
    trained(cls(lr=scalar), params, grads, grads)
    trained(cls(lr=0.25), plain, grads, grads)
    assert all(params[name].tobytes() == p.tobytes() for name, p in plain.items())


def eps_underflows(cls, dtype):
    """An eps that is 0 in the computing dtype of one single parameter."""
    params, _ = problem()
    params["w"] = params["w"].astype(dtype)
    refused(lambda: cls(eps=1e-50).init(params), VE, ("'eps'", "1e-50", "float32"), params)
    refused(lambda: cls().init(params, overrides={"w": {"eps": 1e-50}}), VE, ("'eps'", "1e-50"), params)
    assert cls(eps=1e-50).init({"v": params["v"], "b": params["b"]}).t == 0


SCALARS = [np.float64(0.25), np.float32(0.25), np.float16(0.25), np.array(0.25), np.array([0.25], "f4"), Fraction(1, 4)]
NUMBERS += [
    *(Check(54, cls.__name__, partial(rate_of_0, cls)) for cls in CLASSES),
    Check(54, "0 in float32", rate_that_float32_takes_for_0, {k: v for k, v in OPTIMIZERS.items() if k != "FTRL"}),
    *(Check(57, f"{cls.__name__} {s!r}", partial(scalar_like_float, cls, s)) for cls in CLASSES for s in SCALARS),
    *(
        Check(63, f"{cls.__name__} {dtype}", partial(eps_underflows, cls, dtype))
        for cls in classes_with("eps")
        for dtype in ("float32", "float16")
    ),
]

# ------------------------------------------------------------------------------------------ later than construction: rows 67-69


def set_afterwards(cls, options, error):
    """Descriptions are frozen; overrides are checked as options are."""
    params, grads = problem()
    optimizer = cls()
    state = trained(optimizer, params, grads)
    for name, value in options.items():
        with pytest.raises(dataclasses.FrozenInstanceError, match=name):
            setattr(optimizer, name, value)
        with pytest.raises(dataclasses.FrozenInstanceError, match=name):
            setattr(state.optimizer, name, value)
    with pytest.raises(AttributeError, match="lr"):
        state.lr = 0.5
    assert optimizer == cls() == state.optimizer
    first = repr(next(iter(options)))[:-1]
    refused(lambda: optimizer.init(params, overrides={"w": options}), error, (first,), params, state)


def out_of_range_by_a_schedule(optimizer, name, dtype="float64"):
    """Two good steps; at the third the schedule leaves the range: the error names it and the step, and nothing has changed."""
    (params, grads), (twins, _) = problem(dtype), problem(dtype)
    state, twin = trained(optimizer, params, grads, grads), trained(optimizer, twins, grads, grads)
    for _ in range(2):
        refused(lambda: state.step(grads), VE, (name, "step", "2"), params, grads, state.arrays, twin)
        assert state.t == 2
    assert_same(state, twin)


def by_a_checkpoint(cls, options, error):
    """A checkpoint with a bad number in the optimizer, or in a group only, is refused and the parameters are left alone."""
    params, grads = problem()
    state = trained(cls(), params, grads)
    tensors, config = state._export()
    for place in (lambda c: c["optimizer"], lambda c: c["groups"][0]):
        faulty = json.loads(json.dumps(config))
        place(faulty).update({k: list(v) if isinstance(v, tuple) else v for k, v in options.items()})
        fresh = {name: np.zeros_like(p) for name, p in params.items()}
        words = (repr(next(iter(options)))[:-1],)
        refused(partial(restore, tensors, faulty, fresh), error, words, fresh, params, state)


def storable(options):
    return all(isinstance(v, float | str | tuple | bool | None) for v in options.values())


to = schedules.linear


def then(last):
    """Return 0.5 for two steps, then another number."""
    return schedules.piecewise([2], [0.5, last])


SCHEDULED = {
    "momentum": (fastgd.SGD(momentum=to(0.5, 2, end=1.0)), "momentum"),
    "nesterov momentum": (fastgd.SGD(nesterov=True, momentum=then(1.5)), "momentum"),
    "beta1": (fastgd.AdamW(betas=(to(0.5, 2, end=1.0), 0.99)), "betas"),
    "beta2": (fastgd.Lion(betas=(0.9, then(2.0))), "betas"),
    "alpha": (fastgd.RMSprop(alpha=to(0.5, 2, end=1.0)), "alpha"),
    "rho": (fastgd.Adadelta(rho=to(0.5, 2, end=1.0)), "rho"),
    "eps": (fastgd.AdamW(eps=to(1e-8, 2)), "eps"),
    "rate of FTRL": (fastgd.FTRL(lr=to(0.1, 2)), "lr"),
    "infinite rate": (fastgd.SGD(lr=schedules.exponential(1.0, 1e200, 1)), "exponential"),
    "infinite decay": (fastgd.SGD(weight_decay=schedules.exponential(1.0, 1e200, 1)), "exponential"),
    "infinite limit": (fastgd.SGD(clip_norm=schedules.exponential(1.0, 1e200, 1)), "exponential"),
}
SCHEDULED32 = {
    "eps that float32 takes for 0": (fastgd.AdamW(eps=to(1e-8, 2, end=1e-60)), "eps"),
    "eps in Adagrad": (fastgd.Adagrad(eps=to(1e-8, 2, end=1e-60)), "eps"),
    "rate beyond float32": (fastgd.SGD(lr=then(1e39)), "lr"),
    "decay beyond float32": (fastgd.SGD(weight_decay=then(1e39)), "weight_decay"),
}
LATER = [
    *(
        Check(67, f"{cls.__name__}({described(options)})", partial(set_afterwards, cls, options, error))
        for _, options, error in BAD
        for cls in cases_of(options)[:2]
    ),
    *(
        Check(68, name, partial(out_of_range_by_a_schedule, optimizer, word))
        for name, (optimizer, word) in SCHEDULED.items()
    ),
    *(
        Check(68, name, partial(out_of_range_by_a_schedule, optimizer, word, "float32"))
        for name, (optimizer, word) in SCHEDULED32.items()
    ),
    *(
        Check(69, f"{cls.__name__}({described(options)})", partial(by_a_checkpoint, cls, options, error))
        for _, options, error in BAD
        if storable(options)
        for cls in cases_of(options)
    ),
]

# --------------------------------------------------------------------------------------------------------- clipping: rows 70-72

CLIPPERS = {"clip_norm": (fastgd.clip_norm, "max_norm"), "clip_value": (fastgd.clip_value, "max_value")}


def bad_limit(option, value, error):
    function, argument = CLIPPERS[option]
    shown = repr(value)
    for cls in CLASSES:
        refused(lambda cls=cls: cls(**{option: value}), error, (f"'{option}'", shown))
    grads = list(problem()[1].values())
    if value is not None:
        refused(lambda: function(grads, value), error, (f"'{argument}'", shown), grads)


def infinity_is_no_limit(optimizer, value):
    for option, (function, _) in CLIPPERS.items():
        assert optimizer.replace(**{option: value}) == optimizer
        (params, grads), (plain, _) = problem(), problem()
        state, twin = (
            trained(o, p, grads) for o, p in ((optimizer.replace(**{option: value}), params), (optimizer, plain))
        )
        assert_same(state, twin)
        before = snapshot(grads)
        function(grads, value)
        assert snapshot(grads) == before


def no_norm_type(value):
    grads = values(3)
    before = snapshot(grads)
    with pytest.raises(TypeError, match="norm_type"):
        fastgd.clip_norm(grads, 1.0, norm_type=value)
    assert snapshot(grads) == before


def generator(call, used):
    grads = list(problem()[1].values())
    source = (g for g in grads)
    if used:
        list(source)
    refused(lambda: call(source), VE, ("'grads'", "generator"), grads)


def generator_for_arrays():
    params, grads = problem()
    state = trained(fastgd.SGD(), params, grads)
    refused(lambda: state.step(iter(grads.values())), TE, ("grads",), state, params, grads)
    refused(lambda: fastgd.SGD().init(iter(params.values())), TE, ("'params'", "order"), params)


CLIPPING = [
    *(
        Check(70, f"{option}={value}", partial(bad_limit, option, value, error))
        for option in CLIPPERS
        for value, error in (
            (-1.0, VE),
            (-0.0, VE),
            (nan, VE),
            (-inf, VE),
            ("1", TE),
            (True, TE),
            (1j, TE),
            ([1.0], TE),
        )
    ),
    *(
        Check(70, f"{value!r} is off", partial(infinity_is_no_limit, value=value), OPTIMIZERS)
        for value in (inf, np.float64(inf), np.float32(inf))
    ),
    *(Check(71, f"norm type {value}", partial(no_norm_type, value)) for value in (0, -1, nan, 2, inf)),
    *(
        Check(72, f"{name}, {'used' if used else 'fresh'}", partial(generator, call, used))
        for used in (True, False)
        for name, call in {
            "clip_norm": lambda g: fastgd.clip_norm(g, 1.0),
            "clip_value": lambda g: fastgd.clip_value(g, 1.0),
            "global_norm": fastgd.global_norm,
        }.items()
    ),
    Check(72, "step, init", generator_for_arrays),
]

ROWS = [*NUMBERS, *LATER, *CLIPPING]
