"""Whether two moments are of the same kind of rows, and can be added or taken away."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np

from mtlearn.exceptions import plain
from mtlearn.moments.united import places, united
from mtlearn.problems.blocks import BlockedScatter
from mtlearn.problems.moment_data import in_columns
from mtlearn.problems.moments import Moments
from mtlearn.table.state import state_of

LEAST = 1e-10  # of what was there, which a difference may be off by


def matched(mine: Any, other: Any) -> Any:
    """The other moments in the columns and about the pivot of these."""
    for name, what in (
        ("n_folds", "n_folds"),
        ("_whole", "group_column"),
        ("_way", "how tasks came in"),
        ("n_features", "the number of features"),
    ):
        has, other_has = getattr(mine, name), getattr(other, name)
        if has != other_has:
            raise ValueError(
                f"moments differ in {what}: {has!r} and {other_has!r}. Collect both alike."
            )
    text = [one._tasks.dtype.kind == "O" for one in (mine, other)]
    if mine._way == "columns" and not np.array_equal(mine._tasks, other._tasks):
        raise ValueError(
            f"moments are of the targets {list(mine._tasks[:10])} and "
            f"{list(other._tasks[:10])}. Collect both from the same columns, in one order."
        )
    if mine._way == "labels" and text[0] != text[1]:
        raise ValueError(
            "tasks are labelled by text in one and by numbers in the other; text never equals "
            "a number. Collect both with labels of one kind."
        )
    if not _same_encoder(mine.encoder, other.encoder):
        raise ValueError(
            "moments were collected with different encoders, so their columns do not mean the "
            "same. Collect both with one encoder, kept apart from a pipeline, which fit_moments "
            "scales anew."
        )
    order = np.arange(mine.n_features)
    if mine._names != other._names and mine.encoder is None:
        if None in (mine._names, other._names) or set(mine._names) != set(other._names):
            raise ValueError(
                f"moments are of the columns {_shown(mine._names)} and {_shown(other._names)}. "
                "Collect both from the same columns."
            )
        order = np.array([other._names.index(name) for name in mine._names])
    move = other._pivot[order] - mine._pivot
    if not move.any() and (order == np.arange(len(order))).all():
        return other
    ones = np.ones(len(order))

    def moved(one: Moments) -> Moments:
        one = replace(
            one,
            x_mean=one.x_mean[:, order],
            xx=one.xx[:, order][:, :, order],
            xy=one.xy[:, order],
        )
        found = in_columns(one, 0.0 * ones, ones, move)
        found.x_mean[(found.count == 0)[: len(found.x_mean)]] = 0.0
        return found

    columns = other._columns if mine.encoder is not None else other._columns.columns(order)
    return replace(other, _folds=tuple(map(moved, other._folds)), _columns=columns)


INSTEAD = {
    "added": "Collect the rows of both together",
    "subtracted": "Collect the rows that are to stay",
    "cut to some of the tasks": "Collect the rows of these tasks",
}


def refuse_blocks(what: str, *given: Any) -> None:
    """Moments in blocks are fitted, and nothing else."""
    for one in given:
        xx: Any = one._folds[0].xx
        if isinstance(xx, BlockedScatter):
            raise ValueError(
                f"moments in blocks cannot be {what}: their scatters stay {xx.where}. "
                f"{INSTEAD.get(what, xx.to_keep)}, or collect {xx.instead} where they fit into "
                "memory."
            )


def refuse_negative(
    rest: Moments, whole: Moments, gone: Moments, sums: tuple, tasks: np.ndarray
) -> None:
    """Of a difference: rows are gone that were never there, or with other targets or weights.

    ``sums`` are those of the weights (T, 3) of the rest and of the whole.
    """
    before, after = (np.einsum("tjj->tj", one.xx) for one in (whole, rest))
    wrong = rest.count < 0
    wrong |= (rest.count > 0) & (rest.weight <= LEAST * whole.weight)
    negative = (after < -LEAST * np.maximum(before, np.finfo(float).tiny)).any(axis=1)
    wrong |= negative if len(negative) == len(wrong) else negative[0]
    wrong |= _negative_targets(rest, whole, gone) | _other_weights(rest, whole, *sums)
    if wrong.any():
        raise ValueError(
            f"rows of task {plain(tasks[wrong][0])!r} are taken away that are not in these "
            "moments. Subtract only what was added, with the same weights and targets."
        )


def _negative_targets(rest: Moments, whole: Moments, gone: Moments) -> np.ndarray:
    """Where the scatter of the targets, which is cut off at zero, comes out below it (T,)."""
    left = np.where(rest.count > 0, rest.weight, np.inf)
    away = gone.y_mean - whole.y_mean
    scatter = whole.yy - gone.yy - whole.weight * gone.weight / left * away**2
    # Means are rounded, and where little is left that weighs much.
    rounded = 16 * np.finfo(float).eps * np.abs(whole.y_mean)
    slope = np.where(rest.count > 0, whole.weight * np.sqrt(whole.yy / left), 0.0)
    allowed = LEAST * whole.yy + rounded * (slope + rounded * whole.weight**2 / left)
    return scatter < -np.maximum(allowed, np.finfo(float).tiny)


def _other_weights(
    rest: Moments, whole: Moments, left: np.ndarray, before: np.ndarray
) -> np.ndarray:
    """Where sums of s² and of fractional weights are none that weights can have (T,)."""
    mean = rest.weight / np.maximum(rest.count, 1)
    rounded = LEAST * (before[:, 0] + mean * whole.weight)
    wrong = left[:, 0] < mean * rest.weight - rounded  # Cauchy and Schwarz
    return wrong | (left[:, 2] < 0) | (left[:, 2] > rest.count)


def columns_with(mine: Any, other: Any) -> dict[str, Any]:
    """Sums of the columns of the rows of both, and of which tasks they are."""
    both, at, of_other = united(mine._column_tasks, other._column_tasks)
    a, b = mine._columns.spread(at, len(both)), other._columns.spread(of_other, len(both))
    return {"_columns": a + b, "_column_tasks": both}


def columns_without(mine: Any, other: Any, left: np.ndarray) -> dict[str, Any]:
    """Sums of the columns of the rows that are not in other; tasks that are left stay."""
    tasks = mine._column_tasks
    at = places(tasks, other._column_tasks)
    if (at < 0).any():
        raise ValueError(_too_many(other._column_tasks[at < 0][0]))
    rest = mine._columns - other._columns.spread(at, len(tasks))
    wrong = (rest.count < 0).any(axis=1)
    if wrong.any():
        raise ValueError(_too_many(tasks[wrong][0]))
    keep = np.ones(len(tasks), dtype=bool)
    if mine._way == "labels":
        keep = rest.count.any(axis=1)
        keep[places(tasks, left)] = True
    return {"_columns": rest.take(keep), "_column_tasks": tasks[keep]}


def _too_many(task: Any) -> str:
    return (
        f"rows of task {plain(task)!r} are taken away, some without a target, that are not in "
        "these moments. Subtract only what was added."
    )


def _same_encoder(a: Any, b: Any) -> bool:
    if a is None or b is None:
        return a is b
    return a is b or json.dumps(state_of(a)) == json.dumps(state_of(b))  # NaN equals NaN


def _shown(names: Any) -> str:
    return "without names" if names is None else str(list(names[:10]))
