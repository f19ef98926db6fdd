from racing.peers import Cyanure


class Solver(Cyanure):
    penalty, loss = "l1l2", "square"
