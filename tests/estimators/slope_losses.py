"""Rows drawn for random slopes under a loss, and their problem with whole matrices."""

import numpy as np
from scipy import stats

from mtlearn import RandomSlopesRegressor

from ..selection.likelihood.dense_information import Numbers, Outliers, Quantile

K = 1.345  # delta of Huber's loss over the scale of errors


def slopes(loss="huber", **parameters):
    """The model, to more digits than by default."""
    return RandomSlopesRegressor(loss=loss, **{"tol": 1e-8, "unseen_task": "mean"} | parameters)


def labelled(seed, *, n_tasks=12, far=0.1):
    """Rows of unequal tasks in features of unlike units, some of whose targets are far off."""
    rng = np.random.default_rng(seed)
    task = np.repeat(np.arange(n_tasks), rng.integers(4, 13, n_tasks))
    X = rng.normal(size=(len(task), 2)) * [1, 30] + 3
    lines = [1.0, 1.0, 0.1] + rng.normal(size=(n_tasks, 3)) * [1.0, 0.7, 0.02]
    y = lines[task, 0] + np.sum(X * lines[task, 1:], axis=1) + rng.normal(size=len(task))
    return X, y + 15 * (rng.random(len(y)) < far) * rng.normal(size=len(y)), task


def several(seed, *, n=40, n_targets=5, far=0.1):
    """Targets of unlike units over one X, with holes."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 2)) * [1, 30] + 3
    W = np.array([[1.0], [0.1]]) + rng.normal(size=(2, n_targets)) * [[0.4], [0.01]]
    Y = X @ W + rng.normal(size=(n, n_targets)) + 2
    Y += 15 * (rng.random(Y.shape) < far) * rng.normal(size=Y.shape)
    Y[rng.random(Y.shape) < 0.2] = np.nan
    return X, Y * np.geomspace(1, 1e3, n_targets)


def errors_of(model):
    """kappa, V and E psi² of the errors, by the formulas of the documentation."""
    noise = model.noise_std_ / getattr(model, "target_scale_", 1.0)
    if model.loss == "quantile":
        q = model.quantile
        return np.sqrt(q * (1 - q)) / noise, noise**2, q * (1 - q) + 0 * noise
    k = K * model.huber_scale_ / noise
    kappa = 2 * stats.norm.cdf(k) - 1
    squares = noise**2 * (kappa - 2 * k * stats.norm.pdf(k) + 2 * k**2 * stats.norm.sf(k))
    return kappa, squares / kappa**2, squares


def dense(model, X, y, task=None, weight=None):
    """The rows of the fit with their loss, the coefficients of tasks (level, slopes), and R."""
    kappa, V, _ = errors_of(model)
    if task is None:
        task, row = np.nonzero(~np.isnan(y).T)
        y, X = y[row, task] / model.target_scale_[task], X[row]
        kappa, V, levels = kappa[task], V[task], "free"
        weight = None if weight is None else weight[row]
    else:
        levels = "pooled" if model.fit_intercept else "none"
        kappa, V = np.full(len(y), kappa), np.full(len(y), V)
    weight = np.ones(len(y)) if weight is None else weight / model.weight_unit_
    loss = Quantile(model.quantile)
    if model.loss == "huber":
        loss = Outliers(K * model.huber_scale_)
    rows = Numbers(X, y, task, weight, levels, loss=loss, kappa=kappa, V=V)
    unit = np.exp(np.mean(np.log(V[np.unique(task, return_index=True)[1]])))
    ridge = 0.0 if model.alpha_mean == 0 else model.alpha_mean * weight.sum() / unit
    scale = getattr(model, "target_scale_", np.ones(1))[:, None]
    level = model.intercept_ + model.coef_ @ model.center_
    return rows, np.column_stack([level, model.coef_]) / scale, ridge


def sigma_of(model):
    """Sigma, without the levels that are free."""
    return np.where(np.isfinite(model.covariance_), model.covariance_, 0.0)


def objective(model, rows, lines, ridge):
    """What coefficients are the minimum of, at these."""
    z = np.column_stack([np.ones(len(rows.y)), rows.X - rows.center])
    r = rows.y - np.sum(z * lines[rows.task], axis=1)
    shared = np.append(model.mean_intercept_ + model.center_ @ model.mean_coef_, model.mean_coef_)
    if rows.levels == "none":
        z, lines, shared = z, lines * [0, 1, 1], shared * [0, 1, 1]
    off = lines - shared
    if rows.levels == "free":
        off[:, 0] = 0.0
    prior = np.einsum("tj,jk,tk->", off, np.linalg.pinv(sigma_of(model), hermitian=True), off)
    prior += ridge * np.sum(model.mean_coef_**2)
    value = np.array([rows.loss.value(e) for e in r])
    return (rows.weight * rows.m) @ value + 0.5 * prior, r
