"""Columns that no linear model can use are left out once, before the models see the table.

All of them get the same columns, and the reader is told once.
"""

from __future__ import annotations

from dataclasses import replace

import narwhals.stable.v1 as nw

from mtlearn.compare.task_table import TaskTable
from mtlearn.unusable import has_many_levels, holds_dates, levels_of_identifier


def leave_out_unusable(data: TaskTable) -> TaskTable:
    """The table without dates, times and identifiers, and a note for each sort.

    Text of many values that is kept becomes a category by type: of the fewer rows of a fold the
    same values are a larger share, and some models would leave out what others use.

    Raises
    ------
    ValueError
        If no feature is left.
    """
    frame = nw.from_native(data.frame, eager_only=True)
    features = [name for name in frame.columns if name != data.task_column]
    dates = [name for name in features if holds_dates(frame.get_column(name))]
    levels = {n: levels_of_identifier(frame.get_column(n)) for n in features if n not in dates}
    names = {name: count for name, count in levels.items() if count}
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
    long = [n for n, count in levels.items() if not count and has_many_levels(frame.get_column(n))]
    frame = frame.with_columns(_as_category(frame.get_column(name)) for name in long)
    if len(dates) + len(names) == len(features):
        raise ValueError(f"no feature is left: {' '.join(notes)}")
    frame = frame.drop([*dates, *names])
    return replace(data, frame=frame.to_native(), notes=(*data.notes, *notes))


def _as_category(column: nw.Series) -> nw.Series:
    native = column.to_native()
    if hasattr(native, "dictionary_encode"):  # older pyarrow cannot cast to it
        return nw.from_native(native.dictionary_encode(), series_only=True).alias(column.name)
    return column.cast(nw.Categorical)


def _are(columns: list[str]) -> str:
    return "are" if len(columns) > 1 else "is"
