"""Which solver: the cheapest of those all of whose needs are met."""

from __future__ import annotations

from mtlearn.penalties.base import Penalty
from mtlearn.problems.base import Problem
from mtlearn.solvers.base import Solver, cheapest
from mtlearn.solvers.closed_form import ClosedForm, Spectral, Unrefined
from mtlearn.solvers.descent import Descent
from mtlearn.solvers.graph_system import GraphPath, GraphSystem
from mtlearn.solvers.interior import InteriorPoint
from mtlearn.solvers.joint_newton import JointNewton
from mtlearn.solvers.of_parts import PartsDescent
from mtlearn.solvers.prox_point_newton import ProxPointNewton
from mtlearn.solvers.proximal_newton import ProximalNewton
from mtlearn.solvers.ridge_newton import RidgeNewton
from mtlearn.solvers.unpenalised_newton import UnpenalisedNewton

SOLVERS: tuple[type[Solver], ...] = (
    ClosedForm,
    Spectral,
    Unrefined,
    GraphSystem,
    GraphPath,
    ProxPointNewton,
    PartsDescent,
    RidgeNewton,
    Descent,
    ProximalNewton,
    JointNewton,
    InteriorPoint,
    UnpenalisedNewton,
)


def choose(problem: Problem, penalty: Penalty, purpose: str) -> type[Solver]:
    """The solver of a problem with a penalty of this strength.

    Parameters
    ----------
    problem : Problem
    penalty : Penalty
    purpose : {"fit", "path", "scores"}
        One alpha, many, or many for predictions only.

    Raises
    ------
    TypeError
        If none fits: the penalty or the problem lacks something that all of them need.
    """
    return cheapest(SOLVERS, problem, penalty, purpose)
