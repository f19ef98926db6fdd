from racing.peers import Cyanure


class Solver(Cyanure):
    penalty, loss = "l1linf", "square"
