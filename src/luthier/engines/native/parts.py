"""The parts of a C program that no network changes: each is compiled once a machine."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from importlib import resources
from typing import Any

from luthier.catalog import optimizers
from luthier.catalog.augmentation import FLIP, MIDDLE, NOISE, TAIL
from luthier.core import LuthierError
from luthier.engines.native.compiler import compile_parts
from luthier.engines.native.formulas import update
from luthier.engines.native.gemm import SPARE
from luthier.engines.native.losses import LOSSES, loss_source
from luthier.engines.native.machine import Machine
from luthier.engines.native.turning import turn_source


def parts(machine: Machine, optimizer: str, loss: str) -> tuple[str, ...]:
    """Return the loop over epochs, an optimizer's step and a loss, as C.

    Args:
        machine: What is written for.
        optimizer: Its name.
        loss: Its name.
    """
    begin = prelude(machine)
    return (
        *shared(machine),
        begin + written("loop.c", {"flip_word": FLIP, "noise_word": NOISE}),
        begin + _update(optimizer),
        begin + written("costs.c", {"loss": loss_source(loss)}),
    )


def prepare_parts(optimizer: str, loss: str) -> None:
    """Compile the parts of float32 programs, if that was not done yet and can be.

    Args:
        optimizer: Its name.
        loss: Its name.
    """
    with suppress(LuthierError, OSError):  # who needs them comes across it, and has someone to tell
        if loss in LOSSES:
            made = parts(Machine.here(double=False), optimizer, loss)
            compile_parts(made, side_by_side=False)


def shared(machine: Machine) -> tuple[str, ...]:
    """Return what functions of a network may call."""
    return (f"{prelude(machine)}{turn_source(machine.lanes)}{written('shared.c')}",)


def prelude(machine: Machine) -> str:
    """Return what every part begins with."""
    head = f"#define DOUBLE {int(machine.double)}\n#define LANES {machine.lanes}\n"
    powers = zip(MIDDLE, TAIL, strict=True)
    normal = [f"near = R({m!r}) + near * a; far = R({t!r}) + far * b;" for m, t in powers]
    return head + written("prelude.h", {"spare": SPARE, "normal": lines(normal, 2)})


def written(name: str, texts: Mapping[str, Any] | None = None) -> str:
    """Return a file, with texts for what stands in it between @ signs."""
    text = (resources.files("luthier.engines.native") / name).read_text(encoding="utf-8")
    return re.sub(r"@(\w+)@", lambda found: str((texts or {})[found[1]]), text)


def lines(texts: Any, indent: int = 0) -> str:
    """Return lines as one text."""
    return "\n".join(" " * indent + line for line in texts)


def _update(optimizer: str) -> str:
    formula = update(optimizers.by_name(optimizer, "torch"))
    slots = range(len(formula.slots))
    read = [f"const real h{k} = h[{k} * apart + i];" for k in slots]
    moments = [f"h[{k} * apart + i] = {formula.slots[k]};" for k in slots]
    texts = {
        "once": lines(formula.once, 2),
        "each": lines([*read, *formula.each], 4),
        "new": formula.weight,
        "moments": lines(moments, 4),
    }
    return written("update.c", texts)
