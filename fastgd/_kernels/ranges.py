"""How large and how small numbers may be in a step, so that what is made of them keeps its range."""

LARGEST_SQUARED = {"float32": 1e16, "float64": 1e150}
"""Limits of gradients that a rule will square and add up; ``_plan.pyx`` has them as constants of C."""

SMALLEST_FACTOR = 2.0**-126
"""Smaller clipping factors are not normal numbers in float32: the power of two in them then goes to a copy of the gradient."""
