"""The distribution of gains over tasks: definitions, limits, and drawn tables of known truth."""

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.stats import norm

from mtlearn.compare.gains import paule_mandel, task_gains


def drawn(truth, rng, n_tasks=235, spread=0.2, noise=1.0):
    """Gains normal over tasks, of which a share of ``truth`` is above zero; 4 to 20 rows each."""
    task = np.repeat(np.arange(n_tasks), rng.integers(4, 21, n_tasks))
    gain = rng.normal(norm.ppf(truth) * spread, spread, n_tasks)
    return task, gain[task] + noise * rng.normal(size=len(task))


@pytest.mark.parametrize("n_tasks", [2, 3, 50, 1000])
def test_paule_mandel_solves_its_equation(n_tasks):
    rng = np.random.default_rng(n_tasks)
    noise = 1 / rng.integers(2, 30, n_tasks)
    d = rng.normal(0.1, 1.0, n_tasks) + rng.normal(size=n_tasks) * np.sqrt(noise)

    def excess(tau2):
        weight = 1 / (noise + tau2)
        mean = (weight * d).sum() / weight.sum()
        return (weight * (d - mean) ** 2).sum() - (n_tasks - 1)

    expected = brentq(excess, 0, 100, xtol=1e-14) if excess(0) > 0 else 0.0
    assert paule_mandel(d, noise) == pytest.approx(expected, rel=1e-9, abs=1e-13)


def test_equal_noise_is_the_analysis_of_variance():
    d, noise = np.array([0.0, 1.0, 5.0]), np.full(3, 2.0)
    assert paule_mandel(d, noise) == pytest.approx(np.var(d, ddof=1) - 2)
    assert paule_mandel(d / 10, noise) == 0
    assert paule_mandel(d, 0 * noise) == pytest.approx(np.var(d, ddof=1))


@pytest.mark.parametrize("truth", [0.29, 0.5, 0.9])
def test_the_share_of_tasks_that_gain_is_that_of_the_truth(truth):
    rng = np.random.default_rng(0)
    found = [task_gains(*drawn(truth, rng)) for _ in range(12)]
    assert np.mean([one.share for one in found]) == pytest.approx(truth, abs=0.05)
    assert sum(one.share_low <= truth <= one.share_high for one in found) >= 9
    assert np.mean([one.std for one in found]) == pytest.approx(0.2, abs=0.03)


def test_gains_in_squared_error_have_the_share_of_the_truth():
    """A shift a_t for each task against none: gain 2 a θ - a², with noise that grows with |a|."""
    rng, shares, truths = np.random.default_rng(1), [], []
    for _ in range(12):
        task = np.repeat(np.arange(300), rng.integers(6, 25, 300))
        effect = 0.5 * rng.normal(size=300)
        shift = 0.5 * effect + 0.3 * rng.normal(size=300)
        y = effect[task] + rng.normal(size=len(task))
        gain = y**2 - (y - shift[task]) ** 2
        shares.append(task_gains(task, gain).share)
        truths.append((2 * shift * effect - shift**2 > 0).mean())
    assert np.mean(shares) == pytest.approx(np.mean(truths), abs=0.12)


def test_tasks_that_do_not_differ_have_no_share():
    rng = np.random.default_rng(3)
    task = np.repeat(np.arange(40), 10)
    noise = rng.normal(size=(40, 10))
    noise -= noise.mean(axis=1, keepdims=True)
    found = task_gains(task, (0.3 + noise).ravel())
    assert found.std == 0 and found.mean == pytest.approx(0.3)
    assert np.isnan([found.share, found.share_low, found.share_high]).all()
    np.testing.assert_allclose(found.posterior_mean, 0.3)
    equal = task_gains(task, np.zeros(400))
    assert equal.std == 0 and equal.mean == 0


def test_gains_shrink_the_more_the_fewer_rows_there_are():
    rng = np.random.default_rng(4)
    rows = np.repeat([3, 300], 30)
    task = np.repeat(np.arange(60), rows)
    true = np.tile([-1.0, 1.0], 30)
    d = true[task] + rng.normal(size=len(task))
    found, mean = task_gains(task, d, n_tasks=61), np.bincount(task, d) / rows
    assert np.isnan(found.posterior_mean[60])  # without held-out rows
    kept = (found.posterior_mean[:60] - found.mean) / (mean - found.mean)
    assert kept[:30].max() < kept[30:].min() < 1
    certain = np.where(true > 0, found.probability[:60], 1 - found.probability[:60])
    assert certain[30:].min() > 0.999


def test_equal_groups_are_their_means():
    rng = np.random.default_rng(5)
    group, task = np.repeat(np.arange(400), 3), np.repeat(np.arange(50), 24)
    d = rng.normal(size=50)[task] + rng.normal(size=400)[group] + rng.normal(size=1200)
    by_group = task_gains(task, d, groups=group)
    means = task_gains(np.repeat(np.arange(50), 8), d.reshape(-1, 3).mean(axis=1))
    for name in ("mean", "std", "share", "posterior_mean", "probability"):
        np.testing.assert_allclose(getattr(by_group, name), getattr(means, name), rtol=1e-9)
    assert task_gains(task, d).std > by_group.std  # rows of a group are no independent evidence
    every_row = task_gains(task, d, groups=np.arange(1200))
    assert every_row.share == pytest.approx(task_gains(task, d).share)


@pytest.mark.parametrize("task", [[0, 0, 0], [0, 1, 2], [0]])
def test_one_task_or_one_row_each_say_nothing(task):
    found = task_gains(np.array(task), np.arange(len(task)) + 1.0)
    assert np.isnan([found.mean, found.std, found.share]).all()


def test_two_tasks_are_enough_to_differ():
    task = np.repeat([0, 1], 50)
    found = task_gains(task, np.where(task, 1.0, -1.0) + np.tile([-0.1, 0.1], 50))
    assert found.share == pytest.approx(0.5) and found.share_low == 0 and found.share_high == 1


def test_entries_that_stand_for_rows_are_the_groups_of_these():
    rng = np.random.default_rng(6)
    task, group = rng.integers(0, 40, 900), rng.integers(0, 5, 900)
    gain = rng.normal(0.2, 0.5, 40)[task] + rng.normal(size=900)
    cells, cell = np.unique(np.column_stack([task, group]), axis=0, return_inverse=True)
    size = np.bincount(cell.reshape(-1))
    means = np.bincount(cell.reshape(-1), gain) / size
    rows, sums = task_gains(task, gain, groups=group), task_gains(cells[:, 0], means, size=size)
    np.testing.assert_allclose(sums.posterior_mean, rows.posterior_mean, rtol=1e-9)
    np.testing.assert_allclose(
        [sums.mean, sums.std, sums.share, sums.share_low, sums.share_high],
        [rows.mean, rows.std, rows.share, rows.share_low, rows.share_high],
        rtol=1e-7,
    )
