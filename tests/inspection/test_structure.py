"""What is found in drawn tables is what was put there: clusters, outliers, features, rank."""

import numpy as np
import pandas as pd
import pytest
from scipy.cluster.hierarchy import fcluster, leaves_list
from sklearn.compose import make_column_transformer
from sklearn.decomposition import PCA
from sklearn.feature_selection import VarianceThreshold
from sklearn.impute import SimpleImputer
from sklearn.metrics import adjusted_rand_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    MaxAbsScaler,
    MinMaxScaler,
    OneHotEncoder,
    RobustScaler,
    StandardScaler,
)

from mtlearn import (
    DirtyRegressor,
    GroupLassoRegressor,
    MeanRegularizedRegressor,
    MeanRegularizedRegressorCV,
    RandomSlopesClassifier,
    RandomSlopesRegressor,
    TraceNormRegressor,
    make_table_pipeline,
)
from mtlearn.datasets import make_multitask_regression
from mtlearn.inspection import coef_frame, structure_report, task_similarity
from mtlearn.inspection.fitted import FittedTasks
from mtlearn.inspection.metric import expected_square, lines, metric_of


@pytest.mark.parametrize("n_clusters", [2, 3, 5])
def test_clusters_are_found_with_their_number(n_clusters):
    rng = np.random.default_rng(n_clusters)
    cluster = rng.permutation(np.arange(24) % n_clusters)
    centers = np.eye(8)[:n_clusters] + 0.5  # as far from each other
    W = centers[cluster] + 0.1 * rng.standard_normal((24, 8))
    X, task = rng.standard_normal((960, 8)), np.repeat(np.arange(24), 40)
    y = np.sum(X * W[task], axis=1) + 0.5 * rng.standard_normal(960)
    for model in (MeanRegularizedRegressorCV(alphas=10), RandomSlopesRegressor()):
        found = task_similarity(model.fit(X, y, task=task), X)
        assert found.n_clusters == n_clusters and found.silhouette > 0.5
        assert adjusted_rand_score(cluster, found.tasks["cluster"]) == 1.0
        sizes = found.tasks["cluster"].value_counts().sort_index()
        assert (sizes.diff().dropna() <= 0).all()  # the largest first


def test_no_clusters_are_suggested_where_there_are_none():
    suggested = []
    for seed in range(3):
        drawn = make_multitask_regression(
            n_tasks=24, n_samples_per_task=40, n_features=10, structure="none", random_state=seed
        )
        model = RandomSlopesRegressor().fit(drawn.data, drawn.target, task=drawn.task)
        suggested.append(task_similarity(model, drawn.data).n_clusters)
    assert suggested == [1] * 3


def test_prediction_similarity_does_not_feel_scale_or_a_column_twice():
    rng = np.random.default_rng(0)
    X, task = rng.standard_normal((300, 3)), np.repeat(np.arange(6), 50)
    W = rng.standard_normal((6, 3))
    y = np.sum(X * W[task], axis=1) + 0.1 * rng.standard_normal(300)
    ridge = {"alpha": 1e-9, "alpha_mean": 0, "alpha_intercept": 0}
    plain = task_similarity(MeanRegularizedRegressor(**ridge).fit(X, y, task=task), X)
    mixed = X @ np.array([[1.0, 5.0, 0.0], [0.0, 100.0, 0.1], [0.0, 0.0, 2.0]])
    other = task_similarity(MeanRegularizedRegressor(**ridge).fit(mixed, y, task=task), mixed)
    np.testing.assert_allclose(plain.values, other.values, atol=1e-5)
    twice = np.column_stack([X, X[:, 0]])
    third = task_similarity(MeanRegularizedRegressor(**ridge).fit(twice, y, task=task), twice)
    np.testing.assert_allclose(plain.values, third.values, atol=1e-5)
    # the correlation over rows of what tasks predict beyond the shared model
    fitted = FittedTasks.of(MeanRegularizedRegressor(**ridge).fit(X, y, task=task))
    beyond = X @ fitted.deviation[:, 0].T
    np.testing.assert_allclose(plain.values, np.corrcoef(beyond.T), atol=1e-9)


def test_cosine_and_correlation_are_numpys():
    drawn = make_multitask_regression(n_tasks=5, n_features=6, random_state=1)
    model = MeanRegularizedRegressor().fit(drawn.data, drawn.target, task=drawn.task)
    V = FittedTasks.of(model).deviation[:, 0]
    found = task_similarity(model, kind="correlation", n_clusters=2)
    np.testing.assert_allclose(found.values, np.corrcoef(V), atol=1e-12)
    unit = V / np.linalg.norm(V, axis=1, keepdims=True)
    cosine = task_similarity(model)
    np.testing.assert_allclose(cosine.values, unit @ unit.T, atol=1e-12)
    W = model.coef_ / np.linalg.norm(model.coef_, axis=1, keepdims=True)
    whole = task_similarity(model, centred=False)
    np.testing.assert_allclose(whole.values, W @ W.T, atol=1e-12)
    assert cosine.kind == "cosine" and found.n_clusters == 2
    same = fcluster(found.linkage, 2, criterion="maxclust")
    assert adjusted_rand_score(same, found.tasks["cluster"]) == 1.0
    order = np.argsort(found.tasks["position"])
    assert order.tolist() == leaves_list(found.linkage).tolist()


def test_tasks_without_deviation_are_like_each_other_and_like_nobody_else():
    drawn = make_multitask_regression(n_tasks=4, n_features=6, random_state=1)
    model = GroupLassoRegressor(alpha=1e6, shared_mean=True, alpha_intercept=1.0)
    model.fit(drawn.data, drawn.target, task=drawn.task)
    assert (task_similarity(model, drawn.data).values == 1).all()


def with_outlier(seed, n_tasks=20, labels=False):
    """A task whose slopes are others' with the sign turned, among those that differ a little."""
    rng = np.random.default_rng(seed)
    sizes = rng.integers(10, 60, n_tasks)
    sizes[3] = 40
    task = np.repeat([f"t{k}" for k in range(n_tasks)], sizes)
    codes = np.repeat(np.arange(n_tasks), sizes)
    W = np.array([1.0, 0.5, -1.0, 0.0]) + 0.2 * rng.standard_normal((n_tasks, 4))
    W[3] = -W[3]
    X = rng.standard_normal((len(task), 4))
    f = np.sum(X * W[codes], axis=1)
    if labels:
        f = 2 * f
        return X, (f + rng.logistic(size=len(f)) > 0).astype(int), task
    return X, f + 0.7 * rng.standard_normal(len(f)), task


@pytest.mark.parametrize(
    "model",
    [
        RandomSlopesRegressor(),
        RandomSlopesRegressor(covariance="full", shrinkage=0.5),
        MeanRegularizedRegressor(alpha="auto"),
        GroupLassoRegressor(alpha=0.03, shared_mean=True),
        TraceNormRegressor(alpha=0.03, shared_mean=True),
        DirtyRegressor(alpha=0.03, shared_mean=True),
        RandomSlopesClassifier(),
    ],
    ids=lambda model: type(model).__name__,
)
def test_the_outlier_task_comes_first_and_is_called_one(model):
    for seed in range(2):
        X, y, task = with_outlier(seed, labels="Classifier" in type(model).__name__)
        report = structure_report(model.fit(X, y, task=task), X)
        first = report.tasks.iloc[0]
        assert first["task"] == "t3" and first["is_outlier"] and first["z"] > 3.5
        assert first["task"] in str(report)


def test_tasks_off_a_model_that_most_follow_exactly_are_outliers():
    """More than half of the deviations are zero, and so is the median of the distances from it."""
    rng = np.random.default_rng(0)
    X, task = rng.standard_normal((400, 3)), np.repeat(np.arange(10), 40)
    y = X.sum(axis=1) + 3 * X[:, 0] * (task == 6) + 0.1 * rng.standard_normal(400)
    model = DirtyRegressor(
        alpha=0.2, norm="linf", specific_ratio=0.3, shared_mean=True, alpha_intercept=np.inf
    ).fit(X, y, task=task)
    tasks = structure_report(model, X).tasks
    assert (tasks["distance"] < 0.05).sum() == 9
    assert tasks["is_outlier"].tolist() == [True] + [False] * 9 and tasks["task"].iloc[0] == 6


def test_few_tasks_are_called_outliers_where_there_are_none():
    false = 0
    for seed in range(10):
        drawn = make_multitask_regression(
            n_tasks=40, n_samples_per_task=(5, 60), n_features=4, random_state=seed
        )
        model = RandomSlopesRegressor().fit(drawn.data, drawn.target, task=drawn.task)
        false += structure_report(model, drawn.data).tasks["is_outlier"].sum()
    assert false <= 4  # of 400


def test_expected_distances_are_those_of_tasks_with_as_many_rows():
    """E D'MD by simulation, of tasks whose rows have the second moment of all."""
    rng = np.random.default_rng(0)
    blocks = []
    for n in np.repeat([8, 16, 40], 300):
        ones = np.column_stack([np.ones(n), rng.standard_normal((n, 3))])
        blocks.append(np.linalg.qr(ones)[0][:, 1:] * np.sqrt(n))
    sizes = np.array([len(block) for block in blocks])
    X, task = np.concatenate(blocks), np.repeat(np.arange(900), sizes)
    V = rng.standard_normal((900, 4)) * [0.5, 0.3, 0.6, 0.4]
    y = V[task, 0] + np.sum(X * V[task, 1:], axis=1) + rng.standard_normal(len(task))
    common = {"alpha": "auto", "alpha_intercept": "auto"}
    for model in (RandomSlopesRegressor(), MeanRegularizedRegressor(**common)):
        fitted = FittedTasks.of(model.fit(X, y, task=task))
        M, D = metric_of(fitted, X), lines(fitted)
        square = np.einsum("tki,ij,tkj->t", D, M, D)
        told = expected_square(fitted, M)  # in units of the noise, which is 1
        for n in (8, 16, 40):
            ratio = square[sizes == n].mean() / told[sizes == n].mean()
            assert ratio == pytest.approx(1.0, abs=0.12)


def test_the_features_that_differ_are_said():
    rng = np.random.default_rng(1)
    X, task = rng.standard_normal((1200, 4)) * [1, 10, 0.1, 1], np.repeat(np.arange(30), 40)
    W = np.array([1.0, 0.0, 5.0, 0.5]) + rng.standard_normal((30, 4)) * [0.0, 0.1, 5.0, 0.0]
    y = np.sum(X * W[task], axis=1) + rng.standard_normal(1200)
    frame = pd.DataFrame(X, columns=list("abcd"))
    report = structure_report(RandomSlopesRegressor().fit(frame, y, task=task), frame)
    features = report.features.set_index("feature")
    assert set(features.index[features["effect"] > 0.3]) == {"b", "c"}
    np.testing.assert_allclose(features["spread"][["b", "c"]], [0.1, 5.0], rtol=0.35)
    np.testing.assert_allclose(features["effect"], features["spread"] * X.std(axis=0), rtol=1e-9)


def test_rank_support_and_energies_are_those_of_the_models():
    drawn = make_multitask_regression(
        n_tasks=8, n_features=10, structure="low_rank", rank=2, noise=0.1, random_state=0
    )
    X, y, task = drawn.data, drawn.target, drawn.task
    trace = TraceNormRegressor(alpha=0.05, tol=1e-10).fit(X, y, task=task)
    report = structure_report(trace)
    assert report.rank == trace.rank_
    values = np.zeros(8)
    values[: len(trace.singular_values_)] = trace.singular_values_
    np.testing.assert_allclose(report.singular_values["value"], values, atol=1e-8)
    assert report.singular_values["energy"].sum() == pytest.approx(1)
    assert np.isnan(report.energy_joint)
    assert report.certificate["dual_gap_"] == trace.dual_gap_

    lasso = GroupLassoRegressor(alpha=0.3).fit(X, y, task=task)
    used = structure_report(lasso).features["n_tasks_used"]
    assert (used == 8 * lasso.support_).all()

    drawn = make_multitask_regression(
        n_tasks=8, n_features=20, structure="dirty", noise=0.1, random_state=0
    )
    dirty = DirtyRegressor(alpha=0.1).fit(drawn.data, drawn.target, task=drawn.task)
    report = structure_report(dirty)
    joint, specific = (np.sum(part**2) for part in (dirty.shared_coef_, dirty.specific_coef_))
    assert report.energy_specific == pytest.approx(specific / (joint + specific))
    assert report.energy_joint + report.energy_specific == pytest.approx(1)
    own = (dirty.specific_coef_ != 0).sum(axis=0)
    assert list(report.features["n_specific"]) == own.tolist()


def test_standard_errors_are_the_models_in_the_units_of_the_columns():
    rng = np.random.default_rng(0)
    X, task = rng.standard_normal((200, 2)) * [10, 0.1] + [100, 3], np.repeat(np.arange(10), 20)
    y = X @ [0.1, 5.0] + 0.05 * X[:, 0] * rng.standard_normal(10)[task] + rng.standard_normal(200)
    raw = RandomSlopesRegressor(tol=1e-9).fit(X, y, task=task)
    scaled = make_pipeline(StandardScaler(), RandomSlopesRegressor(tol=1e-9))
    scaled.fit(X, y, randomslopesregressor__task=task)
    for intercept in ("level", "origin"):
        one, other = (coef_frame(model, intercept=intercept) for model in (raw, scaled))
        for column in ("coef", "shared", "deviation", "std_error"):
            np.testing.assert_allclose(one[column], other[column], rtol=1e-4, atol=1e-6)
    origin = coef_frame(raw, intercept="origin")
    np.testing.assert_allclose(
        origin["std_error"][origin["feature"] == "(intercept)"], raw.intercept_std_error_
    )
    assert (
        np.isnan(
            coef_frame(RandomSlopesRegressor(store_covariance=False).fit(X, y, task=task))[
                "std_error"
            ]
        ).sum()
        == 10
    )


def test_what_every_scaler_and_selector_did_is_undone():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        rng.standard_normal((120, 5)) * [1, 10, 0.1, 3, 2] + [5, 0, 1, -7, 1], columns=list("abcde")
    )
    frame["kind"] = rng.choice(["u", "v"], 120)
    frame["constant"] = 1.0
    task = np.repeat(np.arange(6), 20)
    frame["school"] = task
    y = frame["a"] + frame["b"] * task / 10 + rng.standard_normal(120)
    first = make_column_transformer(
        (make_pipeline(SimpleImputer(), StandardScaler()), ["c", "a"]),
        (MinMaxScaler(), slice("d", "e")),
        (RobustScaler(), [1]),
        (OneHotEncoder(sparse_output=False), ["kind"]),
        ("drop", ["constant"]),
        remainder="passthrough",
    ).set_output(transform="pandas")
    model = make_pipeline(
        first,
        VarianceThreshold().set_output(transform="pandas"),
        MeanRegularizedRegressor(alpha=0.1, task_column="school"),
    ).fit(frame, y)
    fitted = FittedTasks.of(model, original_units=True)
    assert [name.rpartition("__")[2] for name in fitted.features] == [
        *("c", "a", "d", "e", "b", "kind_u", "kind_v")
    ]
    dummies = [frame["kind"] == "u", frame["kind"] == "v"]
    raw = np.column_stack([*(frame[name] for name in "cadeb"), *dummies])
    told = np.sum(raw * fitted.coef[task, 0], axis=1) + fitted.intercept[task, 0]
    np.testing.assert_allclose(told, model.predict(frame), rtol=1e-10)

    X = frame[list("abcde")].to_numpy()
    model = make_pipeline(MaxAbsScaler(), MinMaxScaler(), MeanRegularizedRegressor(alpha=0.1))
    model.fit(X, y, meanregularizedregressor__task=task)
    fitted = FittedTasks.of(model, original_units=True)
    told = np.sum(X * fitted.coef[task, 0], axis=1) + fitted.intercept[task, 0]
    inside = model[-1].predict(model[:-1].transform(X), task=task)
    np.testing.assert_allclose(told, inside, rtol=1e-10)


def test_components_are_columns_of_their_own():
    rng = np.random.default_rng(0)
    X, task = rng.standard_normal((60, 4)), np.repeat(np.arange(3), 20)
    model = make_pipeline(StandardScaler(), PCA(2), StandardScaler(), MeanRegularizedRegressor())
    model.fit(X, X[:, 0], meanregularizedregressor__task=task)
    fitted = FittedTasks.of(model, original_units=True)
    assert fitted.features == ["pca0", "pca1"]
    inner = model[:2].transform(X)  # the scaler behind the components is undone
    told = np.sum(inner * fitted.coef[task, 0], axis=1) + fitted.intercept[task, 0]
    inside = model[-1].predict(model[:-1].transform(X), task=task)
    np.testing.assert_allclose(told, inside, rtol=1e-10)


def test_every_fit_keeps_how_many_labels_it_saw():
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((30, 2)), rng.standard_normal(30)
    task, weight = np.repeat(["a", "b", "c"], [5, 10, 15]), np.ones(30)
    weight[[0, 1, 29]] = 0.0
    for model in (MeanRegularizedRegressor(), RandomSlopesRegressor()):
        model.fit(X, y, sample_weight=3 * weight, task=task)
        assert model.task_counts_.tolist() == [3, 10, 14]
        assert model.data_scale_ == pytest.approx(3 / (3 * 27))
    Y = rng.standard_normal((30, 2))
    Y[:4, 1] = np.nan
    for model in (GroupLassoRegressor(), RandomSlopesRegressor()):
        model.fit(X, Y)
        assert model.task_counts_.tolist() == [30, 26]
        assert model.data_scale_ == pytest.approx(2 / 56)


def test_tasks_that_do_not_differ_are_said_to_be_alike():
    rng = np.random.default_rng(0)
    X, task = rng.standard_normal((400, 2)), np.arange(400) % 10
    model = RandomSlopesRegressor().fit(X, X[:, 0] + rng.standard_normal(400), task=task)
    assert not model.slope_std_.any()
    report = structure_report(model, X)
    assert (report.features[["spread", "effect", "n_tasks_used"]] == 0).all(axis=None)
    assert report.rank == 0 and "No feature differs between tasks." in report.words


def test_the_sign_of_one_feature_makes_no_clusters():
    rng = np.random.default_rng(0)
    X, task = rng.standard_normal((600, 2)), np.arange(600) % 20
    y = (1 + rng.standard_normal(20))[task] * X[:, 0] + rng.standard_normal(600)
    one = RandomSlopesRegressor().fit(X[:, :1], y, task=task)
    found = task_similarity(one, X[:, :1])
    np.testing.assert_allclose(np.abs(found.values), 1.0)
    assert found.n_clusters == 1 and np.isnan(found.silhouette)
    assert task_similarity(one, X[:, :1], n_clusters=2).n_clusters == 2  # who asks gets them


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_column_that_was_never_known_takes_nothing_from_the_others():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(5.0, 3.0, (60, 2)), columns=["a", "b"])
    frame["school"] = np.repeat(["ash", "elm", "fir"], 20)
    y = frame.a + frame.b + rng.standard_normal(60)
    tables = {}
    for name, X in {"with": frame.assign(dead=np.nan), "without": frame}.items():
        model = make_table_pipeline(MeanRegularizedRegressor(alpha=0.1, task_column="school"))
        tables[name] = coef_frame(model.fit(X, y), intercept="origin")
    dead = tables["with"]["feature"] == "dead"
    assert (tables["with"].loc[dead, ["coef", "shared", "deviation"]] == 0).all(axis=None)
    pd.testing.assert_frame_equal(tables["with"][~dead].reset_index(drop=True), tables["without"])


def test_a_task_may_be_called_task():
    rng = np.random.default_rng(0)
    X, task = rng.standard_normal((90, 2)), np.array(["ash", "task", "yew"])[np.arange(90) % 3]
    model = MeanRegularizedRegressor().fit(X, X[:, 0] + rng.standard_normal(90), task=task)
    found = task_similarity(model, X)
    assert list(found.matrix["task"]) == ["ash", "task", "yew"]
    np.testing.assert_array_equal(found.matrix[["ash", "task_", "yew"]], found.values)
