"""Builders are read from files of users, who make mistakes."""

import sys

import pytest

from luthier.core import BuilderError
from luthier.frameworks.builders import read_builder

NET = """
from typing import Annotated
from torch import nn
from luthier import Int

def build(n_features: int, n_outputs: int, width: Annotated[int, Int(4, 64)] = 8):
    return nn.Sequential(nn.Linear(n_features, width), nn.Linear(width, n_outputs))

def other(n_features: int, n_outputs: int):
    return nn.Linear(n_features, n_outputs)
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "net.py").write_text(NET)
    return tmp_path


def test_a_builder_is_read_with_its_ranges_and_defaults(folder):
    build = read_builder("net.py:build", folder)
    assert build.reference == "net.py:build"
    assert (build.parameters["width"].low, build.parameters["width"].high) == (4, 64)
    assert build.defaults == {"width": 8}
    assert build.reserved == ("n_features", "n_outputs")
    assert build.source == NET


def test_without_a_function_build_is_meant(folder):
    assert read_builder("net.py", folder).reference == "net.py:build"
    assert read_builder("net.py:other", folder).defaults == {}


def test_a_path_may_be_absolute(folder):
    assert read_builder(f"{folder}/net.py:build").defaults == {"width": 8}


def test_the_hash_changes_with_the_file(folder):
    before = read_builder("net.py", folder).hash
    assert read_builder("net.py", folder).hash == before
    (folder / "net.py").write_text(NET + "\n# another\n")
    assert read_builder("net.py", folder).hash != before


def test_a_file_may_import_its_siblings(folder):
    (folder / "luthier_test_sibling.py").write_text("WIDTH = 5\n")
    text = "from luthier_test_sibling import WIDTH\ndef build(width: int = WIDTH): ...\n"
    (folder / "net.py").write_text(text)
    before = list(sys.path)
    assert read_builder("net.py", folder).defaults == {"width": 5}
    assert sys.path == before
    del sys.modules["luthier_test_sibling"]


MISTAKES = {
    "no such file": ("nett.py:build", "", r"no file 'nett.py'. --model takes a family"),
    "no such function": (
        "net.py:buidl",
        NET,
        r"has no function 'buidl'. Did you mean 'build'\? .*--model net.py:FUNCTION",
    ),
    "no function at all": ("net.py", "x = 1", "has no function 'build'. Write `def build"),
    "a number of that name": ("net.py", "build = 3", "has no function 'build'"),
    "it raises": ("net.py", "1 / 0", r"running the file raised ZeroDivisionError.*python net.py"),
    "it does not parse": ("net.py", "def build(:", "running the file raised SyntaxError"),
    "it exits": ("net.py", "import sys; sys.exit(3)", "running the file raised SystemExit: 3"),
    "it imports what is missing": (
        "net.py",
        "import no_such_thing",
        "raised ModuleNotFoundError: No module named 'no_such_thing'",
    ),
    "an argument without a default": (
        "net.py",
        "def build(n_features, depth): ...",
        r"argument 'depth' has no default. .*`depth = 128`",
    ),
    "no Python file": ("net.txt", NET, "'net.txt' is no Python file"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_told_with_its_remedy(name, tmp_path):
    reference, text, message = MISTAKES[name]
    before = list(sys.path)
    if text:
        (tmp_path / reference.partition(":")[0]).write_text(text)
    with pytest.raises(BuilderError, match=message):
        read_builder(reference, tmp_path)
    assert sys.path == before


def test_control_c_is_no_mistake_of_the_file(folder):
    (folder / "net.py").write_text("raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        read_builder("net.py", folder)
