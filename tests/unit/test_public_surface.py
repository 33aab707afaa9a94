"""What `import luthier` offers, and nothing else."""

import pytest

import luthier


def test_the_names_are_sorted():
    assert luthier.__all__ == sorted(luthier.__all__)
    assert len(set(luthier.__all__)) == len(luthier.__all__)


@pytest.mark.parametrize("name", luthier.__all__)
def test_every_name_resolves_to_something_documented(name: str):
    assert getattr(luthier, name).__doc__


def test_dir_lists_them():
    assert dir(luthier) == luthier.__all__


def test_a_name_is_the_same_thing_each_time():
    assert luthier.train is luthier.train


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'luthier' has no attribute 'tunee'"):
        luthier.tunee  # noqa: B018


def test_every_name_that_resolves_late_is_public():
    assert set(luthier._LAZY) <= set(luthier.__all__)
