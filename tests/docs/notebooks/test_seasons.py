import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import RidgeCV

from mtlearn.table import TableEncoder

pytestmark = pytest.mark.long


def test_columns_that_change_with_the_season(notebook):
    typical, days = notebook["typical"], notebook["bookings"]["arrival_date"]
    assert 3.5 < typical[8] / typical[1] < 4.5
    known, asked = notebook["known"], notebook["asked"]
    assert not set(days.iloc[known]) & set(days.iloc[asked])
    assert notebook["X"][notebook["texts"]].nunique().max() == 167

    # whole columns or none, and parts of columns without groups
    counts = notebook["counts"]
    whole = counts["column by column"]
    assert (whole.isin([0]) | (whole == counts["features"])).all()
    seasons = {"meal", "market_segment", "reserved_room_type", "assigned_room_type"}
    assert set(whole[whole > 0].index) & set(notebook["texts"]) == seasons
    single = counts["level by level"][notebook["texts"]]
    assert single[single > 0].to_dict() == dict.fromkeys(seasons - {"market_segment"}, 1)
    assert counts["features"][["country", "agent", "company"]].tolist() == [25] * 3
    pipeline = notebook["fitted"]["column by column"]
    deviations = pipeline[-1].coef_ - pipeline[-1].mean_coef_
    size = pd.Series(np.abs(deviations).max(axis=0)).groupby(notebook["column"]).max()
    assert (
        size["market_segment"] < size[list(seasons - {"market_segment"})].min() / 4
    )  # "only just come in"


def test_learned_together_is_better_and_groups_are_not(notebook):
    error = notebook["held_out"]["error"]
    X, price = notebook["X"], notebook["price"]
    known, asked = notebook["known"], notebook["asked"]
    for name, pipeline in notebook["compared"].items():
        off = pipeline.predict(X.iloc[asked]) - price.iloc[asked]
        assert error[name] ** 2 == pytest.approx(np.mean(off**2))
    table = pd.get_dummies(notebook["encoder"].transform(X), columns=["month"])
    one = RidgeCV(np.geomspace(0.1, 1e5, 20)).fit(table.iloc[known], price.iloc[known])
    off = one.predict(table.iloc[asked]) - price.iloc[asked]
    name = "one model, a level a month"
    assert error[name] == pytest.approx(np.sqrt(np.mean(off**2)), abs=0.0005)
    np.testing.assert_allclose(
        error, [0.229, 0.219, 0.211, 0.220, 0.212, 0.221, 0.214], atol=0.0006
    )
    assert notebook["held_out"]["columns with a season"].tolist()[3:] == [11, 19, 11, 17]
    # "neither is always ahead"
    shared = notebook["errors"]
    assert shared["level by level"].min() > shared["column by column"].min()
    assert error["level by level, best alpha"] < error["column by column, best alpha"]
    np.testing.assert_allclose(  # at the largest alpha months have the levels alone
        shared["level by level"][0], shared["column by column"][0], atol=1e-6
    )


def test_the_columns_that_matter_are_found_where_the_truth_is_known(notebook):
    truths = notebook["truths"]
    r2 = truths.pivot(index="draw", columns="model", values="R²")
    early = truths.pivot(index="draw", columns="model", values="in too early")
    raw, scaled = "groups by name", "groups by name, standardised"
    assert (r2["column by column"] > r2[["level by level", raw]].max(axis=1) + 0.015).all()
    np.testing.assert_allclose(r2["column by column"], r2[scaled], atol=0.01)
    assert (early[["column by column", scaled]] == 0).all(axis=None)
    assert (early[raw] == 4).all() and early["level by level"].tolist() == [3, 3, 1]
    for name, size in notebook["effects"].items():
        assert name in notebook["matter"] and size.std() == pytest.approx(1)


def test_columns_vary_as_it_says(notebook):
    """24 levels have together no more variance than a number, the company a fifth of it."""
    table = notebook["rows"][0]
    A = TableEncoder().fit_transform(table)
    total = A.var(ddof=0).groupby(A.columns.map(notebook["column_of"])).sum()
    for name, levels in notebook["n_levels"].items():
        shares = table[name].value_counts(normalize=True)
        assert total[name] == pytest.approx(1 - np.sum(shares**2)) and len(shares) == levels
        assert total[name] == pytest.approx(1 - 1 / levels, abs=0.01)
    train = notebook["train"].drop(columns="month")
    total = train.var(ddof=0).groupby(notebook["column"].to_numpy()).sum()
    np.testing.assert_allclose(total[notebook["numbers"]], 1)
    assert total["company"] == pytest.approx(0.2, abs=0.005)
    assert notebook["X"]["company"].value_counts(normalize=True).iloc[0] == pytest.approx(
        0.9, abs=0.02
    )
    assert (notebook["order"] == "company").argmax() >= 15
