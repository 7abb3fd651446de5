"""Puts the stand-in in the place of the driver: numba-cuda then compiles to PTX, loads and launches as with a GPU."""

import ctypes
import os
import traceback

import numpy as np

from tests.ptx_gpu.machine import Machine
from tests.ptx_gpu.text import read_module

FUSED = os.environ.get("FASTGD_PTX_FUSED", "0") == "1"


class GPU:
    """The stand-in's kernels; `faults` says what a device would have answered with an error or done in no particular order."""

    def __init__(self):
        self.library = ctypes.CDLL("libcuda.so.1")
        self.library.stand_in_move.restype = ctypes.c_size_t
        self.modules, self.machines, self.faults, self.launched, self.lent = [], [], [], [], []
        self.random = np.random.default_rng(0)
        text, name = ctypes.c_char_p, ctypes.c_char_p
        i64, pointer = ctypes.c_int64, ctypes.c_void_p
        self.functions = (
            ctypes.CFUNCTYPE(ctypes.c_int, i64, ctypes.POINTER(ctypes.c_uint), pointer)(self._run),
            ctypes.CFUNCTYPE(i64, text)(self._load),
            ctypes.CFUNCTYPE(i64, i64, name)(self._find),
        )
        self.library.stand_in_runs(*self.functions)
        _compile_to_ptx()

    def lend(self, host):
        """Count an array in host memory among the device's, and return it."""
        if host.nbytes:
            low, high = np.lib.array_utils.byte_bounds(host)
            self.library.stand_in_lend(ctypes.c_uint64(low), ctypes.c_uint64(high - low))
            self.lent.append(host)
        return host

    def recover(self):
        """Forget what was lent and what failed, and return that."""
        for host in self.lent:
            self.library.stand_in_lend(ctypes.c_uint64(np.lib.array_utils.byte_bounds(host)[0]), ctypes.c_uint64(0))
        self.library.stand_in_recovers()
        faults, self.lent, self.faults = self.faults, [], []
        return faults

    def _load(self, text):
        try:
            self.modules.append(read_module(text.decode()))
            return len(self.modules)
        except BaseException:
            traceback.print_exc()
            return 0

    def _find(self, module, name):
        try:
            kernel = self.modules[module - 1][name.decode()]
            self.machines.append(Machine(kernel, self.library, FUSED))
            return len(self.machines) << 8 | len(kernel.params)
        except BaseException:
            traceback.print_exc()
            return 0

    def _run(self, handle, shape, arguments):
        try:
            machine, n = self.machines[(handle >> 8) - 1], handle & 0xFF
            grid, threads = shape[0], shape[3]
            assert list(shape[1:3]) == [1, 1] and list(shape[4:7]) == [1, 1, 0]
            self.launched.append((machine.kernel.name, grid, threads))
            machine.run(grid, threads, ctypes.string_at(arguments, 8 * n), self.random.permutation(grid))
            return 0
        except BaseException as error:
            traceback.print_exc()
            self.faults.append(error)
            return 1


def _compile_to_ptx():
    from numba.cuda.cudadrv import driver

    def complete(linker):
        options = linker._get_linker_options(ptx=True)
        linker.linker = driver.Linker(*linker._object_codes, options=options)
        found = linker.linker.link("ptx")
        linker.close()
        linker._complete = True
        return found

    driver._Linker.complete = complete
