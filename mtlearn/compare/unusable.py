"""What becomes of the columns of a table is decided once, before the models see it.

All of them get the same columns, and the reader is told once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import narwhals.stable.v1 as nw

from mtlearn.compare.task_table import TaskTable
from mtlearn.inputs.column_types import CATEGORY, NUMBER, floats
from mtlearn.table.features import DATES, Feature, read_feature
from mtlearn.table.unusable import are_all_different, is_named_as_index


def leave_out_unusable(data: TaskTable, bad_cells: str = "missing") -> TaskTable:
    """The table with numbers where text or objects are numbers, without dates and identifiers.

    With a note for each sort. What is a category becomes one by type, and what is a number a
    float: of the fewer rows of a fold some models would make something else of it.

    Raises
    ------
    ValueError
        If no feature is left, if none can be made of a column by its type, or cells do not read
        and ``bad_cells`` is "error".
    """
    frame = nw.from_native(data.frame, eager_only=True)
    columns = {name: frame.get_column(name) for name in frame.columns if name != data.task_column}
    features = {name: read_feature(name, c, bad_cells) for name, c in columns.items()}
    notes = list(_notes(columns, features, len(frame)))
    left_out = [name for name, feature in features.items() if not feature.kind]
    if len(left_out) == len(features):
        raise ValueError(f"no feature is left: {' '.join(notes)}")
    frame = frame.drop(left_out)
    used = {name: feature for name, feature in features.items() if feature.kind}
    new = [_for_all_folds(name, columns[name], feature) for name, feature in used.items()]
    frame = frame.with_columns(*new)
    return replace(data, frame=frame.to_native(), notes=(*data.notes, *notes))


def _notes(columns: dict[str, Any], features: dict[str, Feature], n_rows: int) -> Iterator[str]:
    if dates := [name for name, feature in features.items() if feature.why == DATES]:
        hold = "hold" if len(dates) > 1 else "holds"
        yield (
            f"{', '.join(dates)} {hold} dates or times and {_are(dates)} left out; make numbers "
            "of what matters in them (year, weekday, age) to use them."
        )
    for name, feature in features.items():
        if feature.why and feature.why != DATES:
            yield f"{name} is left out: {feature.why}."
    if bad := {name: feature.bad for name, feature in features.items() if feature.bad.count}:
        yield (
            "Cells of columns of numbers that do not read as one count as missing: "
            f"{'; '.join(f'{name} {cells}' for name, cells in bad.items())}. --bad-cells error "
            '(bad_cells="error") refuses them, category makes categories of such a column.'
        )
    if commas := [name for name, feature in features.items() if feature.decimal == ","]:
        yield f"{', '.join(commas)} {_are(commas)} read as numbers with a decimal comma."
    if hints := {name: feature.hint for name, feature in features.items() if feature.hint}:
        shown = ", ".join(f"{name} ({what})" for name, what in hints.items())
        yield (
            f"Text that looks like numbers is taken as categories: {shown}. Make numbers of a "
            "column that measures something."
        )
    numbers = [name for name, feature in features.items() if feature.kind == NUMBER]
    if different := [name for name in numbers if are_all_different(columns[name])]:
        yield (
            f"{', '.join(different)}: whole numbers that differ in all {n_rows:,} rows. They are "
            "features, as the time would be; drop what only numbers the rows (--drop)."
        )


def _for_all_folds(name: str, column: nw.Series, feature: Feature) -> nw.Series:
    """A column in a type that is the same to all parts of the rows."""
    if feature.kind == CATEGORY:
        native = feature.column.to_native()
        if column.dtype in (nw.Categorical, nw.Enum):
            return column
        if hasattr(native, "dictionary_encode"):  # older pyarrow cannot cast to it
            return nw.from_native(native.dictionary_encode(), series_only=True).alias(name)
        return feature.column.cast(nw.Categorical)
    if feature.column is column and not is_named_as_index(name):
        return column
    return nw.new_series(name, floats(feature.column), nw.Float64, backend=column.implementation)


def _are(columns: list[str]) -> str:
    return "are" if len(columns) > 1 else "is"
