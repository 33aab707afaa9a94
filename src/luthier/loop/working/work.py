"""Work: all that a worker needs, in a form that can go to another process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from luthier import frameworks, search
from luthier.core import (
    Baseline,
    Build,
    BuilderError,
    History,
    Stop,
    Storage,
    Strategy,
    StudyRecord,
    nothing,
)
from luthier.loop.assembly import Assembly
from luthier.loop.builders import as_build, is_file
from luthier.loop.limits import Limits
from luthier.loop.planning.next_length import earlier_trials
from luthier.loop.preparation import Preparation
from luthier.loop.training.known import Known
from luthier.loop.training.trainer import Trainer
from luthier.loop.working.budget import Budget
from luthier.loop.working.pack_worker import worker_for

if TYPE_CHECKING:
    from luthier.loop.proving.confirming import Confirming
    from luthier.loop.proving.repeating import Repeating
    from luthier.loop.question.asking import Asking
    from luthier.loop.repair.curing import Curing
    from luthier.loop.repair.proving import Proving

    Plan: TypeAlias = Asking | Confirming | Curing | Proving | Repeating


@dataclass(frozen=True)
class Told:
    """What a worker tells when it has done its work.

    Args:
        remarks: Such as why no faster engine trained.
        known: What it knows of engines.
    """

    remarks: tuple[str, ...]
    known: Known


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

    def __call__(self, index: int, stop: Stop) -> Told:
        """Work until there is nothing left to do, or someone asks to stop."""
        limits, trainer = Limits.of(self.study), self.trainer
        worker = worker_for(trainer.choice.packs)(
            self.study,
            self.storage,
            self._strategy(limits) if self.plan is None else self.plan,
            self.budget,
            trainer,
            stop,
            self.notify,
            purpose="search" if self.plan is None else self.plan.purpose,
            history=_seen.get(self._place, History()),
        )
        worker.run(index)
        if _last and _last[0] is self.parts:
            _seen[self._place] = worker.history
        return Told(trainer.choice.reasons, trainer.choice.known)

    def _strategy(self, limits: Limits) -> Strategy:
        earlier = earlier_trials(self.study, self.storage)
        return search.for_goals(self.strategy, limits.goals, limits.bounds, earlier)

    @property
    def _place(self) -> tuple[str, str]:
        return self.storage.url, self.study.name

    @property
    def trainer(self) -> Trainer:
        """What trains: the same one for all of a study's works in this process."""
        limits = Limits.of(self.study)
        return self.parts.trainer(self.engine, timed=self.budget.timed, limits=limits)

    def learn(self, known: Known) -> None:
        """Take note of what is known of engines: this work's copies will know it, too."""
        choice = self.trainer.choice
        choice.known = choice.known.merge(known)

    def __reduce__(self) -> tuple[Any, ...]:
        parts, build = self.parts, self.parts.build
        return _arrived, (
            (self.study, self.storage, self.strategy, self.budget, self.engine),
            parts.key,
            build.reference if is_file(build.reference) else build,
            parts.preparation,
            parts.framework.name,
            parts.about,
            self.plan,
            self.trainer.choice.known,
        )


# In a worker process: the parts of its last work, with what it has prepared and loaded for them,
# and the histories that it has read.
_last: list[Assembly] = []
_seen: dict[tuple[str, str], History] = {}


def keep(parts: Assembly) -> None:
    """Have work on some parts find them here."""
    _last[:] = [parts]
    _seen.clear()


def _arrived(
    what: tuple[StudyRecord, Storage, str, Budget, str],
    key: str,
    build: Build | str,
    preparation: Preparation,
    framework: str,
    about: Baseline,
    plan: Plan | None,
    known: Known,
) -> Work:
    study, *_ = what
    if not _last or _last[0].key != key:
        made = as_build(build) if isinstance(build, str) else build
        owner = frameworks.load(framework)
        keep(Assembly(made, preparation, owner, about.recipe, about, key))
    parts = _last[0]
    if parts.build.hash != study.builder:
        raise BuilderError(
            f"{parts.build.reference} has changed since study '{study.name}' began (source "
            f"{study.builder} then, {parts.build.hash} now). A study needs the same builder "
            f"throughout. Change it back, or name another study: --study {study.name}-2"
        )
    work = Work(*what, parts, plan=plan)
    work.learn(known)
    return work
