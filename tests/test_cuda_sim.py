"""Runs ``cuda_sim_*.py`` in the CUDA simulator, each of their tests as one of ours, and says what is missing where there is no GPU.

The simulator is chosen by an environment variable that is read once, when Numba is imported: hence a process of its own.
"""

import os
import subprocess
import sys

import numpy as np
import pytest

import fastgd
from fastgd._kernels import cuda
from tests import cuda_cases
from tests.cuda_arrays import Produced
from tests.cuda_cases import ROOT

CASES = sorted(ROOT.glob("tests/cuda_sim_*.py"))


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    return cuda_cases.results(CASES, tmp_path_factory.mktemp("cuda"), {"NUMBA_ENABLE_CUDASIM": "1"})


@pytest.mark.parametrize("name", cuda_cases.names(CASES))
def test_in_the_simulator(results, name):
    cuda_cases.check(results, name)


def test_an_array_on_a_gpu_without_a_driver():
    """One line that says what to install; nothing is copied behind anyone's back."""
    try:
        cuda.module()
        pytest.skip("there is a GPU here")
    except fastgd.ArgumentTypeError:
        pass
    host = np.ones(2, np.float32)
    with pytest.raises(
        fastgd.ArgumentTypeError, match=r"need numba-cuda|need the package numba-cuda|need an NVIDIA driver"
    ) as raised:
        fastgd.SGD(lr=0.1).init(Produced(host))
    assert "\n" not in str(raised.value)


def test_host_arrays_load_nothing_of_cuda():
    code = "import sys, numpy as np, fastgd; fastgd.SGD(lr=0.1).init(np.ones(2)).step(np.ones(2)); "
    code += "print([m for m in sys.modules if m.startswith(('numba', 'llvmlite', 'fastgd._kernels.cuda', 'fastgd._kernels.vecio'))])"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.skipif(cuda.SIMULATED, reason="the simulator has no limit to look at")
def test_the_block_is_what_the_kernels_are_compiled_for():
    assert cuda.BLOCK == 256
