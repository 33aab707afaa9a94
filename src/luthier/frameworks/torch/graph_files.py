"""Captured graphs on disk: exporting a small network takes longer than training it."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import os
import sys
import sysconfig
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import torch

from luthier.core import Forward, Graph, Node, Ref
from luthier.core.folders import cache_folder

KEPT = 500  # files; one holds a few kilobytes

_HERE = Path(__file__).parents[2]
_OTHERS = tuple({sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib")})


class GraphFiles:
    """Graphs and refusals by key, for the next process.

    Args:
        folder: Where the files lie.
        kept: How many; the oldest go.
    """

    def __init__(self, folder: Path | None = None, kept: int = KEPT) -> None:
        self.folder = folder or cache_folder("graphs")
        self.kept = kept

    def read(self, key: object) -> Graph | str | None:
        """Return what was stored, the reason of a refusal included; None where nothing was."""
        try:
            with np.load(self._path(key), allow_pickle=False) as stored:
                arrays = {name: stored[name] for name in stored.files}
            return _graph(json.loads(arrays.pop("text").tobytes()), arrays)
        except (OSError, EOFError, ValueError, KeyError, TypeError, zipfile.BadZipFile):
            return None  # not there, or not whole: it is captured again

    def write(self, key: object, found: Graph | str) -> None:
        """Store what was found; a disk that is full or read-only changes nothing."""
        arrays: dict[str, Any] = {}
        text = found if isinstance(found, str) else _plain_graph(found, arrays)
        arrays["text"] = np.frombuffer(json.dumps(text).encode(), np.uint8)
        with contextlib.suppress(OSError):
            self.folder.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=self.folder, suffix=".part")
            with os.fdopen(handle, "wb") as file:
                np.savez(file, **arrays)
            Path(name).replace(self._path(key))  # whole or not at all, whoever else writes it
            self._tidy()

    def _path(self, key: object) -> Path:
        versions = (torch.__version__, sys.version_info[:2], _stamp())
        return self.folder / f"{hashlib.sha256(repr((versions, key)).encode()).hexdigest()}.npz"

    def _tidy(self) -> None:
        files = sorted(self.folder.glob("*.npz"), key=lambda path: path.stat().st_mtime)
        for path in files[: -self.kept]:
            path.unlink(missing_ok=True)


def _stamp() -> list[tuple[str, int, int]]:
    """Return name, time and size of the files that decide what a graph is.

    Those of this adapter, and every file of the user's that code was loaded from: a network is
    more than its class, and a function that its `forward` calls may stand anywhere.
    """
    own = [(path.name, path.stat()) for path in sorted(Path(__file__).parent.glob("*.py"))]
    found = [(name, about.st_mtime_ns, about.st_size) for name, about in own]
    for name, module in sorted(sys.modules.items()):
        path = getattr(module, "__file__", None)
        if not path or path.startswith((*_OTHERS, str(_HERE))) or not path.endswith(".py"):
            continue
        with contextlib.suppress(OSError):
            about = Path(path).stat()
            found.append((name, about.st_mtime_ns, about.st_size))
    return found


def _plain_graph(graph: Graph, arrays: dict[str, Any]) -> dict[str, Any]:
    text: dict[str, Any] = {f.name: getattr(graph, f.name) for f in dataclasses.fields(graph)}
    for mode in ("train", "evaluate"):
        forward: Forward = text[mode]
        arrays |= {f"{mode}/{name}": array for name, array in forward.constants.items()}
        text[mode] = {
            "inputs": forward.inputs,
            "reads": dict(forward.reads),
            "nodes": [
                [n.name, n.op, {k: _coded(v) for k, v in n.args.items()}, n.dtypes]
                for n in forward.nodes
            ],
            "output": forward.output,
            "updates": dict(forward.updates),
            "sizes": forward.sizes,
        }
    return text


def _graph(text: Any, arrays: dict[str, Any]) -> Graph | str:
    if isinstance(text, str):
        return text
    passes = {}
    for mode in ("train", "evaluate"):
        given, prefix = text[mode], f"{mode}/"
        passes[mode] = Forward(
            inputs=tuple(given["inputs"]),
            reads=given["reads"],
            constants={
                k.removeprefix(prefix): v for k, v in arrays.items() if k.startswith(prefix)
            },
            nodes=tuple(
                Node(name, op, {k: _decoded(v) for k, v in args.items()}, tuple(dtypes))
                for name, op, args, dtypes in given["nodes"]
            ),
            output=given["output"],
            updates=given["updates"],
            sizes=tuple(tuple(size) for size in given["sizes"]),
        )
    return Graph(
        train=passes["train"],
        evaluate=passes["evaluate"],
        rows=text["rows"],
        trainable=tuple(text["trainable"]),
        kernels=text["kernels"],
        rates=tuple(text["rates"]),
    )


def _coded(value: Any) -> Any:
    """Return an argument as JSON holds it: a reference as an object, a tuple as a list."""
    if isinstance(value, Ref):
        return {"ref": value.name}
    return [_coded(one) for one in value] if isinstance(value, tuple) else value


def _decoded(value: Any) -> Any:
    if isinstance(value, dict):
        return Ref(value["ref"])
    return tuple(_decoded(one) for one in value) if isinstance(value, list) else value
