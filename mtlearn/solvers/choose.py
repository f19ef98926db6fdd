"""Which solver: the cheapest of those all of whose needs are met."""

from __future__ import annotations

from typing import Any

from mtlearn.penalties.base import Penalty
from mtlearn.problems.base import Problem
from mtlearn.solvers.base import Solver, cheapest
from mtlearn.solvers.mean_regularized import QUADRATIC
from mtlearn.solvers.proximal import ProximalSolver
from mtlearn.solvers.reductions.base import Reduction

SOLVERS: tuple[type[Solver], ...] = (*QUADRATIC, ProximalSolver)
SMALL_PROBLEM = 10_000  # coefficients, up to which a fit is polished to rounding


def make_solver(
    problem: Problem,
    penalty: Penalty,
    *,
    reduction: Reduction | None = None,
    purpose: str = "fit",
    tol: float,
    max_iter: int,
    verbose: int = 0,
) -> Solver:
    """The solver of a problem with a penalty of any strength.

    Parameters
    ----------
    problem : Problem
    penalty : Penalty
    reduction : Reduction, default=None
        A smaller problem of the same answer, where there is one.
    purpose : {"fit", "path", "scores"}, default="fit"
        One alpha (small problems are polished to rounding), many, or many for predictions only.
    tol, max_iter, verbose
        As the estimators have them.

    Raises
    ------
    TypeError
        If none fits: the penalty or the problem lacks something that all of them need.
    """
    small = problem if reduction is None else reduction.start()
    kind = cheapest(SOLVERS, problem, penalty, purpose, small)
    polish = purpose == "fit" and problem.n_features * problem.n_columns <= SMALL_PROBLEM
    limits: dict[str, Any] = {"tol": tol, "max_iter": max_iter, "verbose": verbose}
    return kind(problem, penalty, reduction=reduction, polish=polish, **limits)
