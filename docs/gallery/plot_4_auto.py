"""
The race: learning_rate="auto"
==============================

`learning_rate="auto"` runs a race of rates on rows held out, and trains the model with the winner: one call, and no rate to choose.
"""

from sklearn.datasets import load_digits

import fastgd
from fastgd.linear_model import SGDClassifier

X, y = load_digits(return_X_y=True)
model = SGDClassifier(loss="softmax", learning_rate="auto", random_state=0).fit(X / 16, y)
fastgd.plot.LearningCurveDisplay.from_estimator(model)
print(f"rate {model.learning_rate_:.3g}, accuracy {model.score(X / 16, y):.3f}")
