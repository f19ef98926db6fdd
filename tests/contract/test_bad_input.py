"""What cannot be answered is refused, in words that say what to write instead."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from mtlearn import (
    GroupLassoRegressor,
    GroupLassoRegressorCV,
    MeanRegularizedRegressor,
    MeanRegularizedRegressorCV,
    RandomSlopesClassifier,
    RandomSlopesRegressor,
)

from ..checks import STRICT

pytestmark = [
    *STRICT,
    pytest.mark.filterwarnings("ignore::mtlearn.exceptions.UnidentifiedVarianceWarning"),
]

BOTH = [MeanRegularizedRegressor, GroupLassoRegressor]
SEARCHES = [MeanRegularizedRegressorCV, GroupLassoRegressorCV]
ALL = [*BOTH, RandomSlopesRegressor, *SEARCHES]


def build(Estimator, **parameters):
    """Few alphas in the CV estimators: some of them do get to fit here."""
    return Estimator(**({"alphas": 3} if Estimator in SEARCHES else {}) | parameters)


def data(n=24, d=3):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, d))
    return X, X[:, 0] + rng.normal(size=n), np.repeat(["a", "b", "c"], n // 3)


def with_value(array, value):
    array = np.array(array, dtype=np.result_type(array, type(value)))
    array.flat[1] = value
    return array


@pytest.mark.parametrize("Estimator", ALL)
@pytest.mark.parametrize("labelled", [False, True])
@pytest.mark.parametrize(
    "change, message",
    [
        (lambda X, y: (with_value(X, np.inf), y), "infinity"),
        (lambda X, y: (with_value(X, np.nan), y), "NaN"),
        (lambda X, y: (X, with_value(y, np.inf)), "infinity"),
        (lambda X, y: (X, np.column_stack([y, with_value(y, -np.inf)])), "infinity"),
        (lambda X, y: (with_value(X, 1j), y), "Complex data not supported"),
        (lambda X, y: (X, with_value(y, 1j)), "Complex data not supported"),
        (lambda X, y: (X[:0], y[:0]), "0 sample"),
        (lambda X, y: (X[:, :0], y), "0 feature"),
        (lambda X, y: (X[:, 0], y), "Expected 2D array"),
        (lambda X, y: ([[1.0, 2.0], [3.0]], [1.0, 2.0]), "sequence"),
        (lambda X, y: (X[:-1], y), "inconsistent numbers of samples"),
        (lambda X, y: (X, None), "y"),
        (lambda X, y: (X, y * np.nan), "target|label"),
        (lambda X, y: (X, np.array(["high"] * len(y))), "high|numeric"),
    ],
)
def test_arrays_scikit_learn_would_refuse(Estimator, labelled, change, message):
    X, y, task = data()
    X, y = change(X, y)
    extra = {"task": task[: len(X)]} if labelled and np.ndim(y) != 2 else {}
    with pytest.raises(ValueError, match=message):
        build(Estimator).fit(X, y, **extra)


@pytest.mark.parametrize("Estimator", ALL)
@pytest.mark.parametrize("names", [None, ["size", "dose", "age"]])
def test_a_target_nobody_observed_is_named(Estimator, names):
    X, y, _ = data()
    Y = np.column_stack([y, np.full(len(y), np.nan), y])
    with pytest.raises(ValueError, match="1" if names is None else "dose"):
        build(Estimator).fit(X, Y if names is None else pd.DataFrame(Y, columns=names))


@pytest.mark.parametrize("Estimator", ALL)
@pytest.mark.parametrize("labelled", [False, True])
@pytest.mark.parametrize(
    "weight, words",
    [
        (np.zeros(24), ["weight", "zero"]),
        (np.r_[-1.0, np.ones(23)], ["weight", "-1"]),
        (np.r_[np.nan, np.ones(23)], ["weight", "NaN"]),
        (np.r_[np.inf, np.ones(23)], ["weight", "infinity"]),
        (np.ones(23), ["weight", "23"]),
        (np.ones((24, 2)), ["weight", "2"]),
    ],
)
def test_weights_that_weigh_nothing(Estimator, labelled, weight, words):
    X, y, task = data()
    extra = {"task": task} if labelled else {}
    with pytest.raises(ValueError) as error:
        build(Estimator).fit(X, y, sample_weight=weight, **extra)
    for word in words:
        assert word in str(error.value)


@pytest.mark.parametrize("Estimator", ALL)
def test_weights_of_zero_on_all_labels_of_a_target(Estimator):
    X, y, _ = data()
    weight = np.ones((24, 2))
    weight[:, 1] = 0
    with pytest.raises(ValueError, match="weight"):
        build(Estimator).fit(X, np.column_stack([y, y]), sample_weight=weight)


@pytest.mark.parametrize("Estimator", ALL)
def test_sparse_targets_are_refused(Estimator):
    X, y, _ = data()
    with pytest.raises(ValueError, match="sparse"):
        build(Estimator).fit(X, sparse.csr_matrix(np.column_stack([y, y])))


@pytest.mark.parametrize("Estimator", ALL)
class TestLabels:
    def test_given_twice(self, Estimator):
        X, y, task = data()
        frame = pd.DataFrame(X, columns=list("abc")).assign(school=task)
        with pytest.raises(ValueError, match="task_column"):
            build(Estimator, task_column="school").fit(frame, y, task=task)

    def test_by_name_where_columns_have_none(self, Estimator):
        X, y, _ = data()
        with pytest.raises(ValueError, match="school"):
            build(Estimator, task_column="school").fit(X, y)

    def test_by_an_unknown_name(self, Estimator):
        X, y, _ = data()
        with pytest.raises(ValueError, match="school"):
            build(Estimator, task_column="school").fit(pd.DataFrame(X, columns=list("abc")), y)

    @pytest.mark.parametrize("position", [3, -4])
    def test_by_a_position_that_does_not_exist(self, Estimator, position):
        X, y, _ = data()
        with pytest.raises(ValueError, match=str(position)):
            build(Estimator, task_column=position).fit(X, y)

    def test_beside_several_targets(self, Estimator):
        X, y, task = data()
        with pytest.raises(ValueError, match="2"):
            build(Estimator).fit(X, np.column_stack([y, y]), task=task)

    def test_of_another_length(self, Estimator):
        X, y, task = data()
        with pytest.raises(ValueError, match="inconsistent numbers of samples"):
            build(Estimator).fit(X, y, task=task[:-1])

    def test_forgotten_in_predict(self, Estimator):
        X, y, task = data()
        fitted = build(Estimator).fit(X, y, task=task)
        for call in (lambda: fitted.predict(X), lambda: fitted.score(X, y)):
            with pytest.raises(ValueError, match="task="):
                call()

    def test_given_to_predict_only(self, Estimator):
        X, y, task = data()
        fitted = build(Estimator).fit(X, y)
        with pytest.raises(ValueError, match="task="):
            fitted.predict(X, task=task)


@pytest.mark.parametrize("Estimator", BOTH)
@pytest.mark.parametrize(
    "parameter, value",
    [
        ("alpha", -1.0),
        ("alpha", np.nan),
        ("alpha", "big"),
        ("alpha", None),
        ("alpha_mean", -1e-3),
        ("alpha_mean", np.nan),
        ("alpha_intercept", -0.5),
        ("alpha_intercept", np.nan),
        ("alpha_intercept", "automatic"),
        ("alpha_intercept", None),
        ("solver", "newton-raphson"),
        ("unseen_task", "ignore"),
        ("task_weight", "equal"),
        ("max_iter", 0),
        ("max_iter", 2.5),
        ("tol", -1e-4),
        ("tol", "small"),
        ("fit_intercept", "yes"),
        ("scale_targets", "yes"),
        ("task_column", 1.5),
    ],
    ids=str,
)
def test_a_wrong_parameter_is_named_with_its_value(Estimator, parameter, value):
    X, y, task = data()
    with pytest.raises(ValueError) as error:
        build(Estimator, **{parameter: value}).fit(X, y, task=task)
    assert parameter in str(error.value)
    assert str(value) in str(error.value)


@pytest.mark.parametrize(
    "parameter, value",
    [
        ("covariance", "unstructured"),
        ("covariance", None),
        ("method", "bayes"),
        ("alpha_mean", -1.0),
        ("alpha_mean", "estimated"),
        ("shrinkage", 1.5),
        ("shrinkage", np.nan),
        ("shrinkage", None),
        ("store_covariance", "no"),
        ("fit_intercept", "yes"),
        ("unseen_task", "ignore"),
        ("max_iter", 0),
        ("tol", -1e-4),
        ("task_column", 1.5),
    ],
    ids=str,
)
@pytest.mark.parametrize("Model", [RandomSlopesRegressor, RandomSlopesClassifier])
def test_a_wrong_parameter_of_random_slopes(Model, parameter, value):
    X, y, task = data()
    with pytest.raises(ValueError) as error:
        Model(**{parameter: value}).fit(X, y > 0, task=task)
    assert parameter in str(error.value)
    assert str(value) in str(error.value)


@pytest.mark.parametrize("parameter, value", [("norm", "l3"), ("norm", 2), ("shared_mean", "yes")])
def test_a_wrong_parameter_of_the_group_lasso(parameter, value):
    X, y, task = data()
    with pytest.raises(ValueError) as error:
        GroupLassoRegressor(**{parameter: value}).fit(X, y, task=task)
    assert parameter in str(error.value)
    assert str(value) in str(error.value)


@pytest.mark.parametrize("Estimator", SEARCHES)
@pytest.mark.parametrize(
    "parameter, value",
    [
        ("alphas", 0),
        ("alphas", [-1.0, 1.0]),
        ("alphas", []),
        ("eps", 0.0),
        ("selection", "2se"),
        ("cv", 1),
        ("alpha_mean", -1.0),
    ],
    ids=str,
)
def test_a_wrong_parameter_of_the_cv(Estimator, parameter, value):
    X, y, task = data()
    with pytest.raises(ValueError, match=parameter if parameter != "cv" else "fold|split|cv"):
        build(Estimator, **{parameter: value}).fit(X, y, task=task)


@pytest.mark.parametrize("Estimator", BOTH)
@pytest.mark.parametrize(
    "task_weight",
    [[1.0, 2.0], [1.0, 2.0, 0.0], [1.0, 2.0, -1.0], [1.0, 2.0, np.inf], {"a": 1.0, "z": 1.0}],
    ids=str,
)
def test_task_weights_that_do_not_fit(Estimator, task_weight):
    X, y, task = data()
    with pytest.raises(ValueError, match="task_weight"):
        build(Estimator, task_weight=task_weight).fit(X, y, task=task)


@pytest.mark.parametrize("Estimator", ALL)
def test_predict_before_fit(Estimator):
    from sklearn.exceptions import NotFittedError

    with pytest.raises(NotFittedError):
        build(Estimator).predict(data()[0])


@pytest.mark.parametrize("Estimator", BOTH)
def test_predict_with_other_features(Estimator):
    X, y, task = data()
    fitted = build(Estimator).fit(X, y, task=task)
    with pytest.raises(ValueError, match="2 features"):
        fitted.predict(X[:, :2], task=task)
