"""1/(2n) ‖Y - XW‖² + alpha sum_j ‖w^j‖_2, along a path of alphas."""

from racing.objective import PathObjective
from racing.penalties import L21


class Objective(PathObjective):
    name = "L2,1"

    def penalty(self, T):
        return L21()
