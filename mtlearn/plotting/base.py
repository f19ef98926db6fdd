"""What a display is: numbers that are kept as they are, and a picture that says what they say.

As in scikit-learn: the constructor takes numbers, ``from_estimator`` computes and draws them,
``plot`` draws into axes of the user's or a new figure, and keeps both.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np

from mtlearn.plotting.drawing import TITLE, inches_of, pyplot, wrapped

Self = TypeVar("Self", bound="Display")


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

    def plot(self: Self, ax: Any = None, *, title: str | None = None) -> Self:
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
        widths = self._panels()
        width, height = self._size()
        own = ax is None
        if own:
            figure = pyplot().figure(figsize=(width, height), layout="constrained")
            ratios = {"width_ratios": widths}
            axes = figure.subplots(1, len(widths), squeeze=False, gridspec_kw=ratios)[0]
            room = width - 1.8, height - 1.5  # without names and title
        else:
            axes = np.ravel(ax)
            figure = axes[0].figure
            room = inches_of(axes[0])
            if len(axes) == 1 < len(widths):
                axes = _divided(axes[0], widths)
            else:
                room = room[0] * sum(widths) / widths[0], room[1]
        self.axes_, self.ax_, self.figure_ = list(axes), axes[0], figure
        self.title_ = self._finding()
        shares = np.array(widths) / sum(widths) * room[0]
        self._draw(self.axes_, [(float(share), room[1]) for share in shares])
        said = self.title_ if title is None else title
        if own and said:
            text = wrapped(said, width - 0.3)
            figure.suptitle(text, x=0.15 / width, ha="left", fontsize=TITLE, parse_math=False)
        elif said:
            text = wrapped(said, inches_of(np.ravel(ax)[0])[0])
            np.ravel(ax)[0].set_title(text, loc="left", fontsize=TITLE, parse_math=False)
        return self

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
    pairs = zip(ends[:-1], ends[1:], strict=True)
    return [ax.inset_axes([left, 0, right - left - gap, 1]) for left, right in pairs]
