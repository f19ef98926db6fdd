"""The best shared mean through rows: with one pass back as with two."""

import numpy as np
import pytest
from scipy import sparse

from mtlearn.inputs.tasks import TaskData
from mtlearn.problems.coupling import Coupling
from mtlearn.problems.design import DesignProblem
from mtlearn.problems.forms import only_observed
from mtlearn.problems.rows import Rows
from mtlearn.problems.shared_mean import SharedMean
from mtlearn.problems.through_rows import ThroughRows

N, D, T = 80, 6, 5
COUPLINGS = [
    Coupling(0.0, True, 0.01),
    Coupling(0.3, True, 0.01),
    Coupling(np.inf, True, 0.0),
    Coupling(0.0, False, 0.01),
]


def drawn(source):
    rng = np.random.default_rng(3)
    X = 2.0 + rng.standard_normal((N, D))
    if source == "labelled":
        task, weight = rng.integers(0, T, N), rng.uniform(0.5, 2.0, N)
        return TaskData(X, X[:, 0] + rng.standard_normal(N), weight, task, np.arange(T), "labels")
    Y = X[:, :T] + rng.standard_normal((N, T))
    if source == "complete":
        return TaskData(X, Y, rng.uniform(0.5, 2.0, N), None, np.arange(T), "columns")
    weight = np.where(rng.random(Y.shape) < 0.8, 0.0, rng.uniform(0.5, 2.0, Y.shape))
    Y = np.where(weight > 0, Y, np.nan)
    X = sparse.csr_matrix(X * (rng.random(X.shape) < 0.6)) if source == "sparse holes" else X
    return TaskData(X, Y, weight, None, np.arange(T), "columns")


@pytest.mark.parametrize("coupling", COUPLINGS)
@pytest.mark.parametrize("source", ["labelled", "complete", "holes", "sparse holes"])
def test_one_pass_back_gives_the_same_mean_and_gradient(source, coupling, monkeypatch):
    data, origin = only_observed(drawn(source))
    assert (origin is not None) == (source == "sparse holes")
    rows, omega = Rows(data, origin), np.linspace(0.5, 1.5, T)
    problem = DesignProblem.of_tasks(data, omega, Coupling(), rows=rows).recoupled(coupling)
    V = np.random.default_rng(4).standard_normal((D, T))
    once = [problem.settle(V), problem.settle(0.0 * V)]
    bends = problem.curvature_times(V)
    monkeypatch.setattr(ThroughRows, "_with_mean", SharedMean._with_mean)
    twice = [problem.settle(V), problem.settle(0.0 * V)]
    for one, other in zip(once, twice, strict=True):
        np.testing.assert_allclose(one.mean, other.mean, atol=1e-10)
        np.testing.assert_allclose(one.G, other.G, atol=1e-10)
    np.testing.assert_allclose(bends, problem.curvature_times(V), atol=1e-10)
