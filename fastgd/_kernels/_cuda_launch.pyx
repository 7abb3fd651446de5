"""Launches CUDA kernels by the address of the driver's `cuLaunchKernel`: nothing of CUDA is needed to compile or import this."""

from libc.stdint cimport int64_t

cdef enum:
    MOST = 16  # arguments of a kernel

# CUresult cuLaunchKernel(CUfunction, grid x, y, z, block x, y, z, bytes of shared memory, CUstream, arguments, extra)
ctypedef int (*launch_function)(
    void *, unsigned int, unsigned int, unsigned int, unsigned int, unsigned int, unsigned int, unsigned int, void *, void **, void **
) noexcept nogil


def launch(size_t entry, size_t function, unsigned int n_blocks, unsigned int n_threads, size_t stream, tuple arguments):
    """Launch a kernel of int64 arguments; return the driver's CUresult, 0 where all is well.

    Parameters
    ----------
    entry : int
        The address of `cuLaunchKernel`.
    function : int
        The kernel, as the driver knows it: a CUfunction or CUkernel.
    n_blocks, n_threads : int
    stream : int
        The CUstream.
    arguments : tuple of int
    """
    # Of this call alone, so that threads may launch the same kernel. The driver copies them; it may wait for room in the stream's queue,
    # even for a function of Python's on that stream: hence without the interpreter's lock.
    cdef int64_t values[MOST]
    cdef void *places[MOST]
    cdef Py_ssize_t k
    cdef int result
    if len(arguments) > MOST:
        raise ValueError(f"a kernel has {MOST} arguments at most; got {len(arguments)}")
    for k in range(len(arguments)):
        values[k] = arguments[k]
        places[k] = &values[k]
    with nogil:
        result = (<launch_function> entry)(
            <void *> function, n_blocks, 1, 1, n_threads, 1, 1, 0, <void *> stream, places, NULL
        )
    return result


# Python handles signals (Ctrl-C) between its own instructions, never in here: what these functions do is done wholly or not at all.


def launch_all(list launches, list after):
    """Launch kernels one after the other, then set attributes; return how many were launched, and the driver's last CUresult.

    Parameters
    ----------
    launches : list of (kernel, int, int, tuple of int)
        Each a `Kernel` with a way to the driver, how many blocks, the stream, and the arguments.
    after : list of (object, str, object)
        An owner, the name of its attribute, the value; where a launch fails, none is set.
    """
    cdef int result
    for k, (kernel, n_blocks, stream, arguments) in enumerate(launches):
        entry, function = kernel.direct
        result = launch(entry, function, n_blocks, kernel.n_threads, stream, arguments)
        if result:
            return k, result
    set_all(after)
    return len(launches), 0


def set_all(list after):
    """Set attributes: of each entry an owner, the name, the value."""
    for owner, name, value in after:
        setattr(owner, name, value)


def release(plan, holder):
    """Let go of the gradients, if `holder` holds the plan: a method of `CudaPlan`."""
    if plan.holder is not holder:
        return
    try:
        if plan.trying:
            plan.put_back()
        plan.finish()
    finally:
        plan.look.forget()
        plan.substitutes, plan.tables, plan.holder = {}, plan.own_tables, None
