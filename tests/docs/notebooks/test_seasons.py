import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import RidgeCV

from mtlearn import GroupLassoRegressor

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
    seasons = {"meal", "market_segment", "distribution_channel", "agent"}
    seasons |= {"reserved_room_type", "assigned_room_type"}
    assert set(whole[whole > 0].index) & set(notebook["texts"]) == seasons
    single = counts["level by level"]
    assert single["country"] == 1 and single["assigned_room_type"] == 1 and single["agent"] == 6
    assert counts["features"][["country", "assigned_room_type", "agent"]].tolist() == [21, 9, 22]
    pipeline = notebook["fitted"]["column by column"]
    deviations = pipeline[-1].coef_ - pipeline[-1].mean_coef_
    size = pd.Series(np.abs(deviations).max(axis=0)).groupby(notebook["column"]).max()
    assert size["agent"] < size[list(seasons - {"agent"})].min() / 4  # "only just come in"


def test_learned_together_is_better_and_groups_are_not(notebook):
    error = notebook["held_out"]["error"]
    X, price = notebook["X"], notebook["price"]
    known, asked = notebook["known"], notebook["asked"]
    for name, pipeline in notebook["compared"].items():
        off = pipeline.predict(X.iloc[asked]) - price.iloc[asked]
        assert error[name] ** 2 == pytest.approx(np.mean(off**2))
    table = pd.get_dummies(notebook["prepare"].fit(X.iloc[known]).transform(X), columns=["month"])
    one = RidgeCV(np.geomspace(0.1, 1e5, 20)).fit(table.iloc[known], price.iloc[known])
    off = one.predict(table.iloc[asked]) - price.iloc[asked]
    name = "one model, a level a month"
    assert error[name] == pytest.approx(np.sqrt(np.mean(off**2)), abs=0.0005)
    np.testing.assert_allclose(
        error, [0.228, 0.225, 0.213, 0.220, 0.209, 0.217, 0.212], atol=0.0006
    )
    assert notebook["held_out"]["columns with a season"].tolist()[3:] == [12, 19, 13, 19]
    # "neither is always ahead"
    shared = notebook["errors"]
    assert shared["level by level"].min() < shared["column by column"].min()
    np.testing.assert_allclose(  # at the largest alpha months have the levels alone
        shared["level by level"][0], shared["column by column"][0], atol=1e-6
    )


def test_the_columns_that_matter_are_found_where_the_truth_is_known(notebook):
    truths = notebook["truths"]
    r2 = truths.pivot(index="draw", columns="model", values="R²")
    early = truths.pivot(index="draw", columns="model", values="in too early")
    raw = "column by column, of zeros and ones"
    assert (r2["column by column"] > r2["level by level"]).all()
    assert (r2["column by column"] > r2[raw] + 0.02).all()
    assert (early[["column by column", "level by level"]] == 0).all(axis=None)
    assert (early[raw] == 4).all()
    for name, size in notebook["effects"].items():
        assert name in notebook["matter"] and size.std() == pytest.approx(1)


def test_weights_by_deviations_are_standardised_levels(notebook):
    found, n_levels = notebook["found"], notebook["n_levels"]
    for name, levels in n_levels.items():
        assert found[name] == (levels if name in notebook["matter"] else 0)
    table, task, y = notebook["rows"]
    column = np.repeat(list(n_levels), list(n_levels.values()))
    A = np.column_stack([table[name] == k for name in n_levels for k in range(n_levels[name])])
    A = (A - A.mean(axis=0)) / A.std(axis=0)
    other = GroupLassoRegressor(0.8, feature_groups=column, alpha_intercept=0)
    other.fit(A, y, task=task)
    short = notebook["short"].predict(notebook["table"])
    np.testing.assert_allclose(short, other.predict(A, task=task), atol=1e-4)
