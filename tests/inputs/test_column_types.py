"""Every type of column that pandas, polars and pyarrow have, through the three ways in.

One table: what a column of each type is. The truth of a number is the model of the plain floats,
of a category that of the same column as plain text, of what is left out that of the table without.
"""

import datetime as dt
import decimal
import fractions
import uuid
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from pyarrow.compute import run_end_encode

from mtlearn import MeanRegularizedRegressor, compare_tasks, make_table_pipeline
from mtlearn.compare.task_table import read_table
from mtlearn.compare.unusable import leave_out_unusable
from mtlearn.table import TableEncoder

N = 60
rng = np.random.default_rng(0)
X = rng.normal(size=N)
Z = np.round(rng.normal(size=N), 2)
WHOLE = rng.permutation(np.repeat(np.arange(20), 3))
TASK = np.repeat(list("abc"), N // 3)
y = X + 2 * Z + (TASK == "b") + rng.normal(0, 0.1, N)
HOLES = np.arange(N) % 7 == 3
WORDS = ["red", "green", "blue"] * (N // 3)
DAYS = pd.Series(pd.date_range("2024-01-31", periods=N, freq="31D"))
ROWS = list(range(N))


def holed(values, missing=None):
    return [missing if hole else value for hole, value in zip(HOLES, values, strict=True)]


def objects(values):
    return pd.Series(list(values), dtype=object)


def arrow(values, kind=None):
    """A column of pandas that pyarrow keeps."""
    return pd.Series(pd.arrays.ArrowExtensionArray(pa.chunked_array([array(values, kind)])))


def array(values, kind=None):
    if isinstance(values, pa.Array):
        return values
    return pa.array(list(values), kind)


def decimals(places=2):
    return [decimal.Decimal(f"{value:.{places}f}") for value in Z]


LISTS = [[1.0, 2.0]] * N
PERIODS, TIMES = DAYS.dt.to_period("M"), [dt.time(i % 24, i) for i in ROWS]
BINS = pd.arrays.IntervalArray.from_breaks(range(4))[WHOLE % 3]
TRUTH = WHOLE % 2 == 0
SPARSE = pd.arrays.SparseArray(np.where(HOLES, 0.0, Z), fill_value=0.0)
STORAGE = pa.array([uuid.UUID(int=i).bytes for i in ROWS], pa.binary(16))

# the type: the column, and the floats that it is
NUMBERS = {
    "pandas float64": (pd.Series(Z), Z),
    "pandas float32": (pd.Series(Z.astype("float32")), Z.astype("float32")),
    "pandas float16": (pd.Series(Z.astype("float16")), Z.astype("float16")),
    "pandas longdouble": (pd.Series(Z.astype(np.longdouble)), Z),
    "pandas int8": (pd.Series(WHOLE.astype("int8")), WHOLE),
    "pandas uint64": (pd.Series(WHOLE.astype("uint64")), WHOLE),
    "pandas bool": (pd.Series(TRUTH), TRUTH),
    "pandas Int64": (pd.Series(holed(WHOLE), dtype="Int64"), holed(WHOLE, np.nan)),
    "pandas Float64": (pd.Series(holed(Z), dtype="Float64"), holed(Z, np.nan)),
    "pandas boolean": (pd.Series(holed(TRUTH), dtype="boolean"), holed(TRUTH, np.nan)),
    "pandas Sparse[float]": (pd.Series(SPARSE), np.where(HOLES, 0.0, Z)),
    "pandas Sparse[bool]": (pd.Series(pd.arrays.SparseArray(TRUTH)), TRUTH),
    "pandas all missing": (objects([None] * N), np.zeros(N)),
    "objects: float": (objects(Z), Z),
    "objects: float, None": (objects(holed(Z)), holed(Z, np.nan)),
    "objects: float, pd.NA": (objects(holed(Z, pd.NA)), holed(Z, np.nan)),
    "objects: float, NaN": (objects(holed(Z, np.nan)), holed(Z, np.nan)),
    "objects: int": (objects(WHOLE.tolist()), WHOLE),
    "objects: int, None": (objects(holed(WHOLE.tolist())), holed(WHOLE, np.nan)),
    "objects: int, float": (objects([*WHOLE.tolist()[:30], *Z[30:]]), [*WHOLE[:30], *Z[30:]]),
    "objects: past 64 bits": (objects([10**25 * int(v) for v in WHOLE]), 1e25 * WHOLE),
    "objects: numpy scalars": (objects([np.float32(v) for v in Z]), Z.astype("float32")),
    "objects: bool": (objects(TRUTH.tolist()), TRUTH),
    "objects: bool, None": (objects(holed(TRUTH.tolist())), holed(TRUTH, np.nan)),
    "objects: np.bool, pd.NA": (objects(holed(TRUTH, pd.NA)), holed(TRUTH, np.nan)),
    "objects: Decimal": (objects(decimals()), Z),
    "objects: Decimal, None": (objects(holed(decimals())), holed(Z, np.nan)),
    "objects: Decimal NaN": (objects(holed(decimals(), decimal.Decimal("NaN"))), holed(Z, np.nan)),
    "objects: Fraction": (objects(map(fractions.Fraction, Z)), Z),
    "pandas arrow double": (arrow(holed(Z)), holed(Z, np.nan)),
    "pandas arrow bool": (arrow(holed(TRUTH.tolist())), holed(TRUTH, np.nan)),
    "pandas arrow decimal128": (arrow(holed(decimals())), holed(Z, np.nan)),
    "pandas arrow decimal256": (arrow(holed(decimals()), pa.decimal256(40, 2)), holed(Z, np.nan)),
    "pandas arrow null": (arrow(pa.nulls(N)), np.zeros(N)),
    "polars Float32": (pl.Series(Z, dtype=pl.Float32), Z.astype("float32")),
    "polars Int16": (pl.Series(WHOLE, dtype=pl.Int16), WHOLE),
    "polars UInt64": (pl.Series(holed(WHOLE), dtype=pl.UInt64), holed(WHOLE, np.nan)),
    "polars Boolean": (pl.Series(holed(TRUTH.tolist())), holed(TRUTH, np.nan)),
    "polars Decimal": (pl.Series(holed(decimals())), holed(Z, np.nan)),
    "polars Null": (pl.Series([None] * N), np.zeros(N)),
    "polars Object: Fraction": (
        pl.Series(holed(map(fractions.Fraction, Z)), dtype=pl.Object),
        holed(Z, np.nan),
    ),
    "pyarrow double": (array(holed(Z)), holed(Z, np.nan)),
    "pyarrow halffloat": (array(Z.astype("float16"), pa.float16()), Z.astype("float16")),
    "pyarrow uint8": (array(WHOLE, pa.uint8()), WHOLE),
    "pyarrow bool": (array(holed(TRUTH.tolist())), holed(TRUTH, np.nan)),
    "pyarrow decimal128": (array(holed(decimals())), holed(Z, np.nan)),
    "pyarrow decimal256": (array(holed(decimals()), pa.decimal256(40, 2)), holed(Z, np.nan)),
    "pyarrow null": (pa.nulls(N), np.zeros(N)),
    "pyarrow run ends": (
        run_end_encode(pa.array(np.repeat([1.5, 2.5], 30))),
        np.repeat([1.5, 2.5], 30),
    ),
}
for name in ("Int128", "UInt128", "Float16"):  # of newer versions
    if hasattr(pl, name):
        NUMBERS[f"polars {name}"] = (pl.Series(WHOLE, dtype=getattr(pl, name)), WHOLE)
for name in ("decimal32", "decimal64"):
    if hasattr(pa, name):
        NUMBERS[f"pyarrow {name}"] = (array(decimals(), getattr(pa, name)(5, 2)), Z)

# the type: the column, and the words that it is
CATEGORIES = {
    "pandas string": (pd.Series(holed(WORDS), dtype="string"), holed(WORDS)),
    "pandas text": (pd.Series(holed(WORDS)), holed(WORDS)),
    "pandas category": (pd.Series(pd.Categorical(holed(WORDS))), holed(WORDS)),
    "pandas ordered": (pd.Series(pd.Categorical(WORDS, ordered=True)), WORDS),
    "pandas category of numbers": (pd.Series(pd.Categorical(WHOLE)), [f"c{v}" for v in WHOLE]),
    "pandas category of intervals": (pd.Series(pd.Categorical(BINS)), [str(v) for v in BINS]),
    "pandas category of dates": (
        pd.Series(pd.Categorical(DAYS[WHOLE % 4])),
        [f"day {v}" for v in WHOLE % 4],
    ),
    "pandas Interval": (pd.Series(BINS), [str(v) for v in BINS]),
    "objects: text, int": (objects([*WORDS[:57], 1, 2, 2]), [*WORDS[:57], "1", "2", "2"]),
    "objects: UUID": (
        objects(uuid.UUID(int=int(v)) for v in WHOLE),
        [str(uuid.UUID(int=int(v))) for v in WHOLE],
    ),
    "pandas arrow string": (arrow(holed(WORDS)), holed(WORDS)),
    "pandas arrow large_string": (arrow(holed(WORDS), pa.large_string()), holed(WORDS)),
    "pandas arrow dictionary": (arrow(array(holed(WORDS)).dictionary_encode()), holed(WORDS)),
    "polars String": (pl.Series(holed(WORDS)), holed(WORDS)),
    "polars Categorical": (pl.Series(holed(WORDS), dtype=pl.Categorical), holed(WORDS)),
    "polars Enum": (pl.Series(WORDS, dtype=pl.Enum(["red", "green", "blue"])), WORDS),
    "polars Object: UUID": (
        pl.Series([uuid.UUID(int=int(v)) for v in WHOLE], dtype=pl.Object),
        [str(uuid.UUID(int=int(v))) for v in WHOLE],
    ),
    "pyarrow string": (array(holed(WORDS)), holed(WORDS)),
    "pyarrow large_string": (array(holed(WORDS), pa.large_string()), holed(WORDS)),
    "pyarrow dictionary": (array(holed(WORDS)).dictionary_encode(), holed(WORDS)),
    "pyarrow dictionary of numbers": (
        array(WHOLE).dictionary_encode(),
        [f"c{v}" for v in WHOLE],
    ),
}
if hasattr(pa, "string_view"):
    CATEGORIES["pyarrow string_view"] = (array(WORDS).cast(pa.string_view()), WORDS)

DATES = {
    "pandas datetime": DAYS,
    "pandas datetime with zone": DAYS.dt.tz_localize("Europe/Berlin"),
    "pandas datetime, NaT": DAYS.where(~HOLES),
    "pandas timedelta": DAYS - DAYS[0],
    "pandas Period": PERIODS,
    "objects: Period": PERIODS.astype(object),
    "objects: date": DAYS.dt.date,
    "objects: date, None": objects(holed(DAYS.dt.date)),
    "objects: date, NaN": objects(holed(DAYS.dt.date, np.nan)),
    "objects: datetime": objects(day.to_pydatetime() for day in DAYS),
    "objects: time": objects(TIMES),
    "objects: timedelta": objects(dt.timedelta(i) for i in ROWS),
    "objects: np.datetime64": objects(DAYS.to_numpy()),
    "objects: np.timedelta64": objects((DAYS - DAYS[0]).to_numpy()),
    "objects: date, text": objects(["n.d.", "2024-05-31", *DAYS.dt.date[2:]]),
    "text: one of them unknown": pd.Series(["n.d.", *DAYS[1:].astype(str)]),
    "pandas arrow date32": arrow(DAYS.dt.date),
    "pandas arrow timestamp": arrow(pa.array(DAYS, pa.timestamp("s", "UTC"))),
    "pandas arrow time64": arrow(TIMES),
    "pandas arrow duration": arrow([dt.timedelta(i) for i in ROWS]),
    "polars Date": pl.Series(DAYS.dt.date.tolist()),
    "polars Datetime": pl.Series(DAYS.to_list()),
    "polars Duration": pl.Series([dt.timedelta(i) for i in ROWS]),
    "polars Time": pl.Series(TIMES),
    "pyarrow date32": array(DAYS.dt.date),
    "pyarrow date64": array(DAYS.dt.date, pa.date64()),
    "pyarrow timestamp": pa.array(DAYS, pa.timestamp("ns", "UTC")),
    "pyarrow time32": array(TIMES, pa.time32("s")),
    "pyarrow time64": array(TIMES),
    "pyarrow duration": array([dt.timedelta(i) for i in ROWS]),
    "pyarrow interval": array([(1, 2, i) for i in ROWS], pa.month_day_nano_interval()),
}

if not DATES["pyarrow interval"].take(pa.array([0]))[0].is_valid:  # older: no rows of it
    del DATES["pyarrow interval"]

REFUSED = {
    "pandas complex": (pd.Series(Z + 1j), "complex numbers"),
    "objects: complex": (objects(Z + 1j), "complex numbers"),
    "objects: list": (objects(LISTS), "lists"),
    "objects: tuple": (objects(map(tuple, LISTS)), "lists"),
    "objects: dict": (objects([{"a": 1}] * N), "lists"),
    "objects: ndarray": (objects(map(np.array, LISTS)), "lists"),
    "objects: bytes": (objects([b"a"] * N), "bytes"),
    "objects: slice": (objects([pd.DataFrame()] * N), "objects without a value"),
    "pandas arrow list": (arrow(LISTS), "lists"),
    "pandas arrow struct": (arrow([{"a": 1}] * N), "lists"),
    "pandas arrow map": (arrow([[("a", 1)]] * N, pa.map_(pa.string(), pa.int64())), "lists"),
    "pandas arrow binary": (arrow([b"a"] * N), "bytes"),
    "polars List": (pl.Series(LISTS), "lists"),
    "polars Array": (pl.Series(LISTS, dtype=pl.Array(pl.Float64, 2)), "lists"),
    "polars Struct": (pl.Series([{"a": 1}] * N), "lists"),
    "polars Binary": (pl.Series([b"a"] * N), "bytes"),
    "polars Object: list": (pl.Series(LISTS, dtype=pl.Object), "lists"),
    "pyarrow list": (array(LISTS), "lists"),
    "pyarrow large list": (array(LISTS, pa.large_list(pa.float64())), "lists"),
    "pyarrow fixed list": (array(LISTS, pa.list_(pa.float64(), 2)), "lists"),
    "pyarrow struct": (array([{"a": 1}] * N), "lists"),
    "pyarrow map": (array([[("a", 1)]] * N, pa.map_(pa.string(), pa.int64())), "lists"),
    "pyarrow binary": (array([b"a"] * N), "bytes"),
    "pyarrow large binary": (array([b"a"] * N, pa.large_binary()), "bytes"),
    "pyarrow fixed binary": (array([b"a"] * N, pa.binary(1)), "bytes"),
}
if pl.__version__.startswith("1.0."):  # hangs where rows of objects are taken
    for rows in (NUMBERS, CATEGORIES, REFUSED):
        for name in [name for name in rows if name.startswith("polars Object")]:
            del rows[name]


def table(column=None):
    """A frame of the library of the column, with it as ``z``."""
    data = {"x": X, "shop": TASK.tolist()}
    if isinstance(column, pl.Series):
        return pl.DataFrame(data | {"z": column})
    if isinstance(column, pa.Array):
        return pa.table(data | {"z": column})
    frame = pd.DataFrame(data)
    return frame if column is None else frame.assign(z=column)


def alone():
    return MeanRegularizedRegressor(0.1, task_column="shop")


def compared(frame):
    """What the models of a comparison see of a table, encoded, and its notes."""
    data = leave_out_unusable(read_table(frame, y, None, "shop", None))
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # every fold would have it
        encoded = TableEncoder(task_column="shop").fit_transform(data.frame)
    return numbers_of(encoded), " ".join(data.notes)


def numbers_of(encoded):
    names = getattr(encoded, "column_names", list(encoded.columns))
    return np.column_stack([np.asarray(encoded[name]) for name in names if name != "shop"])


def same_through_pipeline_and_compare(column, truth):
    """The features of a column, and those of what it should be."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        encoder = TableEncoder(task_column="shop").fit(table(column))
        answer = numbers_of(encoder.transform(table(column)))
    expected = numbers_of(TableEncoder(task_column="shop").fit_transform(table(truth)))
    np.testing.assert_allclose(answer, expected, atol=1e-12)
    answer, notes = compared(table(column))
    np.testing.assert_allclose(answer, expected, atol=1e-12)
    assert notes == ""


@pytest.mark.parametrize("name", NUMBERS)
def test_a_number(name):
    column, truth = NUMBERS[name]
    truth = np.array(truth, dtype=float)
    same_through_pipeline_and_compare(column, truth)
    missing = np.isnan(truth).any() or "null" in name.lower() or "missing" in name
    if missing:
        with pytest.raises(ValueError, match="contains NaN") as error:
            alone().fit(table(column), y)
        assert "make_table_pipeline" in " ".join(error.value.__notes__)
    elif np.abs(truth).max() < 1e20:  # how large numbers may be is for tests of magnitudes
        answer = alone().fit(table(column), y).predict(table(column))
        expected = alone().fit(table(truth), y).predict(table(truth))
        np.testing.assert_allclose(answer, expected, atol=1e-8)


@pytest.mark.parametrize("name", CATEGORIES)
def test_a_category(name):
    column, truth = CATEGORIES[name]
    same_through_pipeline_and_compare(column, objects(truth))
    held = "(categories|text)"
    with pytest.raises(ValueError, match=f"column 'z' of X holds {held}.*make_table_pipeline"):
        alone().fit(table(column), y)


@pytest.mark.parametrize("name", DATES)
def test_a_date_is_left_out_with_a_warning(name):
    column, plain = DATES[name], table()
    with pytest.warns(UserWarning, match=r"'z' \(dates or times\)") as caught:
        model = make_table_pipeline(alone()).fit(table(column), y)
    assert len(caught) == 1
    expected = make_table_pipeline(alone()).fit(plain, y).predict(plain)
    np.testing.assert_allclose(model.predict(table(column)), expected, atol=1e-8)
    answer, notes = compared(table(column))
    np.testing.assert_array_equal(answer, compared(plain)[0])
    assert notes.startswith("z holds dates or times and is left out")
    with pytest.raises(ValueError, match=r"column 'z' of X holds (dates or times|text \(such as)"):
        alone().fit(table(column), y)


@pytest.mark.parametrize("name", REFUSED)
def test_what_no_feature_can_be_made_of_is_refused_in_one_sentence(name):
    column, what = REFUSED[name]
    for call in (
        lambda: make_table_pipeline(alone()).fit(table(column), y),
        lambda: compared(table(column)),
        lambda: alone().fit(table(column), y),
    ):
        with pytest.raises(ValueError, match=f"column 'z' is of type .* holds {what}; a feature"):
            call()


def test_columns_with_names_of_two_levels():
    columns = pd.MultiIndex.from_tuples([("all", "x"), ("all", "z"), ("all", "shop")])
    frame = pd.DataFrame({"x": X, "z": Z, "shop": TASK})
    truth = make_table_pipeline(alone()).fit(frame, y).predict(frame)
    other = frame.set_axis(columns, axis=1)
    model = make_table_pipeline(MeanRegularizedRegressor(0.1, task_column=2)).fit(other, y)
    np.testing.assert_allclose(model.predict(other), truth, atol=1e-8)
    result = compare_tasks(other, y, task_column=2, cv=2, models=["mean-regularized"])
    expected = compare_tasks(frame, y, task_column=2, cv=2, models=["mean-regularized"])
    np.testing.assert_allclose(
        result.predictions["mean-regularized"], expected.predictions["mean-regularized"]
    )
