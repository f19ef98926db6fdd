from racing.peers import Ours

from mtlearn import GroupLassoClassifier


class Solver(Ours):
    name = "mtlearn"

    def model(self, problem, tol):
        return GroupLassoClassifier(fit_intercept=False, tol=tol)
