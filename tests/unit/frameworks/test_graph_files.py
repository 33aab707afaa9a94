"""A graph that was stored is the graph that was captured, or it is captured again."""

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from luthier.core import CaptureError, Graph
from luthier.frameworks.torch.capture import capture_graph
from luthier.frameworks.torch.graph_files import GraphFiles
from luthier.frameworks.torch.graphs import Graphs

X = torch.zeros(16, 5)


class Scaled(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(5, 3)
        self.scale = torch.tensor([0.1, float("inf"), 1e-45])

    def forward(self, x):
        return torch.clamp(self.layer(x), min=-float("inf")).permute(1, 0).reshape(-1, 3) + (
            self.scale * 0.1
        )


def graph_of(module: nn.Module) -> Graph:
    return capture_graph(module, [X], [X])


@pytest.mark.parametrize(
    "make",
    [
        Scaled,
        lambda: nn.Sequential(nn.Linear(5, 8), nn.BatchNorm1d(8), nn.Dropout(0.3), nn.Linear(8, 3)),
    ],
)
def test_what_was_stored_is_what_was_captured(make, tmp_path: Path):
    files, graph = GraphFiles(tmp_path), graph_of(make())
    files.write("key", graph)
    back = files.read("key")
    assert isinstance(back, Graph)
    assert back.key == graph.key
    assert back.rates == graph.rates
    for name, array in graph.train.constants.items():
        np.testing.assert_array_equal(back.train.constants[name], array)


def test_a_refusal_is_stored_too(tmp_path: Path):
    files = GraphFiles(tmp_path)
    files.write("key", "it branches")
    assert files.read("key") == "it branches"
    assert files.read("another") is None


@pytest.mark.parametrize("broken", [b"", b"PK\x03\x04 not whole", b"text"])
def test_a_broken_file_is_as_good_as_none(broken: bytes, tmp_path: Path):
    files = GraphFiles(tmp_path)
    files.write("key", "it branches")
    (path,) = tmp_path.iterdir()
    path.write_bytes(broken)
    assert files.read("key") is None


def test_a_folder_that_cannot_be_written_changes_nothing():
    files = GraphFiles(Path("/dev/null/graphs"))
    files.write("key", "it branches")
    assert files.read("key") is None


def test_the_oldest_files_go(tmp_path: Path):
    files = GraphFiles(tmp_path, kept=3)
    for number in range(6):
        files.write(number, "no")
    assert len(list(tmp_path.iterdir())) == 3


def test_an_edited_file_of_the_user_s_is_captured_again(tmp_path: Path, monkeypatch):
    module = tmp_path / "helpers_of_mine.py"
    module.write_text("def scale(x):\n    return 2 * x\n")
    monkeypatch.syspath_prepend(tmp_path)
    files = GraphFiles(tmp_path / "graphs")
    importlib.import_module("helpers_of_mine")
    try:
        files.write("key", "as it was")
        assert files.read("key") == "as it was"
        module.write_text("def scale(x):\n    return 30 * x\n")
        assert files.read("key") is None
    finally:
        del sys.modules["helpers_of_mine"]


def test_the_next_process_does_not_export(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    make = lambda: nn.Sequential(nn.Linear(5, 8), nn.Dropout(0.3), nn.Linear(8, 3))  # noqa: E731
    first = Graphs().graph(make, [X], [X], "builder")

    def refuse(*_):
        raise AssertionError("exported again")

    monkeypatch.setattr("luthier.frameworks.torch.graphs._captured", refuse)
    again = Graphs().graph(make, [X], [X], "builder")
    assert again.key == first.key
    assert again.rates == (0.3,)


def test_a_refusal_is_raised_in_the_next_process_too(tmp_path: Path, monkeypatch):
    class Branches(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(5, 3)

        def forward(self, x):
            return self.layer(x) * (2 if x.sum() > 0 else 1)

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    for _ in range(2):
        with pytest.raises(CaptureError):
            Graphs().graph(Branches, [X], [X], "builder")
