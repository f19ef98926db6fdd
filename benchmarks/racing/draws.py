"""Drawn designs: X, Y of a shape, columns correlated with their neighbours, 20 informative rows."""

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import norm


def design(rng, n, d, correlation):
    Z = rng.standard_normal((n, d))
    X = Z.copy()
    for j in range(1, d):
        X[:, j] = correlation * X[:, j - 1] + np.sqrt(1 - correlation**2) * Z[:, j]
    return X


def coefficients(rng, d, T, informative):
    W = np.zeros((d, T))
    rows = rng.choice(d, min(informative, d), replace=False)
    W[rows] = rng.standard_normal((len(rows), T))
    return W


def noisy(rng, S, snr):
    E = rng.standard_normal(S.shape)
    return np.asfortranarray(S + E * np.linalg.norm(S) / np.linalg.norm(E) / snr)


def regression(n, d, T, correlation=0.5, informative=20, snr=3.0, seed=0):
    rng = np.random.default_rng(seed)
    X = design(rng, n, d, correlation)
    S = X @ coefficients(rng, d, T, informative)
    return {"X": np.asfortranarray(X), "Y": noisy(rng, S, snr)}


def own_rows(n, d, T, correlation=0.5, informative=20, snr=3.0, seed=0):
    """Rows for each task: X (T, n, d)."""
    rng = np.random.default_rng(seed)
    X = np.stack([design(rng, n, d, correlation) for _ in range(T)])
    W = coefficients(rng, d, T, informative)
    return {"X": X, "Y": noisy(rng, np.einsum("tij,jt->it", X, W), snr)}


def dirty(n, d, T, correlation=0.5, informative=10, specific=3, snr=3.0, seed=0):
    """Shared rows, and for each task some coefficients of its own."""
    rng = np.random.default_rng(seed)
    X = design(rng, n, d, correlation)
    W = coefficients(rng, d, T, informative)
    for t in range(T):
        W[rng.choice(d, specific, replace=False), t] += 2.0 * rng.standard_normal(specific)
    return {"X": np.asfortranarray(X), "Y": noisy(rng, X @ W, snr)}


def patterns(rng, d, T, rank):
    """Coefficients that are mixtures of a few patterns."""
    return rng.standard_normal((d, rank)) @ rng.standard_normal((rank, T)) / np.sqrt(rank)


def low_rank(n, d, T, correlation=0.5, rank=4, snr=3.0, seed=0):
    rng = np.random.default_rng(seed)
    X = design(rng, n, d, correlation)
    return {"X": np.asfortranarray(X), "Y": noisy(rng, X @ patterns(rng, d, T, rank), snr)}


def own_rows_of_low_rank(n, d, T, correlation=0.5, rank=4, snr=3.0, seed=0):
    """The same with rows for each task: X (T, n, d)."""
    rng = np.random.default_rng(seed)
    X = np.stack([design(rng, n, d, correlation) for _ in range(T)])
    W = patterns(rng, d, T, rank)
    return {"X": X, "Y": noisy(rng, np.einsum("tij,jt->it", X, W), snr)}


def labels(n, d, T, correlation=0.5, informative=20, snr=3.0, seed=0):
    """Two classes for each task: the sign of a noisy score."""
    data = regression(n, d, T, correlation, informative, snr, seed)
    return {"X": data["X"], "Y": np.where(data["Y"] > 0, 1.0, -1.0)}


def classes(n, d, K, correlation=0.5, informative=20, snr=3.0, seed=0):
    """K classes, the largest noisy score, one against the rest: columns of ±1."""
    data = regression(n, d, K, correlation, informative, snr, seed)
    largest = data["Y"].argmax(axis=1)
    return {"X": data["X"], "Y": np.where(largest[:, None] == np.arange(K), 1.0, -1.0)}


def text(n, d, T, words=60, informative=40, snr=3.0, seed=0):
    """CSR rows of tf-idf weights: frequent words, rare words, those that matter among the first."""
    rng = np.random.default_rng(seed)
    share = 1.0 / np.arange(5, d + 5)
    columns = rng.choice(d, (n, words), p=share / share.sum())
    rows = np.repeat(np.arange(n), words)
    X = sparse.csr_matrix((np.ones(n * words), (rows, columns.ravel())), shape=(n, d))
    X.data = np.log1p(X.data)
    X = X @ sparse.diags(np.log(n / np.maximum(X.getnnz(axis=0), 1.0)))
    X = sparse.csr_matrix(X / norm(X, axis=1)[:, None])
    W = np.zeros((d, T))
    W[: d // 10] = coefficients(rng, d // 10, T, informative)
    return {"X": X, "Y": noisy(rng, X @ W, snr)}
