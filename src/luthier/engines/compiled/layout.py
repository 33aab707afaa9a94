"""How weights lie in memory while a program trains."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from luthier.core import Graph, Ref
from luthier.engines.chunks.exchange import Carry

WIDE = 64  # outputs from which on a turned kernel was faster on a core; narrow ones are slower


def turned_kernels(
    graph: Graph, weights: Mapping[str, Any], *, least: int = WIDE
) -> frozenset[str]:
    """Return the kernels that lie transposed in memory during an epoch.

    A linear layer multiplies by its kernel transposed, and would turn it at every step: a tenth
    of a small network's time on a core, and on a GPU three copies of each kernel and its moments,
    as an update that turns cannot write where it reads. Both products of its backward pass are
    faster too.

    Args:
        graph: What reads the kernels.
        weights: What trains, by name.
        least: Outputs that a kernel must have.
    """
    names = {value: name for value, name in graph.train.reads.items() if name in weights}
    uses: dict[str, list[bool]] = {}
    for node in graph.train.nodes:
        turns = node.op == "permute" and node.args.get("dims") == (1, 0)
        for arg in node.args.values():
            for one in arg if isinstance(arg, tuple) else (arg,):
                if isinstance(one, Ref) and one.name in names:
                    uses.setdefault(names[one.name], []).append(turns)
    return frozenset(
        name
        for name, turns in uses.items()
        if all(turns) and weights[name].ndim == 2 and weights[name].shape[0] >= least
    )


def turn(values: Mapping[str, Any], turned: frozenset[str]) -> dict[str, Any]:
    """Transpose some of the arrays."""
    return {name: value.T if name in turned else value for name, value in values.items()}


def turn_carry(carry: Carry, turned: frozenset[str]) -> Carry:
    """Transpose kernels, and what is kept for each of their values."""
    return Carry(
        weights=turn(carry.weights, turned),
        buffers=carry.buffers,
        slots=tuple(turn(slot, turned) for slot in carry.slots),
        average=turn(carry.average, turned),
    )
