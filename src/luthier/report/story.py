"""Story: all that a study's page is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from luthier.core import Diagnosis, Goal, History, Proof, StudyRecord, Trial
from luthier.report.notes import bounds_notes, rounds_notes


@dataclass(frozen=True)
class Story:
    """A study as a page tells it.

    Args:
        record: What the study is about.
        history: Its trials.
        diagnosis: Of the winner's training.
        summary: What `Summary.to_json` gives, as far as it is known; what is null is not told.
        recipe: The winner's recipe as a file, to copy.
        commands: What to type, and what it does.
        versions: By name.
        written: When, in words; empty where the page should not say.
        address: Where a server shows the study, and each trial below it; empty in a file.
    """

    record: StudyRecord
    history: History
    diagnosis: Diagnosis
    summary: Mapping[str, Any] = field(default_factory=dict)
    recipe: str = ""
    commands: tuple[tuple[str, str], ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    written: str = ""
    address: str = ""

    @property
    def baseline(self) -> Trial | None:
        """The trial that trained the baseline: the first one, unless an objective chose it."""
        trials = self.history.trials
        known = trials and self.record.about.get("task") in ("classification", "regression")
        return trials[0] if known else None

    @property
    def goals(self) -> tuple[Goal, ...]:
        """What the metric is traded against."""
        return tuple(Goal(*pair) for pair in self.record.about.get("goals", ()))

    @property
    def proof(self) -> Proof | None:
        """Whether the winner beats the baseline; None where nobody confirmed."""
        known = self.summary.get("proof") or self.record.about.get("proof")
        return Proof.from_json(known) if isinstance(known, Mapping) else None

    @property
    def notes(self) -> tuple[str, ...]:
        """What to know beside the result: the summary's notes, or what record and trials tell."""
        told = self.summary.get("notes")
        if told is not None:
            return tuple(told)
        rows = self.record.about.get("task") != "objective"
        rounds = rounds_notes(self.record.space, self.history)
        return (*self.record.seen, *rounds, *bounds_notes(self.history, rows=rows))

    def kept(self, trial: Trial) -> int | None:
        """Return the epoch whose weights a trial keeps."""
        return trial.curves.best_epoch(self.record.metric, self.record.direction)
