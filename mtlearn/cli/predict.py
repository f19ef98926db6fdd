"""`mtlearn predict`: a saved model's answers to the rows of a new table."""

from __future__ import annotations

import warnings
from inspect import signature
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from rich.console import Console
from rich.text import Text

from mtlearn.cli import options
from mtlearn.cli.batched import NotInBatchesError, is_text
from mtlearn.cli.errors import SourceError, check_source, did_you_mean, fail, one_line
from mtlearn.cli.files import refuse_options
from mtlearn.cli.large import is_large, not_in_batches
from mtlearn.cli.large_new import LargeNew
from mtlearn.cli.new_rows import NewRows, read_new_rows
from mtlearn.cli.outputs import STANDARD, TABLES, called, check_outputs, write_table
from mtlearn.cli.saved import Saved, load
from mtlearn.cli.source import is_built_in, several
from mtlearn.cli.table_writer import table_writer
from mtlearn.compare.running import in_words
from mtlearn.estimators.intervals import prediction_interval
from mtlearn.exceptions import counted
from mtlearn.table.warnings import REMEDY

COVERAGE = 0.9
CELLS = "do not read as one count as missing"  # what is said of each batch's, and once of all


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
    batches: options.RowBatches = None,
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
                if saved.settings.get("loss") != "quantile"
                else "--coverage: a quantile has no interval; fit two models, --quantile "
                f"{(1 - coverage) / 2:.3g} and --quantile {(1 + coverage) / 2:.3g}, whose "
                "predictions are the ends of one."
            )
        how, coverage = (encoding, decimal, sheet), COVERAGE if coverage is None else coverage
        large, whole = read_large_new(saved, source, keep or [], how, batches)
        if large is None:
            frame, said = _predicted(saved, source, keep or [], how, coverage)
            n_rows = len(frame)
        else:
            n_rows, said = write_batches(saved, large, out, coverage)
    if large is None:
        try:
            write_table(frame, out)
        except OSError as error:  # a full disk, say
            fail(f"--out: {out} cannot be written ({error.strerror or error}).")
    if not quiet:
        console = Console(stderr=out == STANDARD)
        for note in [*notes, *whole, *said]:
            console.print(Text(f"Note: {note}", "yellow"))
        if out != STANDARD:
            by = f"{saved.model} of {saved.source}"
            console.print(
                Text(f"Wrote {out}: {counted(n_rows, 'row', 'rows')}, predicted by {by}.")
            )


def _predicted(
    saved: Saved, source: str, keep: list[str], how: tuple, coverage: float
) -> tuple[pd.DataFrame, list[str]]:
    """The result of a table that is read whole, and notes."""
    rows = read_new_rows(saved, source, *how)
    names = kept_names(rows.frame, saved, keep)
    kept = rows.frame[names].apply(_as_read)
    answers, said = answer(saved, rows, coverage)
    return beside(kept, answers), [*rows.notes, *said]


def read_large_new(
    saved: Saved, source: str, keep: list[str], how: tuple, wanted: bool | None
) -> tuple[LargeNew | None, list[str]]:
    """A large table to be read in batches; or None, and what to say of one that is read whole.

    ``wanted`` is what --batches and --no-batches say, None where neither does.

    Raises
    ------
    SourceError
        With one line that says what to do.
    """
    if wanted is False or (wanted is None and not is_large(source)):
        return None, []
    encoding, decimal, sheet = how
    why = not_in_batches(source)
    if not why:
        try:
            ending = ".csv" if is_text(Path(source)) else ".parquet"
            refuse_options(source, ending, encoding, decimal, sheet)
            found = LargeNew(
                saved, source, lambda first: kept_names(first, saved, keep), encoding, decimal
            )
        except NotInBatchesError as error:
            why = str(error)
        else:
            return (found, []) if found.n_rows else (None, [])
    if wanted:
        raise SourceError(f"--batches: {why}. Leave it out.")
    if Path(source).is_dir():
        raise SourceError(f"{source} is a folder, which is read in batches alone: {why}.")
    return None, [f"{called(source)} is read whole: {why}."]


def write_batches(saved: Saved, rows: LargeNew, out: str, coverage: float) -> tuple[int, list[str]]:
    """Answer batch by batch, and write; the number of rows, and notes.

    Raises
    ------
    SourceError
        If a batch cannot be answered, with its rows, or the result not be written.
    """
    notes: dict[str, None] = {}
    try:
        types = {name: one.type for name, one in rows.kept.items() if one.type is not None}
        with table_writer(out, rows.as_text, types) as put:
            for kept, batch, which in rows:
                try:
                    answers, said = answer(saved, batch, coverage)
                except ValueError as error:
                    raise SourceError(f"{which}: {error}") from error
                notes.update(dict.fromkeys(one for one in said if CELLS not in one))
                put(beside(kept, answers))
    except NotInBatchesError as error:  # it was read once before
        raise SourceError(f"{rows.name} has changed while it was read: {error}.") from error
    except OSError as error:  # a full disk, say
        raise SourceError(f"--out: {out} cannot be written ({error.strerror or error}).") from error
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        rows.left_out.say(several=True)
    return rows.n_rows, [*rows.notes, *_here(caught), *notes]


def beside(kept: pd.DataFrame, answers: pd.DataFrame) -> pd.DataFrame:
    """Columns of the table and predictions, no two of one name."""
    if twice := [name for name in answers if name in kept]:
        raise SourceError(
            f"{twice[0]!r} would be two columns of the result, one of the table and a "
            "prediction; rename it, or leave it out of --keep."
        )
    return pd.concat([kept, answers], axis=1)


def has_intervals(saved: Saved) -> bool:
    """Whether the model says how sure it is of a number."""
    says = "return_std" in signature(saved.pipeline[-1].predict).parameters
    # those of counts are not normal, and there are none about a quantile
    return says and saved.settings.get("loss") not in ("poisson", "quantile")


def answer(saved: Saved, rows: NewRows, coverage: float) -> tuple[pd.DataFrame, list[str]]:
    """Predictions of every row, by name, and what the table pipeline had to say."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        if saved.kind == "regression":
            found = _numbers(saved, rows.X, coverage)
        else:
            found = _classes(saved, rows.X)
    return pd.DataFrame(found, index=rows.frame.index), _here(caught)


def _here(caught: list) -> list[str]:
    here = "mtlearn fit --bad-cells error makes a model that refuses them."
    return [words.replace(REMEDY, here) for words in in_words(caught)]


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


def kept_names(frame: pd.DataFrame, saved: Saved, keep: list[str]) -> list[str]:
    """Columns that go to the result as they are: those asked for, and that of the tasks."""
    names = several(keep, frame.columns)
    for name in names:
        if name not in frame.columns:
            raise SourceError(
                f"--keep: there is no column {name!r}.{did_you_mean(name, frame.columns)}"
            )
    names += [] if saved.task is None else [saved.task]
    return list(dict.fromkeys(names))


def _as_read(column: pd.Series) -> pd.Series:
    """Whole numbers that a hole made floats of, as whole numbers."""
    if column.dtype.kind != "f" or not column.isna().any():
        return column
    known = column.dropna()
    whole = (known % 1 == 0).all() and (known.abs() < 2**53).all()
    return column.astype("Int64") if whole else column
