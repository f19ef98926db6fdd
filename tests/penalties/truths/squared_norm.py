"""½‖V‖², no norm."""

import numpy as np

from mtlearn.estimators.mean_regularized import MeanRegularized
from mtlearn.penalties.squared_norm import SquaredNorm

from . import Truth


class Squares(Truth):
    library, family = SquaredNorm, MeanRegularized
    iterates = False
    typical = families = {"mean": {}}
    is_norm = False

    def omega(self, V):
        return 0.5 * np.sum(V**2)

    def in_cvxpy(self, V):
        import cvxpy as cp

        return cp.sum_squares(V) / 2
