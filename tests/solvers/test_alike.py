"""The model that all tasks share: some of the rows say where to start, all of them what it is."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.linear_model import LogisticRegression

from mtlearn.inputs.tasks import TaskData
from mtlearn.losses import HalfSquaredError, Logistic, LossByTask
from mtlearn.problems.coupling import Coupling, gather
from mtlearn.problems.forms import make_problem
from mtlearn.problems.general import SAMPLE, SAMPLED
from mtlearn.solvers.alike import all_alike, without_deviations

D, T = 3, 7
ENOUGH = SAMPLED * SAMPLE * D


def problem_of(n, coupling, n_classes=1, make=np.asarray, loss=None, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, D)) + 5.0
    codes = rng.permutation(np.arange(n) % T)
    scores = (X - 5.0) @ rng.standard_normal((D, n_classes)) + 0.3 * codes[:, None]
    y = (scores + rng.logistic(size=scores.shape) > 0).astype(float)
    data = TaskData(make(X), y, None, codes, np.arange(T), "labels")
    return make_problem(data, np.ones(T), coupling, loss=Logistic() if loss is None else loss), data


@pytest.mark.parametrize("n_classes", [1, 3])
@pytest.mark.parametrize("level", [0.0, 0.5, np.inf])
def test_from_a_sample_to_the_optimum_of_all_rows(level, n_classes):
    problem, _ = problem_of(2 * ENOUGH, Coupling(level, True, 0.1), n_classes)
    point = without_deviations(problem)
    assert not point.V.any()
    slope = gather(point.G, n_classes) - 0.1 * T * point.mean
    assert np.abs(slope).max() < 1e-10 * np.abs(gather(np.abs(point.G), n_classes)).max() + 1e-10
    pull = 0.0 if level in (0.0, np.inf) else level * (point.b - np.tile(point.b0, T))
    sums = problem.residual_sums(point) - pull
    left = gather(sums, n_classes) if level == np.inf else sums
    np.testing.assert_allclose(left, 0.0, atol=1e-9)


def test_the_pooled_model_is_that_of_scikit_learn():
    problem, data = problem_of(2 * ENOUGH, Coupling(np.inf, True, 0.1))
    point = without_deviations(problem)
    theirs = LogisticRegression(C=1 / (0.1 * len(data.y)), tol=1e-10, max_iter=1000)
    theirs.fit(data.X, data.y[:, 0])
    np.testing.assert_allclose(point.mean[:, 0], theirs.coef_[0], atol=1e-6)


@pytest.mark.parametrize("alpha_mean", [None, 0.1])
def test_a_start_has_equal_coefficients_close_to_those_of_all_rows(alpha_mean):
    problem, _ = problem_of(20 * ENOUGH, Coupling(0.0, True, alpha_mean))
    start = all_alike(problem)
    assert np.ptp(start.W, axis=1).max() == 0.0
    best = without_deviations(problem.recoupled(Coupling(0.0, True, alpha_mean or 1e-3)))
    assert np.abs(start.W[:, 0] - best.mean[:, 0]).max() < 0.15
    assert problem.value(start) < 0.9 * problem.null_value


@pytest.mark.parametrize(
    ("n", "make"),
    [(ENOUGH - 1, np.asarray), (2 * ENOUGH, sparse.csr_matrix)],
    ids=["few", "sparse"],
)
def test_nothing_is_guessed_from_few_rows_or_sparse_ones(n, make):
    problem, _ = problem_of(n, Coupling(0.0, True, None), make=make)
    assert problem.sample() is None
    assert not all_alike(problem).W.any()


def test_a_sample_that_misleads_is_not_used():
    """Every eighth row in the order of tasks says the opposite of all others."""
    problem, data = problem_of(2 * ENOUGH, Coupling(0.0, True, None))
    y = (data.X[:, 0] > 5.0).astype(float)[:, None]
    order = np.argsort(data.codes, kind="stable")[::SAMPLED]
    y[order] = 1.0 - y[order]
    data = TaskData(data.X, y, None, data.codes, data.tasks, "labels")
    problem = make_problem(data, np.ones(T), Coupling(0.0, True, None), loss=Logistic())
    assert not all_alike(problem).W.any()


def test_a_sample_has_the_loss_of_its_rows():
    which = (np.arange(2 * ENOUGH) % SAMPLED == 0).astype(int)[:, None]
    loss = LossByTask([Logistic(), HalfSquaredError()], which)
    problem, _ = problem_of(2 * ENOUGH, Coupling(0.0, True, None), loss=loss)
    sample = problem.sample()
    f, y = np.full((len(sample.Y), 1), 2.0), sample.Y
    np.testing.assert_allclose(sample.loss.value(f, y), (y - 2.0) ** 2 / 2)
