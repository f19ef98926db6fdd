"""What passes refuse and warn of, as rows of tests/contract/test_messages.py."""

import numpy as np
import pandas as pd

from mtlearn import (
    MeanRegularizedClassifier,
    MeanRegularizedClassifierCV,
    MeanRegularizedRegressor,
    SharedSubspaceClassifier,
)
from mtlearn.passes import HeldChunks, fit_passes

rng = np.random.default_rng(0)
X, TASK = rng.normal(size=(24, 3)), np.repeat(["a", "b"], 12)
y = np.where(rng.random(24) < 0.5, "no", "yes")
Y = np.column_stack([rng.random(24) < 0.5, rng.random(24) < 0.5]).astype(float)
FRAME, MODEL = pd.DataFrame(X, columns=list("uvw")), MeanRegularizedClassifier()
HOLE = np.where(np.arange(2) == 1, np.nan, Y)
NONE = np.full(24, None)


def passes(*chunks, model=MODEL):
    return lambda: fit_passes(model, HeldChunks(list(chunks)))


MESSAGES = {
    "search": (
        passes((X, y, TASK), model=MeanRegularizedClassifierCV()),
        ["MeanRegularizedClassifierCV", "searches alpha"],
        ["on a sample of the rows"],
    ),
    "regressor": (
        passes((X, y, TASK), model=MeanRegularizedRegressor()),
        ["MeanRegularizedRegressor", "is no linear classifier"],
        ["MeanRegularizedClassifier"],
    ),
    "not convex": (
        passes((X, y, TASK), model=SharedSubspaceClassifier()),
        ["SharedSubspaceClassifier"],
        ["TraceNormClassifier", "model.fit"],
    ),
    "used up": (lambda: HeldChunks(iter([(X, y)])), ["list_iterator", "one pass"], ["a function"]),
    "fewer chunks": (
        lambda: fit_passes(MODEL, HeldChunks(iter([(X, y, TASK)]).__iter__)),
        ["0 chunks", "the first 1"],
        ["all chunks at every call"],
    ),
    "no map": (lambda: fit_passes(MODEL, [(X, y)]), ["list", "map"], ["HeldChunks"]),
    "bad chunk": (
        passes((X, y, TASK), (X * [1, np.inf, 1], y, TASK)),
        ["chunk 1", "[1]"],
        ["Drop such rows"],
    ),
    "no labels": (passes((X, NONE, TASK)), ["no chunk", "observed"], ["Give some rows a label"]),
    "other columns": (
        passes((FRAME, y, TASK), (FRAME.rename(columns={"u": "U"}), y, TASK)),
        ["chunk 1", "without u", "chunk 0"],
        ["the same columns"],
    ),
    "other width": (
        passes((X, y, TASK), (X[:, :2], y, TASK)),
        ["chunk 1", "2 columns"],
        ["the same columns"],
    ),
    "other labels": (
        passes((X, y, TASK), (X, y, np.arange(24))),
        ["chunk 1", "another kind"],
        ["of one kind"],
    ),
    "other targets": (
        passes((X, Y), (X, Y[:, [0, 1, 1]])),
        ["chunk 1", "columns of targets"],
        ["of one kind"],
    ),
    "no label of a task": (passes((X, HOLE)), ["column of y", "any chunk", "1"], ["Drop"]),
    "far": (passes((X * [1, 1, 1e40], y, TASK)), ["e+40"], ["power of ten"]),
    "one choice": (
        passes((X, np.arange(24) % 3, TASK), model=MeanRegularizedClassifier(loss="multinomial")),
        ['loss="multinomial" of 3 classes'],
        ['Set loss="logistic"', "model.fit"],
    ),
    "one choice in several columns": (
        passes((X, Y), model=MeanRegularizedClassifier(loss="multinomial")),
        ['loss="multinomial"', "y has 2 columns"],
        ['Set loss="logistic"'],
    ),
    "weights of classes": (
        passes((X, y, TASK), model=MeanRegularizedClassifier(class_weight="even")),
        ["'even'"],
        ["balanced"],
    ),
}
WRONG_TYPE = {"search", "regressor", "not convex", "used up", "no map"}
UNLABELLED = np.where(np.arange(24) == 5, None, y)
