"""Whatever users compose from scikit-learn works in each of the three ways in, or says what does.

Every check here belongs to a cell of the table in the documentation: it compares with what one
would compute by hand (``works``), or expects the refusal that the cell answers (``refused``).
"""

import inspect
import pickle
import warnings
from functools import cache

import joblib
import numpy as np
import polars as pl
import pytest
import sklearn
from sklearn import config_context
from sklearn.base import BaseEstimator, clone, is_classifier
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.ensemble import (
    BaggingClassifier,
    BaggingRegressor,
    StackingClassifier,
    StackingRegressor,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.feature_selection import RFE, SelectFromModel
from sklearn.inspection import partial_dependence, permutation_importance
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import f1_score, log_loss, r2_score
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    LeaveOneGroupOut,
    RandomizedSearchCV,
    check_cv,
    cross_val_predict,
    cross_val_score,
    cross_validate,
    learning_curve,
)
from sklearn.multioutput import MultiOutputClassifier, MultiOutputRegressor
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

import mtlearn
from mtlearn import IndependentTasks, PooledTasks, make_table_pipeline
from mtlearn.exceptions import UnseenTaskWarning
from mtlearn.metrics import make_task_scorer
from mtlearn.model_selection import LeaveTasksOut, StratifiedTaskKFold

from ..checks import STRICT, expected
from ..composition import (
    ALL,
    ALL_ROWS,
    ALPHAS,
    BESIDE,
    BOTH,
    COLUMN,
    FAMILIES,
    HOLES,
    LABELLED,
    LABELS,
    PAGE,
    REFUSED,
    SEVERAL,
    TASK,
    TREE,
    WORKS,
    Case,
    Counts,
    F,
    Y,
    model_of,
    n,
    read_table,
    refused,
    take,
    works,
)
from .composed_kinds import groups_reach_the_folds_inside

pytestmark = STRICT
BEFORE_1_8 = tuple(map(int, sklearn.__version__.split(".")[:2])) < (1, 8)

ROUTING_OFF = r"task_column=.*write sklearn\.set_config\(enable_metadata_routing=True\)"


def call(check, case, **more):
    """With what the check asks for, and metadata routing where the case has it."""
    asked = {name: more[name] for name in inspect.signature(check).parameters if name in more}
    with config_context(enable_metadata_routing=case.way == "routed"):
        check(case, **asked)


TOOLS = {
    tool.__name__: tool
    for tool in (
        BaggingClassifier,
        BaggingRegressor,
        MultiOutputClassifier,
        MultiOutputRegressor,
        StackingClassifier,
        StackingRegressor,
        VotingClassifier,
        VotingRegressor,
    )
}


def close(found, expected):
    np.testing.assert_allclose(found, expected, atol=1e-6)


# Pipelines


def fit_pipeline(case, *steps, **parameters):
    pipeline = Pipeline([*steps, ("model", case.make(**parameters))])
    prefix = "" if case.way == "routed" else "model__"
    beside = {prefix + name: value for name, value in case.beside.items()}
    return pipeline.fit(case.X, case.y, **beside)


def scaled_by_hand(case):
    """Predictions of a model of scaled features, the labels beside them."""
    by_hand = Case(case.model, "beside" if case.labelled else case.way)
    Z = StandardScaler().fit_transform(F)
    return by_hand.make().fit(Z, case.y, **by_hand.beside).predict(Z, **by_hand.beside)


@works("Pipeline with StandardScaler", *SEVERAL, "position", *BESIDE)
def scaler(case):
    close(case.predict(fit_pipeline(case, ("scale", StandardScaler()))), scaled_by_hand(case))


@works("Pipeline with StandardScaler", "name")
def table_pipeline(case):
    fitted = make_table_pipeline(case.make()).fit(case.X, case.y)
    close(fitted.predict(case.X), scaled_by_hand(case))


@refused("Pipeline with StandardScaler", "name", match="could not convert string to float: 'ash'")
def scaler_of_text(case):
    fit_pipeline(case, ("scale", StandardScaler()))


@refused("Pipeline with StandardScaler", "beside", match="enable_metadata_routing=True")
def score_of_a_pipeline_without_routing(case):
    fit_pipeline(case, ("scale", StandardScaler())).score(case.X, case.y, **case.beside)


def scale_features(case):
    features = list("abcd") if case.way == "name" else [0, 1, 2, 3]
    return ColumnTransformer([("scale", StandardScaler(), features)], remainder="passthrough")


@works("Pipeline with ColumnTransformer", *ALL)
def column_transformer(case):
    by_position = {"task_column": -1} if case.way == "name" else {}
    fitted = fit_pipeline(case, ("columns", scale_features(case)), **by_position)
    close(case.predict(fitted), scaled_by_hand(case))


@refused("Pipeline with ColumnTransformer", "name", match=r"give the position.*set_output")
def column_transformer_that_drops_names(case):
    fit_pipeline(case, ("columns", scale_features(case)))


@cache
def libraries():
    """Whose frames scikit-learn can return here: some releases do not know the newest polars."""
    columns = ColumnTransformer([("all", "passthrough", [0])]).set_output(transform="polars")
    try:
        columns.fit_transform(np.zeros((2, 2)))
    except ValueError:
        return ["pandas"]
    return ["pandas", "polars"]


@works("set_output", *ALL)
def set_output(case):
    for library in libraries():
        columns = scale_features(case).set_output(transform=library)
        fitted = fit_pipeline(case, ("columns", columns))
        close(case.predict(fitted), scaled_by_hand(case))
        assert list(fitted[-1].feature_names_in_) == list(fitted[0].get_feature_names_out())
        assert ("remainder__tree" in fitted[-1].feature_names_in_) == (case.way == "name")
        assert type(case.predict(fitted)) is np.ndarray


# Searches and cross-validation

SEARCHES = {
    "GridSearchCV": GridSearchCV,
    "RandomizedSearchCV": lambda *args, **more: RandomizedSearchCV(
        *args, n_iter=len(ALPHAS), random_state=0, **more
    ),
}
# an int deals rows to folds by class, which is not known where labels are missing
AN_INT = {"cv": 3}


def search(case, tool, **options):
    options = {"cv": case.cv, "error_score": "raise"} | options
    make = SEARCHES[tool.partition(",")[0]]
    return make(case.make(), {"alpha": ALPHAS}, **options).fit(case.X, case.y, **case.beside)


def named_score(case, rows, answer):
    """Of the observed labels of each column, on average; of all labelled rows together."""
    truth, answer = case.y[rows].reshape(len(rows), -1), answer.reshape(len(rows), -1)
    scores = []
    for own, told in zip(truth.T, answer.T, strict=True):
        own, told = own[~np.isnan(own)], told[~np.isnan(own)]
        by_class = f1_score(own, told, average="macro") if case.classifies else None
        scores.append(by_class if case.classifies else -np.abs(own - told).mean())
    return np.mean(scores)


for tool in SEARCHES:

    @works(tool, *SEVERAL, *LABELLED, "routed")
    def search_by_default_score(case, tool):
        found = search(case, tool)
        means = {alpha: np.mean(case.scores(alpha=alpha)) for alpha in ALPHAS}
        tried = [candidate["alpha"] for candidate in found.cv_results_["params"]]
        close(found.cv_results_["mean_test_score"], [means[alpha] for alpha in tried])
        assert found.best_params_["alpha"] == max(means, key=means.get)
        case.same(found.best_estimator_, **found.best_params_)

    @refused(tool, "beside", match=ROUTING_OFF)
    def search_without_routing(case, tool):
        search(case, tool)

    @refused(tool, "routed", match="task_column=")
    def search_cannot_predict_for_labels_beside(case, tool):
        search(case, tool).predict(case.X)

    @refused(tool, "holes", match="NaN", kinds=["classifier"])
    def search_by_class_stratified_folds(case, tool):
        search(case, tool, **AN_INT)

    @works(f"{tool}, named scorers", "columns", *LABELLED)
    def search_by_named_scorer(case, tool):
        found = search(case, tool, scoring="f1_macro" if case.classifies else "r2")
        measure = (lambda *of: f1_score(*of, average="macro")) if case.classifies else r2_score
        fold_scores = [
            measure(case.y[test], case.predict(case.fit(train, **found.best_params_), test))
            for train, test in case.splits
        ]
        assert found.best_score_ == pytest.approx(np.mean(fold_scores), abs=1e-6)

    @works(f"{tool}, named scorers", "holes", "routed")
    def search_by_task_scorer(case, tool):
        scorer = make_task_scorer("f1_macro" if case.classifies else "neg_mean_absolute_error")
        found = search(case, tool, scoring=scorer)
        fold_scores = [
            named_score(case, test, case.predict(case.fit(train, **found.best_params_), test))
            for train, test in case.splits
        ]
        assert found.best_score_ == pytest.approx(np.mean(fold_scores), abs=1e-6)

    @works(f"{tool}, named scorers", "columns", kinds=["classifier"])
    def search_by_probabilities(case, tool):
        found = search(case, tool, scoring=make_task_scorer("neg_log_loss"))
        fold_scores = []
        for train, test in case.splits:
            chance = case.fit(train, **found.best_params_).predict_proba(case.X[test])
            losses = [log_loss(truth, p) for truth, p in zip(case.y[test].T, chance.T, strict=True)]
            fold_scores.append(-np.mean(losses))
        assert found.best_score_ == pytest.approx(np.mean(fold_scores), abs=1e-6)

    @refused(f"{tool}, named scorers", "holes", match="NaN")
    @refused(f"{tool}, named scorers", *BESIDE, match=r"task_column=.*make_task_scorer\(")
    def search_by_named_scorer_cannot(case, tool):
        search(case, tool, scoring="accuracy" if case.classifies else "r2")


LOSSES = {f'`loss="{loss}"` in a search': loss for loss in ("poisson", "huber", "quantile")}

for tool in LOSSES:

    @works(tool, *SEVERAL, *LABELLED, "routed", kinds=["regressor"])
    def search_of_another_loss(case, tool):
        asked = {"loss": LOSSES[tool]}
        if asked["loss"] == "poisson":
            case = Counts(case.model, case.way)
        tried = GridSearchCV(case.make(**asked), {"alpha": ALPHAS}, cv=case.cv, error_score="raise")
        found = tried.fit(case.X, case.y, **case.beside)
        means = [np.mean(case.scores(alpha=alpha, **asked)) for alpha in ALPHAS]
        close(found.cv_results_["mean_test_score"], means)
        case.same(found.best_estimator_, **asked, **found.best_params_)

    @refused(tool, "beside", match=ROUTING_OFF, kinds=["regressor"])
    def search_of_another_loss_without_routing(case, tool):
        GridSearchCV(
            case.make(loss=LOSSES[tool]), {"alpha": ALPHAS}, cv=case.cv, error_score="raise"
        ).fit(case.X, np.abs(case.y), **case.beside)


@works("HalvingGridSearchCV", *SEVERAL, *LABELLED, "routed")
def halving(case):
    options = {"cv": case.cv, "factor": 2, "random_state": 0, "error_score": "raise"}
    if case.classifies:
        options["min_resources"] = n // 2
    found = HalvingGridSearchCV(case.make(), {"alpha": ALPHAS}, **options)
    with expected("columns? saw one class only"):  # of few rows, in the first round
        found.fit(case.X, case.y, **case.beside)
    whole = found.cv_results_["n_resources"] == n
    assert whole.any()
    best = whole & [params == found.best_params_ for params in found.cv_results_["params"]]
    close(found.cv_results_["mean_test_score"][best], np.mean(case.scores(**found.best_params_)))
    case.same(found.best_estimator_, **found.best_params_)


@refused("HalvingGridSearchCV", *SEVERAL, match="1d array|NaN", kinds=["classifier"])
def halving_of_several_targets(case):
    HalvingGridSearchCV(case.make(), {"alpha": ALPHAS}, cv=case.cv).fit(case.X, case.y)


@refused("HalvingGridSearchCV", "beside", match=ROUTING_OFF)
def halving_without_routing(case):
    HalvingGridSearchCV(
        case.make(), {"alpha": ALPHAS}, cv=case.cv, min_resources=n // 2, error_score="raise"
    ).fit(case.X, case.y, **case.beside)


def validated(case, **options):
    return cross_validate(
        case.make(),
        case.X,
        case.y,
        **{"cv": case.cv, "params": case.beside or None, "error_score": "raise"} | options,
    )


@works("cross_validate", *SEVERAL, *LABELLED, "routed")
def every_fold_is_scored(case):
    found = validated(case, return_train_score=True)
    close(found["test_score"], case.scores())
    close(found["train_score"], case.scores([(train, train) for train, _ in case.splits]))


@refused("cross_validate", "beside", match=ROUTING_OFF)
def cross_validate_without_routing(case):
    validated(case)


@refused("cross_validate", "holes", match="NaN", kinds=["classifier"])
def cross_validate_by_class_stratified_folds(case):
    validated(case, **AN_INT)


def predicted(case, **options):
    beside = case.beside or None
    return cross_val_predict(case.make(), case.X, case.y, cv=case.cv, params=beside, **options)


@works("cross_val_predict", *SEVERAL, *LABELLED)
def every_row_is_held_out_once(case):
    np.testing.assert_allclose(predicted(case), case.held_out(), atol=1e-6)
    if case.classifies and case.labelled:
        close(predicted(case, method="predict_proba"), case.held_out("predict_proba"))


@refused("cross_val_predict", *BESIDE, match="task_column=")
def predictions_for_labels_beside(case):
    predicted(case)


@refused(
    "cross_val_predict", *SEVERAL, match="shape mismatch|classes", kinds=["classifier"]
)  # answered by a recipe of the page
def probabilities_of_several_targets(case):
    predicted(case, method="predict_proba")


@works("nested cross-validation", *SEVERAL, *LABELLED, "routed")
def nested(case):
    if case.way == "routed" and BEFORE_1_8:
        pytest.skip("task= does not reach the score of a search inside")
    inner = 3 if case.way == "routed" else case.cv  # of the rows of an outer part
    inside = GridSearchCV(case.make(), {"alpha": ALPHAS}, cv=inner, error_score="raise")
    found = cross_val_score(
        inside, case.X, case.y, cv=case.cv, params=case.beside or None, error_score="raise"
    )
    by_hand = []
    for train, test in case.splits:
        y = case.y[train]
        cv = check_cv(inner, y, classifier=case.classifies)
        splits = [(train[a], train[b]) for a, b in cv.split(take(case.X, train), y)]
        best = max(ALPHAS, key=lambda alpha: np.mean(case.scores(splits, alpha=alpha)))
        by_hand.append(case.score(case.fit(train, alpha=best), test))
    close(found, by_hand)


@refused("nested cross-validation", "beside", match="task_column=")
def nested_without_routing(case):
    inside = GridSearchCV(case.make(), {"alpha": ALPHAS}, cv=3, error_score="raise")
    cross_val_score(inside, case.X, case.y, params=case.beside, error_score="raise")


@works("leave one task out", *LABELLED, "routed")
def leave_one_task_out(case):
    params = case.beside | {"groups": TASK} if case.way == "routed" else None
    groups = None if case.way == "routed" else TASK
    found = cross_val_score(
        case.make(),
        case.X,
        case.y,
        groups=groups,
        cv=LeaveOneGroupOut(),
        params=params,
        error_score="raise",
    )
    ours = LeaveTasksOut(task_column=case.task_column)
    np.testing.assert_array_equal(
        cross_val_score(case.make(), case.X, case.y, cv=ours, params=case.beside or None), found
    )
    for task, score in enumerate(found):
        others, own = np.flatnonzero(task != TASK), np.flatnonzero(task == TASK)
        fitted = case.fit(others)
        assert len(fitted.tasks_) == 2
        assert score == pytest.approx(case.score(fitted, own), abs=1e-6)


@refused("leave one task out", "beside", match=ROUTING_OFF)
def leave_one_task_out_without_routing(case):
    cross_val_score(
        case.make(),
        case.X,
        case.y,
        groups=TASK,
        cv=LeaveOneGroupOut(),
        params=case.beside,
        error_score="raise",
    )


def curve(case, **options):
    options = {"cv": case.cv, "error_score": "raise", "params": case.beside or None} | options
    return learning_curve(case.make(), case.X, case.y, train_sizes=[0.5, 1.0], **options)


@works("learning_curve", *SEVERAL, *LABELLED, "routed")
def learning(case):
    sizes, _, scores = curve(case)
    for size, found in zip(sizes, scores, strict=True):
        close(found, case.scores([(train[:size], test) for train, test in case.splits]))


@refused("learning_curve", "beside", match=ROUTING_OFF)
def learning_without_routing(case):
    curve(case)


@refused("learning_curve", "holes", match="NaN", kinds=["classifier"])
def learning_by_class_stratified_folds(case):
    curve(case, **AN_INT)


# Inspection


@works("permutation_importance", *SEVERAL, *LABELLED)
def importance(case):
    X = case.X.copy()
    X[X.columns[3] if case.way == "name" else np.s_[:, 3]] = 0.0
    found = permutation_importance(case.fit(), X, case.y, random_state=0).importances_mean
    assert len(found) == X.shape[1]
    assert found[3] == 0  # constant
    assert found.argmax() == 0
    if case.labelled:
        assert found[4] > 0  # the labels


@refused("permutation_importance", *BESIDE, match="task_column=")
def importance_for_labels_beside(case):
    permutation_importance(case.fit(), case.X, case.y)


def with_value(case, column, value):
    X = case.X.copy()
    X[X.columns[column] if case.way == "name" else np.s_[:, column]] = value
    return X


def average_response(fitted, X):
    method = "decision_function" if hasattr(fitted, "decision_function") else "predict"
    return getattr(fitted, method)(X).mean(axis=0)


@works("partial_dependence", *SEVERAL, *LABELLED)
def dependence(case):
    fitted = case.fit()
    method = {"response_method": "decision_function"} if case.classifies else {}
    found = partial_dependence(fitted, case.X, [1], grid_resolution=5, **method)
    by_hand = [average_response(fitted, with_value(case, 1, v)) for v in found["grid_values"][0]]
    close(found["average"], np.reshape(by_hand, (5, -1)).T)
    if case.way == "name":
        found = partial_dependence(
            fitted, case.X, ["tree"], categorical_features=["tree"], **method
        )
        by_hand = [average_response(fitted, with_value(case, 4, v)) for v in fitted.tasks_]
        close(found["average"], [by_hand])


@refused("partial_dependence", *BESIDE, match="task_column=")
def dependence_for_labels_beside(case):
    partial_dependence(case.fit(), case.X, [1])


# Ensembles


@works("StackingRegressor", *LABELLED, kinds=["regressor"])
@works("StackingClassifier", *LABELLED, kinds=["classifier"])
def stacking(case, tool):
    final = LogisticRegression() if case.classifies else Ridge()
    method = "predict_proba" if case.classifies else "predict"
    fitted = TOOLS[tool](
        [(f"{alpha}", case.make(alpha=alpha)) for alpha in ALPHAS], final, cv=case.cv
    ).fit(case.X, case.y)
    held_out = [case.held_out(method, alpha=alpha) for alpha in ALPHAS]
    whole = [case.predict(case.fit(alpha=alpha), method=method) for alpha in ALPHAS]
    if case.classifies:  # of two classes, one column of probabilities says it all
        held_out, whole = ([p[:, 1] for p in answers] for answers in (held_out, whole))
    final.fit(np.column_stack(held_out), case.y)
    close(getattr(fitted, method)(case.X), getattr(final, method)(np.column_stack(whole)))


@works("VotingRegressor", *LABELLED, kinds=["regressor"])
@works("VotingClassifier", *LABELLED, kinds=["classifier"])
def voting(case, tool):
    models = [(f"{alpha}", case.make(alpha=alpha)) for alpha in ALPHAS]
    soft = {"voting": "soft"} if case.classifies else {}
    method = "predict_proba" if case.classifies else "predict"
    fitted = TOOLS[tool](models, **soft).fit(case.X, case.y)
    each = [case.predict(case.fit(alpha=alpha), method=method) for alpha in ALPHAS]
    close(getattr(fitted, method)(case.X), np.mean(each, axis=0))


@works("BaggingRegressor", "columns", *LABELLED, kinds=["regressor"])
@works("BaggingClassifier", *LABELLED, kinds=["classifier"])
def bagging(case, tool):
    place = {"task_column": -1} if case.labelled else {}
    fitted = TOOLS[tool](case.make(**place), n_estimators=3, random_state=0)
    fitted.fit(case.X, case.y)
    X = case.X.to_numpy(dtype=object) if case.way == "name" else case.X
    method = "predict_proba" if case.classifies else "predict"
    each = [getattr(model, method)(X) for model in fitted.estimators_]
    close(getattr(fitted, method)(case.X), np.mean(each, axis=0))
    for model in fitted.estimators_ if case.labelled else ():
        assert set(model.tasks_) <= set(TREE if case.way == "name" else TASK)


@refused("BaggingRegressor", "name", match="give the position", kinds=["regressor"])
@refused("BaggingClassifier", "name", match="give the position", kinds=["classifier"])
@refused("BaggingRegressor", "holes", match="NaN", kinds=["regressor"])
@refused("BaggingClassifier", *SEVERAL, match="1d array|NaN", kinds=["classifier"])
@refused("BaggingRegressor", "beside", match="enable_metadata_routing", kinds=["regressor"])
@refused("BaggingClassifier", "beside", match="enable_metadata_routing", kinds=["classifier"])
@refused("BaggingRegressor", "routed", match="task_column=", kinds=["regressor"])
@refused("BaggingClassifier", "routed", match="task_column=", kinds=["classifier"])
def bagging_cannot(case, tool):
    bag = TOOLS[tool](case.make(), n_estimators=2).fit(case.X, case.y, **case.beside)
    bag.predict(case.X)


@refused("StackingRegressor", *SEVERAL, match="1d array|NaN", kinds=["regressor"])
@refused("StackingClassifier", *SEVERAL, match="shape mismatch|NaN", kinds=["classifier"])
@refused("StackingRegressor", "beside", match="enable_metadata_routing", kinds=["regressor"])
@refused("StackingClassifier", "beside", match="enable_metadata_routing", kinds=["classifier"])
@refused("StackingRegressor", "routed", match="task_column=", kinds=["regressor"])
@refused("StackingClassifier", "routed", match="task_column=", kinds=["classifier"])
def stacking_cannot(case, tool):
    TOOLS[tool]([("model", case.make())]).fit(case.X, case.y, **case.beside)


@refused("VotingRegressor", *SEVERAL, match="1d array|NaN", kinds=["regressor"])
@refused("VotingClassifier", *SEVERAL, match="only supports|NaN", kinds=["classifier"])
@refused("VotingRegressor", "beside", match="enable_metadata_routing", kinds=["regressor"])
@refused("VotingClassifier", "beside", match="enable_metadata_routing", kinds=["classifier"])
@refused("VotingRegressor", "routed", match="task_column=", kinds=["regressor"])
@refused("VotingClassifier", "routed", match="task_column=", kinds=["classifier"])
def voting_cannot(case, tool):
    vote = TOOLS[tool]([("model", case.make())])
    vote.fit(case.X, case.y, **case.beside).predict(case.X)


# Around the target


@works("TransformedTargetRegressor", "columns", *LABELLED, *BESIDE, kinds=["regressor"])
def transformed_target(case):
    shape = (-1, 1) if case.y.ndim == 1 else case.y.shape
    scale = StandardScaler().fit(case.y.reshape(shape))
    fitted = TransformedTargetRegressor(case.make(), transformer=StandardScaler())
    found = case.predict(fitted.fit(case.X, case.y, **case.beside))
    z = scale.transform(case.y.reshape(shape)).reshape(case.y.shape)
    by_hand = case.predict(case.make().fit(case.X, z, **case.beside))
    close(found, scale.inverse_transform(by_hand.reshape(shape)).reshape(case.y.shape))


@refused("TransformedTargetRegressor", "holes", match="NaN", kinds=["regressor"])
def transformed_target_with_holes(case):
    TransformedTargetRegressor(case.make(), transformer=StandardScaler()).fit(case.X, case.y)


@works("CalibratedClassifierCV", *LABELLED, kinds=["classifier"])
def calibrated(case):
    fitted = CalibratedClassifierCV(case.make(), method="isotonic", cv=case.cv, ensemble=False)
    found = fitted.fit(case.X, case.y).predict_proba(case.X)[:, 1]
    curve = IsotonicRegression(out_of_bounds="clip")
    curve.fit(case.held_out("decision_function"), case.y)
    close(found, curve.predict(case.predict(case.fit(), method="decision_function")))


@refused("CalibratedClassifierCV", *SEVERAL, match="1d array|NaN", kinds=["classifier"])
@refused("CalibratedClassifierCV", *BESIDE, match="task_column=", kinds=["classifier"])
def calibrated_cannot(case):
    CalibratedClassifierCV(case.make(), cv=3).fit(case.X, case.y, **case.beside)


@works("MultiOutputRegressor", "columns", *LABELLED, kinds=["regressor"])
@works("MultiOutputClassifier", "columns", *LABELLED, kinds=["classifier"])
def one_by_one(case, tool):
    targets = case.y if case.y.ndim == 2 else np.column_stack([case.y, case.y[::-1]])
    found = TOOLS[tool](case.make()).fit(case.X, targets).predict(case.X)
    alone = [case.make().fit(case.X, y).predict(case.X) for y in targets.T]
    close(found, np.column_stack(alone))


@refused("MultiOutputRegressor", "holes", match="NaN", kinds=["regressor"])
@refused("MultiOutputClassifier", "holes", match="NaN", kinds=["classifier"])
@refused("MultiOutputRegressor", *BESIDE, match="task_column=", kinds=["regressor"])
@refused("MultiOutputClassifier", *BESIDE, match="task_column=", kinds=["classifier"])
def one_by_one_cannot(case, tool):
    targets = case.y if case.y.ndim == 2 else np.column_stack([case.y, case.y[::-1]])
    several = TOOLS[tool](case.make()).fit(case.X, targets, **case.beside)
    several.predict(case.X)


# Selection of features


@works("SelectFromModel", *ALL)
def selection(case):
    lasso, labels = "Lasso" in case.model, case.task_column is not None
    alpha = 0.5 * case.make().alpha_max(case.X, case.y, **case.beside) if lasso else 0.1
    norms = {"importance_getter": "column_norms_"} if labels else {}
    selector = SelectFromModel(case.make(alpha=alpha), **norms)
    selector.set_output(transform="pandas" if case.way == "name" else "default")
    mask = selector.fit(case.X, case.y, **case.beside).get_support()
    size = np.linalg.norm(case.fit(alpha=alpha).coef_, axis=0, ord=2 if labels else 1)
    if labels:
        size = np.append(size, size.max())
        assert mask[-1]
    np.testing.assert_array_equal(mask, size >= (1e-5 if lasso else size.mean()))
    assert 0 < mask.sum() < len(mask)
    refitted = case.make().fit(selector.transform(case.X), case.y, **case.beside)
    by_hand = case.make().fit(
        case.X.loc[:, mask] if case.way == "name" else case.X[:, mask], case.y, **case.beside
    )
    close(refitted.coef_, by_hand.coef_)
    assert refitted.coef_.shape[-1] == mask[:4].sum()


@refused("SelectFromModel", *LABELLED, match="(?i)boolean index")  # scikit-learn counts coef_
def selection_that_does_not_know_the_labels(case):
    SelectFromModel(case.make()).fit(case.X, case.y).transform(case.X)


@works("RFE", "columns", "position", *BESIDE)
def elimination(case):
    labels = case.way == "position"
    selector = RFE(case.make(), n_features_to_select=2 + labels)
    found = selector.fit(case.X, case.y, **case.beside).support_
    kept = np.arange(4)
    while len(kept) > 2:
        X = case.X[:, [*kept, 4]] if labels else case.X[:, kept]
        size = np.square(case.make().fit(X, case.y, **case.beside).coef_).sum(axis=0)
        kept = np.delete(kept, size.argmin())
    np.testing.assert_array_equal(np.flatnonzero(found), [*kept, 4] if labels else kept)


@refused("RFE", "holes", match="NaN")
@refused("RFE", "name", match="could not convert string to float: 'ash'")
def elimination_cannot(case):
    RFE(case.make(), n_features_to_select=2).fit(case.X, case.y)


# Copies and processes


@works("n_jobs=2", *ALL)
def processes(case):
    if case.way == "beside":  # nothing to pass on but the fit
        fitted = fit_pipeline(case, ("scale", StandardScaler()))
        answers = joblib.Parallel(n_jobs=2)(
            joblib.delayed(case.predict)(fitted, rows) for rows in (np.arange(9), np.arange(9, n))
        )
        close(np.concatenate(answers), case.predict(fitted))
        return
    close(validated(case, n_jobs=2)["test_score"], case.scores())


@works("pickle and joblib", *ALL)
def copies(case, tmp_path):
    fitted = case.fit()
    joblib.dump(fitted, tmp_path / "model.joblib")
    for copy in (pickle.loads(pickle.dumps(fitted)), joblib.load(tmp_path / "model.joblib")):
        np.testing.assert_array_equal(case.predict(copy), case.predict(fitted))
        assert repr(copy) == repr(fitted)


@works("clone", *ALL)
def clones(case):
    fitted = case.fit(alpha=0.3)
    copy = clone(fitted)
    assert copy.get_params() == fitted.get_params()
    assert not [name for name in vars(copy) if name.endswith("_")]
    case.same(copy.fit(case.X, case.y, **case.beside), alpha=0.3)


@works("memory-mapped arrays", *ALL)
def memory_maps(case, tmp_path):
    joblib.dump((case.X, case.y, case.beside), tmp_path / "data.joblib")
    X, y, beside = joblib.load(tmp_path / "data.joblib", mmap_mode="r")
    mapped = y if case.way == "name" else X
    assert isinstance(mapped, np.memmap)
    assert not mapped.flags.writeable
    fitted = case.make().fit(X, y, **beside)
    case.same(fitted)
    close(fitted.predict(X, **beside), case.predict(fitted))


# The table


@pytest.mark.parametrize("tool, check, case", WORKS)
def test_works(tool, check, case, tmp_path):
    call(check, case, tool=tool, tmp_path=tmp_path)


@pytest.mark.parametrize("tool, check, match, case", REFUSED)
def test_is_refused(tool, check, match, case):
    errors = (ValueError, TypeError, IndexError, NotImplementedError)
    with warnings.catch_warnings(), pytest.raises(errors, match=match):
        warnings.simplefilter("ignore")  # scikit-learn's, on the way to its error
        call(check, case, tool=tool)


def registered(params):
    return {(of.values[0], COLUMN[of.values[-1].way]) for of in params}


def test_the_page_says_what_the_tests_show():
    table = read_table()
    verdicts = {cell: text.split()[0].rstrip(":;,") for cell, text in table.items()}
    shown, not_shown = registered(WORKS), registered(REFUSED)
    assert {cell for cell, verdict in verdicts.items() if verdict == "works"} == shown
    assert {cell for cell, verdict in verdicts.items() if verdict == "no"} == not_shown - shown
    assert {cell for cell, verdict in verdicts.items() if verdict == "–"} == {
        ("leave one task out", COLUMN[way]) for way in SEVERAL
    }
    for cell, text in table.items():
        assert verdicts[cell] != "no" or len(text) > len("no; "), f"{cell}: what instead?"


# Beside the table


@pytest.mark.parametrize("way", [*LABELLED, "beside"])
def test_rows_are_answered_by_their_own_task(way):
    """What "by hand" rests on here, as it predicts by the same method as the tools do."""
    case = Case("GroupLassoRegressor", way)
    fitted = case.fit()
    assert fitted.tasks_.tolist() == sorted(set(TREE if way == "name" else TASK))
    by_hand = (F * fitted.coef_[TASK]).sum(axis=1) + fitted.intercept_[TASK]
    close(case.predict(fitted), by_hand)


def test_polars_frames_pass_through_as_pandas_frames_do():
    case = Case("MeanRegularizedRegressor", "name")
    frame = pl.DataFrame({name: case.X[name].tolist() for name in case.X})
    close(cross_val_predict(case.make(), frame, pl.Series(case.y), cv=case.cv), case.held_out())
    found = GridSearchCV(case.make(), {"alpha": ALPHAS}, cv=case.cv).fit(frame, case.y)
    by_hand = [np.mean(case.scores(alpha=alpha)) for alpha in ALPHAS]
    close(found.cv_results_["mean_test_score"], by_hand)
    targets = pl.DataFrame(Y, schema=["up", "down", "left"])
    search = GridSearchCV(mtlearn.GroupLassoRegressor(), {"alpha": ALPHAS}, cv=2)
    found = search.fit(frame.drop("tree"), targets).best_estimator_
    assert found.tasks_.tolist() == ["up", "down", "left"]


@pytest.mark.parametrize("way", LABELLED)
def test_ordinary_folds_of_sorted_rows_are_warned_of(way):
    case = Case("MeanRegularizedRegressor", way)
    order = np.argsort(TASK, kind="stable")
    sorted_rows = take(case.X, order), case.y[order]
    with pytest.warns(UnseenTaskWarning, match="StratifiedTaskKFold"):
        ordinary = cross_val_score(case.make(unseen_task="warn"), *sorted_rows, cv=3)
    ours = cross_val_score(case.make(unseen_task="warn"), *sorted_rows, cv=case.cv)
    assert ordinary.mean() < ours.mean()


@pytest.mark.skipif(BEFORE_1_8, reason="task= does not reach the score of a pipeline inside")
def test_a_search_of_a_pipeline_with_labels_beside():
    case = Case("MeanRegularizedRegressor", "routed")
    pipeline = Pipeline([("scale", StandardScaler()), ("model", case.make())])
    with config_context(enable_metadata_routing=True):
        found = GridSearchCV(pipeline, {"model__alpha": ALPHAS}, cv=case.cv, error_score="raise")
        found.fit(case.X, case.y, task=TASK)
    by_hand = []
    for train, test in case.splits:
        scale = StandardScaler().fit(F[train])
        fitted = case.make(alpha=found.best_params_["model__alpha"])
        fitted.fit(scale.transform(F[train]), case.y[train], task=TASK[train])
        by_hand.append(fitted.score(scale.transform(F[test]), case.y[test], task=TASK[test]))
    assert found.best_score_ == pytest.approx(np.mean(by_hand))


def test_more_than_two_classes():
    case = Case("MeanRegularizedClassifier", "name")
    grade = np.array(["fail", "pass", "top"])[np.digitize(Y[ALL_ROWS, TASK], [-0.5, 0.7])]
    models = [("one", case.make()), ("two", case.make(alpha=0.5))]
    tools = [
        CalibratedClassifierCV(case.make(), cv=case.cv),
        StackingClassifier(models, cv=case.cv),
        VotingClassifier(models, voting="soft"),
        BaggingClassifier(case.make(task_column=-1), n_estimators=3, random_state=0),
        GridSearchCV(case.make(), {"alpha": ALPHAS}, cv=case.cv, scoring="neg_log_loss"),
    ]
    for tool in tools:
        fitted = tool.fit(case.X, grade)
        assert fitted.predict_proba(case.X).shape == (n, 3)
        assert np.mean(fitted.predict(case.X) == grade) > 0.6
    fitted = case.make().fit(case.X, grade)
    assert fitted.coef_.shape == (3, 3, 4)
    close(fitted.column_norms_[:4], np.sqrt(np.square(fitted.coef_).sum(axis=(0, 1))))


def test_groups_reach_the_folds_inside_columns_of_unlike_kinds():
    with config_context(enable_metadata_routing=True):
        groups_reach_the_folds_inside()


@pytest.mark.parametrize("where", [0, 2, -1])
def test_column_norms_know_where_the_labels_are(where):
    X = np.insert(F, where % 5, TASK, axis=1)
    y = Y[ALL_ROWS, TASK]
    fitted = mtlearn.GroupLassoRegressor(alpha=0.1, task_column=where).fit(X, y)
    norms = np.linalg.norm(fitted.coef_, axis=0)
    np.testing.assert_array_equal(np.delete(fitted.column_norms_, where), norms)
    assert fitted.column_norms_[where] == norms.max()


def test_a_feature_in_the_place_of_the_labels_is_noticed():
    case = Case("MeanRegularizedRegressor", "position")
    with pytest.warns(UserWarning, match="48 different numbers with fractions.*column of labels"):
        case.make().fit(case.X[:, [0, 1, 4, 2]], case.y)
    bag = BaggingRegressor(case.make(), max_features=0.8, random_state=0)
    with pytest.warns(UnseenTaskWarning), pytest.warns(UserWarning, match="drop columns of X"):
        bag.fit(case.X, case.y)


def test_partial_dependence_of_probabilities_is_of_the_second_target():
    """Why the table asks for the decision function: of probabilities only one column is kept."""
    case = Case("MeanRegularizedClassifier", "columns")
    fitted = case.fit()
    found = partial_dependence(fitted, F, [1], grid_resolution=5)
    by_hand = [fitted.predict_proba(with_value(case, 1, v)) for v in found["grid_values"][0]]
    close(found["average"], [[answer[:, 1].mean() for answer in by_hand]])


@pytest.mark.parametrize("kind", BOTH)
def test_several_targets_as_labelled_rows(kind):
    """The recipe of the page gives the tools that want one target the same model."""
    case = Case(model_of(kind, "holes"), "holes")
    truth = LABELS if case.classifies else HOLES
    row, target = np.nonzero(~np.isnan(truth))
    X_rows, y_rows = np.column_stack([F[row], target]), truth[row, target]
    stacked = case.make(task_column=-1, alpha_intercept=0).fit(X_rows, y_rows)
    several = case.fit()
    close(stacked.coef_, several.coef_)
    close(stacked.predict(X_rows), several.predict(F)[row, target])
    folds = StratifiedTaskKFold(3, task_column=-1)
    scores = cross_val_score(stacked, X_rows, y_rows, groups=row, cv=folds, error_score="raise")
    assert (scores > 0.3).all()
    for train, test in folds.split(X_rows, y_rows, row):
        assert not set(row[train]) & set(row[test])


OTHERS = [
    model
    for name in mtlearn.__all__
    if inspect.isclass(model := getattr(mtlearn, name))
    and issubclass(model, BaseEstimator)
    and name not in ("IndependentTasks", "MixedTargets", "PooledTasks")
    and name.removesuffix("Regressor").removesuffix("Classifier") not in FAMILIES
]


@pytest.mark.parametrize("way", ["holes", "name"])
@pytest.mark.parametrize(
    "model",
    [
        *(Model(alphas=ALPHAS, cv=2) for Model in OTHERS if "CV" in Model.__name__),
        *(
            Model().set_params(**({"alpha": 0.05} if hasattr(Model(), "alpha") else {}))
            for Model in OTHERS
            if "CV" not in Model.__name__
        ),
    ]
    + [
        Baseline(one)
        for Baseline in (IndependentTasks, PooledTasks)
        for one in (Ridge(), LogisticRegression())
    ],
    ids=repr,
)
def test_the_other_models_compose_too(model, way):
    case = Case("some Classifier" if is_classifier(model) else "some Regressor", way)
    model = clone(model).set_params(task_column=case.task_column, unseen_task="mean")
    scale = scale_features(case).set_output(transform="pandas")
    pipeline = Pipeline([("columns", scale), ("model", model)])
    folds = StratifiedTaskKFold(2, task_column=case.task_column)
    scores = cross_val_score(pipeline, case.X, case.y, cv=folds, error_score="raise")
    assert scores.mean() > (0.6 if case.classifies else 0.4)


BESIDE_CASE = Case("MeanRegularizedRegressor", "beside")


@pytest.mark.parametrize("routing", [False, True])
@pytest.mark.parametrize("scoring", [None, "r2"])
def test_nan_scores_for_labels_that_do_not_arrive_come_with_what_to_write(routing, scoring):
    if routing and scoring is None:
        return  # works
    with config_context(enable_metadata_routing=routing), pytest.warns(UserWarning) as caught:
        found = validated(BESIDE_CASE, error_score=np.nan, scoring=scoring)
    assert np.isnan(found["test_score"]).all()
    for warning in caught:
        last = str(warning.message).strip().splitlines()[-1]
        assert (
            "write sklearn.set_config(enable_metadata_routing=True) before it" in last
        ) != routing
        assert "task_column=" in last and 'make_task_scorer("r2")' in last


@pytest.mark.parametrize(
    ("wrong", "said", "right"),
    [
        (
            lambda case, pipe, search: pipe.fit(case.X, case.y, task=TASK),
            "does not accept the task parameter",
            lambda case, pipe, search: pipe.fit(case.X, case.y, model__task=TASK),
        ),
        (
            lambda case, pipe, search: search.predict(case.X, task=TASK),
            "unexpected keyword argument 'task'",
            lambda case, pipe, search: search.best_estimator_.predict(case.X, task=TASK),
        ),
        (
            lambda case, pipe, search: search.score(case.X, case.y, task=TASK),
            "only supported if enable_metadata_routing=True",
            lambda case, pipe, search: search.best_estimator_.score(case.X, case.y, task=TASK),
        ),
    ],
)
def test_what_scikit_learn_says_of_labels_beside_x_is_answered_on_the_page(wrong, said, right):
    case, page = BESIDE_CASE, " ".join(PAGE.read_text(encoding="utf-8").split())
    pipe = Pipeline([("scale", StandardScaler()), ("model", case.make())])
    with config_context(enable_metadata_routing=True):
        search = GridSearchCV(case.make(), {"alpha": ALPHAS}, cv=case.cv)
        search.fit(case.X, case.y, task=TASK)
    with pytest.raises((ValueError, TypeError)) as error:
        wrong(case, pipe, search)
    assert said in str(error.value) and said in page
    right(case, pipe, search)
    with config_context(enable_metadata_routing=True):
        pipe.fit(case.X, case.y, task=TASK)
        with pytest.raises(TypeError, match="not routed to any object"):
            pipe.fit(case.X, case.y, model__task=TASK)
