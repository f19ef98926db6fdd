"""1/(2n) ‖Y - XW‖² + alpha min over B + S = W of sum_j ‖b^j‖_q + rho ‖S‖_1."""

from racing.objective import PathObjective
from racing.penalties import Dirty


class Objective(PathObjective):
    name = "dirty"
    parameters = {"norm": ["l2", "linf"]}

    def penalty(self, T):
        """rho in the middle (geometric) of where both parts are used, mtlearn's "auto"."""
        return Dirty(self.norm, T ** (-0.25 if self.norm == "l2" else -0.5))
