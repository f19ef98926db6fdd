from racing.peers import Fista


class Solver(Fista):
    """Restarted, on the Gram matrix where that is cheaper (racing/fista.py)."""
