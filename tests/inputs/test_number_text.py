"""Text that is a column of numbers: which is, what its other cells are, and what is only named."""

import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from sklearn.model_selection import GridSearchCV

from mtlearn import MeanRegularizedRegressor, compare_tasks, make_table_pipeline
from mtlearn.compare.task_table import read_table
from mtlearn.compare.unusable import leave_out_unusable
from mtlearn.table import TableEncoder

LIBRARIES = {"pandas": pd.DataFrame, "polars": pl.DataFrame, "pyarrow": pa.table}
in_each_library = pytest.mark.parametrize("library", LIBRARIES)
N = 400
rng = np.random.default_rng(0)
X, Z = rng.normal(size=(2, N))
TASK = np.repeat(list("abcd"), N // 4).tolist()
TEXT = [f"{value:.2f}" for value in Z]
ZIP = [f"{v:05d}" for v in rng.permutation(np.repeat(np.arange(10_000, 10_040), 10))]


def with_cells(values, *cells, at=5):
    return [*values[:at], *cells, *values[at + len(cells) :]]


def table(library, z):
    return LIBRARIES[library]({"x": X.tolist(), "shop": TASK, "z": z})


def encoded(frame):
    """The column z of the encoder, floats, and the texts of its warnings."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        encoder = TableEncoder(task_column="shop").fit(frame)
        z = np.asarray(encoder.transform(frame)["z"]) if "z" in encoder.numbers_ else None
    return z, list(dict.fromkeys(str(one.message) for one in caught))


def compared(frame):
    """What is left of z for the models of a comparison, and the notes."""
    data = leave_out_unusable(read_table(frame, X, None, "shop", None))
    encoder = TableEncoder(task_column="shop").fit(data.frame)
    z = np.asarray(encoder.transform(data.frame)["z"]) if "z" in encoder.numbers_ else None
    return z, list(data.notes)


def scaled(values):
    values = np.array(values, dtype=float)
    values = (values - np.nanmean(values)) / np.nanstd(values)
    return np.nan_to_num(values)


WAYS = {  # to write Z
    "decimal points": TEXT,
    "exponents": [f"{value:.1e}" for value in Z],
    "signs": [f"{value:+.0f}" for value in 10 * Z],
    "no digit before the point": [text.replace("0.", ".") for text in TEXT],
    "blanks around": [f"  {text} " for text in TEXT],
    "decimal commas": [text.replace(".", ",") for text in TEXT],
    "three decimals after a comma": [f"{value:.3f}".replace(".", ",") for value in Z],
}
BAD = {  # and what is no number among them
    "none": [],
    "one": ["n.d."],
    "several": ["n.d.", "?", "n.d.", "12 kg", "1.2.3", "--"],
    "blank": ["", "  "],
    "infinite": ["inf", "nan"],
    "one of twenty": ["-"] * 20,
}


@in_each_library
@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("way", WAYS)
def test_a_column_of_numbers_is_one_whatever_cells_do_not_read(library, way, bad):
    cells = BAD[bad]
    frame = table(library, with_cells(WAYS[way], *cells))
    truth = np.array([float(text.replace(",", ".")) for text in WAYS[way]])
    truth[5 : 5 + len(cells)] = np.nan
    wrong = [cell for cell in cells if cell.strip()]
    known = N - len(cells) + len(wrong)
    first = ", ".join(map(repr, list(dict.fromkeys(wrong))[:3]))
    for read in (encoded, compared):
        z, said = read(frame)
        np.testing.assert_allclose(z, scaled(truth), atol=1e-12)
        said = [text for text in said if "decimal comma" not in text]
        assert len(said) == bool(wrong)
        if wrong:
            assert f"{len(wrong)} of {known} ({first})" in said[0]


@in_each_library
def test_the_model_is_that_of_the_numbers_and_the_verdict_too(library):
    y = 3 * Z + X
    frame, plain = table(library, with_cells(TEXT, "n.d.")), table(library, with_cells(TEXT, None))
    numbers = [None if text is None else float(text) for text in with_cells(TEXT, None)]
    plain = table(library, numbers)
    model = make_table_pipeline(MeanRegularizedRegressor(0.1, task_column="shop"))
    truth = model.fit(plain, y).predict(plain)
    with pytest.warns(UserWarning, match="'z' 1 of 400"):
        np.testing.assert_allclose(model.fit(frame, y).predict(frame), truth, rtol=1e-8)
    options = {"task_column": "shop", "cv": 2, "models": ["mean-regularized"]}
    result, expected = compare_tasks(frame, y, **options), compare_tasks(plain, y, **options)
    pd.testing.assert_frame_equal(
        result.table.drop(columns="seconds"), expected.table.drop(columns="seconds")
    )
    assert result.verdict == expected.verdict and "z 1 of 400 ('n.d.')" in " ".join(result.notes)


def test_bad_cells_are_said_once_in_each_call_and_of_the_user_s_line():
    cells = with_cells(TEXT, "n.d.")
    frame, good = table("pandas", cells), table("pandas", TEXT)
    model = make_table_pipeline(MeanRegularizedRegressor(0.1, task_column="shop"))
    search = GridSearchCV(model, {"model__alpha": [0.1, 1.0]}, cv=[(np.arange(N), np.arange(N))])
    for call, n_said in (
        (lambda: model.fit(frame, X), 1),
        (lambda: model.predict(frame), 1),
        (lambda: model.score(frame, X), 1),
        (lambda: model.predict(good), 0),
        (lambda: model[0].fit_transform(frame), 1),
        (lambda: model.fit(good, X), 0),
    ):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            call()
        assert [Path(one.filename) for one in caught] == [Path(__file__)] * n_said
    with pytest.warns(UserWarning, match="'z' 1 of 400") as caught:
        search.fit(frame, X)
    assert {Path(one.filename) for one in caught} == {Path(__file__)}


@in_each_library
def test_an_error_or_a_category_where_that_is_asked_for(library):
    frame = table(library, with_cells([f"{v:.1f}" for v in np.round(Z)], "n.d."))
    for call in (
        lambda: TableEncoder(task_column="shop", bad_cells="error").fit(frame),
        lambda: compare_tasks(frame, X, task_column="shop", bad_cells="error"),
    ):
        with pytest.raises(
            ValueError,
            match=r"'z' is one of numbers, .* do not read as one: 1 of 400 \('n\.d\.'\)",
        ):
            call()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        encoder = TableEncoder(task_column="shop", bad_cells="category").fit(frame)
    assert "n.d." in encoder.levels_["z"]
    data = leave_out_unusable(read_table(frame, X, None, "shop", None), "category")
    assert TableEncoder(task_column="shop").fit(data.frame).levels_ == encoder.levels_
    assert data.notes == ()
    for bad_cells in ("missing", "category"):
        pipeline = make_table_pipeline(MeanRegularizedRegressor(), bad_cells=bad_cells)
        assert pipeline["table"].bad_cells == bad_cells


@in_each_library
@pytest.mark.parametrize(
    "cells",
    [
        with_cells([f"{i}.5" for i in range(N)], "n.d."),
        with_cells([f"{i},5" for i in range(N)], "?", "?"),
        with_cells([f"-{i + 1}" for i in range(N)], "n.d."),
    ],
)
def test_numbers_that_are_to_be_categories_are_no_identifier(library, cells):
    frame = table(library, cells)
    data = leave_out_unusable(read_table(frame, X, None, "shop", None), "category")
    assert data.notes == ()
    for encoder, some in (
        (TableEncoder(task_column="shop", bad_cells="category"), frame),
        (TableEncoder(task_column="shop"), data.frame),
    ):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            encoder.fit(some)
        assert len(encoder.levels_["z"]) == 99 and encoder.rare_ == ["z"]
    text = [f"{i}.5 kg" for i in range(N)]  # no column of numbers: an identifier to both
    with pytest.warns(UserWarning, match="like an identifier"):
        TableEncoder(task_column="shop", bad_cells="category").fit(table(library, text))


NAMED = {  # what may be no number: a category, and what is said of it
    "postcodes": (ZIP, "whole numbers, such as '100"),
    "postcodes, one unknown": (with_cells(ZIP, "n.d."), "whole numbers, such as '100"),
    "zeros in front": ([f"0{text[1:]}" for text in ZIP], "zeros in front, such as '00"),
    "a zero in front": (with_cells(ZIP, "01067"), "zeros in front, such as '01067'"),
    "codes of two parts": (["01.11", "02.15", "10.20", "35.11"] * 100, "zeros in front"),
    "thousands, or three decimals": (["1,234", "2,345", "3,456", "12"] * 100, "such as '1,234'"),
    "thousands and decimals": (["1,234.5", "2,345.5", "3.5"] * 133 + ["1.5"], "'1,234.5'"),
    "blanks in thousands": (["1 234", "2 345.5", "12 345"] * 133 + ["1.5"], "separators"),
    "thousands of Switzerland": (["1'234.50", "2'345.50"] * 200, "separators"),
    "percent": (["5 %", "7.5 %"] * 200, "units, such as '5 %'"),
    "a currency": (["€ 5.50", "$7", "€ 8.10", "€1"] * 100, "separators or units"),
    "points and commas": (["1.5", "2,5"] * 200, "separators or units, such as '2,5'"),
}


@in_each_library
@pytest.mark.parametrize("name", NAMED)
def test_what_may_be_no_number_is_a_category_and_named(library, name):
    cells, words = NAMED[name]
    frame = table(library, cells)
    for read in (encoded, compared):
        z, said = read(frame)
        assert z is None
        (said,) = said
        assert words in said and "categories" in said
    as_categories = frame["z"]
    with warnings.catch_warnings():  # somebody said so
        warnings.simplefilter("error")
        if library == "pandas":
            TableEncoder(task_column="shop").fit(frame.assign(z=as_categories.astype("category")))


@in_each_library
@pytest.mark.parametrize(
    "cells",
    [
        ["a", "b", "1.5", "2.5"] * 100,
        [*["1.5"] * 379, *["n.d."] * 21],  # 94.75 %
        ["12a", "7b", "1-2", "3/4"] * 100,
        ["192.168.10.12", "10.0.0.7"] * 200,
    ],
)
def test_other_text_is_a_category_without_a_word(library, cells):
    for read in (encoded, compared):
        assert read(table(library, cells)) == (None, [])


@pytest.mark.parametrize(
    ("cells", "truth"),
    [
        (with_cells(Z.tolist(), "n.d."), with_cells(Z.tolist(), np.nan)),
        (with_cells(list(range(N)), "n.d.", None), with_cells(list(range(N)), np.nan, np.nan)),
        (with_cells(Z.tolist(), "1.5", " 2 "), with_cells(Z.tolist(), 1.5, 2)),
        (with_cells(Z.tolist(), pd.NA, True, "?"), with_cells(Z.tolist(), np.nan, 1, np.nan)),
    ],
)
def test_numbers_and_text_in_a_column_of_objects(cells, truth):
    frame = table("pandas", pd.Series(cells, dtype=object))
    for read in (encoded, compared):
        np.testing.assert_allclose(read(frame)[0], scaled(truth), atol=1e-12)


@in_each_library
@pytest.mark.parametrize("fitted_on", [TEXT, Z.tolist(), WAYS["decimal commas"]])
def test_cells_that_come_later_follow_the_same_rule(library, fitted_on):
    comma = fitted_on is WAYS["decimal commas"]
    X = table(library, fitted_on)
    encoder = TableEncoder(task_column="shop").fit(X)
    strict = TableEncoder(task_column="shop", bad_cells="error").fit(X)
    truth = np.array([float(v.replace(",", ".") if comma else v) for v in fitted_on])
    good = {"x": [0.0] * 3, "shop": ["a"] * 3, "z": ["1,5" if comma else "1.5", " 2", None]}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        z = np.asarray(encoder.transform(LIBRARIES[library](good))["z"])
    expected = (np.array([1.5, 2, truth.mean()]) - truth.mean()) / truth.std()
    np.testing.assert_allclose(z, expected, atol=1e-12)
    bad = LIBRARIES[library](good | {"z": ["n.d.", "7", "?"]})
    with pytest.warns(UserWarning, match=r"'z' 2 of 3 \('n\.d\.', '\?'\)"):
        z = np.asarray(encoder.transform(bad)["z"])
    np.testing.assert_allclose(z, [0, (7 - truth.mean()) / truth.std(), 0], atol=1e-12)
    with pytest.raises(ValueError, match=r"'z' is one of numbers, .* do not read as one: 2 of 3"):
        strict.transform(bad)
    one = LIBRARIES[library]({"x": [0.0], "shop": ["a"], "z": ["n.d."]})
    with pytest.warns(UserWarning, match="'z' 1 of 1"):
        assert np.asarray(encoder.transform(one)["z"]) == [0]
