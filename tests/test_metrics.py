"""Scores on observed labels against scikit-learn's on the observed rows."""

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, r2_score

from mtlearn.metrics import observed_accuracy, observed_r2

from .checks import STRICT

pytestmark = STRICT


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
    assert observed_r2(truth, guess, weight) == pytest.approx(np.mean(scores), rel=1e-12)


def test_labelled_rows_are_scored_together(table):
    truth, guess, weight = (part[:, 0] for part in table)
    seen = np.isfinite(truth)
    expected = r2_score(truth[seen], guess[seen])
    assert observed_r2(truth, guess) == pytest.approx(expected, rel=1e-12)
    expected = r2_score(truth[seen], guess[seen], sample_weight=weight[seen])
    assert observed_r2(truth, guess, weight) == pytest.approx(expected, rel=1e-12)


def test_columns_with_too_few_labels_are_left_out(table):
    truth, guess, weight = table
    complete = observed_r2(truth[:, :3], guess[:, :3])
    truth[:, 3] = np.nan
    truth[1:, 4] = np.nan
    assert observed_r2(truth, guess) == complete
    one_counts = np.zeros_like(weight[:, 0])
    one_counts[0] = 1.0
    assert np.isnan(observed_r2(truth, guess, one_counts))
    hits = np.column_stack([[1.0, 1.0], [np.nan, 0.0], [np.nan, np.nan]])
    assert observed_accuracy(hits, np.array([[1.0, 9.0, 9.0], [2.0, 0.0, 9.0]])) == 0.75


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
    assert observed_accuracy(truth, guess) == pytest.approx(np.mean(scores), rel=1e-12)
    found = observed_accuracy(truth, guess, weight)
    assert found == pytest.approx(np.mean(weighted), rel=1e-12)
