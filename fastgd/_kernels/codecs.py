"""How a state array is kept in one byte an element, in blocks of 256 that share a scale; one scalar at a time, in the language of rules.

Codes are proportional to roots, so that they lie close near 0, where most elements are: ``int8``, for averages of gradients, to nearly the
square root of :math:`|x|`, with the sign of :math:`x`, from -127 to 127; ``uint8``, for averages of squares, which span twice the orders of
magnitude, to nearly the fourth root. The scale of a block is the root that one code stands for. An average of squares ends up in a
denominator: only the root 0 has the code 0, and what is too small has the code 1, because a denominator that were rounded to 0 would make
its step infinite.

Nearly: the root of a float32 is the one whose bits are a half (a quarter) of its own, after the exponent's bias, less what that makes of 0.
Between powers of two the bits grow linearly, where their logarithm does not, so that it is up to 6.1 % above the exact root. That costs no
precision, because twice (four times) the bits undo it. And it is a shift and two sums, where a correctly rounded root takes ten
instructions and a branch, for which a GPU's step might wait instead of for memory. Executors have among their primitives, made
of the numbers below, for :math:`x >= 0`, as a format's size of a number is::

    root(x)  = float(bits(x) >> shift + of_zero) - float(of_zero)
    power(r) = float((bits(r + float(of_zero)) - of_zero) << shift)

The root of a number has its sign, and is encoded; a code times its block's scale is the root of the number that is decoded.

What a code function returns is still to be rounded to an integer. `dither`, between -1/2 and 1/2, moves from step to step, so that the
changes of an average, each far smaller than the distance of two codes, are not rounded away step after step.
"""

import math

AVERAGES = {
    **dict.fromkeys(("exp_avg", "exp_avg_slow", "momentum_buffer"), "int8"),
    **dict.fromkeys(("exp_avg_sq", "exp_avg_var", "max_exp_avg_sq", "square_avg", "exp_inf", "acc_delta"), "uint8"),
}
"""The state arrays of rules that are moving averages, and the format of each: a rule of other ones has none of this."""

SHIFT = {"int8": 1, "uint8": 2}
"""By how many places the bits of a float32 are shifted to those of its root."""
OF_ZERO = {kind: (127 << 23) - ((127 << 23) >> shift) for kind, shift in SHIFT.items()}
"""What keeps the bits of 1, and becomes of those of 0."""
SHARE = {"int8": 1 / 127, "uint8": 1 / 255}
"""Which part of a block's largest root its scale is."""


def int8_size(x, /):
    x = math.fabs(x)
    return x if x > 0 else 0  # a NaN too, on every executor


def int8_root(x, root, /):
    return root if x > 0 else -root


def int8_code(root, /, per_root, dither):
    code = root * per_root + dither
    code = code if code < 127 else 127
    return code if code > -127 else -127


def int8_value(root, power, /):
    return -power if root < 0 else power


def uint8_size(x, /):
    return x


def uint8_root(x, root, /):
    return root if x > 0 else 0


def uint8_code(root, /, per_root, dither):
    code = root * per_root + dither
    code = code if code > 1 else 1
    code = code if code < 255 else 255
    return code if root > 0 else 0


def uint8_value(root, power, /):
    return power


def code_root(largest_root, /, share):
    return largest_root * share


def codes_per_root(scale, /):
    return 1 / (scale if scale > 0 else 1)
