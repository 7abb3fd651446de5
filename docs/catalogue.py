"""Writes a gallery script for every schedule and every optimizer: its formula from the docstring, its plot, its example.

No text is kept here but what a docstring cannot know: how to draw an optimizer.
"""

import inspect
import shutil
from pathlib import Path

import fastgd
from fastgd.plot._gallery import GALLERY

SCHEDULES = """Schedules
=========

The learning rate as a pure function of the step. Combine them with ``>>`` (one after the other), ``*``, ``+``, ``clip``, ``shift``,
``maximum`` and ``minimum``; durations are steps, ``"10 epochs"`` or ``"5%"``.
"""
OPTIMIZERS = """Optimizers
==========

Every update rule with its equation, and its path down a ravine ten times as steep across as along: 60 steps with a rate that suits it, or
600 steps where the optimizer finds its rate by itself.
"""
# The rate for the picture, where 0.05 does not suit: a step of the signs, for example, has the length of the rate itself.
RATES = {
    "Adadelta": 1.0, "ASGD": 0.02, "BarzilaiBorwein": 0.01, "FTRL": 0.5, "LARS": 1.0, "LAMB": 0.1, "NovoGrad": 0.1, "QHM": 0.05, "SGD": 0.02,
    "SGDHD": 0.005, "SGDScheduleFree": 0.1, "AdEMAMix": 0.05, "Rprop": 0.05,
}  # fmt: skip
SCHEDULE_SCRIPT = '''r"""
{title}
{rule}

{text}
"""

from fastgd import schedules
from fastgd.plot import ScheduleDisplay

schedule = schedules.parse("{expression}")
{draw}
'''
OPTIMIZER_SCRIPT = '''r"""
{title}
{rule}

{text}
"""

import fastgd
from fastgd.plot import TrajectoryDisplay

optimizer = fastgd.{call}
TrajectoryDisplay.from_optimizers({{"{title}": optimizer}}, surface="ravine", n_steps={n_steps})
'''


def write(folder: Path) -> None:
    """Write the scripts of both galleries anew."""
    shutil.rmtree(folder, ignore_errors=True)
    _schedules(folder / "schedules")
    _optimizers(folder / "optimizers")


def entries() -> dict[str, list[str]]:
    """Return the names of what the galleries must have."""
    helpers = {"Schedule", "as_schedule", "from_dict", "parse", "maximum", "minimum"}
    return {
        "schedules": [name for name in fastgd.schedules.__all__ if name not in helpers],
        "optimizers": [
            name
            for name in fastgd.optimizers.__all__
            if inspect.isclass(getattr(fastgd.optimizers, name)) and name != "Optimizer"
        ],
    }


def _schedules(folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "README.txt").write_text(SCHEDULES)
    shown = {text.partition("(")[0]: text for text in GALLERY}
    shown |= {"warmup": "warmup(20) >> linear(1, 80)"}
    for name in entries()["schedules"]:
        text = inspect.getdoc(getattr(fastgd.schedules, name))
        loss = GALLERY[shown[name]][1] if shown[name] in GALLERY else None
        draw = "schedule.plot(n=100)"
        if loss is not None:
            draw = "from fastgd.plot._gallery import GALLERY\n\nschedule, loss = GALLERY[str(schedule)]  # with a loss to follow\nschedule.plot(None, 100, loss)"
        content = SCHEDULE_SCRIPT.format(title=name, rule="=" * len(name), text=text, expression=shown[name], draw=draw)
        if loss is None:
            content = content.replace("from fastgd.plot import ScheduleDisplay\n", "")
        (folder / f"plot_{name}.py").write_text(content)


def _optimizers(folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "README.txt").write_text(OPTIMIZERS)
    for name in entries()["optimizers"]:
        kind = getattr(fastgd.optimizers, name)
        parameters = inspect.signature(kind).parameters
        call = f"{name}(lr={RATES.get(name, 0.05)})" if "lr" in parameters else f"{name}()"
        n_steps = 60 if "lr" in parameters else 600
        content = OPTIMIZER_SCRIPT.format(
            title=name, rule="=" * len(name), text=inspect.getdoc(kind), call=call, n_steps=n_steps
        )
        (folder / f"plot_{name}.py").write_text(content)
