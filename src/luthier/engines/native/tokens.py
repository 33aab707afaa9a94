"""Embeddings, and what is added to every row, in C."""

from __future__ import annotations

from typing import TYPE_CHECKING

from luthier.engines.native.layers import column_sums

if TYPE_CHECKING:
    from luthier.engines.native.plan import Layer
    from luthier.engines.native.writer import Writer


def embedding(to: Writer, layer: Layer) -> None:
    """Look up a row of a table for each place of the input, whose numbers are exact.

    A number that the table does not have gives no numbers, which end the trial.
    """
    table = to.memory.places[layer.tensors["table"]]
    made = f"{to.value(layer.name)}[at * {to.stride(layer.name)} + j]"
    to.lines += [
        *_places(to, layer),
        f"  if (known) EACH(j, {table.stride}) {made} = "
        f"{to.tensor(layer.tensors['table'])}[row * {table.stride} + j];",
        f"  else EACH(j, {layer.width}) {made} = NAN;",
        "}",
    ]


def embedding_back(to: Writer, layer: Layer, wanted: tuple[str, ...]) -> None:
    """Add gradients to the rows that were looked up, apart from that of padding."""
    name = layer.tensors["table"]
    if not to.trains(name):
        return
    table, target = to.memory.places[name], to.tensor_gradient(name)
    if not to.adds(target):
        to.lines.append(f"memset({target}, 0, {table.size} * sizeof(real));")
    known = (
        "known" if layer.numbers["padding"] < 0 else f"known && row != {layer.numbers['padding']}"
    )
    to.lines += [
        *_places(to, layer),
        f"  if ({known}) EACH(j, {table.stride}) {target}[row * {table.stride} + j] += "
        f"{to.gradient(layer.name)}[at * {to.stride(layer.name)} + j];",
        "}",
    ]


def _places(to: Writer, layer: Layer) -> list[str]:
    (x,), numbers = layer.inputs, layer.numbers
    count = numbers["count"]
    place = f"b * {to.stride(x)} + {numbers['column']} + t * {numbers['step']}"
    return [
        f"for (long b = 0; b < {to.rows}; b++) for (long t = 0; t < {count}; t++) {{",
        f"  const long at = b * {count} + t, row = (long){to.value(x)}[{place}];",
        f"  const int known = row >= 0 && row < {to.memory.places[layer.tensors['table']].rows};",
    ]


def shift(to: Writer, layer: Layer) -> None:
    """Add a vector to all rows, or each row's own to those of all examples."""
    (x,), stride = layer.inputs, to.stride(layer.name)
    to.lines.append(
        f"for (long b = 0; b < {to.rows_of(x)}; b++) EACH(j, {to.columns(x)}) "
        f"{to.value(layer.name)}[b * {stride} + j] = {to.value(x)}[b * {stride} + j] + "
        f"{to.tensor(layer.tensors['shift'])}[{_row(to, layer)} + j];"
    )


def shift_back(to: Writer, layer: Layer, wanted: tuple[str, ...]) -> None:
    """Pass gradients to both."""
    name, g, stride = layer.tensors["shift"], to.gradient(layer.name), to.stride(layer.name)
    (x,) = layer.inputs
    if to.trains(name):
        target = to.tensor_gradient(name)
        if layer.numbers["rows"] == 1:
            column_sums(to, layer.name, g, target)
        else:
            if not to.adds(target):
                size = to.memory.places[name].size
                to.lines.append(f"memset({target}, 0, {size} * sizeof(real));")
            to.lines.append(
                f"for (long b = 0; b < {to.rows_of(x)}; b++) EACH(j, {to.columns(x)}) "
                f"{target}[{_row(to, layer)} + j] += {g}[b * {stride} + j];"
            )
    if wanted:
        sign = "+=" if to.adds(to.gradient(x)) else "="
        to.lines.append(f"EACH(i, {to.size(x)}) {to.gradient(x)}[i] {sign} {g}[i];")


def _row(to: Writer, layer: Layer) -> str:
    rows = layer.numbers["rows"]
    return "0" if rows == 1 else f"b % {rows} * {to.memory.places[layer.tensors['shift']].stride}"
