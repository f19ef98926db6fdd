"""What the table pipeline says of columns that it left out, and of cells that it could not read."""

from __future__ import annotations

import warnings

from mtlearn.exceptions import OneTaskWarning, level_of_user
from mtlearn.inputs.number_text import Bad
from mtlearn.table.features import Feature

REMEDY = (
    'make_table_pipeline(..., bad_cells="error") (or TableEncoder) refuses them, and "category" '
    "makes categories of such a column."
)


def warn_of_columns(features: dict[str, Feature]) -> None:
    """At most three: columns left out, cells that do not read, text that looks like numbers."""
    left_out = {name: feature.why for name, feature in features.items() if feature.why}
    if left_out:
        first = next(iter(left_out))
        _warn(
            f"columns left out, of no use to a linear model as they are: {_listed(left_out)}. Make "
            "numbers of what matters in a date (year, weekday, age) and drop an identifier; to "
            "have a column of zeros and ones per value, give the column a categorical type "
            f"(.astype({{{first!r}: 'category'}}) in pandas). Folds of a "
            "cross-validation, each of which looks at its own rows, then agree about it."
        )
    warn_of_cells({name: feature.bad for name, feature in features.items()})
    hints = {name: feature.hint for name, feature in features.items() if feature.hint}
    if hints:
        first = next(iter(hints))
        _warn(
            f"columns of text that looks like numbers are categories: {_listed(hints)}. If they "
            "measure something, make numbers of them (pandas.to_numeric); a categorical type "
            f"(.astype({{{first!r}: 'category'}}) in pandas) says that categories are meant."
        )


def warn_of_cells(bad: dict[str, Bad]) -> None:
    """One warning for all columns of numbers that have cells which do not read."""
    found = {name: cells for name, cells in bad.items() if cells.count}
    if found:
        said = "; ".join(f"{name!r} {cells}" for name, cells in found.items())
        _warn(
            f"cells of columns of numbers that do not read as one count as missing: {said}. "
            f"Correct them or leave them empty; {REMEDY}"
        )


def warn_of_one_task(names: list[str] | None, n_rows: int) -> None:
    """That nothing says which row is of which task."""
    shown = "its position"
    if names is not None:
        shown = "X has " + ", ".join(map(repr, names[:10])) + ", …" * (len(names) > 10)
    warnings.warn(
        "y is one target and no column of X is named as that of the tasks, so all "
        f"{n_rows:,} rows are one task, unless labels beside X go to the model (task=..., "
        "without metadata routing model__task=...). Name the column in the estimator, with "
        f"task_column=... ({shown}). If one task is meant, silence "
        "mtlearn.exceptions.OneTaskWarning.",
        OneTaskWarning,
        stacklevel=level_of_user(),
    )


def _listed(columns: dict[str, str]) -> str:
    return ", ".join(f"{name!r} ({what})" for name, what in columns.items())


def _warn(text: str) -> None:
    warnings.warn(text, UserWarning, stacklevel=level_of_user())
