"""Every reader over the kept corpus, and a second of fresh mutants; `make fuzz` gives each a minute.

What counts as an error is in `fuzz/targets.py`: reading ends with a result or with one of fastgd's own errors, never with a crash, a hang,
a demand for memory that the file cannot need, or any other exception.
"""

import hashlib
import random

import numpy as np
import pytest

from . import naive_libsvm
from .fuzz import campaign, mutate, seeds, targets

SEED = 20
MUTANTS = 60


@pytest.fixture(scope="module")
def started():
    """Return the seeds of each target, made once."""
    return {name: seeds.of(name) for name in targets.TARGETS}


@pytest.mark.parametrize("name", targets.TARGETS)
def test_the_seeds_are_read(name, started, tmp_path):
    endings = [campaign.read(targets.TARGETS[name], data, str(tmp_path)) for data in started[name]]
    assert "" in endings


@pytest.mark.parametrize("name", targets.TARGETS)
def test_the_corpus_ends_as_it_should(name, tmp_path):
    paths = campaign.corpus(name)
    assert len(paths) >= 5
    for path in paths:
        assert path.stat().st_size <= campaign.SMALL
        campaign.read(targets.TARGETS[name], path.read_bytes(), str(tmp_path))


@pytest.mark.parametrize("name", targets.TARGETS)
def test_fresh_mutants(name, started, tmp_path):
    rng = random.Random(SEED)
    for _ in range(MUTANTS):
        data = targets.TARGETS[name].mutant(rng, started[name])
        campaign.read(targets.TARGETS[name], data, str(tmp_path))


def test_the_same_seed_makes_the_same_mutants(started):
    for name, target in targets.TARGETS.items():
        first, second = ([target.mutant(random.Random(SEED), started[name]) for _ in range(5)] for _ in range(2))
        assert first == second


def test_mutants_of_sealed_files_mostly_pass_the_seal(started):
    rng = random.Random(SEED)
    mutants = [mutate.safetensors(rng, started["cache"]) for _ in range(100)]
    assert sum(hashlib.sha256(data[:-32]).digest() == data[-32:] for data in mutants) > 80


# What would go unnoticed if the fuzzer could not notice: each check finds a reader that is wrong on purpose.


def test_a_wrong_error_a_wrong_value_and_a_wrong_refusal_are_found(monkeypatch, tmp_path):
    path = tmp_path / "file.svm"
    path.write_bytes(b"1 1:0.5 3:2\n")
    right = targets.io.load_svmlight_file
    targets.libsvm_read(str(path))

    def other_error(*_, **__):
        raise KeyError("spam")

    def other_value(*args, **options):
        X, y, qid = right(*args, **options)
        X.data[-1] += 1
        return X, y, qid

    def refuses(*_, **__):
        raise targets.io.DataFileError("no")

    for wrong, found in ((other_error, KeyError), (other_value, targets.Finding), (refuses, targets.Finding)):
        monkeypatch.setattr(targets.io, "load_svmlight_file", wrong)
        with pytest.raises(found):
            targets.libsvm_read(str(path))


def test_a_process_that_dies_and_one_that_asks_for_memory_are_findings(monkeypatch, tmp_path):
    for name, words in (("crash", "the process ended with -11"), ("greedy", "MemoryError")):
        result = campaign.run(name, 0.05, 0, tmp_path)
        assert words in result.findings[0] and str(tmp_path) in result.findings[0]
    assert list(tmp_path.iterdir())


def test_the_naive_reader():
    how = {"dtype": np.float64, "multilabel": False, "one_based": True, "allow": ()}
    assert naive_libsvm.rows(b"1 qid:3 2:0.5 # 7:7\n\n-1\r\n", **how) == [([1.0], 3, [(2, 0.5)]), ([-1.0], -1, [])]
    for text in (b"", b"1 0:1\n", b"1 2:1 1:1\n", b"1 1:1_0\n", b"1 1:nan\n", b"1,2 1:1\n", b"1 1:1\rx\n"):
        with pytest.raises(naive_libsvm.Refused):
            naive_libsvm.rows(text, **how)
