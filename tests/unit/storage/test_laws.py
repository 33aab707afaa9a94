"""Every storage keeps the laws."""

from pathlib import Path

import pytest

from luthier.core import Storage
from luthier.storage import connect
from luthier.testing.storage import StorageLaws
from luthier.testing.storage_copies import CopyLaws
from luthier.testing.storage_workers import SharedStorageLaws


class TestFile(StorageLaws):
    @pytest.fixture
    def storage(self, tmp_path: Path) -> Storage:
        return connect(f"sqlite:///{tmp_path / 'runs.db'}")


class TestMemory(StorageLaws):
    @pytest.fixture
    def storage(self) -> Storage:
        return connect("sqlite://")


class TestSharedFile(SharedStorageLaws):
    @pytest.fixture
    def storage(self, tmp_path: Path) -> Storage:
        return connect(f"sqlite:///{tmp_path / 'runs.db'}")


class TestSharedMemory(SharedStorageLaws):
    @pytest.fixture
    def storage(self) -> Storage:
        return connect("sqlite://")


class TestCopies(CopyLaws):
    @pytest.fixture
    def storage(self):
        return connect("sqlite://")
