"""A network as JAX functions, whatever it came from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from luthier.core import Graph, Positions
from luthier.engines.compiled.halved import kept_half
from luthier.engines.compiled.layout import WIDE, turned_kernels
from luthier.engines.compiled.lower import Masks, compute
from luthier.engines.compiled.operations.convolutions import SLICED
from luthier.engines.compiled.operations.evaluated import evaluated
from luthier.engines.compiled.reordered import pooled_first


@dataclass(frozen=True, eq=False)
class Lowered:
    """What a program needs of a network.

    Args:
        framework: Whose formulas its optimizers have.
        trainable: Names of the parameters that train: those with two dimensions or more first.
        kernels: How many of them have two dimensions or more.
        penalised: Which of the kernels L1 and L2 apply to.
        updates: Names of the buffers that a training pass changes.
        rates: Rate of each dropout call of a training pass.
        train: From tensors by name, inputs and masks to outputs, new buffers, and what the network
            itself adds to the loss (None where it adds nothing).
        evaluate: From tensors by name and inputs to outputs.
        turned: Which kernels lie transposed in memory during an epoch.
    """

    framework: str
    trainable: tuple[str, ...]
    kernels: int
    penalised: tuple[str, ...]
    updates: tuple[str, ...]
    rates: tuple[float, ...]
    train: Callable[[Mapping[str, Any], tuple[Any, ...], Masks], tuple[Any, dict[str, Any], Any]]
    evaluate: Callable[[Mapping[str, Any], tuple[Any, ...]], Any]
    turned: Callable[[Mapping[str, Any]], frozenset[str]]


def lowered(
    graph: Graph,
    convolutions: Mapping[str, Callable[..., Any]] = SLICED,
    positions: Positions = Positions(),  # noqa: B008
    *,
    half: bool = False,
    pack: bool = False,
) -> Lowered:
    """Return a captured graph as JAX functions, whose outputs are one matrix.

    Args:
        graph: What to compute.
        positions: How outputs are read.
        convolutions: How convolutions are computed: as products of matrices, or by XLA's own.
        half: Whether products of a training pass are computed in bfloat16; evaluation is exact,
            as what is handed over will be.
        pack: Whether many trials train at once, on a GPU: then pooling comes with the relu beside
            it, all kernels lie transposed, and what is written is as little as can be. On a core
            all three are slower.
    """
    training, judging, judged = graph.train, graph.evaluate, convolutions
    if pack:
        training, judging = pooled_first(training), pooled_first(judging)
        training = kept_half(training) if half else training
        judged = {**convolutions, "convolution": evaluated(convolutions["convolution"])}

    def train(
        tensors: Mapping[str, Any], inputs: tuple[Any, ...], masks: Masks
    ) -> tuple[Any, dict[str, Any], Any]:
        outputs, updates = compute(training, tensors, inputs, masks, convolutions, half=half)
        return positions.matrix(outputs), updates, None

    def evaluate(tensors: Mapping[str, Any], inputs: tuple[Any, ...]) -> Any:
        outputs = compute(judging, tensors, inputs, None, judged)[0]
        return positions.matrix(outputs)

    return Lowered(
        framework="torch",
        trainable=graph.trainable,
        kernels=graph.kernels,
        penalised=graph.trainable[: graph.kernels],
        updates=tuple(graph.train.updates),
        rates=graph.rates,
        train=train,
        evaluate=evaluate,
        turned=partial(turned_kernels, graph, least=1 if pack else WIDE),
    )
