"""What is fuzzed: for each kind of file, how mutants are made, and what reading one may end with."""

import os
import random
import signal
import warnings
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import click
import numpy as np

import fastgd
from fastgd import io
from fastgd.io import _files, _svmlight
from fastgd.linear_model import SGDClassifier

from .. import naive_libsvm
from . import mutate

# DataFileError, CorruptCheckpointError and others are among the first two; click's are those of the command line.
OURS = (fastgd.ArgumentValueError, fastgd.ArgumentTypeError, click.ClickException)
# A digest guards against damage, not against forgery: what was made of a file with a right digest and wrong contents may end with any
# error when it is used, but never with a crash, a hang, or a demand for memory.
USED = (Exception,)
ALLOWANCES = _svmlight.ALLOWANCES


class Finding(AssertionError):
    """Reading ended with what it must not end with."""


class Target(NamedTuple):
    """A kind of file: the ending of its names, what makes a mutant of its seeds, and what reads one and says how that ended."""

    ending: str
    mutant: Callable
    read: Callable


def outcome(call, accepted):
    """Return what `call` returns, or the text of an accepted error; every other error passes."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return call(), ""
        except MemoryError:
            raise
        except accepted as error:
            if accepted is OURS and not 0 < len(str(error)) <= 300:
                raise Finding(f"a message of {len(str(error))} characters: {error!s:.400}") from error
            return None, f"{type(error).__name__}: {error}"


# libsvm text


def libsvm_mutant(rng, seeds):
    return mutate.mutated(rng, seeds, LIBSVM_WORDS)


LIBSVM_WORDS = tuple(
    b"qid: qid:3 nan -inf 1e400 1e-400 0x1p3 1_0 : , # \t \r \r\n \n \0 +.5e+1 5. . e 00000000000000000001 2147483646 2147483647 "
    b"9223372036854775807 18446744073709551616 179769313486231580793e289 4.9406564584124654e-324 \xef\xbb\xbf 1:1 0:0 3:1e38 3:4e38".split(
        b" "
    )
)


def libsvm_options(data):
    """Return options that depend on the bytes alone."""
    rng = random.Random(zlib.crc32(data))
    return {
        "dtype": rng.choice((np.float32, np.float64)),
        "multilabel": rng.random() < 0.3,
        "zero_based": rng.choice(("auto", True, False)),
        "allow": tuple(name for name in ALLOWANCES if rng.random() < 0.4),
        "n_threads": rng.choice((1, 2, 3)),
    }, rng.choice((7, 64, 1 << 22))


def libsvm_read(path):
    with open(path, "rb") as file:
        data = file.read()
    options, block = libsvm_options(data)
    before, _files.BLOCK = _files.BLOCK, block
    try:
        found, said = outcome(lambda: io.load_svmlight_file(path, query_id=True, **options), OURS)
        rows = _libsvm_rows(data, options)
        if (found is None) != (rows is None):
            raise Finding(
                f"{options}: ours {'refuses: ' + said if found is None else 'accepts'}, by the letter it is the other way round"
            )
        if found is not None:
            _libsvm_compare(found, rows, options)
        if not options["multilabel"] and options["zero_based"] != "auto":
            _libsvm_stream(path, found, options)
    finally:
        _files.BLOCK = before
    return said


def _libsvm_rows(data, options):
    how = {"one_based": options["zero_based"] is False, **{k: options[k] for k in ("dtype", "multilabel", "allow")}}
    try:
        return naive_libsvm.rows(data, **how)
    except naive_libsvm.Refused:
        return None


def _libsvm_compare(found, rows, options):
    X, y, qid = found
    lowest = min((index for _, _, entries in rows for index, _ in entries), default=0)
    base = options["zero_based"] is False or (options["zero_based"] == "auto" and lowest > 0)
    if qid.tolist() != [q for _, q, _ in rows] or X.shape[0] != len(rows):
        raise Finding("other rows or qids")
    labels = [tuple(sorted(each)) for each, _, _ in rows] if options["multilabel"] else [each[0] for each, _, _ in rows]
    if repr(list(map(tuple, y)) if options["multilabel"] else y.tolist()) != repr([*map(_floats, labels)]):
        raise Finding(f"labels {y} instead of {labels}")
    for k, (_, _, entries) in enumerate(rows):
        part = slice(X.indptr[k], X.indptr[k + 1])
        indices, values = X.indices[part].tolist(), X.data[part]
        if indices != sorted({index - base for index, _ in entries}):
            raise Finding(f"row {k}: columns {indices}")
        if len(indices) == len(entries):
            wanted = np.array([value for _, value in sorted(entries, key=lambda e: e[0])], X.dtype)
            if not np.array_equal(values, wanted, equal_nan=True) or not np.array_equal(
                np.signbit(values), np.signbit(wanted)
            ):
                raise Finding(f"row {k}: values {values} instead of {wanted}")


def _floats(label):
    return tuple(map(float, label)) if isinstance(label, tuple) else float(label)


def _libsvm_stream(path, found, options):
    n_features = 50 if found is None else max(found[0].shape[1], 1)
    how = {name: options[name] for name in ("dtype", "zero_based", "allow")}

    def read():
        batches = list(io.stream(path, n_features=n_features, batch_size=2, buffer=3, shuffle=False, **how))
        return sum(X.shape[0] for X, _ in batches)

    rows, _ = outcome(read, OURS)
    if found is not None and rows != found[0].shape[0]:
        raise Finding(f"the stream has {rows} rows instead of {found[0].shape[0]}")


# Tables and arrays


def csv_mutant(rng, seeds):
    return mutate.mutated(rng, seeds, CSV_WORDS)


CSV_WORDS = tuple(
    b'" "" , ; \n \r \r\n NaN nan inf -inf 1e400 true TRUE 2020-01-01 99999999999999999999 \xff \xef\xbb\xbf \0 =1+1 "a\nb" y,'.split(
        b" "
    )
)


def csv_read(path):
    hashing = os.path.getsize(path) % 3 == 0
    how = {"categories": "hash", "n_hashed": 16} if hashing else {}

    def read():
        return io.load_table(
            path, target="y" if os.path.getsize(path) % 5 else None, nulls="zero" if hashing else "refuse", **how
        )

    table, said = outcome(read, OURS)
    if table is not None:
        rows = table.X.shape[0]
        if rows < 1 or table.X.shape[1] != len(table.feature_names) or (table.y is not None and len(table.y) != rows):
            raise Finding(f"{table.X.shape}, {len(table.feature_names)} names")
        if table.X.dtype != np.float32:
            raise Finding(f"dtype {table.X.dtype}")
    return said


def arrays_mutant(rng, seeds):
    archives = [seed for seed in seeds if seed[:2] == b"PK"]
    plain = [seed for seed in seeds if seed[:2] != b"PK"]
    kind = rng.random()
    if kind < 0.35 and plain:
        return mutate.npy(rng, plain)
    if kind < 0.8 and archives:
        return mutate.npz(rng, archives)
    return mutate.mutated(rng, seeds, mutate.NPY_WORDS)


def arrays_read(path):
    with open(path, "rb") as file:
        name = path + (".npz" if file.read(2) == b"PK" else ".npy")
    os.link(path, name)
    try:
        found, said = outcome(lambda: io.load_arrays(name), OURS)
        for array in found.values() if isinstance(found, dict) else [] if found is None else [found]:
            if getattr(array, "dtype", np.dtype(float)).hasobject:
                raise Finding("an array of objects")
            array.tobytes() if isinstance(array, np.ndarray) else array.sum()
    finally:
        os.unlink(name)
    return said


# The cache of parsed text, checkpoints and models


def sealed_mutant(rng, seeds):
    return mutate.safetensors(rng, seeds) if rng.random() < 0.85 else mutate.mutated(rng, seeds)


def cache_read(path):
    name = path + ".fgd"
    os.link(path, name)
    try:
        first, said = outcome(lambda: _of_cache(name), OURS)
        batches, _ = outcome(lambda: list(io.stream(name, batch_size=2, buffer=5)), OURS)
    finally:
        os.unlink(name)
    for X, y in ([] if first is None else [first]) + (batches or []):
        if X.shape[1] <= 10_000:
            outcome(lambda X=X, y=y: SGDClassifier(max_iter=1, tol=None).fit(X, y), USED)
    return said


def _of_cache(name):
    from fastgd.cli import _reading

    rows = _reading.read(Path(name), target=None, n_features=None, cache=False)
    return rows.X, rows.y


def model_read(path):
    model, said = outcome(lambda: fastgd.load_model(path), OURS)
    if model is not None:
        n = getattr(model, "n_features_in_", 3)
        X = np.ones((2, n if type(n) is int and 0 < n < 1000 else 3))
        outcome(lambda: model.predict(X), USED)
        outcome(lambda: model.partial_fit(X, np.array([0, 1])), USED)
        outcome(lambda: model.history_._repr_html_(), USED)
    return said


def checkpoint_read(path):
    params = {"w": np.ones((2, 3)), "b": np.ones(3)}
    state, said = outcome(lambda: fastgd.load(path, params), OURS)
    if state is not None:
        outcome(
            lambda: state.step({name: np.ones_like(p) for name, p in params.items()}),
            (*OURS, FloatingPointError, OverflowError),
        )
    elif not all((p == 1).all() for p in params.values()):
        raise Finding("the parameters were changed before the error")
    return said


TARGETS = {
    "libsvm": Target(".svm", libsvm_mutant, libsvm_read),
    "csv": Target(".csv", csv_mutant, csv_read),
    "arrays": Target("", arrays_mutant, arrays_read),
    "cache": Target("", sealed_mutant, cache_read),
    "model": Target(".safetensors", sealed_mutant, model_read),
    "checkpoint": Target(".safetensors", sealed_mutant, checkpoint_read),
}


# Two that must be found, to test the fuzzer itself


def _crash(path):
    os.kill(os.getpid(), signal.SIGSEGV)


def _ask_for_memory(path):
    np.ones(1 << 40)


def find(name):
    """Return a target by its name."""
    return {**TARGETS, **SELF_TESTS}[name]


SELF_TESTS = {"crash": Target("", csv_mutant, _crash), "greedy": Target("", csv_mutant, _ask_for_memory)}
