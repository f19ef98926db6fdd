"""`mtlearn predict`: a saved model's answers to the rows of a new table."""

from __future__ import annotations

import warnings
from inspect import signature
from typing import Any

import numpy as np
import pandas as pd
from rich.console import Console
from rich.text import Text

from mtlearn.cli import options
from mtlearn.cli.errors import SourceError, check_source, did_you_mean, fail, one_line
from mtlearn.cli.new_rows import NewRows, read_new_rows
from mtlearn.cli.outputs import STANDARD, TABLES, check_outputs, write_table
from mtlearn.cli.saved import Saved, load
from mtlearn.cli.source import is_built_in, several
from mtlearn.compare.running import in_words
from mtlearn.estimators.intervals import prediction_interval
from mtlearn.exceptions import counted
from mtlearn.table.warnings import REMEDY

COVERAGE = 0.9


def predict(
    model: options.SavedModel,
    source: options.NewSource,
    out: options.Predictions = STANDARD,
    keep: options.Keep = None,
    coverage: options.Coverage = None,
    trust: options.Trust = False,
    encoding: options.Encoding = None,
    decimal: options.Decimal = None,
    sheet: options.Sheet = None,
    quiet: options.Quiet = False,
) -> None:
    """Predict the target of every row of SOURCE by a MODEL that mtlearn fit saved.

    A row out for each row in, in their order. Rows of tasks that the model has not seen are
    answered by what its tasks share.
    """
    with one_line():
        check_source(source, "predict MODEL")
        if coverage is not None and not 0 < coverage < 1:
            raise SourceError(f"--coverage: {coverage} is not between 0 and 1, such as 0.9.")
        file = None if is_built_in(source) else source
        check_outputs({"source": file, "model": model}, {"--out": (out, TABLES)})
        saved, notes = load(model, trust=trust)
        if coverage is not None and not has_intervals(saved):
            raise SourceError(
                f"--coverage: {saved.model} has no intervals; random-slopes of a number has."
            )
        rows = read_new_rows(saved, source, encoding, decimal, sheet)
        kept = _kept(rows.frame, saved, keep or [])
        answers, said = answer(saved, rows, COVERAGE if coverage is None else coverage)
        if twice := [name for name in answers if name in kept]:
            raise SourceError(
                f"{twice[0]!r} would be two columns of the result, one of the table and a "
                "prediction; rename it, or leave it out of --keep."
            )
    frame = pd.concat([kept, answers], axis=1)
    try:
        write_table(frame, out)
    except OSError as error:  # a full disk, say
        fail(f"--out: {out} cannot be written ({error.strerror or error}).")
    if not quiet:
        console = Console(stderr=out == STANDARD)
        for note in [*notes, *rows.notes, *said]:
            console.print(Text(f"Note: {note}", "yellow"))
        if out != STANDARD:
            by = f"{saved.model} of {saved.source}"
            console.print(
                Text(f"Wrote {out}: {counted(len(frame), 'row', 'rows')}, predicted by {by}.")
            )


def has_intervals(saved: Saved) -> bool:
    """Whether the model says how sure it is of a number."""
    return "return_std" in signature(saved.pipeline[-1].predict).parameters


def answer(saved: Saved, rows: NewRows, coverage: float) -> tuple[pd.DataFrame, list[str]]:
    """Predictions of every row, by name, and what the table pipeline had to say."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        if saved.kind == "regression":
            found = _numbers(saved, rows.X, coverage)
        else:
            found = _classes(saved, rows.X)
    here = "mtlearn fit --bad-cells error makes a model that refuses them."
    said = [words.replace(REMEDY, here) for words in in_words(caught)]
    return pd.DataFrame(found, index=rows.frame.index), said


def _numbers(saved: Saved, X: pd.DataFrame, coverage: float) -> dict[str, np.ndarray]:
    unit = np.array(saved.unit)
    values = np.asarray(saved.pipeline.predict(X)).reshape(len(X), -1) * unit
    ends = None
    if has_intervals(saved):
        ends = prediction_interval(saved.pipeline, X, coverage=coverage)
        ends = ends.reshape(len(X), -1, 2) * unit[:, None]
    found = {}
    for j, target in enumerate(saved.targets):
        found[f"{target}_predicted"] = values[:, j]
        if ends is not None:
            before = f"{target}_" if len(saved.targets) > 1 else ""
            found[f"{before}low"], found[f"{before}high"] = ends[:, j].T
    return found


def _classes(saved: Saved, X: pd.DataFrame) -> dict[str, Any]:
    """The label, and the probability of each class."""
    n, T = len(X), len(saved.targets)
    labels = np.asarray(saved.pipeline.predict(X)).reshape(n, T)
    chances = np.asarray(saved.pipeline.predict_proba(X))
    place = {label: k for k, label in enumerate(saved.classes)}
    own = np.array(saved.classes, dtype=object)
    found: dict[str, Any] = {}
    for j, target in enumerate(saved.targets):
        distinct, codes = np.unique(labels[:, j], return_inverse=True)
        places = np.array([place[label] for label in distinct.tolist()])
        found[f"{target}_predicted"] = pd.Series(own[places[codes]], X.index).infer_objects()
        before = f"{target}_" if T > 1 else ""
        each = np.column_stack([1 - chances[:, j], chances[:, j]]) if T > 1 else chances
        for k, label in enumerate(saved.classes):
            found[f"{before}probability_{label}"] = each[:, k]
    return found


def _kept(frame: pd.DataFrame, saved: Saved, keep: list[str]) -> pd.DataFrame:
    """The columns that go to the result as they are: those asked for, and that of the tasks."""
    names = several(keep, frame.columns)
    for name in names:
        if name not in frame.columns:
            raise SourceError(
                f"--keep: there is no column {name!r}.{did_you_mean(name, frame.columns)}"
            )
    names += [] if saved.task is None else [saved.task]
    return frame[list(dict.fromkeys(names))].apply(_as_read)


def _as_read(column: pd.Series) -> pd.Series:
    """Whole numbers that a hole made floats of, as whole numbers."""
    if column.dtype.kind != "f" or not column.isna().any():
        return column
    known = column.dropna()
    whole = (known % 1 == 0).all() and (known.abs() < 2**53).all()
    return column.astype("Int64") if whole else column
