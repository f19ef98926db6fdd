"""Regularised multi-task learning as scikit-learn estimators."""

from mtlearn.baselines import IndependentTasks, PooledTasks
from mtlearn.compare import compare_tasks
from mtlearn.estimators.dirty import (
    DirtyClassifier,
    DirtyClassifierCV,
    DirtyRegressor,
    DirtyRegressorCV,
)
from mtlearn.estimators.group_lasso import (
    GroupLassoClassifier,
    GroupLassoClassifierCV,
    GroupLassoRegressor,
    GroupLassoRegressorCV,
)
from mtlearn.estimators.mean_regularized import (
    MeanRegularizedClassifier,
    MeanRegularizedClassifierCV,
    MeanRegularizedRegressor,
    MeanRegularizedRegressorCV,
)
from mtlearn.estimators.trace_norm import (
    TraceNormClassifier,
    TraceNormClassifierCV,
    TraceNormRegressor,
    TraceNormRegressorCV,
)
from mtlearn.table import make_table_pipeline

__version__ = "0.1.0"

__all__ = [
    "DirtyClassifier",
    "DirtyClassifierCV",
    "DirtyRegressor",
    "DirtyRegressorCV",
    "GroupLassoClassifier",
    "GroupLassoClassifierCV",
    "GroupLassoRegressor",
    "GroupLassoRegressorCV",
    "IndependentTasks",
    "MeanRegularizedClassifier",
    "MeanRegularizedClassifierCV",
    "MeanRegularizedRegressor",
    "MeanRegularizedRegressorCV",
    "PooledTasks",
    "TraceNormClassifier",
    "TraceNormClassifierCV",
    "TraceNormRegressor",
    "TraceNormRegressorCV",
    "compare_tasks",
    "make_table_pipeline",
]
