"""Moments of labelled rows under the curvature of a loss: the sums that they are, written out."""

import numpy as np
import pytest
from scipy import sparse

from mtlearn.inputs.tasks import TaskData
from mtlearn.losses import Logistic
from mtlearn.problems import loss_models
from mtlearn.problems.coupling import Coupling
from mtlearn.problems.forms import make_problem
from mtlearn.problems.label_curvature import LabelCurvature

SIZES = [1, 2, 30, 7]


def drawn(spread_of_weights, n_classes=1, seed=0, large=False):
    """A problem and its parts; blocks too large for one stack, as it is told, have no padding."""
    rng = np.random.default_rng(seed)
    codes = np.repeat(np.arange(len(SIZES)), SIZES)
    X = rng.standard_normal((len(codes), 3)) + 100.0
    X[:, 2] = codes > 1  # constant in every task
    y = rng.integers(0, 2, (len(codes), n_classes)).astype(float)
    data = TaskData(X, y, None, codes, np.arange(len(SIZES)), "labels")
    problem = make_problem(data, np.ones(len(SIZES)), Coupling(0.5), loss=Logistic())
    problem.rows.padded = None if large else problem.rows.padded
    H = 10.0 ** rng.uniform(-spread_of_weights, 0.0, y.shape)
    return problem, X, codes, H, rng.standard_normal(y.shape)


def truth(X, codes, H, Z):
    """In extended precision, about the means under the weights, column after column."""
    out = []
    for t in range(len(SIZES)):
        for k in range(H.shape[1]):
            x, h, z = (a[codes == t].astype(np.longdouble) for a in (X, H[:, k], Z[:, k]))
            x_mean, z_mean = h @ x / h.sum(), h @ z / h.sum()
            xc = x - x_mean
            out.append((x_mean, z_mean, xc.T @ (h[:, None] * xc), xc.T @ (h * (z - z_mean))))
    return [np.array(part, dtype=float) for part in zip(*out, strict=True)]


@pytest.mark.parametrize("large", [False, True])
@pytest.mark.parametrize("n_classes", [1, 3])
@pytest.mark.parametrize("spread_of_weights", [0, 4, 14])
def test_moments_have_their_digits_however_uneven_curvatures_are(
    spread_of_weights, n_classes, large
):
    problem, X, codes, H, Z = drawn(spread_of_weights, n_classes, large=large)
    found = problem.moments_under(LabelCurvature(H), Z)
    x_mean, z_mean, xx, xy = truth(X, codes, H, Z)
    np.testing.assert_allclose(found.x_mean + problem.center, x_mean, rtol=1e-12)
    np.testing.assert_allclose(found.y_mean, z_mean, rtol=1e-10, atol=1e-12)
    scale = np.sqrt(np.einsum("cjj->cj", xx))
    product = scale[:, :, None] * scale[:, None, :]
    assert (np.abs(found.xx - xx) <= 1e-11 * product + 1e-30).all()
    assert (np.abs(found.xy - xy) <= 1e-10 * scale * np.sqrt(found.yy)[:, None] + 1e-30).all()


def test_moments_in_single_precision_are_those_to_single_precision():
    problem, X, codes, H, Z = drawn(1, large=True)
    found = problem.moments_under(curvature := LabelCurvature(H, single=True), Z)
    assert curvature.single
    _, _, xx, _ = truth(X, codes, H, Z)
    scale = np.sqrt(np.einsum("cjj->cj", xx))
    assert (np.abs(found.xx - xx) <= 1e-5 * scale[:, :, None] * scale[:, None, :] + 1e-30).all()
    double = problem.moments_under(LabelCurvature(H), Z)
    np.testing.assert_allclose(found.y_mean, double.y_mean, rtol=1e-12)


def test_a_model_in_single_precision_has_the_gradient_of_its_point():
    problem, *_ = drawn(0, large=True)
    rng = np.random.default_rng(1)
    point = problem.evaluate(0.1 * rng.standard_normal((3, len(SIZES))), None)
    model = problem.model(point, curvature=problem.curvature(point, single=True))
    np.testing.assert_allclose(model.evaluate(point.V, None).G, point.G, atol=1e-12)


@pytest.mark.parametrize(
    "scale, holds", [(1e-25, False), (1e-4, True), (1.0, True), (1e4, True), (1e25, False)]
)
def test_what_single_precision_does_not_hold_is_taken_in_double(scale, holds):
    problem, _, _, H, Z = drawn(1, large=True)
    problem.rows.X[:] *= scale  # as held, about the middles
    curvature = LabelCurvature(H, single=True)
    found, truth = problem._of_blocks(curvature, Z), problem._of_blocks(LabelCurvature(H), Z)
    assert np.isfinite(found.xx).all()
    np.testing.assert_allclose(found.xx, truth.xx, rtol=1e-4, atol=1e-5 * np.abs(truth.xx).max())
    assert curvature.single is holds


def test_means_far_from_the_middle_are_taken_in_double():
    problem, _, _, H, Z = drawn(14, large=True)
    curvature = LabelCurvature(H, single=True)
    found = problem._of_blocks(curvature, Z)
    np.testing.assert_array_equal(found.xx, problem._of_blocks(LabelCurvature(H), Z).xx)
    assert curvature.single is False


@pytest.mark.parametrize("alpha_intercept", [0.0, 0.5])
@pytest.mark.parametrize("form", [np.asarray, sparse.csr_matrix])
def test_a_model_that_bends_like_another_takes_over_what_that_knows(
    form, alpha_intercept, monkeypatch
):
    monkeypatch.setattr(loss_models, "MODEL_NUMBERS", 0)  # through the rows
    monkeypatch.setattr(loss_models, "LASTING", 1)
    rng = np.random.default_rng(5)
    codes, coupling = np.repeat(np.arange(3), 20), Coupling(alpha_intercept, alpha_mean=0.1)
    X, y = rng.standard_normal((60, 4)), rng.integers(0, 2, 60).astype(float)
    data = TaskData(form(X), y, None, codes, np.arange(3), "labels")
    problem = make_problem(data, np.ones(3), coupling, loss=Logistic())
    here, there = (
        problem.evaluate(rng.standard_normal((4, 3)), rng.standard_normal((4, 1))) for _ in "ab"
    )
    curvature = problem.curvature(here)
    first = problem.model(here, curvature=curvature)
    diagonal, system = first.hessian_diagonal(), first.mean_system()
    second = problem.model(there, curvature=curvature)
    anew = problem.model(there, curvature=LabelCurvature(curvature.weight))
    assert second.hessian_diagonal() is diagonal
    assert second.mean_system() is system
    V = rng.standard_normal((4, 3))
    for name in ("mean", "b0", "G", "error"):
        found, truth = (getattr(model.settle(V), name) for model in (second, anew))
        np.testing.assert_allclose(found, truth, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(second.evaluate(there.V, there.mean, there.b0).G, there.G, atol=1e-9)
