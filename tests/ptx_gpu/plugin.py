"""A plugin of pytest (``-p tests.ptx_gpu.plugin``): the tests for the simulator run on the stand-in for a GPU."""

import pytest

from tests import cuda_arrays
from tests.ptx_gpu.gpu import GPU

gpu = GPU()
gpu.library.stand_in_orders(1, 0)
cuda_arrays.lend = gpu.lend


@pytest.fixture(autouse=True)
def sound():
    """Fail a test in which a kernel did what a device forbids."""
    yield
    faults = gpu.recover()
    assert not faults, faults
