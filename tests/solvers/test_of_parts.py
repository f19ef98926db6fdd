"""Parts side by side: the same problem, seen from what V is the sum of."""

import numpy as np
import pytest

from mtlearn.penalties.outliers import STRUCTURES
from mtlearn.problems.border import reduced_hessian
from mtlearn.problems.coupling import Coupling
from mtlearn.problems.stacked import StackedProblem
from mtlearn.solvers.approach import Goal, approach
from mtlearn.solvers.base import Budget
from mtlearn.solvers.certificate import certify
from mtlearn.solvers.dense_system import DenseSystem
from mtlearn.solvers.of_parts import PartsDescent

from ..checks import STRICT
from ..generators import make
from ..problems.test_problems import build
from .cases import both_forms

pytestmark = STRICT
every_structure = pytest.mark.parametrize("structure", STRUCTURES)
couplings = pytest.mark.parametrize(
    "coupling", [Coupling(0.7, True, 0.1), Coupling(0.0, True, None)], ids=str
)


def drawn(form, coupling):
    problem = build(make(31, "beside", d=4), form, coupling)
    rng = np.random.default_rng(0)
    return problem, StackedProblem(problem, 2), rng.normal(size=(2, 4, 2 * problem.n_columns))


@both_forms
@couplings
def test_the_problem_of_parts_is_that_of_their_sum(form, coupling):
    problem, stacked, (V, D) = drawn(form, coupling)
    C = problem.n_columns
    here, there = stacked.settle(V), stacked.settle(V + D)
    inner = problem.settle(V[:, :C] + V[:, C:])
    assert stacked.value(here) == pytest.approx(problem.value(inner), rel=1e-14)
    np.testing.assert_allclose(here.G, np.hstack([inner.G, inner.G]), atol=1e-13)
    change = here.G - there.G
    np.testing.assert_allclose(stacked.curvature_times(D), change, atol=1e-12)
    H = stacked.reduced_hessian()
    np.testing.assert_allclose(H @ D.ravel(), change.ravel(), atol=1e-12)
    L = DenseSystem(stacked).factor
    np.testing.assert_allclose(L @ L.T, H, atol=1e-12)
    assert len(reduced_hessian(problem)) == len(H) // 2
    whole = stacked.whole(here)
    np.testing.assert_allclose(sum(whole.V.parts), whole.V, atol=1e-15)


@every_structure
def test_smoothed_parts_have_the_derivatives_that_they_say(structure):
    penalty = STRUCTURES[structure](0.6, 0.7).stacked
    rng, h = np.random.default_rng(1), 1e-6
    V, D = rng.normal(size=(2, 3, 8))
    smooth = penalty.smoothed(V, 0.2)
    up, down = (penalty.smoothed(V + s * h * D, 0.2) for s in (1, -1))
    slope = (up.value - down.value) / (2 * h)
    assert np.vdot(smooth.gradient(), D) == pytest.approx(slope, rel=1e-7)
    bend = (up.gradient() - down.gradient()).ravel() / (2 * h)
    np.testing.assert_allclose(smooth.hessian() @ D.ravel(), bend, atol=1e-7)


@every_structure
def test_the_derivative_of_parts_is_that_of_prox_and_a_product_of_its_factors(structure):
    penalty = STRUCTURES[structure](0.6, 0.7).stacked
    rng, h = np.random.default_rng(2), 1e-6
    Z, D = 2 * rng.normal(size=(2, 3, 8))
    M = penalty.derivative(Z, 0.9)
    difference = (penalty.prox(Z + h * D, 0.9) - penalty.prox(Z - h * D, 0.9)) / (2 * h)
    np.testing.assert_allclose(M.times(D), difference, atol=1e-7)
    face = M.to_face(D[:, :, None])
    np.testing.assert_allclose(M.from_face(face[:, 0]), M.times(D), atol=1e-12)
    B = np.column_stack([M.from_face(e).ravel() for e in np.eye(M.dimensions)])
    np.testing.assert_allclose(M.squares(), B.T @ B, atol=1e-12)


@both_forms
@every_structure
@couplings
def test_one_solver_serves_one_alpha_after_the_other(form, structure, coupling):
    problem, _, _ = drawn(form, coupling)
    penalty = STRUCTURES[structure](1.0, 0.7)
    point = problem.without_deviations()
    top = penalty.dual_norm(point.G)
    solver = PartsDescent(problem, penalty)
    for share in (0.5, 0.1, 0.01):
        goal = Goal(1e-11, 1e-11, Budget(5000, np.inf))
        found = approach(solver, penalty.at(share * top), point, goal, Budget(0, 0.0))
        assert found.gap <= 1e-11
        assert certify(problem, penalty.at(share * top), found.point).relative <= 1e-11
        point = found.point
        solver = solver.like(problem, penalty)
