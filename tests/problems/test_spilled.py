"""Arrays in a file that nobody sees."""

import gc
import warnings

import numpy as np

from mtlearn.problems.spilled import Scratch


def test_arrays_come_back_and_the_file_is_closed_with_its_owner(tmp_path):
    scratch = Scratch(tmp_path, 1.0)
    parts = [np.arange(6.0).reshape(2, 3), np.full((4, 1), 7.0)]
    stored = [scratch.append(one) for one in parts]
    for k in (1, 0, 0, 1):
        np.testing.assert_array_equal(stored[k].read(), parts[k])
    file = scratch._file
    del scratch, stored
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        gc.collect()
    assert file.closed and not list(tmp_path.iterdir())
