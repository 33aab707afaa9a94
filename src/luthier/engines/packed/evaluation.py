"""What an epoch of a pack showed: each lane evaluated, and all that the host is told."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from luthier.catalog import losses
from luthier.core import Task
from luthier.engines.chunks.exchange import Rows
from luthier.engines.compiled.lowered import Lowered
from luthier.engines.compiled.step import evaluation
from luthier.engines.packed.groups import mapped_in_groups
from luthier.engines.packed.metrics import Truth, scores, told
from luthier.engines.packed.program import Trained

# XLA writes kernels for products (Triton), tries up to a hundred of each, and keeps one where it
# is faster than the library's. For training that pays. For an evaluation's products, in single
# precision, it took as long as all else that is compiled, for nothing.
COMPILED_WITH = {"xla_gpu_enable_triton_gemm": False}


class Shown(NamedTuple):
    """What an epoch showed, first axis the lane.

    Attributes:
        told: In double precision, one vector a lane, as one transfer is faster than many: means
            of data loss, penalty and gradient norm over the steps; losses of the sample and of
            the validation part; the metrics that the program tells; gradient, weight and change
            norms of each kernel at the last step.
        steps: Data loss, penalty and gradient norm of each step.
        outputs: On the validation part, where the host computes a metric; else None.
    """

    told: Any
    steps: Any
    outputs: Any


def evaluated(
    network: Lowered,
    loss: losses.Loss,
    task: Task,
    rows: Rows,
    truth: Truth,
    lane: tuple[dict[str, Any], Any, Any],
) -> tuple[Any, Any]:
    """Evaluate one lane: return what is told of its epoch, and outputs if the host needs them.

    Args:
        network: The network.
        loss: What is minimised.
        task: It names the metrics.
        rows: Those of the sample and of the validation part.
        truth: What metrics compare the outputs with.
        lane: Its tensors by name, and its epoch's steps and norms.
    """
    tensors, seen, at_end = lane
    losses_of, outputs = evaluation(network, loss, tensors, rows)
    parts = (seen.astype(jnp.float64).mean(0), losses_of, scores(task, outputs, truth), at_end)
    vector = jnp.concatenate([part.astype(jnp.float64).reshape(-1) for part in parts])
    return vector, None if told(task) == tuple(task.metrics) else outputs


def evaluation_program(
    network: Lowered, loss: str, task: Task, room: float
) -> Callable[[dict[str, Any], Trained, Rows, Truth], tuple[Any, Any]]:
    """Return the evaluation of a pack, to be compiled for each number of lanes.

    Args:
        network: What all lanes train.
        loss: Name of what is minimised.
        task: What is to be learned: it names the metrics.
        room: Bytes for the largest array of an evaluation: `mapped_in_groups`.
    """
    minimised = losses.by_name(loss)

    def program(fixed: dict[str, Any], ended: Trained, rows: Rows, truth: Truth) -> tuple[Any, Any]:
        carry = ended.carry
        tensors = {**fixed, **carry.buffers, **carry.weights, **carry.average}
        look = partial(evaluated, network, minimised, task, rows, truth)
        with jax.default_matmul_precision("highest"):  # not the GPU's shorter one
            seen: tuple[Any, Any] = mapped_in_groups(
                look, (tensors, ended.steps, ended.norms), room
            )
        return seen

    return program
