from racing.solver import PathSolver, by_columns
from sklearn.linear_model import lasso_path


class Solver(PathSolver):
    """lasso_path: MultiTaskLasso's solver, for one target Lasso's."""

    name = "scikit-learn"
    requirements = ["scikit-learn"]

    def solve(self, problem, alphas, tol):
        X, Y = by_columns(problem.X), problem.Y
        d, T = X.shape[1], Y.shape[1]
        Y = Y[:, 0] if T == 1 else Y
        coefs = lasso_path(X, Y, alphas=alphas, tol=tol, max_iter=10**6)[1]
        return [coefs[..., k].reshape(T, d).T for k in range(len(alphas))]
