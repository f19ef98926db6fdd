import numpy as np
import pandas as pd
import pytest

from mtlearn.inspection import coef_frame

pytestmark = pytest.mark.long


def test_means_of_few_ratings_are_luck_and_levels_know(notebook):
    lecturer, student, judges, y = (notebook[k] for k in ("lecturer", "student", "judges", "y"))
    assert not set(student[judges]) & set(student[~judges])
    assert not pd.concat([lecturer, student], axis=1).duplicated().any()

    # halves that share no student share the lecturer only: their covariance is his variance
    lecturers, between = notebook["lecturers"], notebook["between"]
    many = lecturers[lecturers["ratings"] >= 20]
    assert np.sqrt(many[["mean", "judged"]].cov().iloc[0, 1]) == pytest.approx(between, abs=0.06)
    # how ratings of one lecturer scatter needs no model; one with slopes has less left to noise
    within = np.sqrt(y[~judges].groupby(lecturer[~judges]).var().mean())
    assert notebook["within"] == pytest.approx(within, abs=0.05) and notebook["within"] < within

    # errors are of the right size: intervals for what the other half will say cover nine in ten
    n = y[judges].groupby(lecturer[judges]).size()
    std = np.sqrt(lecturers["std_error"] ** 2 + notebook["within"] ** 2 / n)
    off = (lecturers["judged"] - lecturers["level"]).abs() / std
    assert np.mean(off < 1.645) == pytest.approx(0.9, abs=0.02)

    away = notebook["away"].groupby(notebook["few_or_many"], observed=True).mean()
    few, most = away.iloc[0], away.iloc[-1]
    assert few["judged"] < 0.5 * few["mean"] and most["judged"] > 0.9 * most["mean"]
    assert abs(few["level"] - few["judged"]) < 0.05 and (away["level"] < away["judged"]).all()

    # in their own circumstances lecturers are pulled as far as they should be
    X, average = notebook["X"], notebook["average"]
    found = pd.Series(notebook["model"].predict(X[judges]), index=X.index[judges])
    found = (found.groupby(lecturer[judges]).mean() - average) * np.sign(
        lecturers["mean"] - average
    )
    assert abs(found.mean() - notebook["away"]["judged"].mean()) < 0.02
    assert notebook["away"]["level"].mean() < found.mean() - 0.02

    promised, agreement = notebook["promised"], notebook["agreement"]
    oversold = promised["promised"] - promised["judged"]
    assert oversold["by mean"] > 0.5 and oversold["by level"] < 0
    assert promised["judged"].idxmax() == "by level"
    assert agreement["rank correlation"].round(2).nunique() == 1
    assert agreement["error"].idxmin() == "level"
    assert notebook["sure"].sum() == 294 and notebook["same_order"] > 0.98

    # the levels of students are deviations from what all students share
    of_students = notebook["of_students"]
    frame = coef_frame(notebook["strictness"]).query("feature == '(level)'").set_index("task")
    np.testing.assert_allclose(of_students, frame["coef"] - frame["shared"])
