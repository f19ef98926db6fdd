"""Rows of one person, day or site stay on one side of every fold of a search."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import sklearn
from sklearn.base import clone
from sklearn.linear_model import LassoCV, LogisticRegression, Ridge
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    KFold,
    LeaveOneGroupOut,
    LeavePGroupsOut,
    StratifiedGroupKFold,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mtlearn import (
    DirtyRegressorCV,
    GroupLassoRegressorCV,
    IndependentTasks,
    MeanRegularizedClassifierCV,
    MeanRegularizedRegressorCV,
    PooledTasks,
    compare_tasks,
)
from mtlearn.model_selection import LeaveTasksOut, StratifiedTaskKFold, task_folds

from ..checks import STRICT

pytestmark = STRICT
rng = np.random.default_rng(0)
n = 60
TASK, PERSON = np.repeat(["a", "b", "c"], 20), np.arange(n) // 4
X = rng.normal(size=(n, 3))
y = X[:, 0] + rng.normal(size=15)[PERSON] + 0.1 * rng.normal(size=n)
CLASS = np.where(y > 0, "yes", "no")
Y = np.column_stack([y, -y])
YES = np.column_stack([y > 0, y < 0.2])
WAYS = {
    "labels": (MeanRegularizedRegressorCV(alphas=4), y, {"task": TASK}),
    "single": (GroupLassoRegressorCV(alphas=4), y, {}),
    "columns": (DirtyRegressorCV(alphas=4), Y, {}),
    "classes": (MeanRegularizedClassifierCV(alphas=4), CLASS, {"task": TASK}),
    "columns of classes": (MeanRegularizedClassifierCV(alphas=4), YES, {}),
}
every_way = pytest.mark.parametrize("way", WAYS)
with_and_without_routing = pytest.mark.parametrize("routing", [False, True])


def scores(model):
    return model.mse_path_ if hasattr(model, "mse_path_") else model.scores_


def pairs(fold):
    return [(np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in np.unique(fold)]


def same_scores(model, other):
    np.testing.assert_allclose(scores(model), scores(other), rtol=1e-9)
    assert model.alpha_ == other.alpha_


@every_way
@pytest.mark.parametrize("cv", [None, 3])
def test_folds_of_a_number_deal_groups(way, cv):
    model, y, beside = WAYS[way]
    parts = TASK if beside else np.ones(n, dtype=int) if np.ndim(y) == 1 else np.ones(Y.shape, bool)
    fold = task_folds(parts, cv or 5, groups=PERSON)
    model = clone(model).set_params(cv=cv)
    other = clone(model).set_params(cv=pairs(fold)).fit(X, y, **beside)
    for groups in (
        PERSON,
        np.char.zfill(PERSON.astype(str), 2),
        pd.Series(PERSON, index=rng.permutation(n)),
    ):
        same_scores(clone(model).fit(X, y, groups=groups, **beside), other)
    torn = scores(clone(model).fit(X, y, **beside))
    assert torn.shape != scores(other).shape or not np.allclose(torn, scores(other))


@every_way
@with_and_without_routing
@pytest.mark.parametrize(
    "cv", [GroupKFold(3), LeaveOneGroupOut(), LeavePGroupsOut(14), StratifiedTaskKFold(3)], ids=str
)
def test_splitters_get_the_groups(way, routing, cv):
    model, y, beside = WAYS[way]
    own = beside if isinstance(cv, StratifiedTaskKFold) else {}
    model = clone(model).set_params(alphas=2)
    folds = list(cv.split(X, y, groups=PERSON, **own))
    with sklearn.config_context(enable_metadata_routing=routing):
        fitted = clone(model).set_params(cv=cv).fit(X, y, groups=PERSON, **beside)
    same_scores(fitted, clone(model).set_params(cv=folds).fit(X, y, **beside))


def test_folds_stratified_by_class_and_group():
    model = MeanRegularizedClassifierCV(alphas=3, cv=StratifiedGroupKFold(3))
    folds = list(model.cv.split(X, CLASS, PERSON))
    other = clone(model).set_params(cv=folds).fit(X, CLASS, task=TASK)
    same_scores(model.fit(X, CLASS, task=TASK, groups=PERSON), other)


@pytest.mark.parametrize("form", [list, pl.Series, pa.array, lambda g: np.ma.array(g, mask=False)])
def test_groups_of_any_library(form):
    model = MeanRegularizedRegressorCV(alphas=3).fit(X, y, groups=PERSON)
    same_scores(clone(model).fit(X, y, groups=form(PERSON.tolist())), model)


@pytest.mark.parametrize("cv", [3, GroupKFold(3)], ids=str)
@pytest.mark.parametrize("lost", ["holes", "weights"])
def test_groups_stay_with_their_rows_where_some_are_dropped(cv, lost):
    gone = np.isin(np.arange(n), [0, 5, 6, 7, 21, 40, 59])
    model = MeanRegularizedRegressorCV(alphas=4, cv=cv)
    given = {"task": TASK, "groups": PERSON}
    if lost == "holes":
        fitted = clone(model).fit(X, np.where(gone, np.nan, y), **given)
    else:
        fitted = clone(model).fit(X, y, sample_weight=1.0 - gone, **given)
    left = {name: labels[~gone] for name, labels in given.items()}
    if cv == 3:
        other = clone(model).fit(X[~gone], y[~gone], **left)
    else:  # of all rows, since a splitter may hold positions among them
        place = np.cumsum(~gone) - 1
        folds = [
            tuple(place[part[~gone[part]]] for part in fold) for fold in cv.split(X, y, PERSON)
        ]
        other = clone(model).set_params(cv=folds).fit(X[~gone], y[~gone], task=TASK[~gone])
    same_scores(fitted, other)
    if lost == "holes" and cv == 3:  # of a row that is dropped the group may be missing
        groups = [
            None if out else person for person, out in zip(PERSON.tolist(), gone, strict=True)
        ]
        again = clone(model).fit(X, np.where(gone, np.nan, y), task=TASK, groups=groups)
        same_scores(again, other)


@pytest.mark.parametrize("cv", [GroupKFold(3), LeaveOneGroupOut(), LeavePGroupsOut(2)], ids=str)
def test_a_splitter_without_groups_says_what_to_write(cv):
    with pytest.raises(ValueError, match=r"fit got none. Write fit\(X, y, ..., groups=labels\)"):
        MeanRegularizedRegressorCV(cv=cv).fit(X, y, task=TASK)


@pytest.mark.parametrize("cv", [KFold(3), list(KFold(3, shuffle=True).split(X)), LeaveTasksOut()])
def test_folds_that_tear_groups_apart_are_named(cv):
    person = rng.permutation(PERSON)
    with pytest.warns(UserWarning, match=r"of 15 have rows on both sides of a fold: ") as caught:
        MeanRegularizedRegressorCV(cv=cv, alphas=2).fit(X, y, task=TASK, groups=person)
    assert type(cv).__name__ in str(caught[0].message) and len(caught) == 1
    MeanRegularizedRegressorCV(cv=LeaveTasksOut(), alphas=2).fit(X, y, task=TASK, groups=PERSON)


def test_groups_that_cannot_be_used_are_refused():
    model = MeanRegularizedRegressorCV(alphas=2)
    with pytest.raises(ValueError, match="one group for all rows"):
        model.fit(X, y, groups=np.zeros(n))
    with pytest.raises(ValueError, match="groups is missing"):
        model.fit(X, y, groups=[None, *PERSON[1:]])
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        model.fit(X, y, groups=PERSON[1:])


# --- through the tools of scikit-learn ----------------------------------------------------------


class Recorder(GroupKFold):
    """Folds by groups that keep what they were given."""

    seen: list = []

    def split(self, X, y=None, groups=None):
        self.seen.append(None if groups is None else np.array(groups))
        return super().split(X, y, groups)


@pytest.mark.parametrize("outer", [GroupKFold(2), KFold(2, shuffle=True, random_state=0)], ids=str)
def test_a_search_around_a_search_hands_groups_on_with_routing(outer):
    Recorder.seen.clear()
    model = MeanRegularizedRegressorCV(alphas=3, cv=Recorder(2), task_column="school")
    table = pd.DataFrame(X, columns=list("uvw")).assign(school=TASK)
    with sklearn.config_context(enable_metadata_routing=True):
        search = GridSearchCV(model, {"alpha_mean": [1e-3, 1.0]}, cv=outer, error_score="raise")
        search.fit(table, y, groups=PERSON)
    assert len(Recorder.seen) == 2 * 2 + 1
    train = next(outer.split(X, y, PERSON) if isinstance(outer, GroupKFold) else outer.split(X))[0]
    np.testing.assert_array_equal(Recorder.seen[0], PERSON[train])
    np.testing.assert_array_equal(Recorder.seen[-1], PERSON)


@with_and_without_routing
def test_a_pipeline_hands_groups_on(routing):
    model = MeanRegularizedRegressorCV(alphas=3, cv=GroupKFold(3))
    alone = clone(model).fit(StandardScaler().fit_transform(X), y, task=TASK, groups=PERSON)
    with sklearn.config_context(enable_metadata_routing=routing):
        prefix = "" if routing else "meanregularizedregressorcv__"
        given = {f"{prefix}task": TASK, f"{prefix}groups": PERSON}
        same_scores(make_pipeline(StandardScaler(), model).fit(X, y, **given)[-1], alone)


GRID = GridSearchCV(Ridge(), {"alpha": [0.1, 1.0, 10.0]}, cv=GroupKFold(2))


@with_and_without_routing
def test_searches_inside_the_baselines(routing):
    with sklearn.config_context(enable_metadata_routing=routing):
        for given in ({"task": TASK}, {}):
            pooled = PooledTasks(GRID, task_dummies=False).fit(X, y, groups=PERSON, **given)
            expected = clone(GRID).fit(X, y, groups=PERSON)
            np.testing.assert_array_equal(
                pooled.estimator_.cv_results_["mean_test_score"],
                expected.cv_results_["mean_test_score"],
            )
        of_tasks = IndependentTasks(GRID).fit(X, y, task=TASK, groups=PERSON)
        columns = IndependentTasks(GRID).fit(X, Y, groups=PERSON)
        for found, own, target in (
            (of_tasks.estimators_[1], TASK == "b", y),
            (columns.estimators_[1], np.ones(n, dtype=bool), -y),
        ):
            expected = clone(GRID).fit(X[own], target[own], groups=PERSON[own])
            np.testing.assert_array_equal(
                found.cv_results_["mean_test_score"], expected.cv_results_["mean_test_score"]
            )


def test_our_own_searches_inside_the_baselines():
    model = MeanRegularizedRegressorCV(alphas=3, cv=GroupKFold(2))
    found = IndependentTasks(model).fit(X, y, task=TASK, groups=PERSON).estimators_[2]
    own = TASK == "c"
    same_scores(found, clone(model).fit(X[own], y[own], groups=PERSON[own]))
    rows = PooledTasks(model, task_dummies=False).fit(X, Y, groups=PERSON).estimator_
    twice = np.concatenate([X, X]), np.concatenate([y, -y])
    same_scores(rows, clone(model).fit(*twice, groups=np.concatenate([PERSON, PERSON])))


def test_scikit_learn_s_own_searches_inside_the_baselines():
    lasso = LassoCV(cv=GroupKFold(2))
    with sklearn.config_context(enable_metadata_routing=True):
        found = PooledTasks(lasso, task_dummies=False).fit(X, y, task=TASK, groups=PERSON)
        expected = clone(lasso).fit(X, y, groups=PERSON)
    np.testing.assert_array_equal(found.estimator_.mse_path_, expected.mse_path_)
    with pytest.raises(ValueError, match="enable_metadata_routing"):  # and not in silence
        PooledTasks(lasso).fit(X, y, task=TASK, groups=PERSON)


@with_and_without_routing
def test_an_estimator_without_folds_has_no_use_for_groups(routing):
    with sklearn.config_context(enable_metadata_routing=routing):
        for baseline in (IndependentTasks, PooledTasks):
            for wrapped in (Ridge(), make_pipeline(StandardScaler(), Ridge())):
                one = baseline(wrapped).fit(X, y, task=TASK, groups=PERSON)
                other = baseline(wrapped).fit(X, y, task=TASK)
                np.testing.assert_array_equal(
                    one.predict(X, task=TASK), other.predict(X, task=TASK)
                )


def test_groups_for_outer_folds_only_still_work_with_routing():
    table = np.column_stack([X, np.repeat([0, 1, 2], 20)])
    for wrapped in (Ridge(), LassoCV(cv=2, alphas=[0.1, 1.0])):
        with sklearn.config_context(enable_metadata_routing=True):
            search = GridSearchCV(
                IndependentTasks(wrapped, task_column=-1, unseen_task="mean"),
                {"estimator__fit_intercept": [True, False]},
                cv=GroupKFold(3),
            )
            search.fit(table, y, groups=PERSON)
        assert np.isfinite(search.best_score_)


@pytest.mark.parametrize("target", ["numbers", "classes"])
def test_a_comparison_hands_groups_to_models_with_folds_of_their_own(target):
    Recorder.seen.clear()
    if target == "numbers":
        y_, own, grid = y, MeanRegularizedRegressorCV(alphas=2, cv=Recorder(2)), GRID
    else:
        y_, own = CLASS, MeanRegularizedClassifierCV(alphas=2, cv=Recorder(2))
        grid = GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0]}, cv=GroupKFold(2))
    models = {"own": own, "pooled search": PooledTasks(grid)}
    result = compare_tasks(X, y_, task=TASK, groups=PERSON, models=models, cv=2)
    assert list(result.table.index)[-2:] == ["pooled search", "own"]
    assert len(Recorder.seen) == 2 and all(len(set(g)) < 15 for g in Recorder.seen)
