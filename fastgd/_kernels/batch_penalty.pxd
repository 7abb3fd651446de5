"""What a penalty does to one weight in one step, beside the update: its share of decay before, its soft threshold after."""
from cython cimport floating


cdef inline floating decayed(floating p, floating share) noexcept nogil:
    """Return the weight without a share of it; never ``(1 - share) * p``, whose factor would round a small share away."""
    return p - share * p


cdef inline floating thresholded(floating p, floating threshold) noexcept nogil:
    """Return the weight moved towards 0, not beyond; NaN stays NaN."""
    return p - threshold if p > threshold else (p + threshold if p < -threshold else p - p)
