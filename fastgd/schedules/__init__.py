"""Learning-rate schedules: pure functions of the step, composed by operators.

>>> from fastgd.schedules import cosine, warmup
>>> schedule = warmup(500) >> cosine(1e-3, 10_000)
>>> schedule(250)
0.0005
"""

from fastgd.schedules._algebra import as_schedule
from fastgd.schedules.base import Schedule
from fastgd.schedules.classic import constant, cosine, inverse_time, linear, piecewise, polynomial, warmup
from fastgd.schedules.compose import maximum, minimum
from fastgd.schedules.decays import (
    compounding_polynomial,
    compounding_staircase,
    exponential,
    geometric,
    power,
    saturating,
    step,
)

__all__ = [
    "Schedule",
    "as_schedule",
    "compounding_polynomial",
    "compounding_staircase",
    "constant",
    "cosine",
    "exponential",
    "geometric",
    "inverse_time",
    "linear",
    "maximum",
    "minimum",
    "piecewise",
    "polynomial",
    "power",
    "saturating",
    "step",
    "warmup",
]
