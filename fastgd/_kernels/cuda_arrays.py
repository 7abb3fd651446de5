"""Arrays on a GPU, whoever made them: where they lie, what can be wrong with them, and which stream their producer works on.

Understood are torch tensors (by their address, which also serves bfloat16), whatever has ``__cuda_array_interface__`` (CuPy, Numba), and
DLPack (JAX). Nothing is copied; the object that owns the memory is kept.
"""

import ctypes
import itertools
import math
import sys
from typing import Any

import numpy as np

from fastgd._kernels import cuda, cuda_memory
from fastgd._kernels._dlpack import exchanged_stream
from fastgd._validation import ArgumentTypeError, ArgumentValueError

KINDS = {"float32": "f32", "float64": "f64", "float16": "f16", "bfloat16": "bf16"}
STORED_KINDS = {"int8": "i8", "uint8": "u8"}  # of state arrays only
CUDA_DEVICES = (2, 13)  # DLPack's numbers of CUDA memory and CUDA managed memory
DLPACK_DTYPES = {"float32": (2, 32), "float64": (2, 64), "float16": (2, 16), "bfloat16": (4, 16)}  # code, bits


class DeviceArray:
    """A C-contiguous array on the GPU: a view of somebody's memory, or a state array of ours.

    ``numpy.asarray`` copies it to the host, ``array[...] = values`` copies values in, and any library that knows
    ``__cuda_array_interface__`` sees it in place.

    Attributes
    ----------
    address : int
        Where the first element lies.
    shape : tuple of int
    dtype : dtype
        float32, float64, float16 or bfloat16; of state arrays also int8 or uint8.
    owner : object
        Whom the memory belongs to.
    """

    def __init__(self, address: int, shape: tuple[int, ...], dtype: np.dtype, owner: object, writeable: bool = True):
        self.address, self.shape, self.dtype, self.owner, self.writeable = address, shape, dtype, owner, writeable
        self.size, self.ndim = math.prod(shape), len(shape)
        self.itemsize, self.nbytes = dtype.itemsize, math.prod(shape) * dtype.itemsize

    @property
    def strides(self) -> tuple[int, ...]:
        """The distances in bytes from one element to the next along each axis, as NumPy has them."""
        return tuple(self.itemsize * math.prod(self.shape[axis + 1 :]) for axis in range(self.ndim))

    @property
    def kind(self) -> str:
        """The name of the dtype in the kernels."""
        return (KINDS | STORED_KINDS)[self.dtype.name]

    @property
    def __cuda_array_interface__(self) -> dict[str, Any]:
        if self.dtype.name == "bfloat16":
            raise AttributeError("the CUDA array interface knows no bfloat16")
        data = (self.address, not self.writeable)
        with cuda_memory.home(self.address):
            cuda_memory.wait()  # for steps, on whatever stream they run
        return {"shape": self.shape, "typestr": self.dtype.str, "data": data, "version": 3, "stream": None}

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        if copy is False:
            raise ValueError("an array on the GPU becomes a NumPy array by copying")
        host = np.empty(self.shape, self.dtype)
        with cuda_memory.home(self.address):
            cuda_memory.wait()
            cuda_memory.download(self.address, host)
        return host if dtype is None else host.astype(dtype, copy=False)

    def copy(self, order: str = "C") -> np.ndarray:
        """Return a copy on the host."""
        return np.asarray(self)

    def astype(self, dtype: Any, order: str = "C", copy: bool = True) -> np.ndarray:
        """Return a copy of another dtype on the host."""
        return np.asarray(self).astype(dtype, order=order, copy=False)  # type: ignore[call-overload]

    def __setitem__(self, key: Any, values: Any) -> None:
        if key is not Ellipsis:
            raise TypeError("an array on the GPU is set as a whole: array[...] = values")
        with cuda_memory.home(self.address):
            self._set(values)

    def _set(self, values: Any) -> None:
        cuda_memory.wait()
        if isinstance(values, DeviceArray) and (values.shape, values.dtype) == (self.shape, self.dtype):
            cuda_memory.copy(self.address, values.address, self.nbytes)
        elif np.ndim(values) == 0 and values == 0:
            cuda_memory.clear(self.address, self.nbytes)
        else:
            host = np.empty(self.shape, self.dtype)
            host[...] = np.asarray(values)
            cuda_memory.upload(self.address, host)
        cuda_memory.wait()

    def __repr__(self) -> str:
        return f"DeviceArray({self.dtype}, shape={self.shape}, address={self.address:#x})"


def zeros(shape: tuple[int, ...], dtype: np.dtype, stream: int = 0) -> DeviceArray:
    """Return a new array of zeros."""
    n_bytes = math.prod(shape) * dtype.itemsize
    owner, address = cuda_memory.allocate(n_bytes)
    cuda_memory.clear(address, n_bytes, stream)
    return DeviceArray(address, shape, dtype, owner)


def copy_of(array: DeviceArray, stream: int = 0) -> DeviceArray:
    """Return a copy of an array on the GPU, made there when the stream comes to it."""
    owner, address = cuda_memory.allocate(array.nbytes)
    cuda_memory.copy(address, array.address, array.nbytes, stream)
    return DeviceArray(address, array.shape, array.dtype, owner)


def is_on_device(leaf: object) -> bool:
    """Say whether an object is an array in CUDA memory, whoever made it."""
    if isinstance(leaf, (np.ndarray, np.generic, float, int)) or leaf is None:
        return False
    if isinstance(leaf, DeviceArray) or _is_tensor(leaf):
        return bool(getattr(leaf, "is_cuda", True))
    if hasattr(leaf, "__cuda_array_interface__"):
        return True
    return _dlpack_device(leaf)[0] in CUDA_DEVICES


def _is_tensor(leaf: Any) -> bool:
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(leaf, torch.Tensor)


def _dlpack_device(leaf: Any) -> tuple[int, int]:
    try:
        kind, number = leaf.__dlpack_device__()
    except (AttributeError, TypeError, ValueError, RuntimeError, BufferError):
        return 0, 0
    return int(kind), int(number)


def glance(leaf: Any) -> Any:
    """Return what a producer readily says of an array, equal to an earlier glance if nothing has changed; None where it says too little."""
    if _is_tensor(leaf):
        strided = leaf.layout is sys.modules["torch"].strided
        return (leaf.data_ptr(), leaf.shape, leaf.dtype, leaf.is_contiguous(), leaf.device) if strided else None
    interface = getattr(leaf, "__cuda_array_interface__", None)
    if not isinstance(interface, dict) or interface.get("mask") is not None or _knows_no_stream(leaf, interface):
        return None
    return interface


def _knows_no_stream(leaf: Any, interface: dict) -> bool:
    """Say whether an interface is from before version 3, as JAX's, and DLPack can tell its library to finish what it is writing."""
    return interface.get("version", 3) < 3 and hasattr(leaf, "__dlpack__")


def is_ordered(leaf: Any) -> bool:
    """Say whether what an array's library does after our work waits for it: because it is on the same stream, or asks for it."""
    if isinstance(leaf, DeviceArray) or library_stream(leaf) is not None:
        return True
    interface = getattr(leaf, "__cuda_array_interface__", None)
    return interface is not None and not _knows_no_stream(leaf, interface)


def stream_of(leaf: Any) -> int:
    """Return the stream on which the producer of an array works now: its number as the driver has it, 0 for the default one."""
    stream = library_stream(leaf)
    return stream_in(getattr(leaf, "__cuda_array_interface__", None)) if stream is None else stream


def library_stream(leaf: Any) -> int | None:
    """Return the stream on which a library works now with all arrays such as this one; None where each array has its own."""
    stream = exchanged_stream(leaf)
    if stream is None and _is_tensor(leaf):
        return int(sys.modules["torch"].cuda.current_stream(leaf.device).cuda_stream)
    if stream is None and type(leaf).__module__.partition(".")[0] == "cupy":
        return int(sys.modules["cupy"].cuda.get_current_stream().ptr)
    return stream


def stream_in(interface: Any) -> int:
    """Return the stream that a CUDA array interface, or whatever took its place, names."""
    stream = interface.get("stream") if isinstance(interface, dict) else None
    return 0 if stream in (None, 1) else int(stream)  # 1 is the interface's name of the default stream


def view(subject: str, leaf: Any, writeable: bool) -> DeviceArray:
    """Return what fastgd computes on: a view of an array on the current device; raise what is wrong with it otherwise.

    Parameters
    ----------
    subject : str
        Who it is, for messages: ``"param 'w'"``.
    leaf : array
        What the user passed.
    writeable : bool
        Whether it will be written to.
    """
    if isinstance(leaf, DeviceArray):
        found, device = leaf, None
    elif _is_tensor(leaf):
        found, device = _from_tensor(subject, leaf)
    else:
        interface: Any = getattr(leaf, "__cuda_array_interface__", None)
        by_dlpack = interface is None or _knows_no_stream(leaf, interface)
        found, device = _from_dlpack(subject, leaf) if by_dlpack else _from_interface(subject, interface, leaf)
    if writeable and not found.writeable:
        raise ArgumentValueError(f"{subject} is read-only; it is updated in place: pass a writeable array")
    cuda.module()
    if found.size:
        if not found.address:
            raise ArgumentValueError(f"{subject} has no memory behind it; its address is 0: pass an array with values")
        refuse_elsewhere(subject, cuda_memory.device_of(found.address) if device is None else device)
    return found


def refuse_elsewhere(subject: str, device: int | None) -> None:
    """Raise unless a device, None for host memory, is the current one."""
    current = cuda_memory.current_device()
    if device != current:
        where = "host memory" if device is None else f"GPU {device}"
        fix = "make that GPU the current device, or move the array" if device is not None else "move it to the GPU"
        raise ArgumentValueError(f"{subject} is in {where}; the current GPU is {current}: {fix}")


def _checked_dtype(subject: str, name: str) -> np.dtype:
    if name not in KINDS:
        raise ArgumentTypeError(
            f"{subject} has dtype {name}; use float32 or float64 (float16 and bfloat16 work too) in the machine's byte order"
        )
    if name != "bfloat16":
        return np.dtype(name)
    try:
        from ml_dtypes import bfloat16
    except ImportError:
        raise ArgumentTypeError(
            f"{subject} is bfloat16, which NumPy learns from a package: pip install ml_dtypes"
        ) from None
    return np.dtype(bfloat16)


def _refuse_gaps(subject: str, contiguous: bool) -> None:
    if not contiguous:
        raise ArgumentValueError(f"{subject} is not C-contiguous; on a GPU arrays have no gaps: pass a contiguous copy")


def _from_tensor(subject: str, leaf: Any) -> tuple[DeviceArray, int | None]:
    if str(leaf.layout) != "torch.strided":
        raise ArgumentTypeError(f"{subject} is a tensor of layout {leaf.layout}; it must be dense: .to_dense()")
    _refuse_gaps(subject, leaf.is_contiguous())
    if leaf.is_neg():
        raise ArgumentValueError(f"{subject} is a view that negates what is in memory; pass .resolve_neg()")
    dtype = _checked_dtype(subject, str(leaf.dtype).removeprefix("torch."))
    return DeviceArray(leaf.data_ptr(), tuple(leaf.shape), dtype, leaf), leaf.device.index


def _from_interface(subject: str, interface: dict, leaf: Any) -> tuple[DeviceArray, int | None]:
    if interface.get("mask") is not None:
        raise ArgumentTypeError(f"{subject} has a mask; pass the array without it")
    try:
        declared = np.dtype(interface["typestr"])
        name = declared.name if declared.isnative and declared.kind == "f" else interface["typestr"]
    except TypeError:
        name = str(interface["typestr"])
    if name in ("<V2", "|V2") and getattr(getattr(leaf, "dtype", None), "name", "") == "bfloat16":
        name = "bfloat16"
    dtype = _checked_dtype(subject, name)
    shape = tuple(int(n) for n in interface["shape"])
    address, readonly = interface["data"]
    array = DeviceArray(int(address or 0), shape, dtype, leaf, not readonly)
    strides = interface.get("strides")
    _refuse_gaps(subject, strides is None or _is_dense(shape, tuple(strides), dtype.itemsize))
    return array, None


def _is_dense(shape: tuple[int, ...], strides: tuple[int, ...], itemsize: int) -> bool:
    """Say whether elements lie side by side in C order; the stride of an axis of one element means nothing."""
    expected = itemsize
    for length, stride in zip(reversed(shape), reversed(strides), strict=True):
        if length > 1 and stride != expected:
            return 0 in shape
        expected *= length
    return True


# ------------------------------------------------------------------------------------------------------------------------ DLPack


class _Tensor(ctypes.Structure):
    """DLTensor of dlpack.h."""

    _fields_ = (
        ("data", ctypes.c_void_p), ("device_type", ctypes.c_int32), ("device_id", ctypes.c_int32), ("ndim", ctypes.c_int32),
        ("code", ctypes.c_uint8), ("bits", ctypes.c_uint8), ("lanes", ctypes.c_uint16),
        ("shape", ctypes.POINTER(ctypes.c_int64)), ("strides", ctypes.POINTER(ctypes.c_int64)), ("offset", ctypes.c_uint64),
    )  # fmt: skip


class _Versioned(ctypes.Structure):
    """DLManagedTensorVersioned, up to its tensor."""

    _fields_ = (
        ("major", ctypes.c_uint32), ("minor", ctypes.c_uint32), ("context", ctypes.c_void_p), ("deleter", ctypes.c_void_p),
        ("flags", ctypes.c_uint64), ("tensor", _Tensor),
    )  # fmt: skip


READ_ONLY = 1
_pointer = ctypes.pythonapi.PyCapsule_GetPointer
_pointer.restype, _pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
_is_valid = ctypes.pythonapi.PyCapsule_IsValid
_is_valid.restype, _is_valid.argtypes = ctypes.c_int, [ctypes.py_object, ctypes.c_char_p]


def _from_dlpack(subject: str, leaf: Any) -> tuple[DeviceArray, int | None]:
    """Look into a capsule without consuming it: it stays with the array, and frees its memory when both are gone."""
    try:
        capsule = leaf.__dlpack__(stream=1, max_version=(1, 0))
    except TypeError:
        capsule = leaf.__dlpack__(stream=1)  # a producer from before versions
    except (BufferError, ValueError, RuntimeError) as error:
        raise ArgumentTypeError(f"{subject} cannot be shared by DLPack: {error}") from error
    readonly = False
    if _is_valid(capsule, b"dltensor_versioned"):
        managed = _Versioned.from_address(_pointer(capsule, b"dltensor_versioned"))
        tensor, readonly = managed.tensor, bool(managed.flags & READ_ONLY)
    else:
        tensor = _Tensor.from_address(_pointer(capsule, b"dltensor"))
    names = {pair: name for name, pair in DLPACK_DTYPES.items()}
    dtype = _checked_dtype(subject, names.get((tensor.code, tensor.bits), f"{tensor.bits}-bit, code {tensor.code}"))
    shape = tuple(tensor.shape[k] for k in range(tensor.ndim))
    strides = tuple(tensor.strides[k] * dtype.itemsize for k in range(tensor.ndim)) if tensor.strides else None
    _refuse_gaps(subject, strides is None or _is_dense(shape, strides, dtype.itemsize))
    address = (tensor.data or 0) + tensor.offset
    return DeviceArray(address, shape, dtype, (leaf, capsule), not readonly), tensor.device_id


def refuse_overlaps(names: list[str], arrays: list[DeviceArray]) -> None:
    """Raise where two parameters share memory."""
    spans = sorted((a.address, a.address + a.nbytes, k) for k, a in enumerate(arrays) if a.size)
    for (_, end, k), (start, _, other) in itertools.pairwise(spans):
        if start < end:
            first, second = sorted((k, other))
            raise ArgumentValueError(
                f"params {names[first]!r} and {names[second]!r} share memory; each would be updated twice"
            )
