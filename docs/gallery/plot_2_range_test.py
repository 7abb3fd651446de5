"""
The range test
==============

`lr_find` raises the rate from step to step on a copy of the model, five seeds at once, and reads suggestions off the curve. It costs less
than an epoch and changes nothing.
"""

from sklearn.datasets import load_digits

import fastgd
from fastgd.linear_model import SGDClassifier

X, y = load_digits(return_X_y=True)
result = fastgd.lr_find(SGDClassifier(loss="log_loss"), X / 16, y, random_state=0)
result.plot()
print(result)
