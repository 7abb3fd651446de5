"""OpenMP's thread limit, and nothing else: loaded with fastgd, before NumPy, so that threadpoolctl sees the runtime from then on."""

cdef extern from *:
    """
    #ifdef _OPENMP
    #include <omp.h>
    static int allowed_threads(void) { return omp_get_max_threads(); }
    #else
    static int allowed_threads(void) { return 0; }
    #endif
    """
    int allowed_threads() noexcept nogil


def openmp_threads():
    """Return OpenMP's thread limit for the calling thread (`OMP_NUM_THREADS`, threadpoolctl); 0 where built without OpenMP."""
    return allowed_threads()
