"""The order of rows is a function of (seed, epoch), and the sample is always the same."""

import numpy as np
import pytest

from luthier.catalog.order import epoch_order, sample_rows
from luthier.core.keys import bits, fold


def test_rows_are_ordered_by_their_keyed_bits():
    drawn = bits(fold(3, 1, 7), np.arange(1000, dtype=np.uint32))
    expected = np.argsort(drawn, kind="stable")[:992].reshape(31, 32)
    np.testing.assert_array_equal(epoch_order(3, 7, 1000, 32), expected)


@pytest.mark.parametrize("size", [1, 7, 99])
def test_no_row_comes_twice_and_the_last_short_batch_is_dropped(size: int):
    order = epoch_order(0, 0, 100, size)
    assert order.shape == (100 // size, size)
    assert len(set(order.ravel().tolist())) == order.size


def test_a_full_batch_keeps_the_order_of_the_data():
    assert epoch_order(5, 5, 4, 4).tolist() == [[0, 1, 2, 3]]


def test_the_sample_is_spread_over_all_rows_in_their_order():
    chosen = sample_rows(10_000, 1024)
    assert (np.diff(chosen) > 0).all()
    assert 4500 < chosen.mean() < 5500
    np.testing.assert_array_equal(chosen, sample_rows(10_000, 1024))
