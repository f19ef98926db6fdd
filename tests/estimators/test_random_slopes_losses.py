"""Random slopes under Huber's loss and of quantiles: limits, what is minimised, and what is not."""

import numpy as np
import pytest
from scipy import stats

from mtlearn import RandomSlopesRegressor, prediction_interval

from ..checks import STRICT, expected
from .slope_losses import dense, errors_of, labelled, objective, several, sigma_of, slopes

pytestmark = STRICT

COVARIANCES = ["common", "diagonal", "full"]
NAMES = [
    *("coef_", "intercept_", "mean_coef_", "mean_intercept_", "covariance_", "noise_std_"),
    *("coef_std_", "intercept_std_error_", "mean_coef_std_", "coef_covariance_", "center_"),
    *("log_likelihood_", "alpha_mean_", "target_scale_", "shrinkage_", "mean_intercept_std_"),
]
each_loss = pytest.mark.parametrize(
    "loss", [{"loss": "huber"}, {"loss": "quantile", "quantile": 0.7}], ids=["huber", "quantile"]
)


def assert_same(one, other, rel=1e-6, names=NAMES):
    for name in names:
        assert hasattr(one, name) == hasattr(other, name)
        if hasattr(one, name):
            here, there = getattr(one, name), getattr(other, name)
            size = np.abs(there).max(where=np.isfinite(there), initial=0.0)
            np.testing.assert_allclose(here, there, rtol=rel, atol=rel * size, err_msg=name)


class TestWithoutOutliers:
    """Beyond the largest residual Huber's loss is the squared one, and so is all else."""

    @pytest.mark.parametrize("covariance", COVARIANCES)
    @pytest.mark.parametrize("method", ["reml", "ml"])
    @pytest.mark.parametrize("alpha_mean", [0.0, 0.1, "auto"])
    @pytest.mark.parametrize("way", ["rows", "weighted", "no intercept", "targets"])
    def test_it_is_the_squared_loss(self, way, alpha_mean, method, covariance):
        X, y, task = labelled(1, far=0.0)
        beside = {"task": task}
        if way == "weighted":
            beside["sample_weight"] = np.random.default_rng(0).uniform(0.3, 2, len(y))
        if way == "targets":
            (X, y), beside = several(1, far=0.0), {}
        own = {"covariance": covariance, "method": method, "alpha_mean": alpha_mean}
        own |= {"fit_intercept": way != "no intercept", "shrinkage": 0.3}
        # so far, as the first noise is that of the scale, and an estimated ridge begins there
        scale = 10.0 if alpha_mean == "auto" else 1e6
        one = slopes(huber_scale=scale, **own).fit(X, y, **beside)
        # of several targets the ridge has a say in the noise of all, and here not of each
        rel = 5e-4 if way == "targets" and alpha_mean else 1e-6
        assert_same(one, slopes("squared", **own).fit(X, y, **beside), rel)

    def test_a_scale_far_above_the_noise_leaves_a_ridge_to_be_estimated(self):
        """The first noise is that of the scale, at which no coefficient is worth its while."""
        X, y, task = labelled(1, far=0.0)
        one = slopes(huber_scale=1e6, alpha_mean="auto").fit(X, y, task=task)
        assert_same(one, slopes("squared", alpha_mean="auto").fit(X, y, task=task))

    @pytest.mark.parametrize("shrinkage", [0.0, 1.0])
    def test_under_a_shrinkage(self, shrinkage):
        X, y, task = labelled(2, far=0.0)
        own = {"covariance": "full", "shrinkage": shrinkage}
        one = slopes(huber_scale=1e6, **own).fit(X, y, task=task)
        assert_same(one, slopes("squared", **own).fit(X, y, task=task))


def fitted(way, **own):
    """A fit with its arguments."""
    if way == "targets":
        given = several(3)
    else:
        given = labelled(3)
    weight = None
    if way == "weighted":
        weight = np.random.default_rng(0).uniform(0.3, 2, len(given[1]))
    X, y, task = (*given, None)[:3]
    model = slopes(**own, fit_intercept=way != "no intercept")
    return model.fit(X, y, task=task, sample_weight=weight), X, y, task, weight


WAYS = ["rows", "weighted", "no intercept", "targets"]


class TestCoefficients:
    @each_loss
    @pytest.mark.parametrize("way", WAYS)
    @pytest.mark.parametrize("covariance", ["diagonal", "full"])
    @pytest.mark.parametrize("alpha_mean", [0.0, 0.1])
    def test_given_the_variances_they_are_of_least_loss(self, alpha_mean, covariance, way, loss):
        """The objective of the documentation, by cvxpy; dual_gap_ says how near it is."""
        own = {"covariance": covariance, "alpha_mean": alpha_mean} | loss
        with expected("stopped at gradient_norm_"):  # of one; the coefficients are asked for
            model, *given = fitted(way, **own)
        rows, lines, ridge = dense(model, *given)
        value, r = objective(model, rows, lines, ridge)
        _, least = rows.mode(sigma_of(model), ridge)
        assert 0 <= model.dual_gap_ <= model.tol
        null = null_value(rows)
        assert -1e-7 * null <= value - least <= model.dual_gap_ * null + 1e-7 * null
        # levels that are free have the quantile of their own rows
        if way == "targets" and model.loss == "quantile":
            for t in range(rows.n_tasks):
                own = r[rows.task == t]
                assert np.mean(own < -1e-4) <= model.quantile <= np.mean(own < 1e-4)


def null_value(rows):
    """The loss at coefficients of zero with the best levels."""
    without = type(rows)(**vars(rows) | {"X": np.zeros_like(rows.X)})
    return without.mode(np.zeros((rows.X.shape[1] + 1,) * 2), ridge=1.0)[1]


class TestNoise:
    @pytest.mark.parametrize("way", WAYS)
    @pytest.mark.parametrize("method", ["reml", "ml"])
    @pytest.mark.parametrize("alpha_mean", [0.0, 0.1])
    def test_winsorised_squares_have_the_mean_that_they_have(self, alpha_mean, method, way):
        """Over the degrees of freedom that are left, the trace of I less the mixed smoother."""
        if way == "targets" and alpha_mean:
            pytest.skip("of several targets the ridge has a say in the average alone")
        model, *given = fitted(way, alpha_mean=alpha_mean, method=method)
        rows, lines, ridge = dense(model, *given)
        _, r = objective(model, rows, lines, ridge)
        _, _, squares = errors_of(model)
        D, R = rows.parts(sigma_of(model), ridge)
        inside = np.ones(len(R), bool)
        levels = rows.level_columns.shape[1]
        if method == "ml":  # which knows flat coefficients, but for levels of each
            inside[np.flatnonzero(R == 0)[levels * (way == "targets") :]] = False
        D, R = D[:, inside], R[inside]
        C = np.linalg.inv(D.T @ ((rows.weight / rows.V)[:, None] * D) + np.diag(R))
        used = np.einsum("ij,jk,ik->i", D, C, D) * rows.weight / rows.V
        psi = rows.weight * rows.loss.psi(r) ** 2
        if way == "targets":
            n, of_tasks = np.bincount(rows.task), [np.bincount(rows.task, v) for v in (psi, used)]
            np.testing.assert_allclose(of_tasks[0] / (n - of_tasks[1]), squares, rtol=1e-5)
            return
        prior = ridge * np.sum(model.mean_coef_**2)
        first = levels + np.arange(2)
        if ridge:
            place = np.cumsum(inside)[first] - 1
            left = 2 - ridge * np.trace(C[np.ix_(place, place)])
        else:
            left = 0.0
        assert psi.sum() / squares + prior == pytest.approx(len(r) - used.sum() + left, rel=1e-5)

    def test_of_quantiles_it_is_that_of_the_outliers(self):
        """noise_std_ over its median, sqrt(q (1 - q)) over the density, is what is said of it."""
        X, y, task = labelled(5, n_tasks=60, far=0.0)
        found = [slopes("quantile", quantile=q).fit(X, y, task=task) for q in (0.2, 0.5, 0.8)]
        for q, model in zip((0.2, 0.5, 0.8), found, strict=True):
            truth = np.sqrt(q * (1 - q)) / stats.norm.pdf(stats.norm.ppf(q))
            assert model.noise_std_ == pytest.approx(truth, rel=0.2)
            assert 0 < model.smoothing_ < 1e-3 * model.noise_std_


class TestInvariance:
    @each_loss
    def test_whole_weights_repeat_rows(self, loss):
        X, y, task = labelled(6)
        often = np.random.default_rng(0).integers(1, 4, len(y))
        one = slopes(**loss).fit(X, y, sample_weight=often, task=task)
        X, y, task = (np.repeat(v, often, axis=0) for v in (X, y, task))
        two = slopes(**loss).fit(X, y, task=task)
        # how many errors a density is taken from is another number
        names = NAMES if loss["loss"] == "huber" else ["center_", "alpha_mean_"]
        assert_same(one, two, names=names)
        if loss["loss"] == "quantile":
            assert_same(one, two, rel=0.1, names=["coef_", "noise_std_"])

    @each_loss
    def test_other_weights_are_relative(self, loss):
        X, y, task = labelled(7)
        weight = np.random.default_rng(0).uniform(0.3, 2, len(y))
        one, two = (
            slopes(**loss).fit(X, y, sample_weight=a * weight, task=task) for a in (1.0, 97.3)
        )
        assert_same(one, two)

    @each_loss
    def test_rows_come_in_any_order_and_tasks_have_any_name(self, loss):
        X, y, task = labelled(8)
        order = np.random.default_rng(0).permutation(len(y))
        names = np.array([f"t{9 - t % 10}{t}" for t in range(12)])
        one = slopes(**loss).fit(X, y, task=task)
        two = slopes(**loss).fit(X[order], y[order], task=names[task][order])
        place = [list(two.tasks_).index(name) for name in names]
        for name in ("coef_", "intercept_", "coef_std_"):
            here, there = getattr(one, name), getattr(two, name)[place]
            np.testing.assert_allclose(here, there, rtol=1e-5, atol=1e-6)
        assert_same(one, two, rel=1e-5, names=["covariance_", "noise_std_", "log_likelihood_"])

    @each_loss
    @pytest.mark.parametrize("a, b", [(1e6, 0.0), (1e-6, 1.0), (3.0, 1e6)])
    def test_units_and_zero_of_the_target(self, a, b, loss):
        X, y, task = labelled(9)
        one = slopes(**loss).fit(X, y, task=task)
        two = slopes(**loss).fit(X, a * y + b, task=task)
        rel = 1e-6 + 1e-13 * abs(b / a)
        for name in ("coef_", "noise_std_", "slope_std_", "intercept_std_", "coef_std_"):
            here, there = getattr(two, name) / a, getattr(one, name)
            np.testing.assert_allclose(here, there, rtol=10 * rel, atol=rel, err_msg=name)
        np.testing.assert_allclose((two.intercept_ - b) / a, one.intercept_, atol=10 * rel)
        moved = -(len(y) - 3) * np.log(a)
        assert two.log_likelihood_ == pytest.approx(one.log_likelihood_ + moved, abs=1e-4)

    def test_units_and_zero_of_the_features(self):
        self.compare_units(loss="huber", huber_scale=1.0)

    def test_units_of_the_features_of_a_quantile(self):
        self.compare_units(loss="quantile")

    def compare_units(self, **own):
        X, y, task = labelled(10)
        scale, zero = np.array([1e5, 1e-4]), np.array([3e6, -0.2])
        one = slopes(**own).fit(X, y, task=task)
        two = slopes(**own).fit(X * scale + zero, y, task=task)
        np.testing.assert_allclose(two.coef_ * scale, one.coef_, rtol=1e-5, atol=1e-7)
        np.testing.assert_allclose(two.slope_std_ * scale, one.slope_std_, rtol=1e-5, atol=1e-7)
        moved = np.log(scale).sum()
        assert two.log_likelihood_ == pytest.approx(one.log_likelihood_ - moved, abs=1e-4)

    def test_a_quantile_upside_down_is_the_other_one(self):
        X, y, task = labelled(11)
        one = slopes("quantile", quantile=0.2).fit(X, y, task=task)
        two = slopes("quantile", quantile=0.8).fit(X, -y, task=task)
        np.testing.assert_allclose(one.coef_, -two.coef_, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(one.intercept_, -two.intercept_, atol=1e-5)
        assert_same(one, two, rel=1e-5, names=["covariance_", "noise_std_", "log_likelihood_"])


class TestPredictions:
    @each_loss
    def test_standard_deviations(self, loss):
        X, y, task = labelled(12)
        model = slopes(**loss).fit(X, y, task=task)
        asked = np.r_[task[:4], -1]
        mean, std = model.predict(X[:5], task=asked, return_std=True)
        z = np.column_stack([np.ones(5), X[:5] - model.center_])
        C = np.append(
            model.coef_covariance_, [model.covariance_ + model.mean_coef_covariance_], axis=0
        )
        variance = np.einsum("ij,ijk,ik->i", z, C[np.r_[task[:4], -1]], z)
        noise = model.noise_std_ if model.loss == "huber" else 0.0
        np.testing.assert_allclose(std**2, variance + noise**2, rtol=1e-9)
        level = model.mean_intercept_ + X[4] @ model.mean_coef_
        np.testing.assert_allclose(mean[4], level)

    def test_intervals_of_new_rows(self):
        X, y, task = labelled(13, n_tasks=60, far=0.05)
        new, truth, of = labelled(14, n_tasks=60, far=0.05)
        model = slopes().fit(X, y, task=task)
        low, high = prediction_interval(model, new, task=of + 100, coverage=0.9).T
        inside = (low <= truth) & (truth <= high)
        # 5 % of outliers are not the model's
        assert np.mean(inside) == pytest.approx(0.9 * 0.97, abs=0.05)

    @each_loss
    def test_without_covariances(self, loss):
        X, y, task = labelled(12)
        one = slopes(**loss).fit(X, y, task=task)
        two = slopes(**loss, store_covariance=False).fit(X, y, task=task)
        assert not hasattr(two, "coef_covariance_")
        assert (two.coef_std_ == one.coef_std_).all()
        with pytest.raises(ValueError, match="store_covariance"):
            two.predict(X, task=task, return_std=True)

    @each_loss
    def test_the_loss_of_a_fit_is_kept(self, loss):
        X, y, task = labelled(12)
        model = slopes(**loss).fit(X, y, task=task)
        before = model.predict(X, task=task, return_std=True)
        other = "quantile" if model.loss == "huber" else "huber"
        model.set_params(loss=other, quantile=0.1)
        np.testing.assert_array_equal(model.predict(X, task=task, return_std=True), before)
        model.set_params(quantile=0.7).fit(X, y, task=task)
        assert hasattr(model, "huber_scale_") == (other == "huber")
        assert hasattr(model, "smoothing_") == (other == "quantile")
        expected = slopes(other, quantile=0.7).fit(X, y, task=task)
        np.testing.assert_array_equal(model.coef_, expected.coef_)

    @pytest.mark.parametrize("q", [0.1, 0.5, 0.9])
    def test_a_share_of_the_targets_lies_below(self, q):
        X, y, task = labelled(15, n_tasks=80)
        model = slopes("quantile", quantile=q).fit(X, y, task=task)
        assert np.mean(y < model.predict(X, task=task)) == pytest.approx(q, abs=0.04)


def test_a_column_of_labels_is_as_good():
    X, y, task = labelled(16)
    for loss in ("huber", "quantile"):
        beside = RandomSlopesRegressor(loss=loss).fit(X, y, task=task)
        model = RandomSlopesRegressor(loss=loss, task_column=2)
        model.fit(np.column_stack([X, task]), y)
        np.testing.assert_allclose(model.coef_, beside.coef_, rtol=1e-9)
