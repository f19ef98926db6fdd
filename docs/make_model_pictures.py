"""Draw what each family finds, for *Which model?*: a row per task, a column per feature.

    python docs/make_model_pictures.py

Each picture is the coefficients of a model of the library, fitted to drawn data of the kind that it
is for: twelve tasks, ten features. And one of the start page: the lines of 65 schools.
"""

from pathlib import Path

import matplotlib

matplotlib.use("agg")
import matplotlib.pyplot as plt
import numpy as np
from sklearn.linear_model import Ridge

from mtlearn import (
    ClusteredTasksRegressor,
    DirtyRegressorCV,
    GraphTasksRegressorCV,
    GroupLassoRegressorCV,
    IndependentTasks,
    MeanRegularizedRegressorCV,
    PooledTasks,
    RandomSlopesRegressor,
    RobustTasksRegressor,
    SharedSubspaceRegressor,
    TaskRelationshipsRegressorCV,
    TraceNormRegressorCV,
    make_table_pipeline,
)
from mtlearn.datasets import load_exam, make_multitask_regression
from mtlearn.plotting import SlopesDisplay

FOLDER = Path(__file__).parent / "_static" / "models"
T, ROWS, D = 12, 60, 10


def slopes_that_differ_in_two_features(seed):
    rng = np.random.default_rng(seed)
    W = np.array([0.9, -0.7, 0.8, 0.5, -0.6, 0.0, 0.4, -0.9, 0.6, -0.4]) + np.zeros((T, D))
    W[:, [1, 6]] += rng.normal(0, 0.8, (T, 2))
    task = np.repeat(np.arange(T), ROWS)
    X = rng.normal(size=(len(task), D))
    return X, np.sum(X * W[task], axis=1) + 0.5 * rng.normal(size=len(task)), task


def answers(W, seed, noise=0.5):
    rng = np.random.default_rng(seed)
    task = np.repeat(np.arange(T), ROWS)
    X = rng.normal(size=(len(task), D))
    return X, np.sum(X * W[task], axis=1) + noise * rng.normal(size=len(task)), task


def two_outliers(seed):
    rng = np.random.default_rng(seed)
    W = np.tile(rng.normal(size=D), (T, 1))
    W[[3, 8]] = 1.2 * rng.normal(size=(2, D))
    return answers(W, seed)


def neighbours(seed):
    rng = np.random.default_rng(seed)
    W = np.cumsum(0.5 * rng.normal(size=(T, D)), axis=0)
    return answers(W - W.mean(axis=0), seed)


def opposed(seed):
    rng = np.random.default_rng(seed)
    signs = np.array([1, 1, -1, 1, -1, -1, 1, -1, 1, 1, -1, -1])
    return answers(signs[:, None] * rng.normal(size=D) + 0.2 * rng.normal(size=(T, D)), seed)


def of_three_kinds(seed):
    rng = np.random.default_rng(seed)
    centers = rng.normal(size=(3, D))
    kind = np.array([0, 0, 1, 2, 1, 0, 2, 2, 1, 0, 1, 2])
    return answers(centers[kind] + 0.2 * rng.normal(size=(T, D)), seed)


def drawn(structure, **options):
    found = make_multitask_regression(T, ROWS, D, structure=structure, random_state=3, **options)
    return found.data, found.target, found.task


def coefficients():
    """{name of the file: matrix of shape (tasks, features)}."""
    near = drawn("mean", deviation=0.3, snr=10)
    joint = drawn("group", n_informative=3, snr=10)
    mixtures = drawn("low_rank", rank=2, snr=10)
    one_direction = drawn("low_rank", rank=1, snr=10)
    own = drawn("dirty", n_informative=3, n_specific=1, snr=20)
    alone = drawn("none", snr=10)
    differ = slopes_that_differ_in_two_features(0)
    models = {
        "mean_regularized": (MeanRegularizedRegressorCV(), near),
        "random_slopes": (RandomSlopesRegressor(), differ),
        "group_lasso": (GroupLassoRegressorCV(), joint),
        "dirty": (DirtyRegressorCV(), own),
        "trace_norm": (TraceNormRegressorCV(), mixtures),
        "robust_tasks": (RobustTasksRegressor(0.5), two_outliers(0)),
        "graph_tasks": (GraphTasksRegressorCV(alphas=20), neighbours(1)),
        "task_relationships": (TaskRelationshipsRegressorCV(alphas=20), opposed(0)),
        "clustered_tasks": (ClusteredTasksRegressor(0.3, n_clusters=3), of_three_kinds(1)),
        "shared_subspace": (SharedSubspaceRegressor(0.01, rank=1), one_direction),
        "independent": (IndependentTasks(Ridge()), alone),
        "pooled": (PooledTasks(Ridge(), task_dummies=False), near),
    }
    found = {}
    for name, (model, (X, y, task)) in models.items():
        model.fit(X, y, task=task)
        if name == "pooled":  # one model: its answers to a step of each feature
            steps, none = np.eye(D), np.zeros((D, D))
            one = model.predict(steps, task=[0] * D) - model.predict(none, task=[0] * D)
            found[name] = np.tile(one, (T, 1))
        else:
            found[name] = model.coef_
    return found


def draw(W, path):
    figure, axis = plt.subplots(figsize=(3.0, 2.5), layout="constrained")
    most = np.abs(W).max()
    axis.imshow(W, cmap="RdBu_r", vmin=-most, vmax=most, aspect="auto")
    axis.set(xticks=[], yticks=[], xlabel="features", ylabel="tasks")
    axis.set_xticks(np.arange(0.5, D - 1), minor=True)
    axis.set_yticks(np.arange(0.5, T - 1), minor=True)
    axis.grid(which="minor", color="white", linewidth=0.8)
    axis.tick_params(which="both", length=0)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def main():
    FOLDER.mkdir(exist_ok=True)
    for name, W in coefficients().items():
        draw(W, FOLDER / f"{name}.png")
    exam = load_exam()
    X = exam.frame[["standLRT", "sex", "schavg", "school"]]
    X = X.rename(columns={"standLRT": "intake test"})
    model = make_table_pipeline(RandomSlopesRegressor(task_column="school")).fit(X, exam.target)
    display = SlopesDisplay.from_estimator(model, feature="intake test")
    display.figure_.set_size_inches(5.4, 4.4)
    display.ax_.set_ylabel("exam score")
    display.figure_.savefig(FOLDER.parent / "lines_of_schools.png", dpi=110)


if __name__ == "__main__":
    main()
