"""Whom learning together helps: the gain of every task with its interval."""

from __future__ import annotations

from typing import Any

import numpy as np

from mtlearn.plotting.base import Display
from mtlearn.plotting.drawing import (
    RED,
    SEQUENTIAL,
    as_text,
    bare,
    colour_bar,
    grown,
    label_axes,
    label_rows,
    legend_above,
    listed,
)
from mtlearn.plotting.reading import columns_of

SIGNS = {"helped": ">", "no evidence": "o", "hurt": "<"}
INTERVAL = 1.96  # standard errors
RASTERED = 500  # tasks from which on vector graphics hold the dots as a picture


class TransferGainDisplay(Display):
    """What each task gains from being learned with the others, sorted, with 95 % intervals.

    A dot is the gain of a task, shrunk towards that of the others where they tell (``shrunk``),
    coloured by its rows; the line is what its own held-out rows say, ± 1.96 standard errors.
    Tasks that are helped or hurt for sure point to their side.

    Parameters
    ----------
    frame : data frame
        What :func:`mtlearn.inspection.transfer_gain` returns.

    Attributes
    ----------
    tasks_ : list of str
        Names from the top down, the largest gain first.
    gain_, shrunk_, std_error_ : ndarrays of shape (n_tasks,)
        In the same order.
    ax_, axes_, figure_, title_ :
        The picture, and the finding in words.

    See Also
    --------
    mtlearn.compare_tasks : Is it worth it, on the whole?

    Examples
    --------
    >>> import pandas as pd
    >>> from mtlearn.plotting import TransferGainDisplay
    >>> frame = pd.DataFrame(
    ...     {
    ...         "task": ["ash", "elm", "oak"],
    ...         "n_rows": [40, 10, 80],
    ...         "gain": [0.3, 0.4, -0.1],
    ...         "std_error": [0.1, 0.4, 0.2],
    ...         "shrunk": [0.28, 0.2, 0.0],
    ...         "probability": [0.99, 0.8, 0.5],
    ...         "verdict": ["helped", "no evidence", "no evidence"],
    ...     }
    ... )
    >>> TransferGainDisplay(frame).plot().title_
    'Learning together helps 1 of 3 tasks and hurts none; for 2 there is no evidence'
    """

    _above = 24.0

    def __init__(self, frame: Any):
        self.frame = frame
        columns = columns_of(
            frame, ("task", "n_rows", "gain", "std_error", "verdict"), "transfer_gain"
        )
        gain = columns["gain"].astype(float)
        order = np.argsort(-gain, kind="stable")  # NaN comes last
        self.tasks_ = as_text(columns["task"][order].tolist())
        self.gain_, self.std_error_ = gain[order], columns["std_error"].astype(float)[order]
        shrunk = columns["shrunk"].astype(float)[order] if "shrunk" in columns else self.gain_
        self.shrunk_ = np.where(np.isnan(shrunk), self.gain_, shrunk)
        self.n_rows_ = columns["n_rows"].astype(float)[order]
        self.verdict_ = np.array(as_text(columns["verdict"][order].tolist()), dtype=object)

    @classmethod
    def from_estimator(
        cls, model: Any, X: Any, y: Any, *, task: Any = None, ax: Any = None, **options: Any
    ) -> TransferGainDisplay:
        """Compute the gains by cross-validation, and draw them.

        Parameters
        ----------
        model : estimator
            An estimator of this library, a pipeline that ends in one or a search for one; fitted
            or not.
        X, y, task : as in ``fit``
        ax : matplotlib.axes.Axes, default=None
            Where to draw.
        **options
            Further parameters of :func:`mtlearn.inspection.transfer_gain`.

        Returns
        -------
        display : TransferGainDisplay
        """
        from mtlearn.inspection import transfer_gain

        return cls(transfer_gain(model, X, y, task=task, **options)).plot(ax)

    def _size(self) -> tuple[float, float]:
        return 5.6, grown(len(self.tasks_), 0.22, 1.4, 7.0) + 1.5

    def _draw(self, axes: list[Any], rooms: list[tuple[float, float]]) -> None:
        from matplotlib.colors import LogNorm

        (ax,), n = axes, len(self.tasks_)
        y, many = np.arange(n), n > RASTERED
        half = INTERVAL * np.nan_to_num(self.std_error_)
        thick = float(np.clip(150 / n, 0.5, 2.0))
        low, high = self.gain_ - half, self.gain_ + half
        ax.hlines(y, low, high, color="0.75", linewidth=thick, zorder=1, rasterized=many)
        ax.axvline(0, color=RED, linewidth=1, zorder=2)
        sizes = np.maximum(self.n_rows_, 1)
        norm = LogNorm(sizes.min(), max(sizes.max(), sizes.min() * 1.01))
        area = float(np.clip(1500 / n, 8, 45))
        for said, marker in SIGNS.items():
            of = self.verdict_ == said
            if not of.any():
                continue
            dots = ax.scatter(
                self.shrunk_[of],
                y[of],
                c=sizes[of],
                s=area * (1 if said == "no evidence" else 2),
                marker=marker,
                cmap=SEQUENTIAL,
                norm=norm,
                edgecolors="none" if n > 100 and said == "no evidence" else "0.15",
                linewidths=0.5,
                zorder=3 + (said != "no evidence"),
                rasterized=many,
                label=said,
            )
        self._limits(ax, low, high)
        sure = np.flatnonzero(self.verdict_ != "no evidence").tolist()
        label_rows(ax, self.tasks_, rooms[0][1], sure)
        ax.set_ylim(n - 0.4, -0.6)
        gain = "gain: held-out loss of the baseline − of the model"
        label_axes(ax, rooms[0], x=gain)
        bare(ax, "top", "right")
        legend_above(ax, 3)
        if norm.vmax > 1.02 * norm.vmin:
            _bar_of_rows(dots, ax, rooms[0])

    def _limits(self, ax: Any, low: np.ndarray, high: np.ndarray) -> None:
        """All dots, and intervals but for the few that would leave no room for others."""
        low, high = low[np.isfinite(low)], high[np.isfinite(high)]
        if len(low) == 0:
            return
        dots = self.shrunk_[np.isfinite(self.shrunk_)]
        left = min(float(np.quantile(low, 0.02)), float(dots.min()), 0.0)
        right = max(float(np.quantile(high, 0.98)), float(dots.max()), 0.0)
        margin = 0.05 * (right - left) or 1.0
        ax.set_xlim(left - margin, right + margin)

    def _finding(self) -> str:
        counts = {said: int((self.verdict_ == said).sum()) for said in SIGNS}
        n = len(self.tasks_)
        if not counts["helped"] + counts["hurt"]:
            return f"No single one of {n:,} tasks is helped or hurt for sure"
        hurt = np.flatnonzero(self.verdict_ == "hurt")[::-1]
        harmed = f" ({listed([self.tasks_[i] for i in hurt])})" if len(hurt) else ""
        rest = counts["no evidence"]
        return (
            f"Learning together helps {counts['helped'] or 'none':,} of {n:,} tasks and hurts "
            if counts["helped"]
            else f"Learning together helps none of {n:,} tasks and hurts "
        ) + (
            f"{len(hurt) or 'none'}{harmed}" + (f"; for {rest:,} there is no evidence" * bool(rest))
        )


def _bar_of_rows(dots: Any, ax: Any, room: tuple[float, float]) -> None:
    """A colour bar of counts: whole numbers, the ends and some between."""
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    bar = colour_bar(dots, ax, "rows of the task", room)
    low, high = dots.norm.vmin, dots.norm.vmax
    nice = [m * 10**k for k in range(9) for m in (1, 2, 5) if low <= m * 10**k <= high]
    ticks = nice if len(nice) > 1 else [low, *([high] if high > 1.5 * low else [])]
    bar.ax.yaxis.set_major_locator(FixedLocator(ticks))
    bar.ax.yaxis.set_minor_locator(NullLocator())
    bar.ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
