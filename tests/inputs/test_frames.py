"""Data frames of every library give the model that the same numbers give as arrays."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression, Ridge

from mtlearn import (
    GroupLassoClassifier,
    GroupLassoRegressor,
    IndependentTasks,
    MeanRegularizedClassifier,
    MeanRegularizedRegressor,
    MeanRegularizedRegressorCV,
    PooledTasks,
    make_table_pipeline,
)

from ..checks import STRICT, expected

pytestmark = STRICT

pl = pytest.importorskip("polars")
pa = pytest.importorskip("pyarrow")

FRAMES = {
    "pandas": pd.DataFrame,
    "pandas nullable": lambda columns: pd.DataFrame(columns).convert_dtypes(),
    "polars": pl.DataFrame,
    "pyarrow": pa.table,
}
SERIES = {
    "pandas": pd.Series,
    "pandas nullable": lambda values: pd.Series(values).convert_dtypes(),
    "polars": pl.Series,
    "pyarrow": pa.array,
    "pyarrow chunked": lambda values: pa.chunked_array([values]),
}
REGRESSORS = {
    "mean": MeanRegularizedRegressor(alpha=0.3),
    "group": GroupLassoRegressor(alpha=0.1),
    "cv": MeanRegularizedRegressorCV(alphas=3, cv=3),
    "pooled": PooledTasks(Ridge()),
    "independent": IndependentTasks(Ridge()),
}
CLASSIFIERS = {
    "mean": MeanRegularizedClassifier(alpha=0.1),
    "group": GroupLassoClassifier(alpha=0.02),
    "independent": IndependentTasks(LogisticRegression()),
}
NAMES = ["size", "dose", "age"]


def numbers(n=48):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, 3))
    return X, X @ [1.0, -1.0, 0.5] + rng.normal(size=n), np.arange(n) % 3


def columns_of(array, names=NAMES):
    """Columns as lists, with None where the array has NaN."""
    return {
        name: [None if value != value else value for value in column]
        for name, column in zip(names, array.T.tolist(), strict=True)
    }


def holes():
    X, y, _ = numbers()
    Y = np.column_stack([y, -2 * y + X[:, 0], X[:, 1]])
    Y[np.random.default_rng(1).random(Y.shape) < 0.2] = np.nan
    return X, Y


def same(one, other):
    """To rounding: frames stand in memory by column, arrays by row, and sums differ with that."""
    np.testing.assert_allclose(one, other, rtol=1e-10, atol=1e-10)


def clone_with(estimator, **parameters):
    return type(estimator)(**estimator.get_params(deep=False) | parameters)


@pytest.mark.parametrize("library", FRAMES)
@pytest.mark.parametrize("name", REGRESSORS)
class TestX:
    def test_and_several_targets(self, name, library):
        X, Y = holes()
        frame = FRAMES[library]
        table, targets = frame(columns_of(X)), frame(columns_of(Y, ["u", "v", "w"]))
        weight = np.linspace(1, 2, len(X))
        by_array = clone_with(REGRESSORS[name]).fit(X, Y, sample_weight=weight)
        weights = SERIES[library](weight)
        fitted = clone_with(REGRESSORS[name]).fit(table, targets, sample_weight=weights)
        assert fitted.tasks_.tolist() == ["u", "v", "w"]
        assert fitted.feature_names_in_.tolist() == NAMES
        same(fitted.predict(table), by_array.predict(X))
        same(fitted.score(table, targets), by_array.score(X, Y))

    @pytest.mark.parametrize("text", [False, True])
    def test_with_a_column_of_labels(self, name, library, text):
        X, y, task = numbers()
        labels = [f"school {k}" for k in task] if text else task.tolist()
        columns = columns_of(X)
        table = FRAMES[library]({"size": columns.pop("size"), "school": labels, **columns})
        by_array = clone_with(REGRESSORS[name]).fit(X, y, task=labels)
        fitted = clone_with(REGRESSORS[name], task_column="school")
        fitted.fit(table, SERIES[library](y.tolist()))
        assert fitted.tasks_.tolist() == by_array.tasks_.tolist() == sorted(set(labels))
        assert fitted.n_features_in_ == 4  # what X has, the labels among it
        assert fitted.feature_names_in_.tolist() == ["size", "school", "dose", "age"]
        assert fitted.coef_.shape == (3, 3) if name != "pooled" else True
        same(fitted.predict(table), by_array.predict(X, task=labels))

    def test_in_another_order_or_with_a_column_less(self, name, library):
        X, y, task = numbers()
        columns = columns_of(X) | {"school": task.tolist()}
        fitted = clone_with(REGRESSORS[name], task_column="school")
        fitted.fit(FRAMES[library](columns), y)
        for wrong, message in {
            ("dose", "size", "age", "school"): "must be in the same order",
            ("size", "dose", "school", "age"): "must be in the same order",
            ("size", "dose", "school"): "now missing:\n- age",
            ("size", "dose", "age"): "now missing:\n- school",
        }.items():
            table = FRAMES[library]({name: columns[name] for name in wrong})
            with pytest.raises(ValueError, match="feature names should match") as error:
                fitted.predict(table)
            assert message in str(error.value)


@pytest.mark.parametrize("library", FRAMES)
def test_columns_in_another_order_without_labels(library):
    X, y, _ = numbers()
    columns = columns_of(X)
    model = MeanRegularizedRegressor().fit(FRAMES[library](columns), y)
    with pytest.raises(ValueError, match="must be in the same order"):
        model.predict(FRAMES[library](dict(reversed(columns.items()))))


@pytest.mark.parametrize("where", ["school", -1])
@pytest.mark.parametrize("library", FRAMES)
def test_a_table_pipeline_takes_columns_by_name(library, where):
    X, y, task = numbers()
    columns = columns_of(X) | {"age group": ["young", "old"] * 24, "school": task.tolist()}
    frame = FRAMES[library]
    model = make_table_pipeline(MeanRegularizedRegressor(task_column=where)).fit(frame(columns), y)
    answer = model.predict(frame(columns))
    same(model.predict(frame(dict(reversed(columns.items())))), answer)
    same(model.predict(frame({"more": ["x"] * len(y)} | columns | {"y": y.tolist()})), answer)
    for missing in ("dose", "age group", "school"):
        less = {name: values for name, values in columns.items() if name != missing}
        with pytest.raises(ValueError, match=f"lacks 1 column that fit had: '{missing}'"):
            model.predict(frame(less))


LABELS = {
    "text": [f"school {k}" for k in range(3)],
    "integers": [5, 7, 11],
    "booleans": [False, True],
}
FORMS = {  # of labels: a container, and the kinds it can hold
    "pandas": (pd.Series, LABELS),
    "pandas nullable": (lambda v: pd.Series(v).convert_dtypes(), LABELS),
    "pandas category": (lambda v: pd.Series(v, dtype="category"), LABELS),
    "pandas object": (lambda v: pd.Series(v, dtype=object), LABELS),
    "polars": (pl.Series, LABELS),
    "polars categorical": (lambda v: pl.Series(v, dtype=pl.Categorical), ["text"]),
    "polars enum": (lambda v: pl.Series(v, dtype=pl.Enum(sorted({*v} - {None}))), ["text"]),
    "pyarrow": (pa.array, LABELS),
    "pyarrow dictionary": (lambda v: pa.array(v).dictionary_encode(), LABELS),
    "pyarrow chunked": (lambda v: pa.chunked_array([v[:7], v[7:]]), LABELS),
}
FORMS_OF_LABELS = [
    pytest.param(form, kind, id=f"{name}-{kind}")
    for name, (form, kinds) in FORMS.items()
    for kind in kinds
]


def table_with(labels, form):
    """A frame of the library that the labels are of."""
    X, _, _ = numbers()
    column = form(labels)
    if isinstance(column, pd.Series):
        return pd.DataFrame(X, columns=NAMES).assign(school=column)
    if isinstance(column, pl.Series):
        return pl.DataFrame(columns_of(X)).with_columns(column.alias("school"))
    return pa.table(columns_of(X) | {"school": column})


@pytest.mark.parametrize("form, kind", FORMS_OF_LABELS)
def test_labels_of_tasks(form, kind):
    X, y, task = numbers()
    labels = [LABELS[kind][k % len(LABELS[kind])] for k in task]
    by_list = MeanRegularizedRegressor().fit(X, y, task=labels)
    assert by_list.tasks_.tolist() == LABELS[kind]
    beside = MeanRegularizedRegressor().fit(X, y, task=form(labels))
    column = MeanRegularizedRegressor(task_column="school")
    column.fit(table_with(labels, form), y)
    for fitted in (beside, column):
        assert fitted.tasks_.tolist() == LABELS[kind]
        assert [type(label) for label in fitted.tasks_.tolist()] == list(map(type, LABELS[kind]))
        same(fitted.coef_, by_list.coef_)
    answer = by_list.predict(X, task=labels)
    same(beside.predict(X, task=form(labels)), answer)
    same(column.predict(table_with(labels, form)), answer)
    # a model fitted on one container answers another
    same(column.predict(table_with(labels, pd.Series)), answer)
    same(beside.predict(X, task=np.array(labels)), answer)


CLASSES = {"text": ["no", "yes"], "integers": [1, 2], "booleans": [False, True]}


@pytest.mark.parametrize("missing", [False, True])
@pytest.mark.parametrize("form, kind", FORMS_OF_LABELS)
def test_class_labels(form, kind, missing):
    X, y, task = numbers()
    y = [CLASSES[kind][int(value > 0)] for value in y]
    rows = np.arange(len(y)) % 5 > 0 if missing else np.ones(len(y), dtype=bool)
    given = [value if row else None for value, row in zip(y, rows, strict=True)]
    if missing and form in (FORMS["pandas"][0], FORMS["pandas category"][0]) and kind == "integers":
        given = pd.Series(given, dtype="Int64").tolist()  # pandas itself makes floats of None
    by_list = MeanRegularizedClassifier(alpha=0.1)
    by_list.fit(X[rows], np.array(y)[rows].tolist(), task=task[rows])
    fitted = MeanRegularizedClassifier(alpha=0.1).fit(X, form(given), task=task)
    assert fitted.classes_.tolist() == by_list.classes_.tolist() == CLASSES[kind]
    assert [type(label) for label in fitted.classes_.tolist()] == list(map(type, CLASSES[kind]))
    same(fitted.coef_, by_list.coef_)
    answer = by_list.predict(X, task=task)
    np.testing.assert_array_equal(fitted.predict(X, task=task), answer)
    accuracy = np.mean(answer[rows] == np.array(y)[rows])
    assert fitted.score(X, form(given), task=task) == pytest.approx(accuracy)


@pytest.mark.parametrize("library", FRAMES)
@pytest.mark.parametrize("name", CLASSIFIERS)
@pytest.mark.parametrize("kind", CLASSES)
def test_several_columns_of_class_labels(kind, name, library):
    X, Y = holes()
    labels = np.array(CLASSES[kind], dtype=object)[(np.nan_to_num(Y) > 0).astype(int)]
    labels[np.isnan(Y)] = None
    targets = {name: column.tolist() for name, column in zip("uvw", labels.T, strict=True)}
    if library == "pandas" and kind == "integers":
        targets = {name: pd.array(values, dtype="Int64") for name, values in targets.items()}
    by_array = clone_with(CLASSIFIERS[name]).fit(X, labels)
    targets = FRAMES[library](targets)
    fitted = clone_with(CLASSIFIERS[name]).fit(FRAMES[library](columns_of(X)), targets)
    assert fitted.tasks_.tolist() == list("uvw")
    assert fitted.classes_.tolist() == CLASSES[kind]
    assert [type(label) for label in fitted.classes_.tolist()] == list(map(type, CLASSES[kind]))
    table = FRAMES[library](columns_of(X))
    np.testing.assert_array_equal(fitted.predict(table), by_array.predict(X))
    same(fitted.predict_proba(table), by_array.predict_proba(X))
    assert fitted.score(table, targets) == pytest.approx(by_array.score(X, labels))


@pytest.mark.parametrize("beside", [True, False])
def test_a_category_that_is_missing_is_no_other_category(beside):
    # pyarrow makes "b" of the missing one, where it converts such a column to NumPy
    trees = pa.array(["a", None, "b"] * 4).dictionary_encode()
    X = pa.table({"x": np.arange(12.0), "z": np.ones(12)})
    model = MeanRegularizedRegressor(task_column=None if beside else "tree")
    more = {"task": trees} if beside else {}
    with pytest.raises(ValueError, match=r"missing .* 4 rows .*row 1"):
        model.fit(X if beside else X.append_column("tree", trees), np.arange(12.0), **more)


def test_columns_with_names_of_two_levels_have_a_position():
    X, y, task = numbers()
    table = np.column_stack([X, task])
    columns = pd.MultiIndex.from_product([["all"], [*NAMES, "tree"]])
    model = MeanRegularizedRegressor(task_column=-1)
    expected = model.fit(table, y).predict(table)
    frame = pd.DataFrame(table, columns=columns)
    same(model.fit(frame, y).predict(frame), expected)
    targets = pd.DataFrame(X[:, :2], columns=columns[:2])
    assert model.set_params(task_column=None).fit(X, targets).tasks_.tolist() == [*columns[:2]]


def test_a_lazy_frame_says_what_to_write():
    X, y, task = numbers()
    lazy = pl.DataFrame(columns_of(X) | {"school": task.tolist()}).lazy()
    fitted = MeanRegularizedRegressor(task_column="school").fit(lazy.collect(), y)
    for call in (
        lambda: MeanRegularizedRegressor(task_column="school").fit(lazy, y),
        lambda: MeanRegularizedRegressor().fit(lazy, y),
        lambda: fitted.predict(lazy),
        lambda: make_table_pipeline(MeanRegularizedRegressor()).fit(lazy, y),
    ):
        with pytest.raises(TypeError, match=r"polars\.LazyFrame.*X\.collect\(\)"):
            call()


@pytest.mark.parametrize("library", FRAMES)
@pytest.mark.parametrize("where", [None, "school"])
@pytest.mark.parametrize(
    ("value", "said"), [(np.nan, "contains NaN"), (np.inf, "contains infinity")]
)
def test_what_scikit_learn_says_of_a_value_has_a_note_with_its_column(library, where, value, said):
    X, y, task = numbers()
    columns = columns_of(X) | {"school": task.tolist() if where else [1.0] * len(y)}
    columns["age"] = [value, *columns["age"][1:]]
    with np.errstate(invalid="ignore"):  # pandas 2.0 asks whether infinity is whole
        frame = FRAMES[library](columns)
    with pytest.raises(ValueError, match=f"Input X {said}") as error:
        MeanRegularizedRegressor(task_column=where).fit(frame, y)
    assert error.value.__notes__[-1] == "Columns of X with such values: 'age'."


@pytest.mark.parametrize("library", FRAMES)
def test_missing_numbers_and_text_point_to_the_table_pipeline(library):
    X, y, task = numbers()
    columns = columns_of(X) | {"school": task.tolist()}
    text = columns | {"age": ["young"] * len(y)}
    hole = columns | {"age": [None, *columns["age"][1:]]}
    for wrong in (text, hole):
        for where in (None, "school"):
            with pytest.raises(ValueError) as error:
                MeanRegularizedRegressor(task_column=where).fit(FRAMES[library](wrong), y)
            said = " ".join([str(error.value), *getattr(error.value, "__notes__", [])])
            assert "make_table_pipeline" in said and ("task_column" in said) == (where is None)
            model = make_table_pipeline(MeanRegularizedRegressor(task_column=where))
            table = FRAMES[library](wrong)
            with expected("all .* rows are one task"):
                model.fit(table, y)
            assert np.isfinite(model.predict(table)).all()
