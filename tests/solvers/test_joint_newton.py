"""Newton with the whole curvature of a choice: strengths where constants are hard to place."""

import numpy as np
import pytest

from mtlearn import DirtyClassifier, GroupLassoClassifier
from mtlearn.penalties.base import Differentiable, RowNorms
from mtlearn.penalties.dirty import Dirty
from mtlearn.penalties.feature_groups import FeatureGroups, Groups
from mtlearn.penalties.l1inf import L1Inf
from mtlearn.penalties.l21 import L21
from mtlearn.problems.joint_model import JointModel
from mtlearn.solvers import newton_systems, tuning
from mtlearn.solvers.choose import choose
from mtlearn.solvers.joint_newton import JointNewton, TaskSystems
from mtlearn.solvers.proximal_newton import ProximalNewton

from ..checks import STRICT
from ..generators import make_classes
from ..problems.test_joint_model import D, K, T, drawn
from ..reference import objective, solve_cvxpy

pytestmark = STRICT
PENALTIES = [
    L1Inf(1.0),
    L21(1.0),
    Dirty(1.0, "linf", 0.3),
    FeatureGroups(1.0, Groups.of(np.array([0, 1, 0, 1]))),
]
LINF = {"norm": "linf", "loss": "multinomial"}
ASKED = [
    (GroupLassoClassifier, {}),
    (GroupLassoClassifier, {"shared_mean": True, "alpha_intercept": 0.3}),
    (DirtyClassifier, {"alpha_intercept": 0.0}),
    (DirtyClassifier, {"shared_mean": True, "alpha_mean": 0.1}),
]


@pytest.mark.parametrize("rows", [(5, 9), (30, 40)], ids=["separable", "not"])
@pytest.mark.parametrize("share", [0.1, 1e-3, 1e-6])
@pytest.mark.parametrize("family, more", ASKED)
def test_the_largest_entry_at_any_strength_is_cvxpys(family, more, share, rows):
    seed = ASKED.index((family, more))
    problem = make_classes(seed, "three by task", d=3, rows=rows)
    asked = LINF | more
    largest = problem.alpha_max(family, **asked)
    fitted = problem.fit(family, alpha=share * largest, tol=1e-9, **asked)
    assert fitted.dual_gap_ <= 1e-9
    model = problem.model(fitted)
    ours = objective(problem.entries, model, problem.point(fitted))
    theirs, _ = solve_cvxpy(problem.entries, model)
    assert ours <= theirs + 1e-9
    if share > 1e-6:  # there, with classes told apart, its own end may be 4e-6 above the optimum
        assert theirs <= ours + 1e-7


@pytest.mark.parametrize("coupling", ["free", "mean, pulled"])
@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("damping, length", [(1e-3, 1.0), (1.0, 40.0)])
@pytest.mark.parametrize("large", [0, 64])
def test_a_step_solves_its_system(monkeypatch, large, penalty, coupling, damping, length):
    monkeypatch.setattr(newton_systems, "LARGE", large)
    problem, point, rng = drawn(coupling)
    model = JointModel(problem, point, 1e-3)
    step = 1.0 / model.hessian_diagonal().max(axis=1, keepdims=True)
    newton = TaskSystems(model, step)
    Z, N = rng.normal(size=(D, T * K)), D * T * K
    penalty = penalty.at(0.7 * penalty.dual_norm(Z))
    M = penalty.derivative(Z, 1.0)
    F = rng.normal(size=Z.shape)
    D_found, _ = newton.direct(M, F, damping, length)
    # (H + damping) M + I - M in scaled columns, and D = M dZ
    each = np.eye(N).reshape(N, D, T * K)
    root = np.sqrt(length * step)
    H = np.stack([(root * model.curvature_times(root * one)).ravel() for one in each])
    as_matrix = M.times(each).reshape(N, N)
    A = (H + damping * np.eye(N)) @ as_matrix + np.eye(N) - as_matrix
    dZ = np.linalg.solve(A, -F.ravel())
    np.testing.assert_allclose(D_found.ravel(), as_matrix @ dZ, atol=1e-8)


def test_it_serves_sums_over_features_whose_systems_are_small(monkeypatch):
    problem, _, _ = drawn("free")
    assert isinstance(L1Inf(1.0), RowNorms) and isinstance(L1Inf(1.0), Differentiable)
    assert choose(problem, L1Inf(1.0), "fit") is JointNewton
    monkeypatch.setattr(tuning, "JOINT_FLOPS", 0.0)
    assert choose(problem, L1Inf(1.0), "fit") is ProximalNewton
