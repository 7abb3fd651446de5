"""Python values as JSON and named arrays, and back: what a fitted estimator is made of, and nothing that could run.

Numbers, texts, lists and None are themselves. Everything else is a JSON object of one key, which says what it is:

    {"array": "coef_"}                       the tensor of that name, {"fortran": "coef_"} one whose columns are contiguous
    {"float": "nan"}                         what JSON cannot say
    {"scalar": [3, "int64"]}                 a NumPy scalar
    {"texts": [[2], "<U3", ["yes", "no"]]}   an array of texts; {"objects": [[2], [...]]} one of Python values
    {"dict": [[key, value], ...]}  {"history": [[key, value], ...]}  {"tuple": [...]}  {"slice": [0, 3]}
    {"optimizer": {...}}  {"schedule": {...}}  {"record": ["Cycle", {...}]}  {"sparse": [...]}
    {"RandomState": {...}}  {"Generator": ["PCG64", {...}]}
"""

import dataclasses
from typing import Any

import numpy as np

from fastgd import schedules
from fastgd._training.curves import Cycle, RaceResult
from fastgd._training.device import host
from fastgd._training.history import History
from fastgd._validation import ArgumentTypeError, ArgumentValueError
from fastgd.optimizers import Optimizer
from fastgd.optimizers._base import from_dict
from fastgd.schedules import Schedule

RECORDS: dict[str, type] = {record.__name__: record for record in (Cycle, RaceResult)}
BIT_GENERATORS = ("MT19937", "PCG64", "PCG64DXSM", "Philox", "SFC64")
SPARSE = ("csr_matrix", "csr_array", "csc_matrix", "csc_array")
NUMBERS = "biuf"  # kinds of dtype


def encode(value: Any, name: str, tensors: dict[str, np.ndarray]) -> Any:
    """Return a value as JSON; its arrays go into `tensors` under names that begin with `name`.

    Raises
    ------
    ArgumentTypeError
        For what cannot be written down; the message has the name.
    """
    if value is None or type(value) in (bool, int, str):
        return value
    if type(value) is float:
        return value if np.isfinite(value) else {"float": repr(value)}
    if type(value) is list:
        return [encode(each, f"{name}.{k}", tensors) for k, each in enumerate(value)]
    if type(value) is tuple:
        return {"tuple": [encode(each, f"{name}.{k}", tensors) for k, each in enumerate(value)]}
    if type(value) in (dict, History):
        pairs = [[encode(key, f"{name}.{key}", {}), encode(v, f"{name}.{key}", tensors)] for key, v in value.items()]
        return {"dict" if type(value) is dict else "history": pairs}
    if isinstance(value, np.generic) and value.dtype.kind in NUMBERS:
        return {"scalar": [encode(value.item(), name, tensors), value.dtype.name]}
    if isinstance(value, np.ndarray):
        return _encode_array(value, name, tensors)
    if hasattr(value, "__dlpack__"):  # on a GPU; read again, it is in host memory
        return _encode_array(host(value), name, tensors)
    return _encode_object(value, name, tensors)


def decode(text: Any, tensors: dict[str, np.ndarray]) -> Any:
    """Return the value that `encode` wrote; its arrays are copies."""
    if isinstance(text, list):
        return [decode(each, tensors) for each in text]
    if not isinstance(text, dict):
        return text
    ((kind, content),) = text.items()
    return _DECODERS[kind](content, tensors)


def _encode_array(value: np.ndarray, name: str, tensors: dict[str, np.ndarray]) -> Any:
    if type(value) is not np.ndarray:
        raise _unknown(value, name)
    if value.dtype.kind == "U":
        return {"texts": [list(value.shape), value.dtype.str, value.ravel().tolist()]}
    if value.dtype.kind == "O":
        every = [encode(each, f"{name}.{k}", tensors) for k, each in enumerate(value.ravel())]
        return {"objects": [list(value.shape), every]}
    if value.dtype.kind not in NUMBERS or value.dtype.name == "longdouble" or value.dtype.itemsize > 8:
        raise _unknown(value, name)
    tensors[name] = value
    return {"fortran" if value.flags.f_contiguous and not value.flags.c_contiguous else "array": name}


def _encode_object(value: Any, name: str, tensors: dict[str, np.ndarray]) -> Any:
    if isinstance(value, Optimizer):
        return {"optimizer": value.to_dict()}
    if isinstance(value, Schedule):
        return {"schedule": value.to_dict()}
    if type(value) in RECORDS.values():
        fields = {
            f.name: encode(getattr(value, f.name), f"{name}.{f.name}", tensors) for f in dataclasses.fields(value)
        }
        return {"record": [type(value).__name__, fields]}
    if type(value).__name__ in SPARSE and type(value).__module__.startswith("scipy.sparse"):
        parts = {
            part: encode(getattr(value, part), f"{name}.{part}", tensors) for part in ("data", "indices", "indptr")
        }
        return {"sparse": [type(value).__name__, list(value.shape), parts]}
    if isinstance(value, slice) and {type(value.start), type(value.stop), value.step} <= {int, None}:
        return {"slice": [value.start, value.stop]}
    if isinstance(value, np.random.RandomState):
        return {"RandomState": encode(value.get_state(legacy=False), name, tensors)}
    if isinstance(value, np.random.Generator) and type(value.bit_generator).__name__ in BIT_GENERATORS:
        state = encode(value.bit_generator.state, name, tensors)
        return {"Generator": [type(value.bit_generator).__name__, state]}
    raise _unknown(value, name)


def _unknown(value: Any, name: str) -> ArgumentTypeError:
    what = f"an array of dtype {value.dtype}" if isinstance(value, np.ndarray) else f"a {type(value).__name__}"
    return ArgumentTypeError(
        f"{name} is {what}, which cannot be saved: files hold numbers, texts, arrays of them, optimizers and schedules, "
        "and nothing that runs. Set it to one of these, or delete it."
    )


def _array(name: str, tensors: dict[str, np.ndarray], order: Any = "C") -> np.ndarray:
    array = tensors[name]
    return np.array(array, array.dtype.newbyteorder("="), order=order)


def _objects(content: list, tensors: dict[str, np.ndarray]) -> np.ndarray:
    shape, every = content
    array = np.empty(len(every), object)
    array[:] = [decode(each, tensors) for each in every]
    return array.reshape(shape)


def _dict(pairs: list, tensors: dict[str, np.ndarray]) -> dict:
    return {decode(key, tensors): decode(value, tensors) for key, value in pairs}


def _record(content: list, tensors: dict[str, np.ndarray]) -> Any:
    name, fields = content
    return RECORDS[name](**{key: decode(value, tensors) for key, value in fields.items()})


def _sparse(content: list, tensors: dict[str, np.ndarray]) -> Any:
    import scipy.sparse

    name, shape, parts = content
    if name not in SPARSE:
        raise ArgumentValueError(f"the stored sparse array must be one of {SPARSE}; got {name!r}")
    found = getattr(scipy.sparse, name)(
        tuple(decode(parts[part], tensors) for part in ("data", "indices", "indptr")), shape=tuple(shape)
    )
    found.check_format()
    return found


def _random_state(content: Any, tensors: dict[str, np.ndarray]) -> np.random.RandomState:
    state = np.random.RandomState()
    state.set_state(decode(content, tensors))
    return state


def _generator(content: list, tensors: dict[str, np.ndarray]) -> np.random.Generator:
    name, state = content
    if name not in BIT_GENERATORS:
        raise ArgumentValueError(f"the stored bit generator must be one of {BIT_GENERATORS}; got {name!r}")
    bits = getattr(np.random, name)()
    bits.state = decode(state, tensors)
    return np.random.Generator(bits)


_DECODERS: dict[str, Any] = {
    "array": _array,
    "fortran": lambda name, tensors: _array(name, tensors, "F"),
    "float": lambda text, tensors: float(text),
    "scalar": lambda pair, tensors: np.dtype(pair[1]).type(decode(pair[0], tensors)),
    "texts": lambda parts, tensors: np.array(parts[2], dtype=parts[1]).reshape(parts[0]),
    "objects": _objects,
    "dict": _dict,
    "history": lambda pairs, tensors: History(_dict(pairs, tensors)),
    "tuple": lambda every, tensors: tuple(decode(each, tensors) for each in every),
    "slice": lambda bounds, tensors: slice(*bounds),
    "optimizer": lambda description, tensors: from_dict(description),
    "schedule": lambda description, tensors: schedules.from_dict(description),
    "record": _record,
    "sparse": _sparse,
    "RandomState": _random_state,
    "Generator": _generator,
}
