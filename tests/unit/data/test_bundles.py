"""Bundled data sets are read from scikit-learn once a machine."""

import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn import datasets

from luthier.data import bundles, read
from luthier.data.bundles import NAMES, bundle


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "luthier" / "bundles"


@pytest.mark.parametrize("name", NAMES)
def test_what_is_kept_is_what_scikit_learn_has(name: str, folder: Path):
    true = getattr(datasets, f"load_{name}")()
    for found in (bundle(name), bundle(name)):  # from scikit-learn, and from the folder
        for part in ("data", "target"):
            np.testing.assert_array_equal(getattr(found, part), true[part], strict=True)
        assert [*found.feature_names] == [*true.feature_names]
        assert [*found.target_names] == [str(label) for label in true.get("target_names", ())]


def test_the_second_reading_asks_scikit_learn_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch
):
    first = read("digits", images=True)
    monkeypatch.setitem(sys.modules, "sklearn", None)  # its import would fail
    assert read("digits", images=True).fingerprint == first.fingerprint


def test_digits_need_no_import_unless_their_file_has_moved(
    folder: Path, monkeypatch: pytest.MonkeyPatch
):
    true = bundle("digits")
    for kept in folder.iterdir():
        kept.unlink()
    monkeypatch.setattr(bundles, "find_spec", {}.get)
    found = bundle("digits")
    np.testing.assert_array_equal(found.data, true.data, strict=True)
    assert [*found.feature_names] == [*true.feature_names]
    for kept in folder.iterdir():
        kept.unlink()
    monkeypatch.undo()
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder.parents[1]))
    monkeypatch.setattr(bundles, "_read", None)
    np.testing.assert_array_equal(bundle("digits").data, true.data, strict=True)


def test_a_damaged_file_is_written_anew(folder: Path):
    bundle("iris")
    (path,) = folder.iterdir()
    path.write_bytes(path.read_bytes()[:100])
    assert bundle("iris").data.shape == (150, 4)
    assert bundle("iris").data.shape == (150, 4)
    assert len(path.read_bytes()) > 100


def test_a_folder_that_cannot_be_written_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert bundle("wine").data.shape == (178, 13)
