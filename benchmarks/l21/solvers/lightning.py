import numpy as np
from lightning.regression import CDRegressor
from racing.solver import PathSolver, by_columns


class Solver(PathSolver):
    """C sum (y - f)² + alpha Omega: with C = 1/(2n)."""

    name = "lightning"
    requirements = ["sklearn-contrib-lightning"]
    first = 1e4

    def solve(self, problem, alphas, tol):
        model = CDRegressor(
            C=0.5 / problem.n,
            loss="squared",
            penalty="l1/l2",
            max_iter=20_000,
            tol=tol,
            warm_start=True,
            random_state=0,
        )
        X, path = by_columns(problem.X), []
        for alpha in alphas:
            model.set_params(alpha=float(alpha)).fit(X, problem.Y)
            path.append(np.array(model.coef_).T)
        return path
