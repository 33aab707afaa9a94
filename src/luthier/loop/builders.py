"""From what a user names or passes to a `Build`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from luthier.catalog import families
from luthier.core import Build, BuilderError, did_you_mean
from luthier.frameworks.builders import read_builder


def as_build(model: str | Callable[..., Any], folder: Path | None = None) -> Build:
    """Return the build of a family's name, of ``FILE.py:function``, or of a function.

    Raises:
        BuilderError: when there is no such family, file or function.

    >>> as_build("mlp").reference
    'mlp'
    """
    if callable(model):
        named = model.func if isinstance(model, partial) else model
        name = getattr(named, "__name__", type(named).__name__)
        return Build.read(model, f"{getattr(named, '__module__', '')}:{name}")
    name = model.partition("#")[0]
    names = [family.name for family in families.ALL]
    if name in names:
        return families.by_name(name).build
    if ".py" not in name:
        raise BuilderError(
            f"no model '{name}'.{did_you_mean(name, names)} --model takes a family "
            f"({', '.join(names)}) or FILE.py:function."
        )
    return read_builder(name, folder)
