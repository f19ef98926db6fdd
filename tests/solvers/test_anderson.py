"""Anderson acceleration: to the optimum from any first step, in far fewer steps than FISTA."""

from dataclasses import replace
from itertools import islice

import numpy as np
import pytest

from mtlearn.penalties.trace_norm import TraceNorm
from mtlearn.problems.coupling import Coupling
from mtlearn.solvers.anderson import MEMORY, anderson
from mtlearn.solvers.certificate import certify
from mtlearn.solvers.fista import Metric, fista

from ..checks import STRICT
from ..generators import make
from ..problems.test_problems import build
from .cases import both_forms, every_mean

pytestmark = STRICT


def gaps(method, problem, share=1.0, most=600):
    """Relative gaps along the way, from V = 0 at a tenth of the largest alpha."""
    start = problem.without_deviations()
    penalty = TraceNorm(0.1 * TraceNorm(1.0).dual_norm(start.G))
    metric = Metric.of_problem(problem, by_rows=False)
    metric = replace(metric, L=share * metric.L)
    steps = islice(method(problem, penalty, start, metric), most)
    return np.array([certify(problem, penalty, point).relative for point, _ in steps])


@both_forms
@pytest.mark.parametrize("share", [1.0, 1e-2], ids=["estimated", "a hundred times too long"])
@every_mean
def test_it_converges_from_any_step(form, share, alpha_mean):
    problem = build(make(7, "beside", rows=(8, 25)), form, Coupling(0.7, True, alpha_mean))
    found = gaps(anderson, problem, share)
    assert found.min() <= 1e-13 < 1e-3 < found[0]


@both_forms
def test_it_takes_half_the_steps_of_fista(form):
    problem = build(make(3, "beside", rows=(12, 25), d=8), form, Coupling(0.0))
    ours, theirs = (gaps(method, problem) for method in (anderson, fista))
    assert np.argmax(ours <= 1e-10) <= 0.6 * np.argmax(theirs <= 1e-10)


def test_what_is_nearly_linear_is_solved_in_as_many_steps_as_it_has_dimensions():
    """With no penalty to speak of it is GMRES: exact after as many steps as numbers."""
    problem = build(make(5, "columns", d=2), "moments", Coupling(0.0))
    assert problem.n_features * problem.n_columns < MEMORY
    start = problem.without_deviations()
    penalty = TraceNorm(1e-9 * TraceNorm(1.0).dual_norm(start.G))
    steps = islice(anderson(problem, penalty, start, Metric.of_problem(problem, False)), 12)
    sizes = [np.linalg.norm(point.G) for point, _ in steps]
    assert min(sizes) <= 1e-7 * np.linalg.norm(start.G)
