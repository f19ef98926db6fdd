import numpy as np
from mutar.solvers import solver_dirty
from racing.solver import PathSolver


class Solver(PathSolver):
    """Its coordinate descent (l2 only); its estimator refuses a current scikit-learn."""

    name = "mutar"
    requirements = ["mutar"]
    first = 100.0

    def skip(self, problem, alphas):
        return problem.penalty.norm == "linf", "mutar has l2 only"

    def solve(self, problem, alphas, tol):
        T, d = problem.Y.shape[1], problem.X.shape[1]
        X = np.asfortranarray(np.repeat(problem.X[None], T, axis=0))
        y = np.ascontiguousarray(problem.Y.T)
        B, S = np.zeros((d, T), order="F"), np.zeros((d, T), order="F")
        path = []
        for alpha in alphas:
            B, S = solver_dirty(
                X, y, B, S, alpha, problem.penalty.rho * alpha, max_iter=20_000, tol=tol
            )[:2]
            path.append(B + S)
        return path
