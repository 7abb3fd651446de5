"""The mathematics of every activation function, one number at a time.

An activation is a pure function ``(z, /, *hyper) -> (value, slope)`` in the language of ``rules.py``: the value at the weighted input ``z``
of a unit, and its derivative. At its kink ``relu``, ``leaky_relu`` and ``elu`` have the slope of the negative side, as in torch.

``tanh`` and ``elu`` need ``exp(z) - 1``, which cancels near 0; there they are Lambert's continued fraction of tanh, to its fifth step:
``tanh(z) = z (945 + 105 q + q**2) / (945 + 420 q + 15 q**2)`` with ``q = z**2``, whose relative error below 1/8 is under 2e-16.

``gelu`` is the tanh form, ``torch.nn.GELU(approximate="tanh")``, written with the logistic function: ``z / (1 + exp(-2 u))``,
``u = sqrt(2 / pi) (z + 0.044715 z**3)``. Its hyperparameters are ``root = sqrt(8 / pi)`` and ``cubic = 0.044715``.
"""

import math


def identity(z, /):
    return z, z * 0 + 1


def logistic(z, /):
    e = math.exp(-math.fabs(z))
    p = (1 if z >= 0 else e) / (1 + e)
    return p, e / ((1 + e) * (1 + e))


def tanh(z, /):
    size = math.fabs(z)
    q = z * z
    near = z * (945 + q * (105 + q)) / (945 + q * (420 + q * 15))
    e = math.exp(-2 * size)
    far = (1 - e) / (1 + e)
    value = near if 8 * size < 1 else (far if z > 0 else -far)
    return value, 4 * e / ((1 + e) * (1 + e))


def relu(z, /):
    return z * 0 if z < 0 else z, 1 if z > 0 else z * 0


def leaky_relu(z, /, negative):
    return z if z > 0 else negative * z, 1 if z > 0 else negative


def elu(z, /, alpha):
    half = z / 2
    q = half * half
    t = half * (945 + q * (105 + q)) / (945 + q * (420 + q * 15))
    e = math.exp(z if z < 0 else z * 0)
    below = 2 * t / (1 - t) if -z * 4 < 1 else e - 1
    return z if z > 0 else alpha * below, 1 if z > 0 else alpha * e


def silu(z, /):
    e = math.exp(-math.fabs(z))
    p = (1 if z >= 0 else e) / (1 + e)
    return z * p, p + z * (e / ((1 + e) * (1 + e)))


def gelu(z, /, root, cubic):
    u = root * (z + cubic * (z * z * z))
    e = math.exp(-math.fabs(u))
    p = (1 if u >= 0 else e) / (1 + e)
    return z * p, p + z * (e / ((1 + e) * (1 + e))) * (root * (1 + 3 * cubic * (z * z)))
