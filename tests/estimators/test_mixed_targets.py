"""Columns of unlike kinds in one fit: the joint optimum by cvxpy, limits, units, what comes out."""

import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse
from scipy.special import expit, xlogy
from sklearn.base import clone
from sklearn.linear_model import LinearRegression
from sklearn.metrics import accuracy_score, d2_tweedie_score, r2_score
from sklearn.model_selection import GridSearchCV, KFold, cross_val_predict, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mtlearn import (
    ClusteredTasksRegressor,
    GroupLassoClassifier,
    GroupLassoRegressor,
    GroupLassoRegressorCV,
    IndependentTasks,
    MeanRegularizedRegressor,
    MeanRegularizedRegressorCV,
    MixedTargets,
    RobustTasksRegressor,
    TraceNormRegressor,
)
from mtlearn.losses.huber import EFFICIENT

from ..checks import STRICT, expected

pytestmark = STRICT

COUNTS = {"visits": "poisson"}
KINDS = {"price": "squared", "weight": "squared", "sold": "logistic", "visits": "poisson"}


def draw(n=60, d=5, seed=0, holes=0.0, spread=1.0):
    """A table of features and one of targets: two numbers, a label, a count."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d))
    shared = X[:, 0] - X[:, 2]
    rate = np.exp(0.5 + 0.4 * shared) * rng.gamma(spread, 1 / spread, size=n)
    y = pd.DataFrame(
        {
            "price": 300 * (shared + 0.7 * rng.normal(size=n)),
            "weight": 7 + 0.1 * shared + 0.3 * X[:, 1] + 0.2 * rng.normal(size=n),
            "sold": np.where(shared + rng.normal(size=n) > 0, "yes", "no"),
            "visits": rng.poisson(rate).astype(float),
        }
    )
    if holes:
        lost = rng.random(y.shape) < holes
        y = y.astype({"sold": object}).mask(lost, other=None)
        y = y.astype({"price": float, "weight": float, "visits": float})
    return X, y


def as_numbers(y):
    return y.assign(sold=y["sold"].map({"no": 0.0, "yes": 1.0}).astype(float)).to_numpy(float)


def joint(X, Y, s, model, omega):
    """The joint objective of a fitted model, but for the part of the dispersion of counts."""
    noise, mean = model.task_noise_, getattr(model, "mean_coef_", np.zeros(X.shape[1]))
    by = np.array([noise[0], noise[1], 1.0, 1.0])
    U, b = model.coef_ / by[:, None], model.intercept_ / by
    c, m = weights_of(Y, s, noise[3])
    F, Q = X @ U.T + b, np.nan_to_num(Y) / by
    losses = np.column_stack(
        [
            0.5 * (Q[:, :2] - F[:, :2]) ** 2,
            np.logaddexp(0, F[:, 2]) - Q[:, 2] * F[:, 2],
            xlogy(Q[:, 3], Q[:, 3]) - Q[:, 3] - Q[:, 3] * F[:, 3] + np.exp(F[:, 3]),
        ]
    )
    value = (c * losses).sum() + m[:2] @ np.log(noise[:2]) + omega((U - mean).T)
    return value + 0.5 * 4 * 1e-3 * mean @ mean


def weights_of(Y, s, dispersion):
    seen = ~np.isnan(Y)
    c = 4 / (seen * s[:, None]).sum() * seen * s[:, None]
    c[:, 3] /= dispersion**2
    return c, c.sum(axis=0)


def joint_by_cvxpy(X, Y, s, penalty, dispersion, *, shared_mean):
    """Least value of the joint objective over U, b, 1 / sigma, and sigma; counts' given."""
    import cvxpy as cp

    d = X.shape[1]
    V, w0, b, phi = cp.Variable((d, 4)), cp.Variable(d), cp.Variable(4), cp.Variable(2)
    U = V + cp.reshape(w0, (d, 1), order="C") @ np.ones((1, 4))
    c, m = weights_of(Y, s, dispersion)
    Q, F = np.nan_to_num(Y), X @ U + np.ones((len(X), 1)) @ cp.reshape(b, (1, 4), order="C")
    terms = [penalty(cp, V) + 0.5 * 4 * 1e-3 * cp.sum_squares(w0) - m[:2] @ cp.log(phi)]
    for t in range(2):
        away = cp.multiply(np.sqrt(c[:, t]), Q[:, t] * phi[t] - F[:, t])
        terms.append(0.5 * cp.sum_squares(away))
    terms.append(c[:, 2] @ cp.logistic(F[:, 2]) - (c[:, 2] * Q[:, 2]) @ F[:, 2])
    constant = xlogy(Q[:, 3], Q[:, 3]) - Q[:, 3]
    terms.append(c[:, 3] @ (cp.exp(F[:, 3]) + constant) - (c[:, 3] * Q[:, 3]) @ F[:, 3])
    problem = cp.Problem(cp.Minimize(sum(terms)), [] if shared_mean else [w0 == 0])
    tight = dict.fromkeys(("tol_gap_abs", "tol_gap_rel", "tol_feas"), 1e-9)
    with expected("Solution may be inaccurate"):  # more than it may reach; the values tell
        problem.solve(solver=cp.CLARABEL, **tight)
    return problem.value, 1 / phi.value


PENALTIES = {
    "features": (
        GroupLassoRegressor(0.15, tol=1e-10),
        lambda cp, V: 0.15 * cp.sum(cp.norm(V, axis=1)),
        lambda V: 0.15 * np.linalg.norm(V, axis=1).sum(),
    ),
    "directions": (
        TraceNormRegressor(0.15, tol=1e-10),
        lambda cp, V: 0.15 * cp.normNuc(V),
        lambda V: 0.15 * np.linalg.svd(V, compute_uv=False).sum(),
    ),
    "a mean": (
        MeanRegularizedRegressor(0.3, tol=1e-10),
        lambda cp, V: 0.15 * cp.sum_squares(V),
        lambda V: 0.15 * (V**2).sum(),
    ),
}


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", PENALTIES)
def test_coefficients_and_noise_are_the_joint_optimum_of_cvxpy(name, weighted):
    pytest.importorskip("cvxpy")
    estimator, in_cvxpy, omega = PENALTIES[name]
    X, y = draw(seed=3, holes=0.2, spread=0.5)
    y["price"] /= 300  # cvxpy minds units
    s = np.random.default_rng(1).integers(1, 4, size=len(X)).astype(float)
    s = s if weighted else np.ones(len(X))
    model = MixedTargets(estimator, loss=COUNTS).fit(X, y, sample_weight=s)
    assert model.dual_gap_ <= 1e-10
    Y, noise = as_numbers(y), model.task_noise_
    ours = joint(X, Y, s, model, omega)
    shared = {"shared_mean": name == "a mean"}
    theirs, sigma = joint_by_cvxpy(X, Y, s, in_cvxpy, noise[3], **shared)
    assert ours == pytest.approx(theirs, abs=1e-7)
    np.testing.assert_allclose(noise[:2], sigma, rtol=1e-4)
    # the dispersion of counts is the mean deviance
    seen, mu = ~np.isnan(Y[:, 3]), np.exp(X @ model.coef_[3] + model.intercept_[3])
    deviance = 2 * (xlogy(Y[:, 3], Y[:, 3] / mu) - Y[:, 3] + mu)
    mean = np.average(deviance[seen], weights=s[seen])
    assert noise[3] > 1.2 and noise[2] == 1
    assert noise[3] ** 2 == pytest.approx(mean, rel=1e-4)


class TestSpecialCases:
    def test_numbers_without_noise_are_those_of_the_regressor(self):
        X, y = draw()
        Y = y[["weight", "visits"]]
        plain = GroupLassoRegressor(0.05, tol=1e-12).fit(X, Y)
        mixed = MixedTargets(GroupLassoRegressor(0.05, tol=1e-12), loss="squared", noise=None)
        mixed.fit(X, Y)
        np.testing.assert_allclose(mixed.coef_, plain.coef_, atol=1e-9)
        np.testing.assert_allclose(mixed.predict(X), plain.predict(X), atol=1e-9)
        assert mixed.task_noise_.tolist() == [1.0, 1.0] and mixed.n_noise_iter_ == 1

    @pytest.mark.parametrize("loss", ["poisson", "huber"])
    def test_other_losses_are_those_of_the_regressor(self, loss):
        X, y = draw()
        Y = y[["visits"]]
        plain = GroupLassoRegressor(0.05, loss=loss, tol=1e-12).fit(X, Y)
        mixed = MixedTargets(GroupLassoRegressor(0.05, tol=1e-12), loss=loss, noise=None).fit(X, Y)
        np.testing.assert_allclose(mixed.coef_, plain.coef_, atol=1e-8)
        np.testing.assert_allclose(mixed.predict(X), plain.predict(X), rtol=1e-8)
        assert mixed.huber_scale_ == ({"visits": plain.huber_scale_} if loss == "huber" else {})

    def test_labels_alone_are_those_of_the_classifier(self):
        X, y = draw()
        Y = pd.DataFrame({"a": y["sold"], "b": np.where(X[:, 0] + X[:, 3] > 0.5, "yes", "no")})
        plain = GroupLassoClassifier(0.02, tol=1e-12).fit(X, Y)
        mixed = MixedTargets(GroupLassoRegressor(0.02, tol=1e-12)).fit(X, Y)
        np.testing.assert_allclose(mixed.coef_, plain.coef_, atol=1e-8)
        probabilities = mixed.predict_proba(X)
        for t, name in enumerate(Y):
            np.testing.assert_allclose(
                probabilities[name][:, 1], plain.predict_proba(X)[:, t], atol=1e-8
            )
        assert (mixed.predict(X).to_numpy() == plain.predict(X)).all()
        assert mixed.score(X, Y) == plain.score(X, Y)

    def test_huber_columns_are_in_units_of_the_scale_of_their_errors(self):
        X, y = draw()
        price = y["price"].to_numpy() + 1e4 * (np.arange(60) % 17 == 0)
        loss = {"price": "huber"}
        mixed = MixedTargets(MeanRegularizedRegressor(0.1, tol=1e-12), loss=loss)
        mixed.fit(X, pd.DataFrame({"price": price}))
        scale = mixed.huber_scale_["price"]
        assert mixed.task_noise_.tolist() == [scale] and 100 < scale < 400  # 210 of the others
        plain = MeanRegularizedRegressor(0.1, loss="huber", huber_scale=1.0, tol=1e-12)
        plain.fit(X, price[:, None] / scale)
        np.testing.assert_allclose(mixed.coef_ / scale, plain.coef_, atol=1e-8)
        assert EFFICIENT * scale < abs(price - mixed.predict(X)["price"]).max()


class TestNoise:
    def test_without_coefficients_it_is_the_standard_deviation(self):
        X, y = draw(holes=0.2)
        mixed = MixedTargets(GroupLassoRegressor(50.0), loss=COUNTS).fit(X, y)
        assert not mixed.coef_.any()
        deviations = y[["price", "weight"]].std(ddof=0)
        np.testing.assert_allclose(mixed.task_noise_[:2], deviations, rtol=1e-9)

    def test_without_penalty_it_is_the_root_mean_square_of_errors(self):
        X, y = draw()
        Y = y[["price", "weight"]]
        mixed = MixedTargets(GroupLassoRegressor(0.0)).fit(X, Y)
        ols = LinearRegression().fit(X, Y)
        np.testing.assert_allclose(mixed.coef_, ols.coef_, rtol=1e-7)
        errors = ((Y - ols.predict(X)) ** 2).mean() ** 0.5
        np.testing.assert_allclose(mixed.task_noise_, errors, rtol=1e-6)

    def test_a_model_that_explains_everything_leaves_a_thousandth(self):
        X, y = draw(n=12, d=20)
        mixed = MixedTargets(MeanRegularizedRegressor(0.0, alpha_mean=0.0), loss="squared")
        mixed.fit(X, y[["price", "weight"]])
        deviations = y[["price", "weight"]].std(ddof=0)
        np.testing.assert_allclose(mixed.task_noise_, 1e-3 * deviations, rtol=1e-6)

    def test_counts_of_poissons_variance_have_a_dispersion_near_one(self):
        X, y = draw(n=2000, spread=1e6)
        mixed = MixedTargets(GroupLassoRegressor(0.0), loss=COUNTS).fit(X, y)
        assert 1.0 <= mixed.task_noise_[3] < 1.1
        X, y = draw(n=2000, spread=0.5)
        mixed = MixedTargets(GroupLassoRegressor(0.0), loss=COUNTS).fit(X, y)
        assert mixed.task_noise_[3] > 1.3

    def test_a_constant_column_stands_in_its_own_unit(self):
        X, y = draw()
        mixed = MixedTargets(GroupLassoRegressor(0.1), loss=KINDS | {"none": "squared"})
        mixed.fit(X, y.assign(none=3.0))
        assert mixed.task_noise_[4] == 1.0 and abs(mixed.coef_[4]).max() < 1e-12
        np.testing.assert_allclose(mixed.predict(X)["none"], 3.0)


@pytest.mark.parametrize(
    "estimator",
    [
        GroupLassoRegressor(0.3),
        GroupLassoRegressorCV(10, cv=3),
        RobustTasksRegressor(0.2),
        MeanRegularizedRegressor(0.2, alpha_intercept=0.1),
    ],
    ids=repr,
)
def test_the_unit_of_a_column_changes_nothing_else(estimator):
    X, y = draw(n=100)
    one = MixedTargets(estimator, loss=COUNTS).fit(X, y)
    other = MixedTargets(estimator, loss=COUNTS).fit(X, y.assign(price=1000 * y["price"]))
    factor = np.array([1000.0, 1, 1, 1])
    np.testing.assert_allclose(other.coef_, factor[:, None] * one.coef_, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(other.task_noise_, factor * one.task_noise_, rtol=1e-7)
    for name, proba in one.predict_proba(X).items():
        np.testing.assert_allclose(other.predict_proba(X)[name], proba, atol=1e-8)
    if hasattr(one.estimator_, "support_"):
        assert (other.estimator_.support_ == one.estimator_.support_).all()


def test_where_a_column_has_its_zero_changes_its_intercept_alone():
    X, y = draw(n=100, holes=0.1)
    estimator = GroupLassoRegressor(0.1, tol=1e-10)
    one = MixedTargets(estimator, loss=COUNTS).fit(X, y)
    other = MixedTargets(estimator, loss=COUNTS).fit(X + 50.0, y.assign(price=y["price"] + 1e7))
    np.testing.assert_allclose(other.coef_, one.coef_, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(other.task_noise_, one.task_noise_, rtol=1e-6)
    moved = one.intercept_ - 50.0 * one.coef_.sum(axis=1) + [1e7, 0, 0, 0]
    np.testing.assert_allclose(other.intercept_, moved, rtol=1e-7, atol=1e-6)


def test_in_its_own_unit_the_large_column_would_decide():
    X, y = draw(n=100)
    kept = []
    for noise in (None, "estimated"):
        mixed = MixedTargets(GroupLassoRegressor(0.3), loss=COUNTS, noise=noise)
        kept.append(mixed.fit(X, y).estimator_.support_.tolist())
    assert kept == [[True] * 5, [True, True, True, False, False]]


class TestWeightsAndHoles:
    def test_a_weight_of_two_is_a_row_twice(self):
        X, y = draw(holes=0.2)
        s = np.arange(60) % 3
        rows = np.repeat(np.arange(60), s)
        estimator = GroupLassoRegressor(0.1, tol=1e-12)
        weighted = MixedTargets(estimator, loss=COUNTS).fit(X, y, sample_weight=s)
        repeated = MixedTargets(estimator, loss=COUNTS).fit(X[rows], y.iloc[rows])
        np.testing.assert_allclose(weighted.coef_, repeated.coef_, rtol=1e-7)
        np.testing.assert_allclose(weighted.task_noise_, repeated.task_noise_, rtol=1e-7)
        assert weighted.score(X, y, s) == pytest.approx(repeated.score(X[rows], y.iloc[rows]))

    def test_a_hole_is_a_label_of_weight_zero(self):
        X, y = draw()
        S = (np.random.default_rng(2).random(y.shape) > 0.3).astype(float)
        holes = y.astype({"sold": object}).where(S > 0, other=None)
        estimator = GroupLassoRegressor(0.1, tol=1e-12)
        weighted = MixedTargets(estimator, loss=KINDS).fit(X, y, sample_weight=S)
        holed = MixedTargets(estimator, loss=KINDS).fit(X, holes)
        np.testing.assert_allclose(weighted.coef_, holed.coef_, rtol=1e-9)

    @pytest.mark.parametrize("holes", [0.0, 0.8])
    def test_a_sparse_X_is_the_dense_one(self, holes):
        X, y = draw(n=120, holes=holes)
        X = np.where(np.abs(X) < 0.5, 0.0, X)
        estimator = MeanRegularizedRegressor(0.1, tol=1e-12)
        dense = MixedTargets(estimator, loss=KINDS).fit(X, y)
        thin = MixedTargets(estimator, loss=KINDS).fit(sparse.csr_matrix(X), y)
        np.testing.assert_allclose(thin.coef_, dense.coef_, rtol=1e-6, atol=1e-9)

    def test_columns_of_one_class_and_of_no_event_are_softened_in_folds(self):
        X, y = draw(n=40)
        y["sold"], y["visits"] = np.where(np.arange(40) < 2, "yes", "no"), 0.0 + (np.arange(40) < 2)
        folds = KFold(2)  # the second trains on rows that have neither
        model = MixedTargets(GroupLassoRegressorCV([0.3, 0.1], cv=folds), loss=COUNTS)
        model.fit(X, y)
        assert np.isfinite(model.estimator_.scores_).all()


class TestAnswers:
    def test_a_frame_of_pandas_with_the_index_of_X(self):
        X, y = draw()
        y["late"] = X[:, 1] > 0
        frame = pd.DataFrame(X).set_axis(list("abcde"), axis=1).set_axis(np.arange(60) + 100)
        model = MixedTargets(GroupLassoRegressor(0.05), loss=COUNTS).fit(frame, y)
        assert model.loss_ == KINDS | {"late": "logistic"}
        answer = model.predict(frame[:7])
        assert answer.columns.tolist() == list(y) and answer.index.tolist() == [*range(100, 107)]
        assert answer["late"].dtype == bool and set(answer["sold"]) <= {"no", "yes"}
        scores = X[:7] @ model.coef_.T + model.intercept_
        np.testing.assert_allclose(answer["price"], scores[:, 0], rtol=1e-10)
        np.testing.assert_allclose(answer["visits"], np.exp(scores[:, 3]), rtol=1e-10)
        assert (answer["sold"] == np.where(scores[:, 2] > 0, "yes", "no")).all()
        proba = model.predict_proba(frame[:7])
        assert list(proba) == ["sold", "late"]
        np.testing.assert_allclose(proba["sold"][:, 1], expit(scores[:, 2]), rtol=1e-10)
        np.testing.assert_allclose(proba["late"].sum(axis=1), 1.0)
        assert {name: labels.tolist() for name, labels in model.classes_.items()} == {
            "sold": ["no", "yes"],
            "late": [False, True],
        }

    def test_a_frame_of_polars(self):
        X, y = draw(holes=0.1)
        ours = pl.DataFrame({name: y[name].to_list() for name in y}, strict=False)
        model = MixedTargets(GroupLassoRegressor(0.05), loss=COUNTS).fit(X, ours)
        theirs = MixedTargets(GroupLassoRegressor(0.05), loss=COUNTS).fit(X, y)
        answer = model.predict(X)
        assert isinstance(answer, pl.DataFrame) and answer.columns == list(y)
        assert answer["sold"].to_list() == theirs.predict(X)["sold"].tolist()
        assert model.score(X, ours) == theirs.score(X, y)

    def test_names_need_not_be_text(self):
        X, y = draw()
        y = y.set_axis([2001, 2002, ("a", 1), None], axis=1)[[2001, 2002]]
        model = MixedTargets(GroupLassoRegressor(0.05), loss={2002: "huber"}).fit(X, y)
        assert model.predict(X).columns.tolist() == [2001, 2002]

    def test_arrays_are_of_numbers_where_labels_are(self):
        X, y = draw()
        numbers = as_numbers(y)
        kinds = list(KINDS.values())
        model = MixedTargets(GroupLassoRegressor(0.05), loss=kinds).fit(X, numbers)
        answer = model.predict(X)
        assert answer.dtype == float and set(answer[:, 2]) == {0.0, 1.0}
        assert list(model.predict_proba(X)) == [2]
        rows = y.to_numpy().tolist()  # lists of unlike values
        texts = MixedTargets(GroupLassoRegressor(0.05), loss={3: "poisson"}).fit(X, rows)
        np.testing.assert_allclose(texts.coef_, model.coef_)
        assert texts.predict(X).dtype == object and texts.predict(X)[0, 2] in ("no", "yes")

    def test_the_score_is_the_mean_of_those_of_each_kind(self):
        X, y = draw(n=80, holes=0.2)
        s = np.random.default_rng(5).gamma(2.0, size=80)
        model = MixedTargets(GroupLassoRegressor(0.05), loss=COUNTS).fit(X, y)
        guess, expected = model.predict(X), {}
        for name, measure in {
            "price": r2_score,
            "weight": r2_score,
            "sold": accuracy_score,
            "visits": lambda *a, **k: d2_tweedie_score(*a, power=1, **k),
        }.items():
            seen = y[name].notna().to_numpy()
            truth, answer = y[name][seen], guess[name][seen]
            expected[name] = measure(truth, answer, sample_weight=s[seen])
        assert model.scores(X, y, s) == pytest.approx(expected)
        assert model.score(X, y, s) == pytest.approx(np.mean(list(expected.values())))
        wrong = y.assign(sold="never")  # a label that fit has not seen is not right
        assert model.scores(X, wrong)["sold"] == 0.0

    def test_without_a_column_of_labels_there_are_no_probabilities(self):
        X, y = draw()
        model = MixedTargets(GroupLassoRegressor(0.05)).fit(X, y[["price", "weight"]])
        assert not hasattr(model, "predict_proba")


class TestKindsThatAreInferred:
    @pytest.mark.parametrize(
        "column, kind",
        [
            ([True, False, None] * 4, "logistic"),
            (["a", "b", None] * 4, "logistic"),
            ([0, 1, 1] * 4, "logistic"),
            ([0.0, 1.0, np.nan] * 4, "logistic"),
            ([0.5, 1.0, 2.0] * 4, "squared"),
            ([7.5] * 12, "squared"),
        ],
        ids=str,
    )
    def test_values_leave_no_doubt(self, column, kind):
        X = np.random.default_rng(0).normal(size=(12, 2))
        y = pd.DataFrame({"a": column, "b": X[:, 0]})
        model = MixedTargets(GroupLassoRegressor(0.1)).fit(X, y)
        assert model.loss_ == {"a": kind, "b": "squared"}

    @pytest.mark.parametrize("column", [[-1, 1], [1, 2], [-3, 1, 2], [0, 1, 2], [7], [-1, 1, 3]])
    def test_whole_numbers_are_asked_for_whatever_their_sign(self, column):
        """Or the rows of a fold would be of another kind than all."""
        y = pd.DataFrame({"a": np.resize(column, 12), "b": np.linspace(0, 1, 12)})
        with pytest.raises(ValueError, match=r"'a' of y holds whole numbers .*loss=\{'a': \"squ"):
            MixedTargets(GroupLassoRegressor(0.1)).fit(np.ones((12, 1)), y)

    def test_categories_are_labels(self):
        X, y = draw()
        y["sold"] = y["sold"].astype("category")
        y["visits"] = y["visits"].astype("Int64")
        assert MixedTargets(GroupLassoRegressor(0.1), loss=COUNTS).fit(X, y).loss_ == KINDS


class TestSearch:
    def test_held_out_labels_count_by_the_loss_of_a_constant(self):
        X, y = draw(n=90)
        folds, alpha = list(KFold(3).split(X)), 0.2
        given = {"loss": KINDS, "noise": None}
        search = MixedTargets(GroupLassoRegressorCV([alpha, 0.05], cv=folds), **given).fit(X, y)
        Y = as_numbers(y)

        def losses(F, rows):
            Q = Y[rows]
            squares = 0.5 * (Q[:, :2] - F[:, :2]) ** 2
            label = np.logaddexp(0, F[:, 2]) - Q[:, 2] * F[:, 2]
            mu = np.exp(F[:, 3])
            count = xlogy(Q[:, 3], Q[:, 3] / mu) - Q[:, 3] + mu
            return np.column_stack([squares, label, count]).mean(axis=0)

        level = Y.mean(axis=0)
        best = np.array([*level[:2], np.log(level[2] / (1 - level[2])), np.log(level[3])])
        constant = losses(np.tile(best, (90, 1)), np.arange(90))
        for k, (train, test) in enumerate(folds):
            part = MixedTargets(GroupLassoRegressor(alpha), **given).fit(X[train], y.iloc[train])
            F = X[test] @ part.coef_.T + part.intercept_
            expected = -(losses(F, test) / constant).mean()
            assert search.estimator_.scores_[0, k] == pytest.approx(expected, rel=1e-4)

    def test_it_ends_at_the_joint_optimum_of_its_alpha(self):
        X, y = draw(n=90)
        search = MixedTargets(MeanRegularizedRegressorCV(10, cv=3, tol=1e-10), loss=COUNTS).fit(
            X, y
        )
        alpha = search.estimator_.alpha_
        again = MixedTargets(MeanRegularizedRegressor(alpha, tol=1e-10), loss=COUNTS).fit(X, y)
        np.testing.assert_allclose(search.coef_, again.coef_, rtol=1e-5)
        np.testing.assert_allclose(search.task_noise_, again.task_noise_, rtol=1e-5)

    def test_groups_reach_the_folds(self):
        X, y = draw()
        groups = np.arange(60) // 2
        model = MixedTargets(GroupLassoRegressorCV(5, cv=3), loss=COUNTS)
        by_group = model.fit(X, y, groups=groups).estimator_.scores_
        assert not np.allclose(by_group, model.fit(X, y).estimator_.scores_)


class TestTools:
    def test_pipelines_and_searches_of_scikit_learn(self):
        X, y = draw(n=80)
        pipeline = make_pipeline(
            StandardScaler(), MixedTargets(GroupLassoRegressor(0.05), loss=COUNTS)
        )
        scores = cross_val_score(pipeline, X, y, cv=3)
        assert (scores > 0.2).all()
        grid = GridSearchCV(pipeline, {"mixedtargets__estimator__alpha": [0.05, 5.0]}, cv=3)
        assert grid.fit(X, y).best_params_ == {"mixedtargets__estimator__alpha": 0.05}
        guess = cross_val_predict(pipeline, X, y, cv=3)
        assert guess.shape == (80, 4)

    def test_copies_pickles_and_names(self):
        X, y = draw()
        model = MixedTargets(GroupLassoRegressor(0.05), loss=COUNTS).fit(X, y)
        shown = "MixedTargets(estimator=GroupLassoRegressor(alpha=0.05), noise=None)"
        assert repr(MixedTargets(GroupLassoRegressor(0.05), noise=None)) == shown
        assert repr(model) == repr(clone(model))
        again = pickle.loads(pickle.dumps(model))
        pd.testing.assert_frame_equal(again.predict(X), model.predict(X))
        fresh = clone(model).set_params(estimator__alpha=0.1, noise=None)
        assert not hasattr(fresh, "coef_") and model.estimator.alpha == 0.05
        assert fresh.estimator.alpha == 0.1
        assert model.estimator.get_params() == GroupLassoRegressor(0.05).get_params()
        assert not hasattr(model.estimator, "coef_")

    def test_a_fit_without_estimator_selects_features_of_all_columns(self):
        X, y = draw(d=3)
        model = MixedTargets(loss=COUNTS).fit(X, y)
        assert isinstance(model.estimator_, GroupLassoRegressorCV)
        alone = IndependentTasks(LinearRegression()).fit(X, y[["price", "weight"]])
        assert model.scores(X, y)["price"] > 0.9 * alone.score(X, y[["price", "weight"]])

    def test_weights_of_tasks_come_beside_their_noise(self):
        X, y = draw()
        fits = []
        for weight in ({"price": 1e6}, {"price": 1e6, "weight": 1e-3}):
            estimator = GroupLassoRegressor(300.0, task_weight=weight)
            fits.append(MixedTargets(estimator, loss=COUNTS).fit(X, y))
        # a column that counts for all others is selected for alone
        alone = MixedTargets(GroupLassoRegressor(300.0 / 1e6 / 4)).fit(X, y[["price"]])
        np.testing.assert_allclose(fits[0].coef_[0], alone.coef_[0], rtol=1e-2)
        assert abs(fits[1].coef_[1]).max() < abs(fits[0].coef_[1]).max()


def test_clusters_of_other_losses_start_from_the_last_fit():
    X, y = draw()
    Y = np.column_stack([y["visits"], y["visits"][::-1], y["visits"] + 1])
    model = ClusteredTasksRegressor(0.2, loss="poisson", warm_start=True, tol=1e-10).fit(X, Y)
    first = model.coef_
    np.testing.assert_allclose(model.fit(X, Y).coef_, first, atol=1e-6)


@pytest.mark.parametrize(("number", "rows"), [(1.5, 1), (1.5, 60)])
def test_a_column_with_one_number_is_that_number(number, rows):
    X, y = draw()
    column = np.full(len(y), np.nan)
    column[:rows] = number
    more = y.assign(single=column)
    model = MixedTargets(GroupLassoRegressor(0.1), loss=COUNTS).fit(X, more)
    assert model.loss_ == KINDS | {"single": "squared"}
    np.testing.assert_allclose(model.predict(X)["single"].astype(float), number, rtol=1e-9)
    np.testing.assert_allclose(model.coef_[-1], 0.0, atol=1e-12)
