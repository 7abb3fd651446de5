"""The machine and the versions that a measurement belongs to."""

import importlib.metadata
import os
import platform
from pathlib import Path

import fastgd
from bench.streaming import usable_cores

PACKAGES = ("numpy", "numba", "torch", "optax", "jax")
QUIET = 0.3
"""The load average above which figures should not be believed."""


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    found = dict(line.split(":", 1) for line in lines if ":" in line)
    fields = {key.strip(): value.strip() for key, value in found.items()}
    family = ", ".join(
        f"{k} {fields[name]}" for k, name in (("family", "cpu family"), ("model", "model")) if name in fields
    )
    guest = ", in a virtual machine" if "hypervisor" in fields.get("flags", "").split() else ""
    return f"{fields.get('model name', platform.machine())} ({family}{guest})"


def _caches() -> str:
    found = []
    for folder in sorted(Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")):
        level, kind, size = ((folder / name).read_text().strip() for name in ("level", "type", "size"))
        if kind != "Instruction":
            found.append(f"L{level} {size}")
    return ", ".join(found) or "unknown"


def _version(package: str) -> str:
    try:
        return f"{package} {importlib.metadata.version(package)}"
    except importlib.metadata.PackageNotFoundError:
        return f"{package} not installed"


def load() -> float:
    """Return the load average of the last minute."""
    return os.getloadavg()[0]


def describe() -> dict[str, str]:
    """Return the machine and the versions, one line each."""
    info = fastgd.info()
    gigabytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "Processor": f"{_processor()}, {usable_cores()} cores usable",
        "Caches": _caches(),
        "Memory": f"{gigabytes:.0f} GiB",
        "System": f"{platform.system()} {platform.release().split('-')[0]}, Python {platform.python_version()}",
        "fastgd": f"{info['version']}, kernels for {info['cpu']}, {info['threads']} threads",
        "Peers": ", ".join(map(_version, PACKAGES)),
    }


def warning(before: float) -> str:
    """Return a warning if the machine was busy before the measurement began, else nothing."""
    if before <= QUIET:
        return ""
    return f"WARNING: the load average was {before:.2f} before this began (quiet is <= {QUIET}): do not believe the figures."
