"""The formulas of the optimizers whose second moments are not of the parameter's shape: what the rule sees in the place of the gradient.

As in ``rules.py``, each is a pure function of numbers, what is fixed for the step after the slash. On the processor NumPy computes them on
whole arrays, see `array_functions.of_arrays`; on a GPU they are written into the kernels of `cuda_factored_source`.
"""

import math


def averaged(old, new, /, share):
    return old + share * (new - old)


def outer(row, column, mean, /, least):
    """The second moment of an element, from those of its row and column and the mean of the rows."""
    return row / max(mean, least) * column


def normalized(g, variance, /, least_square):
    return g / math.sqrt(max(variance, least_square))


def step_scale(rms_p, rms_u, /, smallest, rate, most):
    """The factor of an array's normalized gradient `u`: a share of the size of the parameters `p`, less where the step would be large."""
    return max(smallest, rms_p) * rate / max(1, rms_u / most)


def penalized(g, p, /, l2):
    return g + l2 * p


def covered(g, bound, /, fresh, kept):
    return fresh * (g * g) + kept * bound


def bounded(g, total, /, eps):
    return g / math.sqrt(total + eps) if total > 0 else total - total
