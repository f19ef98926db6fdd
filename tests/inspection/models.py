"""Every family of models in every kind, on small drawn tables, in every way in."""

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import mtlearn

FAMILIES = ("MeanRegularized", "GroupLasso", "TraceNorm", "Dirty")
KINDS = ("Regressor", "RegressorCV", "Classifier", "ClassifierCV")
NAMES = [family + kind for family in FAMILIES for kind in KINDS]
NAMES += ["RandomSlopesRegressor", "RandomSlopesClassifier"]
TARGETS = {"Regressor": ("numbers",), "Classifier": ("two", "three")}
WAYS = ("beside", "column", "targets")
AROUND = ("alone", "table", "scaler")
T, N, FEATURES = 5, 24, ("age", "dose", "weight")


@dataclass(frozen=True)
class Case:
    """A fitted model and what it was fitted on."""

    model: Any
    X: Any
    y: Any
    task: Any  # labels beside X, or None
    raw: np.ndarray  # (n, d) features in the order of the frame, as numbers
    codes: np.ndarray | None  # the task of each row


def own(name, **more):
    """The estimator, quickly fitted."""
    if name.endswith("CV"):
        more |= {"alphas": [0.05, 0.02], "cv": 2, "alpha_intercept": 0.1}
    elif not name.startswith("RandomSlopes"):
        more |= {"alpha": 0.02}
    elif name.endswith("Classifier"):
        more |= {"average_proba": False}  # scores are then those of the coefficients
    return getattr(mtlearn, name)(**more)


@cache
def drawn(way, target):
    """Features far from 0 and of different scale, tasks that differ a little."""
    rng = np.random.default_rng(3)
    unit, origin = np.array([10.0, 0.1, 1.0]), np.array([50.0, 1.0, -3.0])
    Z = rng.standard_normal((T * N if way != "targets" else 2 * N, 3))
    W = np.array([1.0, -1.0, 0.5]) + 0.5 * rng.standard_normal((T, 3))
    if way == "targets":
        f, codes = Z @ W.T + rng.standard_normal(T), None
    else:
        codes = np.repeat(np.arange(T), N)
        f = np.sum(Z * W[codes], axis=1) + codes / T
    f = f + 0.5 * rng.standard_normal(f.shape)
    if target == "two":
        y = np.where(f > np.mean(f), "yes", "no").astype(object)
    elif target == "three":
        y = np.array(["high", "low", "mid"], dtype=object)[
            np.digitize(f, np.quantile(f, [0.3, 0.7]))
        ]
    else:
        y = f
    return Z * unit + origin, y, codes


def case(name, way, target, around="alone", library="pandas"):
    """A model of this name, fitted."""
    raw, y, codes = drawn(way, target)
    columns = dict(zip(FEATURES, raw.T, strict=True))
    task = None if codes is None else np.array(["ash", "elm", "fir", "oak", "yew"])[codes]
    if way == "column":
        columns["wood"] = task.tolist()
    frame = {"pandas": pd, "polars": pl}.get(library, pd).DataFrame(columns)
    X = raw if library == "array" else frame
    model = own(name, **({"task_column": "wood"} if way == "column" else {}))
    beside = {"task": task} if way == "beside" else {}
    if around == "table":
        model = mtlearn.make_table_pipeline(model)
        beside = {f"model__{key}": value for key, value in beside.items()}
    elif around == "scaler":
        model = make_pipeline(StandardScaler(), model)
        beside = {f"{model.steps[-1][0]}__{key}": value for key, value in beside.items()}
    model.fit(X, y, **beside)
    return Case(model, X, y, task if way == "beside" else None, raw, codes)


def whole_table():
    """Every name in every way that suits its kind, around and libraries taking turns."""
    turns = [(a, lib) for a in AROUND for lib in ("pandas", "polars", "array")]
    found, k = [], 0
    for name in NAMES:
        for target in TARGETS["Classifier" if "Classifier" in name else "Regressor"]:
            for way in WAYS:
                if way == "targets" and target == "three":
                    continue
                around, library = turns[k % len(turns)]
                k += 1
                if way == "column":
                    around = "table" if around == "scaler" else around
                    library = "pandas" if library == "array" else library
                found.append((name, way, target, around, library))
    return found
