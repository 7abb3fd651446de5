"""Learning-rate schedules: pure functions of the step, composed by operators.

>>> from fastgd.schedules import cosine, warmup
>>> schedule = warmup(500) >> cosine(1e-3, 10_000)
>>> schedule(250)
0.0005

Sequences ``a >> b`` (each part counts from its own step 0), products and sums (with numbers too), ``.clip(low, high)``,
``.shift(n)``, ``.lasting(T)``, `maximum` and `minimum` compose. Durations are steps, ``"10 epochs"`` or ``"5%"``.
"""

from fastgd.schedules._algebra import as_schedule
from fastgd.schedules.bandit import bandit
from fastgd.schedules.base import Schedule
from fastgd.schedules.classic import constant, cosine, inverse_time, linear, piecewise, polynomial, warmup
from fastgd.schedules.compose import maximum, minimum
from fastgd.schedules.cycles import chebyshev, cosine_restarts, cyclic, one_cycle
from fastgd.schedules.decays import (
    compounding_polynomial,
    compounding_staircase,
    exponential,
    geometric,
    power,
    saturating,
    step,
)
from fastgd.schedules.measured import performance, plateau
from fastgd.schedules.modern import interpolate, inverse_sqrt, k_decay, multistep, noam, rex, tanh, wsd
from fastgd.schedules.noise import random, random_walk
from fastgd.schedules.text import from_dict, parse

__all__ = [
    "Schedule",
    "as_schedule",
    "bandit",
    "chebyshev",
    "compounding_polynomial",
    "compounding_staircase",
    "constant",
    "cosine",
    "cosine_restarts",
    "cyclic",
    "exponential",
    "from_dict",
    "geometric",
    "interpolate",
    "inverse_sqrt",
    "inverse_time",
    "k_decay",
    "linear",
    "maximum",
    "minimum",
    "multistep",
    "noam",
    "one_cycle",
    "parse",
    "performance",
    "piecewise",
    "plateau",
    "polynomial",
    "power",
    "random",
    "random_walk",
    "rex",
    "saturating",
    "step",
    "tanh",
    "warmup",
    "wsd",
]
