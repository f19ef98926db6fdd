"""The objective that a benchmark owns: its value and gap along a path, from coefficients alone."""

import numpy as np
from benchopt import BaseObjective

from racing.problem import Problem, Squared


class PathObjective(BaseObjective):
    """A folder's objective says which loss and penalty; ``value`` is the worst gap of the path."""

    min_benchopt_version = "1.6"
    requirements = ["numpy", "scipy"]
    sampling_strategy = "tolerance"
    loss = Squared()

    def penalty(self, T):
        """The penalty for T tasks."""
        raise NotImplementedError

    def set_data(self, X, Y, fractions, n=None):
        self.problem = Problem(X, Y, self.loss, self.penalty(Y.shape[1]), n)
        self.alphas = self.problem.alpha_max * np.asarray(fractions)

    def get_objective(self):
        return {"problem": self.problem, "alphas": self.alphas}

    def evaluate_result(self, coefs):
        pairs = list(zip(coefs, self.alphas, strict=True))
        return {
            "value": max(self.problem.rel_gap(W, a) for W, a in pairs),
            "objective": sum(self.problem.objective(W, a) for W, a in pairs),
        }

    def get_one_result(self):
        W = np.zeros((self.problem.X.shape[-1], self.problem.Y.shape[1]))
        return {"coefs": [W] * len(self.alphas)}
