from racing.peers import Ours

from mtlearn import GroupLassoRegressor


class Solver(Ours):
    name = "mtlearn"

    def model(self, problem, tol):
        return GroupLassoRegressor(norm="linf", fit_intercept=False, tol=tol)
