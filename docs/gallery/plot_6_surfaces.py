"""
Optimizers on a curved valley
=============================

Rosenbrock's valley is easy to find and hard to follow.
"""

import fastgd

racers = {
    "SGD": fastgd.SGD(lr=0.001),
    "momentum": fastgd.SGD(lr=0.001, momentum=0.9),
    "Adam": fastgd.Adam(lr=0.05),
    "Lion": fastgd.Lion(lr=0.02),
}
fastgd.plot.TrajectoryDisplay.from_optimizers(racers, surface="rosenbrock", n_steps=200)
