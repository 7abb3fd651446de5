"""The mathematics of every update rule, one scalar at a time.

A rule is a pure function ``(p, g, *state, /, *hyper) -> p`` or ``-> (p, *state)``. Its signature is its whole description: names before
the slash vary per element (the parameter, its gradient, then the state arrays, named as in torch); names after it are fixed for the step
and were computed once, in float64, by the optimizer. ``emit.py`` compiles this text verbatim, ``jit.py`` hands it to Numba, the tests run
it in CPython: one text, the same bits.

Four habits keep one text valid everywhere; ``emit.py`` refuses anything else:

* no numeric literal but a small integer (a float literal is a double and would widen float32);
* one ``return``, the last statement: choices are conditional expressions, so that the loop around a rule vectorises;
* ``math.f`` for elementary functions; nothing else is called or imported;
* decay is ``p - (decay * p + step)``, never ``(1 - decay) * p``: in float32 the latter rounds a decay of 1e-7 to 1.2e-7.

Shared names: ``lr`` the rate of this step, bias correction included; ``l2`` the penalty added to the gradient; ``decay`` the decoupled
decay (rate times weight decay); ``x_c`` the complement ``1 - x``; ``debias`` the factor ``1 / sqrt(1 - beta2**age)``.
"""

import math


def clipped(g, /, scale, limit):
    """The gradient as every rule sees it: 0 where it is NaN or infinite, scaled (sign, norm clipping), limited to ``[-limit, limit]``."""
    g = scale * (g if g - g == 0 else 0)
    g = limit if limit < g else g  # one instruction each, in this order of operands
    return -limit if g < -limit else g


def sgd(p, g, /, lr, l2):
    return p - lr * (g + l2 * p)


def momentum(p, g, momentum_buffer, /, lr, l2, mu, mu_c):
    momentum_buffer = mu * momentum_buffer + mu_c * (g + l2 * p)
    return p - lr * momentum_buffer, momentum_buffer


def nesterov(p, g, momentum_buffer, /, lr, l2, mu):
    g = g + l2 * p
    momentum_buffer = mu * momentum_buffer + g
    return p - lr * (g + mu * momentum_buffer), momentum_buffer


def adagrad(p, g, sum, /, lr, l2, eps):
    g = g + l2 * p
    sum = sum + g * g
    return p - lr * g / (math.sqrt(sum) + eps), sum


def rmsprop(p, g, square_avg, /, lr, l2, alpha, alpha_c, eps):
    g = g + l2 * p
    square_avg = alpha * square_avg + alpha_c * (g * g)
    return p - lr * g / (math.sqrt(square_avg) + eps), square_avg


def rmsprop_momentum(p, g, square_avg, momentum_buffer, /, lr, l2, alpha, alpha_c, eps, mu):
    g = g + l2 * p
    square_avg = alpha * square_avg + alpha_c * (g * g)
    momentum_buffer = mu * momentum_buffer + g / (math.sqrt(square_avg) + eps)
    return p - lr * momentum_buffer, square_avg, momentum_buffer


def rmsprop_centered(p, g, square_avg, grad_avg, /, lr, l2, alpha, alpha_c, eps):
    g = g + l2 * p
    square_avg = alpha * square_avg + alpha_c * (g * g)
    grad_avg = alpha * grad_avg + alpha_c * g
    variance = square_avg - grad_avg * grad_avg
    variance = variance if variance > 0 else variance - variance
    return p - lr * g / (math.sqrt(variance) + eps), square_avg, grad_avg


def rmsprop_centered_momentum(p, g, square_avg, grad_avg, momentum_buffer, /, lr, l2, alpha, alpha_c, eps, mu):
    g = g + l2 * p
    square_avg = alpha * square_avg + alpha_c * (g * g)
    grad_avg = alpha * grad_avg + alpha_c * g
    variance = square_avg - grad_avg * grad_avg
    variance = variance if variance > 0 else variance - variance
    momentum_buffer = mu * momentum_buffer + g / (math.sqrt(variance) + eps)
    return p - lr * momentum_buffer, square_avg, grad_avg, momentum_buffer


def adadelta(p, g, square_avg, acc_delta, /, lr, l2, rho, rho_c, eps):
    g = g + l2 * p
    square_avg = rho * square_avg + rho_c * (g * g)
    delta = math.sqrt(acc_delta + eps) / math.sqrt(square_avg + eps) * g
    acc_delta = rho * acc_delta + rho_c * (delta * delta)
    return p - lr * delta, square_avg, acc_delta


def adam(p, g, exp_avg, exp_avg_sq, /, lr, l2, decay, b1, b1_c, b2, b2_c, debias, eps):
    g = g + l2 * p
    exp_avg = b1 * exp_avg + b1_c * g
    exp_avg_sq = b2 * exp_avg_sq + b2_c * (g * g)
    return p - (decay * p + lr * exp_avg / (debias * math.sqrt(exp_avg_sq) + eps)), exp_avg, exp_avg_sq


def amsgrad(p, g, exp_avg, exp_avg_sq, max_exp_avg_sq, /, lr, l2, decay, b1, b1_c, b2, b2_c, debias, eps):
    g = g + l2 * p
    exp_avg = b1 * exp_avg + b1_c * g
    exp_avg_sq = b2 * exp_avg_sq + b2_c * (g * g)
    max_exp_avg_sq = exp_avg_sq if exp_avg_sq > max_exp_avg_sq else max_exp_avg_sq
    step = lr * exp_avg / (debias * math.sqrt(max_exp_avg_sq) + eps)
    return p - (decay * p + step), exp_avg, exp_avg_sq, max_exp_avg_sq


def adamax(p, g, exp_avg, exp_inf, /, lr, l2, b1, b1_c, b2, eps):
    g = g + l2 * p
    exp_avg = b1 * exp_avg + b1_c * g
    size = math.fabs(g) + eps
    exp_inf = size if size > b2 * exp_inf else b2 * exp_inf
    return p - lr * exp_avg / exp_inf, exp_avg, exp_inf


def nadam(p, g, exp_avg, exp_avg_sq, /, lr_g, lr_m, l2, decay, b1, b1_c, b2, b2_c, debias, eps):
    g = g + l2 * p
    exp_avg = b1 * exp_avg + b1_c * g
    exp_avg_sq = b2 * exp_avg_sq + b2_c * (g * g)
    step = (lr_g * g + lr_m * exp_avg) / (debias * math.sqrt(exp_avg_sq) + eps)
    return p - (decay * p + step), exp_avg, exp_avg_sq


def radam(p, g, exp_avg, exp_avg_sq, /, lr, l2, decay, b1, b1_c, b2, b2_c, adapt, plain, eps):
    g = g + l2 * p
    exp_avg = b1 * exp_avg + b1_c * g
    exp_avg_sq = b2 * exp_avg_sq + b2_c * (g * g)
    step = lr * exp_avg / (adapt * (math.sqrt(exp_avg_sq) + eps) + plain)
    return p - (decay * p + step), exp_avg, exp_avg_sq


def lion(p, g, exp_avg, /, lr, decay, b1, b1_c, b2, b2_c):
    u = b1 * exp_avg + b1_c * g
    exp_avg = b2 * exp_avg + b2_c * g
    step = lr if u > 0 else (-lr if u < 0 else u)
    return p - (decay * p + step), exp_avg


def signsgd(p, g, /, lr, l2):
    g = g + l2 * p
    return p - (lr if g > 0 else (-lr if g < 0 else g))


def signum(p, g, momentum_buffer, /, lr, l2, mu, mu_c):
    momentum_buffer = mu * momentum_buffer + mu_c * (g + l2 * p)
    step = lr if momentum_buffer > 0 else (-lr if momentum_buffer < 0 else momentum_buffer)
    return p - step, momentum_buffer


def rprop(p, g, prev, step_size, /, eta_minus, eta_plus, smallest, largest):
    agreement = g if prev > 0 else (-g if prev < 0 else prev)
    grown = eta_plus * step_size if agreement > 0 else (eta_minus * step_size if agreement < 0 else step_size)
    grown = smallest if grown < smallest else grown
    step_size = largest if grown > largest else grown
    prev = g - g if agreement < 0 else g
    return p - (step_size if prev > 0 else (-step_size if prev < 0 else prev)), prev, step_size


def ftrl(p, g, z, n, /, lr, beta, last_lr, last_beta, l1, l2):
    last = (last_beta + math.sqrt(n)) / last_lr
    n = n + g * g
    now = (beta + math.sqrt(n)) / lr
    z = z + (g - (now - last) * p)
    pull = l1 - z if z > l1 else (-l1 - z if z < -l1 else z - z)
    return pull / (now + l2), z, n


def asgd(p, g, ax, /, lr, l2, decay, keep):
    p = p - (decay * p + lr * (g + l2 * p))
    return p, p + keep * (ax - p)


def adabelief(p, g, exp_avg, exp_avg_var, /, lr, l2, decay, b1, b1_c, b2, b2_c, debias, eps):
    g = g + l2 * p
    exp_avg = b1 * exp_avg + b1_c * g
    surprise = g - exp_avg
    exp_avg_var = b2 * exp_avg_var + b2_c * (surprise * surprise) + eps
    return p - (decay * p + lr * exp_avg / (debias * math.sqrt(exp_avg_var) + eps)), exp_avg, exp_avg_var


def yogi(p, g, exp_avg, exp_avg_sq, /, lr, l2, decay, b1, b1_c, b2_c, debias, eps):
    g = g + l2 * p
    exp_avg = b1 * exp_avg + b1_c * g
    square = g * g
    change = b2_c * square
    change = change if exp_avg_sq < square else (-change if exp_avg_sq > square else change - change)
    exp_avg_sq = exp_avg_sq + change
    return p - (decay * p + lr * exp_avg / (debias * math.sqrt(exp_avg_sq) + eps)), exp_avg, exp_avg_sq


def adabound(p, g, exp_avg, exp_avg_sq, /, lr, l2, decay, b1, b1_c, b2, b2_c, eps, lowest, highest):
    g = g + l2 * p
    exp_avg = b1 * exp_avg + b1_c * g
    exp_avg_sq = b2 * exp_avg_sq + b2_c * (g * g)
    rate = lr / (math.sqrt(exp_avg_sq) + eps)
    rate = lowest if rate < lowest else (highest if rate > highest else rate)
    return p - (decay * p + rate * exp_avg), exp_avg, exp_avg_sq


def laprop(p, g, exp_avg, exp_avg_sq, /, lr, l2, decay, b1, b1_c, b2, b2_c, debias, eps):
    g = g + l2 * p
    exp_avg_sq = b2 * exp_avg_sq + b2_c * (g * g)
    exp_avg = b1 * exp_avg + b1_c * (g / (debias * math.sqrt(exp_avg_sq) + eps))
    return p - (decay * p + lr * exp_avg), exp_avg, exp_avg_sq


def adopt(p, g, exp_avg, exp_avg_sq, /, lr, l2, decay, b1, b1_c, b2, b2_c, eps, largest):
    g = g + l2 * p
    size = math.sqrt(exp_avg_sq)
    u = g / (size if size > eps else eps)
    u = largest if u > largest else (-largest if u < -largest else u)
    exp_avg = b1 * exp_avg + b1_c * u
    exp_avg_sq = b2 * exp_avg_sq + b2_c * (g * g)
    return p - (decay * p + lr * exp_avg), exp_avg, exp_avg_sq


def adan(
    p,
    g,
    exp_avg,
    exp_avg_diff,
    exp_avg_sq,
    prev_grad,
    /,
    lr,
    lr_d,
    decay,
    known,
    b1,
    b1_c,
    b2,
    b2_c,
    b3,
    b3_c,
    debias,
    eps,
):
    d = known * (g - prev_grad)
    exp_avg = b1 * exp_avg + b1_c * g
    exp_avg_diff = b2 * exp_avg_diff + b2_c * d
    u = g + b2 * d
    exp_avg_sq = b3 * exp_avg_sq + b3_c * (u * u)
    step = (lr * exp_avg + lr_d * exp_avg_diff) / (debias * math.sqrt(exp_avg_sq) + eps)
    return p - (decay * p + step), exp_avg, exp_avg_diff, exp_avg_sq, g


def ademamix(p, g, exp_avg, exp_avg_slow, exp_avg_sq, /, lr, lr_slow, decay, b1, b1_c, b2, b2_c, b3, b3_c, debias, eps):
    exp_avg = b1 * exp_avg + b1_c * g
    exp_avg_slow = b3 * exp_avg_slow + b3_c * g
    exp_avg_sq = b2 * exp_avg_sq + b2_c * (g * g)
    step = (lr * exp_avg + lr_slow * exp_avg_slow) / (debias * math.sqrt(exp_avg_sq) + eps)
    return p - (decay * p + step), exp_avg, exp_avg_slow, exp_avg_sq


def qhadam(p, g, exp_avg, exp_avg_sq, /, lr_g, lr_m, l2, decay, b1, b1_c, b2, b2_c, now, past, eps):
    g = g + l2 * p
    exp_avg = b1 * exp_avg + b1_c * g
    exp_avg_sq = b2 * exp_avg_sq + b2_c * (g * g)
    step = (lr_g * g + lr_m * exp_avg) / (math.sqrt(now * (g * g) + past * exp_avg_sq) + eps)
    return p - (decay * p + step), exp_avg, exp_avg_sq


def dog(p, g, init_buffer, /, lr, l2):
    return p - lr * (g + l2 * p), init_buffer


def dadapt_sgd(p, g, s, x0, /, lr, l2, mu_c):
    s = s + lr * (g + l2 * p)
    return p - mu_c * (p - (x0 - s)), s, x0


def dadapt_adam(p, g, exp_avg, exp_avg_sq, s, /, l2, decay, b1, lr_m, b2, b2_c, b3, lr_s, eps):
    g = g + l2 * p
    exp_avg = b1 * exp_avg + lr_m * g
    exp_avg_sq = b2 * exp_avg_sq + b2_c * (g * g)
    s = b3 * s + lr_s * g
    return p - (decay * p + exp_avg / (math.sqrt(exp_avg_sq) + eps)), exp_avg, exp_avg_sq, s


def prodigy(p, g, exp_avg, exp_avg_sq, s, p0, /, lr, l2, decay, b1, d_m, b2, d, b2_c, b3, lr_s, eps):
    g = g + l2 * p
    exp_avg = b1 * exp_avg + d_m * g
    exp_avg_sq = b2 * exp_avg_sq + b2_c * ((d * g) * (d * g))
    s = b3 * s + lr_s * g
    return p - (decay * p + lr * exp_avg / (math.sqrt(exp_avg_sq) + eps)), exp_avg, exp_avg_sq, s, p0


def schedule_free_sgd(p, g, z, /, lr, l2, pull, push):
    g = g + l2 * p
    return p - (pull * (p - z) + push * g), z - lr * g


def schedule_free_adamw(p, g, z, exp_avg_sq, /, lr, weight_decay, pull, push, b2, b2_c, debias, eps):
    exp_avg_sq = b2 * exp_avg_sq + b2_c * (g * g)
    u = g / (debias * math.sqrt(exp_avg_sq) + eps) + weight_decay * p
    return p - (pull * (p - z) + push * u), z - lr * u, exp_avg_sq


def alig(p, g, momentum_buffer, /, lr, mu):
    momentum_buffer = mu * momentum_buffer - lr * g
    return p - (lr * g - mu * momentum_buffer), momentum_buffer


def secant(p, g, prev_grad, /, lr):
    return p - lr * g, g


def cocob(p, g, L, grad_norm_sum, gradients_sum, tilde_w, reward, /, lr, alpha):
    size = math.fabs(g)
    L = size if size > L else L
    grad_norm_sum = grad_norm_sum + size
    gradients_sum = gradients_sum + g
    gain = reward - g * tilde_w
    reward = gain if gain > 0 else gain - gain
    spread = grad_norm_sum + L if grad_norm_sum + L > alpha * L else alpha * L
    w = -lr * (gradients_sum / (L * spread) * (reward + L))
    return p - (tilde_w - w), L, grad_norm_sum, gradients_sum, w, reward


def novograd(p, g, exp_avg, /, lr, b1, g_c, decay):
    exp_avg = b1 * exp_avg + (g_c * g + decay * p)
    return p - lr * exp_avg, exp_avg


def qhm(p, g, momentum_buffer, /, lr_g, lr_m, l2, mu, mu_c):
    g = g + l2 * p
    momentum_buffer = mu * momentum_buffer + mu_c * g
    return p - (lr_g * g + lr_m * momentum_buffer), momentum_buffer


def mechanic_sgd(p, g, momentum_buffer, delta, ref, /, lr, mu, s):
    momentum_buffer = mu * momentum_buffer + g
    delta = delta + lr * momentum_buffer
    return ref - s * delta, momentum_buffer, delta, ref


def mechanic_adam(p, g, exp_avg, exp_avg_sq, delta, ref, /, lr, b1, b1_c, b2, b2_c, debias, eps, s):
    exp_avg = b1 * exp_avg + b1_c * g
    exp_avg_sq = b2 * exp_avg_sq + b2_c * (g * g)
    delta = delta + lr * exp_avg / (debias * math.sqrt(exp_avg_sq) + eps)
    return ref - s * delta, exp_avg, exp_avg_sq, delta, ref


def cautious_adam(p, g, exp_avg, exp_avg_sq, /, lr, l2, decay, b1, b1_c, b2, b2_c, debias, eps):
    g = g + l2 * p
    exp_avg = b1 * exp_avg + b1_c * g
    exp_avg_sq = b2 * exp_avg_sq + b2_c * (g * g)
    agreement = exp_avg if g > 0 else (-exp_avg if g < 0 else g)
    step = lr * exp_avg / (debias * math.sqrt(exp_avg_sq) + eps)
    return p - (decay * p + (step if agreement > 0 else 0)), exp_avg, exp_avg_sq


def cautious_lion(p, g, exp_avg, /, lr, decay, b1, b1_c, b2, b2_c):
    u = b1 * exp_avg + b1_c * g
    exp_avg = b2 * exp_avg + b2_c * g
    agreement = u if g > 0 else (-u if g < 0 else g)
    step = lr if u > 0 else -lr
    return p - (decay * p + (step if agreement > 0 else 0)), exp_avg


def madgrad(p, g, grad_sum_sq, s, x0, /, lamb, l2, decay, c, eps):
    g = g + l2 * p
    grad_sum_sq = grad_sum_sq + lamb * (g * g)
    s = s + lamb * g
    # The cube root: 1/3 = 1/4 + 1/16 + 1/64 + 1/256 + ..., then Halley's method; square roots vectorise, libm's cbrt does not.
    v = grad_sum_sq if grad_sum_sq > 0 else 1
    fourth = math.sqrt(math.sqrt(v))
    sixteenth = math.sqrt(math.sqrt(fourth))
    rest = math.sqrt(math.sqrt(sixteenth))
    root = fourth * sixteenth * rest * math.sqrt(math.sqrt(rest))
    w = v / (root * root * root)
    root = root * (1 + 2 * w) / (2 + w)
    w = v / (root * root * root)
    root = root * (1 + 2 * w) / (2 + w)
    w = v / (root * root * root)
    root = root * (1 + 2 * w) / (2 + w)
    w = v / (root * root * root)
    root = root * (1 + 2 * w) / (2 + w)
    root = root if grad_sum_sq > 0 else grad_sum_sq
    return p - (decay * p + c * (p - (x0 - s / (root + eps)))), grad_sum_sq, s, x0
