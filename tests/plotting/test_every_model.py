"""Every display takes every family and kind, in every way, in pipelines and frames."""

import numpy as np
import pytest

import mtlearn
from mtlearn.inspection import (
    coef_frame,
    relatedness_path,
    selection_stability,
    task_similarity,
    transfer_gain,
    transfer_matrix,
)
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

from ..inspection.models import T, case, whole_table

pytest.importorskip("matplotlib")
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


def in_turns():
    """Every name with every target, the ways taking turns: numbers are checked in inspection."""
    rows = {}
    for which in whole_table():
        rows.setdefault((which[0], which[2]), []).append(which)
    return [ways[k % len(ways)] for k, ways in enumerate(rows.values())]


@pytest.mark.parametrize("which", in_turns(), ids="-".join)
def test_fitted_models_are_drawn(which):
    name, _, target, *_ = which
    one = case(*which)
    frame = coef_frame(one.model, original_units=False)
    display = CoefficientDisplay.from_estimator(one.model)
    rows = 3 * (3 if target == "three" else 1)
    shown = [np.asarray(ax.images[0].get_array()) for ax in display.axes_]
    parts = ("joint", "specific") if name.startswith("Dirty") else ("coef",)
    features = np.asarray(frame["feature"]) != "(level)"
    for values, part in zip(shown, parts, strict=True):
        assert values.shape == (rows, T)
        np.testing.assert_array_equal(
            np.sort(values, axis=None), np.sort(np.asarray(frame[part])[features])
        )
    slopes = SlopesDisplay.from_estimator(one.model)
    np.testing.assert_array_equal(
        np.sort(slopes.values_, axis=None), np.sort(np.asarray(frame["coef"])[features])
    )
    first = str(np.asarray(frame["feature"])[1])
    lines = SlopesDisplay.from_estimator(one.model, feature=first)
    assert len(lines.axes_) == rows / 3
    similar = TaskSimilarityDisplay.from_estimator(one.model, one.X)
    truth = task_similarity(one.model, one.X)
    order = np.argsort(truth.tasks["position"])
    np.testing.assert_array_equal(similar.values_, truth.values[np.ix_(order, order)])
    if name.endswith("CV"):
        scores = PathDisplay.from_estimator(one.model)
        inner = one.model if hasattr(one.model, "alpha_") else one.model[-1]
        found = getattr(inner, "mse_path_", getattr(inner, "scores_", None))
        np.testing.assert_allclose(scores.values_[::-1], found.mean(axis=-1))
        assert f"among {len(scores.alphas_)}" in scores.title_


@pytest.mark.parametrize("way", ["beside", "column", "targets"])
@pytest.mark.parametrize("family", ["MeanRegularized", "GroupLasso", "TraceNorm", "Dirty"])
def test_paths_are_those_of_the_estimator(family, way):
    around = "table" if way == "column" else "scaler"
    one = case(f"{family}RegressorCV", way, "numbers", around)
    display = PathDisplay.from_estimator(one.model, one.X, one.y, task=one.task, alphas=5)
    inner, X = one.model[-1], one.model[:-1].transform(one.X)
    task = {} if one.task is None else {"task": one.task}
    path = inner.path(X, one.y, alphas=5, **task)
    deviations = path.coefs if path.mean_coefs is None else path.coefs - path.mean_coefs
    if family == "TraceNorm":
        truth = np.linalg.svd(np.moveaxis(deviations, -1, 0), compute_uv=False)[::-1].T
    else:
        truth = np.linalg.norm(deviations, axis=0)[:, ::-1]
        names = [f"x{j}" if way == "targets" else j for j in range(3)]
        assert len(display.names_) == len(names) == 3
    np.testing.assert_allclose(np.sort(display.values_, axis=0), np.sort(truth, axis=0), atol=1e-12)


def test_random_slopes_have_no_path():
    one = case("RandomSlopesRegressor", "beside", "numbers")
    with pytest.raises(ValueError, match="has no scores of a cross-validation"):
        PathDisplay.from_estimator(one.model)
    with pytest.raises(ValueError, match="give a model that has an alpha"):
        PathDisplay.from_estimator(one.model, one.X, one.y, task=one.task)


@pytest.mark.parametrize(
    ("name", "target"),
    [
        ("MeanRegularizedRegressor", "numbers"),
        ("RandomSlopesRegressor", "numbers"),
        ("MeanRegularizedClassifier", "two"),
    ],
)
def test_gains_and_relatedness_are_those_of_inspection(name, target):
    one = case(name, "beside", target)
    given = {"task": one.task, "cv": 2}
    frame = transfer_gain(one.model, one.X, one.y, baseline="pooled", **given)
    display = TransferGainDisplay.from_estimator(
        one.model, one.X, one.y, baseline="pooled", **given
    )
    np.testing.assert_array_equal(display.gain_, frame["gain"])
    np.testing.assert_array_equal(display.shrunk_, frame["shrunk"])
    path = relatedness_path(one.model, one.X, one.y, n_alphas=4, **given)
    display = RelatednessDisplay.from_estimator(one.model, one.X, one.y, n_alphas=4, **given)
    np.testing.assert_array_equal(np.sort(display.score_), np.sort(path.frame["score"]))
    assert display.path.best_relatedness == path.best_relatedness


@pytest.mark.parametrize(
    "name", ["GroupLassoRegressor", "RandomSlopesClassifier", "TraceNormRegressor"]
)
def test_stability_is_that_of_inspection(name):
    one = case(name, "beside", "two" if "Classifier" in name else "numbers")
    given = {"task": one.task, "n_bootstraps": 5, "random_state": 0}
    found = selection_stability(one.model, one.X, one.y, **given)
    display = StabilityDisplay.from_estimator(one.model, one.X, one.y, **given)
    np.testing.assert_array_equal(display.frequency_, np.sort(found.features["frequency"])[::-1])
    assert len(display.axes_) == (1 if name.startswith("TraceNorm") else 2)


def test_alphas_of_zero_and_infinity_are_drawn():
    one = case("MeanRegularizedRegressor", "beside", "numbers")
    model = mtlearn.MeanRegularizedRegressorCV(alphas=[0.0, 0.1, 1.0, np.inf], cv=2)
    model.fit(one.X, one.y, task=one.task)
    display = PathDisplay.from_estimator(model)
    display.figure_.draw_without_rendering()
    (line,) = (line for line in display.ax_.lines if line.get_label() == "mean of folds")
    assert np.isfinite(line.get_xdata()).all() and len(line.get_xdata()) == 4
    assert "the outermost: 0, ∞" in display.ax_.get_xlabel().replace("\n", " ")


def test_a_transfer_matrix_is_that_of_inspection():
    one = case("MeanRegularizedRegressor", "beside", "numbers")
    found = transfer_matrix(one.model, one.X, one.y, task=one.task)
    display = TransferMatrixDisplay.from_estimator(one.model, one.X, one.y, task=one.task)
    order = [found.tasks.index(task) for task in display.tasks_]
    np.testing.assert_array_equal(display.values_, found.values[np.ix_(order, order)])
