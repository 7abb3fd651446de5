"""Steps of AdamW whose state arrays are stored in fewer bits, beside the ordinary step: one process, the contenders interleaved.

python -m bench.states            33 M elements in one array; --elements, --rounds
"""

import argparse
import statistics
import time

import numpy as np

import fastgd

BYTES = {None: 28.0, "bfloat16": 20.0, "int8": 16.06}
"""What a step moves per element of float32 parameters: read and written."""


def contenders(n: int) -> dict[str | None, tuple]:
    """Return, by `state_dtype`, a state and its gradients."""
    rng = np.random.default_rng(0)
    gradient = rng.standard_normal(n, np.float32)
    made = {}
    for how in BYTES:
        optimizer = fastgd.AdamW(lr=1e-3, on_nonfinite="zero", state_dtype=how)
        made[how] = optimizer.init(np.zeros(n, np.float32)), gradient
    return made


def measured(made: dict[str | None, tuple], rounds: int) -> dict[str | None, list[float]]:
    """Return the seconds of each contender's steps, round by round."""
    found: dict[str | None, list[float]] = {how: [] for how in made}
    for _ in range(rounds + 1):
        for how, (state, gradient) in made.items():
            start = time.perf_counter()
            state.step(gradient)
            found[how].append(time.perf_counter() - start)
    return {how: seconds[1:] for how, seconds in found.items()}  # the first round touches memory for the first time


def main() -> None:
    """Print a table: milliseconds, bytes per second, ratio to the ordinary step (median of the rounds' ratios)."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--elements", type=int, default=33_000_000)
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    found = measured(contenders(options.elements), options.rounds)
    print(f"AdamW, {options.elements:,} float32 elements, {fastgd.info()['cpu']}, {fastgd.info()['threads']} threads")
    print("| states | ms | GB/s | times faster |\n|---|---|---|---|")
    for how, seconds in found.items():
        middle = statistics.median(seconds)
        ratio = statistics.median(a / b for a, b in zip(found[None], seconds, strict=True))
        moved = BYTES[how] * options.elements / middle / 1e9
        print(f"| {how or 'float32'} | {1e3 * middle:.1f} | {moved:.1f} | {ratio:.2f} |")


if __name__ == "__main__":
    main()
