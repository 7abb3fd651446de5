"""Runs the tests for the simulator on `ptx_gpu`, a stand-in for a GPU: numba-cuda's own code for the driver, and the PTX of each kernel.

Only what turns PTX into machine code is left out; `test_cuda_sass.py` looks at that. With ``FASTGD_CUDA_ALL=1`` all run once more with
products and sums rounded once wherever PTX allows it, and on the oldest and the newest generation.
"""

import importlib.util
import os
import shutil

import pytest

from fastgd._kernels import cuda
from tests import cuda_cases
from tests.cuda_cases import ROOT
from tests.ptx_gpu import build

if importlib.util.find_spec("numba_cuda") is None or cuda.SIMULATED:
    pytest.skip("needs numba-cuda and its compiler: make test-cuda", allow_module_level=True)
if shutil.which(build.COMPILER) is None:
    pytest.skip(f"needs a C compiler: {build.COMPILER} is not found", allow_module_level=True)

# The launches have a driver of their own, for the simulator's kernels.
CASES = [p for p in sorted(ROOT.glob("tests/cuda_sim_*.py")) if p.stem != "cuda_sim_launch"]
OWN = sorted(ROOT.glob("tests/cuda_ptx_*.py"))
WAYS = {"sm_90": ("9.0", "0")}
if os.environ.get("FASTGD_CUDA_ALL"):
    WAYS |= {"rounded once": ("9.0", "1"), "sm_75": ("7.5", "0"), "sm_120": ("12.0", "0")}


@pytest.fixture(scope="module", params=WAYS)
def results(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("ptx")
    capability, fused = WAYS[request.param]
    environment = build.environment(folder, capability, fused)
    plugin = "-p", "tests.ptx_gpu.plugin"
    return cuda_cases.results([*CASES, *OWN], folder, environment, *plugin, timeout=3600, processes=2)


@pytest.mark.parametrize("name", cuda_cases.names([*CASES, *OWN]))
def test_on_the_stand_in(results, name):
    cuda_cases.check(results, name)
