"""Write the reading, splitting and preparing of a data set as a script without luthier.

The functions in it are the ones that luthier itself runs, taken from their modules, so that the
two cannot drift apart.
"""

from __future__ import annotations

import ast
import inspect
import pprint
from types import ModuleType
from typing import Any

from luthier.core import keys
from luthier.data import apply, arrays, bundled, draw, frame, labels, pictures
from luthier.data.dataset import ARRAYS, Dataset
from luthier.data.preprocessing import Preprocessing
from luthier.data.split import SplitPlan

_READERS: dict[str, tuple[tuple[ModuleType, ...], str, str]] = {
    "table": ((labels, frame), "frame_raw(read_frame(DATA, READING), READING)", "polars"),
    "npz": ((labels, arrays), "read_npz(DATA, READING)", ""),
    "images": ((labels, pictures), "read_pictures(DATA, READING)", "pillow"),
    "bundled": ((labels, arrays, bundled), "read_bundled(DATA, READING)", "scikit-learn"),
    "saved": ((labels, arrays), "read_saved(DATA, READING)", ""),
}

_HEAD = '''"""Read, split and prepare {source}.

Written by luthier; needs {packages}. The constants were fitted on the training part.
"""

from __future__ import annotations

{imports}

DATA = {data!r}
if len(sys.argv) > 1:
    DATA = sys.argv[1]
'''

_LOAD = '''
def load() -> list[tuple[Any, Any, Any]]:
    """Return (inputs, target, weight) of the training, validation and test part."""
    raw = {read}
    return [
        (
            prepared_inputs(raw, rows, CONSTANTS),
            prepared_target(raw, rows, CONSTANTS),
            prepared_weight(raw, rows, CONSTANTS),
        )
        for rows in split_rows(raw, SPLIT)
    ]
'''


def script(
    dataset: Dataset,
    plan: SplitPlan | None,
    preprocessing: Preprocessing,
    *,
    path: str | None = None,
) -> str:
    """Return the text of a script whose ``load()`` gives the arrays that `prepare` gave.

    Args:
        dataset: What was read.
        plan: How it was split.
        preprocessing: The fitted constants.
        path: Where the data lies, instead of where it was read. For data given as Python objects
            it is what `save_npz` wrote: ``data.npz`` if not named.
    """
    reader = dataset.reading.get("reader", "python")
    reading: dict[str, Any] = dict(dataset.reading)
    data = path or dataset.path
    if reader not in _READERS:
        reader, data = "saved", path or "data.npz"
        reading = {"reader": "saved", "arrays": list(ARRAYS)}
    modules, read, package = _READERS[reader]
    sources = [inline(module) for module in (*modules, keys, draw, apply)]
    literals = {
        "READING": reading,
        "SPLIT": (plan or SplitPlan()).to_json(),
        "CONSTANTS": dict(preprocessing.constants),
    }
    imports = [line for name, line in _IMPORTS.items() if _uses(sources, name)]
    used = ["numpy", *([package] if package else [])]
    head = _HEAD.format(
        source=dataset.source,
        packages=" and ".join(used),
        imports="\n".join(imports),
        data=data,
    )
    constants = "\n".join(
        f"{name} = {pprint.pformat(value, width=100, compact=True, sort_dicts=False)}"
        for name, value in literals.items()
    )
    blocks = [head + constants, *sources, _LOAD.format(read=read).strip()]
    return "\n\n\n".join(blocks) + "\n"


_IMPORTS = {
    "json.": "import json",
    "sys.": "import sys",
    "Path(": "from pathlib import Path",
    "Any": "from typing import Any",
    "np.": "\nimport numpy as np",
    "pl.": "import polars as pl",
    "NDArray": "from numpy.typing import NDArray",
}


def inline(module: ModuleType) -> str:
    """Return a module's source without its docstring and its imports at the top."""
    source = inspect.getsource(module)
    lines = source.splitlines()
    drop: set[int] = set()
    for index, node in enumerate(ast.parse(source).body):
        docstring = index == 0 and isinstance(node, ast.Expr)
        typing_only = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        if docstring or typing_only or isinstance(node, (ast.Import, ast.ImportFrom)):
            drop |= set(range(node.lineno - 1, (node.end_lineno or node.lineno)))
    # Polars stands at the script's top; luthier itself imports it as late as it can.
    late = "    import polars as pl"
    kept = [line for n, line in enumerate(lines) if n not in drop and line != late]
    return "\n".join(kept).strip()


def _uses(sources: list[str], name: str) -> bool:
    # The head itself reads sys.argv, and every part is typed.
    return name in ("sys.", "Any", "np.") or any(name in source for source in sources)
