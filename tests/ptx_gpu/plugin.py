"""A plugin of pytest (``-p tests.ptx_gpu.plugin``): the tests for the simulator run on the stand-in for a GPU."""

import numpy as np
import pytest

from tests import cuda_arrays
from tests.ptx_gpu.gpu import GPU

gpu = GPU()
gpu.library.stand_in_is_eager(1)


def lend(host):
    if host.nbytes:
        low, high = np.lib.array_utils.byte_bounds(host)
        gpu.library.stand_in_lend(*map(gpu.size, (low, high - low)))
        gpu.lent.append(host)
    return host


cuda_arrays.lend = lend


@pytest.fixture(autouse=True)
def sound():
    """Fail a test in which a kernel did what a device forbids."""
    yield
    faults, gpu.faults = gpu.faults, []
    gpu.library.stand_in_recovers()
    gpu.take_back()
    assert not faults, faults
