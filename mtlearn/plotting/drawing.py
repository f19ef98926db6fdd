"""What all pictures have in common: matplotlib where it is needed, colours, sizes, labels, titles.

Names come from the user's data: they are shortened where they are long, thinned where they are
many, and never read as formulas (a label such as ``$5`` is one of matplotlib's).
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from mtlearn.exceptions import plain, shortened

# Okabe and Ito (2008), which colour-blind readers tell apart
BLUE, RED, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#8C8C8C"
DIVERGING, SEQUENTIAL = "RdBu_r", "viridis"
TITLE, TEXT = 11.0, 9.0  # points
LINE = 0.165  # inches from one label of TEXT to the next, at least
LONGEST = 24  # characters of a label
HINTED = 1.04  # letters on a grid of pixels are up to so many times as wide as they are made


def pyplot() -> Any:
    """matplotlib.pyplot."""
    check_matplotlib()
    from matplotlib import pyplot

    return pyplot


def new_figure(width: float, height: float) -> Any:
    """A figure that belongs to nobody: no window, no state of pyplot."""
    check_matplotlib()
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def check_matplotlib() -> None:
    """See to it that pictures can be drawn.

    Raises
    ------
    ImportError
        If matplotlib is missing, naming the extra.
    """
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise ImportError(
            'pictures need matplotlib: python -m pip install "scikit-mtlearn[plot]"'
        ) from error


def grown(n: int, each: float, least: float, most: float) -> float:
    """Inches for n rows or columns: it grows with them, and then stops."""
    return float(np.clip(n * each, least, most))


def inches_of(part: Any) -> tuple[float, float]:
    """Width and height of axes, or of a figure, as they are now."""
    box = part.get_window_extent() if hasattr(part, "get_window_extent") else part.bbox
    dpi = part.figure.dpi
    return box.width / dpi, box.height / dpi


def label_rows(ax: Any, names: Iterable[Any], inches: float, first: Sequence[int] = ()) -> None:
    """Names along the y axis at 0, 1, …, as many as have room, ``first`` ones before all."""
    names = list(names)
    shown = _thinned(len(names), inches / LINE, first)
    texts = [shortened(names[i], LONGEST) for i in shown]
    ax.set_yticks(shown, texts, parse_math=False, fontsize=TEXT)
    ax.tick_params(axis="y", length=2 if len(shown) < len(names) else 0)


def label_columns(ax: Any, names: Iterable[Any], inches: float) -> None:
    """The same along the x axis, upright where they are too wide for their columns."""
    names = list(names)
    shown = _thinned(len(names), inches / LINE)
    texts = [shortened(names[i], LONGEST) for i in shown]
    widest = max((text_width(text, TEXT) for text in texts), default=0.0) + 0.1
    upright = widest * len(texts) > inches
    rotation = 90 if upright else 0
    ax.set_xticks(shown, texts, parse_math=False, rotation=rotation, fontsize=TEXT)
    ax.tick_params(axis="x", length=2 if len(shown) < len(names) else 0)


def _thinned(n: int, room: float, first: Sequence[int] = ()) -> list[int]:
    """Positions of the labels that are shown where there is room for so many."""
    if n <= room:
        return list(range(n))
    apart = n / max(room, 1.0)
    shown: list[int] = []
    for i in [*first, *range(0, n, math.ceil(apart))]:
        if all(abs(i - other) >= apart for other in shown):
            shown.append(int(i))
    return sorted(shown)


def text_width(text: str, points: float) -> float:
    """Inches of one line."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    font = FontProperties(size=points)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of letters that the font lacks drawing warns
        width, _, _ = text_to_path.get_text_width_height_descent(text, font, ismath=False)
    return width / 72


def wrapped(text: str, inches: float, points: float = TITLE) -> str:
    """The text on lines of at most that width."""
    lines, line = [], ""
    for word in text.split():
        longer = f"{line} {word}" if line else word
        if line and HINTED * text_width(longer, points) > inches:
            lines.append(line)
            longer = word
        line = longer
    return "\n".join([*lines, line])


def label_axes(ax: Any, room: tuple[float, float], x: str | None = None, y: str | None = None):
    """What is along the axes, on as many lines as it takes."""
    if x is not None:
        ax.set_xlabel(wrapped(x, room[0], TEXT), fontsize=TEXT, parse_math=False)
    if y is not None:
        ax.set_ylabel(wrapped(y, room[1], TEXT), fontsize=TEXT, parse_math=False)


def legend_above(ax: Any, columns: int) -> None:
    """Between picture and title, where it covers nothing."""
    ax.legend(
        loc="lower left",
        bbox_to_anchor=(0.0, 1.0),
        ncols=columns,
        frameon=False,
        fontsize=TEXT - 1,
        borderaxespad=0.2,
        handletextpad=0.4,
        columnspacing=1.2,
    )


def listed(names: Sequence[Any], most: int = 3) -> str:
    """Names in a sentence: "a, b and c", "a, b, c and 4 more"."""
    names = [shortened(name, LONGEST) for name in names]
    if len(names) > most:
        return f"{', '.join(names[:most])} and {len(names) - most:,} more"
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


def two_digits(value: float) -> str:
    """A number as sentences have it, with a minus that is one."""
    text = f"{value:.2g}" if 1e-3 <= abs(value) < 100 or value == 0 else f"{value:.3g}"
    return text.replace("-", "−")


def as_text(labels: Iterable[Any]) -> list[str]:
    """Labels as they are shown, on one line and without what no font has."""
    return [_printable(str(plain(label))) for label in labels]


def _printable(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def colour_bar(
    mappable: Any, axes: Any, label: str, room: tuple[float, float], **options: Any
) -> Any:
    """A thin bar beside the axes that says what colours mean."""
    label = wrapped(label, max(room[1], 1.5), TEXT)
    figure = np.ravel(axes)[0].figure
    bar = figure.colorbar(mappable, ax=axes, aspect=30, pad=0.02, **options)
    bar.set_label(label, fontsize=TEXT, parse_math=False)
    bar.ax.tick_params(labelsize=TEXT - 1)
    bar.outline.set_visible(False)
    return bar


def bare(ax: Any, *sides: str) -> None:
    """Axes without the lines on these sides, numbers in the size of text."""
    ax.spines[list(sides)].set_visible(False)
    ax.tick_params(labelsize=TEXT)
