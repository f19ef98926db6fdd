import adelie
import numpy as np
from racing.solver import PathSolver, by_columns
from scipy.sparse import issparse


class Solver(PathSolver):
    """Its loss is also divided by the number of targets, and its tolerance is of squared steps."""

    name = "adelie"
    requirements = ["adelie"]
    first = 1e-4

    def solve(self, problem, alphas, tol):
        X, Y = by_columns(problem.X), problem.Y
        T = Y.shape[1]
        y = np.ascontiguousarray(Y)
        glm = adelie.glm.gaussian(y=y[:, 0]) if T == 1 else adelie.glm.multigaussian(y=y)
        state = adelie.grpnet(
            X=adelie.matrix.sparse(X, method="naive", n_threads=1) if issparse(X) else X,
            glm=glm,
            penalty=np.ones(X.shape[1]),
            lmda_path=alphas / T,
            tol=tol,
            max_iters=10**8,
            intercept=False,
            early_exit=False,
            adev_tol=1.0,
            progress_bar=False,
            n_threads=1,
        )
        return list(state.betas.toarray().reshape(-1, X.shape[1], T))
