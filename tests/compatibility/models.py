"""The fitted models of which pickles are kept: all families, both kinds, all ways tasks come in."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression, Ridge

import mtlearn as m

SHOPS = np.array(["Aix", "Bonn", "Cork"])
LABELS = np.arange(40) % 3  # of each row the position of its task
ASKED = slice(6)  # the rows to predict


@dataclass
class Kept:
    """A fitted model with rows to predict."""

    model: Any
    X: Any
    task: np.ndarray | None = None


def numbers(n_tasks=3):
    """Features, and what every task makes of them."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 4))
    W = rng.normal(size=(4, 1)) + 0.5 * rng.normal(size=(4, n_tasks))
    return X, X @ W + rng.normal(size=(40, n_tasks))


def beside(model, *, classes=None):
    """Rows labelled by shops, of which one is new when it comes to predicting."""
    X, Y = numbers()
    y = Y[np.arange(40), LABELS]
    if classes is not None:
        bounds = np.quantile(y, np.arange(1, len(classes)) / len(classes))
        y = np.array(classes)[np.digitize(y, bounds)]
    task = SHOPS[LABELS[ASKED]].astype(object)
    task[-1] = "new"
    return Kept(model.fit(X, y, task=SHOPS[LABELS]), X[ASKED], task)


def rates(model):
    """Rates of events, their exposures as weights."""
    X, Y = numbers()
    exposure = np.random.default_rng(2).uniform(0.5, 3.0, 40)
    events = np.floor(exposure * np.exp(0.5 * Y[np.arange(40), LABELS]))
    task = SHOPS[LABELS[ASKED]].astype(object)
    model.fit(X, events / exposure, sample_weight=exposure, task=SHOPS[LABELS])
    return Kept(model, X[ASKED], task)


def in_a_column(model):
    """The task of a row is a number in the last column of X."""
    X, Y = numbers()
    X = np.column_stack([X, LABELS])
    return Kept(model.fit(X, Y[np.arange(40), LABELS]), X[ASKED])


def in_columns_of_y(model, *, classes=None):
    """Several targets over one X, with holes."""
    X, Y = numbers()
    holes = np.random.default_rng(1).random(Y.shape) < 0.2
    if classes is not None:
        Y = np.where(Y > 0, *classes).astype(object)
    Y[holes] = np.nan if classes is None else None
    return Kept(model.fit(X, Y), X[ASKED])


def of_unlike_kinds(model):
    """A number, a label and a count over one X, with a hole."""
    X, Y = numbers()
    Y[:, 1], Y[:, 2] = Y[:, 1] > 0, np.floor(np.exp(Y[:, 2] / 2))
    Y[3] = np.nan
    return Kept(model.fit(X, Y), X[ASKED])


def table(model):
    """A table with a text, a hole and the column of tasks, and the pipeline for such tables."""
    X, Y = numbers()
    frame = pd.DataFrame(X[:, :2], columns=["size", "age"])
    frame.loc[::7, "age"] = np.nan
    frame["kind"] = np.array(["old", "new", "other", "new"])[np.arange(40) % 4]
    frame["shop"] = SHOPS[LABELS]
    return Kept(m.make_table_pipeline(model).fit(frame, Y[np.arange(40), LABELS]), frame[ASKED])


def models():
    """All of them, fitted, by the names of their files."""
    sure = {"unseen_task": "mean"}
    return {
        "mean_regularized_regressor": beside(m.MeanRegularizedRegressor(**sure)),
        "group_lasso_regressor": in_columns_of_y(m.GroupLassoRegressor(0.05)),
        "group_lasso_columns": table(
            m.GroupLassoRegressor(0.05, feature_groups="columns", task_column="shop")
        ),
        "dirty_regressor": in_a_column(m.DirtyRegressor(0.05, task_column=4)),
        "trace_norm_regressor": beside(m.TraceNormRegressor(0.05, shared_mean=True, **sure)),
        "robust_tasks_regressor": beside(m.RobustTasksRegressor(0.3, **sure)),
        "robust_tasks_classifier": beside(
            m.RobustTasksClassifier(0.05, **sure), classes=["no", "yes"]
        ),
        "robust_low_rank_regressor": beside(
            m.RobustTasksRegressor(0.1, structure="low_rank", **sure)
        ),
        "robust_group_classifier": beside(
            m.RobustTasksClassifier(0.02, structure="group", **sure), classes=["no", "yes"]
        ),
        "clustered_tasks_regressor": beside(m.ClusteredTasksRegressor(0.3, **sure)),
        "clustered_tasks_classifier": beside(
            m.ClusteredTasksClassifier(0.05, **sure), classes=["no", "yes"]
        ),
        "graph_tasks_regressor": beside(
            m.GraphTasksRegressor(0.3, graph=[("Aix", "Bonn"), ("Bonn", "new"), ("new", "Cork")])
        ),
        "graph_tasks_classifier": beside(m.GraphTasksClassifier(**sure), classes=["no", "yes"]),
        "task_relationships_regressor": beside(m.TaskRelationshipsRegressor(0.3, **sure)),
        "task_relationships_classifier": in_columns_of_y(
            m.TaskRelationshipsClassifier(0.01), classes=["yes", "no"]
        ),
        "shared_subspace_regressor": beside(m.SharedSubspaceRegressor(0.3, rank=1, **sure)),
        "shared_subspace_classifier": beside(
            m.SharedSubspaceClassifier(0.05, rank=1, **sure), classes=["no", "yes"]
        ),
        "mean_regularized_classifier": beside(
            m.MeanRegularizedClassifier(**sure), classes=["low", "mid", "top"]
        ),
        "multinomial_classifier": beside(
            m.GroupLassoClassifier(0.01, loss="multinomial", **sure), classes=["low", "mid", "top"]
        ),
        "group_lasso_classifier": beside(m.GroupLassoClassifier(0.01, **sure), classes=[0, 1]),
        "dirty_classifier": beside(m.DirtyClassifier(0.01, **sure), classes=["no", "yes"]),
        "trace_norm_classifier": in_columns_of_y(
            m.TraceNormClassifier(0.01), classes=["yes", "no"]
        ),
        "random_slopes_regressor": beside(m.RandomSlopesRegressor(**sure)),
        "random_slopes_targets": in_columns_of_y(m.RandomSlopesRegressor(covariance="full")),
        "random_slopes_classifier": beside(
            m.RandomSlopesClassifier(**sure), classes=["low", "mid", "top"]
        ),
        "random_slopes_counts": rates(m.RandomSlopesRegressor(loss="poisson", **sure)),
        "random_slopes_huber": beside(m.RandomSlopesRegressor(loss="huber", **sure)),
        "random_slopes_quantile": in_columns_of_y(
            m.RandomSlopesRegressor(loss="quantile", quantile=0.7)
        ),
        "random_slopes_table": table(m.RandomSlopesRegressor(task_column="shop")),
        "mean_regularized_regressor_cv": beside(
            m.MeanRegularizedRegressorCV(alphas=5, alpha_intercept="auto", **sure)
        ),
        "group_lasso_classifier_cv": beside(
            m.GroupLassoClassifierCV(alphas=3, **sure), classes=["low", "mid", "top"]
        ),
        "mixed_targets": of_unlike_kinds(
            m.MixedTargets(m.GroupLassoRegressor(0.05), loss=["squared", "logistic", "poisson"])
        ),
        "independent_tasks": beside(m.IndependentTasks(Ridge(), **sure)),
        "independent_classifiers": beside(
            m.IndependentTasks(LogisticRegression(), **sure), classes=["no", "yes"]
        ),
        "pooled_tasks": beside(m.PooledTasks(Ridge(), task_dummies=True, **sure)),
        "table_pipeline": table(m.MeanRegularizedRegressor(task_column="shop")),
    }
