"""scikit-learn's own checks on every estimator, with and without a column of labels; none excused.

As a task column, a feature of the checks makes nearly every row a task of its own.
"""

import pytest
from sklearn.base import BaseEstimator, clone
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.utils.estimator_checks import parametrize_with_checks

import mtlearn
from mtlearn import IndependentTasks, PooledTasks

pytestmark = pytest.mark.filterwarnings("ignore::mtlearn.exceptions.UnseenTaskWarning")

QUICK = {"alphas": 3, "cv": 2}  # the checks fit often; nothing they check needs a long path

BASELINES = [
    Baseline(estimator)
    for Baseline in (IndependentTasks, PooledTasks)
    for estimator in (Ridge(), LogisticRegression())
]
MODELS = [
    Model().set_params(**{name: QUICK[name] for name in QUICK if name in Model().get_params()})
    for Model in (getattr(mtlearn, name) for name in mtlearn.__all__)
    if isinstance(Model, type)
    and issubclass(Model, BaseEstimator)
    and Model not in (IndependentTasks, PooledTasks)
]


@parametrize_with_checks(
    [clone(model).set_params(task_column=c) for model in BASELINES + MODELS for c in (None, 0, -1)]
)
def test_checks(estimator, check):
    check(estimator)
