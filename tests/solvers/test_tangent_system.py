"""Newton's system of a tangent space as a matrix: against the maps that it is the matrix of."""

import numpy as np
import pytest

from mtlearn.inputs.tasks import TaskData
from mtlearn.penalties.rank_at_most import RankAtMost
from mtlearn.problems.coupling import Coupling
from mtlearn.problems.forms import make_problem
from mtlearn.solvers.shared_subspace import Scaled, _Tangent
from mtlearn.solvers.tangent_system import TangentSystem


def space(d=6, T=5, r=2, seed=0):
    rng = np.random.default_rng(seed)
    U = rng.normal(size=(d, r)) @ rng.normal(size=(r, T))
    return _Tangent(U, rng.normal(size=(d, T)), r), rng


@pytest.mark.parametrize("d, T, r", [(6, 5, 2), (4, 7, 1), (3, 5, 3), (5, 2, 2)])
def test_it_solves_what_the_maps_say(d, T, r):
    at, rng = space(d, T, r)
    system = TangentSystem(at.P, at.Q)
    assert TangentSystem.size(at.P, at.Q) == system.inside.sum() == r * (d + T - r)
    weight = rng.uniform(0.5, 5.0, size=(d, T))
    flat = system.matrix(lambda D: at.onto(weight * D))
    D = at.onto(rng.normal(size=(d, T)))
    found = system.solve(flat, None, D)
    np.testing.assert_allclose(at.onto(found), found, atol=1e-12)
    np.testing.assert_allclose(at.onto(weight * found), D, atol=1e-12)
    small = 1e-3 * system.bend(at.Z, at.s)  # so little that it stays positive definite
    curved = system.solve(flat, small, D)
    back = at.onto(weight * curved) + 1e-3 * at.bend(curved)
    np.testing.assert_allclose(back, D, atol=1e-11)


def test_where_the_set_curves_down_a_step_descends_all_the_same():
    at, rng = space()
    system = TangentSystem(at.P, at.Q)
    flat = system.matrix(lambda D: at.onto(1e-3 * D))
    bend = system.bend(at.Z, at.s)
    assert np.linalg.eigvalsh(flat + bend)[0] < -0.1
    values, vectors = np.linalg.eigh(flat + bend)
    for _ in range(5):
        D = at.onto(rng.normal(size=(6, 5)))
        step = system.solve(flat, bend, D)
        assert np.vdot(step, D) > 0
        # Of a flat part that is a multiple of one it is |H|⁻¹, eigenvalues made positive.
        expected = vectors @ ((vectors.T @ system._numbers(D)) / np.abs(values))
        np.testing.assert_allclose(system._numbers(step), expected, rtol=1e-8, atol=1e-12)


@pytest.mark.parametrize("alpha_intercept", [0.0, 0.4, np.inf, None])
def test_blocks_of_tasks_are_the_map(alpha_intercept):
    rng = np.random.default_rng(3)
    task = np.repeat(np.arange(5), 9)
    X, y = rng.normal(size=(45, 4)) + 1.0, rng.normal(size=45)
    data = TaskData(X, y, None, task, np.arange(5), "labels")
    levels = 0.0 if alpha_intercept is None else alpha_intercept
    coupling = Coupling(levels, alpha_intercept is not None, None)
    problem = make_problem(data, np.ones(5), coupling)
    scaled = Scaled(problem, RankAtMost(0.3, 2))
    blocks = scaled.blocks()
    assert (blocks[1] is None) == (alpha_intercept in (None, 0.0))
    at, _ = space(4, 5)
    system = TangentSystem(at.P, at.Q)
    np.testing.assert_allclose(system.of_blocks(*blocks), system.matrix(scaled.times), atol=1e-12)
    mean = make_problem(data, np.ones(5), Coupling(0.0, True, 0.1))
    assert Scaled(mean, RankAtMost(0.3, 2)).blocks() is None
