"""A plugin of pytest (``-p tests.ptx_gpu.plugin``): the tests for the simulator run on the stand-in for a GPU."""

import pytest

from tests import cuda_arrays
from tests.ptx_gpu.gpu import GPU

THE_GPU = pytest.StashKey[GPU]()


def pytest_configure(config):
    config.stash[THE_GPU] = made = GPU()
    made.library.stand_in_orders(1, 0)
    cuda_arrays.lend = made.lend


@pytest.fixture(scope="session")
def gpu(request):
    """Return the stand-in."""
    return request.config.stash[THE_GPU]


@pytest.fixture
def lazy(gpu):
    """Let streams do nothing before something waits for them, and in no order with the default one."""
    from numba import cuda

    gpu.library.stand_in_orders(0, 1)
    yield
    cuda.synchronize()
    gpu.library.stand_in_orders(1, 0)


@pytest.fixture(autouse=True)
def sound(gpu):
    """Fail a test in which a kernel did what a device forbids."""
    yield
    faults = gpu.recover()
    assert not faults, faults
