"""Odd inputs, each with its one right answer: rows 1-78 of the adversarial table as one table-driven test.

An error is fastgd's own, comes before anything is changed, and names what is wrong in at most 300 characters. An odd input that is
accepted gives the result of the plain one, bit for bit. The rows are in `adversarial_arrays`, `adversarial_memory` and
`adversarial_options`; the number in a test's id is the row's.
"""

import numpy as np
import pytest

import fastgd

from . import adversarial_arrays, adversarial_memory, adversarial_options, adversarial_schedules
from .adversarial import FP, TE, VE, refused, trained, values

ROWS = [*adversarial_arrays.ROWS, *adversarial_memory.ROWS, *adversarial_options.ROWS, *adversarial_schedules.ROWS]
CASES = [
    pytest.param(
        call, id=f"{row.number:03}-{row.name}{'-' * bool(label)}{label}", marks=[pytest.mark.slow] * (row.number == 39)
    )
    for row in ROWS
    for label, call in row.cases()
]


def test_the_table_is_complete():
    assert sorted({row.number for row in ROWS}) == list(range(1, 79))


@pytest.mark.parametrize("case", CASES)
def test_row(case):
    case()


LONG = "layer." * 200
FAULTY_PARAMS = {
    "dtype": (lambda: {LONG: np.ones(2, int)}, TE),
    "no array": (lambda: {LONG: "x" * 999}, TE),
    "masked": (lambda: {LONG: np.ma.array([1.0])}, TE),
    "read-only": (lambda: {LONG: np.broadcast_to(1.0, (2,))}, VE),
    "strides": (lambda: {LONG: np.lib.stride_tricks.as_strided(np.ones(1), (2,), (0,))}, VE),
    "NaN": (lambda: {LONG: np.array([np.nan])}, FP),
    "twice": (lambda: {LONG: {"w": values(2)}, f"{LONG}.w": values(2)}, VE),
}
FAULTY_GRADS = {
    "no array": (lambda g: {LONG: "x" * 999}, TE),
    "dtype": (lambda g: {LONG: g.astype(int)}, TE),
    "shape": (lambda g: {LONG: values(*(1,) * 60)}, VE),
    "NaN": (lambda g: {LONG: g * np.nan}, FP),
    "keys": (lambda g: {LONG + "x": g}, VE),
    "tree": (lambda g: {LONG: [g] * 999}, TE),
}


@pytest.mark.parametrize("fault", FAULTY_PARAMS)
def test_messages_about_params_stay_short_for_long_names(fault):
    make, error = FAULTY_PARAMS[fault]
    params = make()
    refused(lambda: fastgd.SGD().init(params), error, ("layer.",), params)


@pytest.mark.parametrize("fault", FAULTY_GRADS)
def test_messages_about_gradients_stay_short_for_long_names(fault):
    make, error = FAULTY_GRADS[fault]
    params = {LONG: values(3)}
    state, grads = trained(fastgd.SGD(), params, {LONG: values(3)}), make(values(3))
    refused(lambda: state.step(grads), error, ("layer.",), state, params, grads)


def test_messages_about_options_stay_short_for_long_values():
    refused(lambda: fastgd.SGD(lr="x" * 9999), TE, ("'lr'", "xxx"))
    refused(lambda: fastgd.SGD(**{"x" * 9999: 1}), TE, ("xxx",))
    refused(lambda: fastgd.AdamW(betas=list(range(9999))), VE, ("'betas'",))
    refused(lambda: fastgd.SGD().init({"w": values(3)}, overrides={"x" * 9999: {}}), VE, ("xxx",))
    refused(lambda: fastgd.SGD().init({"w": set(range(9999))}), TE, ("'params'",))
    refused(lambda: fastgd.optimizers.from_dict({"name": "x" * 9999}), VE, ("xxx",))
