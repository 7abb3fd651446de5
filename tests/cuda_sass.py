"""Compiles a CUDA kernel offline, as numba-cuda would at run time (LTO-IR, then nvJitLink), and reads the machine code that comes out.

Needs numba-cuda and NVIDIA's disassembler, but neither a driver nor a GPU.
"""

import collections
import re
import subprocess
import tempfile
import types
from typing import NamedTuple

from numba import cuda
from numba.cuda import compiler, dispatcher

from fastgd._kernels import cuda as kernels

INSTRUCTION = re.compile(r"^\s*/\*([0-9a-f]+)\*/\s+(?:@!?U?P\w+\s+)?([A-Z][A-Z0-9_]*)(\S*)(.*)$")
TARGETS = ((7, 5), (8, 0), (9, 0), (10, 0), (12, 0))

# numba-cuda asks the driver for the capability when a kernel calls a compiled function, though the compilation was told it.
dispatcher.get_current_device = lambda: types.SimpleNamespace(compute_capability=TARGETS[0])


class Machine(NamedTuple):
    """What one kernel became."""

    registers: int
    stack: int
    local: int
    counts: collections.Counter  # instructions by name with suffixes, LDG.E.128
    hot: collections.Counter  # the same, within loops only

    def of(self, prefix, hot=False):
        """Return how many instructions have a name that begins like this."""
        return sum(n for name, n in (self.hot if hot else self.counts).items() if name.startswith(prefix))


def machines(text, targets=TARGETS):
    """Return what the kernel of a text is on GPUs of these compute capabilities."""
    return _machines(kernels.defined(text), text.n_arguments, targets)


def begin_machines():
    """Return what the kernel that begins a step without a norm is."""
    return _machines(kernels.defined_begin(), 2, TARGETS)


def _machines(function, n_arguments, targets):
    """Type the function once, for the oldest target, and generate code for each."""
    signature = cuda.types.void(*[cuda.types.int64] * n_arguments)
    options = {
        "debug": None,
        "lineinfo": False,
        "device": False,
        "fastmath": False,
        "opt": None,
        "abi": "numba",
        "abi_info": None,
    }
    library, _ = compiler._compile_pyfunc_with_fixup(
        function, signature, cc=TARGETS[0], forceinline=False, launch_bounds=kernels.BOUNDS, lto=True, **options
    )
    return {target: _read(_linked(library.get_ltoir(cc=target), target)) for target in targets}


def _linked(code, target):
    from cuda.bindings import nvjitlink

    data = getattr(code, "code", code)
    options = [f"-arch=sm_{target[0]}{target[1]}", "-lto", "-O3"]
    handle = nvjitlink.create(len(options), options)
    nvjitlink.add_data(handle, nvjitlink.InputType.LTOIR, data, len(data), "kernel")
    nvjitlink.complete(handle)
    cubin = bytearray(nvjitlink.get_linked_cubin_size(handle))
    nvjitlink.get_linked_cubin(handle, cubin)
    nvjitlink.destroy(handle)
    return bytes(cubin)


def _read(cubin):
    from cuda import pathfinder

    with tempfile.NamedTemporaryFile(suffix=".cubin") as file:
        file.write(cubin)
        file.flush()
        tools = {name: pathfinder.find_nvidia_binary_utility(name) for name in ("nvdisasm", "cuobjdump")}
        listing = _output([tools["nvdisasm"], "-c", file.name])
        usage = _output([tools["cuobjdump"], "-res-usage", file.name])
    registers, stack, local = map(int, re.search(r"REG:(\d+) STACK:(\d+).*?LOCAL:(\d+)", usage, re.S).groups())
    return Machine(registers, stack, local, *_counted(listing))


def _output(command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def _counted(listing):
    """Return the instructions by name, in all and within loops: between a label and a branch back to it."""
    found, labels, loops = [], {}, []
    for line in listing.splitlines():
        label = re.match(r"^(\.L_x_\d+):", line)
        if label:
            labels[label[1]] = len(found)
        match = INSTRUCTION.match(line)
        if match:
            found.append(match[2] + match[3])
            target = re.search(r"\(?`?\(?(\.L_x_\d+)\)?", match[4]) if match[2] == "BRA" else None
            if target and target[1] in labels:
                loops.append((labels[target[1]], len(found)))
    hot = {k for first, last in loops for k in range(first, last)}
    return collections.Counter(found), collections.Counter(name for k, name in enumerate(found) if k in hot)
