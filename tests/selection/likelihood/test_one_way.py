"""Strengths of levels from the pooled model against one-way analysis of variance."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from mtlearn import MeanRegularizedRegressor
from mtlearn.inputs.tasks import TaskData
from mtlearn.problems.coupling import Coupling
from mtlearn.problems.design import DesignProblem
from mtlearn.problems.forms import make_problem
from mtlearn.selection.likelihood.one_way import one_way_alpha_intercept

from ...checks import STRICT
from ...generators import make
from ...problems.test_moments import data_of
from ...problems.test_problems import OMEGA
from ...solvers.cases import both_forms

pytestmark = STRICT


@both_forms
@pytest.mark.parametrize("effect", [0.0, 0.3, 3.0])
@pytest.mark.parametrize("seed", range(3))
def test_it_is_the_f_statistic_of_a_one_way_anova(form, effect, seed):
    # With a feature that is zero the residuals are y; sigma²/tau² = n_0 / (F - 1).
    rng = np.random.default_rng(seed)
    sizes = np.array([4, 9, 5, 12, 2, 7])
    codes = np.repeat(np.arange(6), sizes)
    y = effect * rng.normal(size=6)[codes] + rng.normal(size=len(codes))
    data = TaskData(np.zeros((len(y), 1)), y, None, codes, np.arange(6), "labels")
    form = {"moments": make_problem, "design": DesignProblem.of_tasks}[form]
    F = stats.f_oneway(*(y[codes == t] for t in range(6))).statistic
    N = sizes.sum()
    n_0 = (N - np.sum(sizes**2) / N) / 5
    expected = 6 / N * n_0 / (F - 1) if F > 1 else np.inf
    for omega in (np.ones(6), rng.uniform(0.5, 2.0, size=6)):
        found = one_way_alpha_intercept(form(data, omega, Coupling()), 0.1)
        assert found == pytest.approx(expected, rel=1e-9)  # task weights are no repetitions


def test_one_row_per_task_or_one_task_says_nothing_about_intercepts():
    data = data_of(make(16, "beside"))
    first = np.array([np.flatnonzero(data.codes == t)[0] for t in range(4)])
    assert (
        one_way_alpha_intercept(DesignProblem.of_tasks(data.take(first), OMEGA, Coupling()), 0.1)
        == np.inf
    )
    one = replace(data, codes=0 * data.codes, tasks=np.arange(1))
    assert (
        one_way_alpha_intercept(DesignProblem.of_tasks(one, np.ones(1), Coupling()), 0.1) == np.inf
    )


def test_whole_weights_of_counts_are_exposures_and_repeat_rows_where_the_strength_is_given():
    rng = np.random.default_rng(1)
    task, X = np.repeat(np.arange(6), 10), rng.normal(size=(60, 3))
    y = rng.poisson(np.exp(0.2 * X[:, 0] + 0.5 * rng.normal(size=6)[task]))
    twice = np.where(np.arange(60) % 3 == 0, 2, 1)
    again = np.repeat(np.arange(60), twice)
    model = MeanRegularizedRegressor(0.1, loss="poisson", alpha_intercept=1.0, tol=1e-10)
    one = model.fit(X, y, sample_weight=twice, task=task).coef_
    np.testing.assert_allclose(
        model.fit(X[again], y[again], task=task[again]).coef_, one, rtol=1e-7
    )
    model.set_params(alpha_intercept="auto")
    whole = model.fit(X, y, sample_weight=twice, task=task).alpha_intercept_
    others = model.fit(X, y, sample_weight=0.7 * twice, task=task).alpha_intercept_
    assert 0 < whole < np.inf
    np.testing.assert_allclose(others, whole, rtol=1e-9)
