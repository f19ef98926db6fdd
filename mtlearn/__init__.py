"""Regularised multi-task learning as scikit-learn estimators."""

from mtlearn.baselines import IndependentTasks, PooledTasks
from mtlearn.compare import compare_tasks
from mtlearn.estimators.group_lasso import GroupLassoRegressor, GroupLassoRegressorCV
from mtlearn.estimators.mean_regularized import MeanRegularizedRegressor, MeanRegularizedRegressorCV
from mtlearn.table import make_table_pipeline

__version__ = "0.1.0"

__all__ = [
    "GroupLassoRegressor",
    "GroupLassoRegressorCV",
    "IndependentTasks",
    "MeanRegularizedRegressor",
    "MeanRegularizedRegressorCV",
    "PooledTasks",
    "compare_tasks",
    "make_table_pipeline",
]
