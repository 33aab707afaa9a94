"""Recurrent layers in C: what comes from inputs at once, what comes from states step by step.

Rows of all examples lie step after step, in the order in which steps are taken.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from luthier.engines.native.gemm import Product

if TYPE_CHECKING:
    from luthier.engines.native.plan import Layer
    from luthier.engines.native.writer import Writer


@dataclass(frozen=True)
class Cell:
    """What one step computes of every number of a state.

    The code reads ``g`` and ``z``, what inputs and states bring to each gate, ``H`` numbers apart;
    ``before`` and ``c0``, the state and the cell before it. It sets ``h``, and ``c`` where there is
    a cell, and keeps in ``g`` (and ``kept``) what the way back needs. That reads ``dh``, the
    gradient by the state, and ``dc``; it sets ``dg`` and ``dz``, the gradients by the sums of
    inputs and of states, ``dc`` by the cell before, and ``along``, what goes past the gates.

    Args:
        gates: How many there are.
        forward, backward: The code.
        cell: Whether there is a cell beside the state.
        apart: Whether sums of inputs and of states have different gradients.
    """

    gates: int
    forward: str
    backward: str
    cell: bool = False
    apart: bool = False


_PLAIN = """
    h = {value};
    g[j] = h;"""
_PLAIN_BACK = """
    const real slope = {slope};
    dg[j] = dh * slope;"""

CELLS: Mapping[str, Cell] = {
    "rnn_tanh": Cell(
        1,
        _PLAIN.format(value="tanh_(g[j] + z[j])"),
        _PLAIN_BACK.format(slope="R(1.0) - g[j] * g[j]"),
    ),
    "rnn_relu": Cell(
        1,
        _PLAIN.format(value="positive_(g[j] + z[j])"),
        _PLAIN_BACK.format(slope="g[j] > 0 ? R(1.0) : 0"),
    ),
    "lstm": Cell(
        4,
        """
    const real i = sigmoid_(g[j] + z[j]), f = sigmoid_(g[H + j] + z[H + j]);
    const real n = tanh_(g[2 * H + j] + z[2 * H + j]), o = sigmoid_(g[3 * H + j] + z[3 * H + j]);
    c[j] = f * c0[j] + i * n;
    h = o * tanh_(c[j]);
    g[j] = i; g[H + j] = f; g[2 * H + j] = n; g[3 * H + j] = o;""",
        """
    const real i = g[j], f = g[H + j], n = g[2 * H + j], o = g[3 * H + j], t = tanh_(c[j]);
    const real by_cell = dc[j] + dh * o * (R(1.0) - t * t);
    dg[j] = by_cell * n * i * (R(1.0) - i);
    dg[H + j] = by_cell * c0[j] * f * (R(1.0) - f);
    dg[2 * H + j] = by_cell * i * (R(1.0) - n * n);
    dg[3 * H + j] = dh * t * o * (R(1.0) - o);
    dc[j] = by_cell * f;""",
        cell=True,
    ),
    "gru": Cell(
        3,
        """
    const real r = sigmoid_(g[j] + z[j]), u = sigmoid_(g[H + j] + z[H + j]);
    const real n = tanh_(g[2 * H + j] + r * z[2 * H + j]);
    h = (R(1.0) - u) * n + u * before[j];
    c[j] = z[2 * H + j];
    g[j] = r; g[H + j] = u; g[2 * H + j] = n;""",
        """
    const real r = g[j], u = g[H + j], n = g[2 * H + j];
    const real by_new = dh * (R(1.0) - u) * (R(1.0) - n * n);
    const real by_reset = by_new * c[j] * r * (R(1.0) - r);
    const real by_update = dh * (before[j] - n) * u * (R(1.0) - u);
    dg[j] = by_reset; dg[H + j] = by_update; dg[2 * H + j] = by_new;
    dz[j] = by_reset; dz[H + j] = by_update; dz[2 * H + j] = by_new * r;
    along = dh * u;""",
        cell=True,
        apart=True,
    ),
}


def recurrent(to: Writer, layer: Layer) -> None:
    """Take all steps."""
    one = _Layer(to, layer)
    cell, rows = one.cell, to.rows
    to.lines += [
        f"memset({one.states}, 0, sizeof(real) * {rows} * {one.wide});",
        *([f"memset({one.cells}, 0, sizeof(real) * {rows} * {one.wide});"] if cell.cell else []),
        f"for (long s = 0; s < {one.steps}; s++) for (long b = 0; b < {rows}; b++)",
        f"  EACH(j, {one.inputs}) {one.sequence}[(s * {rows} + b) * {one.padded} + j] = "
        f"{to.value(one.x)}[{one.place(one.x)}];",
        one.from_inputs(),
        f"for (long s = 0; s < {one.steps}; s++) {{",
        f"  {one.from_states()}",
        f"  for (long b = 0; b < {rows}; b++) {{",
        *one.pointers(),
        f"    const real *z = {one.sums} + b * {one.gates};",
        f"    real *next = {one.states} + ((s + 1) * {rows} + b) * {one.wide};",
        f"    real *out = {to.value(layer.name)} + {one.place(layer.name, '0')};",
        f"    EACH(j, {one.size}) {{",
        "    real h;",
        cell.forward,
        "    next[j] = h; out[j] = h;",
        "    }",
        "  }",
        "}",
    ]


def recurrent_back(to: Writer, layer: Layer, wanted: tuple[str, ...]) -> None:
    """Pass gradients back through all steps, to kernels and inputs."""
    one = _Layer(to, layer)
    cell, rows, value = one.cell, to.rows, to.value(layer.name)
    slopes = to.steps(f"{value}_slopes", one.steps, one.gates)
    state_slopes = to.steps(f"{value}_state_slopes", one.steps, one.gates) if cell.apart else slopes
    by_state = to.steps(f"{value}_by_state", 1, one.wide)
    by_cell = to.steps(f"{value}_by_cell", 1, one.wide)
    past = to.steps(f"{value}_past", 1, one.wide)
    at = f"(s * {rows} + b) * {one.gates}"
    to.lines += [
        f"memset({by_state}, 0, sizeof(real) * {rows} * {one.wide});",
        f"memset({by_cell}, 0, sizeof(real) * {rows} * {one.wide});",
        f"for (long s = {one.steps} - 1; s >= 0; s--) {{",
        f"  for (long b = 0; b < {rows}; b++) {{",
        *one.pointers(),
        f"    const real *by = {to.gradient(layer.name)} + {one.place(layer.name, '0')};",
        f"    real *dc = {by_cell} + b * {one.wide}, *held = {by_state} + b * {one.wide};",
        f"    real *dg = {slopes} + {at}, *dz = {state_slopes} + {at};",
        f"    real *around = {past} + b * {one.wide};",
        "    (void)dc; (void)dz;",
        f"    EACH(j, {one.size}) {{",
        "    const real dh = by[j] + held[j];",
        "    real along = 0;",
        cell.backward,
        "    around[j] = along;",
        "    }",
        "  }",
        f"  {one.to_states(f'{state_slopes} + s * {rows} * {one.gates}', by_state)}",
    ]
    if cell.apart:
        to.lines.append(f"  EACH(i, {rows} * {one.wide}) {by_state}[i] += {past}[i];")
    to.lines.append("}")
    names = layer.tensors
    one.by_kernel(names["kernel"], one.sequence, one.padded, slopes)
    one.by_kernel(names["state_kernel"], one.states, one.wide, state_slopes)
    for part, sums in (("bias", slopes), ("state_bias", state_slopes)):
        if part in names and to.trains(names[part]):
            target = to.tensor_gradient(names[part])
            adds = int(to.adds(target))
            to.lines.append(
                f"column_sums({sums}, {one.steps} * {rows}, {one.gates}, {one.gates}, "
                f"{target}, {adds});"
            )
    if wanted:
        one.by_inputs(slopes)


class _Layer:
    """Sizes, arrays and products of one way of a layer."""

    def __init__(self, to: Writer, layer: Layer) -> None:
        self.to, self.layer = to, layer
        (self.x,) = layer.inputs
        self.cell = CELLS[layer.numbers["kind"]]
        self.kernel, self.state_kernel = (
            to.memory.places[layer.tensors[name]] for name in ("kernel", "state_kernel")
        )
        self.steps, self.size, self.inputs = to.pixels(layer.name), layer.width, self.kernel.rows
        self.gates = self.kernel.stride
        self.wide, self.padded = (to.machine.padded(n) for n in (self.size, self.inputs))
        value = to.value(layer.name)
        self.sequence = to.steps(f"{value}_sequence", self.steps, self.padded)
        self.sum_of_inputs = to.steps(f"{value}_gates", self.steps, self.gates)
        self.sums = to.steps(f"{value}_sums", 1, self.gates)
        self.states = to.steps(f"{value}_states", self.steps + 1, self.wide)
        self.cells = to.steps(f"{value}_cells", self.steps + 1, self.wide)

    def place(self, name: str, column: str = "j") -> str:
        """Return where a value's number of this step and example lies."""
        step = f"({self.steps} - 1 - s)" if self.layer.numbers["back"] else "s"
        return f"(b * {self.steps} + {step}) * {self.to.stride(name)} + {column}"

    def pointers(self) -> list[str]:
        """Return what a step's code reads."""
        rows = self.to.rows
        return [
            f"    enum {{ H = {self.size} }};",
            f"    real *g = {self.sum_of_inputs} + (s * {rows} + b) * {self.gates};",
            f"    const real *before = {self.states} + (s * {rows} + b) * {self.wide};",
            f"    const real *c0 = {self.cells} + (s * {rows} + b) * {self.wide};",
            f"    real *c = {self.cells} + ((s + 1) * {rows} + b) * {self.wide};",
            "    (void)before; (void)c0; (void)c;",
        ]

    def _times(self, kernel: str, left: str, down: int, target: str, bias: str, rows: str) -> str:
        place, name = (
            self.to.memory.places[self.layer.tensors[kernel]],
            self.layer.tensors.get(bias),
        )
        product = Product(
            self.to.machine,
            0,
            place.stride,
            place.rows,
            down,
            1,
            place.stride,
            self.gates,
            bias=name is not None,
        )
        start = self.to.tensor(name) if name else "0"
        return (
            f"{self.to.product(product)}({left}, {self.to.tensor(self.layer.tensors[kernel])}, "
            f"{target}, {start}, 0, {rows});"
        )

    def from_inputs(self) -> str:
        """Return the line that computes what inputs bring to all steps."""
        rows = f"{self.steps} * {self.to.rows}"
        return self._times("kernel", self.sequence, self.padded, self.sum_of_inputs, "bias", rows)

    def from_states(self) -> str:
        """Return the line that computes what states bring to a step."""
        before = f"{self.states} + s * {self.to.rows} * {self.wide}"
        return self._times("state_kernel", before, self.wide, self.sums, "state_bias", self.to.rows)

    def _turned(self, kernel: str, left: str, target: str, stride: int, rows: str) -> str:
        name = self.layer.tensors[kernel]
        place = self.to.memory.places[name]
        product = Product(
            self.to.machine,
            0,
            self.to.machine.padded(place.rows),
            place.columns,
            self.gates,
            1,
            place.stride,
            stride,
            turned=place.rows,
        )
        return (
            f"{self.to.product(product)}({left}, {self.to.tensor(name)}, {target}, 0, 0, {rows});"
        )

    def to_states(self, slopes: str, target: str) -> str:
        """Return the line that passes a step's gradients to the state before."""
        return self._turned("state_kernel", slopes, target, self.wide, self.to.rows)

    def by_kernel(self, name: str, left: str, across: int, slopes: str) -> None:
        """Add the gradient by a kernel over all steps."""
        if not self.to.trains(name):
            return
        place, target = self.to.memory.places[name], self.to.tensor_gradient(name)
        product = Product(
            self.to.machine,
            place.rows,
            place.stride,
            0,
            1,
            across,
            self.gates,
            place.stride,
            adds=self.to.adds(target),
        )
        rows = f"{self.steps} * {self.to.rows}"
        self.to.lines.append(
            f"{self.to.product(product)}({left}, {slopes}, {target}, 0, 0, {rows});"
        )

    def by_inputs(self, slopes: str) -> None:
        """Add the gradient by the inputs."""
        to, rows = self.to, self.to.rows
        found = to.steps(f"{to.value(self.layer.name)}_by_inputs", self.steps, self.padded)
        into = to.gradient(self.x)
        sign = "+=" if to.adds(into) else "="
        to.lines += [
            self._turned("kernel", slopes, found, self.padded, f"{self.steps} * {rows}"),
            f"for (long s = 0; s < {self.steps}; s++) for (long b = 0; b < {rows}; b++)",
            f"  EACH(j, {self.inputs}) {into}[{self.place(self.x)}] {sign} "
            f"{found}[(s * {rows} + b) * {self.padded} + j];",
        ]
