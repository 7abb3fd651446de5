"""The curves that several schedules are made of, compiled: a step evaluates schedules, and calls take most of that time."""
from libc.math cimport INFINITY, pow, sin

cdef double HALF_PI = 1.5707963267948966


cpdef double half_wave(double left):
    """Return ``(1 + cos(pi*x)) / 2`` for ``x = 1 - left``, as a squared sine, which keeps its relative accuracy near the end."""
    cdef double wave = sin(HALF_PI * left)
    return wave * wave


cpdef double between(double value, double a, double b):
    """Return `value` kept between `a` and `b`: rounding never leaves the range that the formula attains."""
    if a > b:
        a, b = b, a
    return a if value < a else b if value > b else value


cpdef double falling_wave(double start, double end, double share):
    """Return half a cosine wave from `start` (share 0) to `end` (share 1)."""
    return between((start - end) * half_wave(1.0 - share) + end, start, end)


cpdef double scaled_power(double a0, double base, double exponent):
    """Return a0 * base**exponent, infinity where that overflows."""
    cdef double factor = pow(base, exponent)
    return a0 * factor if factor < INFINITY else INFINITY if a0 else 0.0
