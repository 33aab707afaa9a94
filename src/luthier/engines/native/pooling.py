"""Pooling in C: the largest, or the mean, of what a window sees of every channel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from luthier.engines.native.elementwise import number
from luthier.engines.native.window import Window

if TYPE_CHECKING:
    from luthier.engines.native.plan import Layer
    from luthier.engines.native.writer import Writer


def max_pool(to: Writer, layer: Layer) -> None:
    """Take the largest number; of those that are none, the last."""
    (x,) = layer.inputs
    window: Window = layer.numbers["window"]
    at = _at(window, to.value(x), to.stride(x))
    to.lines += [
        *_places(to, layer, window),
        f"  vec most = LOAD({at.replace('(py', '(from_y').replace('+ px', '+ from_x')});",
        *_pixels(),
        f"    const vec v = LOAD({at});",
        "    const lanes more = (v > most) | (v != v);",
        "    most = (vec)(((lanes)v & more) | ((lanes)most & ~more));",
        "  }",
        f"  STORE({to.value(layer.name)} + {_place(to, layer, window)}, most);",
        "}",
    ]


def max_pool_back(to: Writer, layer: Layer, wanted: tuple[str, ...]) -> None:
    """Pass a gradient to the first of the largest numbers."""
    (x,) = wanted
    window: Window = layer.numbers["window"]
    target, place = to.gradient(x), _place(to, layer, window)
    at, into = (_at(window, name, to.stride(x)) for name in (to.value(x), target))
    whole = _begun(to, x, window)
    taken = "(vec)((lanes)g & hit)"
    to.lines += [
        *_places(to, layer, window),
        f"  const vec most = LOAD({to.value(layer.name)} + {place});",
        f"  const vec g = LOAD({to.gradient(layer.name)} + {place});",
        "  lanes open = ~(lanes){0};",
        *_pixels(),
        f"    const lanes hit = (LOAD({at}) == most) & open;",
        "    open &= ~hit;",
        f"    STORE({into}, {taken if whole else f'LOAD({into}) + {taken}'});",
        "  }",
        "}",
    ]


def avg_pool(to: Writer, layer: Layer) -> None:
    """Take the mean."""
    (x,) = layer.inputs
    window: Window = layer.numbers["window"]
    to.lines += [
        *_places(to, layer, window),
        "  vec sum = {0};",
        *_pixels(),
        f"    sum += LOAD({_at(window, to.value(x), to.stride(x))});",
        "  }",
        f"  STORE({to.value(layer.name)} + {_place(to, layer, window)}, "
        f"sum * {_share(layer, window)});",
        "}",
    ]


def avg_pool_back(to: Writer, layer: Layer, wanted: tuple[str, ...]) -> None:
    """Pass a gradient to all numbers in equal shares."""
    (x,) = wanted
    window: Window = layer.numbers["window"]
    into, whole = _at(window, to.gradient(x), to.stride(x)), _begun(to, x, window)
    g = f"LOAD({to.gradient(layer.name)} + {_place(to, layer, window)})"
    to.lines += [
        *_places(to, layer, window),
        f"  const vec g = {g} * {_share(layer, window)};",
        *_pixels(),
        f"    STORE({into}, {'g' if whole else f'LOAD({into}) + g'});",
        "  }",
        "}",
    ]


def _begun(to: Writer, x: str, window: Window) -> bool:
    """Tell whether each number of a gradient is written once; else they begin as zeros."""
    target = to.gradient(x)
    adds = to.adds(target)
    if not adds and not window.tiles:
        to.lines.append(f"memset({target}, 0, sizeof(real) * {to.size(x)});")
    return not adds and window.tiles


def _places(to: Writer, layer: Layer, window: Window) -> list[str]:
    """Return the head of a loop over places of the window, and where in the image it lies."""
    (high, wide), (deep, broad) = window.sides, window.size
    (down, right), (above, before) = window.stride, window.padding
    return [
        f"for (long b = 0; b < {to.rows}; b++) for (long y = 0; y < {window.out[0]}; y++)",
        f"for (long x = 0; x < {window.out[1]}; x++)",
        f"for (long j = 0; j < {to.columns(layer.name)}; j += LANES) {{",
        f"  const long top = y * {down} - {above}, left = x * {right} - {before};",
        "  const long from_y = top < 0 ? 0 : top, from_x = left < 0 ? 0 : left;",
        f"  const long to_y = top + {deep} < {high} ? top + {deep} : {high};",
        f"  const long to_x = left + {broad} < {wide} ? left + {broad} : {wide};",
    ]


def _pixels() -> list[str]:
    return ["  for (long py = from_y; py < to_y; py++) for (long px = from_x; px < to_x; px++) {"]


def _at(window: Window, value: str, stride: int) -> str:
    high, wide = window.sides
    return f"{value} + (b * {high * wide} + (py * {wide} + px)) * {stride} + j"


def _place(to: Writer, layer: Layer, window: Window) -> str:
    return f"((b * {window.out[0]} + y) * {window.out[1]} + x) * {to.stride(layer.name)} + j"


def _share(layer: Layer, window: Window) -> str:
    """Return one divided by how many numbers a mean is of: padding may count."""
    numbers = layer.numbers
    if numbers.get("divisor"):
        return number(1 / numbers["divisor"])
    if window.tiles:
        return number(1 / window.taps)
    if not numbers["with_padding"]:
        return "(R(1.0) / (real)((to_y - from_y) * (to_x - from_x)))"
    edges = [
        f"(({begin} + {size} < {side + pad} ? {begin} + {size} : {side + pad}) - {begin})"
        for begin, size, side, pad in zip(
            ("top", "left"), window.size, window.sides, window.padding, strict=True
        )
    ]
    return f"(R(1.0) / (real)({edges[0]} * {edges[1]}))"
