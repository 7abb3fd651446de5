"""Choosing the learning rate: real training of many rates in one pass over the rows."""

from fastgd.learning_rate._sweep import SweepResult, sweep

__all__ = ["SweepResult", "sweep"]
