"""Writes the API reference: a page for each public module, and one for each public function and class, all from ``__all__``."""

import importlib
import inspect
import shutil
from pathlib import Path

import catalogue

import fastgd

MODULES = (
    "fastgd", "fastgd.linear_model", "fastgd.neural_network", "fastgd.optimizers", "fastgd.schedules", "fastgd.learning_rate",
    "fastgd.model_selection", "fastgd.plot", "fastgd.io", "fastgd.report", "fastgd.datasets",
)  # fmt: skip


def write(folder: Path) -> None:
    """Write the pages anew."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for module in MODULES:
        (folder / f"{module}.index.rst").write_text(_module_page(module))
    for name in sorted({path for module in MODULES for path in documented(module)}):
        (folder / f"{name}.rst").write_text(_page(name))


def documented(module: str) -> list[str]:
    """Return the public names of a module, each where users find it first: ``fastgd.SGD`` rather than ``fastgd.optimizers.SGD``."""
    home = importlib.import_module(module)
    names = [name for name in home.__all__ if not inspect.ismodule(getattr(home, name))]
    if module == "fastgd":
        names = [name for name in names if name not in fastgd.optimizers.__all__]
    return [_place(module, name) for name in names]


def _place(module: str, name: str) -> str:
    """Return the name of a thing in the first of the modules that has it."""
    thing = getattr(importlib.import_module(module), name)
    having = (each for each in MODULES if name in importlib.import_module(each).__all__)
    return next(f"{each}.{name}" for each in having if getattr(importlib.import_module(each), name) is thing)


def _module_page(module: str) -> str:
    names = "\n".join(f"   {name.removeprefix(module + '.')}" for name in documented(module))
    return (
        f"{module}\n{'=' * len(module)}\n\n.. automodule:: {module}\n   :no-members:\n\n"
        f".. autosummary::\n   :nosignatures:\n   :toctree: .\n\n{names}\n"
    )


def _page(path: str) -> str:
    module, _, name = path.rpartition(".")
    thing = getattr(importlib.import_module(module), name)
    title = f"{name}\n{'=' * len(name)}\n\n.. currentmodule:: {module}\n\n"
    if not inspect.isclass(thing):
        return title + (f".. autofunction:: {name}\n" if callable(thing) else f".. autodata:: {name}\n   :no-value:\n")
    methods = "".join(f"   .. automethod:: {method}\n" for method in _methods(thing))
    return f"{title}.. autoclass:: {name}\n\n{methods}{_picture(name)}"


def _methods(kind: type) -> list[str]:
    """Return the public methods of a class that no public class above it has."""
    above = [each for each in kind.__mro__[1:] if each.__name__ in (*fastgd.__all__, *fastgd.schedules.__all__)]
    members = inspect.getmembers(kind, lambda member: inspect.isfunction(member) or inspect.ismethod(member))
    return [
        name
        for name, member in members
        if not name.startswith("_")
        and member.__module__.startswith("fastgd")
        and not any(hasattr(a, name) for a in above)
    ]


def _picture(name: str) -> str:
    return (
        f"\nIts path over a surface: :doc:`/auto_optimizers/plot_{name}`.\n"
        if name in catalogue.entries()["optimizers"]
        else ""
    )
