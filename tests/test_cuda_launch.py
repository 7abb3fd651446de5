"""Launches by one call of the driver: every argument of that call, errors by name, and numba-cuda where the way to its kernels is another.

The driver is ours: a C function that notes what it is called with. `cuda_sim_launch.py` has whole steps.
"""

import importlib.util
import threading
import types

import pytest

from fastgd._kernels import _cuda_launch, cuda, cuda_launch, cuda_memory
from tests.cuda_driver import Driver

EXTREMES = (0, 1, -1, 2**63 - 1, -(2**63), 0x0123456789ABCDEF)
HANDLE = 0x7F00_0000_1230


class Dispatcher:
    """What `cuda.jit` returns, as far as launches know it."""

    __name__ = "update_adam_f32"

    def __init__(self, **changed):
        library = types.SimpleNamespace(get_cufunc=lambda: types.SimpleNamespace(handle=HANDLE))
        compiled = {"debug": False, "_codelibrary": library} | changed
        self.overloads = {"signature": types.SimpleNamespace(**compiled)}
        self.launched = []

    def get_regs_per_thread(self):
        return 40

    def __getitem__(self, configuration):
        return lambda *arguments: self.launched.append((configuration, arguments))


@pytest.fixture
def driver(monkeypatch):
    """Return the driver, in the place of the real one; numba-cuda is as it should be, on a device with 7 processors."""
    made = Driver({HANDLE: 3})
    device = types.SimpleNamespace(MULTIPROCESSOR_COUNT=7)
    module = types.SimpleNamespace(get_current_device=lambda: device, external_stream=lambda stream: ("stream", stream))
    monkeypatch.setattr(cuda, "module", lambda: module)
    monkeypatch.setattr(cuda_memory, "driver", made.bindings)
    monkeypatch.setattr(cuda_launch.importlib.metadata, "version", lambda name: "0.30.4")
    monkeypatch.setattr(cuda_launch, "SIMULATED", False)
    cuda_launch._entry.cache_clear()
    yield made
    cuda_launch._entry.cache_clear()


@pytest.mark.parametrize("n", [0, 1, 6, 16])
def test_every_bit_of_a_launch(n):
    made = Driver({HANDLE: n})
    values = [EXTREMES[k % len(EXTREMES)] for k in range(n)]
    stream = 2**63 + 8
    assert _cuda_launch.launch(made.entry, HANDLE, 2**32 - 1, 256, stream, tuple(values)) == 0
    (launch,) = made.launches
    assert launch.arguments == [value.to_bytes(8, "little", signed=True) for value in values]
    assert (launch.function, launch.stream) == (HANDLE, stream)
    assert (launch.grid, launch.block) == ((2**32 - 1, 1, 1), (256, 1, 1))
    assert (launch.shared, launch.extra) == (0, None)


def test_what_cannot_be_launched():
    made = Driver({HANDLE: 17})
    with pytest.raises(ValueError, match="16 arguments at most; got 17"):
        _cuda_launch.launch(made.entry, HANDLE, 1, 1, 0, (0,) * 17)
    with pytest.raises(OverflowError):
        _cuda_launch.launch(made.entry, HANDLE, 1, 1, 0, (2**63,))
    with pytest.raises(TypeError):
        _cuda_launch.launch(made.entry, HANDLE, 1, 1, 0, (None,))
    assert made.launches == []


def test_other_threads_run_during_a_launch():
    """The driver may wait for a function of Python's on the stream; and each launch has arguments of its own."""
    made = Driver({1: 1, 2: 1})
    second = threading.Thread(target=lambda: _cuda_launch.launch(made.entry, 2, 1, 1, 0, (22,)))

    def meanwhile(launch):
        if launch.function == 1:
            second.start()
            second.join(10)
            launch.done = not second.is_alive()

    made.meanwhile = meanwhile
    _cuda_launch.launch(made.entry, 1, 1, 1, 0, (11,))
    second.join(10)
    assert [(launch.function, launch.values()) for launch in made.launches] == [(1, [11]), (2, [22])]
    assert made.launches[0].done


def test_a_kernel_goes_to_the_driver(driver):
    dispatcher = Dispatcher()
    kernel = cuda_launch.Kernel(dispatcher, 256)
    assert kernel.direct == (driver.entry, HANDLE) and kernel.wave == 6 * 7  # 65536 registers for blocks of 256 * 40
    kernel(5, 0x20, 1, 2, 3)
    kernel(1000, 0, 4, -5, 6)
    first, second = driver.launches
    assert (first.grid[0], first.stream, first.values()) == (5, 0x20, [1, 2, 3])
    assert (second.grid[0], second.stream, second.values()) == (42, 0, [4, -5, 6])
    assert dispatcher.launched == []


@pytest.mark.parametrize(("result", "name"), [(1, "CUDA_ERROR_INVALID_VALUE"), (9999, "error 9999")])
def test_errors_have_the_drivers_name(driver, result, name):
    kernel = cuda_launch.Kernel(Dispatcher(), 256)
    driver.result = result
    with pytest.raises(RuntimeError, match=f"CUDA failed in launching update_adam_f32: {name}"):
        kernel(1, 0, 1, 2, 3)
    assert kernel.dispatcher.launched == []


def test_a_thread_without_a_context_is_given_one_by_numba_cuda(driver):
    kernel = cuda_launch.Kernel(Dispatcher(), 256)
    driver.result = 201
    kernel(3, 0x20, 1, 2, 3)
    assert kernel.dispatcher.launched == [((3, 256, ("stream", 0x20)), (1, 2, 3))]


@pytest.mark.parametrize(
    "changed", [{"_codelibrary": None}, {"debug": True}, {"_codelibrary": types.SimpleNamespace()}], ids=str
)
def test_numba_cuda_launches_where_its_kernels_are_not_reached(driver, changed):
    dispatcher = Dispatcher(**changed)
    kernel = cuda_launch.Kernel(dispatcher, 256)
    kernel(1000, 0x20, 1, 2, 3)
    assert kernel.direct is None and driver.launches == []
    assert dispatcher.launched == [((42, 256, ("stream", 0x20)), (1, 2, 3))]


def test_numba_cuda_launches_where_it_is_another_version(driver, monkeypatch):
    monkeypatch.setattr(cuda_launch.importlib.metadata, "version", lambda name: "0.31.0")
    assert cuda_launch.Kernel(Dispatcher(), 256).direct is None


@pytest.mark.skipif(
    importlib.util.find_spec("numba_cuda") is None or cuda.SIMULATED, reason="needs numba-cuda: make test-cuda"
)
def test_the_way_to_a_kernel_of_the_pinned_numba_cuda(monkeypatch):
    """All of numba-cuda is real but the device, and the module that its machine code is loaded into."""
    from cuda.bindings import driver as bindings
    from numba import cuda as numba_cuda
    from numba.cuda import codegen

    from tests import cuda_sass  # which tells numba-cuda a capability

    made = Driver({HANDLE: 2})
    device = types.SimpleNamespace(compute_capability=cuda_sass.TARGETS[2], id=0)
    module = types.SimpleNamespace(get_function=lambda name: function, initialized=True)
    function = types.SimpleNamespace(handle=bindings.CUkernel(HANDLE), module=module)
    context = types.SimpleNamespace(device=device, create_module_image=lambda *code: module)
    monkeypatch.setattr(codegen.devices, "get_context", lambda: context)
    monkeypatch.setattr(cuda, "module", lambda: numba_cuda)
    monkeypatch.setattr(bindings, "cuGetProcAddress", lambda *asked: (bindings.CUresult(0), made.entry, 0))
    monkeypatch.setattr(cuda_launch, "_resident_blocks", lambda dispatcher, n_threads: 132)
    cuda_launch._entry.cache_clear()
    try:
        kernel = cuda_launch.Kernel(cuda.begin(), 1)
        kernel(1, 0x20, 64, -8)
    finally:
        cuda_launch._entry.cache_clear()
        cuda.begin.cache_clear()
    (launch,) = made.launches
    assert (launch.function, launch.stream, launch.values()) == (HANDLE, 0x20, [64, -8])
