"""Moments or rows: which form a problem is given."""

import numpy as np
import pytest

from mtlearn.inputs.tasks import TaskData
from mtlearn.problems.coupling import Coupling
from mtlearn.problems.design import DesignProblem
from mtlearn.problems.forms import make_problem, use_moments
from mtlearn.problems.moment import MomentProblem
from mtlearn.problems.moments import moments_bytes

from ..checks import STRICT
from ..generators import make
from ..problems.test_moments import data_of
from ..problems.test_problems import OMEGA

pytestmark = STRICT


def table(n, d, T, way="labels"):
    """Data of this shape that take no memory."""
    X = np.broadcast_to(np.zeros(1), (n, d))
    if way == "labels":
        codes = np.broadcast_to(np.zeros(1, int), (n,))
        return TaskData(X, np.broadcast_to(np.zeros(1), (n,)), None, codes, np.arange(T), way)
    Y = np.broadcast_to(np.zeros(1), (n, T))
    weight = np.ones((n, T)) if way == "holes" else None
    return TaskData(X, Y, weight, None, np.arange(T), "columns")


@pytest.mark.parametrize(
    "n, d, T, way, alive, expected",
    [
        (200, 10, 5, "labels", 1, True),
        (10_000, 300, 1000, "labels", 1, False),  # 720 MB against 512 MB
        (1_000_000, 300, 1000, "labels", 1, True),  # against twice the 2.4 GB of X
        (1_000_000, 300, 1000, "labels", 7, False),  # 5.04 GB for seven folds, against 4.8
        (1_000_000, 300, 1000, "labels", 6, True),  # 4.32 GB
        (10_000, 300, 1000, "columns", 1, True),  # one scatter for all
        (1000, 300, 1000, "holes", 1, False),  # one for each
        (10_000_000, 300, 700, "labels", 1, True),  # 504 MB
        (10_000_000, 10_000, 1, "labels", 1, True),  # 800 MB against twice 800 GB
        (900, 9000, 1, "labels", 1, False),  # 648 MB, though X is 65 MB
        (2000, 500, 200, "labels", 1, False),  # fits, but a product with the rows is cheaper
    ],
)
def test_moments_are_used_where_they_fit_and_pay(n, d, T, way, alive, expected):
    data = table(n, d, T, way)
    assert use_moments(data, alive) is expected
    if expected:
        assert moments_bytes(data) * alive < max(2 * data.X.nbytes, 512e6)


def test_the_problem_made_is_the_one_chosen(monkeypatch):
    data = data_of(make(14, "beside"))
    assert isinstance(make_problem(data, OMEGA, Coupling()), MomentProblem)
    monkeypatch.setattr("mtlearn.problems.forms.use_moments", lambda data: False)
    assert isinstance(make_problem(data, OMEGA, Coupling()), DesignProblem)
