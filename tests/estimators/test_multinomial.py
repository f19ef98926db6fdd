"""loss="multinomial": certified, cvxpy's, scikit-learn's where alike, and what it means."""

import pickle

import numpy as np
import pytest
from scipy.special import log_softmax
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

from mtlearn import (
    ClusteredTasksClassifier,
    DirtyClassifier,
    GraphTasksClassifier,
    GroupLassoClassifier,
    GroupLassoClassifierCV,
    MeanRegularizedClassifier,
    MeanRegularizedClassifierCV,
    RandomSlopesClassifier,
    RobustTasksClassifier,
    TaskRelationshipsClassifier,
    TraceNormClassifier,
)
from mtlearn.inspection import transfer_gain

from ..checks import STRICT, expected
from ..generators import make_classes
from ..reference import objective, solve_cvxpy

pytestmark = STRICT
JOINT = {"loss": "multinomial"}
FAMILIES = [
    MeanRegularizedClassifier,
    GroupLassoClassifier,
    TraceNormClassifier,
    DirtyClassifier,
    RobustTasksClassifier,
    ClusteredTasksClassifier,
    TaskRelationshipsClassifier,
]
OWN = {
    ClusteredTasksClassifier: {"n_clusters": 2},
    GroupLassoClassifier: {"shared_mean": True},
}
INTERCEPTS = [
    {"alpha_intercept": 0.3},
    {"alpha_intercept": np.inf},
    {"fit_intercept": False},
    {"alpha_intercept": 0.0},
]


def table(n=300, T=5, d=4, K=3, seed=0):
    """Rows of tasks whose labels are drawn from a softmax model of each."""
    rng = np.random.default_rng(seed)
    X, task = rng.normal(size=(n, d)), rng.integers(T, size=n)
    W = rng.normal(size=(d, K)) + 0.5 * rng.normal(size=(T, d, K))
    F = np.einsum("ij,ijk->ik", X, W[task]) + 0.5 * rng.normal(size=(T, K))[task]
    return X, np.array(["a", "b", "c", "d"])[(F + rng.gumbel(size=F.shape)).argmax(1)], task


@pytest.mark.parametrize("intercept", range(4))
@pytest.mark.parametrize("family", FAMILIES)
def test_the_fit_is_certified_and_cvxpys(family, intercept):
    seed = 4 * FAMILIES.index(family) + intercept
    problem = make_classes(seed, "three by task", weights="rows", d=3, rows=(5, 14))
    asked = INTERCEPTS[intercept] | OWN.get(family, {}) | JOINT
    fitted = problem.fit(family, alpha=0.05, tol=1e-9, **asked)
    assert fitted.dual_gap_ <= 1e-9
    model = problem.model(fitted)
    ours = objective(problem.entries, model, problem.point(fitted))
    theirs, _ = solve_cvxpy(problem.entries, model)
    assert ours <= theirs * (1 + 1e-9)
    assert theirs <= ours * (1 + 1e-6)


def test_a_class_without_a_row_in_a_task_gets_half_a_row():
    problem = make_classes(1, "three by task", one_class=True, d=3, rows=(5, 14))
    with expected("2 classes of a task had no row there"):
        fitted = problem.fit(MeanRegularizedClassifier, alpha_intercept=0.0, tol=1e-9, **JOINT)
    model = problem.model(fitted)
    ours = objective(problem.entries, model, problem.point(fitted))
    theirs, _ = solve_cvxpy(problem.entries, model)
    assert ours == pytest.approx(theirs, rel=1e-6)
    # without features the shares are the probabilities
    X, y, task = np.zeros((5, 1)), ["a", "a", "b", "c", "a"], [0, 0, 1, 1, 1]
    alone = MeanRegularizedClassifier(alpha_intercept=0.0, **JOINT)
    with expected("2 classes of a task"):
        alone.fit(X, y, task=task)
    share = 0.5 / (2 + 1.5)
    np.testing.assert_allclose(
        alone.predict_proba(X[:1], task=[0])[0], [1 - 2 * share, share, share]
    )


@pytest.mark.parametrize("weights", [None, "whole"])
def test_one_task_is_scikit_learns(weights):
    X, y = load_iris(return_X_y=True)
    s = None if weights is None else np.random.default_rng(0).integers(1, 4, len(y))
    N, alpha = len(y) if s is None else s.sum(), 0.05
    theirs = LogisticRegression(C=1 / (N * alpha), tol=1e-9, max_iter=10_000)
    theirs.fit(X, y, sample_weight=s)
    squared = {"alpha": alpha, "alpha_mean": np.inf}
    for strengths in (squared, {"alpha": np.inf, "alpha_mean": alpha}):
        ours = MeanRegularizedClassifier(**strengths, **JOINT).fit(X, y, sample_weight=s)
        assert ours.coef_.shape == theirs.coef_.shape
        np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=3e-6)
        np.testing.assert_allclose(ours.intercept_, theirs.intercept_, atol=1e-5)
        np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=2e-6)
        np.testing.assert_array_equal(ours.predict(X), theirs.predict(X))


def test_pooled_tasks_are_scikit_learns():
    X, y, task = table()
    alike = {"alpha": np.inf, "alpha_intercept": np.inf, "alpha_mean": 0.01}
    ours = MeanRegularizedClassifier(**alike, **JOINT).fit(X, y, task=task)
    theirs = LogisticRegression(C=1 / (len(y) * 0.01), tol=1e-9, max_iter=10_000).fit(X, y)
    np.testing.assert_allclose(ours.mean_coef_, theirs.coef_, atol=1e-5)
    np.testing.assert_allclose(ours.intercept_, np.tile(theirs.intercept_, (5, 1)), atol=1e-5)


def test_independent_tasks_are_scikit_learns():
    X, y, task = table()
    apart = {"alpha": 0.02, "alpha_intercept": 0.0, "alpha_mean": np.inf}
    ours = MeanRegularizedClassifier(**apart, **JOINT).fit(X, y, task=task)
    for t in range(5):
        own = task == t  # the data count (T/N) times
        theirs = LogisticRegression(C=5 / (len(y) * 0.02), tol=1e-9, max_iter=10_000)
        theirs.fit(X[own], y[own])
        np.testing.assert_allclose(ours.coef_[t], theirs.coef_, atol=1e-4)
        np.testing.assert_allclose(ours.intercept_[t], theirs.intercept_, atol=1e-4)


def test_two_classes_are_logistic():
    X, y, task = table()
    two = y != "c"
    given = X[two], y[two], None, task[two]
    ours, plain = MeanRegularizedClassifier(**JOINT).fit(*given), MeanRegularizedClassifier()
    np.testing.assert_array_equal(ours.coef_, plain.fit(*given).coef_)
    np.testing.assert_array_equal(
        ours.predict_proba(X, task=task), plain.predict_proba(X, task=task)
    )


def test_probabilities_are_the_softmax_of_the_scores_of_the_loss_that_was_fitted():
    X, y, task = table()
    model = GroupLassoClassifier(0.01, shared_mean=True, unseen_task="mean", **JOINT)
    model.fit(X, y, task=task)
    new = np.where(task == 0, 9, task)  # one task not seen
    F = model.decision_function(X, task=new)
    np.testing.assert_allclose(model.predict_log_proba(X, task=new), log_softmax(F, axis=1))
    np.testing.assert_allclose(model.predict_proba(X, task=new).sum(axis=1), 1.0)
    assert (model.predict(X, task=new) == model.classes_[F.argmax(axis=1)]).all()
    again = pickle.loads(pickle.dumps(model)).set_params(loss="logistic")
    np.testing.assert_array_equal(
        again.predict_proba(X, task=new), model.predict_proba(X, task=new)
    )


@pytest.mark.parametrize("way", ["free", "pooled", "free w_0"])
def test_what_is_free_adds_up_to_zero_over_the_classes(way):
    X, y, task = table()
    strengths = {"alpha_intercept": 0.0 if way == "free" else 0.3}
    strengths["alpha_mean"] = 0.0 if way == "free w_0" else 1e-3
    for family in (MeanRegularizedClassifier, DirtyClassifier):
        mean = {} if family is MeanRegularizedClassifier else {"shared_mean": True}
        model = family(0.02, **mean, **strengths, **JOINT).fit(X, y, task=task)
        np.testing.assert_allclose(model.mean_coef_.sum(axis=0), 0.0, atol=1e-12)
        if way == "free":
            np.testing.assert_allclose(model.intercept_.sum(axis=1), 0.0, atol=1e-12)
        if family is MeanRegularizedClassifier:
            np.testing.assert_allclose(model.coef_.sum(axis=1), 0.0, atol=1e-12)


def test_weights_repeat_rows():
    X, y, task = table(n=120)
    s = np.random.default_rng(1).integers(0, 4, 120)
    rows = np.repeat(np.arange(120), s)
    asked = {"class_weight": {"a": 2.0, "b": 1.0, "c": 0.5}, "alpha_intercept": 0.1, "tol": 1e-10}
    for family in (MeanRegularizedClassifier, TraceNormClassifier):
        one = family(0.02, **asked, **JOINT).fit(X, y, sample_weight=s, task=task)
        other = family(0.02, **asked, **JOINT).fit(X[rows], y[rows], task=task[rows])
        np.testing.assert_allclose(one.coef_, other.coef_, atol=1e-7)
        np.testing.assert_allclose(one.intercept_, other.intercept_, atol=1e-7)


def test_missing_labels_are_left_out():
    X, y, task = table()
    holes = np.where(np.arange(len(y)) % 7 == 0, None, y)
    known = np.arange(len(y)) % 7 != 0
    one = MeanRegularizedClassifier(**JOINT).fit(X, holes, task=task)
    other = MeanRegularizedClassifier(**JOINT).fit(X[known], y[known], task=task[known])
    np.testing.assert_array_equal(one.coef_, other.coef_)


def test_sparse_rows_and_single_precision_are_the_same():
    from scipy.sparse import csr_array

    X, y, task = table()
    X = np.where(np.abs(X) < 0.5, 0.0, X).astype(np.float32)
    fits = [
        GroupLassoClassifier(0.01, tol=1e-9, alpha_intercept=0.1, **JOINT).fit(rows, y, task=task)
        for rows in (X.astype(float), X, csr_array(X.astype(float)))
    ]
    for fit in fits[1:]:
        np.testing.assert_allclose(fit.coef_, fits[0].coef_, atol=1e-5)


def test_a_path_ends_where_there_are_no_deviations():
    X, y, task = table()
    model = GroupLassoClassifier(alpha_intercept=0.1, shared_mean=True, **JOINT)
    top = model.alpha_max(X, y, task=task)
    on, off = (
        GroupLassoClassifier(a * top, alpha_intercept=0.1, shared_mean=True, **JOINT)
        .fit(X, y, task=task)
        .support_.any()
        for a in (0.98, 1.001)
    )
    assert on and not off
    found = model.path(X, y, alphas=[top, 0.1 * top], task=task)
    alone = model.set_params(alpha=0.1 * top).fit(X, y, task=task)
    np.testing.assert_allclose(found.coefs[..., 1], alone.coef_, atol=2e-3)
    assert (found.dual_gaps <= 1e-6).all()


@pytest.mark.parametrize("family", [MeanRegularizedClassifierCV, GroupLassoClassifierCV])
def test_searches_score_the_log_loss_of_the_softmax(family):
    X, y, task = table()
    folds = [(np.arange(100, 300), np.arange(100)), (np.arange(200), np.arange(200, 300))]
    asked = {"alpha_intercept": 0.1, "tol": 1e-9, **JOINT}
    search = family(alphas=[0.1, 0.01], cv=folds, **asked).fit(X, y, task=task)
    plain = {
        MeanRegularizedClassifierCV: MeanRegularizedClassifier,
        GroupLassoClassifierCV: GroupLassoClassifier,
    }[family]
    for i, alpha in enumerate(search.alphas_):
        for k, (train, test) in enumerate(folds):
            model = plain(alpha, **asked).fit(X[train], y[train], task=task[train])
            chance = model.predict_proba(X[test], task=task[test])
            assert search.scores_[i, k] == pytest.approx(-log_loss(y[test], chance), rel=1e-4)
    named = family(alphas=[0.1, 0.01], cv=folds, scoring="neg_log_loss", **asked)
    np.testing.assert_allclose(named.fit(X, y, task=task).scores_, search.scores_, rtol=1e-6)


def test_the_strength_of_levels_is_that_of_scores_and_not_of_contrasts():
    rng = np.random.default_rng(0)
    T, K, n = 300, 4, 12_000
    task, level = np.arange(n) % T, rng.normal(scale=0.8, size=(T, K))
    X = rng.normal(size=(n, 1))
    y = (level[task] + rng.gumbel(size=(n, K))).argmax(axis=1)
    model = MeanRegularizedClassifier(1.0, **JOINT).fit(X, y, task=task)
    assert T / n / model.alpha_intercept_ == pytest.approx(0.8**2, rel=0.2)
    one = MeanRegularizedClassifier(1.0).fit(X, y, task=task).alpha_intercept_
    assert model.alpha_intercept_ == pytest.approx(one * K / (K - 1), rel=1e-6)
    # of the residuals of the pooled model, where slopes are not looked at
    alike = MeanRegularizedClassifier(1.0, feature_weight=[np.inf], **JOINT)
    found = alike.fit(X, y, task=task).alpha_intercept_
    assert found == pytest.approx(model.alpha_intercept_, rel=0.35)


def test_a_search_for_gains_goes_by_the_softmax():
    X, y, task = table(n=200, T=3)
    model = MeanRegularizedClassifier(alpha_intercept=0.1, **JOINT).fit(X, y, task=task)
    gains = transfer_gain(model, X, y, task=task, cv=2)
    assert len(gains) and np.isfinite(gains["gain"]).all()


def test_checks_of_scikit_learn():
    check_estimator(MeanRegularizedClassifier(**JOINT), on_fail="raise", on_skip=None)


def test_searches_pipelines_and_calibration_of_scikit_learn():
    X, y, task = table(n=150, T=3)
    X = np.column_stack([X, task])
    model = MeanRegularizedClassifier(0.05, task_column=-1, alpha_intercept=0.1)
    folds = [(np.arange(75), np.arange(75, 150)), (np.arange(75, 150), np.arange(75))]
    tried = {"loss": ["logistic", "multinomial"]}
    found = GridSearchCV(model, tried, scoring="neg_log_loss", cv=folds).fit(X, y)
    for loss, mean in zip(tried["loss"], found.cv_results_["mean_test_score"], strict=True):
        fits = [(clone(model).set_params(loss=loss).fit(X[a], y[a]), b) for a, b in folds]
        by_hand = np.mean([-log_loss(y[b], fit.predict_proba(X[b])) for fit, b in fits])
        assert mean == pytest.approx(by_hand)
    joint = clone(model).set_params(**JOINT)
    chances = cross_val_predict(joint, X, y, cv=folds[::-1], method="predict_proba")
    fit = clone(joint).fit(X[:75], y[:75])
    np.testing.assert_allclose(chances[75:], fit.predict_proba(X[75:]))
    calibrated = CalibratedClassifierCV(joint, cv=2).fit(X, y)
    np.testing.assert_allclose(calibrated.predict_proba(X).sum(axis=1), 1.0)
    scaled = ColumnTransformer([("scale", StandardScaler(), [0, 1, 2, 3])], remainder="passthrough")
    piped = make_pipeline(scaled, joint).fit(X, y)
    Z = np.column_stack([StandardScaler().fit_transform(X[:, :4]), task])
    np.testing.assert_allclose(piped.predict_proba(X), clone(joint).fit(Z, y).predict_proba(Z))


def test_a_graph_of_tasks():
    X, y, task = table(n=200, T=3)
    model = GraphTasksClassifier(0.05, graph=[(0, 1), (1, 2)], tol=1e-8, **JOINT)
    model.fit(X, y, task=task)
    assert model.dual_gap_ <= 1e-8
    far = GraphTasksClassifier(1e4, graph=[(0, 1), (1, 2)], alpha_intercept=np.inf, **JOINT)
    far.fit(X, y, task=task)
    theirs = LogisticRegression(C=np.inf, tol=1e-9, max_iter=10_000).fit(X, y)
    np.testing.assert_allclose(far.coef_, np.tile(theirs.coef_, (3, 1, 1)), atol=1e-2)


def test_random_slopes_have_no_such_loss():
    with pytest.raises(TypeError, match="loss"):
        RandomSlopesClassifier(**JOINT)
