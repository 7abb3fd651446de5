"""The mathematics of every loss, one sample at a time.

A loss is a pure function ``(z, y, /, *hyper) -> (value, slope)`` of the model's raw prediction ``z`` and the target ``y``, in the language
of ``rules.py``: its value and its derivative with respect to ``z``. Targets are real numbers for regression, -1 and +1 for the margin
losses, 0 and 1 for ``focal`` and ``log_loss`` (there a probability, too), counts or positive numbers for ``poisson``, ``gamma`` and
``tweedie``, whose link is the logarithm.

At a kink ``epsilon_insensitive`` (the edge of its tube) has the slope of its flat side, 0; ``hinge`` (margin 1) and ``perceptron`` (margin
0) have that of the other side, as in scikit-learn: a sample not beyond the kink counts as wrong (a one-class SVM begins with all samples
at it); ``quantile`` has the slope for ``z`` just below.
"""

import math


def squared_error(z, y, /):
    r = z - y
    return r * r / 2, r


def huber(z, y, /, epsilon):
    r = z - y
    size = math.fabs(r)
    value = r * r / 2 if size <= epsilon else epsilon * (size - epsilon / 2)
    return value, epsilon if r > epsilon else (-epsilon if r < -epsilon else r)


def epsilon_insensitive(z, y, /, epsilon):
    r = z - y
    excess = math.fabs(r) - epsilon
    slope = 1 if r > epsilon else (-1 if r < -epsilon else r * 0)
    return excess if excess > 0 else excess * 0, slope


def squared_epsilon_insensitive(z, y, /, epsilon):
    r = z - y
    excess = r - epsilon if r > epsilon else (r + epsilon if r < -epsilon else r * 0)
    return excess * excess, 2 * excess


def quantile(z, y, /, q):
    r = y - z
    return q * r if r >= 0 else (q - 1) * r, -q if r >= 0 else 1 - q


def logcosh(z, y, /, log2):
    r = z - y
    size = math.fabs(r)
    e = math.exp(-2 * size)
    slope = (1 - e) / (1 + e)
    return size + math.log1p(e) - log2, slope if r > 0 else -slope


def poisson(z, y, /):
    rate = math.exp(z)
    return rate - y * z, rate - y


def gamma(z, y, /):
    ratio = y * math.exp(-z)
    return z + ratio, 1 - ratio


def tweedie(z, y, /, power):
    rate = math.exp((2 - power) * z)
    ratio = y * math.exp((1 - power) * z) if y > 0 else y * 0  # far out the exponential is infinite
    return rate / (2 - power) - ratio / (1 - power), rate - ratio


def log_loss(z, y, /):
    e = math.exp(-math.fabs(z))
    p = (1 if z >= 0 else e) / (1 + e)
    return math.log1p(e) + (z if z > 0 else z * 0) - y * z, p - y


def focal(z, y, /, gamma):
    margin = (2 * y - 1) * z
    e = math.exp(-math.fabs(margin))
    near = math.log1p(e)
    surprise = near - (margin if margin < 0 else margin * 0)  # -log p, p the probability of the target
    p = (1 if margin >= 0 else e) / (1 + e)
    q = (e if margin >= 0 else 1) / (1 + e)
    weight = math.exp(-gamma * (near + (margin if margin > 0 else margin * 0)))  # q**gamma
    return weight * surprise, (1 - 2 * y) * weight * (q + gamma * p * surprise)


def hinge(z, y, /):
    short = 1 - y * z
    return short if short > 0 else short * 0, -y if short >= 0 else y * 0


def squared_hinge(z, y, /):
    short = 1 - y * z
    short = short if short > 0 else short * 0
    return short * short, -2 * y * short


def perceptron(z, y, /):
    margin = y * z
    return -margin if margin <= 0 else margin * 0, -y if margin <= 0 else y * 0


def modified_huber(z, y, /):
    margin = y * z
    short = 1 - margin
    short = short if short > 0 else short * 0
    slope = -4 * y if margin < -1 else -2 * y * short
    return -4 * margin if margin < -1 else short * short, slope
