"""Labels of tasks, tasks never seen, weights of tasks, units of targets."""

import re
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import cross_val_score

from mtlearn import GroupLassoRegressor, MeanRegularizedRegressor
from mtlearn.exceptions import UnseenTaskWarning
from mtlearn.model_selection import LeaveTasksOut

from ..checks import STRICT
from ..generators import make

pytestmark = STRICT

ESTIMATORS = [
    pytest.param(MeanRegularizedRegressor, {"alpha": 0.3}, id="mean"),
    pytest.param(GroupLassoRegressor, {"alpha": 0.2}, id="group"),
    pytest.param(GroupLassoRegressor, {"alpha": 0.2, "shared_mean": True}, id="group+mean"),
]


def rows(labels, seed=0):
    """X, y and one task per label, six rows each."""
    rng = np.random.default_rng(seed)
    task = np.repeat(np.array(labels, dtype=object), 6)
    X = rng.normal(size=(len(task), 3))
    return X, X[:, 0] + rng.normal(size=len(task)), task


# --- labels ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "same",
    [
        lambda t: [int(k) for k in t],
        lambda t: [float(k) for k in t],
        lambda t: np.array(t, dtype=np.int8),
        lambda t: np.array(t, dtype=np.float32),
        lambda t: [np.int64(k) for k in t],
        lambda t: pd.Series(t, dtype="Int64"),
        lambda t: pd.Series(t, dtype="category"),
        lambda t: np.array(t, dtype=object),
    ],
)
def test_equal_numbers_are_one_label(same):
    X, y, task = rows([12, 7, 30])
    fitted = MeanRegularizedRegressor().fit(X, y, task=task.astype(int))
    mixed = MeanRegularizedRegressor().fit(X, y, task=same(task))
    assert [int(k) for k in mixed.tasks_] == [7, 12, 30]
    np.testing.assert_array_equal(mixed.coef_, fitted.coef_)
    expected = fitted.predict(X, task=task.astype(int))
    np.testing.assert_array_equal(fitted.predict(X, task=same(task)), expected)


@pytest.mark.parametrize("labels", [["a", "b"], [True, False], [3, -1], [0.5, 1.5]], ids=str)
@pytest.mark.parametrize("dtype", [None, "category"])
def test_every_kind_of_label_is_found_again(labels, dtype):
    X, y, task = rows(labels)
    column = pd.Series(task.tolist(), dtype=dtype)
    fitted = MeanRegularizedRegressor(0.1, unseen_task="error").fit(X, y, task=column)
    assert sorted(fitted.tasks_.tolist()) == sorted(labels)
    order = [fitted.tasks_.tolist().index(label) for label in task]
    expected = np.sum(X * fitted.coef_[order], axis=1) + fitted.intercept_[order]
    np.testing.assert_allclose(fitted.predict(X, task=column), expected)
    back = column[::-1].reset_index(drop=True)  # frames meet by position, not by index
    np.testing.assert_allclose(fitted.predict(X[::-1], task=back), expected[::-1])


def test_unused_categories_are_no_tasks():
    X, y, task = rows(["a", "b"])
    column = pd.Categorical(task, categories=["z", "b", "a"])
    assert sorted(MeanRegularizedRegressor().fit(X, y, task=column).tasks_) == ["a", "b"]


@pytest.mark.parametrize("fitted_on, given", [([12, 7], ["12", "7"]), (["12", "7"], [12, 7])])
def test_text_never_equals_a_number(fitted_on, given):
    X, y, task = rows(fitted_on)
    fitted = MeanRegularizedRegressor().fit(X, y, task=task)
    with pytest.raises(TypeError) as error:
        fitted.predict(X, task=np.repeat(given, 6))
    assert re.search("text|str", str(error.value))
    assert re.search("number|int", str(error.value))


@pytest.mark.parametrize(
    "labels", [["a", None], ["a", np.nan], [1.0, np.nan], [1, None], ["a", pd.NA]], ids=str
)
@pytest.mark.parametrize("door", ["column", "beside"])
def test_missing_labels_are_refused(labels, door):
    X, y, task = rows(labels)
    estimator, extra = MeanRegularizedRegressor(), {"task": task}
    if door == "column":
        estimator.set_params(task_column="school")
        X, extra = pd.DataFrame(X, columns=list("abc")).assign(school=task), {}
    with pytest.raises(ValueError, match="missing"):
        estimator.fit(X, y, **extra)


def test_a_unique_suffix_names_the_column_and_a_doubtful_one_does_not():
    X, y, task = rows([4, 5])
    frame = pd.DataFrame(X, columns=["a", "preschool", "b__school_size"])
    frame["remainder__school"] = task.astype(int)
    fitted = MeanRegularizedRegressor(task_column="school").fit(frame, y)
    assert fitted.tasks_.tolist() == [4, 5]
    assert fitted.coef_.shape == (2, 3)
    with pytest.raises(ValueError, match="school"):
        MeanRegularizedRegressor(task_column="school").fit(frame.assign(num__school=1), y)


def test_a_scaled_label_column_is_recognised():
    X, y, task = rows([4, 5, 9])
    column = task.astype(float)
    fitted = MeanRegularizedRegressor(task_column=3).fit(np.column_stack([X, column]), y)
    scaled = (column - column.mean()) / column.std()
    with pytest.raises(ValueError, match="scaled"):
        fitted.predict(np.column_stack([X, scaled]))


# --- tasks never seen --------------------------------------------------------------------------


@pytest.mark.parametrize("alpha_intercept", [0.0, 0.3, np.inf, "auto"])
@pytest.mark.parametrize("Estimator, own", ESTIMATORS)
def test_unseen_tasks_get_the_shared_model(Estimator, own, alpha_intercept):
    X, y, task = rows(["a", "b", "c"])
    fitted = Estimator(**own, alpha_intercept=alpha_intercept, unseen_task="mean")
    fitted.fit(X, y, task=task)
    mixed = task.copy()
    mixed[:4] = "new"
    predicted = fitted.predict(X, task=mixed)
    if hasattr(fitted, "mean_coef_"):
        shared = X @ fitted.mean_coef_ + fitted.mean_intercept_
    else:
        shared = X @ fitted.coef_.mean(axis=0) + fitted.intercept_.mean()
    np.testing.assert_allclose(predicted[:4], shared[:4])
    np.testing.assert_allclose(predicted[4:], fitted.predict(X[4:], task=task[4:]))
    assert hasattr(fitted, "mean_coef_") == (own != {"alpha": 0.2})


@pytest.mark.parametrize("call", ["predict", "score"])
@pytest.mark.parametrize("Estimator, own", ESTIMATORS)
def test_one_warning_a_call_with_the_rows_and_the_first_labels(Estimator, own, call):
    X, y, task = rows(["a", "b"])
    fitted = Estimator(**own).fit(X, y, task=task)
    new = task.copy()
    new[:8] = [f"new{k}" for k in (1, 1, 2, 3, 4, 5, 6, 7)]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        arguments = (X,) if call == "predict" else (X, y)
        getattr(fitted, call)(*arguments, task=new)
    unseen = [w for w in caught if issubclass(w.category, UnseenTaskWarning)]
    assert len(unseen) == 1
    text = str(unseen[0].message)
    assert re.search(r"\b8 rows", text)
    assert [label for label in re.findall(r"new\d", text)] == [f"new{k}" for k in range(1, 6)]


def test_unseen_tasks_can_be_refused():
    X, y, task = rows([1, 2])
    fitted = MeanRegularizedRegressor(unseen_task="error").fit(X, y, task=task)
    fitted.predict(X, task=task)
    with pytest.raises(ValueError, match="99"):
        fitted.predict(X, task=np.where(task == 1, 99, task))


@pytest.mark.parametrize("how", ["targets", "weights"])
def test_an_emptied_task_is_unseen_and_said_so(how):
    X, y, task = rows(["a", "b", "lost"])
    weight = np.ones(len(y))
    if how == "targets":
        y[task == "lost"] = np.nan
    else:
        weight[task == "lost"] = 0
    with pytest.warns(UnseenTaskWarning, match="lost"):
        fitted = MeanRegularizedRegressor().fit(X, y, sample_weight=weight, task=task)
    assert fitted.tasks_.tolist() == ["a", "b"]
    with pytest.warns(UnseenTaskWarning, match="lost"):
        fitted.predict(X, task=task)


# --- weights of tasks --------------------------------------------------------------------------


@pytest.mark.parametrize("Estimator, own", ESTIMATORS)
def test_task_weight_is_a_factor_on_the_rows(Estimator, own):
    """omega_t s_ti with N unchanged: sample weights scaled so that they still sum to N."""
    problem = make(0, "beside", weights="rows")
    task, s = problem.extra["task"], problem.extra["sample_weight"]
    omega = {label: 0.5 + k for k, label in enumerate(problem.labels)}
    estimator = Estimator(**own, alpha_intercept=0.2, tol=1e-12)
    factor = np.array([omega[label] for label in task])
    # (T/N) omega s = (T/N') s' with s' = omega s, once alpha, alpha_mean, alpha_intercept follow
    ratio = np.sum(factor * s) / np.sum(s)
    estimator.set_params(task_weight=omega)
    one = problem.point(estimator.fit(problem.X, problem.y, task=task, sample_weight=s))
    scaled = {k: v / ratio for k, v in estimator.get_params().items() if k.startswith("alpha")}
    estimator.set_params(task_weight=None, **scaled)
    other = estimator.fit(problem.X, problem.y, task=task, sample_weight=factor * s)
    np.testing.assert_allclose(problem.point(other).W, one.W, atol=1e-8)
    np.testing.assert_allclose(problem.point(other).b, one.b, atol=1e-8)


@pytest.mark.parametrize("labels", [["Charité 1", "b", "c"], [12, 7, 30]])
@pytest.mark.parametrize("form", [dict, pd.Series])
def test_tasks_that_are_not_named_weigh_one(labels, form):
    X, y, task = rows(labels)
    named = MeanRegularizedRegressor(0.3, task_weight=form({labels[0]: 10}))
    listed = MeanRegularizedRegressor(0.3, task_weight={label: 1 for label in labels[1:]})
    listed.task_weight[labels[0]] = 10
    one, other = named.fit(X, y, task=task), listed.fit(X, y, task=task)
    np.testing.assert_array_equal(one.coef_, other.coef_)
    Y = pd.DataFrame(np.column_stack([y, -y]), columns=["u", "v"])
    of_columns = MeanRegularizedRegressor(0.3, task_weight=form({"v": 3.0}))
    in_order = MeanRegularizedRegressor(0.3, task_weight=[1, 3])
    np.testing.assert_array_equal(of_columns.fit(X, Y).coef_, in_order.fit(X, Y).coef_)


def test_a_weight_of_no_task_is_refused_and_one_that_a_fold_leaves_out_is_not():
    X, y, task = rows(["Charité 1", "b", "c"])
    stranger = MeanRegularizedRegressor(task_weight={"Charite 1": 10})
    with pytest.raises(
        ValueError, match=r"'Charite 1', which is no task; did you mean 'Charité 1'"
    ):
        stranger.fit(X, y, task=task)
    with pytest.raises(ValueError, match=r"12, which is no task"):
        MeanRegularizedRegressor(task_weight={12: 10}).fit(X, y, task=task)
    table = pd.DataFrame(X, columns=list("uvw")).assign(school=task)
    model = MeanRegularizedRegressor(
        task_weight={"b": 10}, task_column="school", unseen_task="mean"
    )
    scores = cross_val_score(model, table, y, cv=LeaveTasksOut(task_column="school"))
    assert np.isfinite(scores).all()


@pytest.mark.parametrize("weights", [None, "rows"])
@pytest.mark.parametrize("Estimator, own", ESTIMATORS)
def test_balanced_makes_every_task_count_the_same(Estimator, own, weights):
    problem = make(1, "beside", weights=weights)
    estimator = Estimator(**own, alpha_intercept=0.2, tol=1e-12)
    balanced = problem.point(
        estimator.set_params(task_weight="balanced").fit(problem.X, problem.y, **problem.extra)
    )
    e = problem.entries
    per_task = e.sum_by_task(e.weight)
    estimator.set_params(task_weight=None)
    even = estimator.fit(
        problem.X,
        problem.y,
        task=problem.extra["task"],
        sample_weight=e.weight / per_task[e.task],
    )
    np.testing.assert_allclose(problem.point(even).W, balanced.W, atol=1e-8)


# --- units of targets --------------------------------------------------------------------------


@pytest.mark.parametrize("weights", [None, "rows", "labels"])
@pytest.mark.parametrize("Estimator, own", ESTIMATORS)
def test_scale_targets_fits_in_units_of_the_standard_deviation(Estimator, own, weights):
    problem = make(2, "holes", weights=weights)
    units = np.array([1e-3, 1.0, 50.0, 1e4])
    Y = problem.y * units
    e = problem.entries
    sd = []
    for t in range(4):
        y, s = e.y[e.task == t] * units[t], e.weight[e.task == t]
        sd.append(np.sqrt(np.average((y - np.average(y, weights=s)) ** 2, weights=s)))
    plain = Estimator(**own, tol=1e-12).fit(problem.X, Y / sd, **problem.extra)
    scaled = Estimator(**own, tol=1e-12, scale_targets=True).fit(problem.X, Y, **problem.extra)
    np.testing.assert_allclose(scaled.target_scale_, sd)
    np.testing.assert_allclose(scaled.coef_, plain.coef_ * np.array(sd)[:, None], rtol=1e-6)
    np.testing.assert_allclose(scaled.intercept_, plain.intercept_ * sd, rtol=1e-6)
    np.testing.assert_allclose(
        scaled.predict(problem.X), plain.predict(problem.X) * sd, rtol=1e-6, atol=1e-9
    )


@pytest.mark.parametrize("Estimator, own", ESTIMATORS)
def test_a_constant_target_has_scale_one(Estimator, own):
    problem = make(3, "columns")
    Y = problem.y.copy()
    Y[:, 1] = 7.0
    fitted = Estimator(**own, scale_targets=True).fit(problem.X, Y)
    assert fitted.target_scale_[1] == 1
    assert np.isfinite(fitted.coef_).all()


@pytest.mark.parametrize("Estimator, own", ESTIMATORS)
def test_targets_in_different_units_are_pointed_out_once(Estimator, own):
    problem = make(4, "columns")
    with pytest.warns(UserWarning, match="scale_targets") as caught:
        Estimator(**own).fit(problem.X, problem.y * [1, 1, 1, 100])
    assert len(caught) == 1
    Estimator(**own).fit(problem.X, problem.y)  # any warning is an error here
    Estimator(**own, scale_targets=True).fit(problem.X, problem.y * [1, 1, 1, 100])
