"""fastgd: gradient descent at the speed of memory, with the learning rate chosen for you.

    import fastgd

    state = fastgd.AdamW(lr=1e-3, clip_norm=1.0).init(params)     # an array, or a list, tuple or dict of arrays
    info = state.step(grads)                                      # in place, one fused pass over all arrays

Names are imported on first use, so that ``import fastgd`` costs next to nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

# Loads OpenMP's runtime, so that threadpoolctl sees it from now on.
from fastgd._kernels import _openmp as _openmp  # type: ignore[attr-defined]

__version__ = "0.1.0"

_HOMES = {
    "fastgd.optimizers": (
        "ADOPT ASGD FTRL SGD AdEMAMix AdaBelief AdaBound Adadelta Adagrad Adam AdamW Adamax Adan LaProp Lion NAdam Optimizer "
        "QHAdam RAdam RMSprop Rprop SignSGD Signum Yogi "
        "AdamHD AdamWScheduleFree AliG BarzilaiBorwein COCOB DAdaptAdam DAdaptSGD DoG DoWG LAMB LARS LDoG NovoGrad Prodigy QHM SGDHD "
        "MechanicAdam MechanicSGD SGDScheduleFree SPS "
        "MADGRAD NormalizedOnline SM3 Adafactor Armijo "
        "AdaptiveGradientClipping ArrayNormClipping AutoClip EMA GradientCentralization Lookahead ZClip"
    ),
    "fastgd.monitor": "ArrayHealth Monitor",
    "fastgd.recovery": "Recovery Rollback",
    "fastgd.replay": "Replay",
    "fastgd.state": "State StepInfo",
    "fastgd.clipping": "clip_norm clip_value global_norm",
    "fastgd.checkpoint": "load load_latest save",
    "fastgd.learning_rate": "LRFinderResult SweepResult lr_find sweep",
    "fastgd.model_selection": "LaneSearchCV",
    "fastgd.user_rule": "rule",
    "fastgd._kernels.execute": "info",
    "fastgd._estimators.storage": "load_model save_model",
    "fastgd._training.health": "GradientHealthWarning",
    "fastgd._validation": (
        "ArgumentTypeError ArgumentValueError ConcurrentStepError CorruptCheckpointError NonFiniteError"
    ),
}
_NAMES = {name: home for home, names in _HOMES.items() for name in names.split()}
_MODULES = {
    "datasets": "fastgd.datasets",
    "io": "fastgd.io",
    "linear_model": "fastgd.linear_model",
    "model_selection": "fastgd.model_selection",
    "neural_network": "fastgd.neural_network",
    "optimizers": "fastgd.optimizers",
    "plot": "fastgd.plot",
    "report": "fastgd.report",
    "rules": "fastgd._kernels.rules",
    "schedules": "fastgd.schedules",
}

__all__ = [
    "ADOPT",
    "ASGD",
    "COCOB",
    "EMA",
    "FTRL",
    "LAMB",
    "LARS",
    "MADGRAD",
    "QHM",
    "SGD",
    "SGDHD",
    "SM3",
    "SPS",
    "AdEMAMix",
    "AdaBelief",
    "AdaBound",
    "Adadelta",
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamHD",
    "AdamW",
    "AdamWScheduleFree",
    "Adamax",
    "Adan",
    "AdaptiveGradientClipping",
    "AliG",
    "ArgumentTypeError",
    "ArgumentValueError",
    "Armijo",
    "ArrayHealth",
    "ArrayNormClipping",
    "AutoClip",
    "BarzilaiBorwein",
    "ConcurrentStepError",
    "CorruptCheckpointError",
    "DAdaptAdam",
    "DAdaptSGD",
    "DoG",
    "DoWG",
    "GradientCentralization",
    "GradientHealthWarning",
    "LDoG",
    "LRFinderResult",
    "LaProp",
    "LaneSearchCV",
    "Lion",
    "Lookahead",
    "MechanicAdam",
    "MechanicSGD",
    "Monitor",
    "NAdam",
    "NonFiniteError",
    "NormalizedOnline",
    "NovoGrad",
    "Optimizer",
    "Prodigy",
    "QHAdam",
    "RAdam",
    "RMSprop",
    "Recovery",
    "Replay",
    "Rollback",
    "Rprop",
    "SGDScheduleFree",
    "SignSGD",
    "Signum",
    "State",
    "StepInfo",
    "SweepResult",
    "Yogi",
    "ZClip",
    "clip_norm",
    "clip_value",
    "datasets",
    "global_norm",
    "info",
    "io",
    "linear_model",
    "load",
    "load_latest",
    "load_model",
    "lr_find",
    "model_selection",
    "neural_network",
    "optimizers",
    "plot",
    "report",
    "rule",
    "rules",
    "save",
    "save_model",
    "schedules",
    "sweep",
]

if TYPE_CHECKING:
    from fastgd import datasets, io, linear_model, model_selection, neural_network, optimizers, plot, report, schedules
    from fastgd._estimators.storage import load_model, save_model
    from fastgd._kernels import rules
    from fastgd._kernels.execute import info
    from fastgd._training.health import GradientHealthWarning
    from fastgd._validation import (
        ArgumentTypeError,
        ArgumentValueError,
        ConcurrentStepError,
        CorruptCheckpointError,
        NonFiniteError,
    )
    from fastgd.checkpoint import load, load_latest, save
    from fastgd.clipping import clip_norm, clip_value, global_norm
    from fastgd.learning_rate import LRFinderResult, SweepResult, lr_find, sweep
    from fastgd.model_selection import LaneSearchCV
    from fastgd.monitor import ArrayHealth, Monitor
    from fastgd.optimizers import (
        ADOPT,
        ASGD,
        COCOB,
        EMA,
        FTRL,
        LAMB,
        LARS,
        MADGRAD,
        QHM,
        SGD,
        SGDHD,
        SM3,
        SPS,
        AdaBelief,
        AdaBound,
        Adadelta,
        Adafactor,
        Adagrad,
        Adam,
        Adamax,
        AdamHD,
        AdamW,
        AdamWScheduleFree,
        Adan,
        AdaptiveGradientClipping,
        AdEMAMix,
        AliG,
        Armijo,
        ArrayNormClipping,
        AutoClip,
        BarzilaiBorwein,
        DAdaptAdam,
        DAdaptSGD,
        DoG,
        DoWG,
        GradientCentralization,
        LaProp,
        LDoG,
        Lion,
        Lookahead,
        MechanicAdam,
        MechanicSGD,
        NAdam,
        NormalizedOnline,
        NovoGrad,
        Optimizer,
        Prodigy,
        QHAdam,
        RAdam,
        RMSprop,
        Rprop,
        SGDScheduleFree,
        SignSGD,
        Signum,
        Yogi,
        ZClip,
    )
    from fastgd.recovery import Recovery, Rollback
    from fastgd.replay import Replay
    from fastgd.state import State, StepInfo
    from fastgd.user_rule import rule


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        value = import_module(_MODULES[name])
    elif name in _NAMES:
        value = getattr(import_module(_NAMES[name]), name)
    else:
        raise AttributeError(f"module 'fastgd' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
