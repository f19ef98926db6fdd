"""The table pipeline: any column types in, floats out, the task column untouched."""

import datetime
import pickle
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from mtlearn import MeanRegularizedRegressor, compare_tasks
from mtlearn.baselines import IndependentTasks, PooledTasks
from mtlearn.exceptions import OneTaskWarning
from mtlearn.model_selection import StratifiedTaskKFold
from mtlearn.table import TableEncoder, make_table_pipeline

from ..checks import count_calls

LIBRARIES = {"pandas": pd.DataFrame, "polars": pl.DataFrame, "pyarrow": pa.table}
in_each_library = pytest.mark.parametrize("library", LIBRARIES)


def columns(n=120, seed=0):
    """Two numbers (one with holes), a boolean, two categories (one with holes), string labels."""
    rng = np.random.default_rng(seed)
    size = rng.normal(5, 3, n).tolist()
    size[3] = None
    kind = rng.choice(["a", "b", "c"], n).tolist()
    kind[-1] = None
    return {
        "size": size,
        "count": rng.integers(0, 9, n).tolist(),
        "new": (rng.random(n) < 0.3).tolist(),
        "kind": kind,
        "colour": rng.choice(["red", "blue"], n).tolist(),
        "shop": rng.choice(["x", "y", "z"], n).tolist(),
    }


def to_pandas(frame):
    if isinstance(frame, pd.DataFrame):
        return frame
    return pd.DataFrame({name: list(frame[name].to_numpy()) for name in _names(frame)})


def _names(frame):
    return frame.columns if isinstance(frame, pl.DataFrame) else frame.column_names


@in_each_library
def test_encoding_is_scikit_learn_s_scaler_and_one_hot(library):
    data = columns()
    encoded = TableEncoder(task_column="shop").fit_transform(LIBRARIES[library](data))
    assert isinstance(encoded, LIBRARIES[library] if library != "pyarrow" else pa.Table)
    encoded = to_pandas(encoded)
    table = pd.DataFrame(data)
    numbers = table[["size", "count", "new"]].astype(float)
    truth = StandardScaler().fit_transform(numbers.fillna(numbers.mean()))
    # the scaler's deviation leaves the filled row out of account, the truth's does not
    truth[:, 0] *= np.sqrt(119 / 120)
    np.testing.assert_allclose(encoded[["size", "count", "new"]], truth, atol=1e-12)
    onehot = OneHotEncoder(sparse_output=False).fit_transform(
        table[["kind", "colour"]].fillna("~")  # missing sorts last
    )
    names = ["kind=a", "kind=b", "kind=c", "kind=(missing)", "colour=blue", "colour=red"]
    np.testing.assert_array_equal(encoded[names], onehot)
    assert list(encoded["shop"]) == data["shop"]
    assert list(encoded.columns) == ["size", "count", "new", *names, "shop"]


@in_each_library
def test_pipeline_equals_the_estimator_on_encoded_columns(library):
    data = columns()
    y = np.random.default_rng(1).normal(size=120)
    X = LIBRARIES[library](data)
    model = make_table_pipeline(PooledTasks(Ridge(), task_column="shop"))
    encoded = TableEncoder(task_column="shop").fit_transform(pd.DataFrame(data))
    by_hand = PooledTasks(Ridge()).fit(encoded.drop(columns="shop"), y, task=data["shop"])
    np.testing.assert_allclose(
        model.fit(X, y).predict(X),
        by_hand.predict(encoded.drop(columns="shop"), task=data["shop"]),
        rtol=1e-10,
    )


@in_each_library
def test_what_was_not_seen_in_fit_works_in_predict(library):
    X = LIBRARIES[library](columns())
    encoder = TableEncoder(task_column="shop").fit(X)
    new = columns(4, seed=2) | {
        "size": [None] * 4,
        "kind": ["new", "a", None, "a"],
        "colour": ["green"] * 4,
    }
    if library == "pyarrow":  # a column without values has no type of its own there
        new["size"] = pa.array(new["size"], pa.float64())
    encoded = to_pandas(encoder.transform(LIBRARIES[library](new)))
    np.testing.assert_array_equal(encoded["size"], 0)
    np.testing.assert_array_equal(encoded[["colour=blue", "colour=red"]], 0)
    np.testing.assert_array_equal(encoded["kind=a"], [0, 1, 0, 1])
    np.testing.assert_array_equal(encoded["kind=(missing)"], [0, 0, 1, 0])


@in_each_library
def test_empty_and_constant_columns(library):
    data = {"empty": [None] * 6, "one": [7.0] * 6, "word": ["w"] * 6, "x": [1.0, 2, 3, 4, 5, 6]}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        encoded = to_pandas(TableEncoder().fit_transform(LIBRARIES[library](data)))
    assert np.isfinite(encoded.to_numpy(dtype=float)).all()
    np.testing.assert_array_equal(encoded["one"], 0)
    np.testing.assert_array_equal(encoded["word=w"], 1)


def test_pandas_types_of_every_sort():
    X = pd.DataFrame(
        {
            "nullable": pd.array([1, None, 3, 4], dtype="Int64"),
            "truth": pd.array([True, None, False, True], dtype="boolean"),
            "codes": pd.Categorical([10, 20, None, 10]),
            "mixed": ["a", 1, None, "a"],
            "yes": pd.Series([True, None, False, True], dtype=object),
            "tiny": np.array([1, 2, 3, 4], dtype=np.int8),
            "shop": [1.0, 2.0, 1.0, 2.0],
        }
    )
    encoder = TableEncoder(task_column="shop").fit(X)
    assert encoder.numbers_ == ["nullable", "truth", "yes", "tiny"]
    assert encoder.levels_ == {
        "codes": ["10", "20", None],
        "mixed": ["1", "a", None],
    }
    encoded = encoder.transform(X)
    assert all(dtype.kind == "f" for dtype in encoded.dtypes)
    assert not encoded.isna().any().any()


def test_polars_categoricals_and_enums():
    X = pl.DataFrame(
        {
            "c": pl.Series(["u", None, "v"], dtype=pl.Categorical),
            "e": pl.Series(["p", "q", "q"], dtype=pl.Enum(["q", "p"])),
        }
    )
    encoder = TableEncoder().fit(X)
    assert encoder.levels_ == {"c": ["u", "v", None], "e": ["p", "q"]}
    np.testing.assert_array_equal(
        encoder.transform(X).to_numpy(), [[1, 0, 0, 1, 0], [0, 0, 1, 0, 1], [0, 1, 0, 0, 1]]
    )


def test_integer_levels_survive_a_missing_value_that_made_them_floats():
    encoder = TableEncoder().fit(pd.DataFrame({"c": pd.Categorical([1, 2, 2])}))
    encoded = encoder.transform(pd.DataFrame({"c": pd.Categorical([2.0, None, 1.0])}))
    np.testing.assert_array_equal(encoded, [[0, 1], [0, 0], [1, 0]])


def test_many_levels_share_a_column():
    words = [f"w{i:03d}" for i in range(50) for _ in range(i + 1)]
    X = pd.DataFrame({"word": [*words, None]})
    encoder = TableEncoder(max_categories=10).fit(X)
    encoded = encoder.transform(X)
    assert encoded.shape[1] == 10
    assert (encoded.sum(axis=1) == 1).all()
    assert list(encoded.columns)[0] == "word=w042"  # eight frequent ones, missing, rare
    assert list(encoded.columns)[-2:] == ["word=(missing)", "word=(rare)"]
    unseen = encoder.transform(pd.DataFrame({"word": ["what"]}))
    np.testing.assert_array_equal(unseen["word=(rare)"], 1)


@in_each_library
@pytest.mark.parametrize(
    "form",
    [
        "%d/%m/%Y",
        "%m/%d/%y",
        "%d.%m.%y",
        "%d-%b-%Y",
        "%b %d, %Y",
        "%d %B %Y %H:%M",
        "%m/%d/%Y %I:%M %p",
    ],
)
def test_dates_are_told_in_the_forms_that_tables_have(library, form):
    days = pd.date_range("2024-01-01 08:30", periods=24, freq="29D")
    X = LIBRARIES[library]({"day": days.strftime(form).tolist(), "size": [1.0, 2.0] * 12})
    with pytest.warns(UserWarning, match=r"'day' \(dates or times\)"):
        assert TableEncoder().fit(X).ignored_ == ["day"]


@in_each_library
def test_codes_with_dots_and_dashes_are_no_dates(library):
    codes = ["1.2.3000.4", "31/12", "A-12-24", "192.168.10.12", "12-40-2024", "2024-13-01"]
    X = LIBRARIES[library]({"code": codes, "size": [1.0, 2.0] * 3})
    for code in codes:
        one = LIBRARIES[library]({"code": [code] * 6, "size": [1.0, 2.0] * 3})
        assert TableEncoder().fit(one).ignored_ == []
    assert list(TableEncoder().fit(X).levels_["code"]) == sorted(codes)


def test_an_array_after_a_table_has_its_columns_or_is_refused():
    rng = np.random.default_rng(0)
    numbers = pd.DataFrame(rng.normal(size=(20, 3)), columns=["age", "dose", "shop"]).round()
    encoder = TableEncoder(task_column="shop").fit(numbers)
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        encoded = encoder.transform(numbers.to_numpy())
    np.testing.assert_array_equal(encoded, encoder.transform(numbers).to_numpy())


@in_each_library
def test_what_compare_leaves_out_is_left_out_with_one_warning(library):
    days = [datetime.date(2020, 1, 1) + datetime.timedelta(d) for d in range(120)]
    more = {
        "day": days,
        "said": [str(day) for day in days],
        "order": [f"order {i}" for i in range(120)],
        "word": [f"w{i % 100}" for i in range(120)],  # many levels, and no identifier
    }
    X = LIBRARIES[library](columns() | more)
    with pytest.warns(UserWarning) as caught:
        encoder = TableEncoder(task_column="shop").fit(X)
    (warned,) = (str(one.message) for one in caught)
    assert "'order' (120 different values in 120 rows, like an identifier)" in warned
    assert "'day' (dates or times), 'said' (dates or times)" in warned and "'word'" not in warned
    assert encoder.ignored_ == ["day", "said", "order"]
    result = compare_tasks(X, np.arange(120.0), task_column="shop", models=[], cv=2)
    notes = " ".join(result.notes)
    assert all(name in notes for name in encoder.ignored_) and "word" not in notes
    without = LIBRARIES[library](columns() | {"word": more["word"]})
    plain = TableEncoder(task_column="shop").fit_transform(without)
    pd.testing.assert_frame_equal(to_pandas(encoder.transform(X)), to_pandas(plain))


def test_a_column_of_a_categorical_type_is_kept_whatever_it_holds():
    X = pd.DataFrame(
        {"id": [f"n{i}" for i in range(120)], "day": ["2020-01-01", "2020-01-02"] * 60}
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        encoder = TableEncoder().fit(X.astype("category"))
    assert encoder.ignored_ == [] and len(encoder.get_feature_names_out()) == 102


@pytest.mark.parametrize("position", [0, 2, -1])
def test_a_task_column_given_by_position_keeps_it(position):
    frame = pd.DataFrame(columns())
    names = [name for name in frame.columns if name != "shop"]
    names.insert(len(names) if position == -1 else position, "shop")
    y = np.arange(120.0)
    by_name = make_table_pipeline(IndependentTasks(Ridge(), task_column="shop")).fit(frame, y)
    by_position = make_table_pipeline(IndependentTasks(Ridge(), task_column=position))
    by_position.fit(frame[names], y)
    np.testing.assert_allclose(
        by_position.predict(frame[names]), by_name.predict(frame), rtol=1e-9, atol=1e-9
    )


@pytest.mark.parametrize("position", [0, 1, -1])
def test_arrays_of_numbers_stay_arrays(position):
    rng = np.random.default_rng(0)
    X, task = rng.normal(3, 2, (50, 3)), rng.integers(0, 4, 50)
    X[4, 1] = np.nan
    given = np.insert(X, X.shape[1] if position == -1 else position, task, axis=1)
    encoded = TableEncoder(task_column=position).fit_transform(given)
    np.testing.assert_array_equal(encoded[:, position], task)
    rest = np.delete(encoded, position, axis=1)
    np.testing.assert_allclose(rest, np.nan_to_num(StandardScaler().fit_transform(X)), atol=1e-12)


@in_each_library
def test_of_levels_equally_frequent_the_first_by_name_are_kept(library):
    values = [*"zedcbay", "z"]
    for rows in (values, values[::-1]):
        frame = LIBRARIES[library]({"kind": rows, "n": list(range(8))})
        assert TableEncoder(max_categories=4).fit(frame).levels_["kind"] == ["a", "b", "z"]


def test_a_prefixed_task_column_is_found():
    frame = pd.DataFrame(columns()).rename(columns={"shop": "remainder__shop"})
    model = make_table_pipeline(PooledTasks(Ridge(), task_column="shop"))
    assert model.fit(frame, np.arange(120.0)).predict(frame).shape == (120,)
    assert model["table"].get_feature_names_out()[-1] == "remainder__shop"


def test_task_column_is_read_from_the_estimator_inside():
    search = GridSearchCV(PooledTasks(Ridge(), task_column="shop"), {"estimator__alpha": [1.0]})
    assert make_table_pipeline(search)["table"].task_column == "shop"
    outside = IndependentTasks(GridSearchCV(Ridge(), {"alpha": [1.0]}), task_column="shop")
    assert make_table_pipeline(outside)["table"].task_column == "shop"
    assert make_table_pipeline(Ridge())["table"].task_column is None


@pytest.mark.parametrize(
    ("estimator", "y", "said"),
    [
        (MeanRegularizedRegressor(), np.arange(120.0), True),
        (MeanRegularizedRegressor(), pd.DataFrame({"y": np.arange(120.0)}), True),
        (GridSearchCV(PooledTasks(Ridge()), {"task_dummies": [True]}), list(range(120)), True),
        (MeanRegularizedRegressor(task_column="shop"), np.arange(120.0), False),
        (MeanRegularizedRegressor(), np.arange(240.0).reshape(120, 2), False),
        (Ridge(), np.arange(120.0), False),
    ],
)
def test_a_pipeline_around_a_model_of_tasks_says_that_there_is_one(estimator, y, said):
    frame = pd.DataFrame(columns())
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        clone(make_table_pipeline(estimator)).fit(frame, y)
    assert sum(issubclass(one.category, OneTaskWarning) for one in caught) == said


def test_a_model_without_tasks_is_silent_on_its_own():
    X, y = np.random.default_rng(0).normal(size=(2, 20, 3))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        MeanRegularizedRegressor().fit(X, y[:, 0])


def test_clone_pickle_and_grid_search():
    frame, y = pd.DataFrame(columns()), np.random.default_rng(0).normal(size=120)
    model = make_table_pipeline(PooledTasks(Ridge(), task_column="shop"))
    search = GridSearchCV(
        clone(model),
        {"model__estimator__alpha": [0.1, 10.0], "table__max_categories": [2, 100]},
        cv=StratifiedTaskKFold(3, task_column="shop"),
    ).fit(frame, y)
    again = pickle.loads(pickle.dumps(search))
    np.testing.assert_array_equal(again.predict(frame), search.predict(frame))
    assert len(search.cv_results_["params"]) == 4 and not np.isnan(search.best_score_)


def test_encoder_is_at_home_in_a_column_transformer():
    frame = pd.DataFrame(columns())
    both = ColumnTransformer([("t", TableEncoder(), ["size", "kind"])]).set_output(
        transform="pandas"
    )
    assert list(both.fit_transform(frame).columns)[0] == "t__size"


@pytest.mark.parametrize(
    ("X", "encoder", "error", "words"),
    [
        ({"a": [1.0], "t": ["x"]}, TableEncoder(max_categories=1), ValueError, "at least 2, got 1"),
        ({"t": ["x"]}, TableEncoder(task_column="t"), ValueError, "no feature is left"),
        ({"a": [1.0]}, TableEncoder(task_column="t"), ValueError, "task_column='t' names 0"),
        ({"a": [np.inf, 1.0]}, TableEncoder(), ValueError, "infinity"),
    ],
)
def test_errors_say_what_was_wrong(X, encoder, error, words):
    with pytest.raises(error, match=words):
        encoder.fit(pd.DataFrame(X))


def test_lists_and_sparse_and_categories_for_numbers_are_refused():
    with pytest.raises(ValueError, match="column 'l' is of type List"):
        TableEncoder().fit(pl.DataFrame({"l": [[1], [2]]}))
    with pytest.raises(TypeError, match="X is sparse"):
        TableEncoder().fit(sparse.csr_matrix(np.eye(3)))
    encoder = TableEncoder().fit(pd.DataFrame({"a": [1.0, 2.0]}))
    with pytest.raises(ValueError, match="'a' held numbers in fit and now holds Categorical"):
        encoder.transform(pd.DataFrame({"a": pd.Categorical(["1", "2"])}))


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_columns_are_encoded_as_wholes(library):
    """Ten times the rows take no more calls of functions."""
    words = np.array([f"level {i}" for i in range(10)])

    def calls(n):
        rng = np.random.default_rng(0)
        data = {f"n{j}": rng.normal(size=n) for j in range(9)}
        data |= {f"c{j}": words[rng.integers(0, 10, n)] for j in range(10)}
        data["shop"] = words[rng.integers(0, 10, n)]
        X = LIBRARIES[library](data)
        assert TableEncoder(task_column="shop").fit_transform(X).shape == (n, 9 + 100 + 1)
        return count_calls(TableEncoder(task_column="shop").fit_transform, X)

    calls(100)  # what is imported, and kept, at first
    assert calls(20_000) < 1.2 * calls(2_000)
