"""What some rules must know of all elements together: each function gives the terms of one or more sums, one element at a time.

A measure is a pure function ``(p, g, *state, /, *hyper) -> term`` or ``-> (term, ...)``, of four terms at most, in the language of
``rules.py``. It sees what the rule that it goes with sees before the step: the clipped gradient, and the same state arrays in the same
order, as many as it needs. It is computed in float64 whatever the parameters' dtype; its terms are summed over fixed blocks and a fixed
tree, with the same bits for any number of threads.
"""

import math


def grad_sums(p, g, /):
    return g * g


def norm_sums(p, g, /):
    return p * p, g * g


def dog_sums(p, g, init_buffer, /, l2):
    g = g + l2 * p
    d = p - init_buffer
    return g * g, d * d, init_buffer * init_buffer


def dadapt_sgd_sums(p, g, s, x0, /, lr, l2):
    g = g + l2 * p
    total = s + lr * g
    return g * s, g * g, total * total


def dadapt_adam_sums(p, g, exp_avg, exp_avg_sq, s, /, l2, lr_s, b3, eps):
    g = g + l2 * p
    return g * s / (math.sqrt(exp_avg_sq) + eps), math.fabs(b3 * s + lr_s * g)


def prodigy_sums(p, g, exp_avg, exp_avg_sq, s, p0, /, l2, lr_s, b3):
    g = g + l2 * p
    return g * (p0 - p), math.fabs(b3 * s + lr_s * g)


def hypergradient_sums(p, g, momentum_buffer, /, l2):
    return (g + l2 * p) * momentum_buffer


def adam_hypergradient_sums(p, g, exp_avg, exp_avg_sq, /, l2, debias, eps):
    return (g + l2 * p) * exp_avg / (debias * math.sqrt(exp_avg_sq) + eps)


def secant_sums(p, g, prev_grad, /):
    change = g - prev_grad
    return prev_grad * prev_grad, prev_grad * change, change * change


def lamb_sums(p, g, exp_avg, exp_avg_sq, /, decay, b1, b1_c, b2, b2_c, debias, correct, eps):
    exp_avg = b1 * exp_avg + b1_c * g
    exp_avg_sq = b2 * exp_avg_sq + b2_c * (g * g)
    u = correct * exp_avg / (debias * math.sqrt(exp_avg_sq) + eps) + decay * p
    return p * p, u * u


def mechanic_sgd_sums(p, g, momentum_buffer, delta, /):
    return g * delta, p * delta, g * g, p * p


def mechanic_adam_sums(p, g, exp_avg, exp_avg_sq, delta, /):
    return g * delta, p * delta, g * g, p * p


def cautious_adam_sums(p, g, exp_avg, /, l2, b1, b1_c):
    g = g + l2 * p
    exp_avg = b1 * exp_avg + b1_c * g
    agreement = exp_avg if g > 0 else (-exp_avg if g < 0 else g)
    return (1 if agreement > 0 else 0), (0 if agreement > 0 else 1)


def cautious_lion_sums(p, g, exp_avg, /, b1, b1_c):
    u = b1 * exp_avg + b1_c * g
    agreement = u if g > 0 else (-u if g < 0 else g)
    return (1 if agreement > 0 else 0), (0 if agreement > 0 else 1)
