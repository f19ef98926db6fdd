import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import PoissonRegressor
from sklearn.metrics import mean_poisson_deviance

pytestmark = pytest.mark.long


def test_ticks_on_chicks_of_known_places(notebook):
    X, ticks, place, brood = (notebook[name] for name in ("X", "ticks", "place", "brood"))
    by_place = ticks.groupby(place)
    assert round(by_place.mean().max()) == 66 and by_place.sum().eq(0).sum() == 8
    assert by_place.size().median() == 5
    same = X[["HEIGHT", "YEAR"]].groupby(brood).nunique()
    assert (same == 1).all(axis=None)

    # the squared loss expects what cannot be, logarithms lose ticks, counts do neither
    losses = notebook["losses"]
    assert losses["below zero"].tolist() == [0, 60, 9]
    share = losses["all ticks, expected / counted"]
    assert share.round(2).tolist() == [1.00, 1.01, 0.71]
    assert losses["root mean squared error"].idxmin() == "Poisson"

    chick, next_brood = notebook["chick"], notebook["next_brood"]
    deviance, behind = notebook["deviance"], notebook["behind"]
    np.testing.assert_allclose(
        deviance,
        [[8.88, 9.88], [3.85, 9.75], [4.06, 15.78], [3.79, 10.92], [3.79, 10.03], [14.51] * 2],
        atol=0.02,
    )
    level, each = deviance.index[1:3]
    for question, values in notebook["found"].items():
        for name, expected in values.items():
            assert notebook["cost"](expected).mean() == pytest.approx(deviance[question][name])
    # together is first of one more chick, not of the next brood; neither is beyond luck
    off = behind["difference"] / behind["standard error"]
    assert -2 < off[chick, level] < 0 < off[next_brood, level] < 2
    assert behind["difference"][next_brood, each] < -4
    slopes = deviance.index[3]
    values = notebook["found"][next_brood]
    for other in deviance.index[:2]:
        lost = notebook["minus"](values[slopes], values[other])
        assert 0 < lost["difference"] < 2 * lost["standard error"]
    most = notebook["cost"](values[level]).groupby(place).sum().nlargest(10)
    assert most.sum() > len(X) * deviance[next_brood][level] / 2


def test_one_model_for_all_is_scikit_learns(notebook):
    X, ticks, fold = notebook["X"], notebook["ticks"], notebook["folds"][notebook["chick"]]
    columns = pd.get_dummies(X.drop(columns="LOCATION"), dtype=float)
    expected = pd.Series(0.0, X.index)
    for k in range(4):
        rest = fold != k
        scaled = (columns - columns[rest].mean()) / columns[rest].std(ddof=0)
        one = PoissonRegressor(alpha=0.01).fit(scaled[rest], ticks[rest])
        expected[~rest] = one.predict(scaled[~rest])
    found = notebook["deviance"][notebook["chick"]]["one model for all"]
    assert found == pytest.approx(mean_poisson_deviance(ticks, expected), abs=0.02)


def test_ranges_of_new_chicks_and_places(notebook):
    covered = notebook["covered"].round(2)
    assert covered.iloc[0].tolist() == [0.78, 0.67, 0.66]
    assert covered.iloc[2].tolist() == [0.88, 0.89, 0.96]
    # counts whose means are drawn, here with mean 20 and variance 40, have mean 20 and variance 60
    low, high = notebook["nine_in_ten"](np.array([20.0]), np.array([60.0]))
    rng = np.random.default_rng(0)
    counts = rng.poisson(rng.gamma(10.0, 2.0, 20_000))
    np.testing.assert_allclose([low[0], high[0]], np.quantile(counts, [0.05, 0.95]), atol=1)

    strangers, new = notebook["strangers"], notebook["new"]
    share = strangers["all ticks, expected / counted"]
    assert share.round(2).tolist() == [0.98, 0.64, 1.17]
    for others in (new["one model for all"], notebook["typical"]):
        off = notebook["minus"](new["random slopes, average_counts=True"], others)
        assert abs(off["difference"]) < off["standard error"]


def test_rates_of_broods_are_the_counts_of_chicks(notebook):
    np.testing.assert_allclose(notebook["same"], 1.0, rtol=1e-8)
    chicks, broods = notebook["slopes"][-1].dispersion_, notebook["rates"][-1].dispersion_
    assert round(chicks, 1) == 2.8 and round(broods, 1) == 5.9
    stranger = pd.DataFrame({"HEIGHT": [449.0], "YEAR": "96", "LOCATION": 0})
    stranger = stranger.astype(notebook["X"].dtypes)
    model = notebook["slopes"].set_params(model__average_counts=False)
    assert round(model.predict(stranger)[0]) == 7
    _, limits = notebook["ranges"](model, stranger)
    at_24 = notebook["ticks"][notebook["place"] == 24]
    assert (at_24 > limits["+ dispersion"][1, 0]).all()
