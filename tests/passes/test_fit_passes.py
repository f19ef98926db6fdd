"""A classifier fitted by passes over chunks is the one fitted to all rows."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

from mtlearn import GroupLassoClassifier, MeanRegularizedClassifier, TraceNormClassifier
from mtlearn.exceptions import MissingTargetWarning
from mtlearn.passes import HeldChunks, fit_passes
from mtlearn.selection.likelihood import logistic_strengths

from ..checks import STRICT as WITHOUT_WARNINGS
from ..generators import make_classes
from ..reference import null_primal, objective, solve_cvxpy
from .drawn import MODELS, STRICT, assert_same, cut, rows

pytestmark = WITHOUT_WARNINGS


def both(model, chunks, X, y, **options):
    """A model fitted in both ways, each with the first words of what it warned of."""
    found = []
    for fit in (
        lambda one: fit_passes(one, HeldChunks(chunks)),
        lambda one: one.fit(X, y, **options),
    ):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            fitted = fit(clone(model))
        found.append((fitted, [str(one.message)[:80] for one in caught]))
    (ours, said), (theirs, expected) = found
    assert said == expected
    return ours, theirs


@pytest.mark.parametrize("name", MODELS)
def test_labelled_rows(name):
    X, score, task = rows()
    y = np.where(score > 0, "yes", "no")
    found, expected = both(MODELS[name], cut(X, y, task), X, y, task=task)
    assert_same(found, expected)
    strange = np.append(task[:-1], "nobody")
    found.set_params(unseen_task="mean"), expected.set_params(unseen_task="mean")
    np.testing.assert_allclose(
        found.predict_proba(X, task=strange),
        expected.predict_proba(X, task=strange),
        rtol=1e-6,
        atol=1e-6,
    )


@pytest.mark.parametrize(
    "classes, weights",
    [("balanced", "relative"), ({"yes": 3.0}, "repetitions"), (None, "zero for some")],
)
def test_weights(classes, weights):
    X, score, task = rows()
    y, s = np.where(score > 0, "yes", "no"), np.random.default_rng(3).uniform(0.5, 2.0, len(X))
    s = np.round(2 * s) if weights == "repetitions" else s
    s[:: 5 if weights == "zero for some" else len(s)] = 0.0
    model = MeanRegularizedClassifier(0.3, class_weight=classes, **STRICT)
    found, expected = both(model, cut(X, y, task, s), X, y, task=task, sample_weight=s)
    assert_same(found, expected)


@pytest.mark.parametrize(
    "model",
    [
        MeanRegularizedClassifier(0.3, alpha_intercept=0, class_weight="balanced", **STRICT),
        MeanRegularizedClassifier(0.3, **STRICT),
        GroupLassoClassifier(0.02, **STRICT),
        TraceNormClassifier(0.03, alpha_intercept=np.inf, shared_mean=True, **STRICT),
    ],
    ids=lambda model: type(model).__name__,
)
def test_more_than_two_classes(model):
    X, score, task = rows()
    y = np.digitize(score, [-1.0, 1.5])
    assert_same(*both(model, cut(X, y, task), X, y, task=task))


@pytest.mark.parametrize(
    "name, weights, holes",
    [
        ("mean", None, False),
        ("mean, levels pulled", "rows", True),
        ("group lasso", "labels", True),
        ("dirty", "labels", False),
    ],
)
def test_several_targets(name, weights, holes):
    X, score, _ = rows(n=210)
    rng = np.random.default_rng(4)
    Y = (score[:, None] * [1.0, 0.5, -1.0] + rng.logistic(size=(len(X), 3)) > 0).astype(float)
    if holes:
        Y[rng.random(Y.shape) < 0.4] = np.nan
        Y[:110, 1] = np.nan  # no label in a chunk
    s = None
    if weights is not None:
        s = rng.uniform(0.5, 2.0, len(X) if weights == "rows" else Y.shape)
    chunks = cut(X, Y, None, s) if s is not None else cut(X, Y)
    assert_same(*both(MODELS[name], chunks, X, Y, sample_weight=s))


def test_targets_of_a_task_that_saw_one_class_are_soft():
    X, score, task = rows()
    y = np.where((score > 0) | (task == "c"), 1, 0)
    model = MeanRegularizedClassifier(0.3, alpha_intercept=0, **STRICT)
    found, expected = both(model, cut(X, y, task), X, y, task=task)
    assert_same(found, expected)
    assert np.isfinite(found.intercept_).all()
    assert_same(*both(model.set_params(alpha_intercept=0.1), cut(X, y, task), X, y, task=task))


def test_one_target_without_tasks():
    X, score, _ = rows()
    model = MeanRegularizedClassifier(0.3, **STRICT)
    assert_same(*both(model, cut(X, score > 0), X, score > 0))


def test_frames_whose_columns_are_in_another_order():
    X, score, task = rows()
    table, y = pd.DataFrame(X, columns=list("uvwz")), score > 0
    table.insert(1, "who", task)
    chunks = cut(table, y)
    chunks[1] = chunks[1][0][["z", "w", "who", "u", "v"]], chunks[1][1]
    weight = {"u": 0, "w": 2}
    model = GroupLassoClassifier(0.03, task_column="who", feature_weight=weight, **STRICT)
    assert_same(*both(model, chunks, table, y))


@pytest.mark.parametrize("how", ["one", "empty ones", "in order"])
def test_however_rows_are_cut(how):
    X, score, task = rows()
    y = score > 0
    if how == "in order":  # a task or two in a chunk, and perhaps one class
        order = np.lexsort([y, task])
        X, y, task = X[order], y[order], task[order]
    chunks = cut(X, y, task, size=len(X) if how == "one" else 60)
    if how == "empty ones":
        chunks.insert(2, (X[:0], y[:0], task[:0]))
        chunks.append((X[:3], np.full(3, None), task[:3]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # rows without a label
        found = fit_passes(clone(MODELS["mean"]), HeldChunks(lambda: iter(chunks)))
    assert_same(found, clone(MODELS["mean"]).fit(X, y, task=task))


@pytest.mark.parametrize("name", ["mean", "trace norm"])
def test_columns_of_any_scale_and_far_from_zero(name):
    X, score, task = rows()
    X = X * [1e-3, 1.0, 1e3, 1.0] + [0.0, 0.0, 0.0, 1e6]
    y, model = score > 0, clone(MODELS[name]).set_params(tol=1e-10)
    found, expected = both(model, cut(X, y, task), X, y, task=task)
    size = X.std(axis=0)
    np.testing.assert_allclose(found.coef_ * size, expected.coef_ * size, atol=5e-6)
    levels = [one.intercept_ + one.coef_ @ one.center_ for one in (found, expected)]
    np.testing.assert_allclose(*levels, atol=5e-6)


@pytest.mark.parametrize("name", ["mean, levels pulled", "mean, free levels, by task", "linf"])
def test_a_step_is_two_passes_at_most(name):
    X, score, task = rows()
    chunks = HeldChunks(cut(X, score > 0, task))
    model = fit_passes(clone(MODELS[name]), chunks)
    # what is in it, W = 0, its certificate; and free intercepts of the shared model
    once = 3 if model.alpha_intercept_ > 0 or name == "linf" else 8
    assert chunks.n_passes <= 2 * model.n_iter_ + once


def test_what_is_sent_is_small_and_can_be_pickled():
    X, score, task = rows()
    held, sent = HeldChunks(cut(X, score > 0, task)), []

    class Sending:
        def map(self, function, *args, each=None):
            sent.append(pickle.dumps((function, args, each)))
            function, args, each = pickle.loads(sent[-1])
            found = held.map(function, *args, each=each)
            return [pickle.loads(pickle.dumps(one)) for one in found]

    found = fit_passes(clone(MODELS["mean"]), Sending())
    assert_same(found, clone(MODELS["mean"]).fit(X, score > 0, task=task))
    assert max(map(len, sent)) < X.nbytes


WAYS = {
    "some rows of all tasks": (20, {}),
    "some rows of some tasks": (2, {"TASKS": 4, "ROWS_EACH": 2}),
}


@pytest.mark.parametrize("limits", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("kind", ["two classes", "three", "weights", "columns"])
def test_strengths_are_those_of_the_rows_that_fit_looks_at(monkeypatch, kind, limits):
    """However rows are cut, equal rows among them, and whatever chunks lack some of the tasks."""
    products, others = limits
    monkeypatch.setattr(logistic_strengths, "PRODUCTS", products * 1000)
    for name, value in others.items():
        monkeypatch.setattr(logistic_strengths, name, value)
    X, score, task = rows(n=3000)
    X = np.where(np.arange(4) < 2, X, X > 0)
    y, weight = score > 0, None
    if kind == "three":
        y = np.digitize(score, [-1.0, 1.0])
    if kind == "weights":
        weight = np.random.default_rng(1).integers(4, size=len(y)).astype(float)
    if kind == "columns":
        task = None
        y = np.column_stack([score > level for level in (-2, -1, 0, 1, 2, 3)]).astype(float)
        y[np.random.default_rng(1).random(y.shape) < [0.9, 0.2, 0.8, 0.0, 0.5, 0.3]] = np.nan
    given = {"task": task, "sample_weight": weight}
    model = MeanRegularizedClassifier("auto", **STRICT)
    expected = clone(model).fit(X, y, **given)
    picked = logistic_strengths.looked_at(expected.task_counts_, 5)[1]
    assert 0 < len(picked) < 0.6 * expected.task_counts_.sum()
    for size in (700, 60):
        found = fit_passes(clone(model), HeldChunks(cut(X, y, task, weight, size=size)))
        np.testing.assert_allclose(found.alpha_, expected.alpha_, rtol=1e-9)
        np.testing.assert_allclose(found.alpha_intercept_, expected.alpha_intercept_, rtol=1e-9)
        assert_same(found, expected)


def test_a_start_from_the_last_fit_takes_fewer_steps():
    X, score, task = rows()
    model = MeanRegularizedClassifier(0.3, warm_start=True)
    first = fit_passes(model, HeldChunks(cut(X, score > 0, task))).n_iter_
    assert fit_passes(model, HeldChunks(cut(X, score > 0, task))).n_iter_ < first


def test_a_fit_that_stops_early_says_so():
    X, score, task = rows()
    with pytest.warns(ConvergenceWarning, match="stopped at dual_gap_"):
        model = fit_passes(
            MeanRegularizedClassifier(0.3, max_iter=2), HeldChunks(cut(X, score > 0, task))
        )
    assert model.n_iter_ == 2
    assert model.dual_gap_ > model.tol


def test_next_to_no_penalty():
    X, score, task = rows()
    task = np.where(task < "d", "a", "b")
    for model in (MeanRegularizedClassifier(0.0, **STRICT), GroupLassoClassifier(0.0, **STRICT)):
        model.set_params(alpha_intercept=0)
        assert_same(*both(model, cut(X, score > 0, task), X, score > 0, task=task))


@pytest.mark.parametrize("limit", [{"max_iter": 1}, {"tol": 1e-3}, {"tol": 1e-10}], ids=str)
@pytest.mark.parametrize(
    "way, model",
    [
        ("two by task", MeanRegularizedClassifier(0.1, alpha_intercept=0.0)),
        ("number columns", GroupLassoClassifier(0.05, shared_mean=True)),
        ("three by task", MeanRegularizedClassifier(0.1, alpha_intercept=0.3)),
    ],
)
def test_the_certificate_bounds_how_far_cvxpy_is_below(way, model, limit):
    problem = make_classes(1, way, weights="rows")
    parts = problem.X, problem.y, problem.extra.get("task"), problem.extra["sample_weight"]
    model = clone(model).set_params(**limit, **problem.init)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        fitted = fit_passes(model, HeldChunks(cut(*parts, size=15)))
    entries, asked = problem.entries, problem.model(fitted)
    best, _ = solve_cvxpy(entries, asked)
    away = objective(entries, asked, problem.point(fitted)) - best
    null = null_primal(entries, asked)
    assert -1e-8 * null <= away <= fitted.dual_gap_ * null + 1e-9 * null
    assert fitted.dual_gap_ <= limit.get("tol", np.inf)


def test_a_failed_fit_leaves_what_was_fitted():
    X, score, task = rows()
    model = MeanRegularizedClassifier(0.3).fit(X, score > 0, task=task)
    before = model.coef_
    with pytest.raises(ValueError, match="chunk 1"):
        fit_passes(model, HeldChunks([(X, score > 0, task), (X[:, :2], score > 0, task)]))
    assert model.coef_ is before


def test_chunks_are_there_for_every_pass():
    rows = [(np.eye(2), [0, 1], ["a", "b"])] * 3
    with pytest.raises(TypeError, match="used up after one pass"):
        HeldChunks(iter(rows))
    once = iter(rows)
    with pytest.raises(ValueError, match="a pass had 0 chunks, and the first 3"):
        fit_passes(MeanRegularizedClassifier(0.1), HeldChunks(lambda: once))


def test_rows_of_chunks_without_any_label_are_counted():
    X, score, task = rows()
    y = np.where(score > 0, "yes", "no").astype(object)
    chunks = cut(X, y, task)
    for chunk, n in ((chunks[0], len(chunks[0][1])), (chunks[-1], 3)):
        chunk[1][:n] = None
    missing = sum(label is None for _, own, _ in chunks for label in own)
    with pytest.warns(MissingTargetWarning, match=f"^{missing} rows have no target"):
        found = fit_passes(MeanRegularizedClassifier(**STRICT), HeldChunks(chunks))
    known = [np.concatenate(part) for part in zip(*chunks, strict=True)]
    keep = np.array([label is not None for label in known[1]])
    X, y, task = (part[keep] for part in known)
    assert_same(found, MeanRegularizedClassifier(**STRICT).fit(X, y, task=task))
