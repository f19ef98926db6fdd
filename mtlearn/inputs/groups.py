"""Units of rows that no fold may tear apart: which rows they have, and who asks for them."""

from __future__ import annotations

import warnings
from dataclasses import replace
from inspect import Parameter, signature
from typing import Any

import numpy as np
from sklearn import get_config
from sklearn.utils import check_consistent_length
from sklearn.utils.metadata_routing import get_routing_for_object

from mtlearn.exceptions import counted, level_of_user
from mtlearn.inputs.labels import as_column, labels_beside, read_labels
from mtlearn.inputs.tasks import TaskData


def with_groups(data: TaskData, groups: Any, y: Any) -> TaskData:
    """The same rows with the group of each; ``groups`` are those of all rows given, as ``y``."""
    if groups is None:
        return data
    column = as_column(groups_beside(groups, len(y)), "groups")
    check_consistent_length(y, column)
    own = column if data.rows is None else column[data.rows]
    return replace(data, groups=read_labels(own, "groups").codes)


def groups_beside(groups: Any, n_rows: int) -> Any:
    """The group of each row; the name of a column says nothing without the table."""
    return labels_beside(groups, n_rows, "groups", "the column, groups=X[{}]")


def takes_groups(estimator: Any) -> bool:
    """Whether the ``fit`` of an estimator has folds to deal by groups, itself or inside.

    Without metadata routing those of scikit-learn take them as any parameter, and refuse in words
    of their own what they cannot hand on.
    """
    parameters = signature(estimator.fit).parameters
    if "groups" in parameters:
        return True
    if get_config()["enable_metadata_routing"]:
        return bool(get_routing_for_object(estimator).consumes("fit", ["groups"]))
    folds = any(name.split("__")[-1] == "cv" for name in estimator.get_params())
    return folds and any(p.kind is Parameter.VAR_KEYWORD for p in parameters.values())


def warn_of_torn_groups(folds: list, groups: np.ndarray, cv: Any) -> None:
    """Say that folds which somebody else dealt have rows of one group on both sides."""
    n_groups = int(groups.max()) + 1
    torn = np.zeros(n_groups, dtype=bool)
    for train, test in folds:
        sides = [np.bincount(groups[rows], minlength=n_groups) > 0 for rows in (train, test)]
        torn |= sides[0] & sides[1]
    if torn.any():
        warnings.warn(
            f"groups were given, and {counted(int(torn.sum()), 'group', 'groups')} of "
            f"{n_groups:,} have rows on both sides of a fold: {type(cv).__name__} does not keep "
            "them together. cv=5 does, as do mtlearn.model_selection.StratifiedTaskKFold and "
            "scikit-learn's GroupKFold; or leave groups= out.",
            UserWarning,
            stacklevel=level_of_user(),
        )
