"""What goes into a storage comes out: JSON text and blobs."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from luthier.core import State, StorageError
from luthier.storage.blob import from_blob, to_blob
from luthier.storage.text import from_text, to_text

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(PLAIN)
def test_text_comes_back(value: object):
    assert repr(from_text(to_text(value))) == repr(value)


@given(PLAIN)
def test_text_is_json_for_every_reader(value: object):
    def refuse(constant: str) -> None:
        raise ValueError(constant)

    json.loads(to_text(value), parse_constant=refuse)


def test_numbers_of_numpy_are_numbers():
    assert from_text(to_text({"loss": np.float32(0.5), "bad": np.float32("nan")})) == {
        "loss": 0.5,
        "bad": pytest.approx(math.nan, nan_ok=True),
    }


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "int64", "uint32", "bool"])
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 0), (2, 3)])
def test_an_array_comes_back_bit_for_bit(dtype: str, shape: tuple[int, ...]):
    array = np.random.default_rng(0).integers(0, 2, size=shape).astype(dtype)
    back = from_blob(to_blob(State({"a": array}))).arrays["a"]
    assert (back.dtype, back.shape, back.tobytes()) == (array.dtype, shape, array.tobytes())


def test_nan_keeps_its_bits():
    array = np.array([0x7FC00001, 0xFF800000, 0x80000000], np.uint32).view(np.float32)
    assert from_blob(to_blob(State({"a": array}))).arrays["a"].tobytes() == array.tobytes()


def test_views_are_stored_as_they_look():
    array = np.arange(24.0).reshape(2, 3, 4)
    views = {"transposed": array.T, "strided": array[:, ::2], "reversed": array[::-1]}
    back = from_blob(to_blob(State(views))).arrays
    assert all(np.array_equal(back[name], view) for name, view in views.items())


def test_arrays_can_be_trained_on():
    back = from_blob(to_blob(State({"a": np.zeros(3)}))).arrays["a"]
    back += 1
    assert back.tolist() == [1, 1, 1]


def test_a_state_of_nothing_comes_back():
    state = from_blob(to_blob(State({})))
    assert (dict(state.arrays), dict(state.extra)) == ({}, {})


@pytest.mark.parametrize(
    "blob",
    [b"", b"\x80\x04N.", b"\xff" * 64, to_blob(State({}))[:-9]],
    ids=["empty", "pickle", "noise", "cut short"],
)
def test_bytes_that_are_no_state_are_refused_in_words(blob: bytes):
    with pytest.raises(StorageError, match="cannot be read"):
        from_blob(blob)
