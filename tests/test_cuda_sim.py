"""Runs ``cuda_sim_*.py`` in the CUDA simulator, each of their tests as one of ours, and says what is missing where there is no GPU.

The simulator is chosen by an environment variable that is read once, when Numba is imported: hence a process of its own.
"""

import ast
import os
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest

import fastgd
from fastgd._kernels import cuda
from tests.cuda_arrays import Produced

ROOT = Path(__file__).parents[1]
CASES = sorted(ROOT.glob("tests/cuda_sim_*.py"))
FUNCTIONS = [node for path in CASES for node in ast.parse(path.read_text()).body if isinstance(node, ast.FunctionDef)]
NAMES = [function.name for function in FUNCTIONS if function.name.startswith("test_")]


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Return, by test, the cases that failed and how many ran."""
    report = tmp_path_factory.mktemp("cuda") / "report.xml"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *map(str, CASES), f"--junitxml={report}"]
    # An inf - inf that the hardware computes in silence is a warning in NumPy.
    command += ["-W", "ignore::RuntimeWarning", "-o", "addopts=--import-mode=importlib"]
    environment = {**os.environ, "NUMBA_ENABLE_CUDASIM": "1", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=900, cwd=ROOT)
    assert report.exists(), done.stdout + done.stderr
    found = {name: ([], 0) for name in NAMES}
    for case in ElementTree.parse(report).iter("testcase"):
        name = case.get("name").partition("[")[0]
        failed, ran = found[name]
        trouble = [
            f"{case.get('name')}: {child.text}" for child in case if child.tag in ("failure", "error", "skipped")
        ]
        found[name] = failed + trouble, ran + 1
    return found


@pytest.mark.parametrize("name", NAMES)
def test_in_the_simulator(results, name):
    failed, ran = results[name]
    assert ran, f"{name} did not run"
    assert not failed, f"{len(failed)} of {ran} failed\n" + "\n".join(failed)[:4000]


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
