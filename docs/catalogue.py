"""Writes a gallery script for every schedule and every optimizer: its formula from the docstring, its plot, its example.

No text is kept here but what a docstring cannot know: how to draw an optimizer.
"""

import inspect
import shutil
from pathlib import Path

import formulas
import numpy as np
from numpydoc.docscrape import NumpyDocString

import fastgd
from fastgd.plot import SURFACES
from fastgd.plot._gallery import GALLERY
from fastgd.plot._surfaces import descend

SCHEDULES = """Schedules
=========

The learning rate as a pure function of the step. Combine them with ``>>`` (one after the other), ``*``, ``+``, ``clip``, ``shift``,
``maximum`` and ``minimum``; durations are steps, ``"10 epochs"`` or ``"5%"``.
"""
OPTIMIZERS = """Optimizers
==========

Every update rule with its equation, and its path down a ravine ten times as steep across as along: 60 steps with the best of the rates 1,
0.5, 0.2, 0.1 ... 0.001, or 600 steps where the optimizer finds its rate by itself and its ``lr`` is a factor of 1. Such a picture shows how
a rule moves on two parameters, and not which is best for your data.
"""
HELPERS = {"Schedule", "as_schedule", "from_dict", "parse", "maximum", "minimum"}
SURFACE, START = "ravine", (-3.7, 0.9)  # a start that no step of a round length leads from to the minimum
RATES = (1.0, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001)
STEPS, STEPS_TO_FIND = 60, 600

PAGE = '''r"""
{title}
{rule}

{text}

All arguments: :obj:`fastgd.{home}{title}`.
"""

{draw}

# %%
# In a few lines:
#
{example}
'''
DRAW_SCHEDULE = """from fastgd import schedules

schedule = schedules.parse("{expression}")
schedule.plot(n=100)"""
DRAW_MEASURED = """from fastgd.plot._gallery import GALLERY

schedule, loss = GALLERY["{expression}"]  # with a loss that it follows
schedule.plot(None, 100, loss)"""
DRAW_OPTIMIZER = """import fastgd
from fastgd.plot import TrajectoryDisplay

optimizer = {call}
display = TrajectoryDisplay.from_optimizers(
    {{"{title}": optimizer}}, surface="{surface}", start={start}, n_steps={n_steps}
)
title = display.ax_.set_title("{shown}: {n_steps} steps", loc="left")"""

DRAW_SEARCH = """import numpy as np

import fastgd
from fastgd.plot import SURFACES, TrajectoryDisplay

surface, w = SURFACES["{surface}"], np.array({start})
state, path = {call}.init(w), [w.copy()]
for step in range({n_steps}):
    info = state.step(surface.gradient(w), loss=lambda: float(surface.value(w)))
    path.append(w.copy())
display = TrajectoryDisplay(surface=surface, paths={{"{title}": path}}).plot()
title = display.ax_.set_title("{shown}: {n_steps} steps", loc="left")"""

DRAW_ROWS = """from sklearn.datasets import load_breast_cancer

import fastgd
from fastgd.linear_model import SGDClassifier

X, y = load_breast_cancer(return_X_y=True)  # features from 1e-3 to 1e3, not scaled
model = SGDClassifier("log_loss", optimizer=fastgd.{title}(), max_iter=20, tol=None, random_state=0)
fastgd.plot.LearningCurveDisplay.from_estimator(model.fit(X, y))"""


def write(folder: Path) -> None:
    """Write the scripts of both galleries anew."""
    shutil.rmtree(folder, ignore_errors=True)
    for gallery, header, page in (("schedules", SCHEDULES, schedule_page), ("optimizers", OPTIMIZERS, optimizer_page)):
        (folder / gallery).mkdir(parents=True)
        (folder / gallery / "README.txt").write_text(header)
        for name in entries()[gallery]:
            (folder / gallery / f"plot_{name}.py").write_text(page(name))


def entries() -> dict[str, list[str]]:
    """Return the names of what the galleries must have."""
    return {
        "schedules": [name for name in fastgd.schedules.__all__ if name not in HELPERS],
        "optimizers": [name for name in fastgd.optimizers.__all__ if _is_optimizer(getattr(fastgd.optimizers, name))],
    }


def schedule_page(name: str) -> str:
    """Return the script of a schedule."""
    shown = {text.partition("(")[0]: text for text in GALLERY} | {"warmup": "warmup(20) >> linear(1, 80)"}
    measured = shown[name] in GALLERY and GALLERY[shown[name]][1] is not None
    draw = (DRAW_MEASURED if measured else DRAW_SCHEDULE).format(expression=shown[name])
    return _page(name, getattr(fastgd.schedules, name), "schedules.", draw)


def optimizer_page(name: str) -> str:
    """Return the script of an optimizer, with a picture where it can descend a surface of two parameters."""
    kind = getattr(fastgd.optimizers, name)
    if kind.needs_rows:
        return _page(name, kind, "", DRAW_ROWS.format(title=name))
    (call, n_steps), template = best_call(name), DRAW_OPTIMIZER
    if call is None and _searches(_call(name, kind, None)):
        call, template = _call(name, kind, None), DRAW_SEARCH
    if call is None:
        return _page(name, kind, "", "import fastgd")
    shown = call.replace("fastgd.", "")
    draw = template.format(title=name, call=call, shown=shown, surface=SURFACE, start=START, n_steps=n_steps)
    return _page(name, kind, "", draw)


def best_call(name: str) -> tuple[str | None, int]:
    """Return the text that makes the optimizer, with the rate that descends lowest, and the steps for it; None where none can.

    A rate of 1 by default multiplies what the optimizer finds itself, unless it diverges with it.
    """
    kind = getattr(fastgd.optimizers, name)
    rate = inspect.signature(kind).parameters.get("lr")
    plain = _call(name, kind, None)
    if not _wraps(kind) and (rate is None or rate.default == 1) and np.isfinite(_end(plain, STEPS_TO_FIND)):
        return plain, STEPS_TO_FIND
    if rate is None and not _wraps(kind):
        return None, STEPS
    lowest = {text: _end(text, STEPS) for text in (_call(name, kind, rate) for rate in RATES)}
    best = min(lowest, key=lambda text: lowest[text])
    return (best if np.isfinite(lowest[best]) else None), STEPS


def _end(call: str, n_steps: int) -> float:
    """Return the mean height of the last quarter of the path: the last point alone may be luck."""
    surface = SURFACES[SURFACE]
    try:
        path = descend(eval(call, {"fastgd": fastgd}), surface, np.array(START), n_steps)
    except (fastgd.ArgumentValueError, fastgd.ArgumentTypeError):
        return np.inf  # it wants matrices, say
    return float(np.mean([surface.value(w) for w in path[-(n_steps // 4) :]])) if len(path) > n_steps else np.inf


def _searches(call: str) -> bool:
    """Tell whether the optimizer takes the loss as a function."""
    surface, w = SURFACES[SURFACE], np.array(START)
    try:
        state = eval(call, {"fastgd": fastgd}).init(w)
        state.step(surface.gradient(w), loss=lambda: float(surface.value(w)))
    except (fastgd.ArgumentValueError, fastgd.ArgumentTypeError):
        return False
    return True


def _call(name: str, kind: type, rate: float | None) -> str:
    own = "" if rate is None else f"lr={rate:g}"
    return f"fastgd.{name}(fastgd.SGD({own or 'lr=0.02'}))" if _wraps(kind) else f"fastgd.{name}({own})"


def _is_optimizer(thing: object) -> bool:
    return inspect.isclass(thing) and issubclass(thing, fastgd.Optimizer) and thing is not fastgd.Optimizer


def _wraps(kind: type) -> bool:
    """Tell whether the first argument is another optimizer, without which it cannot be made."""
    first = next(iter(inspect.signature(kind).parameters.values()), None)
    return (
        first is not None
        and first.kind == first.POSITIONAL_OR_KEYWORD
        and first.default is first.empty
        and first.name != "lr"
    )


def _page(name: str, thing: object, home: str, draw: str) -> str:
    doc = NumpyDocString(inspect.getdoc(thing) or "")
    text = "\n".join([*doc["Summary"], "", *doc["Extended Summary"], "", *doc["Notes"]]).strip()
    source = " ".join(line.strip() for line in doc["References"]).strip()
    text += f"\n\nSource: {source}" if source else ""
    example = "\n".join(f"# {line}".rstrip() for line in "\n".join(doc["Examples"]).strip().splitlines())
    return PAGE.format(
        title=name, rule="=" * len(name), text=formulas.drawn(text), home=home, draw=draw, example=example
    )
