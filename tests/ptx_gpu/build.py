"""Compiles `driver.c`, and says how a process gets it in the place of NVIDIA's driver."""

import os
import subprocess
import sysconfig
from pathlib import Path

COMPILER = (sysconfig.get_config_var("CC") or "cc").split()[0]


def library(folder: Path, name: str = "libcuda.so.1") -> Path:
    """Return the compiled library, in a folder; by another name it is no driver for those who look for one."""
    made = folder / name
    source = Path(__file__).with_name("driver.c")
    options = ["-O2", "-Wall", "-Wno-unused-parameter", "-shared", "-fPIC", f"-Wl,-soname,{name}"]
    subprocess.run([COMPILER, *options, "-o", str(made), str(source), "-ldl", "-lm", "-lpthread"], check=True)
    return made


def environment(folder: Path, capability: str = "9.0", fused: str = "0") -> dict[str, str]:
    """Return the variables of a process that finds the stand-in: of a compute capability, rounding `fused` products once or not."""
    places = [str(library(folder).parent), os.environ.get("LD_LIBRARY_PATH")]
    return {
        "LD_LIBRARY_PATH": os.pathsep.join(filter(None, places)),
        "FASTGD_TEST_PTX": "1",
        "FASTGD_PTX_CAPABILITY": capability,
        "FASTGD_PTX_FUSED": fused,
    }
