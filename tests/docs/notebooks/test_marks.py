import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.metrics import r2_score

pytestmark = pytest.mark.long


def test_marks_are_those_of_a_mixed_model_and_large_schools_get_more(notebook):
    pupils, marks, rest = notebook["pupils"], notebook["marks"], notebook["rest"]
    known, never_seen = notebook["known"], notebook["never_seen"]
    assert (rest.astype(int) + known + never_seen == 1).all()
    assert not set(pupils["school"][never_seen]) & set(pupils["school"][rest | known])
    assert pupils["school"].value_counts().median() == 8

    # statsmodels is the truth
    ours, theirs, both = notebook["ours"], notebook["theirs"], notebook["both"]
    assert theirs.converged and ours.log_likelihood_ >= theirs.llf - 1e-4
    np.testing.assert_allclose(both["mtlearn"], both["statsmodels"], atol=1e-3)
    assert notebook["agreement"]["R²"].round(3).nunique() == 1

    table, with_size = notebook["table"], notebook["with_size"]
    in_known, in_never = (f"R², {part}" for part in ("known school", "school never seen"))
    assert table[in_known].idxmax() == "random slopes"
    assert table[in_known].round(2)[["random slopes", "one line for all"]].tolist() == [0.50, 0.43]
    assert table[in_never].idxmax() == "one line for all"
    line = LinearRegression().fit(pupils.loc[rest, ["gcsescore"]], marks[rest])
    values = line.predict(pupils.loc[never_seen, ["gcsescore"]])
    assert table.loc["one line for all", in_never] == pytest.approx(
        r2_score(marks[never_seen], values)
    )

    assert (with_size[in_never] > table[in_never].max() + 0.01).all()
    assert np.ptp(with_size[in_never]) < 0.002
    assert with_size[in_known].idxmax() == "random slopes, with size"
    by_size = notebook["off"][never_seen].groupby(notebook["bins"], observed=True).mean()
    assert by_size.is_monotonic_increasing and by_size["over 40"] > 0.5

    for rows in (known, never_seen):
        low, high = notebook["prediction_interval"](notebook["better"], notebook["X_size"][rows]).T
        assert np.mean((low <= marks[rows]) & (marks[rows] <= high)) == pytest.approx(0.9, abs=0.02)

    # in the picture: an average pupil's mark, and the few schools that differ
    slopes, levels = notebook["slopes"], notebook["levels"]
    average = pd.DataFrame({"gcsescore": slopes.center_[0], "school": levels["task"]})
    np.testing.assert_allclose(levels["coef"], slopes.predict(average))
    assert notebook["below"].sum() + notebook["above"].sum() < len(levels) / 4
