"""A program's own loop, watched."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

import luthier
from benchmarks.check.programs.program import Pair, Program
from luthier.core import Diagnosis


def trained(one: Program, seed: int = 0) -> Diagnosis:
    """Train a program to its end, and return what `watch` says."""
    torch.manual_seed(seed)
    optimizer, model = one.optimizer, one.model
    with luthier.watch(model, optimizer, one.loss_fn, live=False) as run:
        if one.loop is not None:
            one.loop(one, run)
            return run.diagnosis
        for _ in range(one.epochs):
            model.train()
            losses = []
            for batch in _batches(one.train, one.batch_size, shuffle=one.shuffle):
                if one.zeroes:
                    optimizer.zero_grad()
                loss = _loss(one, batch)
                loss.backward()
                optimizer.step()
                if one.scheduler is not None and one.steps_schedule_each_batch:
                    one.scheduler.step()
                losses.append(float(loss))
            if one.scheduler is not None and not one.steps_schedule_each_batch:
                one.scheduler.step()
            values: dict[str, Any] = {"train_loss": sum(losses) / len(losses)}
            if one.val is not None:
                values |= _validated(one)
            run.log(**values)
    return run.diagnosis


def _loss(one: Program, batch: Pair) -> Tensor:
    if one.loss is not None:
        return one.loss(one.model, batch)
    return paired_loss(one, one.model, batch)


def paired_loss(one: Program, network: nn.Module, batch: Any) -> Tensor:
    """Return the program's loss of a network's outputs and the targets of a batch."""
    inputs = batch[0] if isinstance(batch[0], (tuple, list)) else (batch[0],)
    if one.loss_fn is None:
        raise ValueError("a program needs a loss")
    loss: Tensor = one.loss_fn(network(*inputs), batch[1])
    return loss


def _validated(one: Program) -> dict[str, float]:
    if one.val is None:
        return {}
    if one.evaluates:
        one.model.eval()
    with torch.no_grad():
        found = {"val_loss": float(_loss(one, one.val))}
        if one.loss is None and not one.val[1].is_floating_point():
            guesses = one.model(one.val[0]).argmax(1)
            found["accuracy"] = float((guesses == one.val[1]).float().mean())
    return found


def _batches(pair: Pair, size: int, *, shuffle: bool) -> Iterator[Any]:
    inputs, target = pair
    order = torch.randperm(len(target)) if shuffle else torch.arange(len(target))
    for start in range(0, len(target), size):
        index = order[start : start + size]
        if len(index) == 1 < size:
            continue  # batch normalisation needs two
        rows = tuple(x[index] for x in inputs) if isinstance(inputs, tuple) else inputs[index]
        yield rows, target[index]
