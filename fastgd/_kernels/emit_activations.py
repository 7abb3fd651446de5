"""Write ``_activations.pyx`` from ``activations.py``, as ``emit.py`` does for rules and losses.

    python -m fastgd._kernels.emit            rewrites it too; with --check it only says whether it is fresh

Each activation becomes an inline function and one loop per dtype, which writes the values in place of what it reads::

    void activation(Py_ssize_t n, T *z, T *slope, const T *hyper)
"""

from pathlib import Path

from fastgd._kernels import emit
from fastgd._kernels.emit_text import ARRAYS

HERE = Path(__file__).parent
TARGET = HERE / "_activations.pyx"

PRELUDE = (
    '''\
# Generated from activations.py by emit_activations.py. Do not edit: change the activation, then run `python -m fastgd._kernels.emit`.
"""Every activation as an inline function and one loop per dtype; `ACTIVATIONS` holds the loops' addresses."""
from cython cimport floating
cimport fastgd._kernels.lane_math as math

'''
    + ARRAYS
)
LOOP = """

cdef void {name}_{dtype}(Py_ssize_t n_, {c_type} *z_, {c_type} *slope_, const {c_type} *hyper_) noexcept nogil:
    cdef {dtype}_array z = <{dtype}_array> z_
    cdef {dtype}_array slope = <{dtype}_array> slope_
{hyper}    cdef Py_ssize_t i_
    for i_ in range(n_):
        z[i_], slope[i_] = {name}({arguments})
"""


def _loop(activation: emit.Rule, dtype: str) -> str:
    if activation.element != ["z"] or activation.n_outputs != 2:
        raise emit.RuleError(
            f"{activation.filename}: {activation.name}() must take (z, /, ...) and return (value, slope)"
        )
    c_type = emit.C_TYPES[dtype]
    hyper = "".join(f"    cdef {c_type} {name} = hyper_[{k}]\n" for k, name in enumerate(activation.hyper))
    arguments = ", ".join(["z[i_]", *activation.hyper])
    return LOOP.format(name=activation.name, dtype=dtype, c_type=c_type, hyper=hyper, arguments=arguments)


def module() -> str:
    """Return the text of ``_activations.pyx``."""
    activations = emit.parse(HERE / "activations.py")
    text, rows = [PRELUDE], []
    for activation in activations.values():
        text += [activation.function(), *(_loop(activation, dtype) for dtype in emit.C_TYPES)]
        rows += [f'    ("{activation.name}", "{d}"): <size_t> &{activation.name}_{d},' for d in emit.C_TYPES]
    return "".join([*text, emit.TABLE.format(table="ACTIVATIONS", rows="\n".join(rows))])
