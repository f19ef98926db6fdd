"""The closed form against dense linear algebra, at every alpha from 0 to infinity."""

import numpy as np
import pytest

from mtlearn.penalties.squared_norm import SquaredNorm
from mtlearn.problems.coupling import Coupling
from mtlearn.solvers.arrow import residuals, solve_mean_regularized
from mtlearn.solvers.closed_form import ClosedForm, Spectral, Unrefined
from mtlearn.solvers.spectrum import Spectrum

from ..checks import STRICT
from ..generators import make
from ..problems.test_problems import best_given, build, close, entries_of
from .cases import both_forms, every_case, every_intercept, every_mean
from .dense import dense_step

pytestmark = STRICT


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


def one_system(e, coupling, alpha):
    """V (d, T), w_0 and b of least squares, every ridge a row of its own; w_0 is 0 without."""
    T, d, a = e.n_tasks, e.X.shape[1], coupling.alpha_intercept
    own, n = np.eye(T)[e.task], len(e.y)
    V = (own[:, :, None] * e.X[:, None, :]).reshape(n, -1)
    level = own @ np.ones((T, 1)) if np.isinf(a) else own
    level = level if coupling.fit_intercept else level[:, :0]
    mean = e.X if coupling.has_mean else e.X[:, :0]
    pulled = coupling.fit_intercept and 0 < a < np.inf
    base = np.zeros((n, 1 if pulled else 0))
    parts = [V, mean, level, base]
    at = np.cumsum([0] + [part.shape[1] for part in parts])
    ridge = np.zeros((at[-1], at[-1]))
    ridge[: at[1], : at[1]] = np.sqrt(alpha) * np.eye(at[1])
    strength = np.sqrt((coupling.alpha_mean or 0.0) * T)
    ridge[at[1] : at[2], at[1] : at[2]] = strength * np.eye(at[2] - at[1])
    if pulled:
        ridge[at[2] : at[3], at[2] : at[3]] = np.sqrt(a) * np.eye(T)
        ridge[at[2] : at[3], at[3]] = -np.sqrt(a)
    root = np.sqrt(e.c)
    A = np.vstack([root[:, None] * np.hstack(parts), ridge])
    x = np.linalg.lstsq(A, np.append(root * e.y, np.zeros(at[-1])), rcond=1e-13)[0]
    w0 = x[at[1] : at[2]] if coupling.has_mean else np.zeros(d)
    b = np.zeros(T)
    if coupling.fit_intercept:
        b = np.broadcast_to(x[at[2] : at[3]], (T,))
    return x[: at[1]].reshape(T, d).T, w0, b


@both_forms
@every_case
@every_intercept
@every_mean
@pytest.mark.parametrize("kind", [ClosedForm, Spectral, Unrefined])
def test_every_kind_solves_one_least_squares_system(
    way, weights, form, intercepts, alpha_mean, kind
):
    coupling = Coupling(**intercepts, alpha_mean=alpha_mean)
    generated = make(17, way, weights=weights, d=8, rows=(5, 18))  # the smallest has fewer rows
    problem = build(generated, form, coupling)
    e, solver = entries_of(generated, coupling=coupling), kind(problem, SquaredNorm(1.0))
    for alpha in (1e-3, 1.0, 1e2):
        V, w0, b = one_system(e, coupling, alpha)
        found = solver.solution(alpha)
        tol = 1e-6 if kind is Unrefined else 1e-8
        close(found.point.V, V, tol)
        close(problem.intercepts(found.point), b, tol)
        if coupling.has_mean:
            close(found.point.mean[:, 0], w0, tol)
        assert np.isnan(found.gap) if kind is Unrefined else 0 <= found.gap <= 1e-12
        assert found.n_iter >= 1


@both_forms
@every_case
@pytest.mark.parametrize("kind", [ClosedForm, Spectral, Unrefined])
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("d", [5, 30], ids=["tall", "wide"])
def test_without_penalty_every_task_is_its_least_squares_of_least_norm(
    way, weights, form, kind, fit_intercept, d
):
    coupling = Coupling(0.0, fit_intercept)
    generated = make(18, way, weights=weights, d=d, rows=(7, 18))
    problem, e = build(generated, form, coupling), entries_of(generated, coupling=coupling)
    found = kind(problem, SquaredNorm(1.0)).solution(0.0)
    levels = problem.intercepts(found.point)
    for t in range(4):
        own = e.task == t
        X, y, c = e.X[own], e.y[own], e.c[own]
        x_mean, y_mean = (np.average(v, axis=0, weights=c) * fit_intercept for v in (X, y))
        root = np.sqrt(c)
        A, right = root[:, None] * (X - x_mean), root * (y - y_mean)
        w = np.linalg.lstsq(A, right, rcond=1e-10)[0]
        close(found.point.V[:, t], w, 1e-7)
        assert levels[t] == pytest.approx(y_mean - x_mean @ w, rel=1e-7, abs=1e-8)
    assert found.gap <= 1e-12


SMALL = 10.0 ** np.arange(-13.0, -4.0)


@every_case
@pytest.mark.parametrize("form", ["moments", "design"])
@pytest.mark.parametrize("kind", [ClosedForm, Spectral])
def test_more_features_than_rows_are_interpolated_at_any_small_alpha(way, weights, kind, form):
    generated = make(19, way, weights=weights, d=30, rows=(7, 18))
    problem, e = build(generated, form, Coupling()), entries_of(generated)
    solver = kind(problem, SquaredNorm(1.0))
    found = [solver.solution(alpha) for alpha in SMALL]
    assert max(solution.gap for solution in found) <= 1e-10
    for alpha, solution in zip(SMALL, found, strict=True):
        point = solution.point
        scores = np.sum(e.X * point.W.T[e.task], axis=1) + problem.intercepts(point)[e.task]
        np.testing.assert_allclose(scores, e.y, atol=1e2 * alpha + 1e-4)
