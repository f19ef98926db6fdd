from celer import celer_path
from celer.homotopy import mtl_path
from racing.solver import PathSolver, by_columns


class Solver(PathSolver):
    """Its path functions: the estimator is broken under scikit-learn 1.9."""

    name = "celer"
    requirements = ["celer"]
    takes = ()

    def solve(self, problem, alphas, tol):
        X, Y = by_columns(problem.X), problem.Y
        d, T = X.shape[1], Y.shape[1]
        much = {"alphas": alphas, "tol": tol, "max_iter": 1000, "max_epochs": 10**6}
        path = celer_path(X, Y[:, 0], "lasso", **much) if T == 1 else mtl_path(X, Y, **much)
        return [path[1][..., k].reshape(T, d).T for k in range(len(alphas))]
