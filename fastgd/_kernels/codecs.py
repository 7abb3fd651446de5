"""How a state array is kept in one byte an element, in blocks of 256 that share a scale; one scalar at a time, in the language of rules.

Codes are proportional to roots, so that they lie close near 0, where most elements are: ``int8``, for averages of gradients, to the square
root of :math:`|x|`, with the sign of :math:`x`, from -127 to 127; ``uint8``, for averages of squares, which span twice the orders of
magnitude, to the fourth root. The scale is that root of the block's largest element. An average of squares ends up in a denominator:
only 0 has the code 0, and what is too small has the code 1, because a denominator that were rounded to 0 would make its step infinite.

What a code function returns is still to be rounded to an integer. `dither`, between -1/2 and 1/2, moves from step to step, so that the
changes of an average, each far smaller than the distance of two codes, are not rounded away step after step.
"""

import math

AVERAGES = {
    **dict.fromkeys(("exp_avg", "exp_avg_slow", "momentum_buffer"), "int8"),
    **dict.fromkeys(("exp_avg_sq", "exp_avg_var", "max_exp_avg_sq", "square_avg", "exp_inf", "acc_delta"), "uint8"),
}
"""The state arrays of rules that are moving averages, and the format of each: a rule of other ones has none of this."""


def int8_scale(largest, /):
    return math.sqrt(largest)


def int8_per_root(scale, /):
    return 127 / (scale if scale > 0 else 1)


def int8_per_code(scale, /):
    return scale / 127


def int8_code(x, /, per_root, dither):
    root = math.sqrt(math.fabs(x)) * per_root
    code = (root if x > 0 else -root) + dither
    code = code if code < 127 else 127
    return code if code > -127 else -127


def int8_value(code, /, per_code):
    root = code * per_code
    return root * math.fabs(root)


def uint8_scale(largest, /):
    return math.sqrt(math.sqrt(largest))


def uint8_per_root(scale, /):
    return 255 / (scale if scale > 0 else 1)


def uint8_per_code(scale, /):
    return scale / 255


def uint8_code(x, /, per_root, dither):
    code = math.sqrt(math.sqrt(x)) * per_root + dither
    code = code if code > 1 else 1
    code = code if code < 255 else 255
    return code if x > 0 else 0


def uint8_value(code, /, per_code):
    root = code * per_code
    square = root * root
    return square * square
