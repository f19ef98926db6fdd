"""`mtlearn export`: a saved model as a table of coefficients, or as SQL that predicts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from rich.console import Console
from rich.text import Text

from mtlearn.cli import options
from mtlearn.cli.errors import SourceError, fail, one_line
from mtlearn.cli.linear_form import linear_form
from mtlearn.cli.outputs import STANDARD, TABLES, check_outputs, write_table, write_text
from mtlearn.cli.saved import Saved, load
from mtlearn.cli.sql import sql_of
from mtlearn.estimators.linear import FittedLinear
from mtlearn.inspection import coef_frame

SQL = ".sql"
IN_UNITS = ("coef", "shared", "deviation", "joint", "specific", "std_error")


def export(
    model: options.SavedModel,
    to: options.To = None,
    table: options.TableName = None,
    trust: options.Trust = False,
    quiet: options.Quiet = False,
) -> None:
    """Write the coefficients of a MODEL that mtlearn fit saved, in the units of the table.

    As a table with a row for each task and feature, or as SQL that predicts inside a database
    (SQLite, PostgreSQL, DuckDB).
    """
    with one_line():
        if to is None:
            raise SourceError(
                "say with --to what to write, such as --to coefficients.csv or --to model.sql."
            )
        check_outputs({"model": model}, {"--to": (to, (*TABLES, SQL))})
        saved, notes = load(model, trust=trust)
        as_sql = to.lower().endswith(SQL)
        if as_sql:
            named = table or Path(saved.source).name.split(".")[0]
            form = linear_form(saved)
            content: Any = sql_of(saved, form, named)
            notes += form.comments
        else:
            content = coefficients(saved)
    try:
        (write_text if as_sql else write_table)(content, to)
    except OSError as error:  # a full disk, say
        fail(f"--to: {to} cannot be written ({error.strerror or error}).")
    if not quiet:
        console = Console(stderr=to == STANDARD)
        for note in notes:
            console.print(Text(f"Note: {note}", "yellow"))
        if to != STANDARD:
            what = f"predictions of the rows of {named}" if as_sql else f"{len(content):,} rows"
            console.print(Text(f"Wrote {to}: {what}."))


def coefficients(saved: Saved) -> pd.DataFrame:
    """A row for each task and feature, the intercept first, in the units of the table.

    Raises
    ------
    SourceError
        If the model has none.
    """
    if not isinstance(saved.pipeline[-1], FittedLinear):
        return _of_baseline(saved)
    frame = coef_frame(saved.pipeline, intercept="origin")
    if saved.task is None:
        unit = frame["task"].map(dict(enumerate(saved.unit)))
        for name in (name for name in IN_UNITS if name in frame):
            frame[name] *= unit
        frame["task"] = frame["task"].map(dict(enumerate(saved.targets)))
    return frame


def _of_baseline(saved: Saved) -> pd.DataFrame:
    form = linear_form(saved)
    mean = np.nan_to_num(form.mean)
    own = np.column_stack([form.intercept - form.coef @ mean, form.coef])
    names = ["(intercept)", *form.names]
    found = pd.DataFrame(
        {
            "task": [task for task in form.tasks for _ in names],
            "feature": names * len(form.tasks),
            "coef": own.ravel(),
        }
    )
    if form.shared_coef is not None:
        level = form.shared_intercept - form.shared_coef @ mean
        found["shared"] = [level, *form.shared_coef] * len(form.tasks)
        found["deviation"] = found["coef"] - found["shared"]
    return found
