import numpy as np
import pytest
from scipy.stats import linregress

pytestmark = pytest.mark.long


def test_neighbouring_years_are_nearer_to_the_lines_of_all_countries(notebook):
    countries, errors, gaps = (notebook[name] for name in ("countries", "errors", "gaps"))
    mean = errors.mean()
    assert mean.idxmin() == "neighbours"
    assert mean["neighbours"] == pytest.approx(7.1, abs=0.06)
    assert mean["a line for each year"] == pytest.approx(8.1, abs=0.06)
    assert gaps["neighbours"].mean() == pytest.approx(6.7, abs=0.06)
    assert gaps["the mean of all years"].mean() == pytest.approx(7.2, abs=0.06)

    for (_, rows), line in zip(countries.groupby("year"), notebook["truth"], strict=True):
        ols = linregress(rows["doublings"], rows["lifeExp"])
        np.testing.assert_allclose(line, [ols.intercept, ols.slope], rtol=1e-9)
    for (_, rows), line in zip(notebook["few"].groupby("year"), notebook["each"], strict=True):
        ols = linregress(rows["doublings"], rows["lifeExp"])
        np.testing.assert_allclose(line, [ols.intercept, ols.slope], rtol=1e-9)
    tied, each = (
        np.sqrt(np.mean(notebook["off"][name] ** 2, axis=0))
        for name in ("neighbours", "a line for each year")
    )
    assert (tied < 0.5 * each).all()

    between = notebook["between"]
    assert between.neighbor_tasks_.tolist() == [1972, 1992]
    weights = between.neighbor_weights_  # halfway between those before and after
    np.testing.assert_allclose(np.sort(weights, axis=1)[:, -2:], 0.5)
