"""Products by a matrix that lies the other way round, since something else reads its rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from luthier.engines.native.gemm import Product
from luthier.engines.native.layers import column_sums

if TYPE_CHECKING:
    from luthier.engines.native.plan import Layer
    from luthier.engines.native.writer import Writer


def tied(to: Writer, layer: Layer) -> None:
    """Multiply by a table's rows: each of them makes a column. Add a bias."""
    (x,), name, bias = layer.inputs, layer.tensors["kernel"], layer.tensors.get("bias")
    table = to.memory.places[name]
    product = Product(
        to.machine,
        0,
        to.columns(layer.name),
        table.columns,
        to.stride(x),
        1,
        table.stride,
        to.stride(layer.name),
        turned=table.rows,
        bias=bias is not None,
    )
    to.lines.append(
        f"{to.product(product)}({to.value(x)}, {to.tensor(name)}, {to.value(layer.name)}, "
        f"{to.tensor(bias) if bias else '0'}, 0, {to.rows_of(layer.name)});"
    )


def tied_back(to: Writer, layer: Layer, wanted: tuple[str, ...]) -> None:
    """Pass gradients to table, bias and input."""
    (x,), name, bias = layer.inputs, layer.tensors["kernel"], layer.tensors.get("bias")
    table, g = to.memory.places[name], to.gradient(layer.name)
    rows = to.rows_of(layer.name)
    if bias and to.trains(bias):
        column_sums(to, layer.name, g, to.tensor_gradient(bias))
    if to.trains(name):
        target = to.tensor_gradient(name)
        product = Product(
            to.machine,
            table.rows,
            table.stride,
            0,
            1,
            to.stride(layer.name),
            to.stride(x),
            table.stride,
            adds=to.adds(target),
        )
        to.lines.append(f"{to.product(product)}({g}, {to.value(x)}, {target}, 0, 0, {rows});")
        if rest := table.stride - table.columns:  # what fills rows of x up is not zero
            to.lines.append(
                f"for (long r = 0; r < {table.rows}; r++) "
                f"memset({target} + r * {table.stride} + {table.columns}, 0, "
                f"{rest} * sizeof(real));"
            )
    if wanted:
        target = to.gradient(x)
        product = Product(
            to.machine,
            0,
            table.stride,
            table.rows,
            to.stride(layer.name),
            1,
            table.stride,
            to.stride(x),
            adds=to.adds(target),
        )
        to.lines.append(f"{to.product(product)}({g}, {to.tensor(name)}, {target}, 0, 0, {rows});")
