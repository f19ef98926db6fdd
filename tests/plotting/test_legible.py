"""Pictures are legible for few tasks and for many: labels apart, nothing cut, any text as it is."""

import ast
import itertools
import sys
from pathlib import Path

import numpy as np
import pytest

import mtlearn
from mtlearn.plotting import (
    CoefficientDisplay,
    PathDisplay,
    RelatednessDisplay,
    SlopesDisplay,
    StabilityDisplay,
    TaskSimilarityDisplay,
    TransferGainDisplay,
    TransferMatrixDisplay,
)

from . import drawn

plt = pytest.importorskip("matplotlib.pyplot")

NAMES = [f"feature number {j}" for j in range(60)]
MADE = {
    "coefficients": lambda n: CoefficientDisplay(drawn.coefficients(n, NAMES[:9], NAMES)),
    "dirty": lambda n: CoefficientDisplay(drawn.coefficients(n, NAMES[:9], NAMES, dirty=True)),
    "gains": lambda n: TransferGainDisplay(drawn.gains(n)),
    "similarity": lambda n: TaskSimilarityDisplay(drawn.similarity(n)),
    "transfer": lambda n: TransferMatrixDisplay(drawn.transfer(min(n, 60))),
    "stability": lambda n: StabilityDisplay(drawn.stability(n, 60)),
    "slopes": lambda n: SlopesDisplay(drawn.coefficients(n, NAMES[:9], NAMES)),
    "lines": lambda n: SlopesDisplay(drawn.coefficients(n, NAMES[:9], NAMES), feature=NAMES[3]),
    "path": lambda n: PathDisplay(drawn.path(n), alpha=0.1),
    "relatedness": lambda n: RelatednessDisplay(drawn.relatedness()),
}


def boxes(texts, renderer):
    return [text.get_window_extent(renderer) for text in texts if text.get_text()]


@pytest.mark.parametrize("n_tasks", [5, 500])
@pytest.mark.parametrize("name", MADE)
def test_nothing_overlaps_and_nothing_is_cut(name, n_tasks):
    figure = MADE[name](n_tasks).plot().figure_
    width, height = figure.get_size_inches()
    assert 3 < width <= 12 and 2 < height <= 9
    figure.canvas.draw()
    renderer, whole = figure.canvas.get_renderer(), figure.bbox
    for ax in figure.axes:
        for axis in (ax.xaxis, ax.yaxis):
            low, high = sorted(axis.get_view_interval())
            ticks = [tick for tick in axis.get_major_ticks() if low <= tick.get_loc() <= high]
            along = boxes([tick.label1 for tick in ticks], renderer)
            inside = [box for box in along if whole.x0 <= box.x0 and box.x1 <= whole.x1]
            if ax.axison and not ax.get_label() == "<colorbar>":
                assert len(inside) == len(along)
                for one, other in itertools.pairwise(along):
                    assert not one.overlaps(other)
    titles = boxes([figure._suptitle, *(ax.xaxis.label for ax in figure.axes)], renderer)
    for box in titles:
        assert whole.x0 <= box.x0 and box.x1 <= whole.x1 and box.y1 <= whole.y1


def test_sure_tasks_keep_their_labels_where_labels_are_thinned():
    frame = drawn.gains(400).assign(verdict="no evidence")
    sure = frame["gain"].nlargest(90).index[[7, 31, 80]]
    frame.loc[sure, "verdict"] = "helped"
    display = TransferGainDisplay(frame).plot()
    shown = {label.get_text() for label in display.ax_.get_yticklabels()}
    assert set(frame["task"][sure]) < shown and len(shown) < 60


@pytest.mark.parametrize("name", ["coefficients", "gains", "stability", "lines", "similarity"])
def test_axes_of_the_user_are_used(name):
    figure, axes = plt.subplots(1, 2, figsize=(11, 5), layout="constrained")
    other = axes[1].get_position().bounds
    display = MADE[name](6).plot(axes[0], title="mine")
    assert display.figure_ is figure and axes[0].get_title(loc="left") == "mine"
    assert not axes[1].has_data() and axes[1].get_position().bounds == other
    figure.canvas.draw()


def test_panels_go_to_the_axes_given_for_them():
    axes = plt.subplots(1, 2)[1]
    display = MADE["dirty"](6).plot(axes)
    assert display.axes_ == list(axes) and all(len(ax.images) == 1 for ax in axes)
    display = MADE["dirty"](6).plot(plt.subplots()[1])
    assert all(len(ax.images) == 1 for ax in display.axes_)


def test_a_part_of_a_figure_can_be_filled():
    left, right = plt.figure(layout="constrained", figsize=(12, 5)).subfigures(1, 2)
    display = MADE["gains"](6).fill(right)
    assert all(ax.figure is right for ax in display.axes_) and not left.axes
    display.ax_.figure.figure.canvas.draw()


HOSTILE = ["$x$", r"$\frac$", "a\nb\x00c", "<script>alert(1)</script>", "_" * 300, "", "50 %"]


@pytest.mark.parametrize("name", ["coefficients", "gains"])
def test_labels_are_drawn_as_they_are(name):
    frame = drawn.coefficients(7) if name == "coefficients" else drawn.gains(7)
    frame["task"] = frame["task"].map({f"task {t}": label for t, label in enumerate(HOSTILE)})
    display = {"coefficients": CoefficientDisplay, "gains": TransferGainDisplay}[name](frame).plot()
    axis = display.ax_.xaxis if name == "coefficients" else display.ax_.yaxis
    display.figure_.canvas.draw()
    shown = [label.get_text() for label in axis.get_ticklabels()]
    assert {"$x$", r"$\frac$", "a b c", "50 %"} < set(shown)
    assert max(map(len, shown)) <= 24


def test_a_few_values_far_out_do_not_pale_the_others():
    frame = drawn.coefficients(60, differing="abcde")
    frame.loc[5, "coef"] = 1e6
    display = CoefficientDisplay(frame).plot()
    assert display.ax_.images[0].norm.vmax < 10


@pytest.mark.parametrize("name", ["coefficients", "slopes"])
def test_one_task_and_one_feature_are_drawn(name):
    display = {"coefficients": CoefficientDisplay, "slopes": SlopesDisplay}[name]
    display = display(drawn.coefficients(1, "a", "a")).plot()
    display.figure_.canvas.draw()
    assert "differ" in display.title_


def test_without_matplotlib_the_extra_is_named(monkeypatch):
    display = MADE["gains"](6)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=r"scikit-mtlearn\[plot\]"):
        display.plot()


def test_matplotlib_is_imported_where_it_is_used():
    root = Path(mtlearn.__file__).parent
    for file in [*root.glob("plotting/*.py"), *root.glob("report/*.py")]:
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.Import | ast.ImportFrom):
                assert not ast.unparse(node).startswith(("import matplotlib", "from matplotlib"))


def test_drawing_changes_no_number():
    frame = drawn.coefficients()
    before = frame.copy()
    CoefficientDisplay(frame).plot()
    SlopesDisplay(frame).plot()
    assert before.equals(frame) and np.isfinite(frame["coef"]).all()
