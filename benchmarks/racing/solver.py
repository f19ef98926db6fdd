"""What the solver files have in common: a path of alphas, a tolerance, coefficients (d, T) of each.

A file's class has ``name``, ``requirements`` and ``solve``; one alpha is a path of length one. The
race and benchopt run the same classes.
"""

import logging
import warnings

import numpy as np
from benchopt import BaseSolver
from scipy.sparse import issparse


class PathSolver(BaseSolver):
    """A peer: ``solve(problem, alphas, tol)`` returns the coefficients, one (d, T) an alpha."""

    sampling_strategy = "tolerance"
    # what its own tolerance is tried with first, as a multiple of the gap that is asked for
    first = 5.0
    # kinds of X it takes beside a dense one for all tasks
    takes = ("sparse",)

    def skip(self, problem, alphas):
        if problem.X.ndim == 3 and "own rows" not in self.takes:
            return True, "one X for all tasks only"
        if issparse(problem.X) and "sparse" not in self.takes:
            return True, "no sparse X"
        return False, None

    def set_objective(self, problem, alphas):
        self.problem, self.alphas = problem, np.asarray(alphas)

    def warm_up(self):
        """Compilation, for benchopt; the race does it on a small problem."""
        self.run_once(0.1)

    def run(self, tol):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            logging.disable(logging.WARNING)
            self.coefs = self.solve(self.problem, self.alphas, max(float(tol), 1e-15))

    def get_result(self):
        return {"coefs": self.coefs}

    def solve(self, problem, alphas, tol):
        raise NotImplementedError


def by_columns(X):
    """X as those who go from column to column want it."""
    return X.tocsc() if issparse(X) else np.asfortranarray(X)


def warm(fit, problem, alphas):
    """``fit(alpha, W)`` from alpha to alpha, each started at the last one's W."""
    W, path = np.zeros((problem.X.shape[-1], problem.Y.shape[1])), []
    for alpha in alphas:
        W = fit(alpha, W)
        path.append(W)
    return path
