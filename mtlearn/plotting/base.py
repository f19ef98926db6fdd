"""What a display is: numbers that are kept as they are, and a picture that says what they say.

As in scikit-learn: the constructor takes numbers, ``from_estimator`` computes and draws them,
``plot`` draws into axes of the user's or a new figure, and keeps both.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Self

import numpy as np

from mtlearn.plotting.drawing import TITLE, inches_of, pyplot, wrapped

ASIDE, BELOW = 1.8, 1.5  # inches of a figure for names and titles
MARGIN = 0.15


class Display(ABC):
    """A picture of what a function of :mod:`mtlearn.inspection` found.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
        Where the picture is; the first of ``axes_``.
    axes_ : list of matplotlib.axes.Axes
        All panels.
    figure_ : matplotlib.figure.Figure
    title_ : str
        The finding in words, on one line.
    """

    ax_: Any
    axes_: list[Any]
    figure_: Any
    title_: str
    _above = 6.0  # points between picture and title that something else needs

    def plot(self, ax: Any = None, *, title: str | None = None) -> Self:
        """Draw.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, or as many of them as there are panels, default=None
            Where to; None makes a figure of a size that suits. One is divided where there are
            several panels.
        title : str, default=None
            Above the picture; None says what it shows in words (``title_``), "" says nothing.

        Returns
        -------
        self : Display
        """
        if ax is None:
            return self.fill(pyplot().figure(figsize=self._size(), layout="constrained"), title)
        axes, widths = list(np.ravel(ax)), self._panels()
        first, (width, height) = axes[0], inches_of(axes[0])
        if len(axes) == 1 < len(widths):
            axes = _divided(first, widths)
        else:
            width *= sum(widths) / widths[0]
        if said := self._drawn(axes, (width, height), title):
            text = wrapped(said, inches_of(first)[0])
            style = {"loc": "left", "fontsize": TITLE, "pad": self._above, "parse_math": False}
            first.set_title(text, **style)
        return self

    def fill(self, figure: Any, title: str | None = None) -> Self:
        """Draw into a figure, or a part of one, that is empty.

        Parameters
        ----------
        figure : matplotlib.figure.Figure or SubFigure
        title : str, default=None
            As in :meth:`plot`.

        Returns
        -------
        self : Display
        """
        widths, (width, height) = self._panels(), inches_of(figure)
        ratios = {"width_ratios": widths}
        axes = figure.subplots(1, len(widths), squeeze=False, gridspec_kw=ratios)[0]
        if said := self._drawn(list(axes), (width - ASIDE, height - BELOW), title):
            text = wrapped(said, width - 2 * MARGIN)
            place = {"x": MARGIN / width, "ha": "left"}
            figure.suptitle(text, fontsize=TITLE, parse_math=False, **place)
        return self

    def _drawn(self, axes: list[Any], room: tuple[float, float], title: str | None) -> str:
        """Draw into panels that share so many inches; what is to stand above them."""
        widths = np.array(self._panels()[: len(axes)])
        self.axes_, self.ax_, self.figure_ = axes, axes[0], axes[0].figure
        self.title_ = self._finding()
        shares = widths / widths.sum() * room[0]
        self._draw(axes, [(float(share), room[1]) for share in shares])
        return self.title_ if title is None else title

    def _panels(self) -> Sequence[float]:
        """Widths of the panels, relative to each other."""
        return (1.0,)

    @abstractmethod
    def _size(self) -> tuple[float, float]:
        """Inches of a figure that suits."""

    @abstractmethod
    def _draw(self, axes: list[Any], rooms: list[tuple[float, float]]) -> None:
        """Draw into the panels, each of so many inches."""

    @abstractmethod
    def _finding(self) -> str:
        """What the picture shows, in words."""


def _divided(ax: Any, widths: Sequence[float]) -> list[Any]:
    """Panels side by side in the place of one."""
    ax.axis("off")
    gap = 0.06
    ends = np.concatenate([[0.0], np.cumsum(widths)]) / sum(widths) * (1 + gap)
    return [
        ax.inset_axes([left, 0, right - left - gap, 1]) for left, right in pairwise(ends.tolist())
    ]
