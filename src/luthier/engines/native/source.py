"""The C program of a network, an optimizer and a loss."""

from __future__ import annotations

import re
from importlib import resources
from typing import Any

from luthier.catalog import optimizers
from luthier.catalog.order import FLIP, longest_shift
from luthier.core import Graph
from luthier.engines.native.formulas import update
from luthier.engines.native.gemm import SPARE
from luthier.engines.native.losses import loss_source
from luthier.engines.native.machine import Machine
from luthier.engines.native.memory import Memory
from luthier.engines.native.plan import Plan
from luthier.engines.native.turning import turn_source
from luthier.engines.native.writer import Writer

PASS = 128  # rows that are evaluated at once: their values stay in the second cache


def source(
    graph: Graph,
    train: Plan,
    evaluate: Plan,
    memory: Memory,
    machine: Machine,
    *,
    optimizer: str,
    loss: str,
    targets: int,
) -> str:
    """Return the program as C.

    Args:
        graph: The network.
        train: The training pass as layers.
        evaluate: The pass of an evaluation.
        memory: Where its tensors lie.
        machine: What is written for.
        optimizer: Its name.
        loss: Its name.
        targets: Numbers of a row's target.
    """
    formula = update(optimizers.by_name(optimizer, "torch"))
    step = Writer(train, memory, machine, "batch", "t")
    passes = Writer(evaluate, memory, machine, "PASS", "e", given=True)
    forward, backward, evaluated = step.forward(), step.backward(), passes.forward()
    room = [*step.room("rows"), *passes.room("PASS")]
    outputs = train.widths[train.output]
    statics = {**step.statics, **passes.statics}
    texts: dict[str, Any] = {
        "width": train.width,
        "wide": step.stride(train.input),
        "outputs": outputs,
        "apart": step.stride(train.output),
        "filled": machine.padded(outputs),
        "targets": targets,
        "label": machine.padded(targets),
        "kernels": memory.kernels,
        "trained": memory.trained,
        "averaged": memory.changing,
        "size": memory.size,
        "slots": len(formula.slots),
        "matrices": graph.kernels,
        "pass": _pass_of(passes),
        "spare": SPARE,
        **_augmented(graph.train.sizes[0], train.width),
        "values": ", ".join(f"*{name}" for name in (*step.matrices, *passes.matrices)),
        "room": " + ".join(size for _, size in room),
        "places_of_values": _lines((f"{name} = at; at += {size};" for name, size in room), 2),
        "statics": _lines(f"static real {n}[{size}] ALIGNED;" for n, size in statics.items()),
        "functions": "\n".join({**step.functions, **passes.functions}.values()),
        "loss": loss_source(loss, outputs, targets),
        "input": step.value(train.input),
        "output": step.value(train.output),
        "by_output": step.gradient(train.output),
        "forward": _lines(forward, 2),
        "backward": _lines(backward, 2),
        "once": _lines(formula.once, 2),
        "each": _lines(
            (
                *(
                    f"const real h{k} = h[{k} * TRAINED + first + i];"
                    for k in range(len(formula.slots))
                ),
                *formula.each,
            ),
            4,
        ),
        "new": formula.weight,
        "moments": _lines(
            (f"h[{k} * TRAINED + first + i] = {text};" for k, text in enumerate(formula.slots)), 4
        ),
        "places": ", ".join(
            f"{{{p.offset}, {p.offset + p.size}}}"
            for p in (memory.places[name] for name in graph.trainable[: graph.kernels])
        )
        or "{0, 0}",
        "eval_input": passes.value(evaluate.input),
        "eval_output": passes.value(evaluate.output),
        "evaluate": _lines(evaluated, 4),
    }
    program = re.sub(r"@(\w+)@", lambda found: str(texts[found[1]]), _file("program.c"))
    return prelude(machine) + program


def _augmented(size: tuple[int, ...], width: int) -> dict[str, Any]:
    """Return what a program must know to move images; of other rows it moves nothing."""
    channels, high, broad = size if len(size) == 3 else (1, 1, width)
    return {
        "channels": channels,
        "high": high,
        "broad": broad,
        "down": longest_shift(high),
        "right": longest_shift(broad),
        "flip_word": FLIP,
    }


def _pass_of(passes: Writer, *, most: int = 1 << 18) -> int:
    """Return how many rows are evaluated at once: fewer of large images.

    The values of a pass are read again while they are in the second cache: of `most` numbers
    (a megabyte). A part of PASS, which evaluated rows are filled up to.
    """
    numbers = sum(pixels * width for pixels, width in passes.matrices.values() if pixels > 1)
    rows = PASS
    while rows > 16 and rows * numbers > most:
        rows //= 2
    return rows


def prelude(machine: Machine) -> str:
    """Return what every program begins with."""
    head = f"#define DOUBLE {int(machine.double)}\n#define LANES {machine.lanes}\n"
    return head + _file("prelude.h") + turn_source(machine.lanes)


def _file(name: str) -> str:
    return (resources.files("luthier.engines.native") / name).read_text(encoding="utf-8")


def _lines(lines: Any, indent: int = 0) -> str:
    return "\n".join(" " * indent + line for line in lines)
