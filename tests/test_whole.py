"""An interrupted or failing fit leaves the estimator as it was."""

import sys
from inspect import signature
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone, is_classifier
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.utils.validation import check_is_fitted

import mtlearn
from mtlearn import (
    DirtyRegressorCV,
    GroupLassoClassifier,
    GroupLassoRegressor,
    IndependentTasks,
    MeanRegularizedClassifierCV,
    MeanRegularizedRegressor,
    PooledTasks,
    TraceNormRegressor,
)
from mtlearn.model_selection import DropColumns
from mtlearn.table import TableEncoder

rng = np.random.default_rng(0)


def table(names, tasks, n=24):
    X = pd.DataFrame(rng.normal(size=(n, len(names))), columns=names)
    return X.assign(kind=np.resize(["x", "y"], n), school=np.resize(tasks, n))


FIRST, SECOND = table(list("uvw"), ["a", "b"]), table(list("klmn"), [1, 2, 3])
y = rng.normal(size=24)
MODELS = [
    MeanRegularizedRegressor(task_column="school"),
    GroupLassoRegressor(0.1, shared_mean=True, task_column="school", warm_start=True),
    TraceNormRegressor(0.1, task_column="school"),
    DirtyRegressorCV(alphas=2, cv=2, task_column="school"),
    GroupLassoClassifier(task_column="school"),
    MeanRegularizedClassifierCV(alphas=2, cv=2, task_column="school"),
    IndependentTasks(Ridge(), task_column="school"),
    IndependentTasks(LogisticRegression(), task_column="school"),
    PooledTasks(Ridge(), task_column="school"),
    TableEncoder(task_column="school"),
    DropColumns("kind"),
]
every_model = pytest.mark.parametrize("model", MODELS, ids=lambda model: type(model).__name__)
ROOT = str(Path(mtlearn.__file__).parent)


def given(model, X):
    """What the model takes: an encoder all columns, the others numbers."""
    if not hasattr(model, "predict"):
        return X, y
    return X.drop(columns="kind"), (y > 0 if is_classifier(model) else y)


class Interrupt:
    """Control-C at the k-th call of a function of the library."""

    def __init__(self, at=np.inf):
        self.at, self.calls = at, 0

    def __call__(self, frame, event, argument):
        if event == "call" and frame.f_code.co_filename.startswith(ROOT):
            self.calls += 1
            if self.calls == self.at:
                sys.setprofile(None)
                raise KeyboardInterrupt

    def __enter__(self):
        sys.setprofile(self)
        return self

    def __exit__(self, *_):
        sys.setprofile(None)


def is_as_it_was(model, before):
    assert vars(model).keys() == before.keys()
    assert all(vars(model)[name] is before[name] for name in before)


@every_model
@pytest.mark.filterwarnings("ignore")
def test_interrupted_at_any_place(model):
    second = clone(model).fit(*given(model, FIRST))
    with Interrupt() as counting:
        second.fit(*given(model, SECOND))
    model = clone(model).fit(*given(model, FIRST))
    before = dict(vars(model))
    for at in np.unique(np.linspace(2, 0.97 * counting.calls, 6).astype(int)):
        with pytest.raises(KeyboardInterrupt), Interrupt(at):
            model.fit(*given(model, SECOND))
        is_as_it_was(model, before)
    again = clone(model).fit(*given(model, FIRST))
    X = given(model, FIRST)[0]
    answer = "predict" if hasattr(model, "predict") else "transform"
    np.testing.assert_array_equal(getattr(model, answer)(X), getattr(again, answer)(X))


@every_model
def test_a_fit_that_fails(model):
    model = clone(model)
    X, target = given(model, SECOND)
    (parameter,) = {"task_column", "columns"} & model.get_params().keys()
    right = model.get_params()[parameter]
    model.set_params(**{parameter: "nowhere"})
    with pytest.raises(ValueError, match="nowhere"):
        model.fit(X, target)
    with pytest.raises(NotFittedError):
        check_is_fitted(model)
    model.set_params(**{parameter: right}).fit(*given(model, FIRST))
    before = dict(vars(model))
    model.set_params(**{parameter: "nowhere"})
    with pytest.raises(ValueError, match="nowhere"):
        model.fit(X, target)
    is_as_it_was(model.set_params(**{parameter: right}), before)


def test_nothing_is_left_of_a_fit_with_other_parameters():
    X, school = FIRST[list("uvw")].to_numpy(), FIRST.school
    model = GroupLassoRegressor(0.1, shared_mean=True).fit(X, y, task=school)
    model.set_params(shared_mean=False).fit(X, y, task=school)
    new = GroupLassoRegressor(0.1).fit(X, y, task=school)
    assert vars(model).keys() == vars(new).keys()
    model.set_params(unseen_task="mean"), new.set_params(unseen_task="mean")
    strange = ["of no task"] * len(X)
    np.testing.assert_array_equal(model.predict(X, strange), new.predict(X, strange))


class Sick(Ridge):
    """Fails at the second task."""

    def fit(self, X, y):
        if y[0] > 100:
            raise RuntimeError("sick")
        return super().fit(X, y)


def test_a_wrapped_estimator_that_fails():
    X = FIRST.drop(columns="kind")
    model = IndependentTasks(Sick(), task_column="school").fit(X, y)
    before = dict(vars(model))
    with pytest.raises(RuntimeError):
        model.fit(SECOND.drop(columns="kind"), np.where(SECOND.school == 2, 1000, y))
    is_as_it_was(model, before)


def test_the_signature_is_that_of_the_fit():
    fit = DirtyRegressorCV.fit
    assert list(signature(fit).parameters) == "self X y sample_weight task groups".split()
    assert fit.__name__ == "fit" and "groups : array-like" in fit.__doc__


def test_predictions_follow_coefficients_that_are_changed():
    X, school = FIRST[list("uvw")].to_numpy(), FIRST.school
    model = MeanRegularizedRegressor().fit(X, y, task=school)
    row, before = X[:1], model.predict(X[:1], ["a"])
    model.coef_[0] += 1.0
    np.testing.assert_allclose(model.predict(row, ["a"]), before + row.sum())
    model.coef_ = model.coef_ - 1.0
    np.testing.assert_allclose(model.predict(row, ["a"]), before)
