"""Scorers carry task labels to predict and pass over holes, wherever scikit-learn scores."""

import pickle

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor, make_column_transformer
from sklearn.ensemble import BaggingClassifier, StackingClassifier, VotingClassifier
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    f1_score,
    log_loss,
    make_scorer,
    mean_absolute_error,
    mean_squared_error,
    r2_score,
    roc_auc_score,
)
from sklearn.model_selection import (
    GridSearchCV,
    KFold,
    cross_val_score,
    cross_validate,
    learning_curve,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mtlearn import (
    GroupLassoRegressor,
    IndependentTasks,
    MeanRegularizedClassifier,
    MeanRegularizedClassifierCV,
    MeanRegularizedRegressor,
    MeanRegularizedRegressorCV,
    PooledTasks,
    make_table_pipeline,
)
from mtlearn import metrics as task_metrics
from mtlearn.metrics import make_task_scorer, task_average_precision_scorer, task_scores
from mtlearn.model_selection import StratifiedTaskKFold, task_folds

from ..checks import STRICT, count_calls

pytestmark = STRICT

ALPHAS = {"alpha": [0.01, 0.3, 10.0]}
MODELS = {
    "model": MeanRegularizedRegressor(),
    "independent": IndependentTasks(Ridge()),
    "pooled": PooledTasks(Ridge()),
}


@pytest.fixture
def routing():
    with sklearn.config_context(enable_metadata_routing=True):
        yield


@pytest.fixture
def labelled():
    rng = np.random.default_rng(0)
    X, task = rng.normal(size=(60, 3)), np.repeat(["a", "b", "c"], [30, 20, 10])
    w = {"a": [1.0, 0, 2], "b": [1.0, 1, 2], "c": [-1.0, 0, 1]}
    y = np.array([x @ w[t] for x, t in zip(X, task, strict=True)]) + rng.normal(size=60)
    order = rng.permutation(60)
    return X[order], y[order], task[order]


@pytest.fixture
def holes():
    """Three targets of which half the labels are missing."""
    rng = np.random.default_rng(1)
    X = rng.normal(size=(60, 4))
    Y = X @ rng.normal(size=(4, 3)) + rng.normal(size=(60, 3))
    Y[rng.random(Y.shape) < 0.5] = np.nan
    return X, Y


def with_column(X, task):
    return pd.DataFrame(X, columns=list("xyz")).assign(school=task)


# Labels beside X.


def test_search_by_a_named_score_is_the_loop_by_hand(routing, labelled):
    X, y, task = labelled
    search = GridSearchCV(
        MeanRegularizedRegressor(),
        ALPHAS,
        scoring=make_task_scorer("neg_mean_absolute_error"),
        cv=KFold(3),
    ).fit(X, y, task=task)
    for alpha, found in zip(ALPHAS["alpha"], search.cv_results_["mean_test_score"], strict=True):
        errors = []
        for train, test in KFold(3).split(X):
            model = MeanRegularizedRegressor(alpha=alpha).fit(X[train], y[train], task=task[train])
            errors.append(mean_absolute_error(y[test], model.predict(X[test], task=task[test])))
        assert found == pytest.approx(-np.mean(errors), rel=1e-12)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("scoring", ["r2", "neg_median_absolute_error"])
def test_labels_beside_x_score_as_a_column_of_x_does(routing, labelled, name, scoring):
    X, y, task = labelled
    model, folds = MODELS[name], KFold(3)
    beside = cross_validate(
        make_pipeline(StandardScaler(), model),
        X,
        y,
        cv=folds,
        scoring=make_task_scorer(scoring),
        params={"task": task},
        error_score="raise",
    )
    frame = with_column(X, task)
    scores = []
    for train, test in folds.split(X):
        scale = StandardScaler().fit(X[train])
        frame[["x", "y", "z"]] = scale.transform(X)
        fitted = clone(model).set_params(task_column="school").fit(frame.iloc[train], y[train])
        scores.append(sklearn.metrics.get_scorer(scoring)(fitted, frame.iloc[test], y[test]))
    np.testing.assert_allclose(beside["test_score"], scores, rtol=1e-10)


def test_a_pipeline_in_a_search_with_the_default_score_and_folds_by_task(routing, labelled):
    X, y, task = labelled
    # scikit-learn pull request 31898: before it, the default score of a pipeline lost metadata
    repaired = tuple(map(int, sklearn.__version__.split(".")[:2])) >= (1, 8)
    search = GridSearchCV(
        make_pipeline(StandardScaler(), MeanRegularizedRegressor()),
        {"meanregularizedregressor__alpha": ALPHAS["alpha"]},
        scoring=None if repaired else make_task_scorer("r2"),
        cv=StratifiedTaskKFold(5),
        error_score="raise",
    ).fit(X, y, task=task)
    fold = task_folds(task, 5)
    scores = []
    for k in range(5):
        train, test = fold != k, fold == k
        pipeline = clone(search.best_estimator_).fit(X[train], y[train], task=task[train])
        scores.append(r2_score(y[test], pipeline.predict(X[test], task=task[test])))
    assert search.best_score_ == pytest.approx(np.mean(scores), rel=1e-12)
    expected = search.best_estimator_.score(X, y, task=task)
    assert search.score(X, y, task=task) == pytest.approx(expected, rel=1e-12)


def test_several_scorers_at_once_and_a_learning_curve(routing, labelled):
    X, y, task = labelled
    scoring = {
        "mae": make_task_scorer("neg_mean_absolute_error"),
        "per task": task_metrics.nan_r2_scorer,
    }
    model, folds = MeanRegularizedRegressor(), StratifiedTaskKFold(3)
    extra = {"params": {"task": task}, "error_score": "raise", "cv": folds}
    both = cross_validate(model, X, y, scoring=scoring, **extra)
    for name, scorer in scoring.items():
        alone = cross_val_score(model, X, y, scoring=scorer, **extra)
        np.testing.assert_array_equal(both[f"test_{name}"], alone)
    search = GridSearchCV(model, ALPHAS, scoring=scoring, refit="per task", cv=folds)
    search.fit(X, y, task=task)
    assert np.isfinite(search.cv_results_["mean_test_mae"]).all()
    _, _, scores = learning_curve(
        model, X, y, train_sizes=[0.5, 1.0], scoring=scoring["mae"], **extra
    )
    np.testing.assert_allclose(scores[-1], both["test_mae"], rtol=1e-12)


def test_weights_are_routed_where_they_are_requested(routing, labelled):
    X, y, task = labelled
    weight = np.random.default_rng(2).integers(0, 3, 60).astype(float)
    model = MeanRegularizedRegressor().set_fit_request(sample_weight=True)
    scorer = make_task_scorer("neg_mean_squared_error").set_score_request(sample_weight=True)
    params = {"task": task, "sample_weight": weight}
    found = cross_val_score(model, X, y, cv=KFold(3), scoring=scorer, params=params)
    for score, (train, test) in zip(found, KFold(3).split(X), strict=True):
        fitted = clone(model).fit(X[train], y[train], weight[train], task[train])
        guess = fitted.predict(X[test], task=task[test])
        expected = -mean_squared_error(y[test], guess, sample_weight=weight[test])
        assert score == pytest.approx(expected, rel=1e-12)


def test_folds_without_a_class_hide_no_mistake(labelled):
    X, y, task = labelled
    classes = np.digitize(y, [-0.5, 0.5])
    model = MeanRegularizedClassifier().fit(X, classes, task=task)
    two = classes != 2
    scorer = make_task_scorer("neg_log_loss")
    with pytest.raises(ValueError, match="without them"):
        scorer(model, X[two], classes[two])
    with pytest.raises(ValueError, match="expecting 3 features"):
        scorer(model, X[two, :2], classes[two], task=task[two])
    with pytest.warns(UndefinedMetricWarning, match="without some of the classes"):
        assert np.isnan(scorer(model, X[two], classes[two], task=task[two]))


def test_called_by_hand_no_routing_is_needed(labelled):
    X, y, task = labelled
    model = make_pipeline(StandardScaler(), MeanRegularizedRegressor())
    model.fit(X, y, meanregularizedregressor__task=task)
    expected = r2_score(y, model.predict(X, task=task))
    assert make_task_scorer("r2")(model, X, y, task=task) == pytest.approx(expected)
    around = TransformedTargetRegressor(
        MeanRegularizedRegressor(), func=np.arcsinh, inverse_func=np.sinh
    )
    around.fit(X, y, task=task)
    expected = r2_score(y, around.predict(X, task=task))
    assert make_task_scorer("r2")(around, X, y, task=task) == pytest.approx(expected)


def test_without_labels_the_error_says_what_to_write(labelled):
    X, y, task = labelled
    model = MeanRegularizedRegressor().fit(X, y, task=task)
    for words in ("enable_metadata_routing=True", "search.fit", "task=labels", "task_column"):
        with pytest.raises(ValueError, match=words):
            make_task_scorer("r2")(model, X, y)
    search = GridSearchCV(model, ALPHAS, scoring=make_task_scorer("r2"), error_score="raise")
    with pytest.raises(ValueError, match="enable_metadata_routing=True"):
        search.fit(X, y, task=task)


def test_a_model_that_knows_no_tasks_is_scored_beside_ours(routing, labelled):
    X, y, task = labelled
    ridge = Ridge().fit(X, y)
    expected = [r2_score(y[task == t], ridge.predict(X[task == t])) for t in "abc"]
    found = task_metrics.nan_r2_scorer(ridge, X, y, task=task)
    assert found == pytest.approx(np.mean(expected), rel=1e-12)
    assert make_task_scorer("r2")(ridge, X, y, task=task) == pytest.approx(ridge.score(X, y))


@pytest.mark.parametrize("scoring", ["neg_mean_absolute_error", "nan_r2_scorer"])
def test_the_cv_estimators_take_the_same_scorers(routing, labelled, scoring):
    X, y, task = labelled
    scorer = getattr(task_metrics, scoring, None) or make_task_scorer(scoring)
    folds = list(StratifiedTaskKFold(3).split(X, task=task))
    common = {"alpha_intercept": 0.3, "tol": 1e-12}
    cv = MeanRegularizedRegressorCV([1.0, 0.1], cv=folds, scoring=scorer, **common)
    search = GridSearchCV(
        MeanRegularizedRegressor(**common), {"alpha": [1.0, 0.1]}, cv=folds, scoring=scorer
    ).fit(X, y, task=task)
    found = cv.fit(X, y, task=task).scores_.mean(axis=1)
    np.testing.assert_allclose(found, search.cv_results_["mean_test_score"], rtol=1e-8)


# What a scorer is.


@pytest.mark.parametrize(
    "scorer",
    [
        make_task_scorer("neg_mean_absolute_error"),
        make_task_scorer(mean_absolute_error, greater_is_better=False),
        make_task_scorer(make_scorer(mean_absolute_error, greater_is_better=False)),
        make_task_scorer(lambda estimator, X, y=None: -np.abs(estimator.predict(X) - y).mean()),
    ],
)
def test_names_metrics_and_scorers_are_taken(labelled, scorer):
    X, y, task = labelled
    model = MeanRegularizedRegressor().fit(X, y, task=task)
    expected = -mean_absolute_error(y, model.predict(X, task=task))
    assert scorer(model, X, y, task=task) == pytest.approx(expected, rel=1e-12)
    assert make_task_scorer(scorer) is scorer


def test_a_scorer_may_look_at_x_and_change_it(labelled):
    X, y, task = labelled
    frame = with_column(X, task)
    y = np.where(np.arange(60) < 10, np.nan, y)
    model = MeanRegularizedRegressor(task_column="school").fit(frame, y)

    def adults(estimator, X, y):
        old = (X["x"] > 0).to_numpy()
        flat = X.assign(y=0.0)
        return r2_score(y[old], estimator.predict(flat)[old])

    part = frame.iloc[10:]
    expected = adults(model, part, y[10:])
    assert make_task_scorer(adults)(model, frame, y) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    "scorer, text",
    [
        (make_task_scorer("r2"), "make_task_scorer('r2')"),
        (
            make_task_scorer(f1_score, average="macro", response_method="predict"),
            "make_task_scorer(f1_score, average='macro')",
        ),
        (
            task_metrics.neg_task_log_loss_scorer,
            "make_task_scorer(log_loss, greater_is_better=False, response_method='predict_proba')",
        ),
    ],
)
def test_scorers_pickle_clone_and_show_what_they_are(scorer, text):
    assert repr(scorer) == text
    assert repr(pickle.loads(pickle.dumps(scorer))) == text
    assert repr(clone(scorer)) == text
    search = GridSearchCV(MeanRegularizedRegressor(), ALPHAS, scoring=scorer)
    assert text in " ".join(repr(clone(search)).split())


def test_a_request_survives_cloning_and_pickling(routing):
    scorer = make_task_scorer("r2").set_score_request(task="school")
    for copy in (clone(scorer), pickle.loads(pickle.dumps(scorer))):
        assert copy.get_metadata_routing().score.requests["task"] == "school"
    requests = make_task_scorer("r2").get_metadata_routing().score.requests
    assert requests == {"task": True, "sample_weight": None}


def test_unknown_names_and_useless_options_are_refused():
    with pytest.raises(ValueError, match="r3"):
        make_task_scorer("r3")
    with pytest.raises(ValueError, match="got None"):
        make_task_scorer(None)
    with pytest.raises(ValueError, match=r"r2.*is a scorer already"):
        make_task_scorer("r2", greater_is_better=False)


# Several columns with holes.


def test_named_scores_of_columns_are_those_of_their_observed_labels(holes):
    X, Y = holes
    model = GroupLassoRegressor(alpha=0.1).fit(X, Y)
    guess, seen = model.predict(X), np.isfinite(Y)
    expected = [-mean_absolute_error(Y[s, t], guess[s, t]) for t, s in enumerate(seen.T)]
    found = make_task_scorer("neg_mean_absolute_error")(model, X, Y)
    assert found == pytest.approx(np.mean(expected), rel=1e-12)
    weight = np.random.default_rng(3).integers(0, 3, Y.shape).astype(float)
    expected = [
        r2_score(Y[s, t], guess[s, t], sample_weight=weight[s, t]) for t, s in enumerate(seen.T)
    ]
    found = make_task_scorer("r2")(model, X, Y, sample_weight=weight)
    assert found == pytest.approx(np.mean(expected), rel=1e-12)


@pytest.mark.parametrize(
    "scoring", [None, make_task_scorer("neg_mean_squared_error"), task_metrics.neg_nmse_scorer]
)
def test_search_over_a_y_full_of_holes_finds_what_the_loop_by_hand_finds(holes, scoring):
    """Default scoring, ours and scikit-learn's by name, on observed labels only."""
    X, Y = holes
    alphas = np.geomspace(0.01, 3, 6)
    search = GridSearchCV(
        GroupLassoRegressor(), {"alpha": alphas}, scoring=scoring, cv=KFold(4), error_score="raise"
    ).fit(X, Y)
    ours = []
    for alpha in alphas:
        folds = []
        for train, test in KFold(4).split(X):
            guess = GroupLassoRegressor(alpha=alpha).fit(X[train], Y[train]).predict(X[test])
            columns = []
            for t in range(3):
                seen = np.isfinite(Y[test, t])
                truth, told = Y[test, t][seen], guess[seen, t]
                error = np.mean((truth - told) ** 2)
                r2 = 1 - error / np.var(truth)
                named = scoring is not None and scoring.scoring == "neg_mean_squared_error"
                columns.append(-error if named else r2 if scoring is None else r2 - 1)
            folds.append(np.mean(columns))
        ours.append(np.mean(folds))
    np.testing.assert_allclose(search.cv_results_["mean_test_score"], ours, rtol=1e-10)
    best = int(np.argmax(ours))
    assert search.best_params_["alpha"] == alphas[best]
    assert 0 < best < 5  # a grid whose end is best would say little


@pytest.fixture
def classes():
    rng = np.random.default_rng(4)
    X = rng.normal(size=(80, 3))
    Y = (X @ rng.normal(size=(3, 4)) + rng.normal(size=(80, 4)) > 0).astype(float)
    Y[rng.random(Y.shape) < 0.3] = np.nan
    return X, Y


@pytest.mark.parametrize(
    "scorer, truth",
    [
        (task_metrics.nan_accuracy_scorer, lambda y, f, p: accuracy_score(y, f > 0)),
        (task_metrics.task_roc_auc_scorer, lambda y, f, p: roc_auc_score(y, f)),
        (task_metrics.task_average_precision_scorer, lambda y, f, p: average_precision_score(y, f)),
        (task_metrics.neg_task_log_loss_scorer, lambda y, f, p: -log_loss(y, p)),
        (make_task_scorer("accuracy"), lambda y, f, p: accuracy_score(y, f > 0)),
        (make_task_scorer("roc_auc"), lambda y, f, p: roc_auc_score(y, f)),
        (make_task_scorer("neg_log_loss"), lambda y, f, p: -log_loss(y, p)),
        (make_task_scorer("f1"), lambda y, f, p: f1_score(y, f > 0)),
    ],
    ids=lambda of: repr(of) if hasattr(of, "scoring") else "",
)
@pytest.mark.parametrize("text", [False, True])
def test_classes_in_columns(classes, scorer, truth, text):
    X, Y = classes
    given = Y
    if text:
        given = np.where(np.isnan(Y), None, np.where(Y == 1, "yes", "no"))
        if scorer.scoring == "f1":
            scorer = make_task_scorer(f1_score, pos_label="yes")
    model = MeanRegularizedClassifier(alpha=0.1).fit(X, given)
    f, p = model.decision_function(X), model.predict_proba(X)
    seen = ~np.isnan(Y)
    expected = [truth(Y[s, t], f[s, t], p[s, t]) for t, s in enumerate(seen.T)]
    assert scorer(model, X, given) == pytest.approx(np.mean(expected), rel=1e-10)
    if text:
        folds = {"cv": KFold(2), "error_score": "raise"}
        search = GridSearchCV(model, {"alpha": [0.1]}, scoring=scorer, **folds)
        assert np.isfinite(search.fit(X, given).best_score_)


@pytest.mark.parametrize("K", [2, 3])
def test_classes_of_labelled_rows(routing, labelled, K):
    X, y, task = labelled
    y = np.array(["high", "low", "middle"])[np.digitize(y, [0.0, 1.5][: K - 1])]
    model = MeanRegularizedClassifier(alpha=0.1).fit(X, y, task=task)
    p = model.predict_proba(X, task=task)
    expected = np.mean([log_loss(y[task == t], p[task == t], labels=model.classes_) for t in "abc"])
    found = task_metrics.neg_task_log_loss_scorer(model, X, y, task=task)
    assert found == pytest.approx(-expected, rel=1e-12)
    assert make_task_scorer("neg_log_loss")(model, X, y, task=task) == pytest.approx(
        -log_loss(y, p), rel=1e-12
    )
    search = GridSearchCV(
        MeanRegularizedClassifier(),
        {"alpha": [0.1, 1.0]},
        scoring=task_metrics.neg_task_log_loss_scorer,
        cv=StratifiedTaskKFold(3),
        error_score="raise",
    ).fit(X, y, task=task)
    assert np.isfinite(search.best_score_)
    if K == 2:
        f = model.decision_function(X, task=task)
        expected = [roc_auc_score(y[task == t], f[task == t]) for t in "abc"]
        found = task_metrics.task_roc_auc_scorer(model, X, y, task=task)
        assert found == pytest.approx(np.mean(expected), rel=1e-12)
    else:
        with pytest.raises(ValueError, match=r"answers for 3 classes.*log_loss"):
            task_metrics.task_roc_auc_scorer(model, X, y, task=task)


def test_undefined_columns_are_left_out_and_counted(classes):
    X, Y = classes
    model = MeanRegularizedClassifier(alpha=0.1).fit(X, Y)
    one_class = np.where(np.isnan(Y[:, 0]), np.nan, 1.0)
    broken = np.column_stack([one_class, Y[:, 1:]])
    for scorer in (make_task_scorer("roc_auc"), task_metrics.task_roc_auc_scorer):
        with pytest.warns(UndefinedMetricWarning, match=r"undefined for 1 of 4 tasks .*first: 0"):
            found = scorer(model, X, broken)
        f, seen = model.decision_function(X), ~np.isnan(Y)
        expected = [roc_auc_score(Y[seen[:, t], t], f[seen[:, t], t]) for t in (1, 2, 3)]
        assert found == pytest.approx(np.mean(expected), rel=1e-12)


# A table of scores.


@pytest.mark.parametrize("wrap", ["plain", "pipeline", "search", "target"])
@pytest.mark.parametrize("name", MODELS)
def test_table_of_labelled_rows(labelled, name, wrap):
    X, y, task = labelled
    y = np.where(np.arange(60) % 7 == 0, np.nan, y)
    model = clone(MODELS[name])
    extra = {"task": task}
    if wrap == "pipeline":
        model = make_pipeline(StandardScaler(), model)
        extra = {f"{model.steps[-1][0]}__task": task}
    elif wrap == "search":
        model = GridSearchCV(model, {"unseen_task": ["mean"]}, cv=2)
    elif wrap == "target":
        y = np.random.default_rng(1).normal(size=60)
        model = TransformedTargetRegressor(model, func=np.arcsinh, inverse_func=np.sinh)
    with sklearn.config_context(enable_metadata_routing=wrap == "search"):
        model.fit(X, y, **extra)
    fitted = model.best_estimator_ if wrap == "search" else model
    table = task_scores(
        model, X, y, task=task, scoring=["r2", "neg_mean_absolute_error", mean_absolute_error]
    )
    vectorised = task_scores(model, X, y, task=task)
    guess = fitted.predict(X, task=task)
    assert list(table["task"]) == list("abc")
    for t, label in enumerate("abc"):
        own = (task == label) & np.isfinite(y)
        assert table["n_labels"][t] == own.sum()
        assert table["r2"][t] == pytest.approx(r2_score(y[own], guess[own]), rel=1e-12)
        error = mean_absolute_error(y[own], guess[own])
        assert table["neg_mean_absolute_error"][t] == pytest.approx(-error, rel=1e-12)
        assert table["mean_absolute_error"][t] == pytest.approx(error, rel=1e-12)
    np.testing.assert_allclose(vectorised["r2"], table["r2"], rtol=1e-12)


@pytest.mark.parametrize("library", ["pandas", "polars", "pyarrow"])
@pytest.mark.parametrize("name", MODELS)
def test_table_by_a_column_answers_in_the_library_of_x(labelled, name, library):
    X, y, task = labelled
    columns = {"x": X[:, 0], "y": X[:, 1], "z": X[:, 2], "school": task}
    if library == "pyarrow":
        frame = pytest.importorskip("pyarrow").table(columns)
    else:
        frame = pytest.importorskip(library).DataFrame(columns)
    model = clone(MODELS[name]).set_params(task_column="school").fit(frame, y)
    table = task_scores(
        model, frame, y, scoring=["r2", "neg_max_error"] if name == "model" else "r2"
    )
    assert type(table).__module__.split(".")[0] == library
    guess = model.predict(frame)
    expected = [r2_score(y[task == t], guess[task == t]) for t in "abc"]
    np.testing.assert_allclose(table["r2"], expected, rtol=1e-12)


def test_table_finds_the_column_behind_a_column_transformer(labelled):
    X, y, task = labelled
    frame = with_column(X, task)
    scale = make_column_transformer((StandardScaler(), ["x", "y"]), remainder="passthrough")
    model = make_pipeline(
        scale.set_output(transform="pandas"), MeanRegularizedRegressor(task_column="school")
    ).fit(frame, y)
    table = task_scores(model, frame, y)
    guess = model.predict(frame)
    expected = [r2_score(y[task == t], guess[task == t]) for t in "abc"]
    assert list(table["task"]) == list("abc")
    np.testing.assert_allclose(table["r2"], expected, rtol=1e-12)
    scorer = task_metrics.nan_r2_scorer
    assert scorer(model, frame, y) == pytest.approx(np.mean(expected), rel=1e-12)


def test_table_of_columns_with_a_column_that_has_no_score(holes):
    X, Y = holes
    model = GroupLassoRegressor(alpha=0.1).fit(X, pd.DataFrame(Y, columns=["fat", "water", "age"]))
    Y = Y.copy()
    Y[:, 1] = np.nan
    Y[4, 1] = 2.0
    frame = pd.DataFrame(Y, columns=["fat", "water", "age"])
    table = task_scores(model, X, frame, scoring={"one": "r2", "all": task_metrics.nan_r2_scorer})
    assert list(table["task"]) == ["fat", "water", "age"]
    assert list(table["n_labels"]) == list(np.isfinite(Y).sum(axis=0))
    assert list(table["one"].isna()) == [False, True, False]
    np.testing.assert_allclose(table["one"], table["all"], rtol=1e-12)


def test_table_of_class_labels(classes):
    X, Y = classes
    model = MeanRegularizedClassifier(alpha=0.1).fit(X, Y)
    part = np.r_[0:15]
    Y = Y[part].copy()
    Y[:, 2] = np.where(np.isnan(Y[:, 2]), np.nan, 1.0)
    names = ["accuracy", "roc_auc", "neg_log_loss"]
    both = {name: name for name in names} | {"ours": task_metrics.task_roc_auc_scorer}
    table = task_scores(model, X[part], Y, scoring=both)
    assert list(table["roc_auc"].isna()) == [False, False, True, False]
    np.testing.assert_allclose(table["ours"], table["roc_auc"])
    assert list(task_scores(model, X[part], Y, scoring=names).columns[2:]) == names
    assert list(task_scores(model, X[part], Y).columns) == ["task", "n_labels", "accuracy"]
    hits = [np.mean((model.predict(X[part]) == Y)[~np.isnan(Y[:, t]), t]) for t in range(4)]
    np.testing.assert_allclose(table["accuracy"], hits)


def test_a_score_of_all_tasks_together_has_no_row_per_task(labelled):
    X, y, task = labelled
    model = Ridge().fit(X, y)
    with pytest.raises(ValueError, match="one number for all tasks"):
        task_scores(model, X, y, task=task, scoring=task_metrics.explained_variance)
    assert len(task_scores(model, X, y)) == 1
    with pytest.raises(ValueError, match="columns, which are the tasks"):
        task_scores(Ridge().fit(X, np.c_[y, y]), X, np.c_[y, y], task=task)


def test_default_scores_of_all_tasks_are_computed_at_once():
    """Ten times the tasks take no more calls of functions."""
    ours = [task_metrics.task_roc_auc_scorer, task_metrics.task_average_precision_scorer]

    def calls(n_tasks):
        rng = np.random.default_rng(0)
        X, task = rng.normal(size=(20_000, 3)), np.arange(20_000) % n_tasks
        y = X[:, 0] + rng.normal(size=20_000)
        model, classifier = Ridge().fit(X, y), LogisticRegression().fit(X, y > 0)
        assert len(task_scores(model, X, y, task=task)) == n_tasks
        return count_calls(task_scores, model, X, y, task=task) + count_calls(
            task_scores, classifier, X, y > 0, task=task, scoring=ours
        )

    assert calls(1_000) < 1.2 * calls(100)


@pytest.mark.parametrize(
    "where, wrap",
    [
        ("school", lambda model, cv: CalibratedClassifierCV(model, cv=cv)),
        ("school", lambda model, cv: CalibratedClassifierCV(make_table_pipeline(model), cv=cv)),
        ("school", lambda model, cv: VotingClassifier([("one", model)], voting="soft")),
        ("school", lambda model, cv: StackingClassifier([("one", model)], cv=cv)),
        (-1, lambda model, cv: BaggingClassifier(model, 2)),
    ],
)
@pytest.mark.filterwarnings("ignore:X does not have valid feature names")
def test_the_tasks_of_a_model_inside_an_ensemble_are_found(labelled, where, wrap):
    X, y, task = labelled
    table = with_column(X, np.unique(task, return_inverse=True)[1])
    folds = StratifiedTaskKFold(3, task_column="school")
    high = y > np.median(y)
    model = wrap(MeanRegularizedClassifier(task_column=where), folds).fit(table, high)
    if hasattr(model, "decision_function"):
        answer = model.decision_function(table)
    else:
        answer = model.predict_proba(table)[:, 1]
    rows = [np.flatnonzero(table["school"] == k) for k in range(3)]
    areas = [roc_auc_score(high[own], answer[own]) for own in rows]
    scorer = task_metrics.task_roc_auc_scorer
    assert scorer(model, table, high) == pytest.approx(np.mean(areas), rel=1e-12)
    found = task_scores(model, table, high, scoring={"auc": scorer})
    assert found["task"].tolist() == [0, 1, 2]
    np.testing.assert_allclose(found["auc"], areas, rtol=1e-12)


def test_an_array_is_scored_by_a_model_of_a_table(labelled):
    X, y, task = labelled
    table = with_column(X, np.unique(task, return_inverse=True)[1])
    model = MeanRegularizedRegressor(task_column="school").fit(table, y)
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        found = task_metrics.nan_r2_scorer(model, table.to_numpy(), y)
    assert found == task_metrics.nan_r2_scorer(model, table, y)


@pytest.mark.parametrize(
    "score",
    [
        lambda model, X, Y: model.score(X, Y),
        task_metrics.nan_r2_scorer,
        make_task_scorer("r2"),
        lambda model, X, Y: task_scores(model, X, Y)["r2"].mean(),
    ],
)
def test_columns_are_those_of_fit_in_their_order(holes, score):
    X, Y = holes
    named = pd.DataFrame(Y).add_prefix("target")
    model = MeanRegularizedRegressor().fit(X, named)
    assert score(model, X, named) == score(model, X, Y)  # without names they are taken as they are
    with pytest.raises(ValueError, match="'target2' where fit had 'target0'"):
        score(model, X, named[named.columns[::-1]])
    assert task_scores(model, X, Y)["task"].tolist() == named.columns.tolist()


NAMED = ["average_precision", "f1", "precision", "recall", "jaccard", "roc_auc", "accuracy"]


@pytest.mark.parametrize("name", NAMED)
@pytest.mark.parametrize("classes", [["no", "yes"], [2, 5], [False, True], [0, 1]], ids=str)
@pytest.mark.parametrize("way", ["labels", "columns"])
def test_named_scores_find_the_positive_class(name, classes, way):
    """The last of two classes: as of the same data in 0 and 1, where scikit-learn knows it."""
    X, task = np.random.default_rng(0).normal(size=(60, 3)), np.tile(["a", "b"], 30)
    codes = (X[:, 0] + np.random.default_rng(1).normal(size=60) > 0.4).astype(int)
    if way == "columns":
        codes = np.column_stack([codes, 1 - codes[::-1]])
    beside = {"task": task} if way == "labels" else {}
    named, numbers = np.array(classes)[codes], codes
    model = MeanRegularizedClassifier().fit(X, named, **beside)
    plain = MeanRegularizedClassifier().fit(X, numbers, **beside)
    here = task_scores(model, X, named, scoring=name, **beside)
    there = task_scores(plain, X, numbers, scoring=name, **beside)
    np.testing.assert_allclose(here[name], there[name], rtol=1e-9)
    scorer = make_task_scorer(name)
    assert scorer(model, X, named, **beside) == pytest.approx(scorer(plain, X, numbers, **beside))
    search = MeanRegularizedClassifierCV(alphas=[0.1, 0.01], cv=3, scoring=name)
    np.testing.assert_allclose(
        clone(search).fit(X, named, **beside).scores_,
        clone(search).fit(X, numbers, **beside).scores_,
        rtol=1e-6,
    )


def test_named_scores_agree_with_those_of_this_package():
    X, task = np.random.default_rng(0).normal(size=(60, 3)), np.tile(["a", "b"], 30)
    y = np.where(X[:, 0] + np.random.default_rng(1).normal(size=60) > 0.4, "yes", "no")
    model = MeanRegularizedClassifier().fit(X, y, task=task)
    scoring = {"by name": "average_precision", "own": task_average_precision_scorer}
    table = task_scores(model, X, y, task=task, scoring=scoring)
    np.testing.assert_allclose(table["by name"], table["own"])
    one_class = task_scores(model, X, np.where(task == "a", "yes", y), task=task, scoring="f1")
    expected = [f1_score(np.ones(30), model.predict(X, task=task)[::2] == "yes")]
    np.testing.assert_allclose(one_class["f1"][:1], expected)
    with pytest.raises(ValueError, match="pos_label=1"):  # a third label is not taken for a "no"
        task_scores(model, X, np.where(y == "no", "maybe", y), task=task, scoring="f1")
    told = make_task_scorer(f1_score, pos_label="no")
    assert told(model, X, y, task=task) == f1_score(y, model.predict(X, task=task), pos_label="no")


@pytest.mark.parametrize("name", ["poisson_deviance", "absolute_error", "pinball_loss"])
def test_searches_by_scores_of_other_losses_are_the_loop_by_hand(name):
    metric = getattr(task_metrics, f"nan_mean_{name}")
    scorer = getattr(task_metrics, f"neg_nan_mean_{name}_scorer")
    rng = np.random.default_rng(0)
    task = np.repeat([0.0, 1.0, 2.0], 20)
    X = np.column_stack([rng.normal(size=(60, 2)), task])
    y = rng.poisson(np.exp(0.5 * X[:, 0] + 0.2 * task))
    model = MeanRegularizedRegressor(loss="poisson", task_column=2)
    folds = list(KFold(2, shuffle=True, random_state=0).split(X))
    search = GridSearchCV(model, {"alpha": [0.01, 10.0]}, scoring=scorer, cv=folds).fit(X, y)
    for alpha, found in zip([0.01, 10.0], search.cv_results_["mean_test_score"], strict=True):
        model.set_params(alpha=alpha)
        losses = [
            metric(y[test], model.fit(X[train], y[train]).predict(X[test]), task=task[test])
            for train, test in folds
        ]
        assert found == pytest.approx(-np.mean(losses), rel=1e-9)
