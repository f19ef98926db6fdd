"""In which features tasks differ, and how: spreads of all features, or the lines of one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mtlearn.exceptions import shortened
from mtlearn.inputs.checks import check_option
from mtlearn.plotting.base import Display
from mtlearn.plotting.coefficients import LEVEL, NO_DIFFERENCE
from mtlearn.plotting.drawing import (
    BLUE,
    LONGEST,
    RED,
    bare,
    grown,
    label_axes,
    label_rows,
    legend_above,
    two_digits,
)
from mtlearn.plotting.reading import columns_of, places_of, table_of

RASTERED = 2_000  # dots from which on vector graphics hold them as a picture
MOST = 40  # features in one picture
OVERLAY = 12.0  # lines that lie over each other and are still told apart


class SlopesDisplay(Display):
    """How far each feature's coefficient spreads over tasks; of one feature, a line per task.

    Each row is a feature, those that differ most on top (up to 40): a dot for each task, the bar is
    mean ± one standard deviation over tasks, and the line across it the shared model. With
    ``feature``, what it does in each task from one end of its range to the other, and in the shared
    model.

    Parameters
    ----------
    frame : data frame
        What :func:`mtlearn.inspection.coef_frame` returns, in its long form.
    feature : str, default=None
        Draw the lines of this one.
    feature_range : (float, float), default=(-2.0, 2.0)
        From where to where, as distances from the mean of the rows.
    scaled : bool, default=False
        Whether features are those that a pipeline has scaled; the axis says so.

    Attributes
    ----------
    features_ : list of str
        Names in the order of the picture (all of them also where one is drawn).
    mean_, std_ : ndarrays of shape (n_features,)
        Over tasks, of the coefficient.
    values_ : ndarray of shape (n_features, n_tasks)
    ax_, axes_, figure_, title_ :
        The picture, and the finding in words.

    See Also
    --------
    CoefficientDisplay : Which task has which coefficient.

    Examples
    --------
    >>> from mtlearn import RandomSlopesRegressor
    >>> from mtlearn.datasets import make_multitask_regression
    >>> from mtlearn.plotting import SlopesDisplay
    >>> drawn = make_multitask_regression(n_tasks=8, n_features=3, random_state=0)
    >>> model = RandomSlopesRegressor().fit(drawn.data, drawn.target, task=drawn.task)
    >>> display = SlopesDisplay.from_estimator(model)
    >>> display.values_.shape
    (3, 8)
    """

    _above = 24.0

    def __init__(
        self,
        frame: Any,
        *,
        feature: str | None = None,
        feature_range: tuple[float, float] = (-2.0, 2.0),
        scaled: bool = False,
    ):
        self.frame, self.feature, self.feature_range = frame, feature, feature_range
        self.scaled = scaled
        columns = columns_of(frame, ("task", "feature", "coef", "shared"), "coef_frame")
        names = columns["feature"]
        if "class" in columns:
            pairs = zip(names.tolist(), columns["class"].tolist(), strict=True)
            names = np.array([f"{name}, {label}" for name, label in pairs], dtype=object)
        is_level = columns["feature"] == LEVEL
        self.tasks_, places = places_of(columns["task"])
        features, rows = places_of(names[~is_level])
        shape = len(features), len(self.tasks_)
        values, shared = (
            table_of(rows, places[~is_level], columns[name][~is_level], shape)
            for name in ("coef", "shared")
        )
        std = values.std(axis=1)
        std[std <= NO_DIFFERENCE * np.abs(values).max(initial=0.0)] = 0.0
        order = np.argsort(-std, kind="stable")
        self.features_ = [features[i] for i in order]
        self.values_, self.shared_ = values[order], shared[order]
        self.mean_, self.std_ = self.values_.mean(axis=1), std[order]
        blocks, rows = places_of(names[is_level])
        shape = len(blocks), len(self.tasks_)
        self._levels = [
            table_of(rows, places[is_level], columns[name][is_level], shape)
            for name in ("coef", "shared")
        ]
        self._blocks = [block.removeprefix(LEVEL) for block in blocks]
        if feature is not None:
            of = [name for name in self.features_ if self._is_of(name, feature)]
            check_option("feature", feature, (feature,) if of else tuple(self.features_))

    @staticmethod
    def _is_of(name: str, feature: str) -> bool:
        return name == feature or name.startswith(f"{feature}, ")

    @classmethod
    def from_estimator(
        cls,
        model: Any,
        *,
        feature: str | None = None,
        feature_range: tuple[float, float] = (-2.0, 2.0),
        original_units: bool = False,
        ax: Any = None,
    ) -> SlopesDisplay:
        """Draw the coefficients of a fitted model.

        Parameters
        ----------
        model : estimator
            A fitted estimator of this library, a pipeline that ends in one or a search for one.
        feature : str, default=None
            Draw the lines of this one.
        feature_range : (float, float), default=(-2.0, 2.0)
            From where to where, as distances from the mean of the rows.
        original_units : bool, default=False
            Undo the scaling of a pipeline.
        ax : matplotlib.axes.Axes, default=None
            Where to draw.

        Returns
        -------
        display : SlopesDisplay
        """
        from mtlearn.inspection import coef_frame
        from mtlearn.inspection.fitted import FittedTasks

        frame = coef_frame(model, original_units=original_units)
        scaled = not original_units and bool((FittedTasks.of(model).scale != 1).any())
        return cls(frame, feature=feature, feature_range=feature_range, scaled=scaled).plot(ax)

    def _shown(self) -> list[int]:
        """The rows of ``values_`` that are drawn as lines, one for each class."""
        return [j for j, name in enumerate(self.features_) if self._is_of(name, self.feature)]

    def _panels(self) -> Sequence[float]:
        return (1.0,) * (1 if self.feature is None else min(len(self._shown()), 4))

    def _size(self) -> tuple[float, float]:
        if self.feature is not None:
            return 2.0 + 3.2 * len(self._panels()), 4.0
        return 5.6, grown(min(len(self.features_), MOST), 0.28, 1.4, 7.0) + 1.3

    def _draw(self, axes: list[Any], rooms: list[tuple[float, float]]) -> None:
        if self.feature is not None:
            for ax, j in zip(axes, self._shown(), strict=False):
                self._draw_lines(ax, j, rooms[0])
            label_axes(axes[0], rooms[0], y="score of the task")
            return
        (ax,), T = axes, self.values_.shape[1]
        d = min(len(self.features_), MOST)
        rows, values = np.arange(d), self.values_[:d]
        thick = float(np.clip(rooms[0][1] / d * 40, 1.0, 14.0))
        low, high = self.mean_[:d] - self.std_[:d], self.mean_[:d] + self.std_[:d]
        ax.hlines(rows, low, high, color="0.8", linewidth=thick, zorder=1, label="mean ± std")
        y = np.repeat(rows, T) + self._jitter(d, T)
        ax.scatter(
            values.ravel(),
            y,
            s=float(np.clip(600 / max(d, T), 2, 16)),
            color=BLUE,
            alpha=float(np.clip(40 / T, 0.15, 0.8)),
            linewidths=0,
            zorder=2,
            rasterized=d * T > RASTERED,
            label="tasks",
        )
        middle, half = self.shared_[:d].mean(axis=1), 0.38
        ax.vlines(
            middle, rows - half, rows + half, color=RED, linewidth=2, zorder=3, label="shared"
        )
        ax.axvline(0, color="0.4", linewidth=0.8, zorder=0)
        label_rows(ax, self.features_[:d], rooms[0][1])
        ax.set_ylim(d - 0.4, -0.6)
        some = f" of the {d} that differ most of {len(self.features_):,} features"
        x = "coefficient" + self._units() + some * (d < len(self.features_))
        label_axes(ax, rooms[0], x=x)
        legend_above(ax, 3)
        for dot in ax.get_legend().legend_handles[1:2]:  # as pale as the dots it would not be seen
            dot.set_alpha(0.9)
            dot.set_sizes([16])
        bare(ax, "top", "right", "left")

    @staticmethod
    def _jitter(d: int, T: int) -> np.ndarray:
        """Dots beside each other rather than over each other, the same in every drawing."""
        if T < 8:
            return np.zeros(d * T)
        return np.random.default_rng(0).uniform(-0.25, 0.25, d * T)

    def _draw_lines(self, ax: Any, j: int, room: tuple[float, float]) -> None:
        from matplotlib.collections import LineCollection

        x = np.array(self.feature_range, dtype=float)
        block = self._blocks.index(self.features_[j].removeprefix(str(self.feature)))
        levels, shared_levels = (level[block] for level in self._levels)
        y = levels[:, None] + self.values_[j][:, None] * x
        T = len(y)
        lines = list(np.stack([np.broadcast_to(x, y.shape), y], axis=2))
        alpha = float(np.clip(OVERLAY / T, 0.06, 0.7))
        wide = 1.5 if T < 50 else 0.8
        ax.add_collection(LineCollection(lines, colors=BLUE, alpha=alpha, linewidths=wide))
        shared = shared_levels.mean() + self.shared_[j].mean() * x
        ax.plot(x, shared, color=RED, linewidth=2.5, label="shared model")
        ax.autoscale_view()
        legend_above(ax, 1)
        name = shortened(self.features_[j], LONGEST)
        label_axes(ax, room, x=f"{name}, from its mean" + self._units())
        bare(ax, "top", "right")

    def _units(self) -> str:
        return " (as scaled by the pipeline)" if self.scaled else ""

    def _finding(self) -> str:
        T = len(self.tasks_)
        if self.feature is not None:
            return "; ".join(self._of_one(j) for j in self._shown()[:4])
        if not self.std_[0] > 0:
            return f"No feature differs between the {T:,} tasks"
        last = f", {self._name(-1)} least" if len(self.features_) > 1 else ""
        return f"{self._of_one(0).replace(' differs ', ' differs most ', 1)}{last}"

    def _name(self, j: int) -> str:
        return shortened(self.features_[j], LONGEST)

    def _of_one(self, j: int) -> str:
        mean, std = self.mean_[j], self.std_[j]
        said = f"{two_digits(mean)} ± {two_digits(std)}"
        if not std > 0:
            same = f"does the same in all {len(self.tasks_):,} tasks"
            return f"{self._name(j)} {same} ({two_digits(mean)})"
        other = float((np.sign(self.values_[j]) == -np.sign(mean)).mean())
        turned = f", the other way in {other:.0%} of tasks" if other > 0 else ""
        return f"{self._name(j)} differs between the {len(self.tasks_):,} tasks ({said}{turned})"
