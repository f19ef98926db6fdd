"""Random slopes under Huber's loss and of quantiles: what was drawn, and hard tables."""

import warnings

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import QuantileRegressor

from mtlearn import RandomSlopesRegressor
from mtlearn.exceptions import UnidentifiedVarianceWarning

from ..checks import STRICT
from .slope_losses import slopes

pytestmark = STRICT

LOSSES = ["huber", "quantile"]
each_loss = pytest.mark.parametrize("loss", LOSSES)


def drawn(seed, errors, *, n_tasks=60, rows=10, sd=(1.0, 0.7, 0.0)):
    """Rows of tasks whose levels and slopes have these deviations, errors of unit scale."""
    rng = np.random.default_rng(seed)
    task = np.repeat(np.arange(n_tasks), rows)
    X = rng.normal(size=(len(task), 2))
    lines = [1.0, 1.0, 2.0] + rng.normal(size=(n_tasks, 3)) * sd
    e = rng.normal(size=len(task))
    if errors == "t":
        e = rng.standard_t(2, size=len(task))
    if errors == "outliers":
        e = e + 30 * (rng.random(len(task)) < 0.05) * rng.normal(size=len(task))
    return X, lines[task, 0] + np.sum(X * lines[task, 1:], axis=1) + e, task


class TestVariances:
    @pytest.mark.parametrize("errors", ["normal", "t", "outliers"])
    @pytest.mark.parametrize(
        "own",
        [{"loss": "huber"}, {"loss": "quantile"}, {"loss": "quantile", "quantile": 0.8}],
        ids=["huber", "median", "quantile"],
    )
    def test_they_are_those_that_were_drawn(self, own, errors):
        """Of 60 tasks a variance is known to 20 to 25 %, and an average over six to 10."""
        found = [
            np.diag(slopes(tol=1e-6, **own).fit(X, y, task=task).covariance_)
            for X, y, task in (drawn(seed, errors) for seed in range(6))
        ]
        level, slope, none = np.mean(found, axis=0)
        assert level == pytest.approx(1.0, rel=0.3)
        assert slope == pytest.approx(0.49, rel=0.35)
        assert none < 0.05  # half of the estimates are zero, others as large as their error

    def test_outliers_are_what_the_squared_loss_cannot_stand(self):
        X, y, task = drawn(0, "outliers")
        assert slopes("squared").fit(X, y, task=task).noise_std_ > 5
        assert slopes().fit(X, y, task=task).noise_std_ == pytest.approx(1.0, rel=0.2)

    def test_a_huber_fit_is_as_sure_as_it_says(self):
        """Coefficients are as far off as their standard deviations."""
        off = []
        for seed in range(4):
            rng = np.random.default_rng(seed)
            X, y, task = drawn(seed, "outliers")
            rng.normal(size=X.shape)
            truth = [1.0, 2.0] + rng.normal(size=(60, 3))[:, 1:] * [0.7, 0.0]
            model = slopes().fit(X, y, task=task)
            off.append((model.coef_[:, 0] - truth[:, 0]) / model.coef_std_[:, 0])
        assert np.sqrt(np.mean(np.square(off))) == pytest.approx(1.0, abs=0.2)


def few(seed=0, n_tasks=8, rows=8):
    X, y, task = drawn(seed, "normal", n_tasks=n_tasks, rows=rows)
    return X, y, task


def finite(model):
    """Whether all that a fit says are numbers, but for the spread of levels that are free."""
    free = np.isinf(model.intercept_std_)
    for name, value in vars(model).items():
        if name.endswith("_") and np.asarray(value).dtype.kind == "f":
            ends = free and name in ("intercept_std_", "covariance_")
            if not (ends or np.isfinite(value).all()):
                return False
    return True


class TestHardTables:
    @each_loss
    @pytest.mark.parametrize(
        "change",
        [
            lambda X, y: (np.column_stack([X, np.full(len(X), 3.0)]), y),
            lambda X, y: (np.column_stack([X, X[:, 0] + X[:, 1], X[:, 0]]), y),
            lambda X, y: (X, np.round(y / 3)),
            lambda X, y: (X, (y > 1).astype(float)),
            lambda X, y: (1e8 * X, y),
            lambda X, y: (X, 1e8 * y),
            lambda X, y: (X, 1e-8 * y),
            lambda X, y: (X + 1e8, y + 1e8),
            lambda X, y: (X.astype(np.float32), y.astype(np.float32)),
            lambda X, y: (X, np.round(y).astype(int)),
        ],
        ids="constant collinear ties binary large tall tiny far float32 int".split(),
    )
    def test_numbers_are_finite_and_the_fit_is_at_its_best(self, change, loss):
        X, y, task = few()
        model = RandomSlopesRegressor(loss=loss).fit(*change(X, y), task=task)
        assert finite(model)
        assert model.dual_gap_ <= model.tol and model.gradient_norm_ <= 1e-3
        assert 0 < model.noise_std_ < 2 * np.std(change(X, y)[1])

    @each_loss
    @pytest.mark.parametrize("task", [None, np.zeros(64)], ids=["single", "one task"])
    def test_one_task_tells_no_variance(self, task, loss):
        X, y, _ = few()
        with pytest.warns(UnidentifiedVarianceWarning, match="there is one task"):
            model = RandomSlopesRegressor(loss=loss).fit(X, y, task=task)
        assert finite(model) and not model.covariance_.any()
        assert model.dual_gap_ <= model.tol

    @each_loss
    def test_more_columns_than_rows(self, loss):
        rng = np.random.default_rng(0)
        X, y, task = rng.normal(size=(24, 30)), rng.normal(size=24), np.repeat(np.arange(8), 3)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            model = RandomSlopesRegressor(loss=loss).fit(X, y, task=task)
        kinds = {one.category for one in caught}
        assert finite(model) and UnidentifiedVarianceWarning in kinds
        assert (model.dual_gap_ <= model.tol) != (ConvergenceWarning in kinds)

    def test_a_task_of_outliers_has_a_level_of_its_own(self):
        X, y, task = few()
        y[task == 3] = 1e4
        model = RandomSlopesRegressor(loss="huber").fit(X, y, task=task)
        assert finite(model) and model.dual_gap_ <= model.tol
        at_mean = model.predict(X[task == 3].mean(axis=0)[None], task=[3])
        assert at_mean == pytest.approx(1e4, rel=1e-3)

    @each_loss
    def test_targets_that_do_not_vary(self, loss):
        X, _, task = few()
        model = RandomSlopesRegressor(loss=loss).fit(X, np.full(64, 7.0), task=task)
        assert finite(model) and not model.covariance_.any()
        np.testing.assert_allclose(model.predict(X, task=task), 7.0, atol=1e-6)

    def test_lines_that_are_exact(self):
        X, _, task = few()
        y = X @ [1.0, 2.0] + 3
        model = RandomSlopesRegressor(loss="huber").fit(X, y, task=task)
        assert finite(model) and model.noise_std_ < 1e-3
        np.testing.assert_allclose(model.coef_, np.tile([1.0, 2.0], (8, 1)), atol=1e-3)

    def test_a_quantile_of_lines_that_are_exact(self):
        X, _, task = few()
        model = RandomSlopesRegressor(loss="quantile").fit(X, X @ [1.0, 2.0] + 3, task=task)
        np.testing.assert_allclose(model.coef_, np.tile([1.0, 2.0], (8, 1)), atol=1e-3)

    def test_one_row_a_task_does_not_tell_the_level_from_the_noise(self):
        X, y, task = few(rows=1, n_tasks=64)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            with pytest.warns(UnidentifiedVarianceWarning, match="the level"):
                model = RandomSlopesRegressor(loss="huber").fit(X, y, task=task)
        assert model.noise_std_ > 0.3

    def test_a_column_of_y_that_does_not_vary(self):
        rng = np.random.default_rng(0)
        X = rng.normal(size=(60, 2))
        Y = X @ (1 + rng.normal(size=(2, 4))) + rng.normal(size=(60, 4))
        Y[:, 2] = 1.0
        model = RandomSlopesRegressor(loss="huber").fit(X, Y)
        assert finite(model)
        np.testing.assert_allclose(model.noise_std_[[0, 1, 3]], 1.0, rtol=0.3)

    @each_loss
    def test_two_rows_of_several_targets(self, loss):
        X, Y = np.random.default_rng(0).normal(size=(2, 2, 3))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UnidentifiedVarianceWarning)
            warnings.simplefilter("ignore", ConvergenceWarning)
            warnings.filterwarnings("ignore", message="quantile=0.5: 3 rows are to lie beyond it")
            model = RandomSlopesRegressor(loss=loss).fit(X, Y)
        assert finite(model)


class TestFewRows:
    """What a first fit has to leave of errors, so that their scale is known."""

    @pytest.mark.parametrize("rows", [1, 2, 3])
    def test_the_noise_of_small_tasks(self, rows):
        """Under errors that are normal it is near that of the squared loss, and near what it is."""
        found = {"squared": [], "huber": []}
        for seed in range(4):
            rng = np.random.default_rng(seed)
            task = np.repeat(np.arange(150 // rows), rows)
            X = rng.normal(size=(len(task), 2))
            slope = 0.7 * rng.normal(size=150)[task]
            y = 1 + X @ [1, 2] + X[:, 0] * slope + rng.normal(size=len(task))
            for loss, noises in found.items():
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore", UnidentifiedVarianceWarning)
                    model = RandomSlopesRegressor(loss=loss).fit(X, y, task=task)
                noises.append(model.noise_std_)
        np.testing.assert_allclose(found["huber"], found["squared"], rtol=0.2)
        assert np.mean(found["huber"]) == pytest.approx(1.0, abs=0.15)

    def test_a_quantile_far_out_ends_and_is_warned_of(self):
        X, y, task = few(rows=10, n_tasks=12)
        with pytest.warns(UserWarning, match="0.12 rows are to lie beyond it"):
            model = RandomSlopesRegressor(loss="quantile", quantile=0.999).fit(X, y, task=task)
        assert finite(model) and model.dual_gap_ <= 1e-6
        assert model.noise_std_ > 5  # (q (1 - q))^½ / .0034


@pytest.mark.parametrize("quantile", [0.2, 0.5, 0.85])
def test_without_variances_it_is_quantile_regression(quantile):
    """Scikit-learn's, where there is one task and no penalty."""
    X, y, _ = few(rows=60, n_tasks=1)
    with pytest.warns(UnidentifiedVarianceWarning, match="there is one task"):
        model = RandomSlopesRegressor(loss="quantile", quantile=quantile).fit(X, y)
    peer = QuantileRegressor(quantile=quantile, alpha=0.0, solver="highs").fit(X, y)
    np.testing.assert_allclose(model.coef_, peer.coef_, atol=1e-4)
    assert model.intercept_ == pytest.approx(peer.intercept_, abs=1e-4)
