"""Rows 73-78 of the adversarial table: schedules, misspelt options, and trees of parameters that have no order or no name."""

import math
from functools import partial

import numpy as np

import fastgd
from fastgd import schedules

from .adversarial import CLASSES, OPTIMIZERS, TE, VE, BadParams, Check, problem, refused, trained, values

nan, inf = math.nan, math.inf

# ------------------------------------------------------------------------------------------------- at construction: 73 and 74

WITH_DURATION = {
    "linear": lambda T: schedules.linear(0.1, T),
    "cosine": lambda T: schedules.cosine(0.1, T),
    "polynomial": lambda T: schedules.polynomial(0.1, T, 2.0),
    "warmup": lambda T: schedules.warmup(T),
    "step": lambda T: schedules.step(0.1, T),
    "exponential": lambda T: schedules.exponential(0.1, 0.5, T),
    "geometric": lambda T: schedules.geometric(0.1, 0.5, T),
    "inverse_time": lambda T: schedules.inverse_time(0.1, T),
    "power": lambda T: schedules.power(0.1, T, 0.5),
    "compounding_polynomial": lambda T: schedules.compounding_polynomial(0.1, T, 0.5),
    "compounding_staircase": lambda T: schedules.compounding_staircase(0.1, 0.5, T),
    "random": lambda T: schedules.random(0.1, 0.2, 0, every=T),
    "lasting": lambda T: schedules.linear(0.1, 9).lasting(T),
}
WITH_NUMBER = {
    "linear": lambda x: schedules.linear(x, 9),
    "linear, end": lambda x: schedules.linear(0.1, 9, end=x),
    "cosine": lambda x: schedules.cosine(x, 9),
    "polynomial, power": lambda x: schedules.polynomial(0.1, 9, x),
    "constant": lambda x: schedules.constant(x),
    "piecewise": lambda x: schedules.piecewise([5], [0.1, x]),
    "warmup, start_factor": lambda x: schedules.warmup(9, x),
    "step, rate": lambda x: schedules.step(0.1, 9, x),
    "exponential, rate": lambda x: schedules.exponential(0.1, x, 9),
    "geometric, eta": lambda x: schedules.geometric(0.1, x, 9),
    "power, beta": lambda x: schedules.power(0.1, 9, x),
    "saturating": lambda x: schedules.saturating(0.1, x, 9.0),
    "plateau, factor": lambda x: schedules.plateau(0.1, factor=x),
    "plateau, min_lr": lambda x: schedules.plateau(0.1, min_lr=x),
    "performance, shrink": lambda x: schedules.performance(0.1, shrink=x),
    "random, high": lambda x: schedules.random(0.1, x, 0),
    "product": lambda x: schedules.linear(0.1, 9) * x,
    "sum": lambda x: schedules.linear(0.1, 9) + x,
    "maximum": lambda x: schedules.maximum(0.1, x),
    "clip": lambda x: schedules.linear(0.1, 9).clip(0.0, x),
}
CONSTRUCTION = [
    *(
        Check(73, f"{name} of {T}", partial(refused, partial(make, T), VE, (str(T)[:6],)))
        for name, make in WITH_DURATION.items()
        for T in (0, -1, -5.0, nan, inf, "0%", "-5 epochs")
    ),
    *(
        Check(74, f"{name} of {x}", partial(refused, partial(make, x), VE, (str(x),)))
        for name, make in WITH_NUMBER.items()
        for x in (nan, inf, -inf)
    ),
]

# ---------------------------------------------------------------------------------------------------------- in use: 75 and 76


def nan_observed(optimizer, schedule):
    params, grads = problem()
    state = trained(optimizer.replace(lr=schedule), params, grads)
    for loss in (1.0, 1.0):
        state.observe(loss)
    rate = state.lr
    for loss, error in ((nan, VE), ("1.0", TE), (None, TE), (1j, TE), (np.ones(2), VE)):
        refused(lambda loss=loss: state.observe(loss), error, ("'loss'",), state, params)
        assert state.lr == rate
    state.observe(1.0)
    assert state.lr != rate, "the third bad observation counts as the third"


FAR = {
    "constant": (schedules.constant(0.1), lambda t: 0.1),
    "linear": (schedules.linear(0.1, 100, end=0.01), lambda t: 0.01),
    "long linear": (schedules.linear(1.0, 2**53), lambda t: 1 - t / 2**53),
    "cosine": (schedules.cosine(0.1, 100, end=0.02), lambda t: 0.02),
    "warmup": (schedules.warmup(5) >> schedules.constant(0.3), lambda t: 0.3),
    "inverse_time": (schedules.inverse_time(0.1, 10), lambda t: 0.1 / (1 + t / 10)),
    "power": (schedules.power(0.1, 1, 0.5), lambda t: 0.1 / math.sqrt(1 + t)),
    "exponential": (schedules.exponential(0.1, 0.5, 2**30), lambda t: math.ldexp(0.1, -(t // 2**30))),
    "step": (schedules.step(0.1, 2**29, 0.5), lambda t: math.ldexp(0.1, -(t // 2**29))),
    "piecewise": (schedules.piecewise([2**31, 2**53], [0.3, 0.2, 0.1]), lambda t: 0.2 if t < 2**53 else 0.1),
}


def far_away(schedule, expected):
    for t in (2**31, 2**53):
        assert math.isclose(schedule(t), expected(t), rel_tol=1e-12), t
    refused(lambda: schedule(2**53 + 1), VE, ("'t'", "2**53"))
    refused(lambda: schedule(-1), VE, ("'t'", "-1"))
    for odd in (1.0, "1", None, True):
        refused(lambda odd=odd: schedule(odd), TE, ("'t'",))


IN_USE = [
    Check(75, "plateau", partial(nan_observed, schedule=schedules.plateau(0.1, patience=1)), OPTIMIZERS),
    Check(75, "performance", partial(nan_observed, schedule=schedules.performance(0.1)), OPTIMIZERS),
    *(Check(76, name, partial(far_away, schedule, expected)) for name, (schedule, expected) in FAR.items()),
]

# ------------------------------------------------------------------------------------------------------ names, trees: 77 and 78

MISSPELT = {"lrr": "lr", "clipnorm": "clip_norm", "on_nonfinit": "on_nonfinite", "maximise": "maximize"}
MISSPELT_OF = {
    fastgd.AdamW: {"weight_decy": "weight_decay", "beta": "betas", "ep": "eps", "ams_grad": "amsgrad"},
    fastgd.SGD: {"weight_decy": "weight_decay", "momentm": "momentum", "nestrov": "nesterov"},
    fastgd.RMSprop: {"centred": "centered", "alfa": "alpha"},
}


def misspelt(cls, wrong, right):
    words = (f"{wrong!r}", f"{right!r}", cls.__name__)
    params = values(3)
    refused(lambda: cls(**{wrong: 0.1}), TE, words)
    refused(lambda: cls().replace(**{wrong: 0.1}), TE, words)
    refused(lambda: cls().init({"w": params}, overrides={"w": {wrong: 0.1}}), TE, words, params)
    refused(lambda: fastgd.optimizers.from_dict({"name": cls.__name__, wrong: 0.1}), TE, words)


def misspelt_names():
    params = {"w": values(3)}
    refused(lambda: fastgd.SGD().init(params, overrides={"W*": {"lr": 1.0}}), VE, ("'W*'", "'w'"), params)
    refused(lambda: fastgd.SGD().init(params, overrides={"w": 1.0}), TE, ("'overrides'",), params)
    refused(lambda: fastgd.SGD(on_nonfinite="rise"), VE, ("'on_nonfinite'", "'rise'", "'raise'"))
    refused(lambda: fastgd.SGD(on_nonfinite=True), TE, ("'on_nonfinite'", "True"))
    refused(lambda: fastgd.SGD(maximize=1), TE, ("'maximize'", "1"))
    refused(lambda: fastgd.optimizers.from_dict({"name": "AdamV"}), VE, ("'AdamV'", "'Adam"))


NAMES = [
    *(
        Check(77, f"{cls.__name__}({wrong}=)", partial(misspelt, cls, wrong, right))
        for cls in CLASSES
        for wrong, right in (MISSPELT | MISSPELT_OF.get(cls, {})).items()
    ),
    Check(77, "elsewhere", misspelt_names),
    *(
        BadParams(78, f"empty {tree}", lambda tree=tree: tree, VE, ("'params'",))
        for tree in ([], (), {}, [[]], {"w": []}, {"w": {}})
    ),
    *(BadParams(78, f"{odd!r}", lambda odd=odd: odd, TE, ("'params'", "order")) for odd in ({1.0}, frozenset([1.0]))),
    BadParams(78, "set among arrays", lambda: {"v": values(2), "w": {1.0, 2.0}}, TE, ("'params'", "order")),
    BadParams(78, "a.b twice", lambda: {"a": {"b": values(2)}, "a.b": values(3)}, VE, ("'params'", "'a.b'")),
    BadParams(78, "1 and '1'", lambda: {1: values(2), "1": values(3)}, VE, ("'params'", "'1'")),
    BadParams(78, "list in dict", lambda: {"w": [values(2)], "w.0": values(3)}, VE, ("'params'", "'w.0'")),
]

ROWS = [*CONSTRUCTION, *IN_USE, *NAMES]
