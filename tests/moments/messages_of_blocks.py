"""What moments in blocks, and machines too small for moments, refuse: rows of test_messages.py."""

import tempfile
from pathlib import Path
from unittest import mock

import numpy as np

from mtlearn import (
    MeanRegularizedRegressor,
    RandomSlopesRegressor,
    TaskMoments,
    collect_moments,
    fit_moments,
)

from .messages import TASK, X, moments, rng, y

MEAN, Slopes = MeanRegularizedRegressor, RandomSlopesRegressor
FREE = MEAN(0.3, feature_weight=[0, 1, 1])
FULL = Slopes(covariance="full", store_covariance=False)
WIDE = rng.normal(size=(6, 6)), rng.normal(size=6), np.arange(6)


def in_blocks(asked):
    """Something asked of a folder that is to be."""

    def call():
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "something").touch()
            asked(Path(folder) / "blocks")

    return call


def on_a_small_machine(what, found, asked, before=lambda folder: folder):
    """The same where the machine says that it has little."""

    def call(folder):
        given = before(folder)
        with mock.patch(what, return_value=found):
            asked(given)

    return in_blocks(call)


def DISK(free):
    return mock.Mock(free=free)


MESSAGES = {
    "blocks among the rows": (
        in_blocks(lambda folder: collect_moments(str(folder.parent), folder=folder)),
        ["blocks' is inside", "whose files are rows"],
        ["a folder beside it"],
    ),
    "a folder with files": (
        in_blocks(lambda folder: moments(folder=folder.parent)),
        ["is not empty"],
        ["TaskMoments.load"],
    ),
    "folds": (
        in_blocks(lambda folder: moments(folder=folder, n_folds=5)),
        ["n_folds=5", "5 times"],
        ['alpha="auto"'],
    ),
    "no labels": (
        in_blocks(lambda folder: moments(X, y, folder=folder)),
        ["no task labels"],
        ["task_column"],
    ),
    "no target": (
        in_blocks(lambda folder: moments(X, np.full(24, np.nan), TASK, folder=folder)),
        ["no chunk", "observed"],
        ["iterator"],
    ),
    "added": (
        in_blocks(lambda folder: moments(folder=folder) + moments()),
        ["cannot be added"],
        ["Collect the rows of both together"],
    ),
    "subtracted": (
        in_blocks(lambda folder: moments() - moments(folder=folder)),
        ["cannot be subtracted"],
        ["rows that are to stay, or collect without folder"],
    ),
    "some tasks": (
        in_blocks(lambda folder: moments(folder=folder).subset(["a"])),
        ["cannot be cut"],
        ["rows of these tasks, or collect without folder"],
    ),
    "saved again": (
        in_blocks(lambda folder: moments(folder=folder).save(folder / "m.npz")),
        ["cannot be saved again"],
        ["Copy the folder"],
    ),
    "a foreign folder": (
        in_blocks(lambda folder: TaskMoments.load(folder.parent)),
        ["no folder of moments"],
        ["folder=..."],
    ),
    "free features": (
        in_blocks(lambda folder: fit_moments(FREE, moments(folder=folder))),
        ["feature_weight has 0"],
        ["1e-3"],
    ),
    "covariances": (
        in_blocks(lambda folder: fit_moments(Slopes(), moments(folder=folder))),
        ["covariances of 2 tasks", "GB"],
        ["store_covariance=False"],
    ),
    "full covariance": (
        in_blocks(lambda folder: fit_moments(FULL, moments(folder=folder))),
        ['covariance="full"', "GB"],
        ['covariance="diagonal"'],
    ),
    "an array of them": (
        in_blocks(lambda folder: np.asarray(moments(folder=folder)._folds[0].xx)),
        ["2 tasks in blocks"],
        ["not to be one array"],
    ),
    "beyond memory": (
        on_a_small_machine("mtlearn.moments.limits.memory", 100.0, lambda folder: moments()),
        ["2 tasks of 3 features", "GB of memory"],
        ["folder=..."],
    ),
    "folds beyond memory": (
        on_a_small_machine(
            "mtlearn.moments.limits.memory", 300.0, lambda folder: moments(n_folds=2)
        ),
        ["2 folds"],
        ["n_folds=None"],
    ),
    "rows beyond the disk": (
        on_a_small_machine("shutil.disk_usage", DISK(10), lambda f: moments(folder=f)),
        ["rows so far", "GB left"],
        ["larger disk"],
    ),
    "beyond the disk": (
        on_a_small_machine("shutil.disk_usage", DISK(60 * 8), lambda f: moments(*WIDE, folder=f)),
        ["6 rows, 6 tasks of 6 features", "GB for them"],
        ["larger disk"],
    ),
    "eigenvectors beyond the disk": (
        on_a_small_machine(
            "mtlearn.problems.spilled.shutil.disk_usage",
            DISK(1),
            lambda f: fit_moments(MEAN("auto"), f),
            before=lambda f: moments(folder=f),
        ),
        ["eigenvectors of all tasks", "GB left"],
        ["alpha a number"],
    ),
}
