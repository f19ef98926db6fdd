"""The index against its formula, what it means, and whether frequencies say what is true."""

from fractions import Fraction

import numpy as np
import pytest

import mtlearn
from mtlearn.inspection import selection_stability
from mtlearn.inspection.stability import stability_index


def by_hand(Z):
    """Nogueira, Sechidis and Brown (2018), definition 4 and theorem 7, in exact fractions."""
    Z = [[Fraction(int(z)) for z in row] for row in Z]
    M, d = len(Z), len(Z[0])
    p = [sum(row[f] for row in Z) / M for f in range(d)]
    k = [sum(row) for row in Z]
    mean = sum(k) / Fraction(M)
    chance = (mean / d) * (1 - mean / d)
    stability = 1 - sum(Fraction(M, M - 1) * q * (1 - q) for q in p) / d / chance
    phi = []
    for row, size in zip(Z, k, strict=True):
        agree = sum(z * q for z, q in zip(row, p, strict=True)) / d - size * mean / d**2
        rest = 2 * mean * size / d**2 - size / Fraction(d) - mean / d + 1
        phi.append((agree + stability / 2 * rest) / chance)
    centre = sum(phi) / M
    variance = Fraction(4, M**2) * sum((one - centre) ** 2 for one in phi)
    return float(stability), float(variance)


def test_index_is_the_formula():
    Z = np.random.default_rng(0).random((7, 5)) < [0.9, 0.7, 0.5, 0.2, 0.1]
    found = stability_index(Z)
    stability, variance = by_hand(Z)
    assert found.value == pytest.approx(stability, abs=1e-14)
    assert found.high - found.value == pytest.approx(1.959963984540054 * variance**0.5, abs=1e-14)
    assert found.value - found.low == pytest.approx(found.high - found.value)


@pytest.mark.parametrize("same", [[1, 0, 0, 1], [1, 1, 1, 1], [0, 0, 0, 0]])
def test_always_the_same_is_one(same):
    assert stability_index(np.tile(np.array(same, dtype=bool), (10, 1))) == (1.0, 1.0, 1.0)


def test_chance_is_zero():
    rng = np.random.default_rng(0)
    values = [stability_index(rng.random((50, 20)).argsort(axis=1) < 5).value for _ in range(200)]
    assert abs(np.mean(values)) < 4 * np.std(values) / np.sqrt(200)


def test_worst_of_two_disagree():
    assert stability_index(np.array([[1, 0], [0, 1]], dtype=bool)).value == pytest.approx(-1.0)


def test_interval_covers():
    """The limit of the index has p_f in the place of frequencies."""
    p = np.array([0.95, 0.9, 0.5, 0.2, 0.1, 0.05, 0.05, 0.02])
    truth = 1 - np.mean(p * (1 - p)) / (p.mean() * (1 - p.mean()))
    rng = np.random.default_rng(0)
    found = [stability_index(rng.random((1000, len(p))) < p) for _ in range(1000)]
    share = np.mean([one.low <= truth <= one.high for one in found])
    assert 0.93 < share < 0.97


# What frequencies say.

T, D = 30, 8
SPREAD = np.array([1.0, 1.0, 0.5, 0.0, 0.0, 0.0, 0.0, 0.0])
MEAN = np.array([1.0, 0.0, 2.0, 1.5, 0.0, 0.0, 0.0, 0.0])


def drawn(seed, n=1800):
    """Features 0 to 2 differ between tasks, 3 has one effect in all of them, the rest none."""
    rng = np.random.default_rng(seed)
    W = MEAN + np.random.default_rng(99).standard_normal((T, D)) * SPREAD
    task, X = np.arange(n) % T, rng.standard_normal((n, D))
    return X, np.sum(X * W[task], axis=1) + rng.standard_normal(n), task


SELECTING = {
    "group": (mtlearn.GroupLassoRegressor(1.0), [1, 1, 1, 1, 0, 0, 0, 0]),
    "sparse group": (mtlearn.GroupLassoRegressor(1.0, l1_ratio=0.5), [1, 1, 1, 1, 0, 0, 0, 0]),
    "dirty": (mtlearn.DirtyRegressor(1.3), [1, 1, 1, 1, 0, 0, 0, 0]),
    "differing": (
        mtlearn.GroupLassoRegressor(1.0, shared_mean=True),
        [1, 1, 1, 0, 0, 0, 0, 0],
    ),
}


@pytest.mark.parametrize("over", ["rows", "tasks", "both"])
@pytest.mark.parametrize("name", SELECTING)
def test_true_features_always_and_noise_never(name, over):
    model, truth = SELECTING[name]
    X, y, task = drawn(0)
    model.fit(X, y, task=task)
    found = selection_stability(model, X, y, task=task, over=over, n_bootstraps=40, random_state=0)
    frequency = found.features["frequency"].to_numpy()
    assert (frequency[np.array(truth) == 1] > 0.9).all()
    assert (frequency[np.array(truth) == 0] < 0.1).all()
    assert found.stability > 0.9
    assert found.low <= found.stability <= found.high
    assert found.selected.shape == (40, D)
    of_tasks = found.tasks.pivot(index="task", columns="feature", values="frequency").to_numpy()
    if over == "rows":  # every resample has every task
        assert (of_tasks.max(axis=0) <= frequency + 1e-12).all()


@pytest.mark.parametrize("over", ["rows", "tasks", "both"])
def test_random_slopes_select_what_differs(over):
    X, y, task = drawn(0)
    model = mtlearn.RandomSlopesRegressor().fit(X, y, task=task)
    found = selection_stability(model, X, y, task=task, over=over, n_bootstraps=40, random_state=0)
    frequency = found.features["frequency"].to_numpy()
    assert (frequency[:3] == 1.0).all()
    assert frequency[3:].mean() < 0.75  # a true zero comes out as zero every second time


@pytest.mark.parametrize(
    "model",
    [
        mtlearn.GroupLassoRegressor(0.7),
        mtlearn.GroupLassoRegressor(0.7, shared_mean=True),
        mtlearn.RandomSlopesRegressor(),
    ],
    ids=["group", "differing", "slopes"],
)
def test_noise_is_selected_as_often_as_from_new_rows(model):
    """With replacement it would be nearly always; on half of the rows at one alpha as well."""
    noise = slice(4, D)

    def selected(seed):
        X, y, task = drawn(seed)
        model.fit(X, y, task=task)
        if hasattr(model, "slope_std_"):
            return model.slope_std_ > 0
        return (model.coef_ != getattr(model, "mean_coef_", 0.0)).any(axis=0)

    new = np.mean([selected(seed)[noise] for seed in range(100, 140)])
    assert 0.2 < new < 0.8
    again = []
    for seed in range(10):
        X, y, task = drawn(seed)
        model.fit(X, y, task=task)
        found = selection_stability(model, X, y, task=task, n_bootstraps=10, random_state=seed)
        again.append(found.features["frequency"].to_numpy()[noise])
    assert np.mean(again) == pytest.approx(new, abs=0.15)


def test_rank_of_a_trace_norm():
    rng = np.random.default_rng(0)
    X, n_tasks = rng.standard_normal((200, 6)), 9
    W = rng.standard_normal((6, 2)) @ rng.standard_normal((2, n_tasks))
    Y = X @ W + rng.standard_normal((200, n_tasks))
    model = mtlearn.TraceNormRegressor(0.5).fit(X, Y)
    found = selection_stability(model, X, Y, n_bootstraps=30, random_state=0)
    assert found.selects == "components"
    assert found.tasks is None
    assert np.isnan(found.stability)
    assert found.features["feature"].to_list()[:2] == ["component 1", "component 2"]
    np.testing.assert_array_equal(found.features["frequency"], [1.0, 1.0, 0, 0, 0, 0])


def test_what_is_drawn_depends_on_the_seed_alone():
    X, y, task = drawn(0, n=300)
    model = mtlearn.GroupLassoRegressor(1.7).fit(X, y, task=task)
    one, two, other = (
        selection_stability(
            model, X, y, task=task, n_bootstraps=20, random_state=seed, n_jobs=n_jobs
        ).selected
        for seed, n_jobs in ((0, 1), (0, 2), (1, 1))
    )
    np.testing.assert_array_equal(one, two)
    assert (one != other).any()


def test_a_task_never_drawn_has_no_frequency():
    X, y, task = drawn(0, n=300)
    model = mtlearn.GroupLassoRegressor(0.5).fit(X, y, task=task)
    found = selection_stability(
        model, X, y, task=task, over="tasks", n_bootstraps=2, random_state=0
    )
    assert found.tasks["frequency"].isna().any()
    assert found.features["frequency"].notna().all()


def test_progress(capsys):
    X, y, task = drawn(0, n=300)
    model = mtlearn.GroupLassoRegressor(0.5).fit(X, y, task=task)
    selection_stability(model, X, y, task=task, n_bootstraps=3, random_state=0, verbose=1)
    assert capsys.readouterr().out.splitlines() == [f"bootstrap {k}/3" for k in (1, 2, 3)]
