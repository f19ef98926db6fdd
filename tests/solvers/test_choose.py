"""Which solver takes what: the table of "What an iteration costs", and its limits."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from mtlearn.penalties.base import Norm, Smoothable
from mtlearn.penalties.l21 import L21
from mtlearn.penalties.squared_norm import SquaredNorm
from mtlearn.penalties.trace_norm import TraceNorm
from mtlearn.problems.base import Problem
from mtlearn.problems.coupling import Coupling
from mtlearn.solvers import tuning
from mtlearn.solvers.base import Solver, cheapest
from mtlearn.solvers.choose import choose
from mtlearn.solvers.closed_form import ClosedForm, Spectral, Unrefined
from mtlearn.solvers.curvature import typical_curvature
from mtlearn.solvers.descent import Descent
from mtlearn.solvers.proximal_newton import ProximalNewton
from mtlearn.solvers.solve import Driver
from mtlearn.solvers.unpenalised_newton import UnpenalisedNewton

from ..checks import STRICT
from ..generators import make
from ..penalties.truths import TYPICAL
from ..problems.test_general_problem import classes
from ..problems.test_problems import INTERCEPTS, build, close
from .cases import both_forms

pytestmark = STRICT

PURPOSES = ["fit", "path", "scores"]
NORMS = {name: known for name, known in TYPICAL.items() if known.is_norm}
COUPLING = Coupling(0.7, True, 0.1)
every_purpose = pytest.mark.parametrize("purpose", PURPOSES)
every_norm = pytest.mark.parametrize("name", NORMS)


def on_rows(way="beside", form="moments", coupling=COUPLING, **shape):
    return build(make(21, way, **shape), form, coupling)


@both_forms
@pytest.mark.parametrize("way", ["columns", "holes", "beside"])
@pytest.mark.parametrize("alpha", [0.0, 1e-12, 0.3, np.inf])
def test_squares_on_squares_have_a_closed_form(way, form, alpha):
    problem = on_rows(way, form)
    for purpose, kind in zip(PURPOSES, (ClosedForm, Spectral, Unrefined), strict=True):
        assert choose(problem, SquaredNorm(alpha), purpose) is kind


@both_forms
@every_norm
@every_purpose
@pytest.mark.parametrize("alpha", [0.0, 1e-12, 0.3])
def test_norms_on_squares_descend(form, name, purpose, alpha):
    assert choose(on_rows(form=form), NORMS[name].penalty(alpha), purpose) is Descent


@every_purpose
@pytest.mark.parametrize("name", TYPICAL)
@pytest.mark.parametrize("way", ["two by task", "three by task"])
def test_other_losses_go_by_proximal_newton(purpose, name, way):
    problem, _ = classes(22, way, COUPLING)
    assert choose(problem, TYPICAL[name].penalty(0.01), purpose) is ProximalNewton


@every_purpose
@pytest.mark.parametrize("way", ["two by task", "three by task"])
def test_newton_alone_where_squares_are_next_to_nothing(purpose, way):
    problem, _ = classes(22, way, COUPLING)
    little = min(1e-8, 1e-10 * typical_curvature(problem))
    for alpha, kind in (
        (0.0, UnpenalisedNewton),
        (0.9 * little, UnpenalisedNewton),
        (1.1 * little, ProximalNewton),
        (np.inf, ProximalNewton),
    ):
        assert choose(problem, SquaredNorm(alpha), purpose) is kind
    # The driver turns to whatever is the cheapest at an alpha.
    driver = Driver(problem, SquaredNorm(1.0), tol=1e-8, max_iter=1000, purpose="path")
    for alpha, kind in ((1.0, ProximalNewton), (0.0, UnpenalisedNewton)):
        driver.solve(alpha)
        assert type(driver._solver(SquaredNorm(alpha))) is kind
    assert set(driver._solvers) == {ProximalNewton, UnpenalisedNewton}


@every_purpose
def test_a_norm_of_no_strength_is_no_reason_for_newton_alone(purpose):
    problem, _ = classes(22, "two by task", COUPLING)
    assert choose(problem, L21(0.0), purpose) is ProximalNewton


@both_forms
@every_purpose
@pytest.mark.parametrize("intercepts", INTERCEPTS)
@pytest.mark.parametrize("alpha_mean", [None, 0.0, 1e-2])
def test_without_a_closed_form_descent_has_the_same_answer(
    monkeypatch, form, purpose, intercepts, alpha_mean
):
    coupling = Coupling(**intercepts, alpha_mean=alpha_mean)
    problem = on_rows("holes", form, coupling, rows=(8, 25))
    for alpha in (1e-2, 1.0, 30.0, np.inf):
        limits = {"tol": 1e-12, "max_iter": 5000}
        exact = Driver(problem, SquaredNorm(alpha), **limits).solve(alpha)
        assert exact.gap <= 1e-12
        with monkeypatch.context() as patch:
            patch.setattr(tuning, "CLOSED_FORM_FLOPS", 0)
            assert choose(problem, SquaredNorm(alpha), purpose) is Descent
            driver = Driver(problem, SquaredNorm(alpha), **limits, purpose=purpose)
            found = driver.solve(alpha)
        assert found.gap <= 1e-12
        close(found.point.W, exact.point.W, 1e-5)
        close(problem.intercepts(found.point), problem.intercepts(exact.point), 1e-5)


@every_purpose
def test_closed_forms_end_where_flops_or_features_do(monkeypatch, purpose):
    problem = on_rows()
    with monkeypatch.context() as patch:
        patch.setattr(tuning, "CLOSED_FORM_FEATURES", problem.n_features - 1)
        assert choose(problem, SquaredNorm(1.0), purpose) is Descent
    monkeypatch.setattr(tuning, "CLOSED_FORM_FEATURES", problem.n_features)
    assert choose(problem, SquaredNorm(1.0), purpose) in (ClosedForm, Spectral, Unrefined)


@every_norm
@pytest.mark.parametrize("factor", [1.0, 300.0, 3e4])
def test_newton_on_a_smoothed_norm_for_few_features_of_very_unlike_scale(monkeypatch, name, factor):
    drawn = make(23, "beside")
    drawn.entries.X[:] = np.sign(drawn.entries.X)  # so that all have about one scale
    drawn.entries.X[:, 2] *= factor
    problem = build(drawn, "moments", COUPLING)
    penalty = NORMS[name].penalty(1.0)
    smoothed = Descent(problem, penalty).smoothing
    assert smoothed == (isinstance(penalty, Smoothable) and factor > 1e3)
    monkeypatch.setattr(tuning, "SMOOTHED_MOST", 5 * 4 - 1)
    assert not Descent(problem, penalty).smoothing


@dataclass(frozen=True)
class OnlyProx(Norm):
    """A norm that can do nothing but what all have to."""

    def value(self, V):
        return L21(self.alpha).value(V)

    def prox(self, V, step):
        return L21(self.alpha).prox(V, step)

    def dual_norm(self, G):
        return L21(1.0).dual_norm(G)


@pytest.mark.parametrize("loss", ["squared", "logistic"])
def test_any_norm_is_solved_by_fista_alone(loss):
    problem = on_rows() if loss == "squared" else classes(24, "two by task", COUPLING)[0]
    limits = {"tol": 1e-9, "max_iter": 20_000}
    driver = Driver(problem, OnlyProx(1.0), **limits)
    alpha = 0.3 * driver.largest_alpha()
    if loss == "squared":
        assert len(Descent(problem, OnlyProx(alpha)).phases) == 1
    found, truth = driver.solve(alpha), Driver(problem, L21(1.0), **limits).solve(alpha)
    assert found.gap <= 1e-9 and truth.gap <= 1e-9
    close(found.point.W, truth.point.W, 1e-3)


class Bare(Problem):
    """A problem that can do nothing."""

    for _name in Problem.__abstractmethods__:
        locals()[_name] = None
    del _name


@every_purpose
@pytest.mark.parametrize("name", TYPICAL)
def test_what_nothing_solves_is_said_with_what_is_missing(purpose, name):
    penalty = TYPICAL[name].penalty(1.0)
    with pytest.raises(TypeError, match=rf"no solver takes {type(penalty).__name__} on Bare") as it:
        choose(Bare(), penalty, purpose)
    missing = str(it.value)
    assert "Quadratic" in missing and "Curved" in missing
    assert ("Ridge" in missing) == TYPICAL[name].is_norm


def costing(flops, needs=()):
    class Costs(Solver):
        needs_penalty = needs

        @classmethod
        def cost(cls, problem, penalty, purpose):
            return flops[purpose] * penalty.alpha

    return Costs


def test_the_cheapest_of_those_whose_needs_are_met():
    dear, cheap = costing({"fit": 3, "path": 1}), costing({"fit": 2, "path": 2})
    cheapest_of_all = costing({"fit": 1, "path": 0}, (TraceNorm,))
    all_of_them, problem = (dear, cheap, cheapest_of_all), Bare()
    assert cheapest(all_of_them, problem, L21(1.0), "fit") is cheap
    assert cheapest(all_of_them, problem, L21(1.0), "path") is dear
    assert cheapest(all_of_them, problem, TraceNorm(1.0), "path") is cheapest_of_all
    assert cheapest_of_all.missing(problem, L21(1.0)) == ["TraceNorm"]
    assert not cheapest_of_all.missing(problem, replace(TraceNorm(1.0), alpha=2.0))
