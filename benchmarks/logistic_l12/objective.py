"""1/n sum log(1 + e^{-yf}), f = XW, + alpha sum_j ‖w^j‖_2. K classes are K columns of ±1."""

from racing.objective import PathObjective
from racing.penalties import L21
from racing.problem import Logistic


class Objective(PathObjective):
    name = "logistic L2,1"
    loss = Logistic()

    def penalty(self, T):
        return L21()
