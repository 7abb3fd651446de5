"""Object files by LLVM: written from optimised assembly, and brought to memory to run. Needs llvmlite, not Numba."""

import ctypes
import math

import numpy as np
from llvmlite import binding

from fastgd._kernels._jit_rewrite import LIBM

# What a kernel may call: a symbol that does not resolve makes LLVM end the process.
_LIBRARY = {f"{name}{width}" for name in (*LIBM, "sqrt", "sincos") for width in ("", "f")}
_LIBRARY |= {"memcpy", "memmove", "memset"}
_OF_THE_LINKER = "_GLOBAL_OFFSET_TABLE_"


def _target_machine():
    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    return binding.Target.from_triple(binding.get_process_triple()).create_target_machine(
        cpu=binding.get_host_cpu_name(),
        features=binding.get_host_cpu_features().flatten(),
        opt=3,
        reloc="pic",
        codemodel="jitdefault",
        jit=True,
    )


def emitted(ir: str) -> bytes:
    """Return the object file of optimised LLVM assembly."""
    machine = _target_machine()  # before parsing: it initialises LLVM
    return machine.emit_object(binding.parse_assembly(ir))


def linked(code: bytes, symbol: str) -> int:
    """Return the address of `symbol` in an object file, brought to memory for good; RuntimeError if it cannot run."""
    unknown = {symbol for symbol in _undefined(code) if not _resolves(symbol)}
    if unknown:
        raise RuntimeError(f"it calls {', '.join(sorted(unknown))}")
    machine = _target_machine()
    engine = binding.create_mcjit_compiler(binding.parse_assembly(""), machine)
    engine.add_object_file(binding.ObjectFileRef.from_data(code))
    engine.finalize_object()
    address = engine.get_function_address(symbol)
    if not address:
        raise RuntimeError(f"it lacks {symbol}")
    engine.detach()  # never freed, not even at exit: another thread may be in it
    return address


def _resolves(symbol: str) -> bool:
    """Tell whether LLVM finds a symbol, having shown it where that is in the libm that CPython's `math` uses."""
    if symbol == _OF_THE_LINKER:
        return True
    if symbol in _LIBRARY and binding.address_of_symbol(symbol) is None:
        found = getattr(ctypes.CDLL(getattr(math, "__file__", None)), symbol, None)
        if found is not None:
            binding.add_symbol(symbol, ctypes.cast(found, ctypes.c_void_p).value)
    return symbol in _LIBRARY and binding.address_of_symbol(symbol) is not None


def _undefined(code: bytes) -> set[str]:
    """Return the symbols that an ELF object for a 64-bit processor needs from outside."""
    if code[:6] != b"\x7fELF\x02\x01":
        raise RuntimeError("its object format is unknown")
    sections = {s.name(): s.data() for s in binding.ObjectFileRef.from_data(code).sections()}
    table = np.frombuffer(sections[b".symtab"], [("name", "<u4"), ("info", "V2"), ("section", "<u2"), ("place", "V16")])
    strings = sections[b".strtab"]
    names = {strings[start : strings.index(b"\0", start)].decode() for start in table["name"][table["section"] == 0]}
    return names - {""}
