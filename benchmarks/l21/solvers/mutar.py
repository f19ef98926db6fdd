import numpy as np
from mutar.solvers import solver_dirty
from racing.solver import PathSolver


class Solver(PathSolver):
    """mutar's group lasso is its dirty model with a specific part too dear to be used."""

    name = "mutar"
    requirements = ["mutar"]
    first = 100.0
    takes = ("own rows",)

    def solve(self, problem, alphas, tol):
        T, d = problem.Y.shape[1], problem.X.shape[-1]
        own = problem.X.ndim == 3
        X = problem.X if own else np.repeat(problem.X[None], T, axis=0)
        X, y = np.asfortranarray(X), np.ascontiguousarray(problem.Y.T)
        B, S = np.zeros((d, T), order="F"), np.zeros((d, T), order="F")
        path = []
        for alpha in alphas * problem.n / y.shape[1]:
            B, S = solver_dirty(X, y, B, S, alpha, 1e10 * alpha, max_iter=20_000, tol=tol)[:2]
            path.append(B.copy())
        return path
