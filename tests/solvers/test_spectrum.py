"""One eigendecomposition for all alphas against the whole system at each."""

from mtlearn.solvers.spectrum import Spectrum

from ..checks import STRICT
from .cases import both_forms, every_case, every_intercept, every_mean, every_omega
from .dense import assert_step, steps_to_find

pytestmark = STRICT


@both_forms
@every_case
@every_intercept
@every_mean
@every_omega
def test_the_spectrum_takes_the_step_of_the_whole_system(
    way, weights, form, intercepts, alpha_mean, omega
):
    problem, steps = steps_to_find(way, weights, form, intercepts, alpha_mean, omega)
    spectrum = Spectrum(problem)
    for alpha, left, expected in steps:
        found = spectrum.at(alpha).solve(*left)
        assert_step(found, expected, problem.coupling.has_mean, 1e-7)
