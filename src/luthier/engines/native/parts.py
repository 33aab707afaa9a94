"""The parts of a C program that no network changes: each is compiled once a machine."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

from luthier.catalog import optimizers
from luthier.catalog.augmentation import FLIP, MIDDLE, NOISE, TAIL
from luthier.core import LuthierError
from luthier.engines.native.compiler import compile_parts
from luthier.engines.native.files import lines, written
from luthier.engines.native.formulas import update
from luthier.engines.native.gemm import SPARE
from luthier.engines.native.losses import LOSSES, loss_source
from luthier.engines.native.machine import Machine
from luthier.engines.native.microkernels import Loops
from luthier.engines.native.turning import turn_source

# What few networks call, by the function's name: compiled for those alone.
_FEW = {"shares_of": "softmax.c", "standardise": "standardise.c"}


def parts(machine: Machine, optimizer: str, loss: str, calls: str = "") -> tuple[str, ...]:
    """Return the loop over epochs, an optimizer's step and a loss, as C.

    Args:
        machine: What is written for.
        optimizer: Its name.
        loss: Its name.
        calls: As for `shared`.
    """
    begin = prelude(machine)
    return (
        *shared(machine, calls),
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
            made = parts(Machine.here(), optimizer, loss)
            compile_parts(made, side_by_side=False)


def shared(machine: Machine, calls: str = "") -> tuple[str, ...]:
    """Return what functions of a network may call.

    Args:
        machine: What is written for.
        calls: Those functions, as far as they call what few networks do.
    """
    begin = prelude(machine)
    few = [begin + written(name) for call, name in _FEW.items() if f"{call}(" in calls]
    return f"{begin}{turn_source(machine.lanes)}{written('shared.c')}", *few


def loops(machine: Machine, needed: Iterable[Loops]) -> tuple[str, ...]:
    """Return the loops of products.

    Args:
        machine: What is written for.
        needed: Which.
    """
    return tuple(_types(machine) + one.source() for one in sorted(needed, key=lambda one: one.name))


def _types(machine: Machine) -> str:
    head = f"#define DOUBLE {int(machine.double)}\n#define LANES {machine.lanes}\n"
    return head + written("types.h")


def prelude(machine: Machine) -> str:
    """Return what every other part begins with."""
    powers = zip(MIDDLE, TAIL, strict=True)
    normal = [f"near = R({m!r}) + near * a; far = R({t!r}) + far * b;" for m, t in powers]
    return _types(machine) + written("prelude.h", {"spare": SPARE, "normal": lines(normal, 2)})


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
