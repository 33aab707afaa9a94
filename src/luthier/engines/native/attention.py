"""Attention in C: one head of one example after the other, which stays in the first caches."""

from __future__ import annotations

from typing import TYPE_CHECKING

from luthier.engines.native.elementwise import number
from luthier.engines.native.gemm import Product
from luthier.engines.native.layers import drawing
from luthier.engines.native.masks import Masking

if TYPE_CHECKING:
    from luthier.engines.native.plan import Layer
    from luthier.engines.native.writer import Writer

PARTS = ("queries", "keys", "values")


def attention(to: Writer, layer: Layer) -> None:
    """Mix values by how much each query looks at each key (Vaswani et al. 2017)."""
    one = _Head(to, layer)
    to.lines += [
        *one.mask.before(),
        *one.begin(),
        *one.mask.of_head(),
        *one.copied("queries", one.scale),
        *one.copied("keys"),
        *one.copied("values", one.value_scale),
        f"  {one.times_turned('queries', 'keys', one.shares, one.places, one.width)}",
        *one.mask.applied(one.shares),
        f"  shares_of({one.shares}, {one.places}, {one.seen}, {one.seen_filled});",
        *one.mask.spared(one.shares),
        *one.dropped(),
        f"  {one.times(one.dropped_shares(), 'values', one.buffer('made'), one.places)}",
        *one.stored(),
        "}",
    ]


def attention_back(to: Writer, layer: Layer, wanted: tuple[str, ...]) -> None:
    """Pass gradients to queries, keys and values."""
    one = _Head(to, layer)
    for name in dict.fromkeys(wanted):
        if not to.adds(to.gradient(name)):
            to.lines.append(f"memset({to.gradient(name)}, 0, sizeof(real) * {to.size(name)});")
    g, slopes = one.buffer("made"), one.buffer("slopes")
    to.lines += [
        *one.mask.before(back=True),
        *one.begin(),
        *one.mask.of_head(back=True),
        *one.copied("queries", one.scale),
        *one.copied("keys"),
        *one.copied("values", one.value_scale),
        *one.taken(),
        *one.dropped(),
        f"  {one.across(one.dropped_shares(), g, one.buffer('by_values'), one.made)}",
        f"  {one.times_turned('made', 'values', slopes, one.places, one.made)}",
        f"  for (long t = 0; t < {one.places}; t++) {{",
        f"    const real *row = {one.shares} + t * {one.seen_filled};",
        f"    real *slope = {slopes} + t * {one.seen_filled}, along = 0;",
        *one.dropped_slopes(),
        f"    SUM(along) for (long s = 0; s < {one.seen}; s++) along += slope[s] * row[s];",
        f"    EACH(s, {one.seen}) slope[s] = row[s] * (slope[s] - along);",
        *one.mask.held(),
        f"    for (long s = {one.seen}; s < {one.seen_filled}; s++) slope[s] = 0;",
        "  }",
        f"  {one.times(slopes, 'keys', one.buffer('by_queries'), one.places)}",
        f"  {one.across(slopes, one.buffer('queries'), one.buffer('by_keys'), one.width)}",
    ]
    scales = (one.scale, 1.0, one.value_scale)
    for name, part, scale in zip(layer.inputs, PARTS, scales, strict=True):
        if name in wanted:
            to.lines += one.added(part, scale)
    to.lines.append("}")


class _Head:
    """Arrays and products of one head. Rows of its matrices are whole vectors."""

    def __init__(self, to: Writer, layer: Layer) -> None:
        self.to, self.layer = to, layer
        numbers = layer.numbers
        self.heads, self.places, self.seen = (numbers[n] for n in ("heads", "places", "seen"))
        self.width, self.made = numbers["numbers"]
        self.scale, self.value_scale = numbers["scale"], numbers["value_scale"]
        self.seen_filled = to.machine.padded(self.seen)
        self.call: int | None = numbers["call"]
        whole = to.matrix(
            f"{to.value(layer.name)}_shares", layer.name, self.heads * self.seen_filled
        )
        size = self.places * self.seen_filled
        self.shares = f"({whole} + (b * {self.heads} + h) * {size})"
        self.mask = Masking(
            to,
            numbers["mask"],
            f"{to.value(layer.name)}_mask",
            (self.places, self.seen, self.seen_filled),
            numbers["spares"],
        )

    def begin(self) -> list[str]:
        """Return the head of a loop over heads."""
        return [
            f"for (long b = 0; b < {self.to.rows}; b++) for (long h = 0; h < {self.heads}; h++) {{"
        ]

    def buffer(self, part: str) -> str:
        """Return the array of one of a head's matrices."""
        rows, width = {
            "queries": (self.places, self.width),
            "keys": (self.seen, self.width),
            "values": (self.seen, self.made),
            "made": (self.places, self.made),
            "slopes": (self.places, self.seen),
            "dropped": (self.places, self.seen),
            "by_queries": (self.places, self.width),
            "by_keys": (self.seen, self.width),
            "by_values": (self.seen, self.made),
        }[part]
        name = f"{self.to.value(self.layer.name)}_{part}"
        return self.to.array(name, rows * self.to.machine.padded(width))

    def _moved(self, part: str, text: str, scale: float) -> list[str]:
        """Return a loop over an input's part of a head.

        Args:
            part: Which.
            text: What becomes of a number: ``{at}`` is where it lies in the input, ``{own}`` where
                in the head's matrix, and ``{times}`` its scale.
            scale: What it is multiplied with.
        """
        index = PARTS.index(part)
        name, lies = self.layer.inputs[index], self.layer.numbers["lies"][index]
        row = f"b * {self.to.pixels(name)} + {lies.row} + t * {lies.places}"
        column = f"{lies.column} + h * {lies.head} + j * {lies.numbers}"
        width = self.made if part == "values" else self.width
        rows = self.places if part == "queries" else self.seen
        told = text.format(
            at=f"({row}) * {self.to.stride(name)} + {column}",
            own=f"t * {self.to.machine.padded(width)} + j",
            times=f" * {number(scale)}" if scale != 1 else "",
        )
        return [f"  for (long t = 0; t < {rows}; t++) EACH(j, {width})", f"    {told}"]

    def copied(self, part: str, scale: float = 1.0) -> list[str]:
        """Return the lines that copy an input's part, scaled."""
        value = self.to.value(self.layer.inputs[PARTS.index(part)])
        return self._moved(part, f"{self.buffer(part)}[{{own}}] = {value}[{{at}}]{{times}};", scale)

    def added(self, part: str, scale: float) -> list[str]:
        """Return the lines that add a gradient to an input's."""
        into = self.to.gradient(self.layer.inputs[PARTS.index(part)])
        found = self.buffer(f"by_{part}")
        return self._moved(part, f"{into}[{{at}}] += {found}[{{own}}]{{times}};", scale)

    def _results(self, array: str) -> tuple[str, str, str]:
        """Return a loop over a head's result, and where a number of it lies in a value and here."""
        stride, filled = self.to.stride(self.layer.name), self.to.machine.padded(self.made)
        place = f"(b * {self.places} + t) * {stride} + h * {self.made} + j"
        return (
            f"  for (long t = 0; t < {self.places}; t++) EACH(j, {self.made}) ",
            f"{array}[{place}]",
            f"{self.buffer('made')}[t * {filled} + j]",
        )

    def stored(self) -> list[str]:
        """Return the line that copies a head's result to where it belongs."""
        loop, there, here = self._results(self.to.value(self.layer.name))
        return [f"{loop}{there} = {here};"]

    def taken(self) -> list[str]:
        """Return the line that copies the gradient by a head's result."""
        loop, there, here = self._results(self.to.gradient(self.layer.name))
        return [f"{loop}{here} = {there};"]

    def _drawn(self) -> str:
        first = f"((b * {self.heads} + h) * {self.places} + t) * {self.seen}"
        return f"(drawn(own, (uint32_t)({first} + s)) < bound ? 0 : kept)"

    def dropped(self) -> list[str]:
        """Return the lines that drop some of the shares."""
        if self.call is None:
            return []
        row = f"[t * {self.seen_filled} + s]"
        return [
            f"  if (call->thresholds[{self.call}]) {{",
            *drawing(self.call),
            f"    for (long t = 0; t < {self.places}; t++) EACH(s, {self.seen})",
            f"      {self.buffer('dropped')}{row} = {self.shares}{row} * {self._drawn()};",
            "  }",
        ]

    def dropped_shares(self) -> str:
        """Return the shares that values are mixed by."""
        if self.call is None:
            return self.shares
        return f"(call->thresholds[{self.call}] ? {self.buffer('dropped')} : {self.shares})"

    def dropped_slopes(self) -> list[str]:
        """Return the lines that drop from a row of gradients what was dropped."""
        if self.call is None:
            return []
        return [
            f"    if (call->thresholds[{self.call}]) {{",
            *drawing(self.call),
            f"      EACH(s, {self.seen}) slope[s] *= {self._drawn()};",
            "    }",
        ]

    def times_turned(self, left: str, right: str, target: str, rows: int, inner: int) -> str:
        """Return the line that multiplies by a matrix transposed."""
        filled = self.to.machine.padded(inner)
        name = self.to.product(
            Product(
                self.to.machine,
                rows,
                self.seen_filled,
                inner,
                filled,
                1,
                filled,
                self.seen_filled,
                turned=self.seen,
            )
        )
        return f"{name}({self.buffer(left)}, {self.buffer(right)}, {target}, 0, 0, 0);"

    def times(self, left: str, right: str, target: str, rows: int) -> str:
        """Return the line that mixes rows of a matrix by shares."""
        columns = self.to.machine.padded(self.made if right == "values" else self.width)
        name = self.to.product(
            Product(
                self.to.machine, rows, columns, self.seen, self.seen_filled, 1, columns, columns
            )
        )
        return f"{name}({left}, {self.buffer(right)}, {target}, 0, 0, 0);"

    def across(self, left: str, right: str, target: str, width: int) -> str:
        """Return the line that multiplies by shares transposed."""
        columns = self.to.machine.padded(width)
        name = self.to.product(
            Product(
                self.to.machine,
                self.seen,
                columns,
                self.places,
                1,
                self.seen_filled,
                columns,
                columns,
            )
        )
        return f"{name}({left}, {right}, {target}, 0, 0, 0);"
