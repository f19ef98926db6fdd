"""FISTA and its steps: down to the optimum from any first step, and bounds of the curvature."""

from dataclasses import replace
from itertools import islice

import numpy as np
import pytest

from mtlearn.penalties.l21 import L21
from mtlearn.problems.coupling import Coupling
from mtlearn.solvers.fista import Metric, fista

from ..checks import STRICT
from ..generators import make
from ..problems.test_problems import build
from .cases import both_forms, every_case, every_mean
from .test_solve import largest_alpha, solver_of

pytestmark = STRICT


@both_forms
@pytest.mark.parametrize("share", [1.0, 1e-2], ids=["estimated", "a hundred times too long"])
@every_mean
def test_fista_converges_from_any_step(form, share, alpha_mean):
    problem = build(make(7, "beside", rows=(8, 25)), form, Coupling(0.7, True, alpha_mean))
    penalty = L21(0.2 * largest_alpha(problem))
    best = solver_of(problem, tol=1e-10, polish=True).solve(penalty.alpha).point
    optimum = problem.value(best) + penalty.value(best.V)
    metric = Metric.of_problem(problem)
    metric = replace(metric, L=share * metric.L)
    start = problem.settle(np.zeros((5, 4)))
    excess = [
        (problem.value(p) + penalty.value(p.V) - optimum) / problem.null_value
        for p, _ in islice(fista(problem, penalty, start, metric), 400)
    ]
    assert min(excess) >= -1e-10
    assert excess[-1] <= 1e-9 < 1e-4 < excess[0]


@both_forms
@every_case
def test_the_metric_bounds_the_curvature_of_every_task(way, weights, form):
    problem = build(make(8, way, weights=weights), form, Coupling(0.7))
    metric = Metric.of_problem(problem)
    H = np.broadcast_to(problem.hessian(np.arange(5)), (4, 5, 5))
    root = np.sqrt(metric.D[:, 0])
    scaled = H / np.outer(root, root)
    assert np.einsum("tjj->tj", scaled).max() == pytest.approx(1.0, rel=1e-12)
    largest = np.linalg.eigvalsh(scaled).max()
    assert 0.9 * largest <= metric.L <= 1.02 * largest * (1 + 1e-12)
    np.testing.assert_allclose(metric.step, 1 / (metric.L * metric.D), rtol=1e-15)
