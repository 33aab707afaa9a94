"""Launch: workers for one part of a study after the other, and what they tell."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from luthier import executors
from luthier.core import LuthierError, Storage
from luthier.executors import Nursery
from luthier.loop.assembly import Assembly
from luthier.loop.training.choice import COMPILED
from luthier.loop.training.known import Known
from luthier.loop.working.brief import brief
from luthier.loop.working.elsewhere import can_be_elsewhere, elsewhere_each
from luthier.loop.working.following import Following
from luthier.loop.working.overseer import Overseer
from luthier.loop.working.work import Work

Compute = Callable[[Callable[[Assembly, Storage], Any]], Any]
ComputeEach = Callable[[Sequence[Callable[[Assembly, Storage], Any]]], Sequence[Any]]


@dataclass
class Launcher:
    """Has workers do one work after the other; what the ones found out the next ones know.

    Args:
        storage: Where the studies live.
        executor: Where they run, by name; with ``auto``, what is done before other processes
            would have begun is done here.
        workers: How many.
        nursery: Makes processes, if there is one.

    Attributes:
        remarks: What there is to remark, in the order in which it was told.
        following: The histories that it has read.
    """

    storage: Storage
    executor: str
    workers: int
    nursery: Nursery | None = None
    remarks: list[str] = field(default_factory=list, init=False)
    following: Following = field(init=False)

    def __post_init__(self) -> None:
        self.following = Following(self.storage)

    def __call__(self, work: Work) -> bool:
        """Have some work done; tell whether it was, and nobody asked to stop."""
        study, following = work.study, self.following
        history = following.history(study.name)
        ready = self.nursery is not None and self.nursery.ready(0)
        here = self.executor == "auto" and not ready and brief(work, history)
        count = 1 if here else self.workers
        begins = count > 1 and not history.trials and not work.trainer.choice.known.steps
        if begins and self.nursery is not None and not work.trainer.choice.packs:
            # Each worker would find it out for itself, and the nursery still imports. Where one
            # process trains many trials at a time the device is for that one alone.
            with suppress(LuthierError):  # a process that dies of it does so in a trial, too
                work.learn(*self._there(work, (_foreseen,)))
        overseer = Overseer(study.name, self.storage, work.budget, work.notify, following)
        told = overseer.run(executors.load(self.executor, count, self.nursery), work, count)
        for one in filter(None, told):
            work.learn(one.known)
            for line in one.remarks:
                self._note(line)
        return not overseer.interrupted

    def on(self, work: Work) -> Compute:
        """Return what computes with a work's parts and storage, where PyTorch is imported."""
        each = self.each(work)
        return lambda function: each([function])[0]

    def each(self, work: Work) -> ComputeEach:
        """Return what computes several things so, side by side."""
        return lambda functions: self._there(work, [partial(_of_parts, f) for f in functions])

    def _there(self, work: Work, functions: Sequence[Callable[[Work], Any]]) -> Sequence[Any]:
        if self.nursery is not None and can_be_elsewhere(self.nursery):
            return elsewhere_each(self.nursery, [partial(f, work) for f in functions])
        return [function(work) for function in functions]

    def _note(self, line: str) -> None:
        # Each launch, and each worker, has times of its own: the first tells enough.
        timed = line.startswith(COMPILED) and any(one.startswith(COMPILED) for one in self.remarks)
        if not timed and line not in self.remarks:
            self.remarks.append(line)


def _foreseen(work: Work) -> Known:
    """Choose what trains the baseline's structure."""
    work.trainer.foresee(work.study.space.baseline, work.study.seed)
    return work.trainer.choice.known


def _of_parts(function: Callable[[Assembly, Storage], Any], work: Work) -> Any:
    return function(work.parts, work.storage)
