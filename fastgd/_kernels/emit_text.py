"""The Cython text that emit.py fills in: preludes of the modules, and the loops around the verbatim bodies."""

ARRAYS = '''\
cdef extern from *:
    """
    typedef float *__restrict float32_array;
    typedef double *__restrict float64_array;
    """
    ctypedef float *float32_array
    ctypedef double *float64_array
'''
PRELUDE = (
    '''\
# Generated from rules.py, losses.py and measures.py by emit.py. Do not edit: change the rule, then run `python -m fastgd._kernels.emit`.
"""Every rule, loss and measure as an inline function and one loop per dtype; `RULES`, `LOSSES`, `MEASURES` hold their addresses."""
from cython cimport floating
from fastgd._kernels cimport cmath as math

'''
    + ARRAYS
)
FUNCTION = """

cdef inline {returns} {name}(
{arguments}
) noexcept nogil:
{body}
"""
LOOP = """

cdef Py_ssize_t {name}_{dtype}(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
{declarations}
    cdef Py_ssize_t i_
    cdef {count} nonfinite_ = 0
    for i_ in range(n_):
{statements}
    return nonfinite_
"""
MEASURE_LOOP = """

cdef void {name}_{dtype}(Py_ssize_t n_, void **arrays_, const double *scalars_, double *sums_) noexcept nogil:
{declarations}
    cdef Py_ssize_t i_, j_
    cdef double {values}
    cdef double[LANES] {lanes}
    for j_ in range(LANES):
        {zero} = 0
    for i_ in range(n_ // LANES):
        for j_ in range(LANES):
{inner}
    for j_ in range(n_ % LANES):
{tail}
{folds}
"""
MEASURE_PRELUDE = """

cdef enum:
    LANES = 16  # partial sums side by side: their order is fixed here, so it is the same for every vector width


cdef inline double folded(double *x) noexcept nogil:
    cdef Py_ssize_t j, width = LANES
    while width > 1:
        width = width // 2
        for j in range(width):
            x[j] += x[j + width]
    return x[0]
"""
TABLE = """

{table} = {{
{rows}
}}
"""
LANES_PRELUDE = (
    '''\
# Generated from losses.py by emit.py. Do not edit: change the loss, then run `python -m fastgd._kernels.emit`.
"""Every loss over a fixed number of lanes, whose loop the compiler vectorises; `LANE_LOSSES` holds the loops' addresses.

`LANE_SLOPES` holds those of the slopes alone, of one lane: its numbers stay in registers.
"""
from cython cimport floating
cimport fastgd._kernels.lane_math as math

'''
    + ARRAYS
)
LANES_LOOP = """

cdef void {name}_{dtype}_{lanes}(
    const {c_type} *z_, const {c_type} *y_, const {c_type} *hyper_, {c_type} *value_, {c_type} *slope_
) noexcept nogil:
    cdef {dtype}_array z = <{dtype}_array> z_
    cdef {dtype}_array y = <{dtype}_array> y_
    cdef {dtype}_array value = <{dtype}_array> value_
    cdef {dtype}_array slope = <{dtype}_array> slope_{hyper}
    cdef Py_ssize_t i_
    for i_ in range({lanes}):
        value[i_], slope[i_] = {call}
"""
LANES_SLOPE = """

cdef {c_type} {name}_{dtype}_slope({c_type} z, {c_type} y, const {c_type} *hyper) noexcept nogil:
    return {call}[1]
"""
RULES_PRELUDE = (
    '''\
# Generated from rules.py by emit.py. Do not edit: change the rule, then run `python -m fastgd._kernels.emit`.
"""Every rule, with the penalty, over features and a fixed number of lanes; `LANE_RULES` holds the loops' addresses."""
from cython cimport floating
from libc.stdint cimport int64_t

from fastgd._kernels cimport cmath as math
from fastgd._kernels.batch_penalty cimport decayed, thresholded

'''
    + ARRAYS
)
RULES_LOOP = """

cdef void {name}_{dtype}_{lanes}(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
{declarations}
    cdef {dtype}_array scalars = <{dtype}_array> scalars_
    cdef Py_ssize_t i_, k_, l_
{side_by_side}    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range({lanes}):
{statements}
        scalars += advance_
"""
# One lane, all features: the features are what the loop runs over.
SIDE_BY_SIDE = """\
    if which_ == NULL and stride_ == 1:
        for i_ in range(n_):
{statements}
        return
"""
