"""A refit on weights and repeated columns is the fit of explicitly repeated rows and tasks."""

import numpy as np
import pytest

import mtlearn
from mtlearn.inspection.bootstraps import refit_on, whole_fit
from mtlearn.inspection.fitted import FittedTasks
from mtlearn.inspection.refits import refits_of
from mtlearn.inspection.resampling import draw

EXACT = {"tol": 1e-12, "max_iter": 100_000}
REGRESSORS = {
    "mean": ("MeanRegularized", {"alpha": 0.3}),
    "group": ("GroupLasso", {"alpha": 0.1}),
    "group with mean": ("GroupLasso", {"alpha": 0.1, "shared_mean": True}),
    "sparse group": ("GroupLasso", {"alpha": 0.1, "l1_ratio": 0.5}),
    "group linf": ("GroupLasso", {"alpha": 0.1, "norm": "linf"}),
    "trace": ("TraceNorm", {"alpha": 0.1}),
    "dirty": ("Dirty", {"alpha": 0.1, "specific_ratio": 0.8}),
    "weighted features": ("GroupLasso", {"alpha": 0.1, "feature_weight": [1.0, 0.0, 2.0]}),
    "weighted tasks": ("MeanRegularized", {"alpha": 0.3, "task_weight": [1.0, 2.0, 0.5, 1.0, 3.0]}),
    "balanced": ("MeanRegularized", {"alpha": 0.3, "task_weight": "balanced"}),
}
CLASSIFIERS = ("mean", "group", "group with mean", "trace", "dirty", "weighted tasks")
WAYS = ("labels", "columns", "holes")


def drawn(way, kind, n=80, n_classes=2, seed=0):
    """Rows of five tasks of unlike slopes and sizes."""
    rng = np.random.default_rng(seed)
    X, T = rng.standard_normal((n, 3)), 5
    W = np.array([1.0, -1.0, 0.0]) + rng.standard_normal((T, 3)) * [1.0, 0.5, 0.0]
    F = X @ W.T + rng.standard_normal((n, T))
    if kind == "Classifier":
        cuts = np.quantile(F, np.linspace(0, 1, n_classes + 1)[1:-1])
        F = np.digitize(F, cuts).astype(float)
    task = np.sort(rng.integers(T, size=n))
    task[:T] = np.arange(T)
    if way == "labels":
        return X, F[np.arange(n), task], {"task": task}
    if way == "holes":
        F[rng.random(F.shape) < 0.3] = np.nan
    return X, F, {}


def explicit(data, resample, X, y, more):
    """The same rows and tasks with every repetition written out."""
    if not more:
        times = resample.times if resample.rows is not None else np.ones(len(X), dtype=int)
        rows = np.repeat(np.arange(len(X)) if resample.rows is None else resample.rows, times)
        return X[rows], y[rows][:, resample.tasks], {}
    if resample.rows is None:
        of = [np.flatnonzero(data.codes == t) for t in resample.tasks]
    else:
        parts = zip(resample.starts[:-1], resample.starts[1:], strict=True)
        of = [np.repeat(resample.rows[a:b], resample.times[a:b]) for a, b in parts]
    rows, copy = np.concatenate(of), np.repeat(np.arange(len(of)), [len(rows) for rows in of])
    return X[rows], y[rows], {"task": copy}


def held(model, resample):
    """The same model at the strengths that were found, on the tasks of a resample."""
    alpha = getattr(model, "alpha_", getattr(model, "alpha", None))
    if not isinstance(model, mtlearn.MeanRegularizedRegressor | mtlearn.MeanRegularizedClassifier):
        alpha = alpha / np.sqrt(resample.share)
    given = {"alpha": alpha, "alpha_intercept": model.alpha_intercept_}
    if isinstance(model.task_weight, list):
        given["task_weight"] = np.array(model.task_weight)[resample.tasks]
    return type(model)(**{**model.get_params(), **given})


def compare(model, X, y, more, over, half, seed=3):
    model.fit(X, y, **more)
    refits = refits_of(FittedTasks.of(model), X, y, **more)
    resample = draw(refits.data, over, seed, half=half)
    refit = refit_on(refits, resample, whole_fit(refits))
    truth = held(model, resample).fit(*explicit_of(refits.data, resample, X, y, more))
    coef, intercept = refits.outward(refit, resample.tasks)
    np.testing.assert_allclose(coef.reshape(truth.coef_.shape), truth.coef_, atol=2e-6)
    np.testing.assert_allclose(
        intercept.reshape(truth.intercept_.shape), truth.intercept_, atol=2e-6
    )
    return refits


def explicit_of(data, resample, X, y, more):
    X, y, more = explicit(data, resample, X, y, more)
    return (X, y, None, more.get("task"))


@pytest.mark.parametrize(
    ("over", "half"), [("rows", False), ("tasks", False), ("both", False), ("both", True)]
)
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", REGRESSORS)
def test_regressors(name, way, over, half):
    family, own = REGRESSORS[name]
    model = getattr(mtlearn, family + "Regressor")(**own, **EXACT)
    refits = compare(model, *drawn(way, "Regressor"), over, half)
    assert refits.total is not None


@pytest.mark.filterwarnings("ignore:.*saw one class")
@pytest.mark.parametrize("over", ["tasks", "both"])
@pytest.mark.parametrize("way", ["labels", "holes"])
@pytest.mark.parametrize("name", CLASSIFIERS)
def test_classifiers(name, way, over):
    family, own = REGRESSORS[name]
    own = own | {"alpha": own["alpha"] / 10}
    model = getattr(mtlearn, family + "Classifier")(**own, **EXACT)
    compare(model, *drawn(way, "Classifier", n=160), over, half=False)


@pytest.mark.parametrize("over", ["rows", "both"])
def test_more_than_two_classes(over):
    model = mtlearn.GroupLassoClassifier(alpha=0.01, **EXACT)
    compare(model, *drawn("labels", "Classifier", n=300, n_classes=3), over, half=False)


def test_rows_where_moments_do_not_serve():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((30, 700))
    Y = X[:, :2] @ rng.standard_normal((2, 9)) + rng.standard_normal((30, 9))
    Y[0, 0] = np.nan
    model = mtlearn.GroupLassoRegressor(alpha=2.0, **EXACT)
    refits = compare(model, X, Y, {}, "both", half=False)
    assert refits.total is None


@pytest.mark.parametrize("over", ["rows", "tasks", "both"])
@pytest.mark.parametrize("covariance", ["common", "diagonal"])
@pytest.mark.parametrize("way", WAYS)
def test_random_slopes(way, covariance, over):
    X, y, more = drawn(way, "Regressor")
    model = mtlearn.RandomSlopesRegressor(covariance=covariance).fit(X, y, **more)
    refits = refits_of(FittedTasks.of(model), X, y, **more)
    resample = draw(refits.data, over, 1)
    assert refits.total is not None
    refit = refit_on(refits, resample)
    truth = mtlearn.RandomSlopesRegressor(covariance=covariance)
    truth.fit(*explicit_of(refits.data, resample, X, y, more))
    np.testing.assert_allclose(refit.models.coef[:, 0], truth.coef_, atol=1e-6)
    np.testing.assert_array_equal(refit.selected, np.tile(truth.slope_std_ > 0, (5, 1)))


def test_random_slopes_of_classes():
    X, y, more = drawn("labels", "Classifier", n=300)
    model = mtlearn.RandomSlopesClassifier().fit(X, y, **more)
    refits = refits_of(FittedTasks.of(model), X, y, **more)
    resample = draw(refits.data, "both", 1)
    truth = mtlearn.RandomSlopesClassifier()
    truth.fit(*explicit_of(refits.data, resample, X, y, more))
    np.testing.assert_allclose(refit_on(refits, resample).models.coef[:, 0], truth.coef_, atol=1e-5)


def counts_of(y):
    """Counts whose expected ones follow a target."""
    return np.random.default_rng(3).poisson(np.exp(0.3 * y)).astype(float)


def test_random_slopes_of_counts():
    """A row drawn twice is one watched for twice the time."""
    X, y, more = drawn("labels", "Regressor", n=300)
    y = counts_of(y)
    model = mtlearn.RandomSlopesRegressor(loss="poisson").fit(X, y, **more)
    refits = refits_of(FittedTasks.of(model), X, y, **more)
    resample = draw(refits.data, "both", 1)
    truth = mtlearn.RandomSlopesRegressor(loss="poisson")
    truth.fit(*explicit_of(refits.data, resample, X, y, more))
    np.testing.assert_allclose(refit_on(refits, resample).models.coef[:, 0], truth.coef_, atol=1e-5)


@pytest.mark.parametrize("weight", ["whole", "relative"])
@pytest.mark.parametrize("family", ["MeanRegularizedRegressor", "RandomSlopesRegressor"])
def test_sample_weights_count_with_the_times_drawn(family, weight):
    X, y, more = drawn("labels", "Regressor")
    rng = np.random.default_rng(5)
    s = rng.integers(1, 4, size=len(y)) if weight == "whole" else rng.uniform(0.5, 2.0, len(y))
    model = getattr(mtlearn, family)().fit(X, y, sample_weight=s, **more)
    refits = refits_of(FittedTasks.of(model), X, y, sample_weight=s, **more)
    resample = draw(refits.data, "both", 2)
    rows, _, copy = explicit(refits.data, resample, np.arange(len(y)), y, more)
    truth = getattr(mtlearn, family)()
    if family == "MeanRegularizedRegressor":
        truth.set_params(alpha_intercept=model.alpha_intercept_)
    truth.fit(X[rows], y[rows], sample_weight=s[rows], **copy)
    found = refit_on(refits, resample).models.coef[:, 0]
    np.testing.assert_allclose(found, truth.coef_, atol=1e-6)


def test_large_numbers_far_from_zero():
    X, y, more = drawn("labels", "Regressor")
    model = mtlearn.MeanRegularizedRegressor(alpha=0.3 * 1e80, alpha_mean=1e77, **EXACT)
    compare(model, X * 1e40 + 1e44, y * 1e30, more, "both", half=False)


@pytest.mark.parametrize("over", ["rows", "both"])
def test_half_of_the_rows_of_each_task(over):
    X, y, more = drawn("labels", "Regressor")
    model = mtlearn.MeanRegularizedRegressor().fit(X, y, **more)
    data = refits_of(FittedTasks.of(model), X, y, **more).data
    sizes = np.bincount(data.codes)
    resample = draw(data, over, 0, half=True)
    n_drawn = np.diff(resample.starts)
    assert (resample.times == 1).all()
    assert (np.abs(n_drawn - sizes[resample.tasks] / 2) <= 0.5).all()
    for t, first, last in zip(
        resample.tasks, resample.starts[:-1], resample.starts[1:], strict=True
    ):
        rows = resample.rows[first:last]
        assert len(np.unique(rows)) == len(rows)
        assert (data.codes[rows] == t).all()


def test_rows_are_drawn_alike():
    X, y, more = drawn("labels", "Regressor")
    model = mtlearn.MeanRegularizedRegressor().fit(X, y, **more)
    data = refits_of(FittedTasks.of(model), X, y, **more).data
    times = np.zeros(len(y))
    for seed in range(400):
        resample = draw(data, "rows", seed)
        times[resample.rows] += resample.times
        assert (
            np.bincount(data.codes[resample.rows], resample.times) == np.bincount(data.codes)
        ).all()
    assert np.abs(times / 400 - 1).max() < 5 / np.sqrt(400)


def test_a_task_of_one_row_keeps_it():
    X, y, _ = drawn("labels", "Regressor")
    task = np.arange(len(y)) % 40
    task[task == 0] = 41
    task[0] = 0
    model = mtlearn.MeanRegularizedRegressor().fit(X, y, task=task)
    data = refits_of(FittedTasks.of(model), X, y, task=task).data
    for seed in range(20):
        assert 0 in draw(data, "rows", seed, half=True).rows


def test_labels_that_no_draw_has_are_left_out():
    X, Y, _ = drawn("columns", "Regressor")
    Y[1:, 2] = np.nan
    model = mtlearn.MeanRegularizedRegressor().fit(X, Y)
    data = refits_of(FittedTasks.of(model), X, Y).data
    tasks = [draw(data, "rows", seed).tasks.tolist() for seed in range(20)]
    assert [0, 1, 3, 4] in tasks
    assert [0, 1, 2, 3, 4] in tasks


def test_the_data_of_a_draw_are_its_moments():
    X, Y, _ = drawn("holes", "Regressor")
    model = mtlearn.MeanRegularizedRegressor().fit(X, Y)
    refits = refits_of(FittedTasks.of(model), X, Y)
    resample = draw(refits.data, "both", 0)
    on_rows = refits.fit(resample.tasks, resample.of(refits.data))
    on_moments = refit_on(refits, resample)
    np.testing.assert_allclose(on_rows.models.coef, on_moments.models.coef, atol=1e-10)


FITTED = {
    "mean": mtlearn.MeanRegularizedRegressor(alpha="auto"),
    "mean cv": mtlearn.MeanRegularizedRegressorCV(5, alpha_mean="auto", tol=1e-10),
    "group cv": mtlearn.GroupLassoRegressorCV(5, cv=3, shared_mean=True, tol=1e-10),
    "dirty cv": mtlearn.DirtyRegressorCV(5, cv=3, specific_ratio=["auto", 0.9], tol=1e-10),
    "trace cv": mtlearn.TraceNormRegressorCV(5, cv=3, selection="1se", tol=1e-10),
    "classes cv": mtlearn.MeanRegularizedClassifierCV(4, cv=3, class_weight="balanced", tol=1e-10),
    "weights cv": mtlearn.GroupLassoRegressorCV(5, cv=3, feature_weight=[0, 1, np.inf], tol=1e-10),
    "tasks cv": mtlearn.GroupLassoRegressorCV(5, cv=3, task_weight={0: 2.0}, tol=1e-10),
    "slopes": mtlearn.RandomSlopesRegressor(alpha_mean="auto"),
    "full slopes": mtlearn.RandomSlopesRegressor(covariance="full"),
    "slopes of classes": mtlearn.RandomSlopesClassifier(),
    "slopes of counts": mtlearn.RandomSlopesRegressor(loss="poisson", alpha_mean="auto"),
}


@pytest.mark.parametrize("name", FITTED)
def test_all_rows_give_the_fitted_model(name):
    """Strengths that a fit searched or estimated are held as they were found."""
    model = FITTED[name]
    X, y, more = drawn("labels", "Classifier" if "classes" in name else "Regressor", n=200)
    y = counts_of(y) if "counts" in name else y
    model.fit(X, y, **more)
    refits = refits_of(FittedTasks.of(model), X, y, **more)
    coef, intercept = refits.outward(whole_fit(refits), np.arange(5))
    np.testing.assert_allclose(coef[:, 0], model.coef_, atol=1e-5)
    np.testing.assert_allclose(intercept[:, 0], model.intercept_, atol=1e-5)
