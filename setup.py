"""Extensions and their flags; everything else is in pyproject.toml."""

import os
import platform
import subprocess
import sys
import tempfile
from copy import copy
from pathlib import Path

import numpy
from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

CORES = len(os.sched_getaffinity(0))

# The loops: IEEE arithmetic, never -ffast-math. -fno-math-errno lets sqrt be one instruction and -fno-trapping-math lets conditional
# expressions become selects, so that loops vectorise; neither changes a result. -ffp-contract=off forbids fused multiply-add, whose
# presence would make results depend on the processor.
LOOPS = ["-O3", "-fno-math-errno", "-fno-trapping-math", "-ffp-contract=off"]
# The lanes' loops are short: -O3 (and -ftree-slp-vectorize) would unroll them before the vectoriser sees them, five times slower;
# -fpeel-loops unrolls them after it. As patterns their copies would become moves of half a vector, and reading the whole then waits.
LANES = [
    "-O2", "-ftree-loop-vectorize", "-fno-tree-slp-vectorize", "-fpeel-loops", "-fno-tree-loop-distribute-patterns",
    "-fno-math-errno", "-fno-trapping-math", "-ffp-contract=off",
]  # fmt: skip
# Loops over several arrays, whose distance is only known when they run, need the vectoriser's own choice.
RULES = ["-fvect-cost-model=dynamic"]
# The same loops for each level of x86-64 processors; fastgd/_kernels/execute.py chooses at import.
LEVELS = {"baseline": []}
if platform.machine().lower() in ("x86_64", "amd64"):
    LEVELS |= {"v3": ["-march=x86-64-v3"], "v4": ["-march=x86-64-v4", "-mprefer-vector-width=512"]}
DRIVER = ["-O2", "-ffp-contract=off"]
DIRECTIVES = {
    "language_level": 3,
    "boundscheck": bool(os.environ.get("FASTGD_DEBUG_BUILD")),
    "wraparound": False,
    "initializedcheck": False,
    "cdivision": True,
    "freethreading_compatible": False,
}
KERNELS = "fastgd/_kernels"


def compiles(flags: list[str]) -> bool:
    """Say whether the C compiler takes these flags and the result links."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "probe.c")
        source.write_text("#ifdef _OPENMP\n#include <omp.h>\n#endif\nint main(void) { return 0; }\n")
        command = [*os.environ.get("CC", "cc").split(), *flags, str(source), "-o", str(Path(folder, "probe"))]
        try:
            return subprocess.run(command, capture_output=True).returncode == 0
        except OSError:
            return False


def usable(flags: list[str], loss: str) -> list[str]:
    """Return the flags where the compiler takes them, else none, saying what is lost."""
    if not flags or compiles(flags):
        return flags
    print(f"fastgd: this C compiler does not take {' '.join(flags)}: {loss}", file=sys.stderr)
    return []


def extensions() -> list[Extension]:
    """Return every extension: the loops and the reader once per level, driver and OpenMP once."""
    loops = [flag for flag in LOOPS if usable([flag], "the loops may be slower")]
    openmp = usable(["-fopenmp"], "fastgd will not see OMP thread limits set by threadpoolctl")
    common = {
        "include_dirs": [numpy.get_include()],
        "define_macros": [("NPY_NO_DEPRECATED_API", "NPY_2_0_API_VERSION")],
    }
    driver = [
        Extension(
            f"fastgd._kernels.{name}", [f"{KERNELS}/{name}.pyx"],
            depends=[f"{KERNELS}/_pool.h", f"{KERNELS}/_drive.pxd"],
            extra_compile_args=DRIVER, extra_link_args=["-pthread"], **common,
        )
        for name in ("_drive", "_plan")
    ]  # fmt: skip
    driver += [
        Extension(
            "fastgd._kernels._openmp", [f"{KERNELS}/_openmp.pyx"], extra_compile_args=openmp, extra_link_args=openmp
        ),
        *(
            Extension(f"fastgd._kernels.{name}", [f"{KERNELS}/{name}.pyx"], extra_compile_args=DRIVER)
            for name in ("_ahead", "_kept", "_shapes", "_dlpack", "_cuda_launch", "_cuda_look")
        ),
        Extension("fastgd._kernels._scatter", [f"{KERNELS}/_scatter.pyx"], extra_compile_args=DRIVER, **common),
        Extension("fastgd._kernels._online", [f"{KERNELS}/_online.pyx"], extra_compile_args=DRIVER, **common),
    ]  # fmt: skip
    lanes = [flag for flag in LANES if usable([flag], "the lanes may be slower")]
    rules = lanes + usable(RULES, "optimizers in lanes may be slower")
    # The networks' tiles of products must be unrolled into registers, which -O3 does and -O2 does not.
    flags_of = {
        "_sweeps": loops,
        "_blocks": loops,
        "_stored_sweeps": loops,
        "_lane_losses": lanes,
        "_lanes": lanes,
        "_margins": lanes,
        "_lane_rules": rules,
        "_batches": rules,
        "_activations": loops,
        "_network": loops,
        "_libsvm": ["-O3", "-ffp-contract=off"],
    }
    headers = {
        "_lanes": ("_dense_pass",),
        "_margins": ("_dense_pass",),
        "_batches": ("_tiles", "_tile", "_one_lane", "_dense_pass"),
        "_network": ("_products", "_products_of"),
        "_libsvm": ("_entries", "_decimal"),
    }
    baseline = [
        Extension(
            f"fastgd._kernels.baseline.{name}",
            [f"{KERNELS}/{name}.pyx"],
            depends=[f"{KERNELS}/{header}.h" for header in headers.get(name, ())],
            extra_compile_args=flags,
            **common | {"include_dirs": [numpy.get_include(), KERNELS]},
        )
        for name, flags in flags_of.items()
    ]  # fmt: skip
    compiled = cythonize(driver + baseline, compiler_directives=DIRECTIVES, build_dir="build/cython", nthreads=CORES)
    for level, flags in list(LEVELS.items())[1:]:
        if usable(flags, f"no kernels for x86-64-{level}"):
            compiled += [for_level(extension, level, flags) for extension in compiled[len(driver) :][: len(baseline)]]
    return compiled


def for_level(extension: Extension, level: str, flags: list[str]) -> Extension:
    """Return the same C file as another module, compiled for another processor level."""
    other = copy(extension)
    other.name = extension.name.replace("baseline", level)
    other.extra_compile_args = [*extension.extra_compile_args, *flags]
    return other


class BuildLevels(build_ext):
    """Build in parallel, each level's object files in a folder of its own (they come from the same C files)."""

    def finalize_options(self):
        super().finalize_options()
        self.parallel = self.parallel or CORES

    def build_extension(self, ext):
        temporary = self.build_temp
        self.build_temp = os.path.join(temporary, ext.name)
        try:
            super().build_extension(ext)
        finally:
            self.build_temp = temporary


setup(ext_modules=extensions(), cmdclass={"build_ext": BuildLevels})
