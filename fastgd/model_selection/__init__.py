"""Choosing among many models: a grid of parameters trained in one pass over the rows.

>>> from fastgd.linear_model import SGDClassifier
>>> from fastgd.model_selection import LaneSearchCV
>>> search = LaneSearchCV(SGDClassifier(random_state=0), {"alpha": [1e-4, 1e-2]}, cv=2)
>>> search.fit([[0.0], [1.0], [2.0], [3.0]] * 10, [0, 0, 1, 1] * 10).how_
['lanes', 'lanes']
"""

from fastgd.model_selection._lane_search import LaneSearchCV

__all__ = ["LaneSearchCV"]
