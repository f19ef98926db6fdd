"""1/(2n) ‖Y - XW‖² + alpha sum_j max_t |w_jt|, along a path of alphas."""

from racing.objective import PathObjective
from racing.penalties import L1inf


class Objective(PathObjective):
    name = "L1,inf"

    def penalty(self, T):
        return L1inf()
