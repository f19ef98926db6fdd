"""Scores that know about tasks: holes never count, each task is scored on its own labels."""

from mtlearn.metrics.classification import (
    average_precision,
    log_loss,
    nan_accuracy_score,
    roc_auc,
)
from mtlearn.metrics.counts import nan_d2_poisson_score, nan_mean_poisson_deviance
from mtlearn.metrics.quantiles import (
    nan_d2_pinball_score,
    nan_mean_absolute_error,
    nan_mean_pinball_loss,
)
from mtlearn.metrics.regression import (
    explained_variance,
    nan_mean_squared_error,
    nan_r2_score,
    nmse,
)
from mtlearn.metrics.scorer import (
    make_task_scorer,
    nan_accuracy_scorer,
    nan_d2_poisson_scorer,
    nan_r2_scorer,
    neg_nan_mean_absolute_error_scorer,
    neg_nan_mean_pinball_loss_scorer,
    neg_nan_mean_poisson_deviance_scorer,
    neg_nan_mean_squared_error_scorer,
    neg_nmse_scorer,
    neg_task_log_loss_scorer,
    task_average_precision_scorer,
    task_roc_auc_scorer,
)
from mtlearn.metrics.table import task_scores

__all__ = [
    "average_precision",
    "explained_variance",
    "log_loss",
    "make_task_scorer",
    "nan_accuracy_score",
    "nan_accuracy_scorer",
    "nan_d2_pinball_score",
    "nan_d2_poisson_score",
    "nan_d2_poisson_scorer",
    "nan_mean_absolute_error",
    "nan_mean_pinball_loss",
    "nan_mean_poisson_deviance",
    "nan_mean_squared_error",
    "nan_r2_score",
    "nan_r2_scorer",
    "neg_nan_mean_absolute_error_scorer",
    "neg_nan_mean_pinball_loss_scorer",
    "neg_nan_mean_poisson_deviance_scorer",
    "neg_nan_mean_squared_error_scorer",
    "neg_nmse_scorer",
    "neg_task_log_loss_scorer",
    "nmse",
    "roc_auc",
    "task_average_precision_scorer",
    "task_roc_auc_scorer",
    "task_scores",
]
