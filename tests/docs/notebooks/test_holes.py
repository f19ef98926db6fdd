import numpy as np
import pytest
from sklearn.linear_model import RidgeCV

from mtlearn import make_table_pipeline

pytestmark = pytest.mark.long


def test_dropping_holes_costs_most_and_sharing_helps_at_the_end(notebook):
    X, Y, error, gain = (notebook[name] for name in ("X", "Y", "error", "gain"))
    assert Y.isna().sum().sum() == 382 and Y.isna().any(axis=1).sum() == 382
    assert X.nunique().sum() == 75  # the columns of the model

    pupils = notebook["pupils"]
    complete = pupils["alone, complete cases"] / pupils["alone"]
    assert 0.65 < 1 - complete[0.5] < 0.75 and pupils["alone, complete cases"][0.95] <= 5
    dropped = error["alone, complete cases"] - error["alone"]
    assert (dropped[dropped.index >= 0.5] > 0.02).all()
    assert (dropped[dropped.index >= 0.5] > 2 * gain["mean"][gain.index >= 0.5].abs()).all()
    assert (error["alone, complete cases"][[0.9, 0.95]] > 1).all() and (error["together"] < 1).all()
    assert (gain["mean"][gain.index <= 0.9].abs() < 0.005).all() and gain["min"][0.95] > 0

    # the last point of "alone", one mark at a time with scikit-learn
    rng = np.random.default_rng(4)
    test = rng.random(len(Y)) < 0.2
    seen = Y.mask((rng.random(Y.shape) < 0.95) | test[:, None])
    squares = []
    for name in Y:
        rows = seen.index[seen[name].notna()]
        ridge = make_table_pipeline(RidgeCV(np.geomspace(0.1, 1e4, 16)))
        ridge.fit(X.loc[rows], seen.loc[rows, name])
        squares.append(((ridge.predict(X[test]) - Y.loc[test, name]) / Y[name].std()) ** 2)
    found = notebook["scores"].set_index(["model", "hidden", "seed"]).loc[("alone", 0.95, 4)]
    alone = np.sqrt(np.nanmean(np.stack(squares)))
    assert found["error"] == pytest.approx(alone, rel=0.02)  # columns of schools without this mark

    shared, other, average = notebook["filling"]
    assert other < shared - 1 < average - 2
