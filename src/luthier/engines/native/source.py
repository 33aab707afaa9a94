"""The part of a C program that is a network's own: its sizes, its passes, its memory."""

from __future__ import annotations

from math import prod
from typing import Any

from luthier.catalog.augmentation import hole, longest_shift
from luthier.core import Graph, Positions
from luthier.engines.native.files import lines, written
from luthier.engines.native.machine import Machine
from luthier.engines.native.memory import Memory
from luthier.engines.native.microkernels import Loops
from luthier.engines.native.plan import Plan
from luthier.engines.native.writer import Writer

PASS = 128  # rows that are evaluated at once: their values stay in the second cache


def source(
    graph: Graph,
    train: Plan,
    evaluate: Plan,
    memory: Memory,
    machine: Machine,
    *,
    targets: int,
    positions: Positions,
) -> tuple[str, frozenset[Loops]]:
    """Return a network as C without what all begin with, and the loops that it calls.

    Args:
        graph: The network.
        train: The training pass as layers.
        evaluate: The pass of an evaluation.
        memory: Where its tensors lie.
        machine: What is written for.
        targets: Numbers of an example's target.
        positions: How outputs are read.
    """
    step = Writer(train, memory, machine, "batch", "t")
    passes = Writer(evaluate, memory, machine.evaluating, "evaluated", "e", given=True)
    forward, backward, evaluated = step.forward(), step.backward(), passes.forward()
    room = [*step.room("rows"), *passes.room("PASS")]
    outputs = train.widths[train.output]
    statics = {**step.statics, **passes.statics}
    channels, high, broad = _image(graph.train.sizes[0], train.width)
    texts: dict[str, Any] = {
        "width": train.width,
        "wide": step.stride(train.input),
        "outputs": outputs,
        "apart": step.stride(train.output),
        "filled": machine.padded(outputs),
        "targets": targets,
        "label": machine.padded(targets),
        "positions": prod(positions.shape),
        "labelled": int(bool(positions.shape)),
        "kernels": memory.kernels,
        "trained": memory.trained,
        "averaged": memory.changing,
        "matrices": graph.kernels,
        "pass": _pass_of(passes),
        "channels": channels,
        "high": high,
        "broad": broad,
        "down": longest_shift(high),
        "right": longest_shift(broad),
        "tall_hole": hole(high),
        "broad_hole": hole(broad),
        "values": ", ".join(f"*{name}" for name in (*step.matrices, *passes.matrices)),
        "room": " + ".join(size for _, size in room),
        "places_of_values": lines((f"{name} = at; at += {size};" for name, size in room), 2),
        "statics": lines(f"static real {n}[{size}] ALIGNED;" for n, size in statics.items()),
        "functions": "\n".join({**step.functions, **passes.functions}.values()),
        "input": step.value(train.input),
        "output": step.value(train.output),
        "by_output": step.gradient(train.output),
        "forward": lines(forward, 2),
        "backward": lines(backward, 2),
        "places": ", ".join(
            f"{{{p.offset}, {p.offset + p.size}}}"
            for p in (memory.places[name] for name in graph.trainable[: graph.kernels])
        )
        or "{0, 0}",
        "eval_input": passes.value(evaluate.input),
        "eval_output": passes.value(evaluate.output),
        "evaluate": lines(evaluated, 2),
    }
    needed = frozenset(step.loops | passes.loops)
    return written("network.c", texts), needed


def _image(size: tuple[int, ...], width: int) -> tuple[int, int, int]:
    """Return channels, height and width of an image; of other rows no more than their length."""
    channels, high, broad = size if len(size) == 3 else (1, 1, width)
    return channels, high, broad


def _pass_of(passes: Writer, *, most: int = 1 << 18, room: int = 1 << 24) -> int:
    """Return how many rows are evaluated at once: fewer of large images, or of long sequences.

    The values of a pass are read again while they are in the second cache: of `most` numbers
    (a megabyte). Sixteen rows and more fill tiles, unless those take more than `room`. A part of
    PASS, which evaluated rows are filled up to.
    """
    numbers = sum(pixels * width for pixels, width in passes.matrices.values() if pixels > 1)
    rows = PASS
    while rows * numbers > (most if rows > 16 else room) and rows > 1:
        rows //= 2
    return rows
