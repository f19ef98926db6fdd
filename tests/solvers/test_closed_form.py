"""The closed form against dense linear algebra, at every alpha from 0 to infinity."""

import numpy as np
import pytest

from mtlearn.problems.coupling import Coupling
from mtlearn.solvers.arrow import residuals, solve_mean_regularized
from mtlearn.solvers.spectrum import Spectrum

from ..checks import STRICT
from ..generators import make
from ..problems.test_problems import FORMS, INTERCEPTS, best_given, build, close, entries_of
from .dense import dense_step

pytestmark = STRICT

every_case = pytest.mark.parametrize(
    "way, weights", [("columns", "rows"), ("holes", "labels"), ("beside", "rows")]
)
both_forms = pytest.mark.parametrize("form", FORMS)
every_intercept = pytest.mark.parametrize("intercepts", INTERCEPTS)
every_mean = pytest.mark.parametrize("alpha_mean", [None, 0.0, 1e-2])


@both_forms
@every_case
@every_intercept
@every_mean
def test_closed_form_minimises(way, weights, form, intercepts, alpha_mean):
    coupling = Coupling(**intercepts, alpha_mean=alpha_mean)
    generated = make(3, way, weights=weights)
    problem = build(generated, form, coupling)
    spectrum = Spectrum(problem)
    zero = problem.evaluate(np.zeros((5, 4)), np.zeros(5) if coupling.has_mean else None, 0.0)
    for alpha in (1e-2, 1.0, 1e3):
        V, mean, b0 = dense_step(problem, alpha, *residuals(problem, alpha, zero))
        ours = solve_mean_regularized(problem, alpha)
        assert 0 <= ours.gap <= 1e-12
        close(ours.point.V, V, 1e-8)
        close(ours.point.b0[0], b0, 1e-8)
        if coupling.has_mean:
            close(ours.point.mean[:, 0], mean, 1e-8)
        path = solve_mean_regularized(problem, alpha, arrow=spectrum.at(alpha))
        assert 0 <= path.gap <= 1e-12
        close(path.point.W, ours.point.W)
    pooled = solve_mean_regularized(problem, np.inf).point
    e = entries_of(generated, coupling=coupling)
    best, mean, b, _ = best_given(e, coupling, np.zeros((5, 4)))
    assert not pooled.V.any()
    assert problem.value(pooled) == pytest.approx(best, rel=1e-10)
    close(problem.intercepts(pooled), b, 1e-8)
    if coupling.has_mean:
        close(pooled.mean[:, 0], mean, 1e-8)
