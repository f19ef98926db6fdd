"""Comparisons of choices among several classes: models, baselines and scores are of one loss."""

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, log_loss
from sklearn.preprocessing import StandardScaler

from mtlearn import MeanRegularizedClassifier, MeanRegularizedClassifierCV, compare_tasks
from mtlearn.compare.choices import Choices
from mtlearn.compare.contenders import build_model, kept_loss
from mtlearn.compare.probabilities import bounded
from mtlearn.compare.question import read_question
from mtlearn.compare.running import inner_folds
from mtlearn.compare.task_table import read_table

from ..comparisons import class_data

FEATURES = ["a", "b", "c"]
ASKED = {"task_column": "school", "loss": "multinomial"}


@pytest.fixture(scope="module")
def chosen():
    """Choices in four schools, some unknown, compared by the two limits of mean regularisation."""
    X, y = class_data(4, 40, 3, common=0.3)
    y[::17] = None
    folds = np.arange(len(y)) % 2
    tight = {"loss": "multinomial", "tol": 1e-12, "unseen_task": "mean"}
    apart = MeanRegularizedClassifier(4 / 60, alpha_mean=1e8, alpha_intercept=0.0, **tight)
    alike = MeanRegularizedClassifier(1e8, alpha_mean=1 / 60, alpha_intercept=np.inf, **tight)
    models = {"apart": apart, "alike": alike}
    result = compare_tasks(X, y, models=models, cv=folds, **ASKED)
    known = y.notna().to_numpy()  # the others are left out
    return X[known], y[known], folds[known], result


def probabilities(X, y, folds, together):
    """Of scikit-learn's softmax; C is 1 / (n alpha_mean), or T / (n alpha) of each school."""
    answer = np.full((len(y), 3), np.nan)
    for k in (0, 1):
        past, new = folds != k, folds == k
        scaler = StandardScaler().fit(X.loc[past, FEATURES])
        Z = scaler.transform(X[FEATURES])
        for school in [None] if together else sorted(set(X["school"])):
            own = np.ones(len(y), bool) if school is None else (X["school"] == school).to_numpy()
            model = LogisticRegression(C=60 / past.sum(), tol=1e-10, max_iter=10_000)
            model.fit(Z[past & own], y[past & own])
            answer[new & own] = model.predict_proba(Z[new & own])
    return answer


@pytest.mark.parametrize("name", ["apart", "alike"])
def test_limits_are_scikit_learns_softmax_and_scores_those_of_its_probabilities(chosen, name):
    X, y, folds, result = chosen
    expected = probabilities(X, y, folds, together=name == "alike")
    for k in (0, 1):
        new = folds == k
        bound = bounded(expected[new], int((~new).sum()), 3)
        np.testing.assert_allclose(result.predictions[name][new], bound, rtol=1e-4)
    row, classes = result.table.loc[name], result.kind.classes
    p = result.predictions[name]
    assert row.log_loss == pytest.approx(log_loss(y, p, labels=classes), rel=1e-9)
    assert row.accuracy == accuracy_score(y, classes[p.argmax(axis=1)])


def test_baselines_are_softmax_models_and_shares_of_classes(chosen):
    _, y, _, result = chosen
    shares = DummyClassifier(strategy="prior").fit(y, y).predict_proba(y)
    assert result.null_loss == pytest.approx(log_loss(y, shares))
    assert list(result.table.index[:3]) == ["independent", "pooled", "pooled+dummies"]
    assert isinstance(result.kind, Choices) and result.settings["loss"] == "multinomial"
    assert "3 classes (low, mid, top)" in " ".join(result.notes)


def test_the_loss_says_that_numbers_are_classes():
    codes, kind, _ = read_question([3, 1, 2, None] * 20, "y", asked=Choices())
    np.testing.assert_array_equal(codes[:4], [2, 0, 1, np.nan])
    assert kind.classes.tolist() == [1, 2, 3] and kind.loss_name == "multinomial"
    assert kind.name == "classification" and kind.options == {"loss": "multinomial"}


@pytest.mark.parametrize("loss", ["multinomial", "logistic"])
def test_inner_losses_of_searches_are_log_losses_of_refits(loss):
    X, y = class_data(3, 20, 3)
    data = read_table(X, y, None, "school", None, "auto", Choices())
    cv = inner_folds(data, 0)
    options = {"loss": loss, "task_column": "school", "alpha_intercept": 0.1}
    search = MeanRegularizedClassifierCV([0.1, 1.0], **options)
    pipeline = build_model(search, "school", cv, data.kind)
    pipeline.fit(data.frame, data.kind.given(data.y))
    Z, losses = pipeline[:-1].transform(data.frame), []
    for train, test in cv.split():
        model = MeanRegularizedClassifier(pipeline[-1].alpha_, tol=1e-10, **options)
        p = model.fit(Z.iloc[train], y[train]).predict_proba(Z.iloc[test])
        losses.append(log_loss(y[test], p, labels=model.classes_))
    assert kept_loss(pipeline, cv, data.kind) == pytest.approx(np.mean(losses), rel=1e-4)


def test_two_classes_are_compared_as_by_the_logistic_loss():
    X, y = class_data(4, 20, 2)
    mine = {name: MeanRegularizedClassifier(0.1, loss=name) for name in ("logistic", "multinomial")}
    result = compare_tasks(X, y, models=mine, cv=2, **ASKED)
    one, other = (result.predictions[name] for name in mine)
    np.testing.assert_allclose(one, other, rtol=1e-9)
