"""Scores on observed labels against scikit-learn's on the observed labels of each task."""

import warnings
from functools import partial

import numpy as np
import pandas as pd
import pytest
import sklearn.metrics as sk
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.metrics import accuracy_score, r2_score

from mtlearn.metrics import (
    average_precision,
    explained_variance,
    log_loss,
    nan_accuracy_score,
    nan_d2_pinball_score,
    nan_d2_poisson_score,
    nan_mean_absolute_error,
    nan_mean_pinball_loss,
    nan_mean_poisson_deviance,
    nan_mean_squared_error,
    nan_r2_score,
    nmse,
    roc_auc,
)

from ..checks import STRICT

pytestmark = STRICT


def nmse_by_hand(y, f, sample_weight=None):
    variance = np.average((y - np.average(y, weights=sample_weight)) ** 2, weights=sample_weight)
    return np.average((y - f) ** 2, weights=sample_weight) / variance


def d2_pinball_by_hand(y, f, sample_weight=None, alpha=0.3):
    """Some label is a constant of least loss (Koenker and Bassett, 1978)."""
    extra = {"alpha": alpha, "sample_weight": sample_weight}
    least = min(sk.mean_pinball_loss(y, np.full_like(y, c), **extra) for c in y)
    return 1 - sk.mean_pinball_loss(y, f, **extra) / least


def of_counts(score, **options):
    """A score, of numbers made counts and predictions above zero."""
    return lambda y, f, **extra: score(np.round(np.abs(y)), np.abs(f) + 0.1, **options, **extra)


D2_COUNTS = of_counts(sk.d2_tweedie_score, power=1)

# ours, scikit-learn's, whether of classes
PAIRS = [
    pytest.param(nan_r2_score, sk.r2_score, False, id="r2"),
    pytest.param(nan_mean_squared_error, sk.mean_squared_error, False, id="mse"),
    pytest.param(nmse, nmse_by_hand, False, id="nmse"),
    pytest.param(nan_mean_absolute_error, sk.mean_absolute_error, False, id="mae"),
    pytest.param(
        partial(nan_mean_pinball_loss, alpha=0.3),
        partial(sk.mean_pinball_loss, alpha=0.3),
        False,
        id="pinball",
    ),
    pytest.param(
        partial(nan_d2_pinball_score, alpha=0.3), d2_pinball_by_hand, False, id="d2 pinball"
    ),
    pytest.param(
        of_counts(nan_mean_poisson_deviance),
        of_counts(sk.mean_poisson_deviance),
        False,
        id="deviance",
    ),
    pytest.param(of_counts(nan_d2_poisson_score), D2_COUNTS, False, id="d2 counts"),
    pytest.param(roc_auc, sk.roc_auc_score, True, id="auc"),
    pytest.param(average_precision, sk.average_precision_score, True, id="precision"),
    pytest.param(log_loss, sk.log_loss, True, id="log loss"),
    pytest.param(
        lambda y, p, **extra: nan_accuracy_score(y, np.round(p), **extra),
        lambda y, p, **extra: sk.accuracy_score(y, np.round(p), **extra),
        True,
        id="accuracy",
    ),
]

# one label is not enough for these
COMPARE = (
    *(sk.r2_score, nmse_by_hand, sk.roc_auc_score, sk.average_precision_score),
    *(d2_pinball_by_hand, D2_COUNTS),
)


def drawn(classes, n=300, T=6, seed=0):
    """Truth with holes, predictions with ties, weights with zeros."""
    rng = np.random.default_rng(seed)
    truth = rng.normal(size=(n, T)) * np.geomspace(0.1, 10, T) + rng.normal(size=T)
    guess = truth + rng.normal(size=(n, T)) * np.linspace(0.3, 3, T)
    if classes:
        truth, guess = (truth > 0).astype(float), np.round(1 / (1 + np.exp(-guess)), 1)
        truth[0], truth[1] = 0.0, 1.0  # both classes in every task
    holes = rng.random((n, T)) < np.linspace(0.1, 0.9, T)
    holes[:2] = False
    truth[holes] = np.nan
    return truth, guess, rng.integers(0, 3, size=(n, T)) + (np.arange(n) < 2)[:, None] * 1.0


@pytest.fixture
def table():
    rng = np.random.default_rng(1)
    truth = rng.normal(size=(40, 5))
    guess = truth + rng.normal(size=(40, 5))
    truth[rng.random((40, 5)) < 0.3] = np.nan
    return truth, guess, rng.integers(0, 3, size=(40, 5)).astype(float)


@pytest.mark.parametrize("weights", [None, "rows", "labels"])
def test_r2_is_the_mean_over_columns_of_their_observed_rows(table, weights):
    truth, guess, weight = table
    weight = {None: None, "rows": weight[:, 0], "labels": weight}[weights]
    scores = []
    for t in range(5):
        seen = np.isfinite(truth[:, t])
        own = None if weight is None else np.broadcast_to(weight.T, (5, 40))[t, seen]
        scores.append(r2_score(truth[seen, t], guess[seen, t], sample_weight=own))
    assert nan_r2_score(truth, guess, sample_weight=weight) == pytest.approx(
        np.mean(scores), rel=1e-12
    )


def test_labelled_rows_are_scored_together(table):
    truth, guess, weight = (part[:, 0] for part in table)
    seen = np.isfinite(truth)
    expected = r2_score(truth[seen], guess[seen])
    assert nan_r2_score(truth, guess) == pytest.approx(expected, rel=1e-12)
    expected = r2_score(truth[seen], guess[seen], sample_weight=weight[seen])
    assert nan_r2_score(truth, guess, sample_weight=weight) == pytest.approx(expected, rel=1e-12)


def test_columns_with_too_few_labels_are_left_out(table):
    truth, guess, weight = table
    complete = nan_r2_score(truth[:, :3], guess[:, :3])
    truth[:, 3] = np.nan
    truth[1:, 4] = np.nan
    assert nan_r2_score(truth, guess, undefined="ignore") == complete
    one_counts = np.zeros_like(weight[:, 0])
    one_counts[0] = 1.0
    score = nan_r2_score(truth, guess, sample_weight=one_counts, undefined="ignore")
    assert np.isnan(score)
    hits = np.column_stack([[1.0, 1.0], [np.nan, 0.0], [np.nan, np.nan]])
    told = np.array([[1.0, 9.0, 9.0], [2.0, 0.0, 9.0]])
    assert nan_accuracy_score(hits, told, undefined="ignore") == 0.75


@pytest.mark.parametrize("labels", [[0, 1, 2], [0.5, 1.5, 2.5], ["a", "bb", "c"]])
@pytest.mark.parametrize("holes", [False, True])
def test_accuracy_of_any_label(labels, holes):
    rng = np.random.default_rng(2)
    truth, guess = rng.choice(labels, size=(2, 30, 4))
    weight = rng.gamma(2.0, size=(30, 4))
    seen = np.ones(truth.shape, dtype=bool)
    if holes:
        seen[::3, 1] = seen[::4, 2] = False
        truth = truth.astype(object)
        truth[~seen] = None
    scores, weighted = [], []
    for t, own in enumerate(seen.T):
        known, told = np.array(truth[own, t].tolist()), guess[own, t]
        known, told = np.searchsorted(labels, known), np.searchsorted(labels, told)
        scores.append(accuracy_score(known, told))
        weighted.append(accuracy_score(known, told, sample_weight=weight[own, t]))
    assert nan_accuracy_score(truth, guess) == pytest.approx(np.mean(scores), rel=1e-12)
    found = nan_accuracy_score(truth, guess, sample_weight=weight)
    assert found == pytest.approx(np.mean(weighted), rel=1e-12)


@pytest.mark.parametrize("weights", [None, "rows", "labels"])
@pytest.mark.parametrize("ours, theirs, classes", PAIRS)
def test_each_task_scores_what_scikit_learn_says_of_its_labels(ours, theirs, classes, weights):
    truth, guess, weight = drawn(classes)
    given = {None: None, "rows": weight[:, 0], "labels": weight}[weights]
    expected, size = [], []
    for t, seen in enumerate(np.isfinite(truth).T):
        extra = {}
        if weights:
            extra["sample_weight"] = (weight[:, 0] if weights == "rows" else weight[:, t])[seen]
        expected.append(theirs(truth[seen, t], guess[seen, t], **extra))
        size.append(extra["sample_weight"].sum() if weights else seen.sum())
    found = ours(truth, guess, sample_weight=given, average=None)
    np.testing.assert_allclose(found, expected, rtol=1e-10)
    call = {"sample_weight": given}
    assert ours(truth, guess, **call) == pytest.approx(np.mean(expected), rel=1e-10)
    average = np.average(expected, weights=size)
    assert ours(truth, guess, average="weighted", **call) == pytest.approx(average, rel=1e-10)
    # the same labels as rows: a column per task, or a row per label
    rows, task = np.nonzero(np.isfinite(truth))
    stacked = truth[rows, task], guess[rows, task]
    extra = {}
    if weights:
        extra["sample_weight"] = weight[rows, 0 if weights == "rows" else task]
    names = np.array(list("fedcba"))[task]
    reverse = ours(*stacked, task=names, average=None, **extra)
    np.testing.assert_allclose(reverse[::-1], found, rtol=1e-12)
    together = theirs(*stacked, **extra)
    assert ours(truth, guess, average="micro", **call) == pytest.approx(together, rel=1e-10)
    assert ours(*stacked, **extra) == pytest.approx(together, rel=1e-10)


@pytest.mark.parametrize("ours, theirs, classes", PAIRS)
def test_undefined_tasks_are_skipped_and_counted(ours, theirs, classes):
    truth, guess, _ = drawn(classes)
    known = ours(truth[:, :4], guess[:, :4])
    truth[:, 4] = np.nan
    guess[:, 4] = np.nan  # nothing is asked of it
    truth[0, 5], truth[1:, 5] = 0.0, np.nan
    found = ours(truth, guess, average=None)
    counted = 2 if theirs in COMPARE else 1
    assert np.isnan(found).sum() == counted
    assert np.isnan(found[4])
    kept = found[~np.isnan(found)]
    if counted == 2:
        np.testing.assert_array_equal(kept.mean(), known)
    message = rf"undefined for {counted} of 6 tasks \(the first: 4"
    with pytest.warns(UndefinedMetricWarning, match=message):
        assert ours(truth, guess) == kept.mean()
    assert ours(truth, guess, undefined="ignore") == kept.mean()
    with pytest.raises(ValueError, match=message):
        ours(truth, guess, undefined="error")
    named = pd.DataFrame(truth, columns=list("uvwxyz"))
    with pytest.warns(UndefinedMetricWarning, match="'y'"):
        ours(named, guess)
    with pytest.warns(UndefinedMetricWarning, match="of 2 tasks"):
        assert np.isnan(ours(truth[:, [4, 4]], guess[:, [4, 4]]))


def test_a_task_whose_labels_are_equal():
    # three times 0.1 has a mean that is not 0.1, and a "variance" that is not 0
    truth, guess = np.full((3, 2), 0.1), np.array([[0.1, 0.1], [0.1, 0.1], [0.1, 0.3]])
    np.testing.assert_array_equal(nan_r2_score(truth, guess, average=None), [1.0, 0.0])
    found = nan_r2_score(truth, guess, average=None, force_finite=False)
    assert np.isnan(found).all()
    assert np.isnan(nmse(truth, guess, average=None)).all()
    with pytest.warns(UndefinedMetricWarning, match="two different labels"):
        assert np.isnan(nmse(truth, guess))
    assert np.isnan(explained_variance(truth, guess))


def test_nmse_is_one_minus_r2_and_one_at_the_mean():
    truth, guess, weight = drawn(False)
    r2 = nan_r2_score(truth, guess, sample_weight=weight, average=None)
    found = nmse(truth, guess, sample_weight=weight, average=None)
    np.testing.assert_allclose(found, 1 - r2, rtol=1e-12)
    mean = np.nanmean(truth, axis=0) + np.zeros_like(truth)
    np.testing.assert_allclose(nmse(truth, mean, average=None), 1.0, rtol=1e-12)


@pytest.mark.parametrize("alpha", [0.1, 0.5, 0.9])
def test_d2_of_quantiles_is_scikit_learns_where_one_label_is_the_quantile(alpha):
    # (n - 1) alpha is whole and n alpha is not: nothing to interpolate between
    truth, guess = np.random.default_rng(0).normal(size=(2, 21))
    found = nan_d2_pinball_score(truth, guess, alpha=alpha)
    assert found == pytest.approx(sk.d2_pinball_score(truth, guess, alpha=alpha), rel=1e-12)


def test_tasks_whose_counts_are_all_zero_have_a_deviance_and_no_share():
    truth, guess = np.zeros((3, 1)), np.full((3, 1), 0.5)
    assert nan_mean_poisson_deviance(truth, guess) == 1.0  # 2 mu
    assert np.isnan(nan_d2_poisson_score(truth, guess, undefined="ignore"))


def test_exposures_as_weights_of_rates_give_the_deviance_of_counts():
    rng = np.random.default_rng(0)
    years, rate = rng.uniform(0.5, 9, 50), rng.uniform(0.1, 2, 50)
    counts = rng.poisson(years * rate)
    found = nan_mean_poisson_deviance(counts / years, rate, sample_weight=years)
    total = sk.mean_poisson_deviance(counts, years * rate) * 50
    assert found * years.sum() == pytest.approx(total, rel=1e-12)


@pytest.mark.parametrize("weighted", [False, True])
def test_explained_variance_of_either_kind_is_its_definition(weighted):
    truth, guess, weight = drawn(False)
    rows, task = np.nonzero(np.isfinite(truth))
    y, f, s = truth[rows, task], guess[rows, task], weight[rows, task]
    s = s if weighted else np.ones(len(y))
    extra = {"sample_weight": weight} if weighted else {}
    total = within = 0.0
    grand = np.average(y, weights=s)
    for t in range(6):
        own = task == t
        total += np.sum(s[own] * (y[own] - grand) ** 2)
        within += np.sum(s[own] * (y[own] - np.average(y[own], weights=s[own])) ** 2)
    residual = np.sum(s * (y - f) ** 2)
    found = explained_variance(truth, guess, **extra)
    assert found == pytest.approx(1 - residual / total, rel=1e-12)
    assert found == pytest.approx(r2_score(y, f, sample_weight=s), rel=1e-12)
    found = explained_variance(truth, guess, kind="within", **extra)
    assert found == pytest.approx(1 - residual / within, rel=1e-12)
    rows = {"task": task, "sample_weight": s}
    assert explained_variance(y, f, kind="within", **rows) == pytest.approx(found, rel=1e-12)


def test_the_two_kinds_part_with_the_levels_of_the_tasks():
    rng = np.random.default_rng(0)
    task = np.repeat(np.arange(5), 40)
    noise = rng.normal(size=200)
    noise -= np.array([noise[task == t].mean() for t in range(5)])[task]
    for level in (0.0, 1.0, 100.0):
        mean = level * np.arange(5.0)[task]
        within = explained_variance(mean + noise, mean, task=task, kind="within")
        total = explained_variance(mean + noise, mean, task=task)
        assert within == pytest.approx(0.0, abs=1e-9)
        assert total == pytest.approx(np.var(mean) / (np.var(mean) + np.var(noise)))


def test_a_task_with_one_label_has_no_variance_within():
    y, f, task = [1.0, 3.0, 9.0], [1.5, 2.5, 0.0], ["a", "a", "b"]
    with pytest.warns(UndefinedMetricWarning, match="1 of 2 tasks .*'b'"):
        found = explained_variance(y, f, task=task, kind="within")
    assert found == pytest.approx(1 - 0.5 / 2)
    assert np.isnan(explained_variance([1.0], [1.0]))


@pytest.mark.parametrize("labels", [["a", "b", "c"], [3, 5, 9], [False, True]])
def test_classes_of_any_kind_and_number(labels):
    rng = np.random.default_rng(1)
    truth, task = rng.choice(labels, 200), rng.integers(0, 4, 200)
    proba = rng.dirichlet(np.ones(len(labels)), 200)
    expected = [sk.log_loss(truth[task == t], proba[task == t], labels=labels) for t in range(4)]
    found = log_loss(truth, proba, task=task, average=None)
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    if len(labels) == 2:
        found = log_loss(truth, proba[:, 1], task=task, average=None)
        np.testing.assert_allclose(found, expected, rtol=1e-12)
    first = truth == labels[0]  # a task that saw one class, of which only labels= can tell
    found = log_loss(truth[first], proba[first], labels=labels)
    assert found == pytest.approx(sk.log_loss(truth[first], proba[first], labels=labels))
    hits = nan_accuracy_score(truth, np.array(labels)[proba.argmax(axis=1)])
    assert hits == accuracy_score(truth, np.array(labels)[proba.argmax(axis=1)])


def test_certain_and_wrong_is_as_bad_as_scikit_learn_says():
    for dtype in (np.float32, np.float64):
        p = np.array([0.0, 1.0, 1.0], dtype=dtype)
        assert log_loss([1, 0, 1], p) == pytest.approx(sk.log_loss([1, 0, 1], p), rel=1e-6)


def test_average_precision_without_a_class():
    assert average_precision([1, 1], [0.2, 0.1], labels=[0, 1]) == 1.0
    assert np.isnan(average_precision([0, 0], [0.2, 0.1], labels=[0, 1], undefined="ignore"))


def test_text_with_holes_is_the_same_question():
    truth, guess, _ = drawn(True)
    text = np.where(np.isnan(truth), None, np.where(truth == 1, "yes", "no"))
    for ours in (roc_auc, average_precision, log_loss):
        np.testing.assert_array_equal(ours(text, guess), ours(truth, guess))
        np.testing.assert_array_equal(ours(pd.DataFrame(text), guess), ours(truth, guess))


@pytest.mark.parametrize(
    "call, words",
    [
        (lambda y, f: nan_r2_score(y, f[:, :1]), r"shape \(300, 6\) and y_pred \(300, 1\)"),
        (lambda y, f: nan_r2_score(y, f[:-1]), "inconsistent numbers of samples"),
        (lambda y, f: nan_r2_score(y, f, task=np.zeros(300)), "6 columns, which are the tasks"),
        (lambda y, f: nan_r2_score(y, f, average="mean"), "average='mean' is not allowed"),
        (lambda y, f: nan_r2_score(y, f, undefined="raise"), "undefined='raise' is not allowed"),
        (lambda y, f: nmse(y, np.full_like(f, np.nan)), "y_pred is nan where"),
        (lambda y, f: nmse(y, f, sample_weight=-np.ones(300)), "negative weight"),
        (lambda y, f: nmse(y, f, sample_weight=np.ones(4)), r"sample_weight has shape \(4,\)"),
        (lambda y, f: nmse([1.0, 2.0], [1.0, 2.0], task=["a", None]), "task is missing"),
        (lambda y, f: explained_variance(y, f, kind="between"), "kind='between' is not allowed"),
        (lambda y, f: roc_auc([0, 1, 2], [0.1, 0.2, 0.3]), "3 classes .*log_loss takes more"),
        (lambda y, f: nan_mean_poisson_deviance(y, f), "y_true holds -.*>= 0"),
        (lambda y, f: nan_d2_poisson_score([0.0, 1.0], [0.0, 1.0]), "y_pred is 0 .*poisson"),
        (lambda y, f: nan_mean_pinball_loss(y, f, alpha=1.0), "alpha=1.0 is not allowed.*0.9"),
        (lambda y, f: log_loss([1, 1], [0.1, 0.2]), "one class only, 1; .*labels="),
        (lambda y, f: log_loss([0, 1], [-2.0, 3.0]), "holds -2 to 3.*predict_proba"),
        (lambda y, f: log_loss([0, 1, 2], [0.1, 0.2, 0.3]), "2 classes, but there are 3"),
        (lambda y, f: log_loss([0, 5], [0.1, 0.2], labels=[0, 1]), r"holds \[5\]"),
    ],
)
def test_errors_say_what_was_wrong(call, words):
    with pytest.raises(ValueError, match=words):
        call(*drawn(False)[:2])


def test_warnings_name_the_line_of_the_user():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        nan_r2_score([1.0], [1.0])
        explained_variance([1.0], [1.0], kind="within")
    assert [warning.filename for warning in caught] == [__file__] * 2
