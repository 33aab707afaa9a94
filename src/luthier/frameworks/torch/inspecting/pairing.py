"""A loss of a network and a batch that is one of outputs and targets after all."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from luthier.frameworks.torch.inspecting.loss_calls import LossCalls
from luthier.frameworks.torch.inspecting.objective import Objective


def paired(model: nn.Module, objective: Objective, batch: Any) -> Objective | None:
    """Return the loss of outputs and targets, where the user's code does nothing but call it.

    It calls the network once with all of a batch but its last part, and one of PyTorch's losses
    with what comes out and that last part.

    Args:
        model: The user's.
        objective: The user's loss, of a network and a batch.
        batch: The user's.

    >>> import torch
    >>> def loss(model, batch):
    ...     return nn.functional.mse_loss(model(batch[0]), batch[1])
    >>> found = paired(nn.Linear(2, 1), Objective(loss=loss), (torch.zeros(8, 2), torch.ones(8, 1)))
    >>> float(found.of(torch.zeros(8, 1), torch.ones(8, 1)))
    1.0
    """
    if not isinstance(batch, (tuple, list)) or len(batch) < 2:
        return None
    *inputs, target = batch
    if len(inputs) == 1 and isinstance(inputs[0], (tuple, list)):
        inputs = list(inputs[0])
    passes: list[tuple[tuple[Any, ...], dict[str, Any], Any]] = []
    note = lambda _, args, kwargs, output: passes.append((args, kwargs, output))  # noqa: E731
    handle = model.register_forward_hook(note, with_kwargs=True)
    try:
        with LossCalls() as calls:
            loss = objective(model, batch)
    finally:
        handle.remove()
    if len(passes) != 1:
        return None
    args, kwargs, output = passes[0]
    if kwargs or len(args) != len(inputs) or not all(map(_same, args, inputs)):
        return None
    pair = calls.pair(loss)
    if pair is None or not pair.fixed:
        return None
    return pair.objective if pair.outputs is output and _same(pair.target, target) else None


def _same(a: Any, b: Any) -> bool:
    """Tell whether a tensor is another one, not only equal to it."""
    if not isinstance(a, Tensor) or not isinstance(b, Tensor):
        return False
    alike = a.shape == b.shape and bool(a.dtype == b.dtype)
    return a is b or (alike and a.data_ptr() == b.data_ptr())
