from racing.solver import PathSolver


class Solver(PathSolver):
    name = "spams"
    requirements = ["pip::spams-bin"]

    def skip(self, problem, alphas):
        return True, "has the sum of both norms of one W (l1l2+l1), not the least over B + S = W"
