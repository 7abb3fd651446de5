"""What networks learn whose optimizer keeps its state in fewer bits: ``python -m bench.states_quality``. Nothing is timed.

Two networks in torch on the processor, whose tensors `fastgd.AdamW` updates in place, with ``state_dtype`` None, "bfloat16" and "int8"; a
step has the same bits on a GPU.

* An MLP, 784-128-10, rectified, cross-entropy, on Fashion-MNIST where that is installed, else on rows that a random network has labelled.
* A GPT: embeddings of tokens and places, and two blocks of causal attention and a four times wider layer, all as in GPT-2 but 128 wide. It
  regresses the outputs of a fixed random network of the same kind; tokens are drawn by Zipf's law, so that rare rows of the embedding
  have gradients of 0 in most steps.

A seed is first weights and batches; all dtypes have the same ones, the same schedule and the same held-out rows. The seed spread is the
range of the runs with float32 states. A dtype is within it where the median of its runs lies in that range: of the final training loss (the
mean of the last tenth of the steps), of the held-out loss, and of each point of the curve (the means of the tenths of the steps). Five
minutes on two cores.
"""

import argparse
import concurrent.futures
import functools
import math
import multiprocessing
import os
import sys
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

import fastgd
from bench.report import table
from bench.results import HOW_TO_GET_PEERS

DTYPES = (None, "bfloat16", "int8")
TENTHS = 10  # of a training: points of the curve
BLOCKS, WIDTH, HEADS, PLACES, TOKENS, OUTPUTS = 2, 128, 4, 64, 512, 32  # of the GPT
Batches = Iterator[tuple[Any, Any]]


class Task(NamedTuple):
    """What is learnt: a network for a seed, its loss, batches for a seed, rows held out, the peak of the rate, and the steps."""

    title: str
    network: Callable[[], Any]
    loss: Callable[[Any, Any], Any]
    batches: Callable[[int], Batches]
    held_out: tuple[Any, Any]
    rate: float
    steps: int


class Run(NamedTuple):
    """The training loss of every step, the loss of the held-out rows, and which part of the weights has states in fewer bits."""

    losses: np.ndarray
    held_out: float
    coded: float


# ------------------------------------------------------------------------------------------------------------------- the tasks


def labelled() -> tuple[str, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return Fashion-MNIST, or where it is not installed rows of a random network."""
    try:
        data = fastgd.datasets.load_fashion_mnist()
        return (
            "Fashion-MNIST",
            *(a.astype(np.float32) for a in (data.X_train, data.X_test)),
            data.y_train,
            data.y_test,
        )
    except fastgd.datasets.DatasetNotFoundError:
        rng = np.random.default_rng(0)
        causes = rng.standard_normal((40_000, 16), np.float32)
        X = causes @ rng.standard_normal((16, 784), np.float32) / 4 + 0.5 * rng.standard_normal(
            (40_000, 784), np.float32
        )
        scores = np.maximum(causes @ rng.standard_normal((16, 32), np.float32), 0) @ rng.standard_normal(
            (32, 10), np.float32
        )
        y = (scores - scores.mean(axis=0)).argmax(axis=1)
        return "rows of a random network", X[:30_000], X[30_000:], y[:30_000], y[30_000:]


@functools.cache
def mlp(steps: int) -> Task:
    """Return the classification."""
    import torch

    name, X, X_test, y, y_test = labelled()
    data, labels = torch.from_numpy(X), torch.from_numpy(y.astype(np.int64))

    def network() -> Any:
        return torch.nn.Sequential(torch.nn.Linear(784, 128), torch.nn.ReLU(), torch.nn.Linear(128, 10))

    def batches(seed: int) -> Batches:
        rng = np.random.default_rng(seed)
        while True:
            rows = torch.from_numpy(rng.integers(len(data), size=128))
            yield data[rows], labels[rows]

    held_out = torch.from_numpy(X_test), torch.from_numpy(y_test.astype(np.int64))
    title = f"MLP 784-128-10, {name}"
    return Task(title, network, torch.nn.functional.cross_entropy, batches, held_out, 3e-3, steps)


def gpt_network() -> Any:
    """Return a GPT-2 of reduced width, with a head of `OUTPUTS` numbers for each place."""
    import torch
    from torch import nn

    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.before, self.between = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
            self.attend, self.project = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
            self.wide, self.narrow = nn.Linear(WIDTH, 4 * WIDTH), nn.Linear(4 * WIDTH, WIDTH)

        def forward(self, x: Any) -> Any:
            parts = self.attend(self.before(x)).unflatten(-1, (3 * HEADS, -1)).transpose(1, 2).chunk(3, dim=1)
            seen = nn.functional.scaled_dot_product_attention(*parts, is_causal=True)
            x = x + self.project(seen.transpose(1, 2).flatten(2))
            return x + self.narrow(nn.functional.gelu(self.wide(self.between(x)), approximate="tanh"))

    class GPT(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.tokens, self.places = nn.Embedding(TOKENS, WIDTH), nn.Embedding(PLACES, WIDTH)
            self.blocks = nn.Sequential(*(Block() for _ in range(BLOCKS)))
            self.last, self.head = nn.LayerNorm(WIDTH), nn.Linear(WIDTH, OUTPUTS)
            for name, p in self.named_parameters():  # as GPT-2 begins
                if name.endswith("bias"):
                    nn.init.zeros_(p)
                elif p.ndim == 2:
                    nn.init.normal_(
                        p, std=0.02 / math.sqrt(2 * BLOCKS) if "project" in name or "narrow" in name else 0.02
                    )

        def forward(self, tokens: Any) -> Any:
            x = self.tokens(tokens) + self.places(torch.arange(tokens.shape[1]))
            return self.head(self.last(self.blocks(x)))

    return GPT()


@functools.cache
def gpt(steps: int) -> Task:
    """Return the regression of a random network of the same kind, whose weights are large enough for what the blocks do to matter."""
    import torch

    torch.manual_seed(12345)
    teacher = gpt_network()
    with torch.no_grad():
        for p in teacher.parameters():
            if p.ndim == 2:
                p.normal_(std=1 / math.sqrt(p.shape[1]))
        for table in (teacher.tokens, teacher.places):
            table.weight.normal_(std=1.0)
    chances = 1 / np.arange(1, TOKENS + 1)

    def batches(seed: int) -> Batches:
        rng = np.random.default_rng(seed)
        while True:
            tokens = torch.from_numpy(rng.choice(TOKENS, (4, PLACES), p=chances / chances.sum()))
            with torch.no_grad():
                outputs = teacher(tokens)
            yield tokens, outputs

    found = [batch for _, batch in zip(range(32), batches(54321), strict=False)]
    held_out = torch.cat([x for x, _ in found]), torch.cat([y for _, y in found])
    title = f"GPT, {BLOCKS} blocks, {WIDTH} wide, regression"
    return Task(title, gpt_network, torch.nn.functional.mse_loss, batches, held_out, 2e-3, steps)


TASKS = {"mlp": mlp, "gpt": gpt}
STEPS = {"mlp": 2000, "gpt": 800}


# ---------------------------------------------------------------------------------------------------------------- the trainings


def train(name: str, steps: int, state_dtype: str | None, seed: int) -> Run:
    """Return what one training reaches; it has one thread."""
    import torch

    torch.set_num_threads(1)
    task = TASKS[name](steps)
    torch.manual_seed(seed)
    network = task.network()
    params = [p.detach().numpy() for p in network.parameters()]  # the same memory
    rising = max(1, steps // 20)
    schedule = fastgd.schedules.warmup(rising) >> fastgd.schedules.cosine(task.rate, steps - rising)
    state = fastgd.AdamW(lr=schedule, weight_decay=0.01, clip_norm=1.0, state_dtype=state_dtype).init(params)
    losses = []
    for _, batch in zip(range(steps), task.batches(seed), strict=False):
        network.zero_grad()
        loss = task.loss(network(batch[0]), batch[1])
        loss.backward()
        state.step([p.grad.numpy() for p in network.parameters()])
        losses.append(float(loss.detach()))
    with torch.no_grad():
        held_out = float(task.loss(network(task.held_out[0]), task.held_out[1]))
    moments = [a for key, a in state.arrays.items() if key.endswith("exp_avg")]
    coded = sum(a.size for a in moments if a.dtype != np.float32) / sum(a.size for a in moments)
    return Run(np.array(losses), held_out, coded)


def measured(name: str, steps: int, seeds: int, workers: int) -> dict[str | None, list[Run]]:
    """Return the runs of each dtype, seed by seed, in processes side by side."""
    os.environ["OMP_NUM_THREADS"] = "1"  # of the processes begun below
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(workers, mp_context=context) as pool:
        asked = {how: [pool.submit(train, name, steps, how, seed) for seed in range(seeds)] for how in DTYPES}
        return {how: [each.result() for each in runs] for how, runs in asked.items()}


# ---------------------------------------------------------------------------------------------------------------- what is told


def tenths(runs: list[Run]) -> np.ndarray:
    """Return the curves: for each run, the mean loss of each tenth of its steps."""
    return np.array([[part.mean() for part in np.array_split(run.losses, TENTHS)] for run in runs])


def told(values: np.ndarray) -> str:
    return f"{np.median(values):.4g} ({values.min():.4g} to {values.max():.4g})"


def verdict(found: np.ndarray, usual: np.ndarray) -> str:
    """Say where the medians lie beside the range of the runs with float32 states: "yes" where within it at every point."""
    middle = np.median(found, axis=0)
    above, below = np.sum(middle > usual.max(axis=0)), np.sum(middle < usual.min(axis=0))
    return f"NO: {above} above, {below} below" if above or below else "yes"


def report(runs: dict[str | None, list[Run]]) -> str:
    """Return the tables: losses with verdicts, then the curve in units of the seed spread."""
    curves = {how: tenths(each) for how, each in runs.items()}
    ends = {how: np.array([(c[-1], r.held_out) for c, r in zip(curves[how], runs[how], strict=True)]) for how in runs}
    spread = np.ptp(curves[None], axis=0)
    rows, points = [], []
    for how in runs:
        deviations = (np.median(curves[how], axis=0) - np.median(curves[None], axis=0)) / spread
        paired = np.median(ends[how] / ends[None] - 1, axis=0)
        row = [how or "float32", f"{runs[how][0].coded:.1%}", told(ends[how][:, 0]), told(ends[how][:, 1])]
        if how is None:
            rows.append([*row, "", "", ""])
            continue
        worst = deviations[np.abs(deviations).argmax()]
        word = verdict(np.hstack([ends[how], curves[how]]), np.hstack([ends[None], curves[None]]))
        rows.append([*row, f"{paired[0]:+.2%}, {paired[1]:+.2%}", f"{worst:+.2f}", word])
        points.append([how, *(f"{d:+.2f}" for d in deviations)])
    header = ["states", "in fewer bits", "training loss", "held-out loss", "same seed", "curve, worst", "within"]
    parts = np.array_split(np.arange(len(runs[None][0].losses)), TENTHS)
    ends_at = [f"to {part[-1] + 1}" for part in parts]
    return f"{table(header, rows)}\n\n{table(['median curve - that of float32, in spreads', *ends_at], points)}"


def main() -> None:
    """Train all and print a table for each network."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=TASKS, help="one of the networks")
    parser.add_argument("--seeds", type=int, default=6)
    parser.add_argument("--steps", type=int, help=f"instead of {STEPS}")
    parser.add_argument("--workers", type=int, default=2, help="processes of one thread each")
    options = parser.parse_args()
    try:
        import torch
    except ImportError:
        sys.exit(f"the networks are torch's, which is not installed: {HOW_TO_GET_PEERS}")
    print(f"torch {torch.__version__}, fastgd {fastgd.__version__}, {options.seeds} seeds")
    print("Losses: the median of the seeds (least to largest). Same seed: the median of loss / that of float32 - 1.")
    for name in [options.only] if options.only else TASKS:
        steps = options.steps or STEPS[name]
        print(f"\n{TASKS[name](steps).title}, {steps} steps\n")
        print(report(measured(name, steps, options.seeds, options.workers)))


if __name__ == "__main__":
    main()
