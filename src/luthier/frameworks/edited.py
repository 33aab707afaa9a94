"""Builders with edits: one whose argument says which, and one that has some for good."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from luthier.core import EDITS, Build, Edit, chosen
from luthier.core.hyperparameters import FromHp
from luthier.frameworks.hyper_models import call_of, name_of

Apply = Callable[[Any, Sequence[Edit]], Any]


@dataclass(frozen=True)
class _Edited:
    """Calls a builder, and makes the edits that its last argument names."""

    build: Build
    edits: tuple[Edit, ...]
    apply: Apply
    fixed: str = ""

    def __call__(self, **arguments: Any) -> Any:
        names = "+".join(filter(None, (self.fixed, str(arguments.pop(EDITS, "") or ""))))
        return self.apply(self.build.function(**arguments), chosen(names, self.edits))


class _Repaired(_Edited):
    """The same with a name, as scripts call it."""

    @property
    def __name__(self) -> str:
        return f"{_name(self.build)}_repaired"


def edited(build: Build, edits: Sequence[Edit], apply: Apply) -> Build:
    """Return a builder with one more argument, which names the edits to make; none by default.

    Args:
        build: The user's.
        edits: All that are safe.
        apply: Makes some of them.
    """
    if not edits:
        return build
    return replace(
        build,
        function=_Edited(build, tuple(edits), apply),
        source=f"{build.source}\n# {[(edit.name, edit.moves) for edit in edits]}",
        defaults={**build.defaults, EDITS: ""},
    )


def repaired(build: Build, edits: Sequence[Edit], apply: Apply) -> Build:
    """Return a builder that makes some edits always, with the source that says so.

    Args:
        build: The user's.
        edits: What it is to have.
        apply: Makes them.
    """
    if not edits:
        return build
    return replace(
        build,
        reference=_reference(build),
        function=_Repaired(build, tuple(edits), apply, "+".join(e.name for e in edits)),
        source=repaired_source(build, edits),
    )


def repaired_source(build: Build, edits: Sequence[Edit]) -> str:
    """Return a builder's file with a second function, which builds the same and edits it."""
    name, code = _name(build), "\n".join(line for edit in edits for line in edit.code)
    hp = hp_of(build)
    library = f"import {'keras' if 'keras.' in code else 'torch'}"
    if hp is not None and inspect.ismethod(hp.function):
        made, call = call_of(hp.function, "hp")
        imports, ends = [library], []
        head = [f"def {name}_repaired(hp):", *(f"    {line}" for line in made)]
    else:
        call = f"{name}(*args, **kwargs)"
        imports, ends = (
            ["import functools", "", library],
            ["", "", f'{name}_repaired.__name__ = "{name}_repaired"'],
        )
        head = [f"@functools.wraps({name})", f"def {name}_repaired(*args, **kwargs):"]
    lines = [build.source.rstrip(), "", "", *imports, "", "", *head, f"    network = {call}"]
    for edit in edits:
        lines.append(f"    # {edit.advice}.")
        lines += [f"    {line}" for one in edit.code for line in one.splitlines()]
    return "\n".join([*lines, "    return network", *ends, ""])


def hp_of(build: Build) -> FromHp | None:
    """Return what takes ``hp``, below edits as well; None for a builder of another style."""
    function = build.function
    while isinstance(function, _Edited):
        function = function.build.function
    return function if isinstance(function, FromHp) else None


def _name(build: Build) -> str:
    hp = hp_of(build)
    return name_of(build.function if hp is None else hp.function)


def _reference(build: Build) -> str:
    file, _, name = build.reference.partition(":")
    stem = Path(file).stem if file.endswith(".py") else "network"
    return f"{stem}_repaired.py:{name or 'build'}_repaired"
