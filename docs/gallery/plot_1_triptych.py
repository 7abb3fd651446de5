"""
Too small, right, too large
===========================

The same model, the same data, three rates: with too small a rate training crawls, with too large a one it jumps over the minimum and out.
"""

import fastgd

fastgd.plot.TriptychDisplay.from_quadratic()
