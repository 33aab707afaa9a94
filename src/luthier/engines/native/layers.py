"""Each kind of layer in C: what it computes, and how gradients pass back through it.

To add one: two functions, and their entries in `writer`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from luthier.engines.native.elementwise import UNARY, number
from luthier.engines.native.gemm import Product

if TYPE_CHECKING:
    from luthier.engines.native.plan import Layer
    from luthier.engines.native.writer import Writer


def linear(to: Writer, layer: Layer) -> None:
    """Multiply by a kernel, and add a bias."""
    (x,), kernel = layer.inputs, to.memory.places[layer.tensors["kernel"]]
    bias = layer.tensors.get("bias")
    name = to.product(
        Product(
            to.machine,
            0,
            kernel.stride,
            kernel.rows,
            to.stride(x),
            1,
            kernel.stride,
            to.stride(layer.name),
            bias=bias is not None,
            end="relu" if layer.numbers.get("relu") else "plain",
        )
    )
    start = to.tensor(bias) if bias else "0"
    to.lines.append(
        f"{name}({to.value(x)}, {to.tensor(layer.tensors['kernel'])}, {to.value(layer.name)}, "
        f"{start}, 0, {to.rows_of(layer.name)});"
    )
    dropped(to, layer)


def linear_back(to: Writer, layer: Layer, wanted: tuple[str, ...]) -> None:
    """Pass gradients to kernel, bias and input."""
    (x,), stride = layer.inputs, to.stride(layer.name)
    bias, kernel = layer.tensors.get("bias"), layer.tensors["kernel"]
    place, g = to.memory.places[kernel], to.gradient(layer.name)
    through_relu(to, layer)
    if bias and to.trains(bias):
        column_sums(to, layer.name, g, to.tensor_gradient(bias))
    if to.trains(kernel):
        target = to.tensor_gradient(kernel)
        name = to.product(
            Product(
                to.machine,
                place.rows,
                place.stride,
                0,
                1,
                to.stride(x),
                stride,
                place.stride,
                adds=to.adds(target),
            )
        )
        to.lines.append(f"{name}({to.value(x)}, {g}, {target}, 0, 0, {to.rows_of(layer.name)});")
    if wanted:
        name = to.product(
            Product(
                to.machine,
                0,
                to.columns(x),
                place.columns,
                stride,
                1,
                place.stride,
                to.stride(x),
                turned=place.rows,
                adds=to.adds(to.gradient(x)),
                end="gate" if to.gates(x) else "plain",
            )
        )
        to.lines.append(
            f"{name}({g}, {to.tensor(kernel)}, {to.gradient(x)}, 0, {to.value(x)}, "
            f"{to.rows_of(x)});"
        )


def dropped(to: Writer, layer: Layer) -> None:
    """Drop some of a layer's results."""
    if "dropout" in layer.numbers:
        _drop(to, layer, to.value(layer.name))


def _drop(to: Writer, layer: Layer, array: str) -> None:
    """Drop numbers of an array by a layer's own dropout."""
    call = layer.numbers["dropout"]
    to.lines += [
        f"if (call->thresholds[{call}]) {{",
        *drawing(call),
        f"  for (long b = 0; b < {to.rows_of(layer.name)}; b++) EACH(j, {layer.width})",
        f"    {array}[b * {to.stride(layer.name)} + j] *= "
        f"drawn(own, {_position(to, layer)}) < bound ? 0 : kept;",
        "}",
    ]


def _position(to: Writer, layer: Layer) -> str:
    """Return where in a flat mask of PyTorch's shape a number of row b and column j lies."""
    rows, columns = to.pixels(layer.name), layer.width
    terms = []
    for axis, stride, examples in layer.numbers["mask"]:
        place, size = {
            "example": ("b" if rows == 1 else f"b / {rows}", 0),
            "row": (f"b % {rows}", rows),
            "column": ("j", columns),
        }[axis.kind]
        if axis.step > 1:
            place = f"{place} / {axis.step}"
        if axis.kind != "example" and axis.size * axis.step < size:
            place = f"({place}) % {axis.size}"
        times = f" * {stride}" * (stride > 1) + f" * {to.rows}" * examples
        terms.append(f"({place}){times}")
    return f"(uint32_t)({' + '.join(terms)})"


def drawing(call: int) -> list[str]:
    """Return the lines that prepare the draws of a call of dropout."""
    return [
        f"  const uint32_t bound = call->thresholds[{call}];",
        f"  const real kept = (real)call->scales[{call}];",
        "  uint32_t own[2] = {key[0], key[1]};",
        f"  folded(own, {call});",
    ]


def through_relu(to: Writer, layer: Layer) -> None:
    """Pass a layer's gradient back through its own relu and dropout.

    Where it has both, the zeros of its results say what was dropped; else it is drawn again.
    """
    g, y, call = to.gradient(layer.name), to.value(layer.name), layer.numbers.get("dropout")
    size = to.size(layer.name)
    if layer.numbers.get("relu") and not to.gates(layer.name):
        to.lines.append(f"EACH(i, {size}) {g}[i] = {y}[i] > 0 ? {g}[i] : 0;")
    if call is not None and layer.numbers.get("relu"):
        to.lines.append(
            f"if (call->thresholds[{call}]) EACH(i, {size}) {g}[i] *= (real)call->scales[{call}];"
        )
    elif call is not None:
        _drop(to, layer, g)


def batch_norm(to: Writer, layer: Layer) -> None:
    """Standardise every column: by its own statistics in training, by running ones after it."""
    (x,), stride, rows = layer.inputs, to.stride(layer.name), to.rows_of(layer.name)
    columns = to.columns(layer.name)
    names, eps = layer.tensors, number(layer.numbers["eps"])
    mean, scale = (to.array(f"{to.value(layer.name)}_{n}", columns) for n in ("mean", "scale"))
    if layer.numbers["training"]:
        spread = to.array(f"{to.value(layer.name)}_spread", columns)
        column_sums(to, layer.name, to.value(x), mean, times=f"R(1.0) / {rows}")
        to.lines += [
            f"EACH(j, {columns}) {spread}[j] = 0;",
            f"for (long b = 0; b < {rows}; b++) EACH(j, {columns}) {{",
            f"  const real away = {to.value(x)}[b * {stride} + j] - {mean}[j];",
            f"  {spread}[j] += away * away;",
            "}",
            f"EACH(j, {columns}) {spread}[j] *= R(1.0) / {rows};",
        ]
        share, freedom = layer.numbers["momentum"], f"((real){rows} / ({rows} - ({rows} > 1)))"
        for statistic, now in (
            ("running_mean", f"{mean}[j]"),
            ("running_var", f"{spread}[j] * {freedom}"),
        ):
            kept = f"{to.tensor(names[statistic])}[j]"
            mixed = f"{number(1 - share)} * {kept} + {number(share)} * ({now})"
            to.lines.append(f"EACH(j, {columns}) {kept} = {mixed};")
    else:
        spread = to.tensor(names["running_var"])
        to.lines.append(f"EACH(j, {columns}) {mean}[j] = {to.tensor(names['running_mean'])}[j];")
    to.lines.append(f"EACH(j, {columns}) {scale}[j] = R(1.0) / sqrt_({spread}[j] + {eps});")
    _scaled(to, layer, f"{mean}[j]", f"{scale}[j]", columns)


def _scaled(to: Writer, layer: Layer, mean: str, scale: str, columns: int) -> None:
    (x,), stride, names = layer.inputs, to.stride(layer.name), layer.tensors
    text = f"({to.value(x)}[b * {stride} + j] - {mean}) * {scale}"
    if "weight" in names:
        text = f"{text} * {to.tensor(names['weight'])}[j]"
    if "bias" in names:
        text = f"{text} + {to.tensor(names['bias'])}[j]"
    if layer.numbers.get("relu"):
        text = f"positive_({text})"
    to.lines.append(
        f"for (long b = 0; b < {to.rows_of(layer.name)}; b++) EACH(j, {columns}) "
        f"{to.value(layer.name)}[b * {stride} + j] = {text};"
    )
    dropped(to, layer)


def batch_norm_back(to: Writer, layer: Layer, wanted: tuple[str, ...]) -> None:
    """Pass gradients through a column's own statistics."""
    (x,), stride, rows, names = (
        layer.inputs,
        to.stride(layer.name),
        to.rows_of(layer.name),
        layer.tensors,
    )
    g, value, columns = to.gradient(layer.name), to.value(layer.name), to.columns(layer.name)
    sums, along = (to.array(f"{value}_{n}", columns) for n in ("sums", "along"))
    plain = f"(({to.value(x)}[b * {stride} + j] - {value}_mean[j]) * {value}_scale[j])"
    through_relu(to, layer)
    column_sums(to, layer.name, g, sums)
    to.lines += [
        f"EACH(j, {columns}) {along}[j] = 0;",
        f"for (long b = 0; b < {rows}; b++) EACH(j, {columns}) "
        f"{along}[j] += {g}[b * {stride} + j] * {plain};",
    ]
    _to_scales(to, layer, along, sums, columns)
    if wanted:
        factor = f"{value}_scale[j]"
        if "weight" in names:
            factor += f" * {to.tensor(names['weight'])}[j]"
        inside = f"{g}[b * {stride} + j]"
        if layer.numbers["training"]:
            share = f"(R(1.0) / {rows})"
            inside = f"({inside} - {share} * ({sums}[j] + {plain} * {along}[j]))"
        target = to.gradient(x)
        sign = "+=" if to.adds(target) else "="
        to.lines.append(
            f"for (long b = 0; b < {rows}; b++) EACH(j, {columns}) "
            f"{target}[b * {stride} + j] {sign} {factor} * {inside};"
        )


def _to_scales(to: Writer, layer: Layer, along: str, sums: str, columns: int) -> None:
    for part, source in (("weight", along), ("bias", sums)):
        tensor = layer.tensors.get(part)
        if tensor and to.trains(tensor):
            target = to.tensor_gradient(tensor)
            sign = "+=" if to.adds(target) else "="
            to.lines.append(f"EACH(j, {columns}) {target}[j] {sign} {source}[j];")


def layer_norm(to: Writer, layer: Layer) -> None:
    """Standardise every row."""
    (x,), names = layer.inputs, layer.tensors
    mean, scale = (to.matrix(f"{to.value(layer.name)}_{n}", x, 1) for n in ("mean", "scale"))
    weight, bias = (to.tensor(names[n]) if n in names else "0" for n in ("weight", "bias"))
    to.lines.append(
        f"standardise({to.value(x)}, {to.rows_of(x)}, {layer.width}, {to.stride(x)}, "
        f"{number(layer.numbers['eps'])}, {weight}, {bias}, {int('relu' in layer.numbers)}, "
        f"{to.value(layer.name)}, {mean}, {scale});"
    )
    dropped(to, layer)


def layer_norm_back(to: Writer, layer: Layer, wanted: tuple[str, ...]) -> None:
    """Pass gradients through a row's own statistics."""
    (x,), value, names = layer.inputs, to.value(layer.name), layer.tensors
    columns = to.columns(layer.name)
    sums, along = (to.array(f"{value}_{n}", columns) for n in ("sums", "along"))
    weight = to.tensor(names["weight"]) if "weight" in names else "0"
    through_relu(to, layer)
    into, adds = (to.gradient(x), to.adds(to.gradient(x))) if wanted else ("0", False)
    to.lines.append(
        f"standardise_back({to.value(x)}, {to.gradient(layer.name)}, {to.rows_of(x)}, "
        f"{layer.width}, {to.stride(x)}, {value}_mean, {value}_scale, {weight}, {into}, "
        f"{int(adds)}, {along}, {sums});"
    )
    _to_scales(to, layer, along, sums, columns)


def dropout(to: Writer, layer: Layer) -> None:
    """Drop numbers by the mask of this step and call."""
    (x,), stride, call = layer.inputs, to.stride(layer.name), layer.numbers["call"]
    value, size = to.value(layer.name), to.size(layer.name)
    mask = to.matrix(f"{value}_mask", layer.name)
    to.lines += [
        f"if (call->thresholds[{call}]) {{",
        *drawing(call),
        f"  for (long b = 0; b < {to.rows_of(layer.name)}; b++) EACH(j, {layer.width}) {{",
        f"    const real m = drawn(own, {_position(to, layer)}) < bound ? 0 : kept;",
        f"    {mask}[b * {stride} + j] = m;",
        f"    {value}[b * {stride} + j] = {to.value(x)}[b * {stride} + j] * m;",
        "  }",
        f"}} else memcpy({value}, {to.value(x)}, {size} * sizeof(real));",
    ]


def dropout_back(to: Writer, layer: Layer, wanted: tuple[str, ...]) -> None:
    """Pass gradients where the mask let values pass."""
    size, g, target = to.size(layer.name), to.gradient(layer.name), wanted[0]
    sign = "+=" if to.adds(to.gradient(target)) else "="
    into, mask = to.gradient(target), f"{to.value(layer.name)}_mask"
    to.lines += [
        f"if (call->thresholds[{layer.numbers['call']}]) "
        f"EACH(i, {size}) {into}[i] {sign} {g}[i] * {mask}[i];",
        f"else EACH(i, {size}) {into}[i] {sign} {g}[i];",
    ]


def unary(to: Writer, layer: Layer) -> None:
    """Take a function of every number."""
    value, _, _ = _unary(layer)
    to.lines.append(
        f"EACH(i, {to.size(layer.name)}) {{ "
        f"const real x = {to.value(layer.inputs[0])}[i]; {to.value(layer.name)}[i] = {value}; }}"
    )


def unary_back(to: Writer, layer: Layer, wanted: tuple[str, ...]) -> None:
    """Multiply gradients by its slope."""
    _, slope, keeps = _unary(layer)
    target = to.gradient(wanted[0])
    sign = "+=" if to.adds(target) else "="
    x = f"const real x = {to.value(layer.inputs[0])}[i]; " if "x" in keeps else ""
    y = f"const real y = {to.value(layer.name)}[i]; " if keeps in ("y", "sign") else ""
    to.lines.append(
        f"EACH(i, {to.size(layer.name)}) {{ {x}{y}"
        f"{target}[i] {sign} {to.gradient(layer.name)}[i] * ({slope}); }}"
    )


def _unary(layer: Layer) -> tuple[str, str, str]:
    numbers = {name: value for name, value in layer.numbers.items() if name != "op"}
    return UNARY[layer.numbers["op"]].written(numbers)


def binary(to: Writer, layer: Layer) -> None:
    """Join two values number by number."""
    sign = {"add": "+", "sub": "-", "mul": "*"}[layer.numbers["op"]]
    one, two = (to.value(name) for name in layer.inputs)
    to.lines.append(
        f"EACH(i, {to.size(layer.name)}) {to.value(layer.name)}[i] = {one}[i] {sign} {two}[i];"
    )


def binary_back(to: Writer, layer: Layer, wanted: tuple[str, ...]) -> None:
    """Pass gradients to both."""
    g, size, op = to.gradient(layer.name), to.size(layer.name), layer.numbers["op"]
    for index, name in enumerate(layer.inputs):
        if name not in wanted:
            continue
        text = f"-{g}[i]" if op == "sub" and index else f"{g}[i]"
        if op == "mul":
            text = f"{text} * {to.value(layer.inputs[1 - index])}[i]"
        sign = "+=" if to.adds(to.gradient(name)) else "="
        to.lines.append(f"EACH(i, {size}) {to.gradient(name)}[i] {sign} {text};")


def column_sums(
    to: Writer, name: str, source: str, target: str, *, times: str | None = None
) -> None:
    """Sum an array of a value's shape over rows; a gradient that holds something is added to."""
    columns, stride = to.columns(name), to.stride(name)
    adds = int(target.startswith("(G") and to.adds(target))
    to.lines.append(
        f"column_sums({source}, {to.rows_of(name)}, {columns}, {stride}, {target}, {adds});"
    )
    if times is not None:
        to.lines.append(f"EACH(j, {columns}) {target}[j] *= {times};")
