"""What a solver says of itself: what it needs of a problem and of a penalty, and what it costs.

Needs are the classes that problems and penalties are made of; :mod:`mtlearn.solvers.choose` takes
the cheapest solver all of whose needs are met.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from mtlearn.penalties.base import Penalty
from mtlearn.problems.base import Problem
from mtlearn.solvers.reductions.base import Reduction
from mtlearn.solvers.solution import Solution


class Solver(ABC):
    """Minimises smooth part + penalty at one alpha after the other; serves one problem.

    Parameters
    ----------
    problem : Problem
    penalty : Penalty
        Of any strength.
    tol : float
        Ceiling of the relative duality gap.
    max_iter : int
        Iterations at most.
    polish : bool, default=False
        Go on to rounding.
    verbose : int, default=0
        Print each outer iteration.
    reduction : Reduction, default=None
        A smaller problem of the same answer, where there is one.
    """

    needs_problem: ClassVar[tuple[type[Problem], ...]] = ()
    needs_penalty: ClassVar[tuple[type[Penalty], ...]] = ()

    @classmethod
    def missing(cls, problem: Problem, penalty: Penalty) -> list[str]:
        """Names of the needs that are not met."""
        pairs = ((problem, cls.needs_problem), (penalty, cls.needs_penalty))
        return [
            need.__name__ for has, needs in pairs for need in needs if not isinstance(has, need)
        ]

    def __init__(
        self,
        problem: Any,
        penalty: Penalty,
        *,
        tol: float,
        max_iter: int,
        polish: bool = False,
        verbose: int = 0,
        reduction: Reduction | None = None,
    ):
        self.problem, self.penalty, self.reduction = problem, penalty, reduction
        self.tol, self.max_iter = tol, max_iter
        self.polish, self.verbose = polish, verbose

    @classmethod
    @abstractmethod
    def cost(cls, problem: Any, purpose: str) -> float:
        """Flops, roughly; inf where it takes too long, does not fit or is of no use.

        ``purpose`` is "fit" (one alpha), "path" (many) or "scores" (many, for predictions only).
        """

    @abstractmethod
    def largest_alpha(self) -> float:
        """Where a path starts: the smallest alpha with V = 0, where there is one."""

    @abstractmethod
    def solve(self, alpha: float, start: np.ndarray | None = None) -> Solution:
        """The solution at one alpha, from deviations to start with where they are of use."""


def cheapest(
    solvers: Sequence[type[Solver]],
    problem: Problem,
    penalty: Penalty,
    purpose: str,
    small: Problem | None = None,
) -> type[Solver]:
    """The cheapest of some solvers that take a problem and a penalty.

    ``small`` is what it will work on, where a reduction has a smaller problem.

    Raises
    ------
    TypeError
        If none fits; the message names what is missing.
    """
    fitting = [solver for solver in solvers if not solver.missing(problem, penalty)]
    if not fitting:
        lacking = dict.fromkeys(" and ".join(s.missing(problem, penalty)) for s in solvers)
        raise TypeError(
            f"no solver takes {type(penalty).__name__} on {type(problem).__name__}: one of them "
            f"would have to be {', or '.join(lacking)} as well. Add that base class and what it "
            "asks for."
        )
    return min(fitting, key=lambda solver: solver.cost(small or problem, purpose))
