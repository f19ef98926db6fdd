"""Zeros that are made as they are written to are zeros."""

import numpy as np
import pytest

from mtlearn.selection.zeros import zeros

from ..checks import STRICT

pytestmark = STRICT

SHAPES = [(), (1,), (7,), (3, 4), (2, 300, 5), (1000, 1000), (0,), (3, 0), (0, 4, 2)]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_they_are_those_of_numpy(shape):
    ours, theirs = zeros(shape), np.zeros(shape)
    assert (ours.shape, ours.dtype) == (theirs.shape, theirs.dtype)
    np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_they_may_be_written_to(shape):
    ours, one = zeros(shape), np.random.default_rng(0).normal(size=shape)
    assert ours.flags.writeable and ours.flags.c_contiguous
    ours[...] = one
    np.testing.assert_array_equal(ours, one)
    ours *= 2.0
    np.testing.assert_array_equal(ours, 2.0 * one)


def test_each_call_has_its_own():
    one, other = zeros((50, 3)), zeros((50, 3))
    one[7] = 1.0
    assert not other.any() and one.sum() == 3 and not zeros((50, 3)).any()


def test_they_outlive_what_made_them_and_copy():
    row = zeros((100, 20))[3]
    row += 1.0
    copied = row.copy()
    row[:] = 5.0
    assert copied.sum() == 20 and row.sum() == 100
