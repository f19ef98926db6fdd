"""Regularised multi-task learning as scikit-learn estimators."""

from mtlearn.baselines import IndependentTasks, PooledTasks
from mtlearn.estimators.group_lasso import GroupLassoRegressor, GroupLassoRegressorCV
from mtlearn.estimators.mean_regularized import MeanRegularizedRegressor, MeanRegularizedRegressorCV

__version__ = "0.1.0"

__all__ = [
    "GroupLassoRegressor",
    "GroupLassoRegressorCV",
    "IndependentTasks",
    "MeanRegularizedRegressor",
    "MeanRegularizedRegressorCV",
    "PooledTasks",
]
