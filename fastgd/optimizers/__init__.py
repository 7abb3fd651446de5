"""Update rules with their hyperparameters, as frozen descriptions: comparable, picklable, JSON.

An optimizer holds no array and says nothing about *how*: ``optimizer.init(params)`` returns the `State` that does the work. Defaults and
the names of state arrays are torch's. In all equations :math:`g` is the gradient (see `Optimizer` for its clipping) plus the L2 penalty
:math:`\\lambda p` of ``weight_decay`` where that is not decoupled, and :math:`t` counts the steps of a parameter from 1.
"""

from fastgd.optimizers._base import Optimizer, from_dict
from fastgd.optimizers.accumulating import FTRL, Adadelta, Adagrad, RMSprop
from fastgd.optimizers.adam import Adam, Adamax, AdamW, NAdam, RAdam
from fastgd.optimizers.armijo import Armijo
from fastgd.optimizers.betting import COCOB
from fastgd.optimizers.dadaptation import DAdaptAdam, DAdaptSGD, Prodigy
from fastgd.optimizers.distance import DoG, DoWG, LDoG
from fastgd.optimizers.dual import MADGRAD
from fastgd.optimizers.extras import EMA, AdaptiveGradientClipping, ArrayNormClipping, GradientCentralization, Lookahead
from fastgd.optimizers.factored import SM3, Adafactor
from fastgd.optimizers.first_order import ASGD, SGD
from fastgd.optimizers.hypergradient import SGDHD, AdamHD
from fastgd.optimizers.limits import AutoClip, ZClip
from fastgd.optimizers.mechanic import MechanicAdam, MechanicSGD
from fastgd.optimizers.momenta import QHM, Adan, AdEMAMix, QHAdam
from fastgd.optimizers.online import NormalizedOnline
from fastgd.optimizers.polyak import SPS, AliG, BarzilaiBorwein
from fastgd.optimizers.schedule_free import AdamWScheduleFree, SGDScheduleFree
from fastgd.optimizers.signs import Lion, Rprop, SignSGD, Signum
from fastgd.optimizers.trust import LAMB, LARS, NovoGrad
from fastgd.optimizers.variances import ADOPT, AdaBelief, AdaBound, LaProp, Yogi

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
    "Armijo",
    "ArrayNormClipping",
    "AutoClip",
    "BarzilaiBorwein",
    "DAdaptAdam",
    "DAdaptSGD",
    "DoG",
    "DoWG",
    "GradientCentralization",
    "LDoG",
    "LaProp",
    "Lion",
    "Lookahead",
    "MechanicAdam",
    "MechanicSGD",
    "NAdam",
    "NormalizedOnline",
    "NovoGrad",
    "Optimizer",
    "Prodigy",
    "QHAdam",
    "RAdam",
    "RMSprop",
    "Rprop",
    "SGDScheduleFree",
    "SignSGD",
    "Signum",
    "Yogi",
    "ZClip",
    "from_dict",
]
