"""What is drawn are the numbers of the frame, and the title says what they say."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import polars as pl
import pytest

from mtlearn import RandomSlopesRegressor, make_table_pipeline
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

pytest.importorskip("matplotlib")


def image_of(ax):
    (image,) = ax.images
    return np.asarray(image.get_array())


def labels(axis):
    return [label.get_text() for label in axis.get_ticklabels()]


@pytest.mark.parametrize("library", [pd.DataFrame, pl.from_pandas])
def test_a_heat_map_has_the_coefficients_under_their_names(library):
    frame = drawn.coefficients()
    display = CoefficientDisplay(library(frame)).plot()
    truth = frame.pivot(index="feature", columns="task", values="coef").drop("(level)")
    shown = image_of(display.ax_)
    np.testing.assert_array_equal(shown, truth.loc[display.features_, display.tasks_])
    assert labels(display.ax_.yaxis) == display.features_
    assert labels(display.ax_.xaxis) == display.tasks_
    (image,) = display.ax_.images
    assert image.norm.vmin == -image.norm.vmax == -np.abs(truth.to_numpy()).max()


@pytest.mark.parametrize(
    ("differing", "said"),
    [
        ("", "No feature differs between the 6 tasks"),
        ("b", "1 of 5 features differs between the 6 tasks: b"),
        ("bd", "2 of 5 features differ between the 6 tasks: "),
        ("abcde", "All 5 features differ between the 6 tasks, most "),
    ],
)
def test_the_title_counts_features_that_differ(differing, said):
    display = CoefficientDisplay(drawn.coefficients(differing=differing)).plot()
    assert display.title_.startswith(said)
    assert display.figure_._suptitle.get_text().replace("\n", " ") == display.title_


def test_a_feature_differs_if_it_does_for_one_class():
    frame = drawn.coefficients(classes=["low", "mid", "top"])
    one = (frame["feature"] == "b") & (frame["class"] != "mid")
    frame.loc[one, ["coef", "deviation"]] = 0.5, 0.0
    display = CoefficientDisplay(frame).plot()
    assert display.title_.startswith("2 of 5 features differ")
    truth = frame[frame["feature"] != "(level)"].assign(
        row=lambda rows: rows["feature"] + ", " + rows["class"]
    )
    truth = truth.pivot(index="row", columns="task", values="coef")
    shown = truth.loc[display.features_, display.tasks_]
    np.testing.assert_array_equal(image_of(display.ax_), shown)


def test_features_that_nobody_uses_are_counted():
    frame = drawn.coefficients(differing="b")
    frame.loc[frame["feature"].isin(["c", "d"]), ["coef", "shared", "deviation"]] = 0.0
    assert CoefficientDisplay(frame).plot().title_.endswith(": b; 2 are used by none")


def test_a_dirty_model_shows_its_parts_side_by_side():
    frame = drawn.coefficients(dirty=True)
    display = CoefficientDisplay(frame).plot()
    for ax, part in zip(display.axes_, ("joint", "specific"), strict=True):
        truth = frame.pivot(index="feature", columns="task", values=part).drop("(level)")
        np.testing.assert_array_equal(image_of(ax), truth.loc[display.features_, display.tasks_])
    one, other = (ax.images[0].norm.vmax for ax in display.axes_)
    assert one == other


def test_like_stands_beside_like():
    frame = drawn.coefficients(n_tasks=12, differing="")
    odd = frame["task"].isin([f"task {t}" for t in range(0, 12, 2)])
    frame.loc[odd & (frame["feature"] == "b"), ["coef", "deviation"]] += 5.0
    tasks = CoefficientDisplay(frame).tasks_
    is_even = [int(task.split()[1]) % 2 == 0 for task in tasks]
    assert is_even in ([True] * 6 + [False] * 6, [False] * 6 + [True] * 6)


def test_gains_are_sorted_and_have_their_intervals():
    frame = drawn.gains(30)
    display = TransferGainDisplay(frame).plot()
    truth = frame.sort_values("gain", ascending=False)
    assert display.tasks_ == truth["task"].tolist()
    lines, *dots = display.ax_.collections
    ends = np.array([segment[:, 0] for segment in lines.get_segments()])
    half = 1.96 * truth["std_error"].to_numpy()
    gain = truth["gain"].to_numpy()
    np.testing.assert_allclose(ends, np.column_stack([gain - half, gain + half]))
    seen = np.concatenate([dot.get_offsets() for dot in dots])
    seen = seen[np.argsort(seen[:, 1])]
    np.testing.assert_allclose(seen[:, 0], truth["shrunk"])
    rows = np.concatenate([dot.get_array() for dot in dots])
    assert sorted(rows) == sorted(frame["n_rows"])


def test_the_title_counts_who_is_helped_and_hurt():
    frame = drawn.gains(30)
    counts = frame["verdict"].value_counts()
    title = TransferGainDisplay(frame).plot().title_
    assert f"helps {counts['helped']} of 30 tasks and hurts {counts['hurt']} (" in title
    assert f"for {counts['no evidence']} there is no evidence" in title
    worst = frame.sort_values("gain")["task"].iloc[0]
    assert f"({worst}" in title
    title = TransferGainDisplay(frame.assign(verdict="no evidence")).plot().title_
    assert title == "No single one of 30 tasks is helped or hurt for sure"


def test_similarities_are_in_the_order_of_the_tree():
    found = drawn.similarity(9)
    display = TaskSimilarityDisplay(found).plot()
    order = found.tasks.sort_values("position").index.to_numpy()
    np.testing.assert_array_equal(image_of(display.ax_), found.values[np.ix_(order, order)])
    assert labels(display.ax_.xaxis) == found.tasks["task"][order].tolist()
    assert display.title_ == "The 9 tasks fall into 3 clusters (of 3, 3, 3 tasks)"
    frames = [(patch.get_x(), patch.get_width()) for patch in display.ax_.patches]
    assert frames == [(-0.5, 3), (2.5, 3), (5.5, 3)]


def test_no_clusters_are_called_so():
    for values, title in {
        ((1.0, 0.4, -0.6), (0.4, 1.0, 0.2), (-0.6, 0.2, 1.0)): "The 3 tasks form no clear clusters",
        ((1.0, 1.0, 1.0),) * 3: "The 3 tasks are alike",
        ((1.0, -1.0), (-1.0, 1.0)): "2 tasks are too few for clusters",
        ((1.0,),): "1 task is too few for clusters",
    }.items():
        places = np.arange(len(values))
        tasks = pd.DataFrame({"task": places, "cluster": 1, "position": places})
        found = SimpleNamespace(values=values, tasks=tasks, linkage=None, kind="cosine")
        assert TaskSimilarityDisplay(found).plot().title_ == title


def test_the_tree_is_that_of_scipy():
    from scipy.cluster.hierarchy import dendrogram

    found = drawn.similarity(15)
    display = TaskSimilarityDisplay(found).plot()
    (lines,) = display.axes_[1].collections
    drawn_tree = np.sort([segment[:, 1].max() for segment in lines.get_segments()])
    truth = dendrogram(found.linkage, no_plot=True)
    np.testing.assert_allclose(drawn_tree, np.sort(np.max(truth["dcoord"], axis=1)))
    across = np.sort([segment[:, 0].mean() for segment in lines.get_segments()])
    scipy_places = (np.array(truth["icoord"]) - 5) / 10
    np.testing.assert_allclose(across, np.sort(scipy_places.mean(axis=1)))


def test_relatedness_has_the_curve_and_its_ends():
    found = drawn.relatedness()
    display = RelatednessDisplay(found).plot()
    curve, independent, pooled, best = display.ax_.lines
    frame = found.frame.sort_values("relatedness")
    np.testing.assert_array_equal(curve.get_xdata(), frame["relatedness"])
    np.testing.assert_array_equal(curve.get_ydata(), frame["score"])
    assert (independent.get_xdata()[0], independent.get_ydata()[0]) == (0, found.independent)
    assert (pooled.get_xdata()[0], pooled.get_ydata()[0]) == (1, found.pooled)
    assert best.get_xdata()[0] == 0.7
    assert display.title_.startswith("Tasks are 70% related")
    assert RelatednessDisplay(drawn.relatedness(1.0)).plot().title_.startswith("One model for all")
    assert RelatednessDisplay(drawn.relatedness(0.0)).plot().title_.startswith("A model for each")


def test_stability_has_bars_and_tasks_of_one_order():
    found = drawn.stability()
    display = StabilityDisplay(found).plot()
    bars, each = display.axes_
    truth = found.features.sort_values("frequency", ascending=False)
    assert [bar.get_width() for bar in bars.patches] == truth["frequency"].tolist()
    assert labels(bars.yaxis) == truth["feature"].tolist()
    table = found.tasks.pivot(index="feature", columns="task", values="frequency")
    np.testing.assert_array_equal(image_of(each), table.loc[truth["feature"], display.tasks_])
    assert display.title_ == (
        "1 of 5 features is selected in at least 90% of 100 resamples; stability 0.50 (0.40 to "
        "0.60)"
    )


def test_slopes_have_a_dot_for_each_task():
    frame = drawn.coefficients(n_tasks=5)
    display = SlopesDisplay(frame).plot()
    truth = frame.pivot(index="feature", columns="task", values="coef").drop("(level)")
    assert display.features_[:2] == truth.std(axis=1).nlargest(2).index.tolist()
    bars, dots, shared = display.ax_.collections
    truth = truth.loc[display.features_]
    np.testing.assert_array_equal(np.asarray(dots.get_offsets())[:, 0], truth.to_numpy().ravel())
    ends = np.array([segment[:, 0] for segment in bars.get_segments()])
    std = truth.std(axis=1, ddof=0)
    std[std < 1e-12] = 0.0
    np.testing.assert_allclose(ends[:, 1] - ends[:, 0], 2 * std, atol=1e-12)
    middle = frame.drop_duplicates("feature").set_index("feature")["shared"]
    np.testing.assert_allclose(
        [segment[0, 0] for segment in shared.get_segments()], middle[display.features_]
    )


def test_lines_of_one_feature_are_the_models_of_the_tasks():
    frame = drawn.coefficients(n_tasks=5)
    display = SlopesDisplay(frame, feature="b", feature_range=(-1.0, 3.0)).plot()
    (lines,) = display.ax_.collections
    wide = frame.pivot(index="task", columns="feature", values="coef")
    for (_, row), line in zip(wide.iterrows(), lines.get_segments(), strict=True):
        ends = [[x, row["(level)"] + row["b"] * x] for x in (-1.0, 3.0)]
        np.testing.assert_allclose(line, ends)
    assert display.title_.startswith("b differs between the 5 tasks (")
    same = SlopesDisplay(frame, feature="a").plot().title_
    assert same.startswith("a does the same in all 5 tasks")


@pytest.mark.parametrize("scaled", [True, False])
def test_axes_say_that_features_are_scaled(scaled):
    frame = pd.DataFrame(
        np.random.default_rng(0).normal(50, 9, size=(60, 2)), columns=["dose", "age"]
    ).assign(clinic=np.arange(60) % 4)
    model = RandomSlopesRegressor(task_column="clinic")
    model = make_table_pipeline(model).fit(frame, frame["dose"] * (1 + frame["clinic"]))
    for options in ({}, {"feature": "dose"}):
        shown = SlopesDisplay.from_estimator(model, original_units=not scaled, **options)
        assert ("scaled" in shown.ax_.get_xlabel()) is scaled


def test_paths_have_the_largest_lines_by_name():
    frame = drawn.path()
    display = PathDisplay(frame, alpha=0.2).plot()
    order = [f"x{j}" for j in range(8, -1, -1)]
    assert display.names_ == order
    named = [line for line in display.ax_.lines if line.get_label() in order]
    assert [line.get_label() for line in named] == order[:6]
    for line in named:
        truth = frame[frame["name"] == line.get_label()].sort_values("alpha")
        np.testing.assert_array_equal(line.get_xdata(), truth["alpha"])
        np.testing.assert_array_equal(line.get_ydata(), truth["value"])
    (others,) = display.ax_.collections
    assert len(others.get_segments()) == 3
    nearest = np.abs(np.log(np.geomspace(0.01, 1, 12) / 0.2)).argmin()
    used = int((display.values_[:, nearest] > 0).sum())
    assert display.title_ == f"At alpha = 0.2, {used} of 9 features are not zero"


def test_a_transfer_matrix_has_the_gains_and_its_blocks():
    found = drawn.transfer(18)
    display = TransferMatrixDisplay(found).plot()
    order = [found.tasks.index(task) for task in display.tasks_]
    np.testing.assert_array_equal(image_of(display.ax_), found.values[np.ix_(order, order)])
    assert labels(display.ax_.yaxis) == labels(display.ax_.xaxis) == display.tasks_
    blocks = [place % 3 for place in order if place != 4]
    assert np.count_nonzero(np.diff(blocks)) == 2
    assert display.title_ == "1 of 18 tasks harms the others (task 4), none helps for sure"
