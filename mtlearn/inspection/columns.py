"""What the steps of a pipeline did to single columns, so that it can be undone.

A column that comes out of a step is a column that went in, shifted and scaled, or it was made
there (a dummy, a component, a product) and its units are its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.feature_selection import SelectorMixin
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MaxAbsScaler,
    MinMaxScaler,
    RobustScaler,
    StandardScaler,
)

from mtlearn.table import TableEncoder

MADE = -1


@dataclass(frozen=True)
class ColumnMap:
    """Columns that come out, (p,) each: ``out = (x[source] - shift) / scale``.

    ``source`` is ``MADE`` for what no single column became; shift and scale of such are 0 and 1.
    """

    source: np.ndarray
    shift: np.ndarray
    scale: np.ndarray

    @classmethod
    def of(cls, source: Any, shift: Any = None, scale: Any = None) -> ColumnMap:
        """None, and the NaN of a column that was never known, shifts or scales nothing."""
        source = np.asarray(source, dtype=np.intp)
        shift = np.zeros(len(source)) if shift is None else np.nan_to_num(shift, nan=0.0)
        scale = np.ones(len(source)) if scale is None else np.nan_to_num(scale, nan=1.0)
        return cls(source, shift, scale)

    @classmethod
    def made(cls, n_columns: int) -> ColumnMap:
        """All of them are new."""
        return cls.of(np.full(n_columns, MADE))

    def after(self, first: ColumnMap) -> ColumnMap:
        """Both steps at once: x -> ``first`` -> this one."""
        there = self.source != MADE
        place = np.where(there, self.source, 0)
        source = np.where(there, first.source[place], MADE)
        scale = np.where(there, first.scale[place], 1.0)
        shift = np.where(there, first.shift[place], 0.0)
        return ColumnMap(source, shift + scale * self.shift, scale * self.scale)


def undo(steps: Sequence[Any], n_columns: int) -> ColumnMap:
    """Of the columns that fitted steps give, as far back as each of them can be followed."""
    found = ColumnMap.of(np.arange(n_columns))
    for step in reversed(steps):
        before = column_map(step)
        if before is None:
            break
        found = found.after(before)
    return found


def column_map(step: Any) -> ColumnMap | None:
    """What a fitted step does to columns; None where all that comes out was made there."""
    if isinstance(step, Pipeline):
        inner = [part for _, part in step.steps if part is not None and part != "passthrough"]
        maps = [column_map(part) for part in inner]
        if any(one is None for one in maps):
            return None
        found = maps[-1] if maps else None
        for one in reversed(maps[:-1]):
            found = found.after(one)
        return found
    if isinstance(step, TableEncoder):
        return _of_table(step)
    if isinstance(step, ColumnTransformer):
        return _of_column_transformer(step)
    if isinstance(step, SelectorMixin):
        return ColumnMap.of(step.get_support(indices=True))
    n = getattr(step, "n_features_in_", None)
    if isinstance(step, FunctionTransformer):
        return ColumnMap.of(np.arange(n)) if step.func is None and n is not None else None
    if isinstance(step, SimpleImputer):
        same = not step.add_indicator and len(step.get_feature_names_out()) == n
        return ColumnMap.of(np.arange(n)) if same else None
    scaling = _scaling(step)
    return None if scaling is None else ColumnMap.of(np.arange(n), *scaling)


def _scaling(step: Any) -> tuple[Any, Any] | None:
    """Shift and scale of scikit-learn's scalers, None for what is none of them."""
    if isinstance(step, StandardScaler):
        return step.mean_ if step.with_mean else None, step.scale_
    if isinstance(step, MinMaxScaler) and not step.clip:
        return -step.min_ / step.scale_, 1 / step.scale_
    if isinstance(step, MaxAbsScaler) and not getattr(step, "clip", False):
        return None, step.scale_
    if isinstance(step, RobustScaler):
        return step.center_, step.scale_
    return None


def _of_table(encoder: TableEncoder) -> ColumnMap:
    out = encoder.get_feature_names_out().tolist()
    names = encoder._names
    place = {name: j for j, name in enumerate(names)} if names is not None else {}
    kept = [*encoder.numbers_, *filter(None, [encoder.task_name_])]
    source = [(place.get(name, int(name[1:]) if not place else MADE), name) for name in kept]
    found = ColumnMap.made(len(out))
    for where, name in source:
        found.source[out.index(name)] = where
    if encoder.numbers_:
        numbers = [out.index(name) for name in encoder.numbers_]
        scaled = ColumnMap.of(numbers, *_scaling(encoder.scaler_))
        found.shift[numbers], found.scale[numbers] = scaled.shift, scaled.scale
    return found


def _of_column_transformer(step: ColumnTransformer) -> ColumnMap:
    n_out = max((where.stop for where in step.output_indices_.values()), default=0)
    found = ColumnMap.made(n_out)
    for name, inner, columns in step.transformers_:
        where = step.output_indices_[name]
        if where.stop == where.start or (isinstance(inner, str) and inner == "drop"):
            continue
        places = _positions(step, columns)
        passes = isinstance(inner, str) or inner is None
        own = ColumnMap.of(np.arange(len(places))) if passes else column_map(inner)
        if own is None or len(own.source) != where.stop - where.start:
            continue
        own = own.after(ColumnMap.of(places))
        found.source[where], found.shift[where] = own.source, own.shift
        found.scale[where] = own.scale
    return found


def _positions(step: ColumnTransformer, columns: Any) -> np.ndarray:
    """Positions of the columns that a part of a ColumnTransformer took."""
    everything = np.arange(step.n_features_in_)
    names = list(getattr(step, "feature_names_in_", ()))
    if isinstance(columns, str):
        return np.array([names.index(columns)])
    if isinstance(columns, slice):
        first, last = columns.start, columns.stop
        if isinstance(first, str) or isinstance(last, str):  # both ends are part of it
            begin = 0 if first is None else names.index(first)
            end = len(names) if last is None else names.index(last) + 1
            return everything[begin : end : columns.step]
        return everything[columns]
    listed = np.atleast_1d(np.asarray(columns))
    if listed.dtype.kind in "OUT":
        return np.array([names.index(name) for name in listed.tolist()], dtype=np.intp)
    return everything[listed]


def names_out(steps: Sequence[Any], n_columns: int) -> list[str] | None:
    """Names that the last step gives its columns, where steps know them."""
    try:
        names = Pipeline([(str(k), step) for k, step in enumerate(steps)]).get_feature_names_out()
    except (AttributeError, ValueError):
        return None
    return [str(name) for name in names] if len(names) == n_columns else None
