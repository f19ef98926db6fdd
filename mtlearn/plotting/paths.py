"""What alpha does: coefficients along a path of fits, or the scores by which it was chosen."""

from __future__ import annotations

from typing import Any

import numpy as np

from mtlearn.exceptions import shortened
from mtlearn.inputs.checks import check_option
from mtlearn.metrics.answers import unwrap
from mtlearn.plotting.base import Display
from mtlearn.plotting.drawing import BLUE, LONGEST, bare, label_axes, legend_above, two_digits
from mtlearn.plotting.path_frames import (
    DEVIATIONS,
    SINGULAR,
    last_step,
    on_log_axis,
    path_of,
    scores_of,
)
from mtlearn.plotting.reading import columns_of, places_of, table_of

SCORES, FEATURES = "scores", "features"
NAMED = 6  # lines with a colour and a name
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
STYLES = ("-", "--", "-.", ":", "-", "--")
NOTHING = 1e-10  # of the largest norm: zero


class PathDisplay(Display):
    """The score of every alpha that cross-validation tried, or what each alpha leaves of a model.

    Parameters
    ----------
    frame : data frame
        Scores: ``alpha``, ``score``, ``std_error`` (over folds). A path: ``alpha``, ``name`` (a
        feature, the number of a singular value) and ``value``, a row for each pair.
    alpha : float, default=None
        The alpha of the model, which is marked.
    score_name : str, default="score"
        What the scores are.
    values_name : str, default="norm over tasks of the coefficients"
        What the values are.

    Attributes
    ----------
    alphas_ : ndarray of shape (n_alphas,)
        Ascending.
    names_ : list of str
        Of the lines, the largest first; empty for scores.
    values_ : ndarray of shape (n_alphas,) or (n_lines, n_alphas)
        Scores, or the values of every line.
    ax_, axes_, figure_, title_ :
        The picture, and the finding in words.

    See Also
    --------
    RelatednessDisplay : The score from independent tasks to one model for all.

    Examples
    --------
    >>> from mtlearn import GroupLassoRegressorCV
    >>> from mtlearn.datasets import make_multitask_regression
    >>> from mtlearn.plotting import PathDisplay
    >>> drawn = make_multitask_regression(n_tasks=8, n_features=5, random_state=0)
    >>> model = GroupLassoRegressorCV(alphas=20)
    >>> model = model.fit(drawn.data, drawn.target, task=drawn.task)
    >>> scores = PathDisplay.from_estimator(model)
    >>> scores.values_.shape
    (20,)
    >>> path = PathDisplay.from_estimator(model, drawn.data, drawn.target, task=drawn.task)
    >>> len(path.names_)
    5
    """

    _above = 48.0

    def __init__(
        self,
        frame: Any,
        *,
        alpha: float | None = None,
        score_name: str = "score",
        values_name: str = "norm over tasks of the coefficients",
    ):
        self.frame, self.alpha = frame, alpha
        self.score_name, self.values_name = score_name, values_name
        columns = columns_of(frame, ("alpha",), "coef_frame")
        self.names_: list[str] = []
        if "score" in columns:
            order = np.argsort(columns["alpha"], kind="stable")
            self.alphas_ = columns["alpha"].astype(float)[order]
            self.values_ = columns["score"].astype(float)[order]
            error = columns.get("std_error", np.full(len(order), np.nan))
            self.std_error_ = np.nan_to_num(error.astype(float)[order])
            return
        columns = columns_of(frame, ("alpha", "name", "value"), "coef_frame")
        self.alphas_, places = np.unique(columns["alpha"].astype(float), return_inverse=True)
        names, rows = places_of(columns["name"])
        shape = len(names), len(self.alphas_)
        values = table_of(rows, places.reshape(-1), columns["value"], shape)
        order = np.argsort(-np.nan_to_num(values).max(axis=1), kind="stable")
        self.names_, self.values_ = [names[i] for i in order], values[order]

    @classmethod
    def from_estimator(
        cls,
        model: Any,
        X: Any = None,
        y: Any = None,
        *,
        task: Any = None,
        of: str | None = None,
        alphas: Any = 50,
        ax: Any = None,
    ) -> PathDisplay:
        """Draw the scores of a search for alpha, or with X and y the path of coefficients.

        Parameters
        ----------
        model : estimator
            A fitted estimator of this library with an ``alpha``, a pipeline that ends in one or a
            search for one.
        X, y, task : as in ``fit``, default=None
            What to follow the path on.
        of : {"scores", "features", "singular values"}, default=None
            What to draw. None: without X the scores; otherwise singular values of the coefficients
            where the penalty is on them (trace norm), and norms of the features' coefficients over
            tasks with all others. With a shared mean both are of the deviations from it.
        alphas : int or array-like, default=50
            Of the path.
        ax : matplotlib.axes.Axes, default=None
            Where to draw.

        Returns
        -------
        display : PathDisplay

        Raises
        ------
        ValueError
            If there are no scores to draw, or no data to follow a path on.
        """
        inner, seen = unwrap(model, X) if X is not None else (last_step(model), None)
        if of is None:
            by_values = SINGULAR if hasattr(inner, "singular_values_") else FEATURES
            of = SCORES if X is None else by_values
        check_option("of", of, (SCORES, FEATURES, SINGULAR))
        alpha = getattr(inner, "alpha_", getattr(inner, "alpha", None))
        alpha = alpha if isinstance(alpha, int | float) else None
        if of == SCORES:
            frame, name = scores_of(inner)
            return cls(frame, alpha=alpha, score_name=name).plot(ax)
        if X is None or y is None or not hasattr(inner, "path"):
            raise ValueError(
                f"of={of!r} follows {type(inner).__name__} along alpha; give a model that has an "
                "alpha, and the X and y of its fit."
            )
        frame, what = path_of(inner, seen, y, task, alphas, of)
        return cls(frame, alpha=alpha, values_name=what).plot(ax)

    def _size(self) -> tuple[float, float]:
        return 5.8, 4.0

    def _draw(self, axes: list[Any], rooms: list[tuple[float, float]]) -> None:
        (ax,) = axes
        x = on_log_axis(self.alphas_)
        if self.names_:
            self._draw_lines(ax, x)
            label_axes(ax, rooms[0], y=self.values_name)
        else:
            low, high = self.values_ - self.std_error_, self.values_ + self.std_error_
            ax.fill_between(x, low, high, color=BLUE, alpha=0.18, linewidth=0)
            ax.plot(x, self.values_, color=BLUE, marker=".", markersize=4, label="mean of folds")
            label_axes(ax, rooms[0], y=f"{self.score_name}, ± 1 standard error")
        ax.set_xscale("log")
        if self.alpha is not None:
            where = on_log_axis(np.append(self.alphas_, self.alpha))[-1]
            shown = "∞" if np.isinf(self.alpha) else f"{self.alpha:.3g}"
            ax.axvline(where, color="k", linewidth=1.2, linestyle="--", label=f"alpha = {shown}")
        ends = [name for end, name in ((0.0, "0"), (np.inf, "∞")) if (self.alphas_ == end).any()]
        note = f" (the outermost: {', '.join(ends)})" if ends else ""
        label_axes(ax, rooms[0], x=f"alpha{note}: weak to the left, strong to the right")
        legend_above(ax, 3)
        bare(ax, "top", "right")

    def _draw_lines(self, ax: Any, x: np.ndarray) -> None:
        from matplotlib.collections import LineCollection

        others = self.values_[NAMED:]
        if len(others):
            lines = list(np.stack([np.broadcast_to(x, others.shape), others], axis=2))
            alpha = float(np.clip(30 / len(others), 0.1, 0.7))
            label = f"{len(others):,} others"
            rest = LineCollection(lines, colors="0.45", alpha=alpha, linewidths=0.8, label=label)
            ax.add_collection(rest)
        kinds = zip(self.names_, self.values_, COLOURS, STYLES, strict=False)
        for name, values, colour, style in kinds:
            ax.plot(x, values, style, color=colour, linewidth=1.6, label=shortened(name, LONGEST))
        ax.set_ylim(bottom=0)

    def _finding(self) -> str:
        shown = None if self.alpha is None else two_digits(self.alpha)
        if not self.names_:
            return self._chosen_in_words(shown)
        what = SINGULAR if self.values_name.startswith("singular") else FEATURES
        if shown is None:
            return f"{len(self.names_):,} {what} along alpha"
        size = max(float(np.nanmax(self.values_)), 1e-300)
        used = int((self.values_[:, self._nearest()] > NOTHING * size).sum())
        verb = "is not zero" if used == 1 else "are not zero"
        if what == FEATURES and self.values_name.endswith(DEVIATIONS):
            verb = "differs between tasks" if used == 1 else "differ between tasks"
        return f"At alpha = {shown}, {used:,} of {len(self.names_):,} {what} {verb}"

    def _chosen_in_words(self, shown: str | None) -> str:
        if shown is None:
            return f"{self.score_name} along alpha"
        at = self._nearest()
        said = f"{two_digits(self.values_[at])} ± {two_digits(self.std_error_[at])}"
        return f"alpha = {shown} was chosen among {len(self.alphas_):,}: {self.score_name} {said}"

    def _nearest(self) -> int:
        """The place of the model's alpha on the grid."""
        x = np.log(on_log_axis(np.append(self.alphas_, self.alpha)))
        return int(np.argmin(np.abs(x[:-1] - x[-1])))
