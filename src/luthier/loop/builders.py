"""From what a user names or passes to a `Build`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from luthier.catalog import families
from luthier.core import Build, BuilderError, did_you_mean
from luthier.core.hyperparameters import takes_hp
from luthier.frameworks.builders import read_builder


def as_build(model: str | Build | Callable[..., Any], folder: Path | None = None) -> Build:
    """Return the build of a family's name, of ``FILE.py:function``, or of a function.

    A build is returned as it is.

    Raises:
        BuilderError: when there is no such family, file or function.

    >>> as_build("mlp").reference
    'mlp'
    """
    if isinstance(model, Build):
        return model
    made: Any = model
    if not callable(model) and takes_hp(getattr(made, "build", None)):
        name = type(model).__name__  # a HyperModel of KerasTuner
        return Build.read(made.build, f"{type(model).__module__}:{name}")
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


def is_file(reference: str) -> bool:
    """Tell whether a build's reference names a file, which can be loaded again.

    >>> is_file("net.py:build"), is_file("mlp"), is_file("__main__:build")
    (True, False, False)
    """
    return reference.partition(":")[0].endswith(".py")


def lasting_reference(build: Build) -> str:
    """Return what names a build wherever it is read; empty for a function of a program.

    >>> lasting_reference(as_build("mlp"))
    'mlp'
    """
    file, _, name = build.reference.partition(":")
    if is_file(build.reference):
        return f"{Path(file).expanduser().resolve()}:{name}"
    return "" if name else file
