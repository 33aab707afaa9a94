"""Check and watch programs, and count what was true."""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch.utils.data import DataLoader

import luthier
from benchmarks.check.programs import SETS, Program
from benchmarks.check.train import paired_loss, trained
from luthier.core import Diagnosis, Finding

WAYS = ("check", "watch", "both")


@dataclass
class Score:
    """What one way of looking came to."""

    harmful: int = 0
    found: int = 0
    first: int = 0
    loud: int = 0
    healthy: int = 0
    alarmed: int = 0

    def __str__(self) -> str:
        harmful = max(self.harmful, 1)
        return (
            f"harmful {self.harmful}: found {self.found / harmful:.0%}, first true "
            f"{self.first / harmful:.0%}, warnings a case {self.loud / harmful:.2f}; "
            f"healthy {self.healthy}: alarmed {self.alarmed}"
        )


def programs(only: str, seconds: float, *, train: bool, number: int, handed: str) -> None:
    """Print what is said of each program of one of the sets, and the shares.

    Args:
        only: Part of a program's name.
        seconds: Of each check.
        train: Train it to its end, watched, as well.
        number: Of the set.
        handed: How its loss is given to the check: ``outputs`` as the program has it, or as a
            function of network and batch beside a ``loader`` or one ``batch``.
    """
    warnings.simplefilter("ignore")
    scores = {way: Score() for way in WAYS}
    for build in SETS[number - 1]:
        if only not in build.__name__:
            continue
        if handed != "outputs" and build().loss_fn is None:
            continue
        began = time.process_time()
        checked, one = _checked(build, seconds, handed)
        took = time.process_time() - began
        said = {"check": checked, "watch": _watched(build) if train else []}
        said["both"] = said["check"] or said["watch"]
        marks = []
        for way, loud in said.items():
            marks.append(_counted(scores[way], one, loud))
        wants = "|".join(one.problems) or "nothing"
        _say(f"{build.__name__} ({took:.1f} s) wants {wants}")
        for way, mark in zip(("check", "watch"), marks, strict=False):
            _say(f"    {way} {mark:6} {_told(said[way])}")
    for way in WAYS:
        _say(f"{way:6} {scores[way]}")


def _checked(
    build: Callable[[], Program], seconds: float, handed: str
) -> tuple[list[Finding], Program]:
    torch.manual_seed(0)
    one = build()
    data: Any = (one.train, one.val) if one.val is not None else one.train
    how: dict[str, Any] = {"loss_fn": one.loss_fn}
    if one.loss is not None or handed != "outputs":
        how = {"loss": one.loss or partial(paired_loss, one)}
        data = _loader(one) if handed == "loader" else _first(one)
    try:
        found: Diagnosis = luthier.check(
            one.model,
            data,
            optimizer=one.optimizer,
            scheduler=one.scheduler,
            epochs=one.epochs,
            batch_size=one.batch_size,
            seconds=seconds,
            **how,
        )
    except Exception as error:  # what was not foreseen counts as not found
        _say(f"    check raised {type(error).__name__}: {str(error)[:100]}")
        return [], one
    return [one for one in found.findings if one.severity != "info"], one


def _loader(one: Program) -> DataLoader[Any]:
    inputs, target = one.train
    several = isinstance(inputs, tuple)
    rows = [
        (tuple(x[i] for x in inputs) if several else inputs[i], target[i])
        for i in range(len(target))
    ]
    return DataLoader(rows, batch_size=one.batch_size, shuffle=one.shuffle)  # type: ignore[arg-type] # a list will do


def _first(one: Program) -> Any:
    """Return a program's first batch."""
    inputs, target = one.train
    rows = slice(one.batch_size)
    if isinstance(inputs, tuple):
        return tuple(x[rows] for x in inputs), target[rows]
    return inputs[rows], target[rows]


def _watched(build: Callable[[], Program]) -> list[Finding]:
    torch.manual_seed(0)
    one = build()
    try:
        found = trained(one)
    except (RuntimeError, ValueError, IndexError):
        return []  # the program ends with an error of its own
    return [one for one in found.findings if one.severity != "info"]


def _counted(score: Score, one: Program, loud: Sequence[Finding]) -> str:
    if not one.problems:
        score.healthy, score.alarmed = score.healthy + 1, score.alarmed + bool(loud)
        return "ALARM" if loud else "calm"
    true = [bool({f.problem, *f.consequences} & set(one.problems)) for f in loud]
    first = bool(true and true[0])
    score.harmful, score.loud = score.harmful + 1, score.loud + len(loud)
    score.found, score.first = score.found + any(true), score.first + first
    return "FIRST" if first else "found" if any(true) else "-"


def _told(findings: Sequence[Finding]) -> str:
    parts = [f"{f.problem}({f.severity[0]}){[*f.consequences] or ''}" for f in findings]
    return ", ".join(parts) or "nothing"


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
