"""Which tasks help which: the gain of every task by every other one."""

from __future__ import annotations

from typing import Any

import numpy as np

from mtlearn.plotting.base import Display
from mtlearn.plotting.coefficients import colour_limit, seriated
from mtlearn.plotting.drawing import (
    as_text,
    bare,
    colour_bar,
    grown,
    label_axes,
    label_columns,
    label_rows,
    listed,
)
from mtlearn.plotting.reading import columns_of

GAINS = "PuOr"  # another diverging map than that of coefficients: below zero is harm


class TransferMatrixDisplay(Display):
    """The gain of every task (columns) by every other one (rows), ordered so that blocks are seen.

    Parameters
    ----------
    transfer : mtlearn.inspection.TransferMatrix
        What :func:`mtlearn.inspection.transfer_matrix` returns.

    Attributes
    ----------
    tasks_ : list of str
        Names in the order of the picture, of rows and of columns.
    values_ : ndarray of shape (n_tasks, n_tasks)
        What is drawn; NaN on the diagonal, which is left grey.
    ax_, axes_, figure_, title_ :
        The picture, and the finding in words.

    See Also
    --------
    TransferGainDisplay : What each task gains by all others together.

    Examples
    --------
    >>> from mtlearn import MeanRegularizedRegressor
    >>> from mtlearn.datasets import make_multitask_regression
    >>> from mtlearn.plotting import TransferMatrixDisplay
    >>> drawn = make_multitask_regression(n_tasks=5, n_features=4, random_state=0)
    >>> model = MeanRegularizedRegressor(alpha=0.1)
    >>> model = model.fit(drawn.data, drawn.target, task=drawn.task)
    >>> display = TransferMatrixDisplay.from_estimator(
    ...     model, drawn.data, drawn.target, task=drawn.task
    ... )
    >>> display.values_.shape
    (5, 5)
    """

    def __init__(self, transfer: Any):
        self.transfer = transfer
        values = np.asarray(transfer.values, dtype=float)
        known = np.nan_to_num(values)
        order = seriated(np.hstack([known, known.T]))
        self.values_ = values[np.ix_(order, order)]
        self.tasks_ = as_text(transfer.tasks[i] for i in order)
        columns = columns_of(transfer.sources, ("source", "verdict"), "transfer_matrix")
        said = zip(as_text(columns["source"].tolist()), columns["verdict"].tolist(), strict=True)
        self._verdicts = list(said)

    @classmethod
    def from_estimator(
        cls, model: Any, X: Any, y: Any, *, task: Any = None, ax: Any = None, **options: Any
    ) -> TransferMatrixDisplay:
        """Compute which tasks help which, and draw it.

        Parameters
        ----------
        model : estimator
            A fitted estimator of this library, a pipeline that ends in one or a search for one.
        X, y, task : as in ``fit``
        ax : matplotlib.axes.Axes, default=None
            Where to draw.
        **options
            Further parameters of :func:`mtlearn.inspection.transfer_matrix`.

        Returns
        -------
        display : TransferMatrixDisplay
        """
        from mtlearn.inspection import transfer_matrix

        return cls(transfer_matrix(model, X, y, task=task, **options)).plot(ax)

    def _size(self) -> tuple[float, float]:
        side = grown(len(self.tasks_), 0.2, 2.4, 6.0)
        return side + 2.2, side + 1.7

    def _draw(self, axes: list[Any], rooms: list[tuple[float, float]]) -> None:
        (ax,), room = axes, rooms[0]
        top, cut = colour_limit(self.values_)
        ax.set_facecolor("0.85")
        image = ax.imshow(
            self.values_, cmap=GAINS, vmin=-top, vmax=top, aspect="auto", interpolation="nearest"
        )
        bare(ax, "top", "right", "left", "bottom")
        label_rows(ax, self.tasks_, room[1])
        label_columns(ax, self.tasks_, room[0])
        label_axes(ax, room, x="task that gains", y="task that is learned with it")
        label = "gain on held-out rows; below zero it harms"
        colour_bar(image, ax, label, room, extend="both" if cut else "neither")

    def _finding(self) -> str:
        n = len(self.tasks_)
        harm, help_ = (
            [name for name, verdict in self._verdicts if verdict == said]
            for said in ("harms", "helps")
        )
        if not harm and not help_:
            return f"No single one of {n:,} tasks helps or harms the others for sure"
        harms = f"{len(harm):,} of {n:,} tasks {'harms' if len(harm) == 1 else 'harm'} the others"
        who = f" ({listed(harm)})" if harm else ""
        helps = (
            f"{len(help_):,} {'helps' if len(help_) == 1 else 'help'}" if help_ else "none helps"
        )
        return (
            f"{harms if harm else f'None of {n:,} tasks harms the others'}{who}, {helps} for sure"
        )
