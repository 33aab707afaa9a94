"""What a user names or passes becomes a build, or is answered with what to write."""

from functools import partial
from pathlib import Path

import pytest

from luthier.catalog import families
from luthier.core import BuilderError
from luthier.loop.builders import as_build

FILE = """
def build(n_features, n_outputs, width=8):
    return width

def other(n_features, depth=2):
    return depth
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "net.py"
    path.write_text(FILE)
    return path


@pytest.mark.parametrize("family", families.ALL, ids=lambda family: family.name)
def test_a_familys_name(family):
    assert as_build(family.name) is family.build


def test_a_function():
    def own(n_features, width=8): ...

    build = as_build(own)
    assert build.reference == f"{__name__}:own"
    assert as_build(partial(own, width=4)).reference == build.reference
    assert as_build(partial(own, width=4)).defaults == {"width": 4}


def test_a_file_means_its_function_build(file: Path):
    assert as_build(str(file)).defaults == {"width": 8}
    assert as_build(str(file)).reference == f"{file}:build"


def test_a_file_and_a_function(file: Path):
    assert as_build(f"{file}:other").defaults == {"depth": 2}


def test_a_recipe_may_say_beside_it_which_source_it_had(file: Path):
    assert as_build(f"{file}:build#0123456789ab").hash == as_build(str(file)).hash


def test_a_relative_file_lies_in_the_folder_that_is_given(file: Path):
    assert as_build("net.py", file.parent).reference == "net.py:build"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("mpl", "no model 'mpl'. Did you mean 'mlp'? --model takes a family (mlp, resnet, cnn) or"),
        ("transformer", "no model 'transformer'. --model takes a family (mlp, resnet, cnn) or"),
        ("absent.py:build", "no file 'absent.py'. --model takes a family"),
        ("net.py:biuld", "'net.py' has no function 'biuld'. Did you mean 'build'? Write `def"),
    ],
)
def test_an_unknown_name_is_answered_with_what_there_is(file: Path, name: str, text: str):
    with pytest.raises(BuilderError) as raised:
        as_build(name, file.parent)
    assert text in str(raised.value)


def test_a_file_that_does_not_run_is_told_with_its_error(tmp_path: Path):
    (tmp_path / "broken.py").write_text("import nothing_of_that_name\n")
    with pytest.raises(BuilderError, match="running the file raised ModuleNotFoundError"):
        as_build("broken.py", tmp_path)
