"""Coefficients of all tasks at a glance: a heat map, like beside like."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.cluster.hierarchy import leaves_list, linkage

from mtlearn.plotting.base import Display
from mtlearn.plotting.drawing import (
    DIVERGING,
    bare,
    colour_bar,
    grown,
    label_axes,
    label_columns,
    label_rows,
    listed,
)
from mtlearn.plotting.reading import columns_of, places_of, table_of

LEVEL = "(level)"
NO_DIFFERENCE = 1e-9  # of the largest coefficient: rounding
FEW, MANY = 300, 1500  # rows up to which an order is the best there is, and up to which a good one
FAR = 3.0  # a largest value of so many 99 % quantiles would leave all others pale


class CoefficientDisplay(Display):
    """Coefficients as a heat map, features by tasks, both ordered so that like is beside like.

    Of a dirty model its two parts side by side: what tasks share, and what is their own.

    Parameters
    ----------
    frame : data frame
        What :func:`mtlearn.inspection.coef_frame` returns, in its long form. Coefficients are
        compared by their colours, so that columns in units of their own (``original_units=True``)
        had better be of one size.
    part : {"coef", "deviation"}, default="coef"
        The coefficients, or what they are beyond the shared model.

    Attributes
    ----------
    features_, tasks_ : list of str
        Names in the order of the picture.
    values_ : list of ndarrays of shape (n_features, n_tasks)
        What is drawn in each panel.
    ax_, axes_, figure_, title_ :
        The picture, and the finding in words.

    See Also
    --------
    SlopesDisplay : How much each feature differs between tasks.

    Examples
    --------
    >>> from mtlearn import GroupLassoRegressor
    >>> from mtlearn.datasets import make_multitask_regression
    >>> from mtlearn.plotting import CoefficientDisplay
    >>> drawn = make_multitask_regression(n_tasks=8, n_features=5, random_state=0)
    >>> model = GroupLassoRegressor(alpha=0.1).fit(drawn.data, drawn.target, task=drawn.task)
    >>> display = CoefficientDisplay.from_estimator(model)
    >>> display.values_[0].shape
    (5, 8)
    """

    def __init__(self, frame: Any, *, part: str = "coef"):
        self.frame, self.part = frame, part
        names = ("task", "feature", part)
        columns = columns_of(frame, names, "coef_frame")
        kept = columns["feature"] != LEVEL
        columns = {name: column[kept] for name, column in columns.items()}
        row_names = columns["feature"]
        if "class" in columns:
            pairs = zip(columns["feature"].tolist(), columns["class"].tolist(), strict=True)
            row_names = np.array([f"{feature}, {label}" for feature, label in pairs], dtype=object)
        features, rows = places_of(row_names)
        tasks, places = places_of(columns["task"])

        def table(name: str) -> np.ndarray:
            return table_of(rows, places, columns[name], (len(features), len(tasks)))

        coef = table("coef") if "coef" in columns else table(part)
        own = table("deviation") if "deviation" in columns else coef - coef.mean(axis=1)[:, None]
        self._names = {part: "coefficient" if part == "coef" else "deviation from shared model"}
        if part == "coef" and "joint" in columns:
            self._names = {"joint": "shared features", "specific": "features of single tasks"}
        down, across = seriated(coef), seriated(coef.T)
        self.features_ = [features[i] for i in down]
        self.tasks_ = [tasks[t] for t in across]
        self.values_ = [table(name)[np.ix_(down, across)] for name in self._names]
        size = max(np.abs(coef).max(initial=0.0), 1e-300)
        alone, of = places_of(columns["feature"][np.unique(rows, return_index=True)[1]])
        spread = np.where(np.abs(own) > NO_DIFFERENCE * size, own, 0.0).std(axis=1)
        largest = np.zeros((2, len(alone)))  # over the classes of a feature
        np.maximum.at(largest[0], of, spread)
        np.maximum.at(largest[1], of, np.abs(coef).max(axis=1, initial=0.0))
        self._spread = dict(zip(alone, largest[0].tolist(), strict=True))
        self._unused = int((largest[1] <= NO_DIFFERENCE * size).sum())

    @classmethod
    def from_estimator(
        cls,
        model: Any,
        *,
        part: str = "coef",
        original_units: bool = False,
        ax: Any = None,
    ) -> CoefficientDisplay:
        """Draw the coefficients of a fitted model.

        Parameters
        ----------
        model : estimator
            A fitted estimator of this library, a pipeline that ends in one or a search for one.
        part : {"coef", "deviation"}, default="coef"
            The coefficients, or what they are beyond the shared model.
        original_units : bool, default=False
            Undo the scaling of a pipeline; colours are then those of different units.
        ax : matplotlib.axes.Axes, default=None
            Where to draw.

        Returns
        -------
        display : CoefficientDisplay
        """
        from mtlearn.inspection import coef_frame

        return cls(coef_frame(model, original_units=original_units), part=part).plot(ax)

    def _panels(self) -> Sequence[float]:
        return (1.0,) * len(self.values_)

    def _size(self) -> tuple[float, float]:
        d, T = self.values_[0].shape
        n = len(self.values_)
        width = grown(n * T, 0.2, 3.2 * (1 + n) / 2, 9.0)
        return width + 2.2, grown(d, 0.2, 1.6, 6.5) + 1.9

    def _draw(self, axes: list[Any], rooms: list[tuple[float, float]]) -> None:
        top, cut = colour_limit(np.concatenate(self.values_, axis=1))
        for ax, values, room, name in zip(axes, self.values_, rooms, self._names, strict=True):
            image = ax.imshow(
                values, cmap=DIVERGING, vmin=-top, vmax=top, aspect="auto", interpolation="nearest"
            )
            bare(ax, "top", "right", "left", "bottom")
            label_columns(ax, self.tasks_, room[0])
            label_axes(ax, room, x=f"{len(self.tasks_):,} tasks")
            if len(axes) > 1:
                ax.set_title(self._names[name], fontsize=10)
            label_rows(ax, self.features_ if ax is axes[0] else [], room[1])
        label = "coefficient" if len(axes) > 1 else self._names[self.part]
        colour_bar(image, axes, label, rooms[0], extend="both" if cut else "neither")

    def _finding(self) -> str:
        return differing_in_words(self._spread, len(self.tasks_), self._unused)


def differing_in_words(spread: dict[str, float], n_tasks: int, unused: int = 0) -> str:
    """How many features differ between tasks, and which most, by their spread over tasks."""
    names = sorted((name for name in spread if spread[name] > 0), key=lambda name: -spread[name])
    d = len(spread)
    tail = f"; {unused:,} {'is' if unused == 1 else 'are'} used by none" if unused else ""
    if not names:
        return f"No feature differs between the {n_tasks:,} tasks{tail}"
    if len(names) == d:
        most = f", most {names[0]}" if d > 1 else ""
        return f"All {d:,} features differ between the {n_tasks:,} tasks{most}"
    one = len(names) == 1
    return (
        f"{len(names):,} of {d:,} features {'differs' if one else 'differ'} between the "
        f"{n_tasks:,} tasks: {listed(names)}{tail}"
    )


def colour_limit(values: np.ndarray) -> tuple[float, bool]:
    """The value of the darkest colour, and whether some are beyond it."""
    sizes = np.abs(values[np.isfinite(values)])
    largest = float(sizes.max(initial=0.0))
    if largest == 0:
        return 1.0, False
    usual = float(np.quantile(sizes[sizes > 0], 0.99))
    return (usual, True) if largest > FAR * usual else (largest, False)


def seriated(rows: np.ndarray) -> np.ndarray:
    """An order of rows in which neighbours are alike: that of the leaves of their dendrogram.

    Beyond some thousand rows that of their first principal component.
    """
    rows = np.nan_to_num(rows)
    if len(rows) < 3:
        return np.arange(len(rows))
    if len(rows) > MANY or not rows.any():
        centred = rows - rows.mean(axis=0)
        left, _, _ = np.linalg.svd(centred, full_matrices=False)
        return np.argsort(left[:, 0], kind="stable")
    tree = linkage(rows, "average", optimal_ordering=len(rows) <= FEW)
    return leaves_list(tree)
