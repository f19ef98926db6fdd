import numpy as np
import pytest
from scipy.stats import linregress

pytestmark = pytest.mark.long


def test_forecasts_of_countries_and_what_their_intervals_miss(notebook):
    countries, folds, errors = (notebook[name] for name in ("countries", "folds", "errors"))
    for past, future in folds:
        assert countries["year"].iloc[past].max() < countries["year"].iloc[future].min()
        assert len(past) + len(future) <= len(countries)

    together = errors.loc[["random slopes", "mean-regularized"]]
    assert (together < errors.loc["a line for each"]).all(axis=None)
    assert (together > 0.9 * errors.loc["a line for each"]).all(axis=None)
    assert (errors.loc["levels differ, slope for all"] > errors.loc["a line for each"]).all()
    off = []  # a line for each, by SciPy
    for _, rows in countries.groupby("country"):
        past = rows["year"] <= 1992
        line = linregress(rows["year"][past], rows["lifeExp"][past])
        off.append(line.intercept + line.slope * rows["year"][~past] - rows["lifeExp"][~past])
    assert errors.loc["a line for each", "after 1992"] == pytest.approx(
        np.sqrt(np.mean(np.concatenate(off) ** 2))
    )

    assert notebook["between"]["covered"].mean() == pytest.approx(0.92, abs=0.005)
    assert len(notebook["between"]) == len(countries)
    kept = notebook["kept"]
    assert (kept.diff().iloc[1:] < 0).all(axis=None) and (kept.loc[15] < 0.7).all()
    assert {"Japan", "Portugal"} <= set(countries["country"][notebook["below"].index])
    assert set(countries["country"][notebook["above"].index]) >= {"Rwanda"}
    wide = countries.pivot(index="country", columns="year", values="lifeExp")
    long_lived = wide[wide[1977] > 70]
    assert (long_lived[1977] - long_lived[1952]).mean() > (
        long_lived[2007] - long_lived[1982]
    ).mean()

    off = countries["lifeExp"] - notebook["slopes"].predict(countries[["year", "country"]])
    past = countries["year"] <= 1992
    noise = off[past].groupby(countries["country"]).std() / notebook["slopes"].noise_std_
    assert noise.quantile(0.25) < 0.6 and noise.max() > 2  # one for all is wrong for many

    stretched = notebook["stretched"]
    assert (stretched["covered, stretched"] > stretched["covered"] + 0.1).all()
    assert (stretched["covered, stretched"] < 0.9).all()
    for name in stretched.index:
        covered = notebook["futures"][name]["covered"].mean()
        assert stretched.loc[name, "covered"] == pytest.approx(covered)
