from racing.peers import Ours

from mtlearn import DirtyRegressor


class Solver(Ours):
    name = "mtlearn"

    def model(self, problem, tol):
        penalty = problem.penalty
        return DirtyRegressor(
            norm=penalty.norm, specific_ratio=penalty.rho, fit_intercept=False, tol=tol
        )
