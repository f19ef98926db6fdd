"""One eigendecomposition for all alphas against the whole system at each."""

import numpy as np
import pytest

from mtlearn.solvers import spectral_path, spectrum
from mtlearn.solvers.spectral_path import SpectralPath
from mtlearn.solvers.spectrum import Spectrum

from ..checks import STRICT
from ..problems.test_problems import OMEGA
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


@both_forms
@every_case
@every_intercept
@every_mean
@every_omega
@pytest.mark.parametrize("outer", [0, 16])
def test_many_alphas_at_once(monkeypatch, way, weights, form, intercepts, alpha_mean, omega, outer):
    monkeypatch.setattr(spectral_path, "OUTER", outer)
    monkeypatch.setattr(spectrum, "CHUNK", 150)  # tasks one by one, or two
    problem, steps = steps_to_find(way, weights, form, intercepts, alpha_mean, omega)
    path = SpectralPath(Spectrum(problem), *steps[0][1])
    V, mean, b0 = path.steps([alpha for alpha, _, _ in steps])
    for a, (_, _, expected) in enumerate(steps):
        found = V[a].T, None if mean is None else mean[a], b0[a]
        assert_step(found, expected, problem.coupling.has_mean, 1e-7)


@both_forms
@every_intercept
@every_mean
@pytest.mark.parametrize("way", ["columns", "beside"])
def test_few_alphas_stand_for_a_grid(way, form, intercepts, alpha_mean):
    problem, steps = steps_to_find(way, None, form, intercepts, alpha_mean, OMEGA)
    spectrum, left = Spectrum(problem), steps[0][1]
    path, grid = SpectralPath(spectrum, *left), np.geomspace(100.0, 1e-4, 60)
    assert len(path._nodes(grid)[0]) < 35
    V, mean, b0 = path.steps(grid)
    for a, alpha in enumerate(grid):
        found = V[a].T, None if mean is None else mean[a], b0[a]
        assert_step(found, spectrum.at(alpha).solve(*left), problem.coupling.has_mean, 1e-8)
