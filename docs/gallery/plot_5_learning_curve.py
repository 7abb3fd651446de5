"""
Learning curve and rate
=======================

Losses after each epoch, with the rate on a second axis: a warm-up, then half a cosine wave.
"""

from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import fastgd
from fastgd.neural_network import MLPClassifier

X, y = load_digits(return_X_y=True)
X, X_val, y, y_val = train_test_split(X / 16, y, random_state=0)
rate = fastgd.schedules.parse('warmup("5%") >> cosine(0.01, "95%")')
model = MLPClassifier((32,), learning_rate=rate, max_iter=30, tol=0, n_iter_no_change=100, random_state=0)
model.fit(X, y, X_val=X_val, y_val=y_val)
fastgd.plot.LearningCurveDisplay.from_estimator(model)
