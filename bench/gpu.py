"""Steps on an NVIDIA GPU: first whether they are right, then what they take beside a copy of the same bytes: ``python -m bench.gpu``.

Needs fastgd[cuda13], torch with CUDA and a GPU; CuPy, JAX and optax are measured where they are installed. At most 8 minutes
(``--budget``); at the end stands what was aimed at, and whether it was met. ``python -m bench.gpu --sim`` runs the checks and the harness's
logic in Numba's simulator, without a GPU and without a figure that means anything.

All contenders of a workload are interleaved in every round, and a device-to-device copy that moves as many bytes as the update in float32
must is one of them: the ceiling. Each sample is CUDA events around as many steps as fill 20 ms; the host's time per step is taken beside
it, and in "one call" the time of a single step from its call to its end on the device, when nothing else runs. The median of the rounds
counts. Random gradients; the 0.1 M MLP and the small arrays lie in the L2 cache and are marked.
"""

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import time
import traceback
from pathlib import Path

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--sim", action="store_true", help="the logic only, in Numba's simulator")
parser.add_argument("--rounds", type=int, default=15)
parser.add_argument("--budget", type=float, default=420, help="seconds after which no workload is begun")
parser.add_argument("--out", help="a file for all figures, as JSON")
parser.add_argument("--jax", action="store_true", help=argparse.SUPPRESS)
options = parser.parse_args()
if options.sim:
    os.environ["NUMBA_ENABLE_CUDASIM"] = "1"
    options.rounds = 1

import numpy as np  # noqa: E402

import fastgd  # noqa: E402
from bench import gpu_checks  # noqa: E402
from bench.gpu_contenders import COPY, FUSED, REPLAY, RESERVE, Contender, cases, contenders, measure_jax  # noqa: E402
from bench.gpu_devices import Sample, Simulated, Torch  # noqa: E402
from bench.gpu_targets import Found, targets  # noqa: E402

SAMPLE = 0.02  # seconds
MOST_STEPS = 1 if options.sim else 200  # of one sample
WARM_UP = 3
PACKAGES = (
    "fastgd torch numba numba-cuda cuda-bindings nvidia-nvjitlink nvidia-cuda-nvcc cupy-cuda12x cupy-cuda13x jax optax"
)


def describe(torch):
    """Print what is measured on."""
    import importlib.metadata

    for package in PACKAGES.split():
        try:
            print(f"{package} {importlib.metadata.version(package)}", end="   ")
        except importlib.metadata.PackageNotFoundError:
            print(f"{package} -", end="   ")
    if torch is None:
        print("\nNumba's simulator")
        return
    print(f"\n{torch.cuda.get_device_name()}, CUDA {torch.version.cuda} of torch, {time.strftime('%Y-%m-%d')}")
    asked = ["nvidia-smi", "--query-gpu=driver_version,clocks.sm,clocks.mem,power.limit", "--format=csv,noheader"]
    try:
        said = subprocess.run(asked, capture_output=True, text=True, timeout=20).stdout.strip()
        print(f"driver, clocks, power: {said}")
    except (OSError, subprocess.TimeoutExpired):
        print("nvidia-smi does not answer")
    header = Path(torch.__file__).parent / "include/ATen/native/cuda/MultiTensorApply.cuh"
    blocks = re.findall(r"depth_to_max_blocks\[5\] = \{(\d+)", header.read_text()) if header.exists() else []
    if blocks:  # the first is for builds with CUDA 13 or later, where the header tells them apart
        newer = int(torch.version.cuda.partition(".")[0]) >= 13
        print(f"torch fused launches at most {blocks[0 if newer else -1]} blocks at a time")


def registers(device):
    """Print what the compiler made of the kernels of AdamW, and who launches them."""
    one = device.put(np.ones(4096, np.float32))
    for how in (None, "bfloat16", "int8"):
        segment = fastgd.AdamW(lr=0.1, state_dtype=how).init(one)._plan.tables.segments[0]
        for name, kernel in {"update": segment.update, "norm": segment.norm}.items():
            if name == "norm" and how:
                continue
            launched = "by one call of the driver" if kernel.direct else "BY NUMBA-CUDA'S DISPATCHER"
            found = "" if options.sim else f"{_first(kernel.dispatcher.get_regs_per_thread())} registers, "
            local = "" if options.sim else f"{_first(kernel.dispatcher.get_local_mem_per_thread())} bytes local, "
            wave = f"{kernel.wave} blocks of {kernel.n_threads} at a time"
            print(f"  {name}, {how or 'float32'} states: {found}{local}{wave}, launched {launched}")


def _first(found):
    return max(found.values()) if isinstance(found, dict) else found


def launch_costs(device):
    """Print the host's time for launches, with one small array, of which the device keeps up."""
    param, grad = (device.put(np.ones(4, np.float32)) for _ in range(2))
    n = 1 if options.sim else 200
    begun = time.perf_counter()
    replay = fastgd.Replay(fastgd.AdamW(lr=1e-3, on_nonfinite="zero").init(param), grad, 40 * n)
    filled = time.perf_counter()
    replay.sync()
    replay.refill()
    print(f"  scalars computed ahead: {(time.perf_counter() - filled) / (40 * n) * 1e6:.2f} us a step, ", end="")
    print(f"the first time, compiling: {filled - begun:.2f} s")
    state = fastgd.AdamW(lr=1e-3, on_nonfinite="zero").init(param)
    tables, begin = replay._plan.tables, replay._plan.tables.begin
    stream, arguments = replay._plan.now_stream(), (tables.control.address, replay._limits.address)
    ways = {
        "one launch of ours": lambda: begin(1, stream, *arguments),
        "Replay.step, two launches": replay.step,
        "State.step, which waits for the device": lambda: state.step(grad),
    }
    if device.torch is not None:
        from numba import cuda

        outer = cuda.external_stream(stream)
        ways["the same launch by numba-cuda"] = lambda: begin.dispatcher[1, 1, outer](*arguments)
        ways["torch, grad.mul_(1)"] = lambda: grad.mul_(1)
        ways["a graph of Replay.step"] = device.graphed(replay.step)
    for name, way in ways.items():
        taken = statistics.median(device.timed(way, n).host for _ in range(5))
        print(f"  {name}: {taken * 1e6:.2f} us of the host")


def built(device, case, replays):
    """Return the contenders' steps by name, as many as there is memory for, and by what each one's seconds are multiplied."""
    copy, factor = device.copy(sum(case.sizes) * case.bytes_each // 2)
    steps, factors = {COPY: copy}, {COPY: factor}
    n_steps = 2 * (MOST_STEPS + 1) * (options.rounds + 1) + 10 * (WARM_UP + 1)  # a Replay and its graph
    for contender in contenders(device, case, n_steps, replays):
        step = prepared(device, case, contender)
        if step is not None:
            steps[contender.name], factors[contender.name] = step, 1.0
    return steps, factors


def prepared(device, case, contender: Contender):
    """Return the step of a contender, None where it cannot be had, and say why."""
    device.clean()
    needed = sum(case.sizes) * contender.bytes_each + RESERVE
    if device.free() < needed:
        print(
            f"  {case.title}: {contender.name} left out, needs {needed / 2**30:.1f} GiB, {device.free() / 2**30:.1f} are free"
        )
        return None
    try:
        step = contender.make()
        for _ in range(WARM_UP):
            step()
        return step
    except ImportError as error:
        print(f"  {contender.name} left out: {error}")
    except Exception:
        print(f"  {case.title}: {contender.name} FAILED\n{traceback.format_exc()}", flush=True)
    return None


def compare(device, case) -> Found:
    """Return what all contenders of one case take, measured in turn."""
    replays: list = []
    steps, factors = built(device, case, replays)
    counts, samples = {}, {name: [] for name in steps}
    for name, step in steps.items():
        taken = device.timed(step, 3)
        counts[name] = min(MOST_STEPS, max(3, int(SAMPLE / max(taken.device, taken.host, 1e-7))))
    for _ in range(options.rounds):
        for name, step in steps.items():
            taken = device.timed(step, counts[name])
            samples[name].append(Sample(*(factors[name] * each for each in taken)))
    for replay in replays:
        replay.sync()  # raises where a step had no scalars left, and so did nothing
    return samples


def show(case, samples: Found) -> None:
    """Print the contenders of one case, the fastest first."""
    middle = {
        name: Sample(*(statistics.median(each) for each in zip(*found, strict=True))) for name, found in samples.items()
    }
    n = sum(case.sizes)
    print(f"\n{case.title}: {len(case.sizes)} arrays, {n / 1e6:.1f} M elements, {case.bytes_each} bytes each")
    for name in sorted(middle, key=lambda name: middle[name].device):
        own, device = middle[name], [sample.device for sample in samples[name]]
        fused = f"{middle[FUSED].device / own.device:6.2f}" if FUSED in middle else "     -"
        ratios = f"copy/x {middle[COPY].device / own.device:5.2f}   torch fused/x {fused}"
        if REPLAY in middle:
            ratios += f"   Replay/x {middle[REPLAY].device / own.device:5.2f}"
        spread = (max(device) - min(device)) / own.device
        times = f"host {own.host * 1e6:8.1f} us   one call {own.call * 1e6:9.1f} us   spread {spread:4.0%}"
        print(f"  {name:32s} {own.device * 1e6:10.1f} us   {ratios}   {times}", flush=True)


def main():
    if options.jax:
        measure_jax()
        return 0
    begun = time.perf_counter()
    device = Simulated() if options.sim else Torch()
    describe(device.torch)
    print("Correctness", flush=True)
    failed = gpu_checks.check(device, options.sim)
    print("Kernels and launches", flush=True)
    registers(device)
    launch_costs(device)
    print(f"Times, from second {time.perf_counter() - begun:.0f} on", flush=True)
    found: dict[str, Found] = {}
    for case in cases(options.sim):
        if time.perf_counter() - begun > options.budget:
            print(f"  {case.title}: left out, the budget of {options.budget:.0f} s is spent")
            continue
        try:
            found[case.title] = compare(device, case)
            show(case, found[case.title])
        except Exception:
            print(f"  {case.title} FAILED\n{traceback.format_exc()}", flush=True)
        device.clean()
    if device.torch is not None and time.perf_counter() - begun < options.budget:
        environment = {**os.environ, "XLA_PYTHON_CLIENT_PREALLOCATE": "false"}
        try:
            subprocess.run([sys.executable, "-m", "bench.gpu", "--jax"], env=environment, timeout=55, check=False)
        except subprocess.TimeoutExpired:
            print("  JAX took longer than 55 s")
    print("\n" + targets(found))
    print(
        "\nWhat networks learn with states in fewer bits, on the processor, with the same bits: python -m bench.states_quality"
    )
    print(f"\n{time.perf_counter() - begun:.0f} s. " + (f"{failed} CHECKS FAILED" if failed else "All checks passed."))
    if options.sim:
        print("Nothing is timed in the simulator: these figures mean nothing.")
    if options.out:
        Path(options.out).write_text(json.dumps({"samples": found}), encoding="utf-8")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
