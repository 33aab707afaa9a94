"""Board: the studies of a storage for those who look on, kept up to date while others work."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from luthier.core import (
    Diagnosis,
    History,
    LuthierError,
    Recipe,
    Step,
    Storage,
    StudyRecord,
    Trial,
)
from luthier.loop.by_hand import recipe_by_hand
from luthier.loop.evidence import diagnose_trial
from luthier.loop.ranges import searched
from luthier.loop.show import stored_study
from luthier.loop.working.following import Following
from luthier.report.html import Story
from luthier.report.html.live import address
from luthier.storage import connect

BY_HAND = "stopped by hand"
_TRIES = 20  # decisions that workers may take first, between a look and a plan


@dataclass(eq=False)
class Board:
    """Reads studies as they grow, and passes on what people want of them.

    Each look reads what changed since the last one. Data is never read: the test part stays closed.

    Args:
        storage: Where the studies live.
    """

    storage: Storage
    _following: Following = field(init=False)

    def __post_init__(self) -> None:
        self._following = Following(self.storage)

    @classmethod
    def of(cls, url: str) -> Board:
        """Return the board of a storage.

        Raises:
            StorageError: when there is no such storage.
        """
        return cls(connect(url, create=False))

    def studies(self) -> list[tuple[StudyRecord, History]]:
        """Return every study with its trials, oldest first."""
        return [(record, self.history(record.name)) for record in self.storage.studies()]

    def history(self, study: str) -> History:
        """Return a study's trials as they are now."""
        return self._following.history(study)

    def story(self, study: str) -> Story:
        """Return all that a study's page is made of.

        Raises:
            StudyNotFoundError: when the storage does not hold it.
        """
        found = stored_study(self.storage, study)
        found.history = self.history(study)
        return replace(found.story({}), address=address(study))

    def trial(self, study: str, number: int) -> tuple[Story, Trial, Diagnosis]:
        """Return a trial, what is wrong with its training, and the study around it.

        Raises:
            LuthierError: when the study has no such trial.
        """
        record, history = self.storage.record(study), self.history(study)
        trial = _numbered(history, number, study)
        diagnosis = diagnose_trial(trial)
        story = Story(record, history, diagnosis, address=address(study))
        return story, trial, diagnosis

    def stop(self, study: str) -> str:
        """Ask a study's workers to end after their epoch; return what to tell who asked."""
        busy = bool(self.storage.workers(study))
        self.storage.ask_to_stop(study)
        if not busy:
            return "No worker trains it now."
        return "Its workers end after their epoch. The same command goes on later."

    def stop_trial(self, study: str, number: int) -> str:
        """End a trial; return what to tell who asked."""
        _numbered(self.history(study), number, study)
        if self.storage.prune(study, number, BY_HAND):
            return f"Trial {number} is stopped; what it has trained is kept."
        return f"Trial {number} had ended already."

    def enqueue(self, study: str, values: Mapping[str, str]) -> str:
        """Plan a new trial of a recipe by hand; return what to tell who asked.

        Args:
            study: Its name.
            values: By parameter of the study's space, as text; of a choice, its index. What is
                left out is the best trial's.

        Raises:
            LuthierError: for what is no parameter of the space, or outside of its range.
        """
        record, history = self.storage.record(study), self.history(study)
        if record.about.get("task") not in ("classification", "regression"):
            raise LuthierError("an objective chooses what its trials ask for: none can be queued.")
        space, _ = searched(record, history)
        base = space.baseline if history.best is None else history.best.recipe
        recipe = recipe_by_hand(space, base, values)
        same = [t.number for t in history.searched.trials if t.recipe == recipe]
        if same:
            raise LuthierError(f"trial {same[0]} has exactly this recipe. Change a value.")
        step = Step(recipe.epochs, recipe=recipe, seed=record.seed)
        for _ in range(_TRIES):
            if self.storage.plan(study, self.history(study).decisions, [step]):
                return self._queued(study, recipe)
        raise LuthierError("the study's workers decide faster than this server reads: try again.")

    def _queued(self, study: str, recipe: Recipe) -> str:
        trials = [t for t in self.history(study).trials if t.recipe == recipe]
        number = trials[-1].number if trials else "new"
        if self.storage.workers(study):
            return f"Trial {number} waits: a worker takes it next."
        return f"Trial {number} waits for the command that began the study, if budget is left."


def _numbered(history: History, number: int, study: str) -> Trial:
    if 0 <= number < len(history.trials):
        return history.trials[number]
    last = len(history.trials) - 1
    known = f"It has trials 0 to {last}." if history.trials else "It has no trial yet."
    raise LuthierError(f"study '{study}' has no trial {number}. {known}")
