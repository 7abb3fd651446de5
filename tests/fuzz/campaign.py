"""Runs mutants of a target's seeds and corpus in another process, which may die, hang or ask for too much memory."""

import faulthandler
import json
import multiprocessing
import os
import random
import re
import resource
import tempfile
import time
import traceback
import zlib
from pathlib import Path
from typing import NamedTuple

from . import seeds, targets

CORPUS = Path(__file__).parent.parent / "corpus"
HANG = 20  # seconds for one file
MEMORY = 1 << 30  # bytes beyond what the process has when it begins: every file is below 64 KiB
SMALL = 4096  # bytes of a file that may go into the corpus
MOST_KEPT = 40  # files of a target in the corpus


class Result(NamedTuple):
    """What a campaign did: how many files, how many of them were accepted, how many different endings there were, what was found."""

    inputs: int
    accepted: int
    endings: int
    findings: list


def corpus(name):
    """Return the files of a target's corpus."""
    return [path for path in sorted((CORPUS / name).glob("*")) if path.is_file()]


def run(name, seconds, seed, findings, keep=False):
    """Fuzz one target for so long; a process that dies is a finding, and another one goes on."""
    inputs = accepted = 0
    endings, found = set(), []
    with tempfile.TemporaryDirectory() as folder:
        while seconds > 0:
            context = multiprocessing.get_context("spawn")
            process = context.Process(target=work, args=(name, seconds, seed, folder, str(findings), keep))
            process.start()
            process.join()
            told = json.loads((Path(folder) / "told").read_text())
            inputs, accepted, seed = inputs + told["inputs"], accepted + told["accepted"], seed + 1
            seconds -= max(told["seconds"], 0.1)
            endings |= set(told["endings"])
            found += told["findings"]
            if process.exitcode:
                data = (Path(folder) / "current").read_bytes()
                found.append(f"the process ended with {process.exitcode}: {_saved(findings, name, data)}")
    return Result(inputs, accepted, len(endings), found)


def work(name, seconds, seed, folder, findings, keep):
    """Read mutants until the time is over, imports not counted; runs in a process of its own."""
    target = targets.find(name)
    rng = random.Random(f"{name} {seed}")
    whole = seeds.of(name)
    known = [*whole, *(path.read_bytes() for path in corpus(name))]
    told = {"inputs": 0, "accepted": 0, "seconds": 0.0, "endings": [], "findings": []}
    _limit_memory()
    seen, written, current = set(), 0.0, os.path.join(folder, "current")
    began = time.monotonic()
    while told["seconds"] < seconds:
        told["seconds"] = time.monotonic() - began
        data = target.mutant(rng, known if rng.random() < 0.5 else whole)
        with open(current, "wb") as file:
            file.write(data)
        if time.monotonic() - written > 0.2:  # for the case that this one kills the process
            Path(folder, "told").write_text(json.dumps(told))
            written = time.monotonic()
        faulthandler.dump_traceback_later(HANG, exit=True)
        told["inputs"] += 1
        try:
            said = read(target, data, folder)
        except BaseException as error:
            place = traceback.extract_tb(error.__traceback__)[-1]
            said = f"!{type(error).__name__} {place.filename}:{place.lineno}"
            if said not in seen:
                told["findings"].append(
                    f"{type(error).__name__}: {error!s:.200} ({place.filename}:{place.lineno}): {_saved(findings, name, data)}"
                )
        finally:
            faulthandler.cancel_dump_traceback_later()
        told["accepted"] += said == ""
        ending = _ending(said)
        if ending not in seen:
            seen.add(ending)
            seen.add(said)
            told["endings"].append(ending)
            known.append(data)
            if keep and len(data) <= SMALL and not said.startswith("!") and len(corpus(name)) < MOST_KEPT:
                _saved(CORPUS / name, "", data)
    Path(folder, "told").write_text(json.dumps(told))


def read(target, data, folder):
    """Read one file of these bytes; return what the error says, or an empty text."""
    path = os.path.join(folder, f"file{target.ending}")
    with open(path, "wb") as file:
        file.write(data)
    try:
        return target.read(path)
    finally:
        os.unlink(path)


def _ending(said):
    """Return the first words of an error without names, numbers and what was found."""
    said = re.sub(r"'[^']*'|\"[^\"]*\"|/\S*|(found|got|row|column) .*", "", said)
    return " ".join(re.findall(r"[A-Za-z_]{2,}", said)[:8])


def _limit_memory():
    with open("/proc/self/statm") as file:
        now = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (now + MEMORY, resource.RLIM_INFINITY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _saved(folder, name, data):
    Path(folder).mkdir(parents=True, exist_ok=True)
    path = Path(folder) / f"{name}{'-' * bool(name)}{zlib.crc32(data):08x}"
    path.write_bytes(data)
    return path
