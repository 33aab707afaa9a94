"""Copies in C of what lies otherwise than the next layer needs it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from luthier.engines.native.elementwise import number
from luthier.engines.native.views import COLUMN, ROW, Axis

if TYPE_CHECKING:
    from luthier.engines.native.plan import Layer
    from luthier.engines.native.writer import Writer

Loop = tuple[Axis, Axis]


def copy(to: Writer, layer: Layer) -> None:
    """Copy numbers to where the next layer reads them."""
    (x,) = layer.inputs
    if not _turned(to, layer, x, to.value(x), layer.name, to.value(layer.name)):
        source, target = _places(to, layer)
        scale = layer.numbers["scale"]
        times = f" * {number(scale)}" if scale != 1 else ""
        _looped(to, layer, f"{to.value(layer.name)}[{target}] = {to.value(x)}[{source}]{times};")


def copy_back(to: Writer, layer: Layer, wanted: tuple[str, ...]) -> None:
    """Pass gradients to where the numbers came from."""
    (x,) = wanted
    into, scale = to.gradient(x), layer.numbers["scale"]
    size = 1
    for loop in _loops(layer):
        size *= loop[0].size
    every, adds, g = (
        size == to.pixels(x) * to.plan.widths[x],
        to.adds(into),
        to.gradient(layer.name),
    )
    once = every and not adds
    if once and _turned(to, layer, x, into, layer.name, g, back=True):
        return
    if not every and not adds:
        to.lines.append(f"memset({into}, 0, sizeof(real) * {to.size(x)});")
    at, target = _places(to, layer)
    times = f" * {number(scale)}" if scale != 1 else ""
    sign = "=" if once else "+="
    _looped(to, layer, f"{into}[{at}] {sign} {g}[{target}]{times};")


def _loops(layer: Layer) -> list[Loop]:
    """Return the loops of a copy: those that go on where the one inside them ends are one."""
    found: list[Loop] = []
    for loop in layer.numbers["loops"]:
        if found and all(
            _goes_on(outer, inner) for outer, inner in zip(found[-1], loop, strict=True)
        ):
            loop = tuple(
                Axis(inner.kind, outer.size * inner.size, inner.step)
                for outer, inner in zip(found[-1], loop, strict=True)
            )
            found.pop()
        found.append(loop)
    return found


def _goes_on(outer: Axis, inner: Axis) -> bool:
    return outer.kind == inner.kind and outer.step == inner.size * inner.step


def _turned(
    to: Writer, layer: Layer, x: str, of_x: str, y: str, of_y: str, *, back: bool = False
) -> bool:
    """Write a copy that transposes matrices, blocks at a time; tell whether it is one.

    Rows of an image with a channel after the other become pixels, or pixels become such rows.
    """
    loops, begins = _loops(layer), (layer.numbers["row"], layer.numbers["column"])
    if len(loops) != 2 or begins != (0, 0) or layer.numbers["scale"] != 1:
        return False
    (a, a_to), (b, b_to) = loops
    image, row = None, None
    if (a, b, a_to, b_to) == (
        *(Axis(COLUMN, a.size, 1), Axis(COLUMN, b.size, a.size)),
        *(Axis(ROW, a.size, 1), Axis(COLUMN, b.size, 1)),
    ):
        image, row, pixels, channels, forward = y, x, a.size, b.size, True
    elif (a, b, a_to, b_to) == (
        *(Axis(COLUMN, a.size, 1), Axis(ROW, b.size, 1)),
        *(Axis(COLUMN, a.size, b.size), Axis(COLUMN, b.size, 1)),
    ):
        image, row, pixels, channels, forward = x, y, b.size, a.size, False
    if image is None or row is None:
        return False
    if channels != to.plan.widths[image] or pixels != to.pixels(image):
        return False
    of_image, of_row = (of_y, of_x) if forward else (of_x, of_y)
    to_image = forward != back
    wide, long = to.stride(image), to.stride(row)
    at_image, at_row = f"{of_image} + b * {pixels * wide}", f"{of_row} + b * {long}"
    call = (
        f"turn({at_row}, {channels}, {pixels}, {pixels}, {at_image}, {wide});"
        if to_image
        else f"turn({at_image}, {pixels}, {channels}, {wide}, {at_row}, {pixels});"
    )
    to.lines.append(f"for (long b = 0; b < {to.rows}; b++) {call}")
    return True


def _places(to: Writer, layer: Layer) -> tuple[str, str]:
    """Return where a number lies in what is copied, and in the copy, inside of all loops."""
    (x,) = layer.inputs
    texts = []
    for which, name in enumerate((x, layer.name)):
        row, column = ["0"], ["0"]
        for index, loop in enumerate(_loops(layer)):
            axis = loop[which]
            (row if axis.kind == ROW else column).append(f"i{index} * {axis.step}")
        if which == 0:
            row.append(str(layer.numbers["row"]))
            column.append(str(layer.numbers["column"]))
        texts.append(
            f"(b * {to.pixels(name)} + {' + '.join(row)}) * {to.stride(name)} "
            f"+ {' + '.join(column)}"
        )
    return texts[0], texts[1]


def _looped(to: Writer, layer: Layer, line: str) -> None:
    loops = [
        f"for (long i{index} = 0; i{index} < {source.size}; i{index}++)"
        for index, (source, _) in enumerate(_loops(layer))
    ]
    to.lines += [f"for (long b = 0; b < {to.rows}; b++) {' '.join(loops)}", f"  {line}"]


def join(to: Writer, layer: Layer) -> None:
    """Place values, and tensors that train, beside or below each other."""
    for part, loop, at in _parts(to, layer):
        source = (
            to.tensor(layer.tensors[part]) if part in layer.tensors else to.value(_of(layer, part))
        )
        to.lines += [loop, f"  {to.value(layer.name)}[{at[1]}] = {source}[{at[0]}];"]


def join_back(to: Writer, layer: Layer, wanted: tuple[str, ...]) -> None:
    """Pass each its part of the gradient."""
    for part, loop, at in _parts(to, layer):
        if part in layer.tensors:
            name = layer.tensors[part]
            if not to.trains(name):
                continue
            into, size = to.tensor_gradient(name), str(to.memory.places[name].size)
            if not to.adds(into):
                to.lines.append(f"memset({into}, 0, sizeof(real) * {size});")
            sign = "+="
        elif _of(layer, part) in wanted:
            into = to.gradient(_of(layer, part))
            sign = "+=" if to.adds(into) else "="
        else:
            continue
        to.lines += [loop, f"  {into}[{at[0]}] {sign} {to.gradient(layer.name)}[{at[1]}];"]


def _of(layer: Layer, part: str) -> str:
    return layer.inputs[int(part)]


def _parts(to: Writer, layer: Layer) -> list[tuple[str, str, tuple[str, str]]]:
    """Return each part, a loop over its numbers, and where they lie in it and in the result."""
    found = []
    row, column = 0, 0
    whole, stride = to.pixels(layer.name), to.stride(layer.name)
    for part, rows, columns in layer.numbers["parts"]:
        loop = (
            f"for (long b = 0; b < {to.rows}; b++) for (long r = 0; r < {rows}; r++) "
            f"EACH(j, {columns})"
        )
        if part in layer.tensors:
            source = f"r * {to.memory.places[layer.tensors[part]].stride} + j"
        else:
            source = f"(b * {rows} + r) * {to.stride(_of(layer, part))} + j"
        target = f"(b * {whole} + r + {row}) * {stride} + j + {column}"
        found.append((part, loop, (source, target)))
        row, column = (row + rows, 0) if layer.numbers["by_rows"] else (0, column + columns)
    return found
