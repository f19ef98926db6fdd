"""The likelihood under a loss is that of its definition, and its gradient that of its values."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import special

from mtlearn.inputs.tasks import TaskData
from mtlearn.problems.moments import Moments
from mtlearn.selection.likelihood.derivatives import gradient
from mtlearn.selection.likelihood.errors import Errors
from mtlearn.selection.likelihood.loss_rows import LossRows, OutlierLoss, QuantileLoss
from mtlearn.selection.likelihood.other_losses import Found
from mtlearn.selection.likelihood.variances import fit_variances, own_groups

from ...checks import STRICT
from .dense import draw
from .dense_information import Numbers, Outliers, Quantile, normaliser

pytestmark = STRICT

LEVELS = ["pooled", "free", "none"]
NARROW = 1e-9  # of a kink: 2P is off by some 20 of it for each row


def drawn(seed, *, loss, levels="pooled", weights=None, n_tasks=6):
    """Rows some of which are far off; without a common level noise may differ between tasks."""
    rng = np.random.default_rng(100 + seed)
    rows = draw(seed, levels=levels, n_tasks=n_tasks, weights=weights)
    far = rng.random(len(rows.y)) < 0.15
    y = rows.y + 10 * far * rng.normal(size=len(far))
    kappa, V = rng.uniform(0.5, 0.9, n_tasks), rng.uniform(0.3, 1.5, n_tasks)
    if levels == "pooled":
        kappa, V = np.full(n_tasks, 0.7), np.full(n_tasks, 0.4)
    own = {"loss": loss, "kappa": kappa[rows.task], "V": V[rows.task]}
    return Numbers(rows.X, y, rows.task, rows.weight, levels, **own), Errors(kappa, V)


def posed(rows, errors, *, restricted=True, ridge=0.0, width=NARROW, followed=True):
    """The rows of the package with their loss, and the model on them.

    Of a quantile its mode at ``some_theta`` is ``followed`` while the kink gets narrower.
    """
    T = rows.n_tasks
    data = TaskData(rows.X, rows.y, rows.weight, rows.task, np.arange(T), "labels")
    whole = (rows.weight == rows.weight.astype(int)).all()
    logs = None if whole else float(np.log(rows.weight).sum())
    moments, zero = Moments.of_data(data), np.zeros(T)
    moved = {"first": None, "off": np.zeros(len(rows.y))}  # no target is too far
    found = LossRows(data, moments, rows.levels, restricted, ridge, zero + 1, zero, logs, **moved)
    if isinstance(rows.loss, Outliers):
        loss = OutlierLoss(rows.loss.delta)
        return found, loss, found.model(loss, errors)
    loss = QuantileLoss(rows.loss.q, 0.1)
    found = found.seen_from(rows.loss.q) if rows.levels == "pooled" else found
    model = found.model(loss, errors)
    while loss.width > 2 * width:
        if followed:
            model.at(*some_theta(model))
        loss = replace(loss, width=loss.width / 10)
        model = model.under(loss.over(model.y_scale))
    return found, loss, model


def some_theta(model, seed=1):
    U = np.random.default_rng(seed).normal(size=(model.n_columns, model.n_columns))
    return np.arange(model.n_columns), 0.3 * U @ U.T


def in_units(model, Theta):
    """Sigma (d + 1, d + 1), of the rows and in units of their targets."""
    Sigma = model.y_scale**2 * Theta / (model.scale[:, None] * model.scale)
    lacking = 1 - model.first
    return np.pad(Sigma, ((lacking, 0), (lacking, 0)))


LOSSES = [Outliers(0.8), Outliers(40.0), Quantile(0.5), Quantile(0.9)]
each_loss = pytest.mark.parametrize("loss", LOSSES, ids=repr)
each_level = pytest.mark.parametrize("levels", LEVELS)


class TestValue:
    @each_loss
    @each_level
    @pytest.mark.parametrize("restricted, ridge", [(True, 0.0), (False, 0.0), (True, 0.03)])
    def test_it_is_that_of_the_whole_matrices(self, restricted, ridge, levels, loss):
        rows, errors = drawn(0, loss=loss, levels=levels)
        self.compare(rows, errors, restricted=restricted, ridge=ridge)

    @pytest.mark.parametrize("weights", ["whole", "relative"])
    @pytest.mark.parametrize("loss", [Outliers(0.8), Quantile(0.3)], ids=repr)
    @pytest.mark.parametrize("levels", ["pooled", "free"])
    def test_under_weights(self, levels, loss, weights):
        rows, errors = drawn(1, loss=loss, levels=levels, weights=weights)
        self.compare(rows, errors, restricted=False, ridge=0.03)

    def compare(self, rows, errors, *, restricted, ridge):
        found, loss, model = posed(rows, errors, restricted=restricted, ridge=ridge)
        a, Theta = some_theta(model)
        fit = SimpleNamespace(state=model.at(a, Theta))
        value = Found(found, model, fit, errors.variance, errors, loss).minus_twice_log_likelihood
        whole = ridge * rows.weight.sum() / np.exp(np.mean(np.log(errors.variance)))
        truth = rows.minus_twice(
            in_units(model, Theta),
            restricted=restricted,
            ridge=whole,
            repeats=found.log_precision is None,
        )
        assert value == pytest.approx(truth, abs=1e-5)

    def test_without_outliers_it_is_that_of_normal_errors(self):
        rows, errors = drawn(2, loss=Outliers(40.0), weights="relative")
        errors = replace(errors, information=np.ones(rows.n_tasks))
        found, loss, model = posed(rows, errors)
        a, Theta = some_theta(model)
        fit = SimpleNamespace(state=model.at(a, Theta))
        value = Found(found, model, fit, errors.variance, errors, loss).minus_twice_log_likelihood
        normal = replace(rows, precision=1 / rows.V)
        assert value == pytest.approx(normal.criterion(in_units(model, Theta), 1.0), abs=1e-6)


class TestMode:
    @each_loss
    @each_level
    def test_scores_are_of_least_loss(self, levels, loss):
        rows, errors = drawn(3, loss=loss, levels=levels)
        found, _, model = posed(rows, errors, ridge=0.01)
        a, Theta = some_theta(model)
        mode = model.at(a, Theta).mode
        ridge = 0.01 * rows.weight.sum() / model.y_scale**2
        truth, _ = rows.mode(in_units(model, Theta), ridge)
        scores = np.empty(len(rows.y))
        for stack, f in zip(model.rows.stacks, mode.F, strict=True):
            for t, row in zip(stack.tasks, f, strict=True):
                own = rows.task == t
                scores[own] = model.y_scale * row[: own.sum()] + found.middle[t]
        np.testing.assert_allclose(scores, truth, atol=2e-5)

    def test_a_mode_that_is_far_is_found_by_way_of_wider_kinks(self):
        rows, errors = drawn(0, loss=Quantile(0.5))
        _, _, model = posed(rows, errors, width=1e-8, followed=False)
        a, Theta = some_theta(model)
        state = model.at(a, Theta)
        _, least = rows.mode(in_units(model, Theta))
        assert model._criterion(state.mode, Theta, state.ridge) == pytest.approx(least, abs=1e-4)

    @pytest.mark.parametrize("loss", [Outliers(0.8), Quantile(0.7)], ids=repr)
    @each_level
    def test_its_certificate_is_of_the_loss_itself(self, levels, loss):
        """P of the loss without rounding is at most the gap above its least value."""
        rows, errors = drawn(4, loss=loss, levels=levels)
        _, _, model = posed(rows, errors, width=1e-4)
        fit = fit_variances(model, own_groups(model))
        state = fit.state
        Sigma = in_units(model, fit.Theta)
        _, least = rows.mode(Sigma)
        value = 0.5 * float(np.vdot(state.mode.q, state.mode.q @ fit.Theta))
        for k, f in zip(model.rows.stacks, state.mode.F, strict=True):
            r = model.y_scale * (k.y - f)
            m = (1 / (errors.information * errors.variance))[k.tasks][:, None]
            values = np.vectorize(rows.loss.value)(r)
            value += float(np.sum((k.s > 0) * m * values))
        gap = model.effects(fit).gap * model.null_value
        assert -1e-7 <= value - least <= gap + 1e-7
        assert gap <= 2e-3 * len(rows.y)


class TestGradient:
    @pytest.mark.parametrize("loss", [Outliers(0.8), Quantile(0.7)], ids=repr)
    @each_level
    @pytest.mark.parametrize("restricted, ridge", [(True, 0.0), (False, 0.03), (True, None)])
    def test_it_is_that_of_finite_differences(self, restricted, ridge, levels, loss):
        rows, errors = drawn(5, loss=loss, levels=levels)
        _, _, model = posed(rows, errors, restricted=restricted, ridge=ridge, width=1e-2)
        E = own_groups(model)
        k = E.shape[1]
        x = np.random.default_rng(3).uniform(0.1, 1, k + model.estimates_ridge)
        if model.estimates_ridge:
            x[-1] = -1.0

        def at(x):
            return model.at(np.arange(k), np.diag(x[:k]), np.exp(-x[k]) if len(x) > k else None)

        steps = 1e-4 * np.eye(len(x))
        numeric = [(at(x + h).value - at(x - h).value) / 2e-4 for h in steps]
        np.testing.assert_allclose(gradient(model, at(x), E), numeric, rtol=1e-5, atol=1e-5)


class TestNormaliser:
    @pytest.mark.parametrize("unit", [1.0, 0.3])
    @pytest.mark.parametrize("m", [0.5, 4.0])
    def test_it_is_the_integral(self, m, unit):
        """Of errors over a unit: a squared loss is over its square, a pinball loss over it."""
        huber, pinball = OutlierLoss(0.8), QuantileLoss(0.9, 1e-6)
        m = np.array([m])
        assert huber.normaliser(m, unit) == pytest.approx(
            normaliser(Outliers(0.8), m[0] / unit**2) / unit, rel=1e-8
        )
        assert pinball.normaliser(m, unit) == pytest.approx(
            normaliser(Quantile(0.9), m[0] / unit) / unit, rel=1e-8
        )

    def test_of_a_large_delta_it_is_that_of_a_normal_density(self):
        m = np.array([0.7])
        found = OutlierLoss(1e3).normaliser(m, 1.0)
        assert found == pytest.approx(np.sqrt(2 * np.pi / m[0]) * special.erf(1e2), rel=1e-12)
