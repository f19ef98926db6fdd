"""One eigendecomposition for all alphas against the whole system at each."""

import numpy as np
import pytest

from mtlearn.problems.coupling import Coupling
from mtlearn.solvers.spectrum import Spectrum

from ..checks import STRICT
from ..generators import make
from ..problems.test_problems import FORMS, INTERCEPTS, OMEGA, build
from .dense import assert_step, dense_step

pytestmark = STRICT

every_case = pytest.mark.parametrize(
    "way, weights", [("columns", "rows"), ("holes", "labels"), ("beside", "rows")]
)
both_forms = pytest.mark.parametrize("form", FORMS)
every_intercept = pytest.mark.parametrize("intercepts", INTERCEPTS)
every_mean = pytest.mark.parametrize("alpha_mean", [None, 0.0, 1e-2])
every_omega = pytest.mark.parametrize("omega", [OMEGA, np.ones(4)], ids=["unequal", "equal"])


@both_forms
@every_case
@every_intercept
@every_mean
@every_omega
def test_the_spectrum_takes_the_step_of_the_whole_system(
    way, weights, form, intercepts, alpha_mean, omega
):
    d = 10  # some tasks have fewer rows than features, others more
    coupling = Coupling(**intercepts, alpha_mean=alpha_mean)
    problem = build(make(1, way, weights=weights, d=d), form, coupling, omega)
    rng = np.random.default_rng(0)
    r, e, extra = rng.normal(size=(d, 4)), rng.normal(size=4), rng.normal(size=d)
    e = e if problem.pooled else np.zeros(4)  # kappa_t error_t, and kappa is zero
    spectrum = Spectrum(problem)
    for alpha in (1e-3, 0.1, 10.0):
        expected = dense_step(problem, alpha, r, e, extra)
        found = spectrum.at(alpha).solve(r, e, extra)
        assert_step(found, expected, coupling.has_mean, 1e-7)
