"""Producers of arrays "on a GPU" for the simulator: host memory behind the interfaces that CuPy, Numba and JAX have."""

import ctypes
import threading

import numpy as np

from fastgd._kernels import cuda


def lend(host):
    """Make host memory the device's, where something other than the simulator stands for the GPU; see `ptx_gpu`."""
    return host


class Produced:
    """An array behind ``__cuda_array_interface__``; the values are in `host`."""

    def __init__(self, host, *, readonly=False, mask=None, stream=None, strides=None, typestr=None):
        self.host, self.dtype = lend(host), host.dtype
        self.extra = {
            "mask": mask,
            "stream": stream,
            "strides": strides or (None if host.flags.c_contiguous else host.strides),
        }
        self.readonly, self.typestr = readonly, typestr or host.dtype.str

    @property
    def __cuda_array_interface__(self):
        data = (self.host.ctypes.data if self.host.size else 0, self.readonly)
        return {"shape": self.host.shape, "typestr": self.typestr, "data": data, "version": 3, **self.extra}


class _Tensor(ctypes.Structure):
    _fields_ = (
        ("data", ctypes.c_void_p), ("device_type", ctypes.c_int32), ("device_id", ctypes.c_int32), ("ndim", ctypes.c_int32),
        ("code", ctypes.c_uint8), ("bits", ctypes.c_uint8), ("lanes", ctypes.c_uint16),
        ("shape", ctypes.POINTER(ctypes.c_int64)), ("strides", ctypes.POINTER(ctypes.c_int64)), ("offset", ctypes.c_uint64),
    )  # fmt: skip


class _Managed(ctypes.Structure):
    _fields_ = (("tensor", _Tensor), ("context", ctypes.c_void_p), ("deleter", ctypes.c_void_p))


class _Versioned(ctypes.Structure):
    _fields_ = (
        ("major", ctypes.c_uint32), ("minor", ctypes.c_uint32), ("context", ctypes.c_void_p), ("deleter", ctypes.c_void_p),
        ("flags", ctypes.c_uint64), ("tensor", _Tensor),
    )  # fmt: skip


_new = ctypes.pythonapi.PyCapsule_New
_new.restype, _new.argtypes = ctypes.py_object, [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
CODES = {"float32": (2, 32), "float64": (2, 64), "float16": (2, 16), "bfloat16": (4, 16), "int32": (0, 32)}


class ByDLPack:
    """An array behind DLPack alone, of the old layout or the versioned one."""

    def __init__(self, host, *, versioned=True, readonly=False, device=(2, 0)):
        self.host, self.versioned, self.readonly, self.device = lend(host), versioned, readonly, device

    def __dlpack_device__(self):
        return self.device

    def __dlpack__(self, *, stream=None, **options):
        if options and not self.versioned:
            raise TypeError("no such option")
        code, bits = CODES[self.host.dtype.name]
        self.shape = (ctypes.c_int64 * self.host.ndim)(*self.host.shape)
        self.strides = (ctypes.c_int64 * self.host.ndim)(*(s // self.host.itemsize for s in self.host.strides))
        tensor = _Tensor(
            self.host.ctypes.data, *self.device, self.host.ndim, code, bits, 1, self.shape, self.strides, 0
        )
        if self.versioned:
            self.managed = _Versioned(1, 0, None, None, int(self.readonly), tensor)
            return _new(ctypes.addressof(self.managed), b"dltensor_versioned", None)
        self.managed = _Managed(tensor, None, None)
        return _new(ctypes.addressof(self.managed), b"dltensor", None)


_describe_type = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.py_object, ctypes.POINTER(_Tensor))
_stream_type = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.c_int32, ctypes.c_int32, ctypes.POINTER(ctypes.c_void_p))


_exchange_name = b"dlpack_exchange_api"  # a capsule does not keep its name


class _Exchange(ctypes.Structure):
    _fields_ = (
        ("major", ctypes.c_uint32), ("minor", ctypes.c_uint32), ("previous", ctypes.c_void_p), ("unused", ctypes.c_void_p * 3),
        ("describe", _describe_type), ("current_stream", _stream_type),
    )  # fmt: skip


@_describe_type
def _describe(leaf, tensor):
    leaf.__dlpack__()
    tensor[0] = leaf.managed.tensor
    return 0


@_stream_type
def _current_stream(kind, number, stream):
    stream[0] = Exchanging.stream
    return 0


class Exchanging(ByDLPack):
    """The same, of a type that offers DLPack's exchange of C functions, as torch's does; its library works on one stream at a time."""

    stream = 0
    functions = _Exchange(1, 3, None, (ctypes.c_void_p * 3)(), _describe, _current_stream)
    __dlpack_c_exchange_api__ = _new(ctypes.addressof(functions), _exchange_name, None)


def shifted(n, dtype, shift, fill=0.0):
    """Return an array whose first element lies `shift` elements after an address divisible by 64, guard words around it, and the whole."""
    itemsize = np.dtype(dtype).itemsize
    whole = np.full(n + 128 // itemsize + 2 * 64 // itemsize, 7.0, dtype)
    start = (-whole.ctypes.data // itemsize) % (64 // itemsize) + 64 // itemsize + shift
    whole[start : start + n] = fill
    return whole[start : start + n], whole, start


def few_threads(monkeypatch, n):
    """Give blocks `n` threads in the simulator, where a barrier among threads is what takes time."""
    if cuda.SIMULATED:
        monkeypatch.setattr(cuda, "BLOCK", n)


def in_thread(function):
    """Call a function in a thread of its own; fail where it raises."""
    failed = []

    def run():
        try:
            function()
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert not failed, failed


def random(rng, sizes, dtype):
    return [rng.standard_normal(n).astype(dtype) for n in sizes]


class Pair:
    """The same state twice: on the processor, and on the simulated GPU."""

    def __init__(self, optimizer, values, wrap=Produced, **options):
        self.here, self.there = [v.copy() for v in values], [v.copy() for v in values]
        self.cpu = optimizer.init(self.here, **options)
        self.wrap = wrap
        self.params = [wrap(v) for v in self.there]
        self.gpu = optimizer.init(self.params, **options)

    def step(self, grads, **options):
        wrapped = [None if g is None else self.wrap(g) for g in grads]
        found = self.cpu.step(grads, **options), self.gpu.step(wrapped, **options)
        return found

    def assert_equal(self, tolerance=0.0):
        for a, b in [
            *zip(self.here, self.there, strict=True),
            *((self.cpu.arrays[n], np.asarray(self.gpu.arrays[n])) for n in self.cpu.arrays),
        ]:
            assert a.dtype == b.dtype and a.shape == b.shape
            if tolerance:
                np.testing.assert_allclose(a.astype(float), b.astype(float), rtol=tolerance, atol=tolerance)
            else:
                assert a.tobytes() == b.tobytes()
        assert (self.cpu.t, self.cpu.skipped, self.cpu.lr) == (self.gpu.t, self.gpu.skipped, self.gpu.lr)
