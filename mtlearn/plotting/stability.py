"""How stable a selection of features is: how often resamples select each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mtlearn.plotting.base import Display
from mtlearn.plotting.drawing import (
    BLUE,
    bare,
    colour_bar,
    grown,
    label_axes,
    label_columns,
    label_rows,
)
from mtlearn.plotting.reading import columns_of, places_of, table_of

OFTEN = 0.9  # a feature selected so often is called stable


class StabilityDisplay(Display):
    """How often resamples select each feature: for any task, and for each task beside it.

    Parameters
    ----------
    stability : mtlearn.inspection.SelectionStability
        What :func:`mtlearn.inspection.selection_stability` returns.

    Attributes
    ----------
    features_, tasks_ : list of str
        Names in the order of the picture, the most frequent feature first.
    frequency_ : ndarray of shape (n_features,)
    values_ : ndarray of shape (n_features, n_tasks)
        Frequencies of each task; without columns where it is components that are selected (trace
        norm), which are those of all tasks.
    ax_, axes_, figure_, title_ :
        The picture, and the finding in words.

    Examples
    --------
    >>> from mtlearn import GroupLassoRegressor
    >>> from mtlearn.datasets import make_multitask_regression
    >>> from mtlearn.plotting import StabilityDisplay
    >>> drawn = make_multitask_regression(n_tasks=6, n_features=5, random_state=0)
    >>> model = GroupLassoRegressor(alpha=0.1)
    >>> model = model.fit(drawn.data, drawn.target, task=drawn.task)
    >>> display = StabilityDisplay.from_estimator(
    ...     model, drawn.data, drawn.target, task=drawn.task, n_bootstraps=10, random_state=0
    ... )
    >>> display.values_.shape
    (5, 6)
    """

    def __init__(self, stability: Any):
        self.stability = stability
        columns = columns_of(stability.features, ("feature", "frequency"), "selection_stability")
        names, rows = places_of(columns["feature"])
        frequency = np.zeros(len(names))
        frequency[rows] = columns["frequency"].astype(float)
        order = np.argsort(-frequency, kind="stable")
        self.features_, self.frequency_ = [names[i] for i in order], frequency[order]
        self.tasks_: list[str] = []
        self.values_ = np.empty((len(names), 0))
        if stability.tasks is not None:
            self._read_tasks(stability.tasks)

    def _read_tasks(self, frame: Any) -> None:
        columns = columns_of(frame, ("task", "feature", "frequency"), "selection_stability")
        names, rows = places_of(columns["feature"])
        self.tasks_, places = places_of(columns["task"])
        shape = len(names), len(self.tasks_)
        table = table_of(rows, places, columns["frequency"], shape)
        self.values_ = table[[names.index(name) for name in self.features_]]

    @classmethod
    def from_estimator(
        cls, model: Any, X: Any, y: Any, *, task: Any = None, ax: Any = None, **options: Any
    ) -> StabilityDisplay:
        """Fit resamples, and draw how often they select each feature.

        Parameters
        ----------
        model : estimator
            A fitted estimator of this library, a pipeline that ends in one or a search for one.
        X, y, task : as in ``fit``
        ax : matplotlib.axes.Axes, or two of them, default=None
            Where to draw.
        **options
            Further parameters of :func:`mtlearn.inspection.selection_stability`.

        Returns
        -------
        display : StabilityDisplay
        """
        from mtlearn.inspection import selection_stability

        return cls(selection_stability(model, X, y, task=task, **options)).plot(ax)

    def _panels(self) -> Sequence[float]:
        return (1.0, 1.6) if self.tasks_ else (1.0,)

    def _size(self) -> tuple[float, float]:
        width = 2.2 + (grown(len(self.tasks_), 0.2, 2.2, 5.0) if self.tasks_ else 1.0)
        return width + 2.2, grown(len(self.features_), 0.2, 1.6, 6.5) + 1.9

    def _draw(self, axes: list[Any], rooms: list[tuple[float, float]]) -> None:
        bars, *more = axes
        d = len(self.features_)
        thick = 0.75 if d < 60 else 1.0
        bars.barh(np.arange(d), self.frequency_, height=thick, color=BLUE, linewidth=0)
        bars.axvline(OFTEN, color="0.3", linewidth=1, linestyle="--")
        bars.set(xlim=(0, 1), ylim=(d - 0.5, -0.5), xticks=[0, 0.5, OFTEN])
        verb = "selected for any task" if self.tasks_ else "in the model"
        label_axes(bars, rooms[0], x=f"{verb} (share of resamples)")
        label_rows(bars, self.features_, rooms[0][1])
        bare(bars, "top", "right")
        for each in more:
            self._draw_tasks(each, rooms[1])

    def _draw_tasks(self, each: Any, room: tuple[float, float]) -> None:
        image = each.imshow(
            self.values_, cmap="cividis", vmin=0, vmax=1, aspect="auto", interpolation="nearest"
        )
        label_columns(each, self.tasks_, room[0])
        label_rows(each, [], room[1])
        label_axes(each, room, x=f"for each of {len(self.tasks_):,} tasks")
        bare(each, "top", "right", "left", "bottom")
        colour_bar(image, each, "share of resamples", room)

    def _finding(self) -> str:
        found, d = self.stability, len(self.features_)
        often = int((self.frequency_ >= OFTEN).sum())
        what = "features" if self.tasks_ else "components"
        said = (
            f"{often:,} of {d:,} {what} {'is' if often == 1 else 'are'} selected in at least "
            f"{OFTEN:.0%} of {found.n_bootstraps:,} resamples"
        )
        if np.isnan(found.stability):
            return said
        return f"{said}; stability {found.stability:.2f} ({found.low:.2f} to {found.high:.2f})"
