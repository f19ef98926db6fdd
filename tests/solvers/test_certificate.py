"""The certificate against primal minus dual on raw rows."""

import numpy as np
import pytest

from mtlearn.penalties.l21 import L21
from mtlearn.penalties.squared_norm import SquaredNorm
from mtlearn.problems.coupling import Coupling
from mtlearn.solvers.certificate import certify

from ..checks import STRICT
from ..generators import make
from ..penalties.truths import truth_of
from ..problems.test_problems import build, entries_of
from ..reference import Model, Point, certificate, objective
from .cases import both_forms, every_case, every_intercept, every_mean

pytestmark = STRICT


@both_forms
@every_case
@every_intercept
@every_mean
@pytest.mark.parametrize("Penalty", [SquaredNorm, L21])
def test_certificate_at_any_settled_point(way, weights, form, intercepts, alpha_mean, Penalty):
    coupling = Coupling(**intercepts, alpha_mean=alpha_mean)
    generated = make(13, way, weights=weights)
    problem, e = build(generated, form, coupling), entries_of(generated, coupling=coupling)
    penalty = Penalty(0.3)
    strengths = alpha_mean or 0.0, coupling.alpha_intercept, coupling.fit_intercept
    model = Model(truth_of(penalty), 0.3, *strengths, alpha_mean is not None)
    rng = np.random.default_rng(2)
    for size in (0.0, 0.03, 1.0):
        point = problem.settle(size * rng.normal(size=(5, 4)))
        found = certify(problem, penalty, point)
        w0 = np.zeros(5) if point.mean is None else point.mean[:, 0]
        at = Point(point.W.T, problem.intercepts(point), w0, point.b0[0])
        truth = certificate(e, model, at)
        assert truth.infeasibility < 1e-10
        assert found.primal == pytest.approx(objective(e, model, at), rel=1e-10)
        assert found.relative == pytest.approx(truth.gap, rel=1e-8, abs=1e-9)
        assert found.gap == pytest.approx(found.relative * truth.null, rel=1e-9, abs=1e-12)
