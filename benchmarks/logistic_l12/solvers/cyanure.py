from racing.solver import PathSolver


class Solver(PathSolver):
    """Given ±1 in several columns it fits the first one in all of them."""

    name = "cyanure"
    requirements = ["cyanure"]

    def skip(self, problem, alphas):
        return True, "has one column of ±1, or the softmax, but not several columns of ±1"
