"""What a fit takes beside the data, against section 4 of the contract: no second copy of X."""

import gc
import tracemalloc

import numpy as np
import pytest
from scipy import sparse

import mtlearn
from mtlearn.problems import design, forms

FAMILIES = ["MeanRegularized", "GroupLasso", "TraceNorm", "Dirty"]


def peak(run):
    """Bytes that are held at most while something runs, of what NumPy and SciPy allocate."""
    tracemalloc.start()
    try:
        run()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def tall(dtype, n=500_000, d=40, T=6, seed=0):
    """160 MB of doubles, of which a block of rows is a fifth."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, d), dtype=np.float32).astype(dtype)
    return X, (X[:, :T] + rng.standard_normal((n, T))).astype(dtype), rng.integers(0, T, n)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("labelled", [True, False])
@pytest.mark.parametrize("family", FAMILIES)
def test_a_regression_on_moments_takes_no_copy_of_x(family, labelled, dtype):
    X, Y, task = tall(dtype)
    model = getattr(mtlearn, f"{family}Regressor")(alpha=0.05)
    given = {"y": Y[:, 0], "task": task} if labelled else {"y": Y}
    assert peak(lambda: model.fit(X, **given)) <= 160e6  # blocks of rows are in double precision
    assert model.dual_gap_ <= model.tol


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("labelled", [True, False])
@pytest.mark.parametrize("family", FAMILIES)
def test_a_classifier_takes_one_copy_of_x_in_the_precision_that_it_has(family, labelled, dtype):
    X, Y, task = tall(dtype, n=100_000, d=100)
    model = getattr(mtlearn, f"{family}Classifier")(alpha=0.03, tol=1e-3)
    given = {"y": Y[:, 0] > 0, "task": task} if labelled else {"y": Y[:, :2] > 0}
    sorted_or_centred = X.nbytes if labelled or dtype == np.float64 else 0
    most = sorted_or_centred + 46 * 8 * given["y"].size  # numbers that go with a label
    assert peak(lambda: model.fit(X, **given)) <= most
    assert model.dual_gap_ <= model.tol


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_regression_through_rows_takes_one_copy_of_x_in_the_precision_that_it_has(
    dtype, monkeypatch
):
    X, Y, task = tall(dtype, n=100_000, d=100)
    monkeypatch.setattr(forms, "use_moments", lambda data: False)
    model = mtlearn.GroupLassoRegressor(alpha=0.3, tol=1e-3)
    most = X.nbytes + 46 * 8 * len(X)
    assert peak(lambda: model.fit(X, Y[:, 0], task=task)) <= most
    assert model.dual_gap_ <= model.tol


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("weighted", [True, False])
def test_without_intercepts_x_is_not_copied_and_single_precision_is_not_summed(weighted, dtype):
    X, Y, _ = tall(dtype)
    weight = np.linspace(0.5, 1.5, len(X)) if weighted else None
    model = mtlearn.MeanRegularizedRegressor(alpha=0.05, fit_intercept=False)
    assert peak(lambda: model.fit(X, Y, sample_weight=weight)) <= 160e6
    double = mtlearn.MeanRegularizedRegressor(alpha=0.05, fit_intercept=False)
    double.fit(X.astype(float), Y.astype(float), sample_weight=weight)
    np.testing.assert_allclose(model.coef_, double.coef_, rtol=0, atol=1e-12)


def test_rotating_a_wide_x_takes_its_centred_copy_and_the_rotation():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((200, 40_000))
    Y = X[:, :3] + rng.standard_normal((200, 3))
    model = mtlearn.MeanRegularizedRegressor(alpha=1.0)
    assert peak(lambda: model.fit(X, Y)) <= 2.5 * X.nbytes
    assert model.dual_gap_ <= model.tol


def holes(n=1000, d=400, T=100, ones=20, seed=0):
    """A sparse X of ones under targets that are mostly holes: all features end up active."""
    rng = np.random.default_rng(seed)
    columns = np.concatenate([rng.choice(d, ones, replace=False) for _ in range(n)])
    X = sparse.csr_array((np.ones(n * ones), columns, np.arange(0, n * ones + 1, ones)), (n, d))
    Y = X @ rng.standard_normal((d, T)) + rng.standard_normal((n, T))
    Y[rng.random((n, T)) < 0.8] = np.nan
    return X, Y


@pytest.mark.parametrize("family", ["GroupLasso", "Dirty"])
def test_a_path_over_sparse_holes_does_not_form_all_scatters(family, monkeypatch):
    X, Y = holes()
    limit = 8.0 * 100 * 40**2  # scatters of 40 features; those of all would take 128 MB
    monkeypatch.setattr(design, "SCATTER_BYTES", limit)
    model, found = getattr(mtlearn, f"{family}Regressor")(tol=1e-4), []
    most = peak(lambda: found.append(model.path(X, Y, alphas=8, eps=0.03)))
    copies = 12 * 20 * np.isfinite(Y).sum()  # of rows, one a label: numbers and places
    coefs = found[0].coefs
    assert (coefs[:, :, -1] != 0).any(axis=0).mean() > 0.9
    assert most <= 4 * copies + 5 * coefs.nbytes < 8.0 * 100 * 400**2
    assert (found[0].dual_gaps <= 1e-4).all()


@pytest.mark.parametrize("family", [*FAMILIES, "LInf"])
def test_a_path_is_the_same_whether_scatters_are_held_or_not(family, monkeypatch):
    X, Y = holes(n=400, d=80, T=12)
    kind, own = ("GroupLasso", {"norm": "linf"}) if family == "LInf" else (family, {})
    model = getattr(mtlearn, f"{kind}Regressor")(tol=1e-10, **own)
    held = model.path(X, Y, alphas=6, eps=0.05)
    monkeypatch.setattr(design, "SCATTER_BYTES", 0.0)
    through_rows = model.path(X, Y, alphas=6, eps=0.05)
    np.testing.assert_allclose(through_rows.coefs, held.coefs, atol=1e-4 * np.abs(held.coefs).max())
    assert (through_rows.dual_gaps <= 1e-10).all()


@pytest.mark.parametrize("kind", ["Regressor", "Classifier"])
@pytest.mark.parametrize("family", FAMILIES)
def test_nothing_is_kept_alive_once_a_fit_is_over(family, kind):
    X, Y = holes(n=2000, d=100, T=40)
    Y = np.where(np.isnan(Y), np.nan, Y > 0) if kind == "Classifier" else Y
    model = getattr(mtlearn, family + kind)(alpha=1e-3, tol=1e-3)
    model.fit(X, Y)  # what is imported or made once
    gc.collect()
    gc.disable()
    tracemalloc.start()
    try:
        model.fit(X, Y)
        copies = 12 * 20 * np.isfinite(Y).sum()  # of rows, one a label
        assert tracemalloc.get_traced_memory()[0] <= 0.25 * copies
    finally:
        tracemalloc.stop()
        gc.enable()
