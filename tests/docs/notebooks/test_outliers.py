import numpy as np
import pytest

pytestmark = pytest.mark.long


def test_the_wrong_sensors_are_found_and_the_others_gain(notebook):
    errors, robust, wrong = (notebook[name] for name in ("errors", "robust", "wrong"))
    right = errors["sensors that are right"]
    assert right.idxmin() == "patterns and outliers"
    assert right["patterns and outliers"] == pytest.approx(0.21, abs=0.01)
    assert right["patterns"] == pytest.approx(0.27, abs=0.01)
    off = np.linalg.norm(notebook["coefficients"](robust) - notebook["truth"], axis=1)
    mean = np.sqrt(np.mean(off[notebook["right"]] ** 2) / 12)  # over channels
    assert mean == pytest.approx(right["patterns and outliers"])
    assert errors["sensors that are wrong"].idxmin() == "each sensor alone"

    assert notebook["firm"].outlier_tasks_.tolist() == wrong
    assert set(wrong) <= set(robust.outlier_tasks_) and len(robust.outlier_tasks_) == 8
    own = np.linalg.norm(robust.specific_coef_, axis=1)
    assert np.sort(own)[-4] < 0.2 * np.sort(own)[-3]
    assert np.linalg.matrix_rank(robust.shared_coef_) < 12
