"""Logistic random slopes: limits, averaged probabilities, weights, units, and hard tables."""

import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss

from mtlearn import RandomSlopesClassifier, make_table_pipeline
from mtlearn.exceptions import UnidentifiedVarianceWarning

from ..checks import STRICT
from ..selection.likelihood.dense_laplace import Labels, draw_labels

pytestmark = STRICT

COVARIANCES = ["common", "diagonal", "full"]
NAMES = ("coef_", "intercept_", "covariance_", "coef_std_", "log_likelihood_", "mean_coef_")


def fit(rows, **parameters):
    """The model on labelled rows; weights only where there are some."""
    weight = None if (rows.weight == 1).all() else rows.weight
    model = RandomSlopesClassifier(tol=1e-9, **parameters)
    model.set_params(fit_intercept=rows.levels == "pooled")
    return model.fit(rows.X, rows.y, sample_weight=weight, task=rows.task)


def repeated(rows):
    often = rows.weight.astype(int)
    X, y, task = (np.repeat(v, often, axis=0) for v in (rows.X, rows.y, rows.task))
    return Labels(X, y, task, np.ones(len(y)), rows.levels)


def people(seed, *, n_tasks=200, rows=12, sd=(1.0, 1.5, 0.0), d=2):
    """Labels drawn from the model, and coefficients (level, slopes) of tasks."""
    rng = np.random.default_rng(seed)
    task = np.repeat(np.arange(n_tasks), rows)
    X = rng.normal(size=(len(task), d))
    lines = np.r_[0.2, np.full(d, 0.7)] + rng.normal(size=(n_tasks, d + 1)) * sd
    f = lines[task, 0] + np.sum(X * lines[task, 1:], axis=1)
    return X, rng.random(len(task)) < expit(f), task, lines


class TestLimits:
    @pytest.mark.parametrize("way", ["single", "one task"])
    def test_one_task_is_logistic_regression(self, way):
        X, y, _, _ = people(0, n_tasks=10)
        own = {} if way == "single" else {"task": np.zeros(len(y))}
        with pytest.warns(UnidentifiedVarianceWarning, match="there is one task"):
            model = RandomSlopesClassifier(average_proba=False).fit(X, y, **own)
        truth = LogisticRegression(C=np.inf, tol=1e-12, max_iter=1000).fit(X, y)
        np.testing.assert_allclose(model.coef_, truth.coef_, rtol=1e-6)
        np.testing.assert_allclose(model.intercept_, truth.intercept_, rtol=1e-6)
        given = model.predict_proba(X, **own)
        np.testing.assert_allclose(given, truth.predict_proba(X), atol=1e-7)
        p = given[:, 1]
        Z = np.column_stack([np.ones(len(y)), X - X.mean(axis=0)])
        cov = np.linalg.inv(Z.T @ ((p * (1 - p))[:, None] * Z))
        np.testing.assert_allclose(model.mean_coef_covariance_, cov, rtol=1e-6, atol=1e-10)
        np.testing.assert_allclose(model.coef_std_[0], np.sqrt(np.diag(cov)[1:]), rtol=1e-6)

    @pytest.mark.parametrize("ridge", [0.01, 1.0])
    def test_a_ridge_on_what_tasks_share(self, ridge):
        X, y, _, _ = people(1, n_tasks=10)
        with pytest.warns(UnidentifiedVarianceWarning):
            model = RandomSlopesClassifier(alpha_mean=ridge).fit(X, y)
        truth = LogisticRegression(C=1 / (ridge * len(y)), tol=1e-12).fit(X, y)
        np.testing.assert_allclose(model.coef_, truth.coef_, rtol=1e-5)
        assert model.alpha_mean_ == ridge

    def test_no_shared_slopes(self):
        X, y, task, _ = people(2)
        model = RandomSlopesClassifier(alpha_mean=np.inf).fit(X, y, task=task)
        assert (model.mean_coef_ == 0).all() and (model.mean_coef_std_ == 0).all()
        assert model.slope_std_[1] > 0.3  # what tasks have in common is now a difference

    def test_variances_are_those_that_were_drawn(self):
        X, y, task, _ = people(3, n_tasks=800, rows=40)
        model = RandomSlopesClassifier().fit(X, y, task=task)
        assert model.intercept_std_ == pytest.approx(1.0, rel=0.1)
        np.testing.assert_allclose(model.slope_std_, [1.5, 0.0], atol=0.15)
        np.testing.assert_allclose(model.mean_coef_, 0.7, atol=4 * model.mean_coef_std_.max())
        assert model.dual_gap_ <= 1e-10 and model.gradient_norm_ <= 1e-6

    def test_a_ridge_that_is_estimated(self):
        rng = np.random.default_rng(4)
        X, task = rng.normal(size=(1500, 30)), np.repeat(np.arange(60), 25)
        w = 0.3 * rng.normal(size=30)
        y = rng.random(1500) < expit(X @ w)
        model = RandomSlopesClassifier(alpha_mean="auto", covariance="common")
        model.fit(X, y, task=task)
        assert 1 / (model.alpha_mean_ * 1500) == pytest.approx(0.3**2, rel=0.6)


class TestProbabilities:
    def test_they_are_averaged_by_the_probit_approximation(self):
        X, y, task, _ = people(5)
        model = RandomSlopesClassifier(unseen_task="mean").fit(X, y, task=task)
        plug_in = RandomSlopesClassifier(unseen_task="mean", average_proba=False)
        plug_in.fit(X, y, task=task)
        asked = np.r_[task[:50], np.full(50, -1)]
        f = plug_in.decision_function(X[:100], task=asked)
        Z = np.column_stack([np.ones(100), X[:100] - model.center_])
        own = np.concatenate([model.coef_covariance_[asked[:50]], np.empty((50, 3, 3))])
        own[50:] = model.covariance_ + model.mean_coef_covariance_
        variance = np.einsum("ij,ijk,ik->i", Z, own, Z)
        skew = np.concatenate([model.coef_skew_[asked[:50]], np.zeros((50, 3))])
        p = expit((f + np.sum(Z * skew, axis=1)) / np.sqrt(1 + np.pi * variance / 8))
        np.testing.assert_allclose(model.predict_proba(X[:100], task=asked)[:, 1], p, rtol=1e-9)
        np.testing.assert_allclose(plug_in.predict_proba(X[:100], task=asked)[:, 1], expit(f))
        p = model.predict_proba(X, task=task)[:, 1]
        assert (model.predict(X, task=task) == (p > 0.5)).all()
        logs = model.predict_log_proba(X[:100], task=asked)
        np.testing.assert_allclose(logs, np.log(model.predict_proba(X[:100], task=asked)))

    @pytest.mark.parametrize("rows", [4, 10])
    def test_of_small_tasks_they_have_the_lower_log_loss(self, rows):
        gains = []
        for seed in range(5):
            X, y, task, lines = people(seed, n_tasks=300, rows=rows)
            rng = np.random.default_rng(100 + seed)
            new = rng.normal(size=(3000, 2))
            of = rng.integers(0, 300, 3000)
            f = lines[of, 0] + np.sum(new * lines[of, 1:], axis=1)
            truth = rng.random(3000) < expit(f)
            losses = [
                log_loss(truth, m.fit(X, y, task=task).predict_proba(new, task=of))
                for m in (
                    RandomSlopesClassifier(),
                    RandomSlopesClassifier(average_proba=False),
                )
            ]
            gains.append(losses[1] - losses[0])
        assert np.mean(gains) > 0.001 and np.sum(np.array(gains) > 0) >= 4

    def test_means_are_off_modes_by_what_quadrature_says(self):
        """Levels alone, of tasks of ten labels: exact means given the fitted variance."""
        X, y, task, _ = people(22, n_tasks=100, rows=10, sd=(1.5, 0.0, 0.0))
        X = np.zeros((len(y), 1))
        model = RandomSlopesClassifier().fit(X, y, task=task)
        l_0, sd = model.mean_intercept_, model.intercept_std_
        ones, u = np.bincount(task, y), np.linspace(-12, 12, 4001)
        for t in range(20):
            logs = ones[t] * (l_0 + u) - 10 * np.logaddexp(0, l_0 + u) - 0.5 * (u / sd) ** 2
            density = np.exp(logs - logs.max())
            mean = l_0 + density @ u / density.sum()
            mode = model.intercept_[t]
            assert abs(mode + model.coef_skew_[t, 0] - mean) < 0.35 * abs(mode - mean) + 0.01
            spread = np.sqrt(density @ (u + l_0 - mean) ** 2 / density.sum())
            assert model.intercept_std_error_[t] == pytest.approx(spread, rel=0.2)

    def test_they_are_calibrated_for_tasks_that_were_not_seen(self):
        p, truth = [], []
        for seed in range(6):
            X, y, task, _ = people(seed, n_tasks=300, rows=20, sd=(1.5, 2.0, 0.0))
            model = RandomSlopesClassifier(unseen_task="mean").fit(X, y, task=task)
            other, labels, _, _ = people(50 + seed, n_tasks=3000, rows=5, sd=(1.5, 2.0, 0.0))
            p.append(model.predict_proba(other, task=np.full(len(labels), -1))[:, 1])
            truth.append(labels)
        p, truth = np.concatenate(p), np.concatenate(truth)
        for low in (0.2, 0.35, 0.5, 0.65):
            some = (p >= low) & (p < low + 0.15)
            assert truth[some].mean() == pytest.approx(p[some].mean(), abs=0.03)

    def test_coefficients_are_as_sure_as_they_say(self):
        covered, shared = [], []
        for seed in range(6):
            X, y, task, lines = people(seed, n_tasks=150, rows=40, sd=(1.0, 1.0, 1.0))
            model = RandomSlopesClassifier().fit(X, y, task=task)
            off = np.abs(model.coef_ - lines[:, 1:]) / model.coef_std_
            covered.append(off < 1.645)
            shared.append(np.abs(model.mean_coef_ - 0.7) / model.mean_coef_std_)
        assert 0.87 < np.mean(covered) < 0.93
        assert np.mean(np.array(shared) < 1.645) > 0.7

    def test_without_covariances_there_is_the_plug_in(self):
        X, y, task, _ = people(8, n_tasks=30)
        model = RandomSlopesClassifier(store_covariance=False, average_proba=False)
        model.fit(X, y, task=task)
        assert not hasattr(model, "coef_covariance_") and model.coef_std_.shape == (30, 2)
        f = np.sum(model.coef_[task] * X, axis=1) + model.intercept_[task]
        np.testing.assert_allclose(model.predict_proba(X, task=task)[:, 1], expit(f))


class TestUnits:
    @pytest.mark.parametrize("covariance", COVARIANCES)
    def test_where_a_feature_has_its_zero_does_not_matter(self, covariance):
        rows = draw_labels(1, n_tasks=20)
        one = fit(rows, covariance=covariance)
        two = fit(replace(rows, X=rows.X + [1000.0, -50.0]), covariance=covariance)
        for name in ("coef_", "covariance_", "log_likelihood_", "coef_std_"):
            np.testing.assert_allclose(getattr(two, name), getattr(one, name), 1e-5, 1e-7)
        moved = one.intercept_ - one.coef_ @ [1000.0, -50.0]
        np.testing.assert_allclose(two.intercept_, moved, rtol=1e-6)

    @pytest.mark.parametrize("covariance", ["diagonal", "full"])
    @pytest.mark.parametrize("scale", [[1e8, 1e-8], [1e-8, 1e-8], [1e80, 1e90]])
    def test_units_of_features_do_not_matter(self, covariance, scale):
        rows, scale = draw_labels(3, n_tasks=25), np.array(scale)
        one = fit(rows, covariance=covariance)
        two = fit(replace(rows, X=rows.X * scale), covariance=covariance)
        unit = np.append(1.0, 1 / scale)
        np.testing.assert_allclose(two.coef_ * scale, one.coef_, rtol=1e-5, atol=1e-7)
        np.testing.assert_allclose(two.coef_std_ * scale, one.coef_std_, rtol=1e-5)
        np.testing.assert_allclose(
            two.covariance_ / np.outer(unit, unit), one.covariance_, rtol=1e-5, atol=1e-7
        )
        moved = np.log(scale).sum()  # flat coefficients have units
        assert two.log_likelihood_ == pytest.approx(one.log_likelihood_ - moved, abs=1e-6)


class TestWeights:
    @pytest.mark.parametrize("method", ["reml", "ml"])
    @pytest.mark.parametrize("covariance", COVARIANCES)
    def test_whole_ones_repeat_rows(self, covariance, method):
        rows = draw_labels(3, n_tasks=15, weights="whole")
        own = {"covariance": covariance, "method": method, "shrinkage": 0.5}
        once, again = (fit(r, **own) for r in (rows, repeated(rows)))
        for name in NAMES:
            np.testing.assert_allclose(getattr(once, name), getattr(again, name), atol=1e-6)

    def test_others_have_no_scale(self):
        rows = draw_labels(4, n_tasks=15)
        weight = np.random.default_rng(0).uniform(0.3, 2, len(rows.y))
        one, two = (fit(replace(rows, weight=weight * c)) for c in (1.0, 0.01))
        for name in NAMES:
            np.testing.assert_allclose(getattr(one, name), getattr(two, name), rtol=1e-7)

    def test_class_weights_are_sample_weights(self):
        rows = draw_labels(5, n_tasks=15)
        s = np.where(rows.y == 1, 3.0, 1.0)
        one = fit(rows, class_weight={0.0: 1.0, 1.0: 3.0})
        two = fit(replace(rows, weight=s * len(s) / s.sum()))
        for name in NAMES:
            np.testing.assert_allclose(getattr(one, name), getattr(two, name), atol=1e-7)


class TestWaysIn:
    def test_a_column_of_labels_is_as_good(self):
        X, y, task, _ = people(9, n_tasks=40)
        beside = RandomSlopesClassifier().fit(X, y, task=task)
        frame = pd.DataFrame({"a": X[:, 0], "who": [f"p{t:03}" for t in task], "b": X[:, 1]})
        model = RandomSlopesClassifier(task_column="who").fit(frame, y)
        np.testing.assert_allclose(model.coef_, beside.coef_, rtol=1e-9)
        np.testing.assert_allclose(model.predict_proba(frame), beside.predict_proba(X, task))

    @pytest.mark.parametrize("holes", [False, True])
    def test_several_targets(self, holes):
        """Levels are free: of targets alike in all but the level, slopes do not differ."""
        rng = np.random.default_rng(10)
        X, level = rng.normal(size=(800, 2)), np.array([-1.0, 0.0, 1.0, 2.0])
        Y = (rng.random((800, 4)) < expit(X @ [[1.0], [-0.5]] + level)).astype(float)
        if holes:
            Y[rng.random(Y.shape) < 0.3] = np.nan
        model = RandomSlopesClassifier(average_proba=False).fit(X, Y)
        assert model.slope_std_.max() < 0.3 and model.intercept_std_ == np.inf
        p = model.predict_proba(X)
        seen = ~np.isnan(Y)
        left = np.where(seen, Y - p, 0.0)
        np.testing.assert_allclose(left.sum(axis=0), 0, atol=1e-6)  # best levels
        np.testing.assert_allclose(model.intercept_, level, atol=0.6)
        assert model.mean_intercept_ == pytest.approx(model.intercept_.mean(), abs=0.05)

    def test_holes_leave_rows_out_of_a_target(self):
        """As labelled rows do, but for the level: without levels the two are one model."""
        rng = np.random.default_rng(11)
        X = rng.normal(size=(150, 2))
        Y = (rng.random((150, 6)) < expit(X @ rng.normal(size=(2, 6)))).astype(float)
        Y[rng.random(Y.shape) < 0.3] = np.nan
        several = RandomSlopesClassifier(fit_intercept=False, tol=1e-9).fit(X, Y)
        task, row = np.nonzero(~np.isnan(Y).T)
        stacked = RandomSlopesClassifier(fit_intercept=False, tol=1e-9)
        stacked.fit(X[row], Y[row, task], task=task)
        for name in NAMES:
            np.testing.assert_allclose(getattr(several, name), getattr(stacked, name), atol=1e-6)
        many = several.predict_proba(X)[row, task]
        np.testing.assert_allclose(many, stacked.predict_proba(X[row], task=task)[:, 1], atol=1e-7)

    def test_more_classes_are_fitted_one_against_the_others(self):
        X, _, task, lines = people(12, n_tasks=40, rows=30)
        f = np.sum(X * lines[task, 1:], axis=1)
        noise = np.random.default_rng(0).logistic(size=len(f))
        y = np.array(["a", "b", "c"])[np.digitize(f + noise, [-1, 1])]
        model = RandomSlopesClassifier(unseen_task="mean").fit(X, y, task=task)
        assert model.coef_.shape == (40, 3, 2) and model.covariance_.shape == (3, 3, 3)
        assert model.coef_covariance_.shape == (40, 3, 3, 3)
        p = model.predict_proba(X, task=task)
        each = []
        for k, name in enumerate("abc"):
            one = RandomSlopesClassifier().fit(X, y == name, task=task)
            np.testing.assert_allclose(model.coef_[:, k], one.coef_, atol=1e-5)
            np.testing.assert_allclose(model.slope_std_[k], one.slope_std_, atol=1e-5)
            each.append(one.predict_proba(X, task=task)[:, 1])
        each = np.stack(each, axis=1)
        np.testing.assert_allclose(p, each / each.sum(axis=1, keepdims=True), atol=1e-6)
        assert (model.predict(X, task=task) == model.classes_[p.argmax(axis=1)]).all()
        assert model.predict_proba(X[:3], task=[-1, -1, 0]).shape == (3, 3)

    def test_in_a_table_pipeline(self):
        X, y, task, _ = people(13, n_tasks=30)
        frame = pd.DataFrame({"a": X[:, 0] * 100 + 7, "b": X[:, 1], "who": task.astype(str)})
        model = make_table_pipeline(RandomSlopesClassifier(task_column="who")).fit(frame, y)
        alone = RandomSlopesClassifier().fit(X, y, task=task)
        np.testing.assert_allclose(
            model.predict_proba(frame), alone.predict_proba(X, task=task), atol=1e-4
        )


class TestHardTables:
    def test_tasks_of_one_class_need_no_rule_of_their_own(self):
        X, y, task, _ = people(14, n_tasks=60, rows=6, sd=(4.0, 1.0, 0.0))
        lacking = [len(set(y[task == t])) == 1 for t in range(60)]
        assert np.mean(lacking) > 0.2
        model = RandomSlopesClassifier().fit(X, y, task=task)  # and no warning
        assert np.isfinite(model.coef_).all() and model.intercept_std_ < 10
        for t in np.flatnonzero(lacking):
            p = model.predict_proba(X[task == t], task=task[task == t])[:, 1]
            assert ((p > 0.5) == y[task == t]).mean() > 0.8

    @pytest.mark.parametrize("covariance", COVARIANCES)
    def test_tasks_that_are_told_apart_without_error(self, covariance):
        rng = np.random.default_rng(15)
        X, task = rng.normal(size=(400, 2)), np.repeat(np.arange(20), 20)
        y = np.sum(X * rng.normal(size=(20, 2))[task], axis=1) > 0
        model = RandomSlopesClassifier(covariance=covariance).fit(X, y, task=task)
        assert np.isfinite(model.coef_).all() and model.score(X, y, task=task) > 0.95

    @pytest.mark.parametrize("method", ["reml", "ml"])
    def test_classes_that_one_model_tells_apart(self, method):
        rng = np.random.default_rng(16)
        X, task = rng.normal(size=(200, 2)), np.repeat(np.arange(10), 20)
        y = X @ [1.0, 1.0] > 0
        with pytest.warns(UserWarning, match=r"no finite best value: alpha_mean=0\.001"):
            model = RandomSlopesClassifier(method=method).fit(X, y, task=task)
        assert model.alpha_mean_ == 0.001 and np.isfinite(model.coef_).all()
        assert model.score(X, y, task=task) > 0.97
        given = RandomSlopesClassifier(method=method, alpha_mean=0.01).fit(X, y, task=task)
        assert given.alpha_mean_ == 0.01

    def test_one_row_a_task(self):
        X, y, _, _ = people(17, n_tasks=30)
        with pytest.warns(UnidentifiedVarianceWarning, match=r"the level, 0, 1 is not known"):
            model = RandomSlopesClassifier().fit(X, y, task=np.arange(len(y)))
        truth = LogisticRegression(C=np.inf, tol=1e-12).fit(X, y)
        np.testing.assert_allclose(model.mean_coef_, truth.coef_[0], rtol=1e-5)
        assert (model.covariance_ == 0).all()

    @pytest.mark.parametrize("covariance", COVARIANCES)
    def test_a_constant_column_and_one_that_is_there_twice(self, covariance):
        X, y, task, _ = people(18, n_tasks=40, rows=20)
        more = np.column_stack([X, np.full(len(y), 3.0), X[:, 1]])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UnidentifiedVarianceWarning)
            model = RandomSlopesClassifier(covariance=covariance).fit(more, y, task=task)
        assert (model.coef_[:, 2] == 0).all() and model.slope_std_[2] == 0
        np.testing.assert_allclose(model.mean_coef_[1], model.mean_coef_[3], rtol=1e-6)
        if covariance == "diagonal":
            one = RandomSlopesClassifier().fit(X, y, task=task)
            np.testing.assert_allclose(
                model.predict_proba(more, task=task), one.predict_proba(X, task=task), atol=1e-5
            )

    def test_a_target_of_one_class_over_one_x(self):
        rng = np.random.default_rng(19)
        X = rng.normal(size=(60, 2))
        Y = (rng.random((60, 4)) < expit(X @ rng.normal(size=(2, 4)))).astype(float)
        Y[:, 2] = 1.0
        with pytest.warns(UserWarning, match=r"1 column saw one class only.*labelled by task"):
            model = RandomSlopesClassifier(average_proba=False).fit(X, Y)
        assert np.isfinite(model.intercept_).all()
        assert model.predict_proba(X)[:, 2].mean() == pytest.approx(60.5 / 61, abs=1e-6)

    def test_more_columns_than_rows(self):
        rng = np.random.default_rng(20)
        X, task = rng.normal(size=(40, 60)), np.repeat(np.arange(8), 5)
        y = rng.random(40) < 0.5
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            model = RandomSlopesClassifier().fit(X, y, task=task)
        assert any("no finite best value" in str(one.message) for one in said)
        assert np.isfinite(model.coef_).all() and model.dual_gap_ <= 1e-8

    def test_large_variances_take_few_steps(self):
        X, y, task, _ = people(21, n_tasks=150, rows=40, sd=(3.0, 2.0, 1.0))
        for covariance in COVARIANCES:
            model = RandomSlopesClassifier(covariance=covariance).fit(X, y, task=task)
            assert model.n_iter_ <= 30 and model.gradient_norm_ <= 1e-6
