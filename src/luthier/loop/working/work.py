"""Work: all that a worker needs, in a form that can go to another process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from luthier import frameworks, search
from luthier.core import (
    Baseline,
    Build,
    BuilderError,
    History,
    Stop,
    Storage,
    StudyRecord,
    nothing,
)
from luthier.loop.assembly import Assembly
from luthier.loop.builders import as_build, is_file
from luthier.loop.limits import Limits
from luthier.loop.preparation import Preparation
from luthier.loop.proving.confirming import Confirming
from luthier.loop.proving.repeating import Repeating
from luthier.loop.question.asking import Asking
from luthier.loop.repair.curing import Curing
from luthier.loop.repair.proving import Proving
from luthier.loop.working.budget import Budget
from luthier.loop.working.pack_worker import worker_for

Plan = Asking | Confirming | Curing | Proving | Repeating


@dataclass(frozen=True, eq=False)
class Work:
    """What a study's workers do: the same for each of them.

    Data goes along as it was read, and is read once. A builder from a file is loaded again from
    that file, as only then its imports find what lies beside it.

    Args:
        study: What the study is about.
        storage: Where it lives; one in a file opens itself again elsewhere.
        strategy: Name of what decides.
        budget: When to end.
        engine: Name of what trains.
        parts: Builder, data and framework.
        notify: Called with the history by a worker of this process; it stays here.
        plan: Decides instead of the strategy of that name: what confirms, or answers a question.
    """

    study: StudyRecord
    storage: Storage
    strategy: str
    budget: Budget
    engine: str
    parts: Assembly
    notify: Callable[[History], None] = nothing
    plan: Plan | None = None

    def __call__(self, index: int, stop: Stop) -> tuple[str, ...]:
        """Work until there is nothing left to do, or someone asks to stop.

        Returns:
            What there is to remark, such as why no faster engine trained.
        """
        limits = Limits.of(self.study)
        trainer = self.parts.trainer(self.engine, timed=self.budget.timed, limits=limits)
        worker = worker_for(trainer.choice.packs)(
            self.study,
            self.storage,
            search.for_goals(self.strategy, limits.goals) if self.plan is None else self.plan,
            self.budget,
            trainer,
            stop,
            self.notify,
            purpose="search" if self.plan is None else self.plan.purpose,
        )
        worker.run(index)
        return tuple(trainer.choice.reasons)

    def __reduce__(self) -> tuple[Any, ...]:
        parts, build = self.parts, self.parts.build
        return _arrived, (
            (self.study, self.storage, self.strategy, self.budget, self.engine),
            build.reference if is_file(build.reference) else build,
            parts.preparation,
            parts.framework.name,
            parts.about,
            self.plan,
        )


def _arrived(
    what: tuple[StudyRecord, Storage, str, Budget, str],
    build: Build | str,
    preparation: Preparation,
    framework: str,
    about: Baseline,
    plan: Plan | None,
) -> Work:
    study, *_ = what
    made = as_build(build) if isinstance(build, str) else build
    if made.hash != study.builder:
        raise BuilderError(
            f"{made.reference} has changed since study '{study.name}' began (source "
            f"{study.builder} then, {made.hash} now). A study needs the same builder throughout. "
            f"Change it back, or name another study: --study {study.name}-2"
        )
    parts = Assembly(made, preparation, frameworks.load(framework), about.recipe, about)
    return Work(*what, parts, plan=plan)
