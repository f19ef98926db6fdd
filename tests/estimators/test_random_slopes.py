"""Random slopes: lme4's figures, the textbook's matrices, limits, and honest intervals."""

import warnings
from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse
from scipy.stats import norm
from sklearn.linear_model import LinearRegression, Ridge

from mtlearn import MeanRegularizedRegressor, RandomSlopesRegressor, make_table_pipeline
from mtlearn.datasets import load
from mtlearn.datasets.tables import read_table
from mtlearn.exceptions import UnidentifiedVarianceWarning, UnseenTaskWarning

from ..checks import STRICT
from ..selection.likelihood.dense import Rows, draw, repeated

pytestmark = STRICT

COVARIANCES = ["common", "diagonal", "full"]


def fit(rows, **parameters):
    """The model on labelled rows; weights only where there are some."""
    weight = None if (rows.weight == 1).all() else rows.weight
    model = RandomSlopesRegressor(tol=1e-9, **parameters)
    model.set_params(fit_intercept=rows.levels == "pooled")
    return model.fit(rows.X, rows.y, sample_weight=weight, task=rows.task)


class TestSleepstudy:
    """Bates, Mächler, Bolker and Walker (2015). Fitting linear mixed-effects models using lme4."""

    @pytest.fixture
    def study(self):
        return read_table("lme4", "sleepstudy")

    def model(self, study, **parameters):
        model = RandomSlopesRegressor(**parameters)
        return model.fit(study[["Days"]], study["Reaction"], task=study["Subject"])

    def test_restricted_likelihood(self, study):
        model = self.model(study, covariance="full", shrinkage=0)
        assert -2 * model.log_likelihood_ == pytest.approx(1743.628, abs=5e-4)
        at_zero = np.append(1.0, -model.center_)
        level = np.sqrt(at_zero @ model.covariance_ @ at_zero)
        assert level == pytest.approx(24.741, abs=1e-3)
        assert model.slope_std_[0] == pytest.approx(5.922, abs=5e-4)
        correlation = at_zero @ model.covariance_[:, 1] / (level * model.slope_std_[0])
        assert correlation == pytest.approx(0.066, abs=5e-4)
        assert model.noise_std_ == pytest.approx(25.592, abs=5e-4)
        assert model.mean_intercept_ == pytest.approx(251.405, abs=5e-4)
        assert model.mean_coef_[0] == pytest.approx(10.467, abs=5e-4)
        assert model.mean_intercept_std_ == pytest.approx(6.825, abs=5e-4)
        assert model.mean_coef_std_[0] == pytest.approx(1.546, abs=5e-4)
        assert model.n_iter_ <= 15 and model.gradient_norm_ < 1e-6

    def test_likelihood(self, study):
        model = self.model(study, covariance="full", shrinkage=0, method="ml")
        assert -2 * model.log_likelihood_ == pytest.approx(1751.939, abs=5e-4)
        at_zero = np.append(1.0, -model.center_)
        level = np.sqrt(at_zero @ model.covariance_ @ at_zero)
        assert level == pytest.approx(23.780, abs=1e-3)
        assert model.slope_std_[0] == pytest.approx(5.717, abs=5e-4)
        assert model.mean_intercept_std_ == pytest.approx(6.632, abs=5e-4)
        assert model.mean_coef_std_[0] == pytest.approx(1.502, abs=5e-4)

    def test_diagonal_is_another_model_than_uncorrelated_at_day_zero(self, study):
        """lme4's ``||`` at day 0 has the criterion 1743.669; ours is lme4's on days since 4.5."""
        model = self.model(study)
        assert -2 * model.log_likelihood_ == pytest.approx(1753.549, abs=5e-4)
        assert model.covariance_[0, 1] == 0


# The restricted log likelihood that statsmodels 0.15.0 reports for the problems of `peer_problem`:
# MixedLM(y, Z, groups=task, exog_re=Z).fit(reml=True), with its own retries. Starred are fits that
# it warns of as not converged, 11 of 30.
STATSMODELS = """
-537.21018 -323.82077 -452.37812 -374.46124* -424.0892* -386.68512 -355.66633 -611.46217 -365.1064
-269.43092* -440.6945 -124.65292 -326.68518* -508.42741* -117.82892* -649.18872 -335.3294 -458.82375
-507.554* -333.5866 -491.46844 -234.03968 -365.78686* -62.85244* -234.87003* -275.55257 -555.08323
-81.66015* -334.65833 -379.44903""".split()


def peer_problem(seed):
    """Unequal groups; every fifth problem has no random effects, others a singular covariance."""
    rng = np.random.default_rng(seed)
    n_tasks, d = int(rng.integers(6, 40)), int(rng.integers(1, 4))
    k, sizes = d + 1, rng.integers(2, 15, n_tasks)
    if sizes.sum() < n_tasks * k:
        sizes += 2
    task = np.repeat(np.arange(n_tasks), sizes)
    X = rng.standard_normal((len(task), d))
    rank = [k, k, max(1, k - 1), 1, 0][seed % 5]
    L = rng.standard_normal((k, max(rank, 1))) * (rank > 0) * rng.choice([0.3, 1.0, 2.0])
    V = rng.standard_normal((n_tasks, max(rank, 1))) @ L.T
    Z = np.column_stack([np.ones(len(task)), X])
    y = Z @ rng.standard_normal(k) + np.sum(Z * V[task], axis=1) + rng.standard_normal(len(task))
    return X, y, task


@pytest.mark.parametrize("seed, theirs", list(enumerate(STATSMODELS)))
def test_statsmodels_is_met_or_beaten(seed, theirs):
    X, y, task = peer_problem(seed)
    model = RandomSlopesRegressor(covariance="full", shrinkage=0).fit(X, y, task=task)
    assert model.log_likelihood_ >= float(theirs.rstrip("*")) - 1e-5
    assert model.gradient_norm_ <= 1e-6 and model.n_iter_ <= 15


@pytest.mark.parametrize("weights", [None, "whole", "relative"])
@pytest.mark.parametrize("alpha_mean", [0.0, 0.02])
@pytest.mark.parametrize("method", ["reml", "ml"])
@pytest.mark.parametrize("covariance", COVARIANCES)
@pytest.mark.parametrize("levels", ["pooled", "none"])
def test_attributes_are_those_of_the_textbook(levels, covariance, method, alpha_mean, weights):
    rows = draw(1, levels=levels, weights=weights, n_tasks=12)
    model = fit(rows, covariance=covariance, method=method, alpha_mean=alpha_mean)
    Sigma, sigma2 = model.covariance_, model.noise_std_**2
    restricted = method == "reml"
    likely = repeated(rows) if weights == "whole" else rows
    value = likely.criterion(Sigma, sigma2, restricted=restricted, ridge=alpha_mean)
    assert -2 * model.log_likelihood_ == pytest.approx(value, abs=1e-7)
    np.testing.assert_allclose(model.center_, rows.center)
    fixed, own, C = rows.mixed_model_equations(Sigma, sigma2, alpha_mean)
    np.testing.assert_allclose(model.mean_coef_, fixed[-2:], rtol=1e-7)
    np.testing.assert_allclose(model.coef_, fixed[-2:] + own[:, 1:], rtol=1e-6)
    level = fixed[0] if levels == "pooled" else 0.0
    assert model.mean_intercept_ == pytest.approx(level - rows.center @ fixed[-2:], abs=1e-8)
    intercepts = level + own[:, 0] - model.coef_ @ rows.center
    np.testing.assert_allclose(model.intercept_, intercepts, atol=1e-8)
    p, d = len(fixed), 2
    J = np.zeros((d + 1, len(C)))
    J[1:, p - d : p] = np.eye(d)
    J[0, 0] = levels == "pooled"
    at_zero = np.append(float(levels == "pooled"), -rows.center)
    of_shared = J @ C @ J.T
    np.testing.assert_allclose(model.mean_coef_covariance_, of_shared, rtol=1e-6, atol=1e-12)
    np.testing.assert_allclose(model.mean_coef_std_, np.sqrt(np.diag(of_shared)[1:]), rtol=1e-6)
    assert model.mean_intercept_std_ == pytest.approx(np.sqrt(at_zero @ of_shared @ at_zero))
    for t in range(rows.n_tasks):
        K = J.copy()
        K[:, p + t * (d + 1) + np.arange(d + 1)] += np.eye(d + 1)
        cov = K @ C @ K.T
        np.testing.assert_allclose(model.coef_covariance_[t], cov, rtol=1e-5, atol=1e-10)
        np.testing.assert_allclose(model.coef_std_[t], np.sqrt(np.diag(cov)[1:]), rtol=1e-5)
        error = np.sqrt(at_zero @ cov @ at_zero)
        assert model.intercept_std_error_[t] == pytest.approx(error, rel=1e-5, abs=1e-9)
    new = np.random.default_rng(0).normal(size=(8, d)) + 3
    z = np.hstack([np.ones((8, 1)), new - rows.center])
    mean, std = model.predict(new, task=np.arange(8), return_std=True)
    np.testing.assert_array_equal(mean, model.predict(new, task=np.arange(8)))
    form = np.einsum("ij,ijk,ik->i", z, model.coef_covariance_[:8], z)
    np.testing.assert_allclose(std, np.sqrt(sigma2 + form))
    with pytest.warns(UnseenTaskWarning):
        mean, std = model.predict(new, task=np.full(8, 99), return_std=True)
    np.testing.assert_allclose(mean, new @ model.mean_coef_ + model.mean_intercept_)
    form = np.einsum("ij,jk,ik->i", z, Sigma + of_shared, z)
    np.testing.assert_allclose(std, np.sqrt(sigma2 + form), rtol=1e-6)


class TestSeveralTargets:
    def data(self, holes):
        rng = np.random.default_rng(3)
        X = rng.normal(size=(40, 3)) + [5.0, 0.0, -2.0]
        W = rng.normal(size=3) + rng.normal(size=(5, 3)) * [0.0, 0.3, 0.8]
        Y = (X @ W.T + rng.normal(size=5) * 3 + rng.normal(size=(40, 5))) * [1, 5, 0.2, 30, 1]
        if holes:
            Y[rng.random(Y.shape) < 0.3] = np.nan
        return X, Y

    def stacked(self, model, X, Y):
        """The scaled targets as rows with a free level for each."""
        row, task = np.nonzero(~np.isnan(Y))
        y = (Y / model.target_scale_)[row, task]
        noise = (model.noise_std_ / model.target_scale_)[task] ** 2
        return Rows(X[row], y, task, np.ones(len(y)), "free", 1 / noise)

    @pytest.mark.parametrize("method", ["reml", "ml"])
    @pytest.mark.parametrize("covariance", COVARIANCES)
    @pytest.mark.parametrize("holes", [False, True])
    def test_are_rows_with_free_levels_and_scaled_targets(self, holes, covariance, method):
        X, Y = self.data(holes)
        model = RandomSlopesRegressor(covariance=covariance, method=method, tol=1e-9).fit(X, Y)
        np.testing.assert_allclose(model.target_scale_, np.nanstd(Y, axis=0))
        rows = self.stacked(model, X, Y)
        scale, sigma = model.target_scale_, model.noise_std_ / model.target_scale_
        assert np.isinf(model.intercept_std_)
        Sigma = model.covariance_.copy()
        Sigma[0, 0] = 0.0
        value = rows.criterion(Sigma, 1.0, restricted=method == "reml")
        count = np.bincount(rows.task)
        in_units = value + 2 * (count - 1) @ np.log(scale)
        assert -2 * model.log_likelihood_ == pytest.approx(in_units, abs=1e-7)
        fixed, own, C = rows.mixed_model_equations(Sigma, 1.0)
        np.testing.assert_allclose(model.mean_coef_, fixed[5:], rtol=1e-6)
        W = fixed[5:] + own[:, 1:]
        np.testing.assert_allclose(model.coef_, W * scale[:, None], rtol=1e-6)
        levels = fixed[:5] * scale
        np.testing.assert_allclose(model.intercept_, levels - model.coef_ @ rows.center, rtol=1e-6)
        new = np.random.default_rng(1).normal(size=(7, 3))
        mean, std = model.predict(new, return_std=True)
        assert mean.shape == std.shape == (7, 5)
        for t in range(5):
            J = np.zeros((4, len(C)))
            J[0, t], J[1:, 5:8] = 1.0, np.eye(3)
            J[:, 8 + 4 * t + np.arange(4)] += np.eye(4)
            cov = J @ C @ J.T
            np.testing.assert_allclose(
                model.coef_covariance_[t], cov * scale[t] ** 2, rtol=1e-5, atol=1e-9
            )
            z = np.hstack([np.ones((7, 1)), new - rows.center])
            form = np.einsum("ij,jk,ik->i", z, cov, z) + sigma[t] ** 2
            np.testing.assert_allclose(std[:, t], np.sqrt(form) * scale[t], rtol=1e-6)

    @pytest.mark.parametrize("method", ["reml", "ml"])
    @pytest.mark.parametrize("covariance", ["common", "diagonal"])
    def test_no_other_noise_of_a_target_is_better(self, covariance, method):
        X, Y = self.data(True)
        model = RandomSlopesRegressor(covariance=covariance, method=method, tol=1e-9).fit(X, Y)
        rows, Sigma = self.stacked(model, X, Y), model.covariance_.copy()
        Sigma[0, 0] = 0.0
        best = rows.criterion(Sigma, 1.0, restricted=method == "reml")
        for t in range(5):
            for factor in (0.99, 1.01):
                precision = np.where(rows.task == t, factor, 1.0) * rows.precision
                other = replace(rows, precision=precision)
                assert other.criterion(Sigma, 1.0, restricted=method == "reml") > best

    def test_targets_of_much_and_of_little_noise_have_intervals_of_their_own(self):
        rng = np.random.default_rng(0)
        X = rng.normal(size=(300, 4))
        W = rng.normal(size=4) + 0.5 * rng.normal(size=(6, 4))
        noise = np.geomspace(0.05, 5.0, 6)
        Y = X @ W.T + noise * rng.normal(size=(300, 6))
        model = RandomSlopesRegressor().fit(X[:150], Y[:150])
        np.testing.assert_allclose(model.noise_std_, noise, rtol=0.2)
        mean, std = model.predict(X[150:], return_std=True)
        hit = np.abs(Y[150:] - mean) <= norm.ppf(0.95) * std
        assert (np.abs(hit.mean(axis=0) - 0.9) < 0.07).all()

    def test_a_constant_target_and_one_with_a_single_label_do_no_harm(self):
        X, Y = self.data(False)
        alone = np.full(len(X), np.nan)
        alone[3] = 2.0
        more = np.column_stack([Y, np.full(len(X), 7.0), alone])
        model = RandomSlopesRegressor().fit(X, more)
        mean, std = model.predict(X, return_std=True)
        assert np.isfinite(mean).all() and np.isfinite(std).all()
        assert mean[3, 6] == pytest.approx(2.0)

    def test_likelihood_is_that_of_the_targets_in_their_units(self):
        """With the covariance matrix of Y as it is, and the shared slopes times each scale."""
        X, Y = self.data(True)
        model = RandomSlopesRegressor(covariance="full", shrinkage=0.1).fit(X, Y)
        rows, scale = self.stacked(model, X, Y), model.target_scale_
        Sigma = model.covariance_.copy()
        Sigma[0, 0] = 0.0
        own = scale[rows.task]
        V = rows.covariance(Sigma, 1.0) * np.outer(own, own)
        D = np.hstack([np.eye(5)[rows.task], (rows.X - rows.center) * own[:, None]])
        y, n = rows.y * own, len(own)
        P = np.linalg.solve(V, D)
        residual = y - D @ np.linalg.solve(D.T @ P, P.T @ y)
        value = (n - 8) * np.log(2 * np.pi) + residual @ np.linalg.solve(V, residual)
        value += np.linalg.slogdet(V)[1] + np.linalg.slogdet(D.T @ P)[1]
        assert -2 * model.log_likelihood_ == pytest.approx(value, abs=1e-7)


class TestLimits:
    @pytest.mark.parametrize("alpha_mean", [0.0, 0.05])
    @pytest.mark.parametrize("fit_intercept", [True, False])
    def test_common_is_mean_regularised_at_the_estimated_strengths(self, fit_intercept, alpha_mean):
        levels = "pooled" if fit_intercept else "none"
        drawn = draw(5, n_tasks=15, levels=levels, sd=(1.0, 0.7, 0.7))
        rows = replace(drawn, X=drawn.X / [1.0, 30.0])
        model = fit(rows, covariance="common", alpha_mean=alpha_mean)
        ratio = rows.n_tasks / len(rows.y) * model.noise_std_**2
        same = MeanRegularizedRegressor(
            alpha=ratio / model.slope_std_[0] ** 2,
            alpha_intercept=ratio / model.intercept_std_**2 if fit_intercept else 0.0,
            alpha_mean=alpha_mean,
            fit_intercept=fit_intercept,
            tol=1e-12,
        ).fit(rows.X, rows.y, task=rows.task)
        np.testing.assert_allclose(model.slope_std_, model.slope_std_[0])
        for name in ("coef_", "intercept_", "mean_coef_", "mean_intercept_", "center_"):
            np.testing.assert_allclose(getattr(model, name), getattr(same, name), atol=1e-7)

    def test_common_of_several_targets_is_mean_regularised_with_scaled_targets(self):
        X, Y = TestSeveralTargets().data(True)
        model = RandomSlopesRegressor(covariance="common", tol=1e-9).fit(X, Y)
        precision = (model.target_scale_ / model.noise_std_) ** 2
        weight = np.where(np.isnan(Y), 0.0, precision)
        alpha = 5 / weight.sum() / model.slope_std_[0] ** 2
        same = MeanRegularizedRegressor(alpha=alpha, alpha_mean=0, scale_targets=True, tol=1e-12)
        same.fit(X, Y, sample_weight=weight)
        for name in ("coef_", "intercept_", "mean_coef_", "target_scale_"):
            np.testing.assert_allclose(getattr(model, name), getattr(same, name), atol=1e-6)

    @pytest.mark.parametrize("covariance", COVARIANCES)
    def test_tasks_that_do_not_differ_are_one_model(self, covariance):
        rng = np.random.default_rng(8)
        X, task = rng.normal(size=(400, 2)), np.arange(400) % 40
        error = rng.normal(size=400)
        Z = np.column_stack([np.ones(400), X])
        for t in range(40):  # less alike within tasks than by chance: no variance is above zero
            own = task == t
            error[own] -= 0.9 * Z[own] @ np.linalg.lstsq(Z[own], error[own], rcond=None)[0]
        y = X @ [1.0, -2.0] + error
        model = RandomSlopesRegressor(covariance=covariance).fit(X, y, task=task)
        ols = LinearRegression().fit(X, y)
        assert not model.covariance_.any()
        np.testing.assert_allclose(model.coef_, np.tile(ols.coef_, (40, 1)), atol=1e-10)
        np.testing.assert_allclose(model.intercept_, ols.intercept_, atol=1e-10)
        residual = y - ols.predict(X)
        assert model.noise_std_**2 == pytest.approx(residual @ residual / 397)
        errors = np.sqrt(np.diag(model.noise_std_**2 * np.linalg.inv(Z.T @ Z)))
        np.testing.assert_allclose(model.mean_coef_std_, errors[1:])
        assert model.mean_intercept_std_ == pytest.approx(errors[0])

    @pytest.mark.parametrize("covariance", COVARIANCES)
    def test_one_task_is_least_squares(self, covariance):
        rng = np.random.default_rng(2)
        X = rng.normal(size=(30, 3))
        y = X @ [1.0, 2.0, 3.0] + rng.normal(size=30)
        with pytest.warns(UnidentifiedVarianceWarning, match="one task"):
            model = RandomSlopesRegressor(covariance=covariance).fit(X, y)
        ols = LinearRegression().fit(X, y)
        np.testing.assert_allclose(model.coef_, ols.coef_)
        assert model.intercept_ == pytest.approx(ols.intercept_)
        assert model.coef_.shape == model.coef_std_.shape == (3,)
        assert model.coef_covariance_.shape == (4, 4)
        assert not model.covariance_.any()
        np.testing.assert_allclose(model.coef_std_, model.mean_coef_std_)
        std = model.predict(X, return_std=True)[1]
        z = np.column_stack([np.ones(30), X])
        form = np.einsum("ij,jk,ik->i", z, np.linalg.inv(z.T @ z), z)
        np.testing.assert_allclose(std, model.noise_std_ * np.sqrt(1 + form))

    def test_one_task_with_a_ridge_that_is_estimated_is_empirical_bayes(self):
        """The evidence of scikit-learn's BayesianRidge, in columns of unit variance."""
        rng = np.random.default_rng(4)
        X = rng.normal(size=(60, 8))
        X = (X - X.mean(axis=0)) / X.std(axis=0)
        y = X @ rng.normal(size=8) * 0.3 + rng.normal(size=60)
        with pytest.warns(UnidentifiedVarianceWarning):
            model = RandomSlopesRegressor(alpha_mean="auto", tol=1e-10).fit(X, y)
        ridge = Ridge(alpha=60 * model.alpha_mean_).fit(X, y)
        np.testing.assert_allclose(model.coef_, ridge.coef_, atol=1e-8)
        rows = Rows(X, y, np.zeros(60, int), np.ones(60), "pooled")
        nothing = np.zeros((9, 9))

        def value(change, sigma2):
            return rows.criterion(nothing, sigma2, ridge=change * model.alpha_mean_)

        best = value(1.0, model.noise_std_**2)
        assert -2 * model.log_likelihood_ == pytest.approx(best, abs=1e-8)
        for change in (0.9, 1.1):
            for factor in (0.99, 1.0, 1.01):
                assert value(change, factor * model.noise_std_**2) > best

    def test_without_a_shared_model_slopes_are_pulled_to_zero(self):
        rows = draw(9, n_tasks=20)
        model = fit(rows, alpha_mean=np.inf)
        large = fit(rows, alpha_mean=1e7)
        assert not model.mean_coef_.any() and not model.mean_coef_std_.any()
        np.testing.assert_allclose(model.coef_, large.coef_, atol=1e-4)


class TestUnits:
    @pytest.mark.parametrize("covariance", COVARIANCES)
    def test_the_origin_of_features_does_not_matter(self, covariance):
        rows = draw(2, n_tasks=14)
        far = np.array([2.0**20, -(2.0**15)])
        X = rows.X + far
        near = fit(Rows(X - far, rows.y, rows.task, rows.weight, "pooled"), covariance=covariance)
        there = fit(Rows(X, rows.y, rows.task, rows.weight, "pooled"), covariance=covariance)
        for name in ("coef_", "covariance_", "log_likelihood_", "coef_std_", "noise_std_"):
            np.testing.assert_allclose(getattr(there, name), getattr(near, name), rtol=1e-6)
        np.testing.assert_allclose(there.center_, near.center_ + far)
        np.testing.assert_allclose(there.intercept_, near.intercept_ - near.coef_ @ far, rtol=1e-6)
        ours, theirs = (
            m.predict(x, task=rows.task, return_std=True) for m, x in ((there, X), (near, X - far))
        )
        np.testing.assert_allclose(ours, theirs, rtol=1e-6)

    @pytest.mark.parametrize("x_unit, y_unit", [(1e8, 1e-8), (1e-8, 1e8), (2.0**150, 2.0**-120)])
    @pytest.mark.parametrize("covariance", ["diagonal", "full"])
    def test_units_change_the_numbers_and_not_the_model(self, covariance, x_unit, y_unit):
        rows = draw(2, n_tasks=14)
        scale = np.array([x_unit, 1.0 if x_unit < 1e10 else x_unit])
        other = Rows(rows.X * scale, rows.y * y_unit, rows.task, rows.weight, "pooled")
        one, two = fit(rows, covariance=covariance), fit(other, covariance=covariance)
        unit = np.append(1.0, 1 / scale) * y_unit
        np.testing.assert_allclose(two.covariance_, one.covariance_ * np.outer(unit, unit), 1e-6)
        np.testing.assert_allclose(two.coef_, one.coef_ * unit[1:], rtol=1e-7)
        np.testing.assert_allclose(two.coef_std_, one.coef_std_ * unit[1:], rtol=1e-7)
        np.testing.assert_allclose(two.intercept_, one.intercept_ * y_unit, rtol=1e-6)
        assert two.noise_std_ == pytest.approx(one.noise_std_ * y_unit)
        moved = (len(rows.y) - 3) * np.log(y_unit) + np.log(scale).sum()
        assert two.log_likelihood_ == pytest.approx(one.log_likelihood_ - moved, rel=1e-9)
        (mean, std), (other_mean, other_std) = (
            m.predict(r.X, task=r.task, return_std=True) for m, r in ((one, rows), (two, other))
        )
        np.testing.assert_allclose(other_mean, mean * y_unit, rtol=1e-6)
        np.testing.assert_allclose(other_std, std * y_unit, rtol=1e-6)

    def test_numbers_whose_squares_doubles_cannot_hold_are_refused(self):
        rows = draw(2)
        with pytest.raises(ValueError, match=r"covariance_ would be of the order 1e\+"):
            fit(Rows(rows.X, rows.y * 1e200, rows.task, rows.weight, "pooled"))


class TestWeights:
    @pytest.mark.parametrize("covariance", COVARIANCES)
    def test_whole_ones_repeat_rows(self, covariance):
        rows = draw(3, n_tasks=12, weights="whole")
        once, again = (fit(r, covariance=covariance) for r in (rows, repeated(rows)))
        for name in ("coef_", "covariance_", "log_likelihood_", "coef_std_", "intercept_"):
            np.testing.assert_allclose(getattr(once, name), getattr(again, name), atol=1e-6)

    def test_others_have_no_scale(self):
        rows = draw(3, n_tasks=12, weights="relative")
        one, two = (
            RandomSlopesRegressor(tol=1e-9).fit(rows.X, rows.y, rows.weight * c, rows.task)
            for c in (1.0, 0.01)
        )
        for name in ("coef_", "covariance_", "log_likelihood_", "noise_std_"):
            np.testing.assert_allclose(getattr(one, name), getattr(two, name), rtol=1e-7)

    def test_of_several_targets_by_row_are_those_of_every_label(self):
        X, Y = TestSeveralTargets().data(False)
        weight = np.random.default_rng(0).uniform(0.5, 2, len(X))
        by_row = RandomSlopesRegressor(tol=1e-9).fit(X, Y, weight)
        by_label = RandomSlopesRegressor(tol=1e-9).fit(X, Y, np.tile(weight[:, None], 5))
        for name in ("coef_", "log_likelihood_", "coef_std_"):
            np.testing.assert_allclose(getattr(by_row, name), getattr(by_label, name), rtol=1e-6)


class TestWhatIsNotKnown:
    def test_one_row_a_task_leaves_the_level_out(self):
        rng = np.random.default_rng(0)
        X = rng.normal(size=(200, 2))
        y = X @ [1.0, 1.0] + X[:, 0] * rng.normal(size=200) + rng.normal(size=200)
        with pytest.warns(UnidentifiedVarianceWarning, match=r"the level is not.*1 variance "):
            model = RandomSlopesRegressor().fit(X, y, task=np.arange(200))
        assert model.intercept_std_ == 0 and model.slope_std_[0] == pytest.approx(1, abs=0.3)

    @pytest.mark.parametrize("covariance", ["diagonal", "full"])
    def test_of_columns_that_say_the_same_the_first_has_the_variance(self, covariance):
        rows = draw(6, n_tasks=15)
        twice = np.column_stack([rows.X, 5 - rows.X[:, 0]])
        model = RandomSlopesRegressor(covariance=covariance, tol=1e-9)
        model.fit(twice, rows.y, task=rows.task)
        one = fit(rows, covariance=covariance)
        assert one.slope_std_[0] > 0
        np.testing.assert_allclose(model.slope_std_, np.append(one.slope_std_, 0.0), rtol=1e-6)
        assert model.log_likelihood_ == pytest.approx(one.log_likelihood_, abs=1e-6)
        np.testing.assert_allclose(
            model.predict(twice, task=rows.task), one.predict(rows.X, task=rows.task), atol=1e-6
        )
        np.testing.assert_allclose(model.mean_coef_[0], -model.mean_coef_[2])  # of least norm

    def test_the_level_comes_before_features_of_whole_tasks(self):
        """What dummies of kinds of tasks say is what the level says; theirs are dropped."""
        rows = draw(6, n_tasks=30)
        kind = np.eye(3)[rows.task % 3]
        X = np.column_stack([rows.X, kind])
        model = RandomSlopesRegressor(tol=1e-9).fit(X, rows.y, task=rows.task)
        assert model.intercept_std_ > 0 and model.slope_std_[4] == 0

    @pytest.mark.parametrize("covariance", COVARIANCES)
    def test_a_constant_column_is_no_feature(self, covariance):
        rows = draw(6, n_tasks=15)
        X = np.column_stack([rows.X, np.full(len(rows.y), 7.0)])
        model = RandomSlopesRegressor(covariance=covariance, tol=1e-9)
        model.fit(X, rows.y, task=rows.task)
        np.testing.assert_allclose(model.coef_[:, :2], fit(rows, covariance=covariance).coef_)
        assert not model.coef_[:, 2].any() and not model.coef_std_[:, 2].any()

    @pytest.mark.parametrize("covariance", COVARIANCES)
    def test_more_columns_than_rows_are_the_shortest_interpolation(self, covariance):
        rng = np.random.default_rng(1)
        X, y, task = rng.normal(size=(20, 30)), rng.normal(size=20), np.arange(20) % 4
        with pytest.warns(UnidentifiedVarianceWarning, match=r"31 variances"):
            model = RandomSlopesRegressor(covariance=covariance).fit(X, y, task=task)
        shortest = np.linalg.lstsq(X - X.mean(0), y - y.mean(), rcond=None)[0]
        np.testing.assert_allclose(model.coef_, np.tile(shortest, (4, 1)), atol=1e-8)
        assert model.noise_std_ == 0

    @pytest.mark.parametrize("alpha_mean", [0.0, 1e-3, "auto"])
    @pytest.mark.parametrize("covariance", COVARIANCES)
    def test_tasks_without_noise_are_interpolated(self, covariance, alpha_mean):
        rng = np.random.default_rng(5)
        X, task = rng.normal(size=(80, 2)), np.arange(80) % 8
        y = np.sum(X * rng.normal(size=(8, 2))[task], axis=1)
        model = RandomSlopesRegressor(covariance=covariance, alpha_mean=alpha_mean)
        model.fit(X, y, task=task)
        np.testing.assert_allclose(model.predict(X, task=task), y, atol=1e-5)
        assert 0 <= model.noise_std_ < 1e-3 and model.dual_gap_ < 1e-9
        assert all(np.isfinite(v).all() for v in model.predict(X, task=task, return_std=True))

    @pytest.mark.parametrize("value", [0.0, 3.0])
    @pytest.mark.parametrize("alpha_mean", [0.0, 1e-3, "auto"])
    @pytest.mark.parametrize("covariance", COVARIANCES)
    def test_a_constant_target_is_itself(self, covariance, alpha_mean, value):
        rng = np.random.default_rng(5)
        X, task, y = rng.normal(size=(40, 2)), np.arange(40) % 4, np.full(40, value)
        model = RandomSlopesRegressor(covariance=covariance, alpha_mean=alpha_mean)
        mean, std = model.fit(X, y, task=task).predict(X, task=task, return_std=True)
        np.testing.assert_allclose(mean, y, atol=1e-12)
        np.testing.assert_allclose(std, 0, atol=1e-6)
        assert np.isfinite(model.log_likelihood_) and model.dual_gap_ == 0


@pytest.mark.parametrize("covariance", COVARIANCES)
@pytest.mark.parametrize("table", ["exam", "hsb82", "bdf", "egsingle", "chem97"])
def test_real_tables_take_few_steps(table, covariance):
    data = load(table)
    model = RandomSlopesRegressor(covariance=covariance, task_column="the task")
    frame = data.data.assign(**{"the task": np.asarray(data.task)})
    model = make_table_pipeline(model).fit(frame, data.target)[-1]
    assert model.n_iter_ <= 15 and model.gradient_norm_ <= 1e-6 and model.dual_gap_ <= 1e-9


@pytest.mark.parametrize("form", [sparse.csr_matrix, sparse.csc_array])
def test_sparse_features_are_the_dense_ones(form):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(120, 4)) * (rng.random((120, 4)) < 0.5)
    task = np.arange(120) % 10
    y = np.sum(X * rng.normal(size=(10, 4))[task], axis=1) + rng.normal(size=120)
    dense = RandomSlopesRegressor().fit(X, y, task=task)
    model = RandomSlopesRegressor().fit(form(X), y, task=task)
    np.testing.assert_allclose(model.coef_, dense.coef_, atol=1e-9)
    ours = model.predict(form(X), task=task, return_std=True)
    np.testing.assert_allclose(ours, dense.predict(X, task=task, return_std=True), atol=1e-9)
    Y = np.column_stack([y, y[::-1]])
    several = RandomSlopesRegressor().fit(form(X), Y).predict(form(X), return_std=True)
    one = RandomSlopesRegressor().fit(X, Y).predict(X, return_std=True)
    np.testing.assert_allclose(several, one, atol=1e-9)


def test_the_covariances_are_kept_only_where_asked_for():
    rows = draw(0)
    small = fit(rows, store_covariance=False)
    large = fit(rows)
    assert vars(large).keys() - vars(small).keys() == {"coef_covariance_", "mean_coef_covariance_"}
    np.testing.assert_array_equal(small.coef_std_, large.coef_std_)
    with pytest.raises(ValueError, match="store_covariance=True"):
        small.predict(rows.X, task=rows.task, return_std=True)


def test_verbose_prints_a_line(capsys):
    rows = draw(0)
    assert capsys.readouterr().out == ""
    model = fit(rows, verbose=1)
    line = capsys.readouterr().out
    assert line.startswith(f"RandomSlopesRegressor: log likelihood {model.log_likelihood_:.6g}, ")
    assert f"{model.n_iter_} steps" in line and line.count("\n") == 1


@pytest.mark.parametrize("covariance", COVARIANCES)
def test_intervals_cover_as_they_say(covariance):
    """90 % intervals; 12 rows a task, 60 tasks seen and 20 not, over 40 drawn tables."""
    z, inside = norm.ppf(0.95), {"seen": [], "not seen": [], "coef": [], "intercept": []}
    sd = np.array([1.0, 0.5, 0.5, 0.5] if covariance == "common" else [1.0, 0.6, 0.4, 0.0])
    task = np.repeat(np.arange(80), 12)
    train, c = task < 60, np.full(3, 2.0)
    for seed in range(40):
        rng = np.random.default_rng(seed)
        effects = np.append(1.0, rng.normal(size=3)) + rng.normal(size=(80, 4)) * sd
        if covariance == "full":
            effects[:, 1] += 0.8 * effects[:, 0]

        def rows(rng=rng, effects=effects):
            X = rng.normal(size=(960, 3)) + c
            means = effects[task, 0] + np.sum((X - c) * effects[task, 1:], axis=1)
            return X, means + rng.normal(size=960)

        X, y = rows()
        model = RandomSlopesRegressor(covariance=covariance, unseen_task="mean")
        model.fit(X[train], y[train], task=task[train])
        X, y = rows()
        mean, std = model.predict(X, task=task, return_std=True)
        hit = np.abs(y - mean) <= z * std
        inside["seen"].append(hit[train].mean())
        inside["not seen"].append(hit[~train].mean())
        W = effects[:60, 1:]
        inside["coef"].append((np.abs(model.coef_ - W) <= z * model.coef_std_).mean())
        off = np.abs(model.intercept_ - (effects[:60, 0] - W @ c))
        inside["intercept"].append((off <= z * model.intercept_std_error_).mean())
    found = {name: np.mean(share) for name, share in inside.items()}
    assert 0.88 <= found["seen"] <= 0.92 and 0.88 <= found["not seen"] <= 0.92, found
    assert 0.87 <= found["coef"] <= 0.93 and 0.87 <= found["intercept"] <= 0.93, found


@pytest.mark.parametrize("covariance", ["common", "diagonal", "full"])
@pytest.mark.parametrize("scale", [1.0, 1e8])
def test_a_ridge_that_is_nothing_beside_the_columns_still_answers(covariance, scale):
    """More columns than rows, some of them equal: with a ridge of rounding size they depend."""
    rng = np.random.default_rng(3)
    X, task = scale * rng.standard_normal((20, 40)), np.arange(20) % 5
    X[:, 1] = X[:, 0]
    y = X[:, 0] / scale + 0.1 * rng.standard_normal(20)
    model = RandomSlopesRegressor(covariance=covariance, alpha_mean=1e-3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", UnidentifiedVarianceWarning)
        mean, std = model.fit(X, y, task=task).predict(X, task=task, return_std=True)
    assert np.isfinite(mean).all() and np.isfinite(std).all()
    assert np.abs(mean - y).max() < 0.5
