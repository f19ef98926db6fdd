"""What classifiers answer: scores, probabilities and labels from coefficients, for every way in."""

import numpy as np
import pytest
from scipy import sparse
from scipy.special import expit
from sklearn.metrics import accuracy_score, log_loss
from sklearn.model_selection import StratifiedKFold

from mtlearn import (
    DirtyClassifier,
    DirtyClassifierCV,
    GroupLassoClassifier,
    GroupLassoClassifierCV,
    MeanRegularizedClassifier,
    MeanRegularizedClassifierCV,
    TraceNormClassifier,
    TraceNormClassifierCV,
)
from mtlearn.exceptions import UnseenTaskWarning
from mtlearn.inputs.classes import encode
from mtlearn.inputs.tasks import TaskData
from mtlearn.selection.folds import make_folds

from ..checks import STRICT
from ..generators import CLASS_WAYS, make_classes

pytestmark = STRICT

PAIRS = [
    pytest.param(MeanRegularizedClassifierCV, MeanRegularizedClassifier, {}, id="mean"),
    pytest.param(GroupLassoClassifierCV, GroupLassoClassifier, {"shared_mean": True}, id="group"),
    pytest.param(TraceNormClassifierCV, TraceNormClassifier, {}, id="trace"),
    pytest.param(DirtyClassifierCV, DirtyClassifier, {}, id="dirty"),
]
every_pair = pytest.mark.parametrize("CV, Estimator, own", PAIRS)
every_family = pytest.mark.parametrize(
    "Estimator, own", [pytest.param(*p.values[1:], id=p.id) for p in PAIRS]
)
every_way = pytest.mark.parametrize("way", CLASS_WAYS)
COLUMNS = [way for way in CLASS_WAYS if way.endswith("columns")]


def features(problem):
    """X without the column of labels."""
    X = problem.X
    return X.drop(columns="school").to_numpy() if hasattr(X, "columns") else X


def row_tasks(problem, fitted):
    """Position in tasks_ of the task of each row; zeros without tasks."""
    column = problem.extra.get("task")
    if column is None:
        column = problem.X["school"] if hasattr(problem.X, "columns") else fitted.tasks_[[0]]
    where = {label: k for k, label in enumerate(fitted.tasks_.tolist())}
    codes = np.array([where[label] for label in np.asarray(column).tolist()])
    return np.broadcast_to(codes, len(problem.X))


def answers(problem, fitted, method):
    task = {name: value for name, value in problem.extra.items() if name == "task"}
    return getattr(fitted, method)(problem.X, **task)


def expected_scores(problem, fitted, way):
    X, K = features(problem), len(fitted.classes_)
    if way in COLUMNS:
        return X @ fitted.coef_.T + fitted.intercept_
    T, d = len(fitted.tasks_), X.shape[1]
    coef = fitted.coef_.reshape(T, -1, d)[row_tasks(problem, fitted)]
    intercept = fitted.intercept_.reshape(T, -1)[row_tasks(problem, fitted)]
    f = np.einsum("ij,ikj->ik", X, coef) + intercept
    return f if K > 2 else f[:, 0]


@every_way
@every_family
def test_answers_follow_from_the_coefficients(Estimator, own, way):
    problem = make_classes(1, way)
    fitted = problem.fit(Estimator, **own)
    assert fitted.classes_.tolist() == list(CLASS_WAYS[way])
    f = expected_scores(problem, fitted, way)
    np.testing.assert_allclose(answers(problem, fitted, "decision_function"), f, atol=1e-12)
    if way in COLUMNS:
        p, best = expit(f), (f > 0).astype(int)
    elif f.ndim == 1:
        p, best = np.stack([expit(-f), expit(f)], axis=1), (f > 0).astype(int)
    else:
        p = expit(f) / expit(f).sum(axis=1, keepdims=True)
        best = f.argmax(axis=1)
    np.testing.assert_allclose(answers(problem, fitted, "predict_proba"), p, rtol=1e-10)
    np.testing.assert_allclose(answers(problem, fitted, "predict_log_proba"), np.log(p), rtol=1e-8)
    assert (answers(problem, fitted, "predict") == fitted.classes_[best]).all()


@every_way
def test_score_is_the_accuracy_on_observed_labels(way):
    problem = make_classes(2, way)
    fitted = problem.fit(MeanRegularizedClassifier)
    predicted = answers(problem, fitted, "predict")
    task = {"task": problem.extra["task"]} if "task" in problem.extra else {}
    found = fitted.score(problem.X, problem.y, **task)
    if way not in COLUMNS:
        assert found == accuracy_score(problem.y.tolist(), predicted.tolist())
        return
    by_column = []
    for truth, guess in zip(problem.y.T, predicted.T, strict=True):
        pairs = [(a, b) for a, b in zip(truth, guess, strict=True) if a is not None and a == a]
        by_column.append(np.mean([a == b for a, b in pairs]))
    assert found == pytest.approx(np.mean(by_column))


@pytest.mark.parametrize("way", ["two by task", "three by task"])
@every_family
def test_a_task_not_seen_is_answered_by_the_shared_model(Estimator, own, way):
    problem = make_classes(3, way)
    fitted = problem.fit(Estimator, **own)
    K = len(fitted.classes_)
    if hasattr(fitted, "mean_coef_"):
        coef, intercept = fitted.mean_coef_, fitted.mean_intercept_
        assert np.shape(coef) == ((5,) if K == 2 else (K, 5))
        assert np.shape(intercept) == (() if K == 2 else (K,))
    else:
        coef, intercept = fitted.coef_.mean(axis=0), fitted.intercept_.mean(axis=0)
    strangers, X, Z = {}, problem.X, features(problem)
    if K == 2:
        strangers = {"task": ["nowhere"] * len(Z)}
    else:
        X = problem.X.assign(school=999)
    with pytest.warns(UnseenTaskWarning):
        found = fitted.decision_function(X, **strangers)
    np.testing.assert_allclose(found, Z @ coef.T + intercept, atol=1e-12)


@pytest.mark.parametrize("way", ["two", "three"])
def test_one_target_without_tasks_has_the_shapes_of_logistic_regression(way):
    fitted = make_classes(4, way).fit(GroupLassoClassifier)
    K = 1 if way == "two" else 3
    assert fitted.coef_.shape == (K, 5)
    assert fitted.intercept_.shape == (K,)


def test_bad_labels_are_refused():
    X, Model = np.random.default_rng(0).normal(size=(6, 2)), MeanRegularizedClassifier
    with pytest.raises(ValueError, match="one class"):
        Model().fit(X, ["a"] * 6)
    with pytest.raises(ValueError, match="two labels in all"):
        Model().fit(X, np.array([[0, 1], [1, 2], [0, 1], [1, 1], [0, 0], [2, 1]]))
    with pytest.raises(ValueError, match="continuous"):
        Model().fit(X, np.linspace(0.1, 0.7, 6))
    with pytest.raises(ValueError, match="class_weight"):
        Model(class_weight="even").fit(X, [0, 1] * 3)


def test_one_column_of_labels_is_one_target():
    problem = make_classes(5, "two")
    with pytest.warns(Warning, match="column-vector"):
        column = MeanRegularizedClassifier().fit(problem.X, problem.y[:, None])
    plain = problem.fit(MeanRegularizedClassifier)
    np.testing.assert_array_equal(column.coef_, plain.coef_)


def test_a_task_of_one_class_counts_as_soft_labels():
    """q for the class seen, 1 - q for the other: two rows of these weights say the same."""
    problem = make_classes(6, "number columns")
    X, Y = problem.X, problem.y.copy()
    seen = ~np.isnan(Y[:, 0])
    Y[seen, 0] = 1.0
    with pytest.warns(UserWarning, match="one class") as caught:
        fitted = GroupLassoClassifier(alpha=0.02).fit(X, Y)
    assert len(caught) == 1
    N = seen.sum()
    q = (N + 0.5) / (N + 1)
    other = np.full_like(Y, np.nan)
    other[seen, 0] = -1.0
    weight = np.ones((2 * len(Y), Y.shape[1]))
    weight[: len(Y), 0], weight[len(Y) :, 0] = q, 1 - q
    by_hand = GroupLassoClassifier(alpha=0.02)
    by_hand.fit(np.vstack([X, X]), np.vstack([Y, other]), sample_weight=weight)
    np.testing.assert_allclose(fitted.coef_, by_hand.coef_, atol=1e-7)
    np.testing.assert_allclose(fitted.intercept_, by_hand.intercept_, atol=1e-6)


def test_pooled_intercepts_need_no_soft_labels():
    problem = make_classes(7, "two by task", one_class=True)
    fitted = MeanRegularizedClassifier(alpha_intercept=0.1)
    fitted.fit(problem.X, problem.y, **problem.extra)  # a warning would be an error
    assert np.isfinite(fitted.intercept_).all()


# Paths and cross-validation.


@pytest.mark.parametrize("way", ["number columns", "two by task", "three by task", "three"])
@every_family
def test_each_point_of_a_path_is_the_fit_at_its_alpha(Estimator, own, way):
    problem = make_classes(8, way, weights="rows")
    common = {**own, **problem.init, "tol": 1e-10}
    path = Estimator(**common).path(problem.X, problem.y, alphas=[0.01, 0.1], **problem.extra)
    np.testing.assert_allclose(path.alphas, [0.1, 0.01])
    K, T = len(CLASS_WAYS[way]), 1 if way == "three" else 4
    assert path.coefs.shape == ((T, 5, 2) if K == 2 else (T, K, 5, 2))
    assert path.intercepts.shape == ((T, 2) if K == 2 else (T, K, 2))
    for k, alpha in enumerate(path.alphas):
        fitted = problem.fit(Estimator, **own, alpha=alpha, tol=1e-10)
        coef, intercept = path.coefs[..., k], path.intercepts[..., k]
        np.testing.assert_allclose(coef.reshape(fitted.coef_.shape), fitted.coef_, atol=1e-4)
        np.testing.assert_allclose(
            intercept.reshape(fitted.intercept_.shape), fitted.intercept_, atol=1e-4
        )
        if hasattr(fitted, "mean_coef_"):
            means = path.mean_coefs[..., k]
            assert path.mean_coefs.shape == ((5, 2) if K == 2 else (K, 5, 2))
            np.testing.assert_allclose(means, fitted.mean_coef_.reshape(means.shape), atol=1e-4)


def cut(problem, rows):
    X = problem.X.iloc[rows] if hasattr(problem.X, "iloc") else problem.X[rows]
    extra = {name: np.asarray(value)[rows] for name, value in problem.extra.items()}
    return X, problem.y[rows], extra


def mean_log_loss(fitted, X, y, extra):
    """Over the observed labels, weighted, by scikit-learn or by the definition."""
    weight = extra.pop("sample_weight", np.ones(len(y)))
    p = fitted.predict_proba(X, **extra)
    if p.ndim == 2 and p.shape[1] == len(fitted.classes_) and y.ndim == 1:
        return log_loss(y.tolist(), p, labels=fitted.classes_.tolist(), sample_weight=weight)
    seen = ~np.isnan(y)
    cost = -np.log(np.where(y == fitted.classes_[1], p, 1 - p))
    weight = np.broadcast_to(weight[:, None], y.shape)
    return np.average(cost[seen], weights=weight[seen])


@pytest.mark.parametrize("way", ["number columns", "two by task", "three by task", "three"])
@every_pair
def test_scores_are_minus_the_log_loss_of_refits_by_hand(CV, Estimator, own, way):
    problem = make_classes(9, way, weights="rows", rows=(14, 30))
    rows, alphas = np.random.default_rng(0).permutation(len(problem.X)), [0.1, 0.02]
    folds = [(np.sort(np.setdiff1d(rows, part)), np.sort(part)) for part in np.array_split(rows, 3)]
    common = {**own, "alpha_intercept": 0.3, "tol": 1e-9}
    cv = problem.fit(CV, alphas=alphas, cv=folds, **common)
    assert cv.scores_.shape == (2, 3)
    assert not hasattr(cv, "mse_path_")
    assert cv.alpha_ == alphas[int(np.argmax(cv.scores_.mean(axis=1)))]
    for f, (train, test) in enumerate(folds):
        X, y, extra = cut(problem, train)
        for k, alpha in enumerate(alphas):
            fitted = Estimator(alpha, **problem.init, **common).fit(X, y, **extra)
            assert len(fitted.classes_) == len(cv.classes_)
            expected = -mean_log_loss(fitted, *cut(problem, test))
            assert cv.scores_[k, f] == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("way", ["number columns", "two by task", "three by task"])
@pytest.mark.parametrize("scoring", ["accuracy", "neg_log_loss", "roc_auc_ovr"])
def test_a_scorer_sees_labels_and_probabilities(way, scoring):
    problem = make_classes(10, way, rows=(14, 30))
    n = len(problem.X)
    folds = [(np.arange(n // 2), np.arange(n // 2, n))]
    cv = MeanRegularizedClassifierCV([0.1], cv=folds, scoring=scoring, tol=1e-12, **problem.init)
    cv.fit(problem.X, problem.y, **problem.extra)
    X, y, extra = cut(problem, folds[0][0])
    common = {"alpha_intercept": cv.alpha_intercept_, "tol": 1e-12, **problem.init}
    fitted = MeanRegularizedClassifier(0.1, **common).fit(X, y, **extra)
    X, y, extra = cut(problem, folds[0][1])
    f, p = fitted.decision_function(X, **extra), fitted.predict_proba(X, **extra)
    columns = [(f, p, y)]
    if way in COLUMNS:
        columns = [
            (f[seen, k], np.stack([1 - p[seen, k], p[seen, k]], axis=1), y[seen, k])
            for k, seen in enumerate(~np.isnan(y).T)
        ]
    found = []
    for f, p, truth in columns:
        if scoring == "accuracy":
            best = (f > 0).astype(int) if f.ndim == 1 else f.argmax(axis=1)
            found.append(np.mean(truth == fitted.classes_[best]))
        elif scoring == "neg_log_loss":
            at = [fitted.classes_.tolist().index(label) for label in truth]
            found.append(np.mean(np.log(p[np.arange(len(at)), at])))
        else:
            found.append(
                np.mean([_auc(truth == c, p[:, k]) for k, c in enumerate(fitted.classes_)])
            )
    assert cv.scores_[0, 0] == pytest.approx(np.mean(found), rel=1e-6)


def _auc(positive, score):
    """The probability that a positive scores above a negative."""
    above = score[positive][:, None] - score[~positive][None, :]
    return np.mean((above > 0) + 0.5 * (above == 0))


@pytest.mark.parametrize("way", ["two by task", "three by task"])
def test_folds_spread_every_class_of_every_task(way):
    problem = make_classes(11, way, rows=(10, 40))
    codes = np.unique(
        problem.extra.get("task", getattr(problem.X, "school", None)), return_inverse=True
    )[1]
    X = features(problem)
    data, _ = encode(TaskData(X, np.asarray(problem.y), None, codes, np.arange(4), "labels"))
    folds = make_folds(5, data, X, problem.y, classes=True)
    held = np.empty(len(X), dtype=int)
    for k, (train, test) in enumerate(folds):
        assert set(train) | set(test) == set(range(len(X)))
        held[test] = k
    for t in range(4):
        for label in CLASS_WAYS[way]:
            counts = np.bincount(held[(codes == t) & (problem.y == label)], minlength=5)
            assert np.ptp(counts) <= 1
        assert np.ptp(np.bincount(held[codes == t], minlength=5)) <= 1


@pytest.mark.parametrize("alpha_intercept", ["auto", 0.0, np.inf])
@pytest.mark.parametrize("way", ["number columns", "two by task", "three by task", "three"])
def test_a_class_missing_from_a_training_part_is_given_next_to_no_probability(way, alpha_intercept):
    problem = make_classes(12, way, rows=(14, 30))
    last = CLASS_WAYS[way][-1]
    has = problem.y == last
    has = has.any(axis=1) if has.ndim == 2 else has
    folds = [(np.flatnonzero(~has), np.flatnonzero(has))]
    cv = problem.fit(
        MeanRegularizedClassifierCV, alphas=[0.1], cv=folds, alpha_intercept=alpha_intercept
    )
    assert np.isfinite(cv.scores_).all()
    assert cv.scores_[0, 0] < np.log(0.5)


def test_scikit_learn_splitters_see_the_labels():
    problem = make_classes(13, "two by task", rows=(14, 30))
    cv = problem.fit(MeanRegularizedClassifierCV, alphas=[0.1], cv=StratifiedKFold(3))
    folds = list(StratifiedKFold(3).split(problem.X, problem.y.tolist()))
    again = problem.fit(MeanRegularizedClassifierCV, alphas=[0.1], cv=folds)
    np.testing.assert_array_equal(cv.scores_, again.scores_)


@pytest.mark.parametrize("way", ["number columns", "two by task", "three"])
@every_pair
def test_sparse_features_change_nothing(CV, Estimator, own, way):
    problem = make_classes(14, way, zeros=0.7)
    thin = problem.as_sparse(sparse.csc_array)
    common = {**own, "tol": 1e-9, "alphas": [0.1, 0.02], "cv": 2}
    dense, found = problem.fit(CV, **common), thin.fit(CV, **common)
    np.testing.assert_allclose(found.scores_, dense.scores_, rtol=1e-4)
    np.testing.assert_allclose(found.coef_, dense.coef_, atol=1e-6)
    np.testing.assert_allclose(
        answers(thin, dense, "decision_function"),
        answers(problem, dense, "decision_function"),
        atol=1e-12,
    )
