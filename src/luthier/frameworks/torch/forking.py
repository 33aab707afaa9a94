"""Steps taken for a try, with a setting changed and without, and everything put back after them."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from luthier.frameworks.torch.inspecting.untouched import untouched

# Recipe keys that an optimizer's groups hold, under which names.
_HELD = {
    "momentum": ("momentum",),
    "epsilon": ("eps",),
    "weight_decay": ("weight_decay",),
}
_BETAS = {"beta1": 0, "beta2": 1}
LIVE = frozenset({"learning_rate", "clip_norm", *_HELD, *_BETAS})


def fork(
    model: nn.Module,
    optimizers: Sequence[Optimizer],
    step: Callable[[Any], Any],
    batches: Sequence[Any],
    settings: Mapping[str, tuple[Any, Any]],
    seconds: float,
    keep: Sequence[Any] = (),
) -> tuple[list[float], list[float]]:
    """Return the losses of some steps as they would come, and of the same with settings changed.

    Args:
        model: The network.
        optimizers: All that train it.
        step: Takes a batch, makes a whole step, and returns its loss.
        batches: One a step.
        settings: Old and new value by recipe key, all of `LIVE`.
        seconds: For both together; the second takes as many steps as the first.
        keep: What else a step changes, as objects with `state_dict` and `load_state_dict`:
            schedulers, scalers, another network.
    """
    plain = _run(model, optimizers, step, batches, {}, seconds / 2, keep)
    changed = _run(model, optimizers, step, batches[: len(plain)], settings, math.inf, keep)
    return plain, changed


def _run(
    model: nn.Module,
    optimizers: Sequence[Optimizer],
    step: Callable[[Any], Any],
    batches: Sequence[Any],
    settings: Mapping[str, tuple[Any, Any]],
    seconds: float,
    keep: Sequence[Any],
) -> list[float]:
    losses: list[float] = []
    with untouched([model]), _unstepped(optimizers), _unchanged(keep):
        handles = _change(optimizers, settings)
        began = time.perf_counter()
        try:
            for batch in batches:
                loss = step(batch)
                losses.append(float(loss.detach() if isinstance(loss, Tensor) else loss))
                if not math.isfinite(losses[-1]) or time.perf_counter() - began > seconds:
                    break
        finally:
            for handle in handles:
                handle.remove()
    return losses


def _change(optimizers: Sequence[Optimizer], settings: Mapping[str, tuple[Any, Any]]) -> list[Any]:
    """Change settings where optimizers keep them; return hooks to remove."""
    handles: list[Any] = []
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            for key, (old, new) in settings.items():
                if key == "learning_rate":
                    # Groups keep their ratios.
                    group["lr"] = group["lr"] * (new / old)
                elif key in _BETAS and "betas" in group:
                    betas = list(group["betas"])
                    betas[_BETAS[key]] = new
                    group["betas"] = tuple(betas)
                for name in _HELD.get(key, ()):
                    if name in group:
                        group[name] = new
        clip = settings.get("clip_norm")
        if clip is not None and clip[1] is not None:
            handles.append(optimizer.register_step_pre_hook(_clipping(float(clip[1]))))
    return handles


def _clipping(norm: float) -> Callable[..., None]:
    def clip(optimizer: Optimizer, args: Any, kwargs: Any) -> None:
        given = [p for group in optimizer.param_groups for p in group["params"]]
        nn.utils.clip_grad_norm_([p for p in given if p.grad is not None], norm)

    return clip


@contextmanager
def _unstepped(optimizers: Sequence[Optimizer]) -> Iterator[None]:
    """Put optimizers back: what they remember of each parameter, and their groups."""
    undo = [_kept(optimizer) for optimizer in optimizers]
    try:
        yield
    finally:
        for back in undo:
            back()


def _kept(optimizer: Optimizer) -> Callable[[], None]:
    held = {
        p: {name: (value, _copy(value)) for name, value in state.items()}
        for p, state in optimizer.state.items()
    }
    groups = [(group, dict(group), _copy(group["lr"])) for group in optimizer.param_groups]

    def back() -> None:
        for p in [p for p in optimizer.state if p not in held]:
            del optimizer.state[p]
        with torch.no_grad():
            for p, entries in held.items():
                optimizer.state[p].clear()
                for name, (value, copied) in entries.items():
                    # The very tensors that were there: a loop may hold them.
                    optimizer.state[p][name] = (
                        value.copy_(copied) if isinstance(value, Tensor) else copied
                    )
            for group, entries, rate in groups:
                group.clear()
                group.update(entries)
                if isinstance(rate, Tensor):
                    group["lr"].copy_(rate)

    return back


def _copy(value: Any) -> Any:
    return value.detach().clone() if isinstance(value, Tensor) else value


@contextmanager
def _unchanged(keep: Sequence[Any]) -> Iterator[None]:
    """Put back whatever else was named, by its own state."""
    states = [(one, _deep(one.state_dict())) for one in keep]
    try:
        yield
    finally:
        for one, state in states:
            one.load_state_dict(state)


def _deep(state: Any) -> Any:
    if isinstance(state, Mapping):
        return {key: _deep(value) for key, value in state.items()}
    if isinstance(state, (list, tuple)):
        return type(state)(_deep(one) for one in state)
    return _copy(state)
