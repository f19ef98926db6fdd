"""Comparisons on classes: what a question is, its scores, its models."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import stats
from scipy.special import logit
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import (
    accuracy_score,
    brier_score_loss,
    log_loss,
    roc_auc_score,
)
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

from mtlearn.baselines import PooledTasks
from mtlearn.compare import compare_tasks
from mtlearn.compare.at_once import LogisticAtOnce
from mtlearn.compare.classification import Classification
from mtlearn.compare.contenders import (
    BASELINES,
    DEFAULT,
    MULTITASK,
    RANDOM_SLOPES,
    build_model,
    choose_models,
)
from mtlearn.compare.probabilities import auc_by_group, bounded
from mtlearn.compare.question import read_question
from mtlearn.compare.regression import Regression
from mtlearn.compare.roles import selects_features
from mtlearn.model_selection import task_folds

from ..comparisons import class_data, target_matrix


@pytest.fixture(scope="module", params=[2, 3])
def classified(request):
    X, y = class_data(n_classes=request.param)
    folds = task_folds(X["school"], 3)
    options = {"task_column": "school", "models": ["mean-regularized"], "cv": folds}
    return compare_tasks(X, y, **options), X, y, folds


def full_probabilities(prediction):
    return np.column_stack([1 - prediction, prediction]) if prediction.ndim == 1 else prediction


def pairwise_auc(y, prob, classes, fold):
    """scikit-learn's area in every fold, weighted by the pairs it is a mean over."""
    columns = [1] if len(classes) == 2 else range(len(classes))
    found = []
    for k in columns:
        areas, pairs = [], []
        for f in np.unique(fold):
            hit = (y == classes[k])[fold == f]
            pairs.append(hit.sum() * (~hit).sum())
            areas.append(roc_auc_score(hit, prob[fold == f, k]) if pairs[-1] else 0.0)
        found.append(np.average(areas, weights=pairs) if sum(pairs) else np.nan)
    return np.mean(found)


def test_scores_of_classes_are_those_of_scikit_learn(classified):
    result, X, y, folds = classified
    y, classes = y.to_numpy(), result.kind.classes
    assert result.kind.name == "classification" and list(classes) == sorted(set(y))
    schools = sorted(X["school"].unique())
    for name, row in result.table.iterrows():
        prob = full_probabilities(result.predictions[name])
        assert row.log_loss == pytest.approx(log_loss(y, prob, labels=classes), rel=1e-9)
        assert row.accuracy == pytest.approx(accuracy_score(y, classes[prob.argmax(axis=1)]))
        positive = {"pos_label": "yes"} if len(classes) == 2 else {"labels": classes}
        given = prob[:, 1] if len(classes) == 2 else prob
        assert row.brier == pytest.approx(brier_score_loss(y, given, **positive), rel=1e-9)
        assert row.auc == pytest.approx(pairwise_auc(y, prob, classes, folds), rel=1e-9)
        parts = [(X["school"] == s).to_numpy() for s in schools]
        losses = [log_loss(y[p], prob[p], labels=classes) for p in parts]
        assert row.mean_task_log_loss == pytest.approx(np.mean(losses), rel=1e-9)
        assert row.worst_task_log_loss == pytest.approx(max(losses), rel=1e-9)
        assert row.worst_task == schools[np.argmax(losses)]
        areas = np.array([pairwise_auc(y[p], prob[p], classes, folds[p]) for p in parts])
        assert row.mean_task_auc == pytest.approx(np.nanmean(areas), rel=1e-9)
        assert row.tasks_without_auc == np.isnan(areas).sum()
        np.testing.assert_allclose(result.per_task[f"loss {name}"], losses, rtol=1e-9)


def test_evidence_of_classes_is_the_paired_log_loss(classified):
    result, X, y, _ = classified
    frame, best, base = result.per_task, result.best_model, result.best_baseline
    assert result.table.chosen[:3].sum() == 3  # each fold chose a baseline
    assert base == result.table.chosen[:3].idxmax()
    at = np.searchsorted(result.kind.classes, y)
    losses = [
        -np.log(full_probabilities(result.predictions[name])[np.arange(len(y)), at])
        for name in (best, base)
    ]
    assert result.table.chosen[[best, base]].tolist() == [3, 3]  # in every fold
    for _, row in frame.iterrows():
        d = (losses[0] - losses[1])[X["school"] == row.task]
        assert row.difference == pytest.approx(d.mean())
        assert row.standard_error >= stats.sem(d) * (1 - 1e-9)
    assert f"log loss {result.table.log_loss[best]:.3f} by {best}" in result.verdict


def test_the_spread_is_the_slope_of_the_loss_difference():
    rng = np.random.default_rng(0)
    p, q = rng.uniform(0.01, 0.99, (2, 50))
    kind = Classification(np.array([0, 1]))
    one, zero = np.ones(50), np.zeros(50)
    slope = (kind.loss(one, p) - kind.loss(one, q)) - (kind.loss(zero, p) - kind.loss(zero, q))
    np.testing.assert_allclose(kind.apart(p, q), np.abs(slope), rtol=1e-12)
    several = Classification(np.array([0, 1, 2]))
    p, q = rng.dirichlet(np.ones(3), (2, 50))
    each = np.array([several.loss(k * one, p) - several.loss(k * one, q) for k in range(3)])
    np.testing.assert_allclose(several.apart(p, q), np.ptp(each, axis=0), rtol=1e-9)


def test_area_by_group_counts_pairs_of_one_fold_and_ties_half():
    rng = np.random.default_rng(0)
    n = 200
    score, group, fold = rng.integers(0, 6, n) / 5, rng.integers(0, 4, n), rng.integers(0, 3, n)
    positive = rng.random(n) < 0.4
    positive[group == 2] = True
    for given in (fold, np.zeros(n, dtype=int)):
        found = auc_by_group(positive, score, group, given)
        for g in range(4):
            own = group == g
            i, j = np.flatnonzero(own & positive), np.flatnonzero(own & ~positive)
            same = given[i][:, None] == given[j]
            wins = (score[i][:, None] > score[j]) + 0.5 * (score[i][:, None] == score[j])
            expected = wins[same].mean() if same.any() else np.nan
            np.testing.assert_allclose(found[g], expected, rtol=1e-12)
    assert found[0] == pytest.approx(roc_auc_score(positive[group == 0], score[group == 0]))


QUESTIONS = [
    (["u", "v"] * 20, "classification"),
    (["u", None, "v", "w"] * 20, "classification"),
    ([True, False] * 20, "classification"),
    ([0, 1] * 20, "classification"),
    ([-1.0, np.nan, 2.5] * 20, "classification"),
    (["1", "0"] * 20, "classification"),
    ([1, 2, 3] * 20, "regression"),
    (np.linspace(0, 1, 60), "regression"),
    (["1.5", "2", "7"] * 20, "regression"),
    (pd.Series([1, 2, 3] * 20, dtype="category"), "classification"),
    (pd.Series(["u", "v"] * 20, dtype="category"), "classification"),
    (pd.Series([True, False, None] * 20, dtype="boolean"), "classification"),
    (pl.Series(["u", "v", None] * 20), "classification"),
    (pl.Series([1, 2, None] * 20), "classification"),
    (pl.Series(["u", "v"] * 20, dtype=pl.Categorical), "classification"),
    (pd.DataFrame({"p": [0, 1] * 20, "q": [1, None] * 20}), "classification"),
    (pl.DataFrame({"p": ["u", "v"] * 20, "q": ["v", None] * 20}), "classification"),
    (pd.DataFrame({"p": [0, 1] * 20, "q": np.arange(40.0)}), "regression"),
]


@pytest.mark.parametrize(("y", "kind"), QUESTIONS)
def test_whether_a_target_is_a_class_is_read_off_its_values(y, kind):
    values, found, notes = read_question(y, "y")
    assert found.name == kind
    flat = np.array(pd.DataFrame(y if isinstance(y, list | np.ndarray) else y.to_numpy()), object)
    known = np.array([[v is not None and v is not pd.NA and v == v for v in row] for row in flat])
    np.testing.assert_array_equal(~np.isnan(values.reshape(flat.shape)), known)
    if kind == "classification":
        codes = values.reshape(flat.shape)[known].astype(int)
        back = [str(label) for label in found.classes[codes]]
        plain = [str(int(v)) if isinstance(v, bool | np.bool_) else str(v) for v in flat[known]]
        if found.classes.dtype.kind != "O":
            back, plain = [float(v) for v in back], [float(v) for v in plain]
        assert back == plain
        assert len(notes) == 1 and str(found.classes[-1]) in notes[0]


def test_the_rule_can_be_overruled_and_the_reader_is_told():
    ratings = [1, 2, 3] * 20
    assert 'kind="classification"' in read_question(ratings, "stars")[2][0]
    values, kind, notes = read_question(ratings, "stars", "classification")
    assert kind.classes.tolist() == [1, 2, 3] and notes == [
        "stars has 3 classes (1, 2, 3), whose probabilities are predicted."
    ]
    assert 'kind="regression"' in read_question([0, 1] * 20, "hit")[2][0]
    values, kind, notes = read_question([0, 1] * 20, "hit", "regression")
    assert kind.name == "regression" and values.tolist() == [0, 1] * 20 and notes == []


@pytest.mark.parametrize(
    ("y", "kind", "words"),
    [
        ([str(i) + "x" for i in range(60)], "auto", "60 different values .* too many .* '0x'"),
        (np.arange(60), "classification", "60 different values .* too many for classes"),
        (["1", "2", "?"] * 20, "regression", "20 values are not, the first is '\\?'"),
        (pd.Series([1, 2] * 20, dtype="category"), "regression", "of a categorical type"),
        (["u"] * 20, "auto", "is u in every row"),
        (["u"] * 20 + ["v"] * 9, "auto", r"fewer than 10 labels of y \(9\)"),
        (["u", 1] * 20, "auto", "kinds int, str"),
        (pd.DataFrame({"p": ["u", "v", "w"] * 9, "q": ["u"] * 27}), "auto", "hold 3 labels"),
        (pd.DataFrame({"p": [0, 1] * 9, "q": [1, 2] * 9}), "auto", "not the same two"),
        (pd.DataFrame({"p": [0, 1] * 9, "q": [1, 2] * 9}), "classification", "hold 3 labels"),
    ],
)
def test_what_is_no_question_is_said(y, kind, words):
    with pytest.raises(ValueError, match=words):
        read_question(y, "y", kind)


@pytest.mark.parametrize("library", ["text", "numbers"])
def test_a_matrix_of_classes_with_holes(library):
    X, Y = target_matrix(n=120)
    seen = Y.notna().to_numpy()
    hit = (Y > 0).to_numpy()
    labels = np.where(hit, "on", "off") if library == "text" else hit.astype(float)
    frame = pd.DataFrame(labels, columns=Y.columns).where(seen)
    models = {"mine": PooledTasks(LogisticRegression())}
    result = compare_tasks(X, frame, models=models, cv=3)
    assert result.by_column and list(result.per_task.task) == list("vwxyz")
    for name, prediction in result.predictions.items():
        assert prediction.shape == Y.shape
        expected = log_loss(hit[seen], prediction[seen])
        assert result.table.log_loss[name] == pytest.approx(expected, rel=1e-9)
    # the baseline of the library and scikit-learn's at the same strength are the same model
    assert abs(result.table.log_loss["mine"] - result.table.log_loss["pooled+dummies"]) < 0.05


def test_every_way_to_write_two_classes_gives_the_same_comparison(coarse):
    X, y = class_data(6, 20)
    options = {"task_column": "school", "models": ["mean-regularized"], "cv": 2}
    expected = compare_tasks(X, y, **options).table.drop(columns="seconds")
    for other in ((y == "yes"), (y == "yes").astype(int), y.astype("category")):
        found = compare_tasks(X, other, **options).table.drop(columns="seconds")
        pd.testing.assert_frame_equal(found, expected, rtol=1e-9)
    found = compare_tasks(pl.from_pandas(X), pl.Series(list(y)), **options).table
    pd.testing.assert_frame_equal(found.drop(columns="seconds"), expected, rtol=1e-9)


def test_a_task_of_one_class_is_no_certainty():
    X, y = class_data(6, 20)
    y[X["school"] == "s02"] = "yes"
    result = compare_tasks(X, y, task_column="school", models=[], cv=task_folds(X["school"], 4))
    own = (X["school"] == "s02").to_numpy()
    assert np.isfinite(result.table.log_loss).all()
    # 15 of 20 rows in each training part
    np.testing.assert_allclose(result.predictions["independent"][own], 15.5 / 16, rtol=1e-12)
    assert result.table.tasks_without_auc["independent"] == 1


def test_softened_targets_of_one_class_are_the_logistic_regression_that_says_so():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(7, 2))
    found = LogisticAtOnce(np.array([1.0, 10.0]), 2).fit(X, np.ones(7)).predict(X)
    own = 7.5 / 8
    weight = np.repeat([own, 1 - own], 7)
    soft = LogisticRegression(tol=1e-10).fit(np.r_[X, X], np.repeat([1, 0], 7), weight)
    np.testing.assert_allclose(found, soft.predict_proba(X)[:, [1, 1]], atol=1e-7)
    three = LogisticAtOnce(np.array([1.0]), 3)
    seen = LogisticRegression(tol=1e-10).fit(X, X[:, 0] > 0).predict_proba(X)
    answer = three.fit(X, 2.0 * (X[:, 0] > 0)).predict(X)
    np.testing.assert_allclose(answer[:, 1], 0.5 / 8)
    np.testing.assert_allclose(answer[:, [0, 2]], seen * 7.5 / 8, atol=1e-4)


def test_no_model_may_be_more_certain_than_its_rows_allow():
    answer = np.array([0.0, 1e-9, 0.3, 1.0])
    np.testing.assert_allclose(bounded(answer, 9, 2), [0.05, 0.05, 0.3, 0.95])
    several = bounded(np.array([[0.0, 0.2, 0.8], [0.0, 0.0, 1.0]]), 9, 3)
    np.testing.assert_allclose(several, [[0.05 / 1.05, 0.2 / 1.05, 0.8 / 1.05],
                                         [0.05 / 1.1, 0.05 / 1.1, 1 / 1.1]])  # fmt: skip
    X, y = class_data(4, 25)
    sure = {"sure": PooledTasks(DecisionTreeClassifier(random_state=0))}
    result = compare_tasks(X, y, task_column="school", models=sure, cv=task_folds(X["school"], 5))
    prediction = result.predictions["sure"]
    np.testing.assert_allclose(np.unique(prediction), [0.5 / 81, 80.5 / 81])
    assert result.table.log_loss["sure"] == pytest.approx(log_loss(y == "yes", prediction))
    assert result.table.p_value["sure"] < 0.05 and result.table.log_loss["sure"] > result.null_loss


def test_models_get_the_labels_of_the_user():
    X, y = class_data(4, 25)
    weights = {"no": 1.0, "yes": 20.0}
    mine = {"mine": PooledTasks(LogisticRegression(class_weight=weights))}
    result = compare_tasks(X, y, task_column="school", models=mine, cv=2)
    fair = PooledTasks(LogisticRegression())
    plain = compare_tasks(X, y, task_column="school", models={"mine": fair}, cv=2)
    # as if 20 times as many had passed: log-odds higher by log 20, up to shrinkage
    more = logit(result.predictions["mine"]) - logit(plain.predictions["mine"])
    assert np.log(20) / 2 < more.mean() < 2 * np.log(20)


@pytest.mark.parametrize(
    ("model", "target", "words"),
    [
        (PooledTasks(Ridge()), "text", "'mine' has no predict_proba, and the target has classes"),
        (PooledTasks(LinearSVC()), "text", "'mine' has no predict_proba"),
        (PooledTasks(LogisticRegression()), "number", "'mine' is a classifier, and the target is"),
    ],
)
def test_models_of_the_other_kind_are_refused_before_the_work(model, target, words):
    X, y = class_data(4, 25)
    y = y if target == "text" else X["a"]
    with pytest.raises(ValueError, match=words):
        compare_tasks(X, y, task_column="school", models={"mine": model})


@pytest.mark.parametrize("kind", [Regression(), Classification(np.array(["no", "yes"]))])
def test_every_name_is_a_family_of_the_kind(kind):
    other = {
        RANDOM_SLOPES: ("RandomSlopes", {"alpha_mean": "auto"}),
        "group-lasso+columns": ("GroupLasso", {"feature_groups": "columns", "shared_mean": False}),
        "graph-path": ("GraphTasks", {"graph": "path"}),
        "clustered": ("ClusteredTasks", {"within_ratio": 0.1}),
        "robust": ("RobustTasks", {"structure": None}),
        "robust+group": ("RobustTasks", {"structure": "group"}),
        "robust+low-rank": ("RobustTasks", {"structure": "low_rank"}),
    }
    for name in MULTITASK:
        model = build_model(MULTITASK[name], "school", None, kind)[-1]
        family, _, mean = name.partition("+")
        own = {} if family[0] == "m" else {"shared_mean": mean == "mean"}
        family, own = other.get(name, (family.title().replace("-", ""), own))
        search = "" if name == RANDOM_SLOPES else "CV"
        assert type(model).__name__ == f"{family}{kind.ending}{search}"
        assert model.task_column == "school" and model.unseen_task == "mean"
        assert {key: model.get_params()[key] for key in own} == own
        beside = [b for b in BASELINES if selects_features(model) or b != "independent-lasso"]
        assert list(choose_models([name], "school", kind)) == [*beside, name]
    assert list(choose_models(None, "school", kind)) == [*BASELINES, *DEFAULT]
    assert set(DEFAULT) <= set(MULTITASK)


@pytest.mark.parametrize(
    "n_classes, names",
    # of three classes one family that is a square, one that is a norm, and one of own likelihoods
    [
        (2, [n for n in MULTITASK if "robust+" not in n]),
        (3, ["mean-regularized", "group-lasso+mean", RANDOM_SLOPES]),
    ],
)
def test_every_family_is_compared_on_classes(n_classes, names, coarse):
    X, y = class_data(3, 25, n_classes, common=4.0)
    result = compare_tasks(X, y, task_column="school", models=names, cv=2, new_tasks=True)
    assert list(result.table.index) == [*BASELINES, *names]
    for prediction in result.predictions.values():
        prob = full_probabilities(prediction)
        np.testing.assert_allclose(prob.sum(axis=1), 1, rtol=1e-12)
    # What shares a model knows more than the shares of the classes; without a shared mean, 25 rows
    # a task may be too few, and at a small alpha a shared mean says little of tasks never seen.
    table = result.table
    sharing = [n for n in table.index if n in BASELINES or n.startswith("mean") or "+mean" in n]
    assert (table.log_loss[sharing] < result.null_loss).all()
    strangers = [n for n in table.index if n in ("pooled", "mean-regularized")]
    assert table.new_task_log_loss["pooled"] < result.null_loss
    assert np.isfinite(table.new_task_log_loss).all()
    assert (table.new_task_auc[strangers] > 0.5).all()
    expected = -(y.value_counts(normalize=True) * np.log(y.value_counts(normalize=True))).sum()
    assert result.null_loss == pytest.approx(expected)
