"""How related tasks are: the score between a model for each task and one for all."""

from __future__ import annotations

from typing import Any

import numpy as np

from mtlearn.plotting.base import Display
from mtlearn.plotting.drawing import BLUE, GREEN, GREY, RED, bare, label_axes, legend_above
from mtlearn.plotting.reading import columns_of

ENDS = 0.02  # of the way: nearer to an end is at it


class RelatednessDisplay(Display):
    """The cross-validated score from independent tasks (0) to one model for all (1).

    Parameters
    ----------
    path : mtlearn.inspection.RelatednessPath
        What :func:`mtlearn.inspection.relatedness_path` returns.

    Attributes
    ----------
    relatedness_, score_, std_error_ : ndarrays of shape (n_alphas,)
        What is drawn, from independent to pooled.
    ax_, axes_, figure_, title_ :
        The picture, and the finding in words.

    Examples
    --------
    >>> from mtlearn import MeanRegularizedRegressor
    >>> from mtlearn.datasets import make_multitask_regression
    >>> from mtlearn.plotting import RelatednessDisplay
    >>> drawn = make_multitask_regression(n_tasks=8, n_features=5, random_state=0)
    >>> display = RelatednessDisplay.from_estimator(
    ...     MeanRegularizedRegressor(), drawn.data, drawn.target, task=drawn.task
    ... )
    >>> bool(0 <= display.path.best_relatedness <= 1)
    True
    """

    _above = 24.0

    def __init__(self, path: Any):
        self.path = path
        columns = columns_of(path.frame, ("relatedness", "score", "std_error"), "relatedness_path")
        order = np.argsort(columns["relatedness"], kind="stable")
        self.relatedness_, self.score_, self.std_error_ = (
            columns[name].astype(float)[order] for name in ("relatedness", "score", "std_error")
        )

    @classmethod
    def from_estimator(
        cls, model: Any, X: Any, y: Any, *, task: Any = None, ax: Any = None, **options: Any
    ) -> RelatednessDisplay:
        """Score the way from independent to pooled by cross-validation, and draw it.

        Parameters
        ----------
        model : estimator
            An estimator of this library, a pipeline that ends in one or a search for one; fitted
            or not.
        X, y, task : as in ``fit``
        ax : matplotlib.axes.Axes, default=None
            Where to draw.
        **options
            Further parameters of :func:`mtlearn.inspection.relatedness_path`.

        Returns
        -------
        display : RelatednessDisplay
        """
        from mtlearn.inspection import relatedness_path

        return cls(relatedness_path(model, X, y, task=task, **options)).plot(ax)

    def _size(self) -> tuple[float, float]:
        return 5.6, 4.0

    def _draw(self, axes: list[Any], rooms: list[tuple[float, float]]) -> None:
        (ax,) = axes
        x, score, error = self.relatedness_, self.score_, np.nan_to_num(self.std_error_)
        ax.fill_between(x, score - error, score + error, color=BLUE, alpha=0.18, linewidth=0)
        ax.plot(x, score, color=BLUE, marker=".", markersize=4, linewidth=1.5)
        ends = {"independent": (0, self.path.independent), "pooled": (1, self.path.pooled)}
        shapes = {"independent": ("s", GREY), "pooled": ("D", GREEN)}
        for name, (place, value) in ends.items():
            marker, color = shapes[name]
            ax.plot([place], [value], marker, color=color, markersize=7, clip_on=False, label=name)
        best = self.path.best_relatedness
        ax.axvline(best, color=RED, linewidth=1.2, linestyle="--", label=f"best, {best:.2f}")
        ax.set_xlim(-0.02, 1.02)
        label_axes(
            ax,
            rooms[0],
            x="relatedness: 0 a model for each task, 1 one model for all",
            y=f"{_in_words(self.path.score_name)}, ± 1 standard error",
        )
        legend_above(ax, 3)
        bare(ax, "top", "right")

    def _finding(self) -> str:
        best = self.path.best_relatedness
        if best >= 1 - ENDS:
            return "One model for all tasks is best: they do not measurably differ"
        if best <= ENDS:
            return "A model for each task is best: they have nothing to learn from each other"
        nearer = "one model for all" if best >= 0.5 else "a model for each task"
        return (
            f"Tasks are {best:.0%} related: best is between the two ends, nearer to {nearer}"
            if abs(best - 0.5) > ENDS
            else f"Tasks are {best:.0%} related: best is half way between the two ends"
        )


def _in_words(score: str) -> str:
    """The name of a scorer as one reads it: "minus mean squared error"."""
    return score.replace("neg_", "minus ").replace("_", " ")
