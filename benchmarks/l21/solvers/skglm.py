import numpy as np
from racing.solver import PathSolver, by_columns
from skglm.datafits import QuadraticMultiTask
from skglm.penalties import L2_1
from skglm.solvers import MultiTaskBCD
from skglm.utils.jit_compilation import compiled_clone


class Solver(PathSolver):
    """It stops on the violation of optimality, so ``tol`` is a share of alpha."""

    name = "skglm"
    requirements = ["skglm"]
    first = 1e5

    def solve(self, problem, alphas, tol):
        X, Y = by_columns(problem.X), problem.Y
        W, XW = np.zeros((X.shape[1], Y.shape[1])), np.zeros(Y.shape, order="F")
        path = []
        for alpha in alphas:
            solver = MultiTaskBCD(
                tol=tol * alpha,
                fit_intercept=False,
                max_iter=1000,
                max_epochs=10**6,
                warm_start=True,
                p0=max(10, np.count_nonzero(W[:, 0])),
            )
            datafit, penalty = compiled_clone(QuadraticMultiTask()), compiled_clone(L2_1(alpha))
            W = solver.solve(X, Y, datafit, penalty, W.copy(), XW)[0]
            XW = np.asfortranarray(X @ W)
            path.append(W)
        return path
