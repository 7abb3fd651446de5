"""What is measured: the sets of arrays, and every optimizer in every form that has a rule of its own."""

import functools

import numpy as np

import fastgd

MLP = [(784, 32), (32,), (32, 10), (10,)]
"""The parameters of the 784-32-10 network: 25,450 elements."""
MANY = [(1000,)] * 1000

OPTIMIZERS = [
    fastgd.SGD(),
    fastgd.SGD(momentum=0.9),
    fastgd.SGD(momentum=0.9, nesterov=True),
    fastgd.Adagrad(),
    fastgd.RMSprop(),
    fastgd.RMSprop(momentum=0.9),
    fastgd.RMSprop(centered=True),
    fastgd.RMSprop(momentum=0.9, centered=True),
    fastgd.Adadelta(),
    fastgd.Adam(),
    fastgd.Adam(amsgrad=True),
    fastgd.AdamW(),
    fastgd.Adamax(),
    fastgd.NAdam(),
    fastgd.RAdam(),
    fastgd.Lion(),
    fastgd.SignSGD(),
    fastgd.Signum(),
    fastgd.Rprop(),
    fastgd.FTRL(),
    fastgd.ASGD(),
]
"""One row each in the report; `test_rows.py` fails when a class or a rule of fastgd has none."""


def size_of(shapes: list[tuple[int, ...]]) -> int:
    return sum(int(np.prod(shape)) for shape in shapes)


def arrays(shapes: list[tuple[int, ...]], seed: int) -> list[np.ndarray]:
    """Return float32 arrays of normal numbers, every page of them written."""
    rng = np.random.default_rng(seed)
    return [rng.standard_normal(shape, dtype=np.float32) for shape in shapes]


def problem(shapes: list[tuple[int, ...]]) -> tuple[list[np.ndarray], list[list[np.ndarray]]]:
    """Return the initial parameters and two sets of gradients, which take turns: with one alone Adam's betas would not matter."""
    return arrays(shapes, 0), [arrays(shapes, 1), arrays(shapes, 2)]


@functools.lru_cache(maxsize=1)
def large(elements: int) -> tuple[list[np.ndarray], list[list[np.ndarray]]]:
    """Return `problem` for one large array, made once; nobody may write into it."""
    return problem([(elements,)])
