"""`adapt` as users call it: ways in, pipelines and frames, what stays, and what grows."""

import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import mtlearn
from mtlearn import (
    GroupLassoRegressor,
    MeanRegularizedClassifier,
    MeanRegularizedRegressor,
    RandomSlopesRegressor,
    adapt,
    make_table_pipeline,
)

from ..checks import STRICT

pytestmark = STRICT


def table(seed=0, T=12, n=15):
    rng = np.random.default_rng(seed)
    shop = np.array([f"shop {t:02}" for t in range(T)])[np.arange(n * T) % T]
    frame = pd.DataFrame(rng.normal(size=(n * T, 3)), columns=["price", "size", "age"])
    frame["kind"] = np.array(["new", "old"])[rng.integers(0, 2, n * T)]
    frame["shop"] = shop
    y = frame["price"] + 2.0 * (frame["kind"] == "new") + rng.normal(size=n * T)
    return frame, y.to_numpy()


FRAME, Y = table()
NUMBERS = ["price", "size", "age"]
X, SHOP = FRAME[NUMBERS].to_numpy(), FRAME["shop"].to_numpy()
LATE = np.isin(SHOP, ["shop 00", "shop 07"])
ESTIMATORS = [
    MeanRegularizedRegressor(alpha=0.1),
    GroupLassoRegressor(alpha=0.05),
    mtlearn.DirtyRegressor(alpha=0.05),
    mtlearn.TraceNormRegressor(alpha=0.05),
    RandomSlopesRegressor(),
]


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda e: type(e).__name__)
def test_the_given_model_stays_and_old_tasks_answer_as_before(estimator):
    model = estimator.fit(X[~LATE], Y[~LATE], task=SHOP[~LATE])
    before = pickle.dumps(model)
    later = adapt(model, X[LATE], Y[LATE], task=SHOP[LATE])
    assert pickle.dumps(model) == before
    assert later is not model and type(later) is type(model)
    assert later.tasks_.tolist() == sorted(set(SHOP))
    old = later.predict(X[~LATE], task=SHOP[~LATE])
    np.testing.assert_array_equal(old, model.predict(X[~LATE], task=SHOP[~LATE]))
    for name, values in vars(later).items():
        if name[0] != "_" and np.ndim(values) and len(vars(model)[name]) == 10:
            assert len(values) == 12, name
            others = [t for t, task in enumerate(later.tasks_) if task in model.tasks_]
            np.testing.assert_array_equal(values[others], vars(model)[name])
    assert later.task_counts_.tolist() == [15] * 12
    assert later.data_scale_ == model.data_scale_
    np.testing.assert_array_equal(later.center_, model.center_)
    assert later.score(X, Y, task=SHOP) > 0.1
    again = pickle.loads(pickle.dumps(later))
    np.testing.assert_array_equal(again.predict(X, task=SHOP), later.predict(X, task=SHOP))


def test_tasks_one_by_one_are_tasks_at_once_where_only_the_mean_is_shared():
    model = MeanRegularizedRegressor(alpha=0.1).fit(X[~LATE], Y[~LATE], task=SHOP[~LATE])
    at_once, one_by_one = adapt(model, X[LATE], Y[LATE], task=SHOP[LATE]), model
    for shop in ("shop 07", "shop 00"):
        rows = SHOP == shop
        one_by_one = adapt(one_by_one, X[rows], Y[rows], task=SHOP[rows])
    np.testing.assert_array_equal(one_by_one.tasks_, at_once.tasks_)
    np.testing.assert_allclose(one_by_one.coef_, at_once.coef_, rtol=1e-12)
    np.testing.assert_allclose(one_by_one.intercept_, at_once.intercept_, rtol=1e-12)


def test_the_common_level_is_that_of_the_fit():
    """Of models without a mean too, however far off are the tasks that came since."""
    model = GroupLassoRegressor(alpha=0.05, l1_ratio=1.0, alpha_intercept=0.5, tol=1e-12)
    model.fit(X[~LATE], Y[~LATE], task=SHOP[~LATE])  # a lasso each: nothing else is shared
    strange = adapt(model, X[:9], Y[:9] + 100.0, task=["far"] * 9)
    rows = SHOP == "shop 07"
    first, second = (adapt(m, X[rows], Y[rows], task=SHOP[rows]) for m in (model, strange))
    ours = [list(m.tasks_).index("shop 07") for m in (first, second)]
    np.testing.assert_allclose(first.coef_[ours[0]], second.coef_[ours[1]], atol=1e-12)
    np.testing.assert_allclose(first.intercept_[ours[0]], second.intercept_[ours[1]], rtol=1e-10)


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda e: type(e).__name__)
def test_strangers_are_answered_by_the_mean_or_the_average_of_all_tasks(estimator):
    model = clone(estimator).set_params(unseen_task="mean").fit(X, Y, task=SHOP)
    later = adapt(model, X[:4], Y[:4] + 100.0, task=["far"] * 4)
    answers = later.predict(X[:3], task=["never"] * 3)
    if hasattr(model, "mean_coef_"):
        expected = model.predict(X[:3], task=["never"] * 3)
    else:
        expected = np.mean([later.predict(X[:3], task=[t] * 3) for t in later.tasks_], axis=0)
    np.testing.assert_allclose(answers, expected, rtol=1e-12)


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda e: type(e).__name__)
def test_a_fit_again_forgets_the_tasks_that_were_added(estimator):
    again = adapt(clone(estimator).fit(X, Y, task=SHOP), X[:4], Y[:4], task=["far"] * 4)
    again.fit(X, Y + 1000.0, task=SHOP)
    fresh = clone(estimator).fit(X, Y + 1000.0, task=SHOP)
    assert vars(again).keys() == vars(fresh).keys()
    answers = [
        adapt(model, X[:4], Y[:4] + 1000.0, task=["far"] * 4).predict(X[:3], task=["far"] * 3)
        for model in (again, fresh)
    ]
    np.testing.assert_array_equal(*answers)


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame])
def test_labels_in_a_column_and_beside_are_the_same(frame):
    columns = [*NUMBERS, "shop"]
    rows = FRAME[columns]
    beside = MeanRegularizedRegressor(alpha=0.1).fit(X[~LATE], Y[~LATE], task=SHOP[~LATE])
    beside = adapt(beside, X[LATE], Y[LATE], task=SHOP[LATE])
    model = MeanRegularizedRegressor(alpha=0.1, task_column="shop")
    model.fit(frame(rows[~LATE].to_dict("list")), Y[~LATE])
    later = adapt(model, frame(rows[LATE].to_dict("list")), Y[LATE])
    np.testing.assert_allclose(later.coef_, beside.coef_, rtol=1e-12)
    assert later.feature_names_in_.tolist() == columns
    answers = later.predict(frame(rows.to_dict("list")))
    np.testing.assert_allclose(answers, beside.predict(X, task=SHOP))


def test_a_table_pipeline_keeps_its_columns_and_scales():
    model = make_table_pipeline(MeanRegularizedRegressor(alpha=0.1, task_column="shop"))
    model.fit(FRAME[~LATE], Y[~LATE])
    later = adapt(model, FRAME[LATE], Y[LATE])
    assert later["table"] is model["table"] and len(model["model"].tasks_) == 10
    inside = model["table"].transform(FRAME[LATE])
    alone = adapt(model["model"], inside, Y[LATE])
    np.testing.assert_array_equal(later["model"].coef_, alone.coef_)
    np.testing.assert_array_equal(later.predict(FRAME[~LATE]), model.predict(FRAME[~LATE]))
    assert later.score(FRAME[LATE], Y[LATE]) > 0.5


def test_searches_and_pipelines_with_labels_beside():
    pipeline = make_pipeline(StandardScaler(), MeanRegularizedRegressor())
    numbers = np.column_stack([X, np.unique(SHOP, return_inverse=True)[1]])
    pipeline.fit(X[~LATE], Y[~LATE], meanregularizedregressor__task=SHOP[~LATE])
    later = adapt(pipeline, X[LATE], Y[LATE], task=SHOP[LATE])
    assert len(later[-1].tasks_) == 12 and len(pipeline[-1].tasks_) == 10
    search = GridSearchCV(MeanRegularizedRegressor(task_column=3), {"alpha": [0.1, 1.0]}, cv=3)
    search.fit(numbers[~LATE], Y[~LATE])
    found = adapt(search, numbers[LATE], Y[LATE])
    assert len(found.best_estimator_.tasks_) == 12
    assert len(search.best_estimator_.tasks_) == 10
    assert found.predict(numbers[LATE]).shape == (LATE.sum(),)


def test_kinds_of_labels():
    codes = np.unique(SHOP, return_inverse=True)[1]
    model = MeanRegularizedRegressor(alpha=0.1).fit(X[~LATE], Y[~LATE], task=codes[~LATE])
    for labels in (codes[LATE], codes[LATE].astype(float), pd.Series(codes[LATE])):
        later = adapt(model, X[LATE], Y[LATE], task=labels)
        assert later.tasks_.tolist() == list(range(12))
    quarters = codes + 0.25
    model = MeanRegularizedRegressor(alpha=0.1).fit(X[~LATE], Y[~LATE], task=quarters[~LATE])
    later = adapt(model, X[LATE], Y[LATE], task=codes[LATE])
    assert later.tasks_.tolist() == sorted([0, 7, *model.tasks_])
    answers = later.predict(X[~LATE], task=quarters[~LATE])
    np.testing.assert_array_equal(answers, model.predict(X[~LATE], task=quarters[~LATE]))
    one = MeanRegularizedRegressor(alpha=0.1).fit(X, Y, task=codes.astype(np.int8))
    later = adapt(one, X[:9], Y[:9], task=np.full(9, 2**60 + 1))
    assert later.tasks_.tolist() == [*range(12), 2**60 + 1]
    with pytest.raises(
        ValueError, match="would be rounded"
    ):  # 2**63, which no row would be found by
        adapt(one, X[:9], Y[:9], task=np.full(9, 2**63 + 5, dtype=np.uint64))
    booleans = MeanRegularizedRegressor(alpha=0.1).fit(X, Y, task=codes > 5)
    assert len(adapt(booleans, X[:9], Y[:9], task=np.full(9, 7)).tasks_) == 3
    with pytest.raises(TypeError, match="text never equals a number"):
        adapt(model, X[LATE], Y[LATE], task=SHOP[LATE])


@pytest.mark.parametrize("thin_rows", [sparse.csr_array, sparse.csr_matrix])
def test_sparse_rows_are_those_of_an_array(thin_rows):
    some = np.where(np.abs(X) > 0.7, X, 0.0)
    for estimator in ESTIMATORS:
        dense = estimator.fit(some[~LATE], Y[~LATE], task=SHOP[~LATE])
        dense = adapt(dense, some[LATE], Y[LATE], task=SHOP[LATE])
        thin = estimator.fit(thin_rows(some[~LATE]), Y[~LATE], task=SHOP[~LATE])
        thin = adapt(thin, thin_rows(some[LATE]), Y[LATE], task=SHOP[LATE])
        np.testing.assert_allclose(thin.coef_, dense.coef_, atol=1e-6)


def test_rows_without_a_target_or_weight_are_left_out():
    model = MeanRegularizedRegressor(alpha=0.1).fit(X[~LATE], Y[~LATE], task=SHOP[~LATE])
    late, holes = np.flatnonzero(LATE), Y[LATE].copy()
    holes[:3] = np.nan
    weight = np.ones(len(late))
    weight[3:5] = 0
    found = adapt(model, X[late], holes, task=SHOP[late], sample_weight=weight)
    kept = late[5:]
    expected = adapt(model, X[kept], Y[kept], task=SHOP[kept])
    np.testing.assert_array_equal(found.coef_, expected.coef_)


def test_a_class_weight_is_that_of_the_model():
    labels = np.where(Y > 1, "yes", "no")
    weights = {"class_weight": "balanced", "alpha": 0.05, "tol": 1e-11, "alpha_intercept": 0.1}
    model = MeanRegularizedClassifier(**weights).fit(X, labels, task=SHOP)
    rows = SHOP == "shop 03"
    again = adapt(model, X[rows], labels[rows], task=SHOP[rows], replace=True)
    np.testing.assert_allclose(again.coef_, model.coef_, atol=1e-6)


def test_features_far_from_zero():
    moved = X + 1e7
    model = MeanRegularizedRegressor(alpha=0.1).fit(X[~LATE], Y[~LATE], task=SHOP[~LATE])
    far = MeanRegularizedRegressor(alpha=0.1).fit(moved[~LATE], Y[~LATE], task=SHOP[~LATE])
    later, far = (
        adapt(m, x[LATE], Y[LATE], task=SHOP[LATE]) for m, x in ((model, X), (far, moved))
    )
    np.testing.assert_allclose(far.coef_, later.coef_, rtol=1e-5, atol=1e-7)
