"""Who belongs together: similarities of tasks as a heat map, with their dendrogram."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from mtlearn.exceptions import counted
from mtlearn.plotting.base import Display
from mtlearn.plotting.drawing import (
    DIVERGING,
    as_text,
    bare,
    colour_bar,
    grown,
    label_columns,
    label_rows,
)
from mtlearn.plotting.reading import columns_of

TREE = 0.16  # height of the dendrogram as a share of the heat map's
FEWEST = 3  # tasks of which some may be closer than others


class TaskSimilarityDisplay(Display):
    """Similarities of tasks as a heat map in the order of their dendrogram, clusters framed.

    Parameters
    ----------
    similarity : mtlearn.inspection.TaskSimilarity
        What :func:`mtlearn.inspection.task_similarity` returns.

    Attributes
    ----------
    tasks_ : list of str
        Names in the order of the picture.
    values_ : ndarray of shape (n_tasks, n_tasks)
        What is drawn.
    clusters_ : ndarray of shape (n_tasks,)
        The cluster of each task, in that order.
    ax_, axes_, figure_, title_ :
        The picture, and the finding in words.

    Examples
    --------
    >>> from mtlearn import MeanRegularizedRegressor
    >>> from mtlearn.datasets import make_multitask_regression
    >>> from mtlearn.plotting import TaskSimilarityDisplay
    >>> drawn = make_multitask_regression(n_tasks=8, n_features=5, random_state=0)
    >>> model = MeanRegularizedRegressor(alpha=0.1)
    >>> model = model.fit(drawn.data, drawn.target, task=drawn.task)
    >>> TaskSimilarityDisplay.from_estimator(model).values_.shape
    (8, 8)
    """

    def __init__(self, similarity: Any):
        self.similarity = similarity
        columns = columns_of(similarity.tasks, ("task", "cluster", "position"), "task_similarity")
        order = np.argsort(columns["position"], kind="stable")
        self.tasks_ = as_text(columns["task"][order].tolist())
        self.clusters_ = columns["cluster"][order]
        self.values_ = np.asarray(similarity.values)[np.ix_(order, order)]
        self._places = np.argsort(order)

    @classmethod
    def from_estimator(
        cls, model: Any, X: Any = None, *, task: Any = None, ax: Any = None, **options: Any
    ) -> TaskSimilarityDisplay:
        """Compute how similar the tasks of a fitted model are, and draw it.

        Parameters
        ----------
        model : estimator
            A fitted estimator of this library, a pipeline that ends in one or a search for one.
        X, task : as in ``predict``, default=None
            Rows on which predictions are compared; without, coefficients are.
        ax : matplotlib.axes.Axes, default=None
            Where to draw.
        **options
            Further parameters of :func:`mtlearn.inspection.task_similarity`.

        Returns
        -------
        display : TaskSimilarityDisplay
        """
        from mtlearn.inspection import task_similarity

        return cls(task_similarity(model, X, task=task, **options)).plot(ax)

    def _size(self) -> tuple[float, float]:
        side = grown(len(self.tasks_), 0.2, 2.4, 6.0)
        return side + 2.2, side + 1.9

    def _draw(self, axes: list[Any], rooms: list[tuple[float, float]]) -> None:
        (ax,), n = axes, len(self.tasks_)
        image = ax.imshow(
            self.values_, cmap=DIVERGING, vmin=-1, vmax=1, aspect="auto", interpolation="nearest"
        )
        bare(ax, "top", "right", "left", "bottom")
        label_rows(ax, self.tasks_, rooms[0][1])
        label_columns(ax, self.tasks_, rooms[0][0])
        self._frame_clusters(ax)
        tree = self.similarity.linkage
        if tree is not None and len(tree) == n - 1:
            above = ax.inset_axes([0, 1.01, 1, TREE])
            _draw_tree(above, tree, self._places)
            self.axes_.append(above)
        label = f"similarity ({self.similarity.kind}), 1 is the same"
        colour_bar(image, ax, label, rooms[0], shrink=0.85)

    def _frame_clusters(self, ax: Any) -> None:
        from matplotlib.patches import Rectangle

        ends = np.flatnonzero(np.diff(self.clusters_) != 0) + 1
        bounds = [0, *map(int, ends), len(self.tasks_)]
        for low, high in pairwise(bounds):
            size = high - low
            if len(bounds) > 2:
                corner = (low - 0.5, low - 0.5)
                ax.add_patch(Rectangle(corner, size, size, fill=False, edgecolor="k", lw=1.2))

    def _finding(self) -> str:
        labels, sizes = np.unique(self.clusters_, return_counts=True)
        n, k = len(self.tasks_), len(labels)
        if k == 1:
            if n < FEWEST:
                return f"{counted(n, 'task is', 'tasks are')} too few for clusters"
            alike = np.allclose(self.values_, 1.0)
            return f"The {n:,} tasks {'are alike' if alike else 'form no clear clusters'}"
        most = sorted(sizes.tolist(), reverse=True)[:6]
        shown = ", ".join(f"{size:,}" for size in most) + (", …" if k > 6 else "")
        return f"The {n:,} tasks fall into {k} clusters (of {shown} tasks)"


def _draw_tree(ax: Any, tree: np.ndarray, places: np.ndarray) -> None:
    """A dendrogram above the columns; without recursion, which chains of thousands exhaust."""
    from matplotlib.collections import LineCollection

    n = len(places)
    x, height = np.concatenate([places, np.zeros(n - 1)]), np.zeros(2 * n - 1)
    lines = []
    for step, (one, other, distance) in enumerate(tree[:, :3]):
        a, b = int(one), int(other)
        x[n + step], height[n + step] = (x[a] + x[b]) / 2, distance
        lines.append(
            [(x[a], height[a]), (x[a], distance), (x[b], distance), (x[b], height[b])],
        )
    ax.add_collection(LineCollection(lines, colors="0.35", linewidths=0.8 if n < 100 else 0.4))
    ax.set_xlim(-0.5, n - 0.5)
    ax.set_ylim(0, height.max() * 1.03 or 1.0)
    ax.axis("off")
