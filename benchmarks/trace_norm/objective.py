"""1/(2n) ‖Y - XW‖² + alpha sum of the singular values of W, along a path of alphas."""

from racing.objective import PathObjective
from racing.penalties import TraceNorm


class Objective(PathObjective):
    name = "trace norm"

    def penalty(self, T):
        return TraceNorm()
