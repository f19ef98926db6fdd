import numpy as np
import pytest

pytestmark = pytest.mark.long


def test_patterns_are_found_and_pay(notebook):
    # drawn: two patterns are the truth, and the error is less than half
    error, drawn = notebook["error"], notebook["drawn"]
    assert np.linalg.matrix_rank(drawn.coef) == 2
    assert error["trace norm"] < 0.5 * error["least squares of each task"]
    assert error["trace norm"] < 0.7 * error["mean-regularized"]
    assert error["mean-regularized"] < error["least squares of each task"]
    best, sparing = notebook["models"]["trace norm"], notebook["sparing"]
    assert best.rank_ == 6 and sparing.alpha_ > best.alpha_
    assert best.singular_values_[2] < 0.2 * best.singular_values_[1]
    assert (sparing.singular_values_[:6] < best.singular_values_[:6]).all()

    # the span of the two is that of the truth, nearly
    of_truth, of_fit = (np.linalg.svd(coef)[2][:2] for coef in (drawn.coef, best.coef_))
    assert np.linalg.svd(of_truth @ of_fit.T, compute_uv=False).min() > 0.9

    # the number of them, found, and a quarter less of an error
    layer = notebook["layer"]
    assert layer.rank_ == 2 and layer.stationarity_ < 1e-6
    assert 0.7 < error["shared subspace"] / error["trace norm"] < 0.8

    # life expectancy
    off = notebook["off"]
    trace, slopes, mean, line = (off[name] for name in off.columns)
    assert (trace < mean).all() and (trace < slopes).sum() == 2
    assert (off.iloc[:, :3].lt(0.67 * line, axis=0)).all(axis=None)

    # patterns times mixtures are the deviations of the fitted curves, by predictions of countries
    model, variation = notebook["trace"], notebook["variation"]
    names = model.tasks_[:5].tolist()
    rows = notebook["scaler"].transform(notebook["spline"].transform(notebook["grid"][:, None]))
    shared = rows @ model.mean_coef_
    k = model.rank_
    for name in names:
        at = model.tasks_.tolist().index(name)
        curve = model.predict(rows, task=[name] * len(rows)) - model.intercept_[at]
        three = notebook["patterns"][:, :3] @ notebook["mixtures"].loc[name].to_numpy()
        assert np.abs(curve - shared - three).mean() < 0.5  # years
    assert variation[:3].sum() > 0.99 and variation[:k].sum() == pytest.approx(1)

    # what the page says of them
    peak = notebook["grid"][notebook["patterns"][:, :3].argmax(axis=0)]
    assert abs(peak[1] - 1985) < 1 and abs(peak[2] - 2007) < 1
    of = notebook["mixtures"]
    assert set(of[1].nlargest(2).index) == {"Oman", "Vietnam"}
    south = {"Zimbabwe", "Swaziland", "Botswana", "Lesotho", "Namibia"}
    assert set(of[2].nlargest(5).index) == south
    assert of[3].idxmax() == "Rwanda" and of[3].idxmin() == "Cambodia"
    assert of.loc["Rwanda", 3] > 2 * of[3].drop("Rwanda").max()
