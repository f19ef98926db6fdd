"""A missing target, weight or label is missing whatever its library calls it."""

import datetime as dt
import warnings
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV

from mtlearn import (
    GroupLassoRegressor,
    IndependentTasks,
    MeanRegularizedClassifier,
    MeanRegularizedRegressor,
    MeanRegularizedRegressorCV,
    PooledTasks,
    compare_tasks,
)
from mtlearn.exceptions import MissingTargetWarning
from mtlearn.inputs.labels import read_labels
from mtlearn.metrics import (
    average_precision,
    log_loss,
    nan_accuracy_score,
    nan_mean_squared_error,
    nan_r2_score,
    nmse,
    roc_auc,
    task_scores,
)
from mtlearn.model_selection import StratifiedTaskKFold

from ..checks import STRICT

pytestmark = STRICT
rng = np.random.default_rng(0)
n = 24
X, TASK = rng.normal(size=(n, 3)), np.tile(["a", "b", "c"], n // 3)
VALUES = (X[:, 0] + 0.3 * rng.normal(size=n)).round(3)  # three decimals are exact in all types
HOLES = np.isin(np.arange(n), [0, 7, 12])
FILLED = np.where(HOLES, -99.0, VALUES)


def masked(values, like):
    """What a mask hides must not be seen, so there is a value that would show."""
    return np.ma.array([like if value is None else value for value in values], mask=HOLES)


# from a list with None to a column of some type
NUMBERS = {
    "None": list,
    "NA": lambda values: np.array([pd.NA if v is None else v for v in values], dtype=object),
    "NaT": lambda values: np.array([pd.NaT if v is None else v for v in values], dtype=object),
    "masked": lambda values: masked(values, -99.0),
    "Decimal": lambda values: [Decimal("NaN" if v is None else repr(float(v))) for v in values],
    "pandas object": lambda values: pd.Series(values, dtype=object).fillna(pd.NA),
    "pandas nullable": lambda values: pd.Series(values, dtype="Float64"),
    "pandas Arrow": lambda values: pd.Series(values, dtype="double[pyarrow]"),
    "polars": pl.Series,
    "pyarrow": pa.array,
    "pyarrow chunked": lambda values: pa.chunked_array([values]),
}
LABELS = {
    "None": list,
    "NA": lambda values: np.array([pd.NA if v is None else v for v in values], dtype=object),
    "masked": lambda values: masked(values, values[1]),
    "pandas object": lambda values: pd.Series(values, dtype=object),
    "pandas category": lambda values: pd.Series(values, dtype="category"),
    "polars": pl.Series,
    "pyarrow": pa.array,
    "pyarrow chunked": lambda values: pa.chunked_array([values]),
}
OF_KIND = {
    "text": {"nullable": "string", "Arrow": "string[pyarrow]"},
    "whole": {"nullable": "Int64", "Arrow": "int64[pyarrow]"},
    "bool": {"nullable": "boolean", "Arrow": "bool[pyarrow]"},
}
CLASSES = {"text": ["no", "yes"], "whole": [3, 8], "bool": [False, True]}


def with_none(values):
    return [None if hole else value for value, hole in zip(values, HOLES, strict=True)]


def labels(kind):
    first, second = CLASSES[kind]
    return [second if value > 0 else first for value in VALUES]


def columns_of_labels():
    for kind in CLASSES:
        for name, form in LABELS.items():
            yield pytest.param(kind, form, id=f"{kind}-{name}")
        for name, dtype in OF_KIND[kind].items():
            form = lambda values, dtype=dtype: pd.Series(values, dtype=dtype)  # noqa: E731
            yield pytest.param(kind, form, id=f"{kind}-pandas {name}")


every_number = pytest.mark.parametrize("form", [pytest.param(f, id=k) for k, f in NUMBERS.items()])
REGRESSORS = [
    MeanRegularizedRegressor(0.1),
    GroupLassoRegressor(0.1),
    MeanRegularizedRegressorCV(alphas=3, cv=2),
    IndependentTasks(Ridge()),
    PooledTasks(Ridge()),
]


def matrix(form):
    """The column beside a complete one, in the library of the column."""
    column = form(with_none(VALUES))
    if isinstance(column, pl.Series):
        return pl.DataFrame({"u": column, "v": VALUES})
    if isinstance(column, pa.Array | pa.ChunkedArray):
        return pa.table({"u": column, "v": VALUES})
    if isinstance(column, np.ma.MaskedArray):
        return np.ma.column_stack([column, VALUES])
    return pd.DataFrame({"u": column, "v": VALUES})


NAN = np.where(HOLES, np.nan, VALUES)


@every_number
def test_one_target(form):
    y = form(with_none(VALUES))
    for model in REGRESSORS:
        expected = clone(model).fit(X[~HOLES], VALUES[~HOLES], task=TASK[~HOLES])
        fitted = clone(model).fit(X, y, task=TASK)
        np.testing.assert_allclose(
            fitted.predict(X, task=TASK), expected.predict(X, task=TASK), atol=1e-8
        )
    score = expected.score(X[~HOLES], VALUES[~HOLES], task=TASK[~HOLES])
    assert fitted.score(X, y, task=TASK) == pytest.approx(score)


@every_number
def test_several_targets(form):
    Y, expected = matrix(form), np.column_stack([NAN, VALUES])
    for model in REGRESSORS:
        fitted, other = clone(model).fit(X, Y), clone(model).fit(X, expected)
        np.testing.assert_allclose(fitted.predict(X), other.predict(X), atol=1e-8)
    assert fitted.score(X, Y) == pytest.approx(other.score(X, expected))


@every_number
def test_scores_of_numbers(form):
    y, guess = form(with_none(VALUES)), VALUES + X[:, 1]
    for metric in (nan_r2_score, nan_mean_squared_error, nmse):
        expected = metric(VALUES[~HOLES], guess[~HOLES], task=TASK[~HOLES])
        assert metric(y, guess, task=TASK) == pytest.approx(expected)
    model = MeanRegularizedRegressor(0.1).fit(X, VALUES, task=TASK)
    for scoring in (None, "r2", "neg_mean_absolute_error"):
        here = task_scores(model, X, y, task=TASK, scoring=scoring)
        there = task_scores(model, X[~HOLES], VALUES[~HOLES], task=TASK[~HOLES], scoring=scoring)
        pd.testing.assert_frame_equal(here, there)


@pytest.mark.parametrize("kind, form", list(columns_of_labels()))
def test_classes(kind, form):
    truth, y = np.array(labels(kind)), form(with_none(labels(kind)))
    for model in (MeanRegularizedClassifier(), IndependentTasks(LogisticRegression())):
        expected = clone(model).fit(X[~HOLES], truth[~HOLES], task=TASK[~HOLES])
        fitted = clone(model).fit(X, y, task=TASK)
        assert fitted.classes_.tolist() == expected.classes_.tolist()
        np.testing.assert_allclose(
            fitted.predict_proba(X, task=TASK), expected.predict_proba(X, task=TASK), atol=1e-8
        )
    guess = expected.predict(X, task=TASK)
    score = np.mean(guess[~HOLES] == truth[~HOLES])
    assert fitted.score(X, y, task=TASK) == pytest.approx(score)
    assert nan_accuracy_score(y, guess) == pytest.approx(score)
    for metric in (roc_auc, average_precision, log_loss):
        p = expected.predict_proba(X, task=TASK)[:, 1]
        assert metric(y, p) == pytest.approx(metric(truth[~HOLES], p[~HOLES]))


@pytest.mark.parametrize("kind, form", list(columns_of_labels()))
def test_folds_deal_the_labels_that_are_there(kind, form):
    here = [test for _, test in StratifiedTaskKFold(3).split(X, form(with_none(labels(kind))))]
    there = [test for _, test in StratifiedTaskKFold(3).split(X, np.array(with_none(labels(kind))))]
    for one, other in zip(here, there, strict=True):
        np.testing.assert_array_equal(one, other)


@every_number
def test_comparison(form):
    big = np.concatenate([X] * 3), np.concatenate([TASK] * 3)
    three = (
        (lambda values: np.ma.concatenate([masked(values, -99.0)] * 3))
        if isinstance(form(with_none(VALUES)), np.ma.MaskedArray)
        else lambda values: form(list(values) * 3)
    )
    result = compare_tasks(big[0], three(with_none(VALUES)), task=big[1], models=[], cv=2)
    assert result.n_rows == 3 * (~HOLES).sum()
    assert "9 rows without a known" in result.notes[0]


@every_number
def test_a_weight_may_be_missing_where_the_label_is(form):
    weight = rng.uniform(0.5, 2.0, size=n).round(3)
    expected = MeanRegularizedRegressor(0.1).fit(X, NAN, sample_weight=weight, task=TASK)
    fitted = MeanRegularizedRegressor(0.1).fit(
        X, NAN, sample_weight=form(with_none(weight)), task=TASK
    )
    np.testing.assert_allclose(fitted.coef_, expected.coef_)
    assert nan_r2_score(NAN, VALUES + X[:, 1], sample_weight=form(with_none(weight))) == (
        pytest.approx(nan_r2_score(NAN, VALUES + X[:, 1], sample_weight=weight))
    )
    with pytest.raises(ValueError, match=r"sample_weight is missing .* 3 labels .*row 0"):
        MeanRegularizedRegressor(0.1).fit(X, VALUES, sample_weight=form(with_none(weight)))


def test_the_weight_of_a_row_is_needed_while_one_of_its_labels_is_there():
    Y, weight = np.column_stack([NAN, VALUES]), np.where(HOLES, np.nan, 1.0)
    with pytest.raises(ValueError, match="sample_weight is missing"):
        MeanRegularizedRegressor(0.1).fit(X, Y, sample_weight=weight)
    of_labels = np.column_stack([weight, np.ones(n)])
    fitted = MeanRegularizedRegressor(0.1).fit(X, Y, sample_weight=of_labels)
    np.testing.assert_allclose(fitted.coef_, MeanRegularizedRegressor(0.1).fit(X, Y).coef_)


@pytest.mark.parametrize("values", [VALUES, np.arange(n), np.array(labels("text"))])
def test_a_masked_task_label_is_missing(values):
    with pytest.raises(ValueError, match=r"missing .* in 3 rows"):
        read_labels(np.ma.array(values, mask=HOLES), "task")


@pytest.mark.parametrize("features", [X, (10 * X).astype(int)])
def test_a_masked_feature_is_missing(features):
    cells = np.ma.array(features, mask=np.arange(3 * n).reshape(n, 3) == 5)
    with pytest.raises(ValueError, match="Input X contains NaN"):
        MeanRegularizedRegressor().fit(cells, VALUES)


@pytest.mark.parametrize(
    "y",
    [
        np.array(["2020-01-01", "2021-01-01"] * 12, dtype="M8[s]"),
        np.arange(n).astype("m8[h]"),
        [dt.date(2020, 1, 1 + day) for day in range(n)],
        pl.Series([dt.timedelta(days=day) for day in range(n)]),
        pd.Series(pd.date_range("2020", periods=n, tz="Europe/Berlin")),
        pd.DataFrame({"u": pd.to_timedelta(np.arange(n), "h")}),
    ],
)
def test_dates_and_durations_are_no_numbers(y):
    with pytest.raises(ValueError, match="y holds dates, times or durations"):
        MeanRegularizedRegressor().fit(X, y)
    with pytest.raises(ValueError, match="y_true holds dates"):
        nan_r2_score(y, VALUES)


def test_a_prediction_that_is_missing_is_refused():
    for metric, truth in ((nan_r2_score, VALUES), (nan_accuracy_score, labels("text"))):
        with pytest.raises(ValueError, match="where y_true is observed"):
            metric(truth, with_none(truth))


def said(call):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call()
    return [str(one.message) for one in caught if one.category is MissingTargetWarning]


@pytest.mark.parametrize("model", REGRESSORS, ids=str)
def test_rows_lost_to_holes_are_counted_once(model):
    (text,) = said(lambda: clone(model).fit(X, NAN, task=TASK))
    assert "3 rows have no target (missing; the first is row 0); the fit is without them" in text
    (text,) = said(lambda: clone(model).fit(X, [pd.NA, *VALUES[1:]], task=TASK))
    assert "1 row has no target (missing; the first is row 0); the fit is without it" in text
    assert not said(lambda: clone(model).fit(X, np.column_stack([NAN, VALUES])))
    assert not said(lambda: clone(model).fit(X, VALUES, task=TASK))


def test_a_search_of_scikit_learn_says_it_in_its_last_fit_only():
    table = np.column_stack([X, np.tile([0, 1, 2], n // 3)])
    search = GridSearchCV(MeanRegularizedRegressor(task_column=-1), {"alpha": [0.1, 1.0]}, cv=3)
    (text,) = said(lambda: search.fit(table, NAN))
    assert "3 rows" in text
