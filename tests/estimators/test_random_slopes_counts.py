"""Random slopes of counts: exposures, limits, expected counts, units, hard tables."""

import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import optimize, stats
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import PoissonRegressor

from mtlearn import RandomSlopesRegressor, adapt
from mtlearn.exceptions import UnidentifiedVarianceWarning

from ..checks import STRICT
from ..selection.likelihood.dense_laplace import Counts, draw_counts

pytestmark = STRICT

COVARIANCES = ["common", "diagonal", "full"]
NAMES = ("coef_", "intercept_", "covariance_", "coef_std_", "mean_coef_", "coef_skew_")


def fit(rows, **parameters):
    """The model on labelled rows, exposures as weights."""
    model = RandomSlopesRegressor(loss="poisson", tol=1e-9, unseen_task="mean", **parameters)
    model.set_params(fit_intercept=rows.levels == "pooled")
    return model.fit(rows.X, rows.y, sample_weight=rows.weight, task=rows.task)


def visits(seed, *, n_tasks=200, rows=12, sd=(0.6, 0.4, 0.0), rate=1.5):
    """Counts drawn from the model over unequal times, and coefficients (level, slopes) of tasks."""
    rng = np.random.default_rng(seed)
    task = np.repeat(np.arange(n_tasks), rows)
    X = rng.normal(size=(len(task), 2))
    lines = np.r_[np.log(rate), 0.3, -0.2] + rng.normal(size=(n_tasks, 3)) * sd
    f = lines[task, 0] + np.sum(X * lines[task, 1:], axis=1)
    e = rng.uniform(0.5, 3.0, len(task))
    return X, rng.poisson(e * np.exp(f)).astype(float), e, task, lines


class TestExposures:
    @pytest.mark.parametrize("method", ["reml", "ml"])
    def test_they_are_offsets(self, method):
        """The best of the dense criterion of counts whose offset is the logarithm of exposure."""
        rows = draw_counts(3, n_tasks=15, d=1, sd=(0.7, 0.5), rows=(5, 15))
        model = fit(rows, method=method)

        def criterion(x):
            held = None if method == "reml" else x[2:]
            return rows.laplace(np.diag(x[:2] ** 2), restricted=method == "reml", at=held)

        level = model.mean_intercept_ + model.mean_coef_ @ model.center_
        start = np.r_[model.intercept_std_, model.slope_std_]
        start = start if method == "reml" else np.r_[start, level, model.mean_coef_]
        options = {"xatol": 1e-7, "fatol": 1e-10, "maxiter": 4000}
        dense = optimize.minimize(criterion, start + 0.02, method="Nelder-Mead", options=options)
        assert -2 * model.log_likelihood_ == pytest.approx(dense.fun, abs=1e-6)
        np.testing.assert_allclose(np.abs(dense.x), np.abs(start), atol=1e-3)

    @pytest.mark.parametrize("covariance", COVARIANCES)
    @pytest.mark.parametrize("unit", [365.0, 1e-9, 1e9])
    def test_their_unit_does_not_matter(self, unit, covariance):
        """Years or days: rates change and counts do not."""
        rows = draw_counts(1, n_tasks=20)
        one = fit(rows, covariance=covariance, alpha_mean="auto")
        other = replace(rows, y=rows.y / unit, weight=rows.weight * unit)
        two = fit(other, covariance=covariance, alpha_mean="auto")
        for name in ("coef_", "covariance_", "coef_std_", "log_likelihood_", "dispersion_"):
            np.testing.assert_allclose(getattr(two, name), getattr(one, name), 1e-6, 1e-8)
        np.testing.assert_allclose(two.intercept_, one.intercept_ - np.log(unit), atol=1e-6)
        assert two.mean_intercept_ == pytest.approx(one.mean_intercept_ - np.log(unit), abs=1e-6)
        assert two.alpha_mean_ * unit == pytest.approx(one.alpha_mean_, rel=1e-5)
        asked = {"task": np.r_[rows.task[:5], -1]}
        mean, std = two.predict(rows.X[:6], **asked, return_std=True)
        np.testing.assert_allclose(mean * unit, one.predict(rows.X[:6], **asked), rtol=1e-6)
        assert (std**2 > mean * (1 - 1e-9)).all()  # that of Poisson, at least

    def test_rows_may_be_joined(self):
        """Of one task and equal features: counts and exposures add up, but for a constant."""
        rows = draw_counts(4, n_tasks=15)
        parts = np.random.default_rng(0).integers(1, 4, len(rows.y))
        X, task, y = (np.repeat(v, parts, axis=0) for v in (rows.X, rows.task, rows.y))
        cut = Counts(X, y, task, np.repeat(rows.weight / parts, parts), rows.levels)
        one, two = fit(rows), fit(cut)
        for name in NAMES:
            np.testing.assert_allclose(getattr(one, name), getattr(two, name), rtol=1e-6, atol=1e-7)

    def test_a_ridge_is_that_of_poisson_regression(self):
        X, k, e, _, _ = visits(1, n_tasks=10)
        with pytest.warns(UnidentifiedVarianceWarning):
            model = RandomSlopesRegressor(loss="poisson", alpha_mean=0.3)
            model.fit(X, k / e, sample_weight=e)
        truth = PoissonRegressor(alpha=0.3, tol=1e-12, max_iter=1000)
        truth.fit(X, k / e, sample_weight=e)
        np.testing.assert_allclose(model.coef_, truth.coef_, rtol=1e-5)
        assert model.alpha_mean_ == 0.3


class TestLimits:
    @pytest.mark.parametrize("way", ["single", "one task"])
    def test_one_task_is_poisson_regression(self, way):
        X, k, e, _, _ = visits(0, n_tasks=10)
        own = {} if way == "single" else {"task": np.zeros(len(k))}
        with pytest.warns(UnidentifiedVarianceWarning, match="there is one task"):
            model = RandomSlopesRegressor(loss="poisson")
            model.fit(X, k / e, sample_weight=e, **own)
        truth = PoissonRegressor(alpha=0.0, tol=1e-12, max_iter=1000, solver="newton-cholesky")
        truth.fit(X, k / e, sample_weight=e)
        np.testing.assert_allclose(np.ravel(model.coef_), truth.coef_, rtol=1e-7)
        mean, std = model.predict(X, **own, return_std=True)
        np.testing.assert_allclose(mean, truth.predict(X), rtol=1e-7)
        Z = np.column_stack([np.ones(len(k)), X - model.center_])
        cov = np.linalg.inv(Z.T @ ((e * mean)[:, None] * Z))
        np.testing.assert_allclose(model.mean_coef_covariance_, cov, rtol=1e-6, atol=1e-10)
        s2 = np.einsum("ij,jk,ik->i", Z, cov, Z)
        expected = model.set_params(average_counts=True).predict(X, **own)
        rate = stats.lognorm(np.sqrt(s2), scale=expected / np.exp(s2 / 2))
        np.testing.assert_allclose(std**2, rate.mean() + rate.var(), rtol=1e-6)

    def test_tasks_that_do_not_differ_have_no_variance(self):
        """Where the dense criterion is least at zero, the rest is PoissonRegressor's."""
        found = 0
        for seed in range(6):
            X, k, e, task, _ = visits(seed, n_tasks=30, sd=(0.0, 0.0, 0.0))
            model = RandomSlopesRegressor(loss="poisson").fit(X, k / e, sample_weight=e, task=task)
            if np.diag(model.covariance_).any():
                continue
            found += 1
            truth = PoissonRegressor(alpha=0.0, tol=1e-12, solver="newton-cholesky")
            truth.fit(X, k / e, sample_weight=e)
            np.testing.assert_allclose(model.coef_, np.tile(truth.coef_, (30, 1)), atol=1e-7)
        assert found >= 1

    def test_variances_are_those_that_were_drawn(self):
        X, k, e, task, lines = visits(3, rows=30)
        model = RandomSlopesRegressor(loss="poisson").fit(X, k / e, sample_weight=e, task=task)
        # of 200 tasks a deviation is known to 5 %, and a little more from counts
        assert model.intercept_std_ == pytest.approx(0.6, rel=0.15)
        np.testing.assert_allclose(model.slope_std_, [0.4, 0.0], atol=0.07)
        off = np.abs(model.coef_[:, 0] - lines[:, 1]) / model.coef_std_[:, 0]
        assert 0.85 < np.mean(off < 1.645) < 0.95
        assert model.dual_gap_ <= 1e-10 and model.gradient_norm_ <= 1e-6
        assert model.dispersion_ == pytest.approx(1.0, abs=0.06) and not hasattr(
            model, "noise_std_"
        )

    def test_more_than_poissons_variance_shows(self):
        X, k, e, task, _ = visits(4, rows=30)
        more = np.random.default_rng(5).gamma(0.5, 2.0, len(k))  # of mean one and variance two
        k = np.random.default_rng(6).poisson(2.0 * e * more).astype(float)
        model = RandomSlopesRegressor(loss="poisson").fit(X, k / e, sample_weight=e, task=task)
        # that of a count of mean m is m + 2 m²
        assert model.dispersion_ == pytest.approx(1 + 2 * 2.0 * np.mean(e**2) / np.mean(e), rel=0.3)


class TestExpectedCounts:
    def test_they_are_those_of_quadrature(self):
        """Levels alone: exact posterior means of rates given the fitted variance."""
        _, k, e, task, _ = visits(5, n_tasks=60, rows=10)
        X = np.zeros((len(k), 1))
        model = RandomSlopesRegressor(loss="poisson", average_counts=True, unseen_task="mean")
        model.fit(X, k / e, sample_weight=e, task=task)
        plug_in = np.exp(model.intercept_)
        l_0, sd = model.mean_intercept_, model.intercept_std_
        events, exposure = np.bincount(task, k), np.bincount(task, e)
        u = np.linspace(-6, 6, 4001)
        found = model.predict(X[:60], task=np.arange(60))
        for t in range(60):
            logs = events[t] * (l_0 + u) - exposure[t] * np.exp(l_0 + u) - 0.5 * (u / sd) ** 2
            density = np.exp(logs - logs.max())
            density /= density.sum()
            mean = density @ np.exp(l_0 + u)
            # at l_0 as it is known; that it is not adds a part of its variance, 1/60 of sd²
            assert abs(found[t] - mean) < 0.35 * abs(plug_in[t] - mean) + 0.01 * mean

    def test_of_one_task_they_are_what_was_counted(self):
        """The posterior of a rate under a flat logarithm is a gamma one, whose mean is k/e."""
        rng = np.random.default_rng(0)
        e, k = rng.uniform(0.5, 2, 12), rng.poisson(1.0, 12).astype(float)
        for y in (k / e, (k / e)[:, None]):  # a level of all, and one of its own
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UnidentifiedVarianceWarning)
                model = RandomSlopesRegressor(loss="poisson", average_counts=True)
                model.fit(np.zeros((12, 1)), y, sample_weight=e)
            found = model.predict(np.zeros((1, 1)))
            np.testing.assert_allclose(found, k.sum() / e.sum(), rtol=1e-9)

    @pytest.mark.parametrize("sd", [(0.0, 0.0, 0.0), (0.6, 0.4, 0.0)], ids=["alike", "differ"])
    def test_sums_over_rows_are_those_of_the_counts(self, sd):
        """To the next order; without the skewness they would be half the variances off."""
        X, k, e, task, _ = visits(8, n_tasks=60, rows=6, sd=sd, rate=1.0)
        model = RandomSlopesRegressor(loss="poisson", average_counts=True).fit(
            X, k / e, sample_weight=e, task=task
        )
        Z = np.column_stack([np.ones(len(k)), X])
        variance = e * model.predict(X, task=task)
        own = np.column_stack([np.ones(len(k)), X - model.center_])
        variance *= np.einsum("ij,ijk,ik->i", own, model.coef_covariance_[task], own) / 2
        off = Z.T @ (e * model.predict(X, task=task) - k)
        assert abs(off[0]) < 0.15 * (Z.T @ variance)[0]

    def test_strangers_have_the_mean_over_tasks(self):
        X, k, e, task, _ = visits(6, n_tasks=400)
        model = RandomSlopesRegressor(loss="poisson", average_counts=True, unseen_task="mean")
        model.fit(X, k / e, sample_weight=e, task=task)
        other, k, e, task, _ = visits(60, n_tasks=4000)
        mean, std = model.predict(other, task=np.full(len(k), -1), return_std=True)
        assert (e * mean).sum() == pytest.approx(k.sum(), rel=0.08)
        model.set_params(average_counts=False)
        typical = model.predict(other, task=np.full(len(k), -1))
        assert (e * typical).sum() < 0.85 * k.sum()
        f = other @ model.mean_coef_ + model.mean_intercept_
        np.testing.assert_allclose(typical, np.exp(f))
        # of drawn counts at an exposure of one
        rng, Z = np.random.default_rng(0), np.append(1.0, other[0] - model.center_)
        s2 = Z @ (model.covariance_ + model.mean_coef_covariance_) @ Z
        drawn = rng.poisson(np.exp(f[0] + np.sqrt(s2) * rng.normal(size=400_000)))
        assert drawn.mean() == pytest.approx(mean[0], rel=0.01)
        assert drawn.std() == pytest.approx(std[0], rel=0.05)

    def test_of_small_tasks_they_have_the_lower_deviance(self):
        gains = []
        for seed in range(4):
            X, k, e, task, lines = visits(seed, n_tasks=300, rows=4)
            rng = np.random.default_rng(100 + seed)
            new, of = rng.normal(size=(4000, 2)), rng.integers(0, 300, 4000)
            truth = np.exp(lines[of, 0] + np.sum(new * lines[of, 1:], axis=1))
            model = RandomSlopesRegressor(loss="poisson", average_counts=True)
            model.fit(X, k / e, sample_weight=e, task=task)
            means = model.predict(new, task=of)
            model.set_params(average_counts=False)
            modes = model.predict(new, task=of)
            losses = [np.mean(m - truth * np.log(m)) for m in (means, modes)]
            gains.append(losses[1] - losses[0])
        assert np.mean(gains) > 0 and np.sum(np.array(gains) > 0) >= 3


class TestUnits:
    @pytest.mark.parametrize("covariance", ["diagonal", "full"])
    @pytest.mark.parametrize("scale", [[1e8, 1e-8], [1e-8, 1e-8], [1e80, 1e90]])
    def test_units_of_features_do_not_matter(self, covariance, scale):
        rows, scale = draw_counts(3, n_tasks=25), np.array(scale)
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

    def test_where_a_feature_has_its_zero_does_not_matter(self):
        rows = draw_counts(1, n_tasks=20)
        one, two = fit(rows), fit(replace(rows, X=rows.X + [1000.0, -50.0]))
        for name in ("coef_", "covariance_", "log_likelihood_", "coef_std_", "coef_skew_"):
            np.testing.assert_allclose(getattr(two, name), getattr(one, name), 1e-5, 1e-7)
        moved = one.intercept_ - one.coef_ @ [1000.0, -50.0]
        np.testing.assert_allclose(two.intercept_, moved, rtol=1e-6)


class TestWaysIn:
    def test_a_column_of_labels_is_as_good(self):
        X, k, e, task, _ = visits(9, n_tasks=40)
        beside = RandomSlopesRegressor(loss="poisson").fit(X, k / e, sample_weight=e, task=task)
        frame = pd.DataFrame({"a": X[:, 0], "who": [f"p{t:03}" for t in task], "b": X[:, 1]})
        model = RandomSlopesRegressor(loss="poisson", task_column="who")
        model.fit(frame, k / e, sample_weight=e)
        np.testing.assert_allclose(model.coef_, beside.coef_, rtol=1e-9)
        np.testing.assert_allclose(model.predict(frame), beside.predict(X, task))

    def test_holes_leave_rows_out_of_a_target(self):
        """As labelled rows do, but for the level: without levels the two are one model."""
        rng = np.random.default_rng(11)
        X = rng.normal(size=(150, 2))
        Y = rng.poisson(np.exp(0.5 * X @ rng.normal(size=(2, 6)))).astype(float)
        Y[rng.random(Y.shape) < 0.3] = np.nan
        e = rng.uniform(0.5, 2, 150)
        own = {"loss": "poisson", "fit_intercept": False, "tol": 1e-9}
        several = RandomSlopesRegressor(**own).fit(X, Y, sample_weight=e)
        task, row = np.nonzero(~np.isnan(Y).T)
        stacked = RandomSlopesRegressor(**own)
        stacked.fit(X[row], Y[row, task], task=task, sample_weight=e[row])
        for name in (*NAMES, "log_likelihood_"):
            np.testing.assert_allclose(getattr(several, name), getattr(stacked, name), atol=1e-6)
        many = several.predict(X)[row, task]
        np.testing.assert_allclose(many, stacked.predict(X[row], task=task), rtol=1e-6)

    def test_several_targets_have_levels_of_their_own(self):
        rng = np.random.default_rng(10)
        X, level = rng.normal(size=(400, 2)), np.array([-1.0, 0.0, 1.0, 6.0])
        Y = rng.poisson(np.exp(X @ [[0.3], [-0.2]] + level)).astype(float)
        model = RandomSlopesRegressor(loss="poisson").fit(X, Y)
        assert model.intercept_std_ == np.inf and not hasattr(model, "target_scale_")
        # best levels; what is in all is as much as was counted
        np.testing.assert_allclose(model.predict(X).sum(axis=0), Y.sum(axis=0), rtol=1e-7)
        np.testing.assert_allclose(model.intercept_, level, atol=0.3)
        assert model.mean_intercept_ == pytest.approx(model.intercept_.mean(), abs=0.02)

    def test_a_target_that_counted_nothing(self):
        rng = np.random.default_rng(12)
        X = rng.normal(size=(60, 1))
        Y = rng.poisson(2.0, size=(60, 4)).astype(float)
        Y[:, 2] = 0.0
        with pytest.warns(UserWarning, match=r"no event at all .*half an event.*labelled by task"):
            model = RandomSlopesRegressor(loss="poisson").fit(X, Y)
        assert model.predict(X)[:, 2].sum() == pytest.approx(0.5, rel=1e-6)

    def test_the_loss_of_a_fit_is_kept(self):
        X, k, e, task, _ = visits(9, n_tasks=20)
        model = RandomSlopesRegressor(loss="poisson").fit(X, k / e, sample_weight=e, task=task)
        before = model.predict(X, task=task)
        assert (model.set_params(loss="squared").predict(X, task=task) == before).all()
        assert hasattr(model.fit(X, k, task=task), "noise_std_")
        assert not hasattr(model, "dispersion_")


class TestHardTables:
    def test_tasks_that_counted_nothing_are_finite(self):
        X, k, e, task, _ = visits(13, n_tasks=40, rows=4, rate=0.3)
        nothing = np.bincount(task, k) == 0
        assert nothing.sum() > 3
        model = RandomSlopesRegressor(loss="poisson").fit(X, k / e, sample_weight=e, task=task)
        assert np.isfinite(model.coef_).all() and model.gradient_norm_ <= 1e-6
        assert (model.intercept_[nothing] < model.mean_intercept_).all()

    def test_nothing_was_counted_at_all(self):
        with pytest.warns(UserWarning, match="no event at all"):
            model = RandomSlopesRegressor(loss="poisson")
            model.fit(np.arange(20.0)[:, None], np.zeros(20), task=np.arange(20) % 4)
        found = model.predict(np.arange(20.0)[:, None], task=np.arange(20) % 4)
        np.testing.assert_allclose(found, 0.1)  # half an event in each task

    def test_all_rates_are_equal(self):
        X, _, e, task, _ = visits(21, n_tasks=20)
        model = RandomSlopesRegressor(loss="poisson")
        model.fit(X, np.full(len(e), 3.0), sample_weight=e, task=task)
        np.testing.assert_allclose(model.predict(X, task=task), 3.0, rtol=1e-9)
        assert not model.covariance_.any() and model.dual_gap_ <= 1e-10

    def test_one_row_a_task_tells_a_variance(self):
        """The log-normal one of counts that vary more than Poisson's."""
        rng = np.random.default_rng(14)
        f = 3.0 + 0.5 * rng.normal(size=1000)
        X, k = rng.normal(size=(1000, 1)), rng.poisson(np.exp(f)).astype(float)
        model = RandomSlopesRegressor(loss="poisson").fit(X, k, task=np.arange(1000))
        assert model.intercept_std_ == pytest.approx(0.5, rel=0.1)

    @pytest.mark.parametrize("rate", [1e-12, 1e12])
    def test_small_and_large_rates(self, rate):
        X, k, e, task, _ = visits(15, n_tasks=30)
        e = e / rate
        model = RandomSlopesRegressor(loss="poisson").fit(X, k / e, sample_weight=e, task=task)
        assert model.gradient_norm_ <= 1e-6
        assert (e * model.predict(X, task=task)).sum() == pytest.approx(k.sum(), rel=0.05)

    def test_large_counts(self):
        """A variance of the level from means that are known to a thousandth."""
        X, k, e, task, lines = visits(16, n_tasks=50, rate=1e6)
        model = RandomSlopesRegressor(loss="poisson").fit(X, k / e, sample_weight=e, task=task)
        level = model.intercept_ + model.coef_ @ model.center_
        truth = lines[:, 0] + lines[:, 1:] @ model.center_
        np.testing.assert_allclose(level, truth, atol=0.01)
        assert model.intercept_std_ == pytest.approx(truth.std(ddof=1), rel=0.02)

    def test_rows_far_away_have_numbers(self):
        X, k, e, task, _ = visits(17, n_tasks=30)
        model = RandomSlopesRegressor(loss="poisson").fit(X, k / e, sample_weight=e, task=task)
        model.set_params(average_counts=True)
        assert np.isfinite(model.predict(1e4 * X[:3], task=task[:3])).all()

    def test_a_column_that_tells_rows_without_events(self):
        X, k, _, task, _ = visits(18, n_tasks=30)
        X[:, 1] = np.arange(len(k)) % 7 == 0
        k[X[:, 1] == 1] = 0.0
        with pytest.warns(UserWarning, match="rows without any event from all others"):
            model = RandomSlopesRegressor(loss="poisson").fit(X, k, task=task)
        assert np.isfinite(model.coef_).all() and model.mean_coef_[1] < -3
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            RandomSlopesRegressor(loss="poisson", alpha_mean="auto").fit(X, k, task=task)


class TestLaterTasks:
    def test_a_task_is_as_if_it_had_been_there(self):
        """Given the variances and the shared model: the mode of its rows, by scipy."""
        X, k, e, task, _ = visits(19, n_tasks=60)
        early = task < 59
        model = RandomSlopesRegressor(loss="poisson")
        model.fit(X[early], (k / e)[early], sample_weight=e[early], task=task[early])
        late = {"task": task[~early], "sample_weight": e[~early]}
        more = adapt(model, X[~early], (k / e)[~early], **late)
        Z = np.column_stack([np.ones(12), X[~early] - model.center_])
        m = np.r_[model.mean_intercept_ + model.mean_coef_ @ model.center_, model.mean_coef_]
        kept = np.diag(model.covariance_) > 0
        prior = np.linalg.inv(model.covariance_[np.ix_(kept, kept)])

        def criterion(v):
            f = Z @ m + Z[:, kept] @ v
            return e[~early] @ np.exp(f) - k[~early] @ f + 0.5 * v @ prior @ v

        v = optimize.minimize(criterion, np.zeros(kept.sum()), options={"gtol": 1e-9}).x
        line = m.copy()
        line[kept] += v
        np.testing.assert_allclose(more.coef_[59], line[1:], atol=1e-6)
        level = more.intercept_[59] + more.coef_[59] @ model.center_
        assert level == pytest.approx(line[0], abs=1e-6)
        assert (more.coef_[:59] == model.coef_).all()

    def test_what_it_says_is_what_a_fit_says(self):
        """Of a known task whose rows are given anew: line, covariance and skewness."""
        X, k, e, task, _ = visits(20, n_tasks=50)
        model = RandomSlopesRegressor(loss="poisson").fit(X, k / e, sample_weight=e, task=task)
        own = task == 7
        rows = {"task": task[own], "sample_weight": e[own], "replace": True}
        again = adapt(model, X[own], (k / e)[own], **rows)
        for name in ("coef_", "coef_std_", "coef_covariance_", "coef_skew_", "intercept_"):
            found, fitted = getattr(again, name), getattr(model, name)
            np.testing.assert_allclose(found[7], fitted[7], rtol=1e-6, atol=1e-9)


class TestFewEvents:
    """The example of twenty tasks of eight rows, of which a few have an event."""

    @pytest.mark.parametrize("events", [[3], [3, 40], [3, 40, 80]])
    def test_a_likelihood_without_end_is_no_maximum(self, events):
        rng = np.random.default_rng(5)
        X, task, y = rng.normal(size=(160, 3)), np.repeat(np.arange(20), 8), np.zeros(160)
        y[events] = 1
        with pytest.warns(UnidentifiedVarianceWarning, match="still grows at the largest"):
            model = RandomSlopesRegressor(loss="poisson").fit(X, y, task=task)
        assert model.gradient_norm_ > 0.5
        finite = RandomSlopesRegressor(loss="poisson", method="ml").fit(X, y, task=task)
        assert finite.gradient_norm_ <= 1e-6

    def test_one_count_of_a_thousand_million_is_looked_for(self):
        X, k, e, task, _ = visits(0, n_tasks=10)
        k[0] = 1e9
        with pytest.warns(ConvergenceWarning, match=r"dispersion_=.*largest ones") as said:
            RandomSlopesRegressor(loss="poisson", max_iter=5).fit(
                X, k / e, sample_weight=e, task=task
            )
        assert "covariance=" not in str(said[0].message)
