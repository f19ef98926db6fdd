"""What ``verbose=1`` prints: a line for each outer iteration of a fit and for each alpha."""

from __future__ import annotations

from collections.abc import Callable

from mtlearn.solvers.solution import Solution


def tell(where: str, alpha: float, solution: Solution, gap: float | None = None) -> None:
    """Print what was solved, at which alpha, the iterations and the gap."""
    gap = solution.gap if gap is None else gap
    print(
        f"{where}: alpha={alpha:.3g}, {solution.n_iter} iteration{'s' * (solution.n_iter != 1)}, "
        f"relative duality gap {gap:.3g}",
        flush=True,  # a long path is watched, not read afterwards
    )


def iteration_teller(verbose: int) -> Callable[[int, float], None] | None:
    """What a solver calls after each outer iteration; None where nobody wants to know."""
    if not verbose:
        return None

    def report(n_iter: int, gap: float) -> None:
        print(f"  iteration {n_iter}: relative duality gap {gap:.3g}", flush=True)

    return report
