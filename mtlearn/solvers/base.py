"""What a solver says of itself: what it needs of a problem and of a penalty, and what it costs.

Needs are the classes that problems and penalties are made of; :func:`cheapest` takes the cheapest
solver all of whose needs are met. A solver either knows the answer (:class:`Exact`) or proposes
points (:class:`Iterative`): how good they are, and when it is enough, is for
:mod:`mtlearn.solvers.approach` to say.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar, Self, TypeAlias

import numpy as np

from mtlearn.penalties.base import Penalty
from mtlearn.problems.base import Problem
from mtlearn.problems.label_curvature import FLATTEST
from mtlearn.solvers.certificate import certify
from mtlearn.solvers.solution import Solution


@dataclass
class Budget:
    """Iterations and matrix products: those that are left, or those that were taken.

    A product is that of all Hessians with as many columns: what an iteration of FISTA costs.
    """

    iterations: int
    products: float


@dataclass(frozen=True)
class Step:
    """What a solver proposes, and what it took.

    Attributes
    ----------
    point : Point or ScorePoint
    products : float
        Matrix products since the step before.
    iterations : int
        Iterations since then.
    look : bool
        Whether the point is worth a certificate.
    ends_round : bool
        Whether a round of all that the solver does ends here.
    gap : float or None
        How far from the optimum the point is, where the solver has no use for the certificate.
    """

    point: Any
    products: float = 1.0
    iterations: int = 1
    look: bool = True
    ends_round: bool = False
    gap: float | None = None


@dataclass(frozen=True)
class Standing:
    """What a solver is told in return.

    Attributes
    ----------
    gap : float
        Relative duality gap of the last point that was looked at.
    polishing : bool
        Whether the tolerance has been met, and the rest is for the last digits.
    left : Budget
        What may still be taken.
    aim : float
        The gap that is asked for.
    """

    gap: float
    polishing: bool
    left: Budget
    aim: float = 0.0


Iterates: TypeAlias = Generator[Step, Standing, None]


class Solver(ABC):
    """Minimises smooth part + penalty; serves one problem at any alpha.

    Parameters
    ----------
    problem : Problem
    penalty : Penalty
        Of any strength.
    whole : Problem, default=None
        The problem that a reduction has made this one of.
    """

    needs_problem: ClassVar[tuple[type[Problem], ...]] = ()
    needs_penalty: ClassVar[tuple[type[Penalty], ...]] = ()

    @classmethod
    def missing(cls, problem: Problem, penalty: Penalty) -> list[str]:
        """Names of the needs that are not met."""
        of_problem = _missing(type(problem), cls.needs_problem)
        return of_problem + _missing(type(penalty), cls.needs_penalty)

    def __init__(self, problem: Problem, penalty: Penalty, whole: Problem | None = None):
        self.problem = problem

    @classmethod
    @abstractmethod
    def cost(cls, problem: Any, penalty: Penalty, purpose: str) -> float:
        """Flops, roughly; inf where it takes too long, does not fit or is of no use.

        ``purpose`` is "fit" (one alpha), "path" (many) or "scores" (many, for predictions only).
        """


class Exact(Solver):
    """A solver that knows the answer, and its certificate."""

    flattest: ClassVar[float] = FLATTEST  # curvature of a label that a model needs at least

    def expect(self, alphas: np.ndarray) -> None:
        """Be told which alphas will be asked for, descending: several may cost less at once."""

    def near(self, start: np.ndarray, enough: float) -> None:
        """Be told of deviations near the solution, and of a relative gap that will do."""

    @abstractmethod
    def solution(self, alpha: float) -> Solution:
        """The solution at one alpha."""


class Iterative(Solver):
    """A solver that proposes points."""

    certified: ClassVar[bool] = True  # or else every step that is looked at has its own gap

    @abstractmethod
    def iterates(self, penalty: Penalty, start: Any, standing: Standing) -> Iterates:
        """Points from a start on, for as long as somebody asks for them and there are any."""

    def like(self, problem: Problem, penalty: Penalty) -> Self:
        """A solver of a problem and a solution close to those of this one, which starts better."""
        return type(self)(problem, penalty)

    def gap(self, penalty: Penalty, point: Any) -> float:
        """The relative duality gap."""
        return certify(self.problem, penalty, point).relative if self.certified else float("inf")

    def last_touch(self, penalty: Penalty, point: Any) -> Any:
        """What makes the best point a little better, at no more than little of the tolerance."""
        return point

    def diverges(self, point: Any) -> bool:
        """Whether a point is on its way to infinity, as there is no minimum."""
        return False


@cache  # paths ask at every alpha
def _missing(has: type, needs: tuple[type, ...]) -> list[str]:
    return [need.__name__ for need in needs if not issubclass(has, need)]


def cheapest(
    solvers: Sequence[type[Solver]], problem: Problem, penalty: Penalty, purpose: str
) -> type[Solver]:
    """The cheapest of some solvers that take a problem and a penalty.

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
    return min(fitting, key=lambda solver: solver.cost(problem, penalty, purpose))
