"""The same bits for any number of threads, any processor level, any input; and no fused multiply-add, which would tie them to a machine."""

import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest
import threadpoolctl

import fastgd
from fastgd._kernels import execute

THREADS_PAY = 2**20  # fewer elements than this are one thread's work; see fastgd/_kernels/_plan.pyx
N = THREADS_PAY + 12_345
THREADS = (1, 2, 3, 4, 5, 6, 7, 8)
OPTIMIZERS = [
    fastgd.SGD(lr=0.1, weight_decay=0.01),
    fastgd.SGD(lr=0.1, momentum=0.9),
    fastgd.SGD(lr=0.1, momentum=0.9, nesterov=True),
    fastgd.Adagrad(),
    fastgd.RMSprop(),
    fastgd.RMSprop(momentum=0.9),
    fastgd.RMSprop(centered=True),
    fastgd.RMSprop(centered=True, momentum=0.9),
    fastgd.Adadelta(),
    fastgd.Adam(),
    fastgd.Adam(amsgrad=True),
    fastgd.AdamW(),
    fastgd.Adamax(),
    fastgd.NAdam(),
    fastgd.RAdam(),
    fastgd.Lion(weight_decay=0.1),
    fastgd.SignSGD(),
    fastgd.Signum(),
    fastgd.Rprop(),
    fastgd.FTRL(l1=0.1, l2=0.1),
    fastgd.ASGD(t0=0),
]


def random_numbers(n, seed=0):
    """Return numbers of many magnitudes, so that the order of every sum shows in its last bits."""
    rng = np.random.default_rng(seed)
    return rng.standard_normal(n, np.float32) * np.exp2(rng.integers(-30, 10, n, np.int32)).astype(np.float32)


def digest(optimizer, params, steps):
    """Return the hash of all that comes out: parameters, state arrays, gradient norms."""
    found = hashlib.sha256()
    state = optimizer.init([p.copy() for p in params])
    for grads in steps:
        found.update(repr(state.step(grads)).encode())
    for array in [*state.params, *state.arrays.values()]:
        found.update(np.ascontiguousarray(array).view(np.uint8))
    return found.hexdigest()


def with_threads(n, function, *arguments):
    with threadpoolctl.threadpool_limits(n, user_api="openmp"):
        assert execute.thread_limit() == n
        return function(*arguments)


@pytest.fixture(scope="module")
def many_arrays():
    """Parameters and the gradients of two steps: large and small, empty, strided, of all four dtypes, not all with a gradient."""
    numbers = random_numbers(2 * N)
    parts = [
        numbers[: N // 2],
        numbers[N : N + 200_001].astype(np.float64),
        numbers[:70_001].astype(np.float16),
        numbers[5:90_001].astype(ml_dtypes.bfloat16),
        numbers[:0],
        *np.split(numbers[:3000], range(1, 60)),
        numbers[: 400 * 600].reshape(400, 600).T,
        numbers[::3],
    ]
    gradients = [[p[::-1].copy() for p in parts], [(p * p.dtype.type(0.5)) for p in parts]]
    gradients[1][2] = None
    return parts, gradients


@pytest.mark.parametrize("options", [{}, {"clip_norm": 1.0, "clip_value": 1e-4}], ids=["plain", "clipped"])
def test_any_number_of_threads(options, many_arrays):
    assert sum(p.size for p in many_arrays[0]) > THREADS_PAY
    for optimizer in (fastgd.AdamW(lr=0.1, **options), fastgd.SGD(lr=0.1, momentum=0.9, **options)):
        digests = {n: with_threads(n, digest, optimizer, *many_arrays) for n in THREADS}
        assert len(set(digests.values())) == 1, digests


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=repr)
def test_any_number_of_threads_for_every_optimizer(optimizer):
    numbers = random_numbers(2 * N)
    params, steps = [numbers[:N]], [[numbers[N:]]]
    clipping = optimizer.replace(clip_norm=1.0)
    assert len({with_threads(n, digest, clipping, params, steps) for n in (1, 3, 4)}) == 1


def test_many_inputs():
    """Two hundred ways to cut numbers into arrays: each has one norm and one step, for 1, 2, 3, 4 and 8 threads."""
    rng = np.random.default_rng(0)
    numbers, params = random_numbers(N + 1000), np.zeros(N + 1000, np.float32)
    optimizer = fastgd.SGD(lr=1.0, clip_norm=1.0)
    for case in range(200):
        first = int(rng.integers(1000))
        cuts = np.sort(rng.integers(first, N, int(rng.integers(6))))
        grads = np.split(numbers[first:], cuts)
        outcomes = set()
        for n in (1, 2, 3, 4, 8):
            params[...] = 0
            info = with_threads(n, optimizer.init(np.split(params[first:], cuts)).step, grads)
            outcomes.add((info.grad_norm, with_threads(n, fastgd.global_norm, grads), hash(params.tobytes())))
        assert len(outcomes) == 1, f"case {case}: {outcomes}"


def test_norm_is_near_the_exact_one():
    numbers = random_numbers(N)
    exact = np.sqrt(np.sum(numbers.astype(np.longdouble) ** 2))
    assert abs(fastgd.global_norm(numbers) - exact) <= 4 * np.finfo(float).eps * exact


# ---------------------------------------------------------------------------------------------------------------------------------
# Other processes: processor levels, and limits set before the start


def all_digests():
    """Return the hashes of every optimizer in both dtypes, then of a large clipped step."""
    found = []
    numbers = random_numbers(4 * 10_007)
    for dtype in (np.float32, np.float64):
        p, *grads = (part.astype(dtype) for part in np.split(numbers, 4))
        for optimizer in OPTIMIZERS:
            found.append(
                digest(
                    optimizer.replace(clip_norm=3.0),
                    np.split(p, [100, 4096]),
                    [np.split(g, [100, 4096]) for g in grads],
                )
            )
    large = random_numbers(2 * N)
    return [*found, digest(fastgd.AdamW(clip_norm=1.0), [large[:N]], [[large[N:]]])]


def all_digests_elsewhere(**environment):
    """Return `all_digests()` of another process."""
    path = [str(Path(fastgd.__file__).parents[1]), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path)} | environment
    done = subprocess.run([sys.executable, __file__], env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    level, threads, *digests = done.stdout.split()
    assert level == environment.get("FASTGD_CPU", level)
    assert threads == environment.get("OMP_NUM_THREADS", threads)
    return digests


@pytest.fixture(scope="module")
def digests_here():
    return all_digests()


@pytest.mark.parametrize("level", execute._built_levels())
def test_any_processor_level(level, digests_here):
    assert all_digests_elsewhere(FASTGD_CPU=level) == digests_here


@pytest.mark.parametrize("threads", ["1", "5"])
def test_any_limit_from_the_environment(threads, digests_here):
    assert all_digests_elsewhere(OMP_NUM_THREADS=threads) == digests_here


def test_unknown_level_is_refused():
    environment = os.environ | {"PYTHONPATH": str(Path(fastgd.__file__).parents[1]), "FASTGD_CPU": "v9"}
    done = subprocess.run(
        [sys.executable, "-c", "import fastgd; fastgd.info()"], env=environment, capture_output=True, text=True
    )
    assert done.returncode != 0 and "FASTGD_CPU='v9' must be one of baseline" in done.stderr


# ---------------------------------------------------------------------------------------------------------------------------------
# Machine code

FUSED = re.compile(r"\s(vfn?m(?:add|sub)\w*|fn?m(?:add|sub)\b|fml[as]\b)")


@pytest.mark.skipif(
    not shutil.which("objdump"), reason="objdump (binutils) is not installed, so machine code cannot be read"
)
@pytest.mark.parametrize("module", ["_sweeps", "_blocks"])
@pytest.mark.parametrize("level", execute._built_levels())
def test_no_fused_multiply_add(level, module):
    """A fused one rounds once where two operations round twice: other bits than on a processor without it."""
    library = importlib.util.find_spec(f"fastgd._kernels.{level}.{module}").origin
    command = ["objdump", "--disassemble", "--no-show-raw-insn", library]
    code = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert re.search(r"\sv?(mul|sqrt)p[sd]|\sfmul", code)  # it was read, and it is vectorised
    assert not (found := FUSED.findall(code)), f"{len(found)} in {library}"


if __name__ == "__main__":
    print(execute.LEVEL, execute.thread_limit(), *all_digests())
