"""Choosing the learning rate: range tests, and real training of many rates in one pass over the rows."""

from fastgd.learning_rate._finder import lr_find
from fastgd.learning_rate._range_test import LRFinderResult, Suggestion
from fastgd.learning_rate._sweep import SweepResult, sweep

__all__ = ["LRFinderResult", "Suggestion", "SweepResult", "lr_find", "sweep"]
