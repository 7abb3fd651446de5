"""Schedules as text and as JSON-able dictionaries."""

from fastgd.schedules.base import Schedule


def call_text(schedule, quoted):
    return f"{schedule.kind}(...)"
