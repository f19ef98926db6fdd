"""Steps before a model that moments can follow: scaling is a transformation of moments.

Rows never come back, so a step is one whose fit and transform are known from sums over the rows:
a scaler, and a table encoder that has made the columns already and is scaled anew.
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sklearn.preprocessing import StandardScaler

from mtlearn.inputs.frames import as_frame, text_names
from mtlearn.moments.task_moments import TaskMoments
from mtlearn.problems.moment_data import in_columns
from mtlearn.table import TableEncoder
from mtlearn.table.column_sums import ColumnSums

SETTINGS = ("task_column", "max_categories", "bad_cells")  # by which columns come about


@dataclass(frozen=True)
class Fitted:
    """What a step learned, to be taken over once the whole pipeline is fitted."""

    step: Any
    learned: dict[str, Any]

    def take_over(self) -> None:
        """Have the step fitted."""
        for name in [name for name in vars(self.step) if name.endswith("_") and name[0] != "_"]:
            delattr(self.step, name)
        vars(self.step).update(self.learned)


def through_steps(pipeline: Any, moments: TaskMoments) -> tuple[TaskMoments, list[Fitted]]:
    """Moments of what the steps before the model hand on, and what these learned.

    Raises
    ------
    TypeError
        If a step is another than a table encoder or a scaler.
    ValueError
        If moments were not collected for such a step.
    """
    fitted: list[Fitted] = []
    for name, step in pipeline.steps[:-1]:
        if step is None or step == "passthrough":
            continue
        if isinstance(step, TableEncoder) and not fitted:
            moments, one = _through_encoder(step, moments)
        elif isinstance(step, StandardScaler):
            moments, one = _through_scaler(step, moments, pipeline.steps[-1][1])
        else:
            raise TypeError(
                f"step {name!r} is a {type(step).__name__}, which moments do not tell how to fit. "
                "Put a TableEncoder (make_table_pipeline) or a StandardScaler before the model, or "
                "transform the chunks before you collect them."
            )
        fitted.append(one)
    return moments, fitted


def _through_encoder(step: TableEncoder, moments: TaskMoments) -> tuple[TaskMoments, Fitted]:
    encoder = moments.encoder
    if encoder is None:
        raise ValueError(
            "the pipeline begins with a TableEncoder, and the moments are of columns as they were. "
            "Collect them with encoder=TableEncoder(...).fit(a sample of the table)."
        )
    for name in SETTINGS:
        mine, theirs = getattr(step, name), getattr(encoder, name)
        if mine != theirs:
            raise ValueError(
                f"{name} is {mine!r} in the pipeline and {theirs!r} in the encoder that the "
                "moments were collected with. Give both the same."
            )
    learned = {name: value for name, value in vars(encoder).items() if name not in SETTINGS}
    learned.pop("expects_tasks")
    k, d = len(encoder.numbers_), moments.n_features
    if not k:
        return moments, Fitted(step, learned)
    before, sums = encoder.scaler_, moments._columns.total()
    known = sums.count > 0
    mean, scale = (np.where(known, part, 0.0) for part in (before.mean_, before.scale_))
    own = ColumnSums(sums.count, mean + scale * sums.mean, scale**2 * sums.scatter)
    after = learned["scaler_"] = copy(before)
    _set(after, own, before)
    origin, factor = np.zeros(d), np.ones(d)
    safe = np.where(known & (scale > 0), scale, 1.0)
    origin[:k] = np.where(known, (own.mean - mean) / safe, 0.0)
    factor[:k] = np.where(known, scale / np.where(known, after.scale_, 1.0), 1.0)
    return scaled(moments, origin, factor), Fitted(step, learned)


def _through_scaler(
    step: StandardScaler, moments: TaskMoments, model: Any
) -> tuple[TaskMoments, Fitted]:
    if moments._columns.count.shape[1] != moments.n_features:
        raise ValueError(
            "a StandardScaler behind a TableEncoder scales dummies, whose sums are not kept. The "
            "encoder scales numbers itself: leave the scaler out."
        )
    if getattr(model, "task_column", None) is not None:
        raise ValueError(
            f"a StandardScaler before task_column={model.task_column!r} scales the labels too. Use "
            "make_table_pipeline(model), or leave task_column out and give labels beside X."
        )
    after = copy(step)
    _set(after, moments._columns.total(), None)
    d = moments.n_features
    after.n_features_in_ = d
    if moments.feature_names_in_ is not None:
        after.feature_names_in_ = moments.feature_names_in_
    origin, factor = np.zeros(d), np.ones(d)
    if step.with_mean:
        origin = after.mean_
    if step.with_std:
        factor = 1.0 / after.scale_
    else:
        after.scale_ = after.var_ = None
    learned = {name: value for name, value in vars(after).items() if name not in vars(step)}
    learned |= {name: value for name, value in vars(after).items() if name.endswith("_")}
    names = _names_after(after, moments)
    return replace(scaled(moments, origin, factor), _names=names), Fitted(step, learned)


def _names_after(scaler: StandardScaler, moments: TaskMoments) -> tuple[str, ...] | None:
    """Names of the columns that a scaler hands on, where it hands on a frame."""
    nameless = copy(scaler)
    vars(nameless).pop("feature_names_in_", None)
    frame = as_frame(nameless.transform(np.zeros((1, moments.n_features))))
    if frame is None:
        return None
    return moments._names or tuple(text_names(frame))


def _set(scaler: StandardScaler, sums: ColumnSums, before: Any) -> None:
    """Have a scaler know these columns; those never known keep what they had."""
    known = sums.count > 0
    found = dict(zip(("mean_", "var_", "scale_"), sums.standard(), strict=True))
    for name, values in found.items():
        had = np.nan if before is None else getattr(before, name)
        setattr(scaler, name, np.where(known, values, had))
    same = (sums.count == sums.count[0]).all()
    scaler.n_samples_seen_ = sums.count[0] if same else sums.count.copy()


def scaled(moments: TaskMoments, origin: np.ndarray, factor: np.ndarray) -> TaskMoments:
    """Moments of (x - origin) factor; the pivot goes into the means, which are near zero then."""
    shift = origin - moments._pivot
    folds = tuple(in_columns(one, shift, factor) for one in moments._folds)
    for one in folds:
        one.x_mean[(one.count == 0)[: len(one.x_mean)]] = 0.0
    k = moments._columns.count.shape[1]
    sums = moments._columns.scaled(origin[:k], factor[:k])
    return replace(moments, _folds=folds, _pivot=np.zeros_like(origin), _columns=sums)
