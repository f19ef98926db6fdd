"""Random slopes in a comparison: who takes part, and in which features tasks are said to differ."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from mtlearn import RandomSlopesClassifier, RandomSlopesRegressor, compare_tasks
from mtlearn.compare import contenders
from mtlearn.compare.slopes import slopes_in_words

from ..comparisons import class_data, school_data, target_matrix


def clinics(n_tasks=80, rows=12, seed=0):
    """The slope of b differs between tasks, that of a does not; columns in units of their own."""
    rng = np.random.default_rng(seed)
    task = np.repeat(np.arange(n_tasks), rows)
    a, b = rng.normal(size=(2, len(task)))
    slope = 1.0 + 2.0 * rng.normal(size=n_tasks)
    y = a + slope[task] * b + 0.5 * rng.normal(size=n_tasks)[task] + rng.normal(size=len(task))
    return pd.DataFrame({"a": 1000 * a, "b": 7 + b / 50, "task": task}), y, slope


@pytest.fixture(scope="module")
def found():
    X, y, slope = clinics()
    return compare_tasks(X, y, task_column="task", models=["random-slopes"], cv=3), X, y, slope


def test_the_features_that_differ_are_those_drawn_so(found):
    result, slope = found[0], found[3]
    frame = result.slopes.set_index("feature")
    assert list(frame.index) == ["(level)", "a", "b"]
    assert frame.loc["a", "std"] < 0.25 and frame.loc["a", "other_sign"] < 0.01  # in truth 0
    assert frame.loc["b", "std"] == pytest.approx(2.0, rel=0.25)  # of 80 tasks
    assert frame.loc["(level)", "std"] == pytest.approx(0.5, rel=0.5)
    assert frame.loc["b", "other_sign"] == pytest.approx(np.mean(slope < 0), abs=0.15)
    assert result.helps and result.best_model == "random-slopes"


def test_slopes_are_those_of_a_fit_on_standardised_columns(found):
    result, X, y, _ = found
    Z = X[["a", "b"]]
    deviation = Z.std(ddof=0)
    model = RandomSlopesRegressor(alpha_mean="auto")
    model.fit((Z - Z.mean()) / deviation, y, task=X["task"])
    frame = result.slopes.iloc[1:]
    np.testing.assert_allclose(frame["mean"], model.mean_coef_, rtol=1e-7)
    np.testing.assert_allclose(frame["std"], model.slope_std_, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(frame["unit"], deviation, rtol=1e-12)
    ratio = model.mean_coef_[1] / model.slope_std_[1]
    assert frame["other_sign"].iloc[1] == pytest.approx(norm.cdf(-abs(ratio)), rel=1e-5)


def test_the_verdict_says_which_features_differ(found):
    result = found[0]
    row = result.slopes.iloc[2]
    assert f"differ in their level (± {result.slopes['std'].iloc[0]:.2g}" in result.verdict
    words = (
        f"b ({row['mean']:#.2g} ± {row['std']:#.2g}, the other way in {row['other_sign']:.0%} of"
    )
    assert f" and in {words} tasks), less or not at all in a (effects of one" in result.verdict


@pytest.mark.parametrize(
    ("level", "std", "words"),
    [
        (0.0, [0, 0], "By random-slopes tasks differ in no feature"),
        (0.5, [0, 0], "By random-slopes tasks differ in their level (± 0.50) and in no feature"),
        (np.inf, [1, 0], "differ in x0 (1.0 ± 1.0, the other way in 16% of tasks), less or not at"),
        (20.0, [0.05, 1], "(± 20) and in x1 (1.0 ± 1.0, the other way in 16% of tasks), less or "),
        (0.0, [1, 1], "x0 (1.0 ± 1.0, the other way in 16% of tasks) and x1 (1.0 ± 1.0, the other"),
        (
            0.0,
            [1, 1, 1, 1],
            "16%) and x2 (1.0 ± 1.0, the other way in 16%), less or not at all in x3",
        ),
        (0.0, [1] * 8, "16%), less or not at all in the other 5 (effects of one standard"),
    ],
)
def test_words_of_slopes(level, std, words):
    std = np.array([level, *std])
    names = ["(level)", *(f"x{j}" for j in range(len(std) - 1))]
    mean = np.append(np.nan, np.ones(len(std) - 1))
    frame = pd.DataFrame({"feature": names, "mean": mean, "std": std, "other_sign": 0.1587})
    assert words in slopes_in_words(frame)


def test_a_mean_that_is_rounding_is_none():
    frame = pd.DataFrame(
        {"feature": ["(level)", "x"], "mean": [np.nan, -1e-9], "std": [0, 1], "other_sign": 0.5}
    )
    assert "x (0 ± 1.0, the other way in 50% of tasks)" in slopes_in_words(frame)


def test_a_matrix_of_targets_has_slopes_too():
    X, Y = target_matrix()
    result = compare_tasks(X, Y, models=["random-slopes"], cv=2)
    assert np.isfinite(result.table.loc["random-slopes", "r2"])
    assert list(result.slopes["feature"]) == ["(level)", "x0", "x1", "x2", "x3"]
    assert np.isinf(result.slopes["std"].iloc[0])  # levels of columns are free
    assert "their level" not in slopes_in_words(result.slopes)


def test_without_random_slopes_nothing_is_said_of_them():
    X, y = school_data(6, 10)
    result = compare_tasks(X, y, task_column="school", models=["mean-regularized"], cv=2)
    assert result.slopes is None and "random-slopes" not in str(result)


def test_too_many_columns_leave_random_slopes_out_with_a_note(monkeypatch):
    monkeypatch.setattr(contenders, "WIDEST", 4)
    X, y = school_data(6, 10)  # a, b, c, and two dummies of kind
    result = compare_tasks(X, y, task_column="school", models=["random-slopes"], cv=2)
    assert "random-slopes" not in result.table.index and result.slopes is None
    said = "random-slopes is left out: it takes up to 4 columns (features, and a column for each"
    assert any(note.startswith(said) and note.endswith("here are 5.") for note in result.notes)
    monkeypatch.setattr(contenders, "WIDEST", 5)
    again = compare_tasks(X, y, task_column="school", models=["random-slopes"], cv=2)
    assert "random-slopes" in again.table.index and not again.notes


@pytest.mark.parametrize("n_classes", [2, 3])
def test_classes_have_slopes_too(n_classes):
    X, y = class_data(8, 30, n_classes)
    result = compare_tasks(X, y, task_column="school", models=["random-slopes"], cv=2)
    rows, frame = (1 if n_classes == 2 else 3), result.slopes
    assert list(frame["feature"]) == ["(level)", "a", "b", "c"] * rows
    Z = X[["a", "b", "c"]]
    model = RandomSlopesClassifier(alpha_mean="auto")
    model.fit((Z - Z.mean()) / Z.std(ddof=0), y, task=X["school"])
    slopes = frame[frame["feature"] != "(level)"]
    np.testing.assert_allclose(slopes["std"], np.ravel(model.slope_std_), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(slopes["mean"], np.ravel(model.mean_coef_), rtol=1e-6)
    if n_classes == 3:
        assert list(slopes["class"]) == ["low"] * 3 + ["mid"] * 3 + ["top"] * 3
        assert any(f" for {name} (" in result.verdict for name in ("low", "mid", "top"))


def test_a_matrix_of_classes_has_slopes_too():
    X, Y = target_matrix()
    Y = Y.gt(0).astype(float).where(Y.notna())
    result = compare_tasks(X, Y, models=["random-slopes"], cv=2)
    assert result.kind.name == "classification"
    assert result.table.loc["random-slopes", "log_loss"] < result.null_loss
    assert list(result.slopes["feature"]) == ["(level)", "x0", "x1", "x2", "x3"]
    assert "their level" not in slopes_in_words(result.slopes)
