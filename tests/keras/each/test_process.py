"""The backend of a process; `make keras` runs this room once for each."""

import os

import pytest

from luthier import frameworks
from luthier.core import LuthierError
from luthier.frameworks.keras.process import backend, require


def test_the_backend_is_the_one_asked_for():
    require()
    assert backend() == os.environ["KERAS_BACKEND"]


def test_a_keras_network_is_kerass_whatever_it_runs_on():
    import keras

    assert frameworks.load("keras").owns(keras.Sequential([keras.Input((3,))]))
    assert not frameworks.load("keras").owns(object())


def test_another_backend_than_the_running_one_is_refused_with_what_to_type():
    require()
    other = "jax" if backend() == "torch" else "torch"
    with pytest.raises(LuthierError, match=f"KERAS_BACKEND={other}"):
        require(other)
