import numpy as np
import pandas as pd
import pytest

from mtlearn import RandomSlopesRegressor, make_table_pipeline
from mtlearn.exceptions import UnseenTaskWarning

pytestmark = pytest.mark.long


def test_the_job_does_what_python_does(notebook):
    codes = {name: notebook[name].returncode for name in ("fitted", "predicted", "exported")}
    assert set(codes.values()) == {0} and notebook["again"].returncode == 0
    assert notebook["again"].stdout == notebook["again"].stderr == ""  # quiet

    # the same model fitted here: predictions, those of a school not seen, and those of the database
    known, new, unseen = notebook["known"], notebook["new"], notebook["unseen"]
    here = make_table_pipeline(RandomSlopesRegressor(alpha_mean="auto", task_column="school"))
    here.fit(known.drop(columns="normexam"), known["normexam"])
    with pytest.warns(UnseenTaskWarning, match="80 rows"):
        expected = here.predict(new.drop(columns="normexam"))
    assert unseen.sum() == 80 and "80 rows are of 1 task not seen" in notebook["predicted"].stdout
    for of in (notebook["predictions"], notebook["by_sql"]):
        np.testing.assert_allclose(of["normexam_predicted"], expected, atol=1e-9)

    # intervals of 90 %
    covered = notebook["covered"]
    assert abs(covered["schools known"] - 0.9) < 0.03 and abs(covered["school 65"] - 0.9) < 0.07

    # the night after there is a school more, and it is a little worse than the others
    before, after = notebook["pipeline"]["model"].tasks_, notebook["renewed"]["model"].tasks_
    assert set(after) - set(before) == {65} and len(after) == 65
    joined = notebook["joined"]["normexam"]
    too_high, off = joined - notebook["before"], joined - notebook["after"]
    assert -0.25 < too_high.mean() < -0.1 and abs(off.mean()) < 0.05

    # a No, and its exit code
    answer = notebook["answer"]
    assert notebook["compared"].returncode == 1 and answer["helps"] is False
    assert answer["best_baseline"] == "pooled+dummies" and answer["verdict"].startswith("No, ")

    pd.testing.assert_frame_equal(
        pd.read_csv(notebook["folder"] / "pupils.csv")[["school", "normexam"]],
        notebook["exam"][["school", "normexam"]],
        check_dtype=False,
    )
