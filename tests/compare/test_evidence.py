"""Helped and hurt: formulas against closed forms, and error rates by simulation."""

import numpy as np
import pytest
from scipy import stats

from mtlearn.compare.counts import Counts
from mtlearn.compare.evidence import PairedEvidence, benjamini_hochberg, paired_evidence, verdicts


def squared_losses(y, prediction, baseline):
    """What the comparison feeds in: loss differences and how far the predictions are apart."""
    return (y - prediction) ** 2 - (y - baseline) ** 2, np.abs(prediction - baseline)


def test_what_the_units_share_raises_the_variance_of_every_task():
    rng = np.random.default_rng(1)
    task, d = rng.integers(0, 6, 90), rng.normal(0.2, 1, 90)
    plain, raised = paired_evidence(task, d), paired_evidence(task, d, raised=2.25)
    np.testing.assert_allclose(raised.standard_error, 1.5 * plain.standard_error, rtol=1e-12)
    t = np.abs(plain.difference) / plain.standard_error / 1.5
    np.testing.assert_allclose(raised.p_value, 2 * stats.t.sf(t, plain.units - 1), rtol=1e-9)


def test_one_task_is_the_paired_t_test():
    # with a single task the common variance is its own, so nothing is blended in
    d = np.random.default_rng(0).normal(0.3, 1, 25)
    evidence = paired_evidence(np.zeros(25, int), d)
    truth = stats.ttest_1samp(d, 0)
    assert evidence.p_value[0] == pytest.approx(truth.pvalue, rel=1e-12)
    assert evidence.standard_error[0] == pytest.approx(stats.sem(d), rel=1e-12)
    assert evidence.difference[0] == pytest.approx(d.mean(), rel=1e-12)


def test_large_tasks_keep_their_own_standard_error():
    rng = np.random.default_rng(1)
    sizes = [20_000, 20_000, 20_000]
    task = np.repeat(np.arange(3), sizes)
    d = rng.normal(size=60_000) * np.array([1.0, 1.5, 2.0])[task]
    evidence = paired_evidence(task, d)
    own = [stats.sem(d[task == t]) for t in range(3)]
    np.testing.assert_allclose(evidence.standard_error, own, rtol=0.02)


def test_standard_error_is_never_below_the_task_s_own():
    rng = np.random.default_rng(2)
    task = np.repeat(np.arange(200), rng.integers(2, 30, 200))
    d = rng.standard_t(3, len(task)) * rng.lognormal(0, 1, 200)[task]
    evidence = paired_evidence(task, d, spread=np.abs(d))
    own = np.array([stats.sem(d[task == t]) for t in range(200)])
    assert (evidence.standard_error >= own * (1 - 1e-12)).all()


def test_groups_are_the_units():
    rng = np.random.default_rng(3)
    size = 4
    group_mean = rng.normal(0.2, 1, 30)
    # equal groups: the answer is the t-test on group means, whatever the rows do
    d = (group_mean[:, None] + rng.normal(size=(30, size))).ravel()
    evidence = paired_evidence(np.zeros(120, int), d, groups=np.repeat(np.arange(30), size))
    truth = stats.ttest_1samp(d.reshape(30, size).mean(axis=1), 0)
    assert evidence.units[0] == 30 and evidence.rows[0] == 120
    assert evidence.p_value[0] == pytest.approx(truth.pvalue, rel=1e-12)


def test_a_group_that_spans_two_tasks_is_a_unit_in_each():
    evidence = paired_evidence(
        np.array([0, 0, 0, 1, 1]), np.arange(5.0), groups=np.array([0, 0, 1, 0, 2])
    )
    np.testing.assert_array_equal(evidence.units, [2, 2])
    np.testing.assert_array_equal(evidence.rows, [3, 2])


def test_repeating_every_row_within_its_group_changes_nothing():
    rng = np.random.default_rng(4)
    task, d = np.repeat(np.arange(4), 12), rng.normal(size=48)
    once = paired_evidence(task, d, groups=np.arange(48))
    thrice = paired_evidence(
        np.repeat(task, 3), np.repeat(d, 3), groups=np.repeat(np.arange(48), 3)
    )
    np.testing.assert_allclose(thrice.p_value, once.p_value, rtol=1e-9)


def test_fewer_than_two_units_is_no_evidence():
    evidence = paired_evidence(np.array([0, 1, 1, 3]), np.array([9.0, 1, 1.1, 5]), n_tasks=5)
    assert np.isnan(evidence.p_value[[0, 2, 3, 4]]).all()
    assert (verdicts(evidence)[[0, 2, 3, 4]] == "no evidence").all()
    one_child = paired_evidence(np.zeros(9, int), np.ones(9), groups=np.zeros(9, int))
    assert list(verdicts(one_child)) == ["no evidence"]


def test_equal_predictions_are_no_evidence():
    task = np.repeat(np.arange(3), 5)
    evidence = paired_evidence(task, np.zeros(15), spread=np.zeros(15))
    assert (evidence.p_value == 1).all()
    assert (verdicts(evidence) == "no evidence").all()


def test_a_few_identical_rows_are_not_proof():
    # two rows with the very same difference: t is infinite, and means nothing
    rng = np.random.default_rng(5)
    task = np.repeat(np.arange(100), 10)
    d = rng.normal(size=1000)
    task, d = np.r_[task, 100, 100], np.r_[d, 0.5, 0.5]
    assert verdicts(paired_evidence(task, d))[100] == "no evidence"


@pytest.mark.parametrize("level", [0.05, 0.10, 0.5])
def test_benjamini_hochberg_is_scipy_s(level):
    rng = np.random.default_rng(6)
    for p in (rng.random(50), rng.random(50) ** 4, np.ones(3), np.zeros(3), np.array([0.04])):
        adjusted = getattr(stats, "false_discovery_control", _adjusted)(p)
        np.testing.assert_array_equal(benjamini_hochberg(p, level), adjusted <= level)
    assert not benjamini_hochberg([np.nan, np.nan]).any()
    assert len(benjamini_hochberg([])) == 0
    # an unknown p-value takes no part: it makes nothing else stricter
    assert list(benjamini_hochberg([0.09, np.nan], 0.1)) == [True, False]


def _adjusted(p):
    """Benjamini-Hochberg from its definition, for a SciPy that lacks it."""
    return np.array([min((q * len(p) / (p <= q).sum()) for q in p[p >= r]) for r in p])


def exponential(rng, n):
    return rng.exponential(size=n) - 1


def discrete(rng, n):
    return rng.integers(0, 3, n) - 1.0


def heavy(rng, n):
    return rng.standard_t(3, n)


def normal(rng, n):
    return rng.standard_normal(n)


@pytest.mark.parametrize("noise", [normal, heavy, exponential, discrete])
@pytest.mark.parametrize("by_task", [False, True])
@pytest.mark.parametrize("largest", [13, 60])
def test_equal_baselines_hurt_no_task_in_95_percent_of_runs(noise, by_task, largest):
    """Two predictors of equal loss, 5,000 tasks: their errors independent from row to row, or
    one shift for each task (the way schools differ)."""
    rng, runs, n_tasks, with_hurt = np.random.default_rng(7), 40, 5000, 0
    for _ in range(runs):
        task = np.repeat(np.arange(n_tasks), rng.integers(2, largest + 1, n_tasks))
        y = noise(rng, len(task))
        if by_task:
            first = (0.3 * rng.standard_normal(n_tasks))[task]
            second = -first
        else:
            first, second = 0.3 * rng.standard_normal((2, len(task)))
        difference, spread = squared_losses(y, first, second)
        with_hurt += (verdicts(paired_evidence(task, difference, spread=spread)) == "hurt").any()
    assert with_hurt <= 0.05 * runs


def test_calls_on_k_fold_predictions_have_the_right_sign():
    """Task means estimated on the other folds against zero: held-out rows share training rows."""
    rng, wrong, calls, n, folds = np.random.default_rng(8), 0, 0, 50, 5
    for tau in (0.1, 0.3, 1.0):
        for _ in range(10):
            effect = tau * rng.standard_normal(500)
            y = effect[:, None] + rng.standard_normal((500, n))
            fold = np.arange(n) % folds
            mean = np.stack([y[:, fold != k].mean(axis=1) for k in range(folds)])[fold].T
            difference, spread = squared_losses(y.ravel(), mean.ravel(), 0.0)
            task = np.repeat(np.arange(500), n)
            called = verdicts(paired_evidence(task, difference, spread=spread))
            truly_better = effect**2 > folds / (folds - 1) / n
            wrong += ((called == "helped") & ~truly_better).sum()
            wrong += ((called == "hurt") & truly_better).sum()
            calls += (called != "no evidence").sum()
    assert calls > 100
    assert wrong <= 0.10 * calls


@pytest.mark.parametrize("rows", [15, 40, 300])
def test_a_task_that_is_really_hurt_is_found(rows):
    """50 of 500 tasks get a shift s, so that t is about s sqrt(rows) / 2, about 5: found."""
    rng = np.random.default_rng(9)
    task = np.repeat(np.arange(500), rows)
    y = rng.standard_normal(len(task))
    hurt, shift = np.arange(500) < 50, {15: 3.0, 40: 1.5, 300: 0.6}[rows]
    prediction = 0.1 * rng.standard_normal(len(task)) + shift * hurt[task]
    difference, spread = squared_losses(y, prediction, 0.1 * rng.standard_normal(len(task)))
    called = verdicts(paired_evidence(task, difference, spread=spread))
    assert (called[hurt] == "hurt").mean() > 0.9
    assert (called[~hurt] == "hurt").mean() < 0.02
    helped = verdicts(paired_evidence(task, -difference, spread=spread))
    assert (helped[hurt] == "helped").mean() > 0.9


def test_verdicts_follow_the_sign():
    evidence = PairedEvidence(
        *[np.full(3, 50)] * 2, np.array([-1.0, 1.0, 1.0]), np.ones(3), np.array([1e-6, 1e-6, 0.9])
    )
    assert list(verdicts(evidence)) == ["helped", "hurt", "no evidence"]


def test_entries_that_stand_for_rows_are_the_groups_of_these():
    rng = np.random.default_rng(5)
    task, group = rng.integers(0, 12, 300), rng.integers(0, 5, 300)
    d, spread = rng.normal(0.1, 1, 300), rng.exponential(size=300)
    cells, cell = np.unique(np.column_stack([task, group]), axis=0, return_inverse=True)
    size = np.bincount(cell.reshape(-1))

    def mean(values):
        return np.bincount(cell.reshape(-1), values) / size

    rows = paired_evidence(task, d, spread=spread, groups=group, raised=2.0)
    sums = paired_evidence(
        cells[:, 0], mean(d), spread=np.sqrt(mean(spread**2)), raised=2.0, size=size
    )
    for name in ("rows", "units", "difference", "standard_error", "p_value"):
        np.testing.assert_allclose(getattr(sums, name), getattr(rows, name), rtol=1e-9)


def test_counts_of_unequal_size_are_judged_by_their_own_scatter():
    """Equally good means are not called; a task of small counts is, beside tasks of large ones."""
    rng = np.random.default_rng(0)
    kind, task = Counts(), np.repeat(np.arange(200), 40)
    mean = np.where(np.arange(200) < 100, 0.5, 500.0)[task]
    y = rng.poisson(mean)
    good, other = (mean * np.exp(0.3 * rng.normal(size=len(y))) for _ in range(2))

    def called(a, b, evenly):
        loss = kind.loss(y, a) - kind.loss(y, b)
        found = paired_evidence(task, loss, spread=kind.apart(a, b), evenly=evenly)
        return verdicts(found)

    assert set(called(good, other, evenly=False)) == {"no evidence"}
    worse = np.where(task < 10, 8 * good, good)  # of ten tasks of half an event a row
    said = called(worse, good, evenly=kind.evenly)
    assert (said[:10] == "hurt").all() and set(said[10:]) == {"no evidence"}
    assert set(called(np.where(task < 10, worse, other), good, evenly=True)) == {"no evidence"}
