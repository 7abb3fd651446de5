"""Reading and streaming data, and the command line's start: ``python -m bench.reading``.

libsvm text beside scikit-learn's ``load_svmlight_file`` (same matrix, checked), the cache, training from a stream beside training from
memory, and whole processes: ``fastgd --help``, ``fastgd info``, ``fastgd train`` on a9a. Files are read once before the first round, so
they are in the page cache.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from bench.lanes import measure, rcv1_like

FLOOR_CHUNK = 1 << 20


def seconds(work: Callable[[], Any]) -> Callable[[], float]:
    """Return a function that does the work and returns its seconds."""

    def run() -> float:
        begin = time.perf_counter()
        work()
        return time.perf_counter() - begin

    return run


def read_bytes(path: str) -> None:
    """Read a file and do nothing with it: the floor of every reader."""
    buffer = bytearray(FLOOR_CHUNK)
    with open(path, "rb", buffering=0) as file:
        while file.readinto(buffer):
            pass


def read_and_fill(path: str, entries: int) -> None:
    """Read a file and fill new arrays as large as a reader's: its floor where memory that was never used costs something."""
    read_bytes(path)
    np.full(entries, 1.0)
    np.full(entries, 1, np.int32)


def write_text(folder: str, rows: int) -> str:
    """Write RCV1-shaped rows as libsvm text; return the file's name."""
    from sklearn.datasets import dump_svmlight_file

    X, y = rcv1_like(rows)
    path = os.path.join(folder, "rcv1.svm")
    dump_svmlight_file(X, y, path, zero_based=False)
    return path


def reading(path: str, rounds: int) -> None:
    """Print megabytes a second of each reader, and how many times faster than scikit-learn's."""
    from sklearn.datasets import load_svmlight_file as theirs

    from fastgd.io import load_svmlight_file

    ours, other = load_svmlight_file(path), theirs(path)
    same = ours[0].shape == other[0].shape and (ours[0] != other[0]).nnz == 0 and np.array_equal(ours[1], other[1])
    load_svmlight_file(path, cache=True)
    contenders = {
        "scikit-learn": lambda: theirs(path),
        "fastgd, 1 thread": lambda: load_svmlight_file(path, n_threads=1),
        "fastgd, 2 threads": lambda: load_svmlight_file(path, n_threads=2),
        "fastgd, cache": lambda: load_svmlight_file(path, cache=True),
        "floor: read the bytes": lambda: read_bytes(path),
        "floor: and fill arrays": lambda: read_and_fill(path, ours[0].nnz),
    }
    samples = measure({name: seconds(work) for name, work in contenders.items()}, rounds)
    size = os.path.getsize(path) / 1e6
    print(f"libsvm text of {size:.0f} MB; the same matrix and labels, bit for bit: {same}")
    for name, each in samples.items():
        ratio = float(np.median(samples["scikit-learn"] / each))
        print(f"  {name:24s}{size / np.median(each):12,.0f} MB/s   {ratio:10,.1f} times scikit-learn's")


def streaming(path: str, rounds: int) -> None:
    """Print the speed of training passes from a stream beside those from memory: the same batches, through `partial_fit`."""
    from fastgd.io import load_svmlight_file, stream
    from fastgd.linear_model import SGDClassifier

    X, y = load_svmlight_file(path, dtype=np.float32, cache=path + ".fgd32", zero_based=False)
    os.replace(path + ".fgd32", path + "32.fgd")
    X, y = load_svmlight_file(path, dtype=np.float32)
    batch, classes = 65_536, np.unique(y)

    def train(batches: Callable[[], Any]) -> Callable[[], None]:
        model = SGDClassifier(loss="log_loss", alpha=1e-6, learning_rate="constant", eta0=1.0, random_state=0)

        def one_pass() -> None:
            for rows, labels in batches():
                model.partial_fit(rows, labels, classes=classes)

        return one_pass

    def in_memory() -> Any:
        return ((X[k : k + batch], y[k : k + batch]) for k in range(0, X.shape[0], batch))

    options = {"n_features": X.shape[1], "batch_size": batch, "buffer": batch}
    contenders = {
        "in memory": train(in_memory),
        "stream of the cache": train(lambda: stream(path + "32.fgd", **options)),
        "the same, unshuffled": train(lambda: stream(path + "32.fgd", shuffle=False, **options)),
        "stream of the text": train(lambda: stream(path, **options)),
    }
    samples = measure({name: seconds(work) for name, work in contenders.items()}, rounds)
    print(f"one pass of log_loss over {X.shape[0]:,} rows in batches of {batch:,}")
    for name, each in samples.items():
        share = float(np.median(samples["in memory"] / each))
        print(f"  {name:24s}{X.shape[0] / np.median(each):12,.0f} rows/s   {share:6.2f} of the speed from memory")


def processes(rounds: int) -> None:
    """Print seconds of whole processes, the interpreter's start included."""
    folder = os.environ.get("FASTGD_DATA", "")
    commands = {
        "python -c pass": ["-c", "pass"],
        "fastgd --help": ["-m", "fastgd", "--help"],
        "fastgd info": ["-m", "fastgd", "info"],
    }
    with tempfile.TemporaryDirectory() as place:
        data = Path(folder, "a9a.svm")
        if folder and data.exists():
            out, page = os.path.join(place, "model.safetensors"), os.path.join(place, "report.html")
            commands["fastgd train a9a"] = [
                "-m",
                "fastgd",
                "train",
                str(data),
                "--out",
                out,
                "--report",
                page,
                "--quiet",
            ]
        else:
            print("a9a is not measured: set FASTGD_DATA to a folder that holds a9a.svm, of the LIBSVM data sets")

        def start(command: list[str]) -> Callable[[], Any]:
            return lambda: subprocess.run([sys.executable, *command], check=True, capture_output=True)

        samples = measure({name: seconds(start(command)) for name, command in commands.items()}, rounds)
    for name, each in samples.items():
        print(f"  {name:24s}{np.median(each):8.3f} s")


def main(arguments: list[str]) -> int:
    """Print the three tables."""
    parser = argparse.ArgumentParser(prog="python -m bench.reading", description="Reading, streaming, starting.")
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=5, help="rounds that count, after one that does not")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        path = write_text(folder, options.rows)
        reading(path, options.rounds)
        streaming(path, options.rounds)
    processes(options.rounds)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
