"""``math`` at the width of its argument: float32 in, float32 out (libc's ``sqrt`` alone would compute a float32 in double)."""
from cython cimport floating
from libc cimport math as c


cdef inline floating sqrt(floating x) noexcept nogil:
    return c.sqrtf(x) if floating is float else c.sqrt(x)


cdef inline floating fabs(floating x) noexcept nogil:
    return c.fabsf(x) if floating is float else c.fabs(x)


cdef inline floating exp(floating x) noexcept nogil:
    return c.expf(x) if floating is float else c.exp(x)


cdef inline floating log1p(floating x) noexcept nogil:
    return c.log1pf(x) if floating is float else c.log1p(x)
