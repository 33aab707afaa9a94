"""Values that are masked, in C: multiplied by numbers that are given, or replaced by them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from luthier.engines.native.masks import Mask, reads, written

if TYPE_CHECKING:
    from luthier.engines.native.plan import Layer
    from luthier.engines.native.writer import Writer


def masked(to: Writer, layer: Layer) -> None:
    """Multiply, add to or replace every number of a value."""
    (x,), mask = layer.inputs, layer.numbers["mask"]
    number = f"{to.value(x)}[at + j]"
    if mask.times:
        number += " * times"
    if mask.adds:
        number += " + adds"
    if mask.fills:
        number = f"fills == fills ? fills : {number}"
    _each(to, layer, mask, ("times", "adds", "fills"), f"{to.value(layer.name)}[at + j] = {number}")


def masked_back(to: Writer, layer: Layer, wanted: tuple[str, ...]) -> None:
    """Pass gradients to what was kept."""
    target, mask = to.gradient(wanted[0]), layer.numbers["mask"]
    number = f"{to.gradient(layer.name)}[at + j]"
    if mask.times:
        number += " * times"
    if mask.fills:
        number = f"(fills == fills ? 0 : {number})"
    sign = "+=" if to.adds(target) else "="
    _each(to, layer, mask, ("times", "fills"), f"{target}[at + j] {sign} {number}")


def _each(to: Writer, layer: Layer, mask: Mask, parts: tuple[str, ...], text: str) -> None:
    """Loop over all numbers; what all columns share is computed once a row."""
    of_rows: list[str] = []
    of_columns: list[str] = []
    for part in parts:
        if given := written(to, getattr(mask, part)):
            line = f"const real {part} = {given};"
            (of_columns if reads(given, "j") else of_rows).append(line)
    to.lines += [
        f"for (long b = 0; b < {to.rows}; b++) "
        f"for (long t = 0; t < {to.pixels(layer.name)}; t++) {{",
        f"  const long at = (b * {to.pixels(layer.name)} + t) * {to.stride(layer.name)};",
        *(f"  {line}" for line in of_rows),
        f"  EACH(j, {layer.width}) {{ {' '.join(of_columns)} {text}; }}",
        "}",
    ]
