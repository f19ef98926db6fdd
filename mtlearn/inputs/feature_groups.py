"""Which features come in together: the groups that a user gives, in one of several forms."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from numbers import Integral
from typing import Any

import numpy as np

from mtlearn.exceptions import counted, plain
from mtlearn.inputs.holes import is_missing
from mtlearn.inputs.made_columns import sources_of

FORMS = (
    "a list of groups, each a list of names or positions of features, a dictionary {name: group}, "
    "a function that makes a group of a name, an array with the group of each feature, or "
    '"columns" (behind make_table_pipeline)'
)


def resolve_feature_groups(given: Any, columns: Any) -> np.ndarray:
    """The group of each feature (d,), numbered from 0 in the order of their first features.

    Parameters
    ----------
    given : list of lists, dict, callable, array-like of shape (d,) or "columns"
    columns : Columns
        Of X.

    Raises
    ------
    ValueError
        For what is none of these forms, names that are no feature, features in two groups, groups
        without any, and a function that gives what is no label.
    """
    names = columns.of_features()
    if isinstance(given, str):
        return numbered(_of_table(given, columns, names))
    if isinstance(given, Mapping):
        return numbered(_of_names(given, columns, names))
    if callable(given):
        return numbered(_of_function(given, columns, names))
    parts = given.tolist() if isinstance(given, np.ndarray) else given
    if not isinstance(parts, Iterable):
        raise ValueError(f"feature_groups={given!r} is not allowed; give {FORMS}.")
    parts = list(parts)
    if all(_is_group(part) for part in parts):  # also of none
        return numbered(_of_lists([list(part) for part in parts], columns, names))
    if any(_is_group(part) for part in parts):
        alone = next(part for part in parts if not _is_group(part))
        raise ValueError(
            f"feature_groups holds {plain(alone)!r} beside groups; give every group as a list, "
            "and leave out features that are alone."
        )
    if len(parts) != len(names):
        labels = "" if columns.labels is None else ", that of the task labels not counted"
        raise ValueError(
            f"feature_groups holds {counted(len(parts), 'label', 'labels')} for "
            f"{counted(len(names), 'feature', 'features')}; give one per feature in the order of "
            f"the columns of X{labels}, or a list of groups, each a list of features."
        )
    return numbered(parts)


def numbered(labels: Iterable[Any]) -> np.ndarray:
    """Labels as numbers from 0; what is missing is a group of its own."""
    place: dict[Any, int] = {}
    found = []
    for j, label in enumerate(labels):
        key = ("", j) if is_missing(label) else (type(label) is str, plain(label))
        found.append(place.setdefault(key, len(place)))
    return np.array(found, dtype=np.intp)


def _is_group(part: Any) -> bool:
    return isinstance(part, Iterable) and not isinstance(part, str | bytes)


def _of_table(given: str, columns: Any, names: Any) -> Iterable[str]:
    if given != "columns":
        raise ValueError(f"feature_groups={given!r} is not allowed; give {FORMS}.")
    found = None if columns.names is None else sources_of(names)
    if found is None:
        raise ValueError(
            'feature_groups="columns" asks which column of a raw table each feature was made of, '
            "and no table encoder has made columns of these names in this process. Put the model "
            "right behind one, make_table_pipeline(model), or give the groups: a list of lists of "
            "names, or a function that makes a group of a name."
        )
    return found


def _of_names(given: Mapping, columns: Any, names: Any) -> list:
    if columns.names is None:
        raise ValueError(
            "feature_groups is a dictionary of names, and the columns of X have none. Give an "
            "array with the group of each feature, or X as a data frame."
        )
    _check_known(given, names)
    return [given.get(name) for name in names.tolist()]


def _of_function(given: Callable[[str], Any], columns: Any, names: Any) -> list:
    """Levels that a fold lacks have no column there: only a function is right in each of them."""
    if columns.names is None:
        raise ValueError(
            "feature_groups is a function of names, and the columns of X have none. Give an array "
            "with the group of each feature, or X as a data frame; behind transformers of "
            'scikit-learn set_output(transform="pandas") makes one.'
        )
    labels = []
    for name in names.tolist():
        label = given(name)
        try:
            hash(label)
        except TypeError:
            raise ValueError(
                f"feature_groups makes {label!r} of feature {name!r}, which is no label. Return "
                "text or a number, the same for all features of a group, or None for one that is "
                "alone."
            ) from None
        labels.append(label)
    return labels


def _of_lists(groups: list[list], columns: Any, names: Any) -> list:
    label: list[int | None] = [None] * len(names)
    if columns.names is not None:
        _check_known((one for group in groups for one in group if isinstance(one, str)), names)
        place = {name: j for j, name in enumerate(names.tolist())}
    for k, group in enumerate(groups):
        if not group:
            raise ValueError(
                f"feature_groups[{k}] is empty; a group is a list of at least one feature. Leave "
                "it out."
            )
        for one in group:
            if isinstance(one, str):
                if columns.names is None:
                    raise ValueError(
                        f"feature_groups names {one!r}, and the columns of X have no names. Give "
                        "positions of features, or X as a data frame."
                    )
                j = place[one]
            else:
                j = _position(one, len(names))
            if label[j] is not None:
                raise ValueError(
                    f"feature_groups has feature {plain(names[j])!r} in groups {label[j]} and {k} "
                    "(counted from 0); a feature is in one group, once. Leave it out of one."
                )
            label[j] = k
    return label


def _position(one: Any, d: int) -> int:
    whole = isinstance(one, Integral) and not isinstance(one, bool | np.bool_)
    if not whole or not 0 <= int(one) < d:
        raise ValueError(
            f"feature_groups holds {plain(one)!r}, which is no position of a feature; give names, "
            f"or whole numbers from 0 to {d - 1} in the order of the columns of X (that of the "
            "task labels not counted)."
        )
    return int(one)


def _check_known(given: Iterable[Any], names: Any) -> None:
    known = names.tolist()
    there = set(known)
    strange = [name for name in given if name not in there]
    if strange:
        near = get_close_matches(str(strange[0]), list(map(str, known)), 1)
        raise ValueError(
            f"feature_groups names {plain(strange[0])!r}, which is no feature"
            f"{f'; did you mean {near[0]!r}?' if near else '.'} Give features among {known[:20]}; "
            "those that are not named are alone."
        )
