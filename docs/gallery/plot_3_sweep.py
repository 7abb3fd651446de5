"""
The sweep
=========

`sweep` really trains every rate, all of them in one pass over the data: each rate is a lane, and loading a row costs the same for one lane
and for sixteen. The fan shows the validation loss after each epoch.
"""

from sklearn.datasets import load_digits

import fastgd
from fastgd.linear_model import SGDClassifier

X, y = load_digits(return_X_y=True)
result = fastgd.sweep(SGDClassifier(loss="log_loss"), X / 16, y, random_state=0)
fastgd.plot.SweepDisplay.from_result(result)
print(result)
