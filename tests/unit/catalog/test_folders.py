"""A member is one file and one entry in its folder's ALL: neither may be forgotten."""

import importlib
from pathlib import Path

import pytest

import luthier.catalog

FOLDERS = {
    "optimizers": {"optimizer"},
    "schedules": {"schedule"},
    "losses": {"loss", "targets"},
    "metrics": {"metric", "probabilities"},
    "families": {"layers", "family"},
}
PRESENT = [
    name for name in FOLDERS if (Path(luthier.catalog.__path__[0]) / name / "__init__.py").exists()
]


@pytest.mark.parametrize("folder", PRESENT)
def test_files_and_all_agree(folder):
    module = importlib.import_module(f"luthier.catalog.{folder}")
    files = {path.stem for path in Path(module.__path__[0]).glob("*.py")}
    names = [member.name for member in module.ALL]
    assert len(set(names)) == len(names)
    assert files - {"__init__"} - FOLDERS[folder] == set(names)
    assert module.by_name(names[0]) is module.ALL[0]
