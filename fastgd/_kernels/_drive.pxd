"""Memory and jobs of the driver, for `_plan.pyx`."""
cimport numpy as cnp

cdef enum:
    BLOCK = 4096          # elements of one partial sum: fixed, so that sums do not depend on threads
    TASK = 8 * BLOCK      # elements that a thread takes at a time
    SLOTS = 8             # state arrays of one parameter, at most
    SCALARS = 32          # scalars of one rule, at most
    SUMS = 4              # sums of one measure, at most
    LOOKS = 6             # sums of one look: three of the weights, three of the update
    DIMENSIONS = 64       # NumPy's own limit
    BYTES_BLOCK = 256     # elements of a state array of bytes that share a scale

cdef enum:
    FLOAT32 = 0
    FLOAT64 = 1
    FLOAT16 = 2
    BFLOAT16 = 3

ctypedef void (*pool_task)(void *context, Py_ssize_t k) noexcept nogil
ctypedef Py_ssize_t (*sweep_function)(Py_ssize_t n, void **arrays, const void *scalars) noexcept nogil
ctypedef void (*measure_function)(Py_ssize_t n, void **arrays, const double *scalars, double *sums) noexcept nogil
ctypedef double (*sum_function)(Py_ssize_t n, const void *x) noexcept nogil
ctypedef void (*widen_function)(Py_ssize_t n, const void *source, float *target) noexcept nogil
ctypedef void (*narrow_function)(Py_ssize_t n, const float *source, void *target) noexcept nogil

# A view whose elements are not side by side: its axes in the order in which the parameter lies in memory, joined where they can be.
cdef struct View:
    int ndim
    Py_ssize_t[DIMENSIONS] shape
    Py_ssize_t[DIMENSIONS] strides

# Typed memory of n elements: side by side, unless it has a view.
cdef struct Memory:
    char *data
    View *view
    Py_ssize_t n
    int dtype

cdef struct Parameter:
    Memory p
    Memory g                       # of this step; data is NULL where the gradient is None
    void *state[SLOTS]             # where a rule keeps state arrays in bytes, their scales come last
    int widths[SLOTS]              # bytes of an element; 0 for scales, one for each BYTES_BLOCK elements
    int n_slots
    int cohort
    sweep_function sweep
    measure_function measure       # NULL where the rule needs none
    Py_ssize_t first_block

# Where a task begins.
cdef struct Position:
    Py_ssize_t array, offset

cdef struct Job:
    Parameter *parameters
    Position *tasks
    Py_ssize_t n_tasks
    double *block_sums
    double *measured               # SUMS of each block
    double *looks                  # LOOKS of each block; NULL where nobody looks
    double *scalars64
    float *scalars32
    Py_ssize_t nonfinite

cdef void run_pool(pool_task task, void *context, Py_ssize_t n, int threads, bint linger) noexcept nogil
cdef void *allocate(Py_ssize_t n, Py_ssize_t size) except NULL
cdef void span_of(const Memory *m, Py_ssize_t itemsize, char **low, char **high) noexcept
cdef View *new_view(cnp.ndarray array, tuple axes) except? NULL
cdef int attach_states(Parameter *parameter, list states) except -1
cdef void norm_task(void *context, Py_ssize_t k) noexcept nogil
cdef void measure_all(Job *job, Py_ssize_t n, int threads, double *totals) noexcept nogil
cdef void sweep_task(void *context, Py_ssize_t k) noexcept nogil
cdef double pairwise(const double *x, Py_ssize_t n) noexcept nogil
cdef void run(pool_task task, Job *job, int threads) noexcept nogil
cdef list looked(Job *job, Py_ssize_t n)
