"""A builder's source takes with it what it needs, and nothing else."""

import sys
import types

import numpy as np
import pytest

from luthier.core import Build
from luthier.core.standalone import standalone

WIDTH = 3
UNUSED = np.zeros(7)


def doubled(number):
    return 2 * number


class Layer:
    def __init__(self, units):
        self.units = doubled(units)


def build(n_outputs: int):
    return [Layer(WIDTH) for _ in range(n_outputs)]


def around(rate):
    def inner():
        return rate, doubled(WIDTH)

    return inner


class Hyper:
    def build(self, hp):
        return Layer(hp.Int("units", 1, 4))


def run(source: str, name: str = "build"):
    made: dict = {}
    exec(source, made)
    return made[name]


def test_helpers_constants_and_classes_come_along():
    assert [one.units for one in run(standalone(build))(2)] == [6, 6]


def test_what_is_not_used_stays_behind():
    source = standalone(build)
    assert "UNUSED" not in source
    assert "import" not in source


def test_the_variables_around_an_inner_function_are_written_down():
    assert run(standalone(around(0.5)), "inner")() == (0.5, 6)


def test_two_inner_functions_with_other_values_are_two_builders():
    hashes = {Build.read(around(rate), "here:inner").hash for rate in (0.5, 0.1, 0.5)}
    assert len(hashes) == 2


def test_a_changed_helper_changes_the_builder(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    hashes = set()
    for factor in (2, 3):
        name = f"helping_{factor}"
        text = f"def helper(x):\n    return {factor} * x\n\n\ndef build():\n    return helper(1)\n"
        (tmp_path / f"{name}.py").write_text(text)
        hashes.add(Build.read(__import__(name).build, "here:build").hash)
        del sys.modules[name]
    assert len(hashes) == 2


def test_a_method_comes_with_its_class():
    hp = types.SimpleNamespace(Int=lambda name, low, high: high)
    assert run(standalone(Hyper().build), "Hyper")().build(hp).units == 8


def test_a_module_without_a_file_gives_values(monkeypatch):
    """As in a notebook: the cells of a module are nowhere, and its functions have sources."""
    import inspect

    whole = inspect.getsource

    def source(thing):
        if isinstance(thing, types.ModuleType):
            raise OSError("no file")
        return whole(thing)

    monkeypatch.setattr(inspect, "getsource", source)
    assert [one.units for one in run(standalone(build))(1)] == [6]


def test_a_function_without_a_source_has_none_that_changes():
    made = run("def build():\n    return 1\n")
    assert standalone(made) == standalone(run("def build():\n    return 1\n"))


@pytest.mark.parametrize("made", [lambda: WIDTH, print])
def test_what_has_no_source_of_its_own_is_no_error(made):
    assert standalone(made)
