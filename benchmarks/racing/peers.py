"""Peers that do several of the four problems, called once: each solver file says which."""

import numpy as np
from scipy.sparse import issparse

from racing.fista import fista, smooth_part
from racing.solver import PathSolver, by_columns, warm


class Fista(PathSolver):
    name = "NumPy FISTA"
    requirements = ["numpy", "scipy"]
    first = 1.0
    takes = ("sparse", "own rows")

    def solve(self, problem, alphas, tol):
        smooth = smooth_part(problem)
        return warm(lambda alpha, W: fista(smooth, alpha, tol, W), problem, alphas)


class Spams(PathSolver):
    """fistaFlat: the squared loss is not divided by n, the logistic one is.

    On a sparse X it says nothing and returns zeros, unless it forms the Gram matrix.
    """

    name = "spams"
    requirements = ["pip::spams-bin"]
    first = 1.0
    regul, loss = "l1l2", "square"

    def solve(self, problem, alphas, tol):
        import spams

        X, Y = by_columns(problem.X), np.asfortranarray(problem.Y)
        gram = self.loss == "square" and (issparse(X) or X.shape[1] < X.shape[0])
        scale = problem.n if self.loss == "square" else 1.0

        def fit(alpha, W):
            start = np.asfortranarray(W)
            return spams.fistaFlat(
                Y,
                X,
                start,
                numThreads=1,
                max_it=20_000,
                tol=tol,
                it0=10,
                lambda1=alpha * scale,
                compute_gram=gram,
                regul=self.regul,
                loss=self.loss,
                L0=0.1,
            )

        return warm(fit, problem, alphas)


class Cyanure(PathSolver):
    name = "cyanure"
    requirements = ["cyanure"]
    penalty, loss = "l1l2", "square"

    def solve(self, problem, alphas, tol):
        from cyanure.estimators import Regression

        X = np.ascontiguousarray(problem.X) if not issparse(problem.X) else problem.X
        Y = np.ascontiguousarray(problem.Y)
        model = Regression(
            penalty=self.penalty,
            fit_intercept=False,
            tol=tol,
            max_iter=20_000,
            verbose=False,
            warm_start=len(alphas) > 1,
            n_threads=1,
            safe=False,
        )
        model.loss, model.multi_class = self.loss, "ovr"
        path = []
        for alpha in alphas:
            model.lambda_1 = float(alpha)
            model.fit(X, Y)
            path.append(np.array(model.coef_).reshape(X.shape[1], Y.shape[1]))
        return path


class Ours(PathSolver):
    """The public estimator: its reading of the data counts."""

    name = "mtlearn"
    requirements = ["numpy", "scipy", "scikit-learn"]
    first = 1.9
    takes = ("sparse", "own rows")

    def set_objective(self, problem, alphas):
        """Tasks with rows of their own come as rows with labels."""
        super().set_objective(problem, alphas)
        self.arguments, self.keywords = (problem.X, problem.Y), {}
        if problem.X.ndim == 3:
            real = problem.X.any(axis=2) | (problem.Y.T != 0)
            self.arguments = problem.X[real], problem.Y.T[real]
            self.keywords = {"task": np.nonzero(real)[0]}

    def model(self, problem, tol):
        raise NotImplementedError

    def solve(self, problem, alphas, tol):
        model = self.model(problem, tol)
        if len(alphas) > 1:
            path = model.path(*self.arguments, alphas=alphas, **self.keywords)
            return [c.T for c in np.moveaxis(np.asarray(path.coefs), -1, 0)]
        model.set_params(alpha=float(alphas[0])).fit(*self.arguments, **self.keywords)
        return [model.coef_.T]
