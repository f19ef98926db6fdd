"""What ``verbose=1`` prints: a line for each outer iteration of a fit and for each alpha."""

from __future__ import annotations

from collections.abc import Callable

from mtlearn.solvers.solution import Solution


def tell(where: str, alpha: float, solution: Solution, gap: float | None = None) -> None:
    """Print what was solved, at which alpha, the iterations and the gap."""
    gap = solution.gap if gap is None else gap
    left = solution.stationarity
    nearby = "" if left is None else f", left to gain nearby {left:.3g}"
    say(
        f"{where}: alpha={alpha:.3g}, {solution.n_iter} iteration{'s' * (solution.n_iter != 1)}, "
        f"relative duality gap {gap:.3g}{nearby}"
    )


def say(line: str) -> None:
    """Print a line in one piece, since folds run side by side, and at once, since it is watched."""
    print(f"{line}\n", end="", flush=True)


def iteration_teller(
    verbose: int, what: str = "relative duality gap"
) -> Callable[[int, float], None] | None:
    """What a solver calls after each outer iteration; None where nobody wants to know."""
    if not verbose:
        return None

    def report(n_iter: int, gap: float) -> None:
        say(f"  iteration {n_iter}: {what} {gap:.3g}")

    return report
