from racing.peers import Spams


class Solver(Spams):
    regul, loss = "l1l2", "square"
