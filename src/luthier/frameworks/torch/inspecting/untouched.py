"""Looking at a live network, and leaving everything as it was."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from torch import nn
from torch.nn.parameter import UninitializedBuffer, UninitializedParameter


@contextmanager
def untouched(modules: Sequence[nn.Module], others: Sequence[object] = ()) -> Iterator[None]:
    """Put weights, buffers, gradients, modes and random numbers back, whatever happens.

    Args:
        modules: Networks, and losses that are modules.
        others: What may hold generators of random numbers: loaders, samplers.

    >>> layer = nn.Linear(1, 1)
    >>> with untouched([layer]):
    ...     _ = layer.eval()
    >>> layer.training
    True
    """
    undo = [_kept(module) for root in modules for module in root.modules()]
    undo += [_generator(one) for one in _generators(others)]
    plain, numbers = random.getstate(), np.random.get_state()
    on_gpus = torch.cuda.is_available() and torch.cuda.is_initialized()  # type: ignore[no-untyped-call]
    gpus = torch.cuda.get_rng_state_all() if on_gpus else []
    state = torch.get_rng_state()
    grad = torch.is_grad_enabled()
    try:
        torch.set_grad_enabled(True)
        yield
    finally:
        torch.set_grad_enabled(grad)
        for back in undo:
            back()
        random.setstate(plain)
        np.random.set_state(numbers)
        torch.set_rng_state(state)
        if on_gpus:
            torch.cuda.set_rng_state_all(gpus)


def _kept(module: nn.Module) -> Callable[[], None]:
    """Remember one module, without its children; return what puts it back."""
    plain = dict(module.__dict__)
    # Attributes are put back as the objects that they were, registries of hooks and tensors as
    # the entries that they had.
    inner = {name: value.copy() for name, value in plain.items() if isinstance(value, dict)}
    tensors = [
        t for t in (*module._parameters.values(), *module._buffers.values()) if t is not None
    ]
    values = [(t, t.detach().clone(), t.requires_grad) for t in tensors if _has_values(t)]
    grads = [(t, t.grad, None if t.grad is None else t.grad.clone()) for t in tensors if t.is_leaf]

    def back() -> None:
        for name in set(module.__dict__) - set(plain):
            del module.__dict__[name]
        module.__dict__.update(plain)
        for name, entries in inner.items():
            held = plain[name]
            if [(k, id(v)) for k, v in held.items()] != [(k, id(v)) for k, v in entries.items()]:
                held.clear()
                held.update(entries)
        with torch.no_grad():
            for tensor, value, asks in values:
                if not torch.equal(tensor, value):  # a NaN differs from itself: put back, too
                    tensor.copy_(value)
                if tensor.is_leaf:
                    tensor.requires_grad_(asks)
            for tensor, grad, before in grads:
                tensor.grad = grad
                if grad is not None and before is not None and not torch.equal(grad, before):
                    grad.copy_(before)

    return back


def _has_values(tensor: torch.Tensor) -> bool:
    return not isinstance(tensor, (UninitializedParameter, UninitializedBuffer))


def _generators(others: Sequence[object]) -> list[torch.Generator]:
    found: list[torch.Generator] = []
    for one in others:
        for part in (one, getattr(one, "sampler", None), getattr(one, "batch_sampler", None)):
            generator = getattr(part, "generator", None)
            if isinstance(generator, torch.Generator) and generator not in found:
                found.append(generator)
    return found


def _generator(generator: torch.Generator) -> Callable[[], None]:
    state = generator.get_state()

    def back() -> None:
        generator.set_state(state)

    return back
