"""A search may choose an own number of its family beside alpha, the fewest of equals."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from sklearn.model_selection import KFold

from mtlearn import TaskRelationshipsRegressorCV, collect_moments, fit_moments
from mtlearn.inputs.checks import check_counts
from mtlearn.plotting.path_frames import scores_of
from mtlearn.selection.folds import best_alpha, simplest_path

from ..generators import make

ALPHAS = [1.0, 0.2, 0.05, 0.01]


@dataclass(eq=False, repr=False)
class Percent(TaskRelationshipsRegressorCV):
    """A family with a number of its own: the ridge in percent of the penalty."""

    percent: Any = (10, 50, 90)

    _searched = "percent"

    def _check_own_params(self):
        check_counts("percent", self.percent)

    def _distinct(self, data, values):
        return [value for value in values if value <= 100]

    def _penalty(self, problem):
        self.ridge_ratio = self.percent / 100
        return super()._penalty(problem)


def folds_of(problem):
    return list(KFold(3, shuffle=True, random_state=0).split(np.arange(len(problem.y))))


def fitted(problem, **own):
    init = problem.init | {"alphas": ALPHAS, "cv": folds_of(problem), "alpha_intercept": 0.1}
    return Percent(**init | own).fit(problem.X, problem.y, **problem.extra)


@pytest.mark.filterwarnings("ignore:the best alpha")
@pytest.mark.parametrize("n_jobs", [None, 2])
def test_each_number_has_its_own_path_and_the_best_pair_is_chosen(n_jobs):
    problem = make(47, "beside", rows=(9, 24))
    search = fitted(problem, percent=[90, 10, 50, 10, 200], n_jobs=n_jobs)
    singles = [fitted(problem, percent=percent) for percent in (10, 50, 90)]
    np.testing.assert_array_equal(search.percent_tried_, [10, 50, 90])
    expected = [single.mse_path_ for single in singles]
    np.testing.assert_allclose(search.mse_path_, expected, rtol=1e-6)
    k, a = np.unravel_index(search.mse_path_.mean(axis=2).argmin(), (3, 4))
    assert (search.percent_, search.alpha_) == ([10, 50, 90][k], ALPHAS[a])
    np.testing.assert_allclose(search.coef_, singles[k].coef_, atol=1e-7)


@pytest.mark.filterwarnings("ignore:the best alpha")
def test_one_standard_error_goes_to_the_fewest_and_then_to_the_largest_alpha():
    problem = make(48, "beside", rows=(5, 9))
    search = fitted(problem, selection="1se")
    mean = search.mse_path_.mean(axis=2)
    k, a = np.unravel_index(mean.argmin(), mean.shape)
    most = mean[k, a] + search.mse_path_[k, a].std(ddof=1) / np.sqrt(3)
    fewest = np.flatnonzero((mean <= most).any(axis=1))[0]
    assert search.percent_ == [10, 50, 90][fewest]
    assert search.alpha_ == ALPHAS[np.flatnonzero(mean[fewest] <= most)[0]]
    frame, _ = scores_of(search)
    np.testing.assert_allclose(frame["score"], mean[fewest])


@pytest.mark.filterwarnings("ignore:the best alpha")
def test_moments_are_searched_as_rows_are():
    problem = make(49, "beside", rows=(9, 24))
    moments = collect_moments([(problem.X, problem.y, problem.extra["task"])], n_folds=3)
    search = fit_moments(Percent(ALPHAS, percent=[10, 90], alpha_intercept=0.1), moments)
    single = fit_moments(Percent(ALPHAS, percent=90, alpha_intercept=0.1), moments)
    np.testing.assert_allclose(search.mse_path_[1], single.mse_path_, rtol=1e-6)


def test_of_equal_scores_the_fewest():
    losses = [np.array([[2.0, 4.0], [1.0, 1.0]]), np.array([[1.0, 1.0], [3.0, 3.0]])]
    assert simplest_path(losses) == (0, 1.0)
    assert best_alpha(np.array([2.0, 1.0]), losses[0], "1se", 1.0) == 1.0


def test_a_path_without_scores_is_not_the_simplest():
    losses = [np.full((2, 2), np.nan), np.array([[1.0, 1.0], [3.0, 3.0]])]
    assert simplest_path(losses)[0] == 1


@pytest.mark.parametrize("wrong", [[], [0, 1], "many", 2.5, [1.5]])
def test_a_number_that_is_none_is_named(wrong):
    with pytest.raises(ValueError, match=r"percent=.*whole number >= 1"):
        check_counts("percent", wrong)
