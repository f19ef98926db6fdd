"""Columns that no linear model can use as they are: dates, and text that names the row.

Left out once, before the models see the table, so that all of them get the same columns and the
reader is told once. Dummies of an identifier fit the training rows and say nothing of new ones.
"""

from __future__ import annotations

from dataclasses import replace

import narwhals.stable.v1 as nw

from mtlearn.compare.task_table import TaskTable

MOST_LEVELS = 100  # so many dummies a column may become; a small table is given the benefit
DATE = (
    r"^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])"
    r"(?:[ T]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?$"
)


def leave_out_unusable(data: TaskTable) -> TaskTable:
    """The table without dates, times and identifiers, and a note for each sort.

    Raises
    ------
    ValueError
        If no feature is left.
    """
    frame = nw.from_native(data.frame, eager_only=True)
    features = [name for name in frame.columns if name != data.task_column]
    dates = [name for name in features if _holds_dates(frame.get_column(name))]
    levels = {
        name: frame.get_column(name).drop_nulls().n_unique()
        for name in features
        if name not in dates and frame.schema[name] in (nw.String, nw.Categorical, nw.Enum)
    }
    names = {n: k for n, k in levels.items() if k > max(MOST_LEVELS, len(frame) / 2)}
    notes = []
    if dates:
        hold = "hold" if len(dates) > 1 else "holds"
        notes.append(
            f"{', '.join(dates)} {hold} dates or times and {_are(dates)} left out; make numbers "
            "of what matters in them (year, weekday, age) to use them."
        )
    notes += [
        f"{name} is left out: it has {count:,} different values in {len(frame):,} rows, like an "
        "identifier."
        for name, count in names.items()
    ]
    if not notes:
        return data
    if len(dates) + len(names) == len(features):
        raise ValueError(f"no feature is left: {' '.join(notes)}")
    frame = frame.drop([*dates, *names])
    return replace(data, frame=frame.to_native(), notes=(*data.notes, *notes))


def _holds_dates(column: nw.Series) -> bool:
    """Dates by type, or text that is a date in every row where it is known."""
    if column.dtype.is_temporal():
        return True
    if column.dtype != nw.String:
        return False
    known = column.drop_nulls()
    return len(known) > 0 and bool(known.str.contains(DATE).all())


def _are(columns: list[str]) -> str:
    return "are" if len(columns) > 1 else "is"
