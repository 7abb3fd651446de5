"""Compiles a user's update rule with Numba to the kernel that built-in rules have, and keeps the machine code on disk.

Every compiled sweep, ours or a user's, is a C function of one signature, so one driver runs them all::

    void sweep(Py_ssize_t n, void **arrays, const T *scalars)

with ``arrays`` p, g, *state and ``scalars`` scale, limit, *hyper. For each element it clips the gradient,
``x = clipped(g, scale, limit)``, and sets ``p, *state = rule(p, x, *state, *hyper)``. The arrays never overlap, which
the compiler is told, so the loop is vectorised. IEEE arithmetic: no fast-math, no contraction.

The road of a rule: `_jit_source` rewrites it into the array's dtype; Numba types and optimises that text; the object
file that LLVM makes of it is what runs, and what `_jit_cache` stores. The next process loads that file in a few
milliseconds, without importing Numba.
"""

import ctypes
import os
import sys
import threading
import types
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from fastgd._kernels import _jit_cache
from fastgd._kernels._jit_source import OWNER, RuleText, signature, written_function, written_rule
from fastgd._validation import ArgumentValueError, shortened, type_error, value_error

_lock = threading.RLock()
# Key -> address, and what keeps the code alive; never emptied, because others hold the addresses.
_machines: dict[str, tuple[int, object]] = {}
# Not the lock above: its holder may wait for Numba's compiler, whose holder calls `register`.
_registration = threading.Lock()
_registered = False


def _after_fork() -> None:
    global _lock
    _lock = threading.RLock()  # the thread that held it does not exist in the child


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


class Sweep:
    """One rule compiled for one dtype; callable on arrays, for tests and for a look around.

    Attributes
    ----------
    rule : function
        The rule it was compiled from.
    dtype : dtype
        float32 or float64.
    address : int
        Where the native function starts; valid as long as the process lives.
    elements, hyper : tuple of str
        The names of the arrays (``p, g, *state``) and of the scalars after ``scale, limit``.
    """

    def __init__(self, rule: Callable, dtype: np.dtype, address: int):
        self.rule = rule
        self.dtype = dtype
        self.address = address
        self.elements, self.hyper = signature(rule)
        self._call = ctypes.CFUNCTYPE(ctypes.c_ssize_t, ctypes.c_ssize_t, ctypes.c_void_p, ctypes.c_void_p)(address)

    def __repr__(self) -> str:
        return f"<Sweep {self.rule.__name__} {self.dtype} at {self.address:#x}>"

    def __call__(self, arrays: Sequence[np.ndarray], scalars: Sequence[float]) -> int:
        """Update ``p`` and the state arrays in place; return how many gradient elements were NaN or infinite.

        Parameters
        ----------
        arrays : sequence of ndarray, all of one size, C-contiguous, of the sweep's dtype
            ``p, g, *state``.
        scalars : sequence of float
            ``scale, limit, *hyper``.
        """
        if len(arrays) != len(self.elements):
            accepted = f"{len(self.elements)} arrays: {', '.join(self.elements)}"
            raise value_error("Sweep", "arrays", accepted, len(arrays))
        for name, array in zip(self.elements, arrays, strict=True):
            if not isinstance(array, np.ndarray) or array.dtype != self.dtype or not array.flags.c_contiguous:
                raise type_error("Sweep", name, f"a contiguous array of {self.dtype}", array)
            if array.size != arrays[0].size or not (array.flags.writeable or name == "g"):
                raise value_error("Sweep", name, f"a writable array of {arrays[0].size} elements", array.shape)
        values = np.array(scalars, self.dtype)
        if values.shape != (len(self.hyper) + 2,):
            accepted = f"{len(self.hyper) + 2} numbers: {', '.join(('scale', 'limit', *self.hyper))}"
            raise value_error("Sweep", "scalars", accepted, scalars)
        pointers = (ctypes.c_void_p * len(arrays))(*(a.ctypes.data for a in arrays))
        return self._call(arrays[0].size, pointers, values.ctypes.data)


def compile_sweep(rule: Callable, dtype: object, quiet: bool = False) -> Sweep:
    """Compile an update rule for arrays of one dtype; what was compiled before is loaded.

    Parameters
    ----------
    rule : function
        ``(p, g, *state, /, *hyper) -> p`` or ``-> (p, *state)``: the update of one element. It may use arithmetic,
        comparisons, ``if``, numbers, `abs`, `min`, `max`, elementary functions of `math`, and functions made of these.
    dtype : dtype
        float32 or float64. The rule computes in it; see `_jit_source` for what that means for its numbers.
    quiet : bool
        Compile without a word on stderr. (The logger "fastgd" gets the line in any case.)

    Returns
    -------
    Sweep

    Raises
    ------
    ArgumentTypeError, ArgumentValueError
        `rule` is not such a function, or `dtype` is another; the message names the line and says what to write.
    """
    dtype = _checked_dtype(dtype)
    text = _written(rule, dtype)
    key = _jit_cache.key(text.text)
    if key not in _machines:
        with _lock:
            if key not in _machines:
                _machines[key] = _loaded(key) or _compiled(text, key, rule, quiet)
        _jit_cache.report()
    return Sweep(rule, dtype, _machines[key][0])


def interpreted(rule: Callable, dtype: object) -> Callable:
    """Return what `compile_sweep` compiles as CPython runs it: a function of NumPy scalars, the oracle of the tests.

    Parameters
    ----------
    rule, dtype
        As in `compile_sweep`.

    Examples
    --------
    >>> from fastgd._kernels import jit, rules
    >>> rule = jit.interpreted(rules.sgd, "float32")
    >>> f = np.float32
    >>> rule(f(1), f(2), f(0.25), f(0))
    np.float32(0.5)
    """
    text = _written(rule, _checked_dtype(dtype))
    return text.defined()[text.name]


def _written(rule: Any, dtype: np.dtype) -> RuleText:
    from fastgd._kernels import rules

    clip: Any = rules.clipped
    return written_rule(rule, dtype, clip)


def _checked_dtype(dtype: Any) -> np.dtype:
    try:
        found = np.dtype(dtype)
    except TypeError:
        raise type_error(OWNER, "dtype", "float32 or float64", dtype) from None
    if found not in (np.float32, np.float64):
        raise type_error(OWNER, "dtype", "float32 or float64", dtype)
    return np.dtype(found.type)


# Machine code


def _loaded(key: str) -> tuple[int, object] | None:
    """Return the machine of a stored kernel, None where there is none that can run here."""
    from fastgd._kernels import _jit_machine

    stored = _jit_cache.load(key)
    if stored is None:
        return None
    header, code = stored
    try:
        return _jit_machine.linked(code, str(header["symbol"])), None
    except (RuntimeError, KeyError) as error:
        _jit_cache.complain(f"a stored kernel does not load ({error})")
        return None


def _compiled(text: RuleText, key: str, rule: Callable, quiet: bool) -> tuple[int, object]:
    """Compile with Numba, store the object, and return the machine."""
    import logging

    from fastgd._kernels import _jit_machine

    logger = logging.getLogger("fastgd")
    where = f"once; cached in {_jit_cache.folder()}" if _jit_cache.usable() else "in each process: no cache"
    message = f"compiling rule {rule.__name__!r} for {text.dtype} (about 1 s, {where})"
    logger.info(message)
    if not quiet and not (logger.isEnabledFor(logging.INFO) and logger.hasHandlers()):  # the log has not shown it
        print(f"fastgd: {message}", file=sys.stderr)
    kernel = _numba_kernel(text, rule)
    try:
        code = _jit_machine.emitted(kernel.inspect_llvm())
        machine = _jit_machine.linked(code, kernel.native_name), None
    except (RuntimeError, KeyError) as error:
        logger.info("the kernel of %r stays in memory: %s", rule.__name__, error)
        return kernel.address, kernel
    _jit_cache.store(key, {"symbol": kernel.native_name, "rule": rule.__name__, "dtype": text.dtype.name}, code)
    return machine


# Numba


def _jitted(text: RuleText) -> dict[str, Any]:
    """Return what the text defines: Numba compiles its functions where the sweep or a user's function calls them."""
    import numba

    world = text.defined()
    for name, function in world.items():
        if isinstance(function, types.FunctionType) and name not in ("_fastgd_sweep", "_fastgd_call"):
            world[name] = numba.njit(error_model="numpy", forceinline=True)(function)
    return world


def _numba_kernel(text: RuleText, rule: Callable):
    """Return the `numba.cfunc` of a text with a sweep."""
    import numba
    from numba.core.errors import NumbaError

    if vars(numba.config)["DISABLE_JIT"]:
        raise RuntimeError(
            "NUMBA_DISABLE_JIT is set, so a rule of your own cannot be compiled. Unset it, or use a built-in optimizer."
        )
    world = _jitted(text)
    world.update(_accesses(len(signature(rule)[0])))
    element = numba.from_dtype(text.dtype)
    pointer = numba.types.CPointer(element)
    prototype = numba.types.intp(numba.types.intp, numba.types.CPointer(pointer), pointer)
    try:
        kernel = numba.cfunc(prototype, error_model="numpy")(world["_fastgd_sweep"])
    except NumbaError as error:
        reason = shortened(str(error).strip().splitlines()[0], 150)
        raise ArgumentValueError(shortened(f"Numba cannot compile the rule {rule.__name__!r}: {reason}")) from error
    _require_one_type(world, element)
    return kernel


def _require_one_type(world: dict[str, object], element: object) -> None:
    """Refuse a text with a function of another type than the array's: it is slower, and rounds otherwise."""
    for name, function in world.items():
        for found in getattr(function, "nopython_signatures", ()):
            if any(t != element for t in getattr(found.return_type, "types", (found.return_type,))):
                what = f"{name} returns {found.return_type} in a rule for {element}"
                raise RuntimeError(f"{what}; please report this rule")


def _accesses(arrays: int) -> dict[str, object]:
    """Return the loads and stores of a sweep over so many arrays.

    They tell LLVM two things that an address cannot: that arrays never overlap (scoped-noalias metadata), so that the
    loop is vectorised without run-time checks, and that the tables of pointers and scalars stay, so that they are read
    once.
    """
    from numba import types as nb
    from numba.extending import intrinsic

    def marked(builder, instruction, slot):
        module = builder.module
        domain = module.add_metadata(["fastgd"])
        scopes = [module.add_metadata([f"fastgd {k}", domain]) for k in range(arrays)]
        instruction.set_metadata("alias.scope", module.add_metadata([scopes[slot]]))
        instruction.set_metadata("noalias", module.add_metadata([s for k, s in enumerate(scopes) if k != slot]))
        return instruction

    def constant(builder, table, index):
        found = builder.load(builder.gep(table, [index]))
        found.set_metadata("invariant.load", builder.module.add_metadata([]))
        return found

    @intrinsic
    def at(context, table, index):
        def generate(context, builder, signature, arguments):
            return constant(builder, *arguments)

        return table.dtype(table, nb.intp), generate

    @intrinsic(prefer_literal=True)
    def load(context, table, slot, index):
        def generate(context, builder, signature, arguments):
            array = constant(builder, arguments[0], arguments[1])
            return marked(builder, builder.load(builder.gep(array, [arguments[2]])), slot.literal_value)

        return table.dtype.dtype(table, slot, nb.intp), generate

    @intrinsic(prefer_literal=True)
    def store(context, table, slot, index, value):
        def generate(context, builder, signature, arguments):
            array = constant(builder, arguments[0], arguments[1])
            marked(builder, builder.store(arguments[3], builder.gep(array, [arguments[2]])), slot.literal_value)
            return context.get_dummy_value()

        return nb.void(table, slot, nb.intp, table.dtype.dtype), generate

    return {"_fastgd_at": at, "_fastgd_load": load, "_fastgd_store": store}


# Built-in rules in a user's own compiled code


def register() -> None:
    """Teach Numba the functions of `fastgd._kernels.rules`; Numba calls this by the entry point `numba_extensions`.

    A rule called inside ``@numba.njit`` computes in the dtype of its first argument, float32 or float64, and takes all
    others as that: the same bits as the kernels, whatever Python numbers it is passed.
    """
    global _registered
    from fastgd._kernels import rules

    with _registration:
        if not _registered:
            _registered = True
            for name, function in vars(rules).items():
                if isinstance(function, types.FunctionType) and not name.startswith("_"):
                    _overload(function)


def _overload(function: types.FunctionType) -> None:
    from numba import from_dtype
    from numba.extending import overload

    kinds = {from_dtype(np.dtype(kind)): np.dtype(kind) for kind in ("float32", "float64")}

    @overload(function, strict=False, jit_options={"error_model": "numpy", "forceinline": True})
    def typed(first, *others, **named):
        dtype = kinds.get(first)
        return None if dtype is None else _converting(written_function(function, dtype))


def _converting(text: RuleText) -> Callable:
    """Return the function of a text, its arguments converted to the text's dtype."""
    form = ", ".join(text.arguments)
    converted = ", ".join(f"_fastgd_T({a})" for a in text.arguments)
    whole = text._replace(text=f"{text.text}\n\ndef _fastgd_call({form}):\n    return {text.name}({converted})\n")
    return _jitted(whole)["_fastgd_call"]
