"""Study: the live handle on what a search found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import isfinite
from pathlib import Path
from typing import Any

from luthier.core import (
    Compromise,
    Diagnosis,
    History,
    LuthierError,
    Proof,
    Recipe,
    State,
    Storage,
    StudyRecord,
    Trial,
    pareto_front,
)
from luthier.data import facts
from luthier.diagnosis import diagnose_study
from luthier.loop.assembly import Assembly
from luthier.loop.evidence import diagnose_trial
from luthier.loop.handing_over.export import export_network, export_recipe, export_summary
from luthier.loop.handing_over.refit import refit as refit_trial
from luthier.loop.handing_over.report import now, study_story, write_study
from luthier.loop.limits import Limits
from luthier.loop.proving.references import references
from luthier.loop.ranges import searched
from luthier.loop.training.scoring import test_hash, test_scores
from luthier.loop.working.budget import looked
from luthier.proof import corrected_resampled
from luthier.report.html import Story, study_fragment
from luthier.report.importance import importances
from luthier.report.notes import bounds_notes, failure_notes, rounds_notes, seeds_note
from luthier.report.summary import Outcome, Summary
from luthier.report.text import number, summary_text


@dataclass(frozen=True)
class Best:
    """The winner of a study.

    Args:
        trial: The trial itself, with its curves.
        recipe: What it trained.
        score: Its validation score.
    """

    trial: Trial
    recipe: Recipe
    score: float


@dataclass(eq=False)
class Study:
    """A study whose search has ended or was stopped; `luthier.tune` returns one.

    Args:
        record: What it is about.
        storage: Where it lives.
        parts: Builder, data and framework; None for an objective.
        remarks: What whoever trained has to say, such as why no faster engine did.
        proof: Whether the winner beats the baseline; None where nobody confirmed.
        known: Its history as far as it was read already; the rest is read when it is asked for.
    """

    record: StudyRecord
    storage: Storage
    parts: Assembly | None = None
    remarks: tuple[str, ...] = ()
    proof: Proof | None = None
    known: History | None = field(default=None, repr=False)
    _summary: Summary | None = field(default=None, repr=False)

    @property
    def name(self) -> str:
        """The study's name in its storage."""
        return self.record.name

    @cached_property
    def history(self) -> History:
        """Every trial, as the storage had it when this was first asked for."""
        known = self.known or History()
        return known.merge(self.storage.history(self.record.name, known.changed))

    @property
    def trials(self) -> tuple[Trial, ...]:
        """Every trial, in the order in which they began."""
        return self.history.trials

    @property
    def best(self) -> Best:
        """The trial with the best validation score.

        Raises:
            LuthierError: when no trial has a score.
        """
        trial = self.history.best
        score = None if trial is None else self.history.score(trial)
        if trial is None or score is None:
            failed = [t for t in self.history.trials if t.state == "failed"]
            last = f" The last one: {failed[-1].cause}." if failed else ""
            raise LuthierError(
                f"study '{self.name}' has no trial with a score: {len(failed)} of "
                f"{len(self.history.trials)} failed.{last}"
            )
        return Best(trial, trial.recipe, score)

    @property
    def front(self) -> tuple[Compromise, ...]:
        """The trials that no other one beats in the metric and all further objectives."""
        return pareto_front(self.history, Limits.of(self.record).goals)

    @property
    def chosen(self) -> Best:
        """What is handed over: the winner, unless its confirmation speaks for the baseline.

        It does where the winner proved worse, or equivalent and no cheaper, unless the baseline
        breaks a limit that the winner keeps.

        Raises:
            LuthierError: when no trial has a score.
        """
        best, baseline = self.best, self.history.trials[0]
        score = self.history.score(baseline)
        proof = self.proof
        if proof is None or proof.choice == "best" or proof.tuned or score is None:
            return best
        if self.history.excess(baseline) > self.history.excess(best.trial):
            return best  # which is why it had to be another
        return Best(baseline, baseline.recipe, score)

    @property
    def diagnosis(self) -> Diagnosis:
        """What is wrong with the search, and with its winner's training or the last one's."""
        trials = self.history.trials
        trial = self.history.best or (trials[-1] if trials else None)
        winner = None if trial is None else diagnose_trial(trial, self.parts)
        proven = replace(self.history, proof=self.proof)
        return diagnose_study(proven, searched(self.record, self.history)[0], winner=winner)

    def best_model(self) -> Any:
        """Return the winner as a live network with its best weights, in evaluation mode.

        Raises:
            LuthierError: for a study of an objective, whose networks luthier never sees.
        """
        parts, trial = self._network(), self.best.trial
        state = self.state(trial)
        task = parts.preparation.arrays(trial.recipe).task
        return parts.framework.restore(parts.build, trial.recipe, task, state)

    def state(self, trial: Trial) -> State:
        """Return a trial's weights and all else that it would need to go on.

        Raises:
            LuthierError: when the storage does not hold them any more.
        """
        state = self.storage.state(self.name, trial.number)
        if state is None:
            raise LuthierError(
                f"the checkpoint of trial {trial.number} is gone from {self.storage.url}: only "
                "the best trials keep theirs. Train its recipe again: luthier train."
            )
        return state

    def export(self, folder: str | Path, *, refit: bool = False) -> list[Path]:
        """Write recipe, weights, summary, report and a script that retrains what was `chosen`.

        Args:
            folder: Made where it is missing.
            refit: Whether to train it once more, on training and validation rows, into a folder
                ``refit`` below: a little better as a rule, and not validated.

        Returns:
            The files written; for an objective, recipe, summary and report alone.

        Raises:
            LuthierError: when no trial has a score.
        """
        folder, trial = Path(folder), self.chosen.trial
        if self.parts is None:
            files = [export_recipe(folder, trial.recipe, self.name)]
        else:
            files = export_network(folder, self.parts, self.record, trial, self.state(trial))
        again = None
        if refit:
            again = refit_trial(folder, self._network(), self.record, trial)
            files += again.files
        self._summary = replace(
            self.summary, report="report.html", refit=None if again is None else again.to_json()
        )
        files.append(export_summary(folder, self._summary))
        return [*files, self.report(folder / "report.html")]

    def report(self, path: str | Path = "report.html") -> Path:
        """Write the whole story as one HTML file, which needs neither network nor server.

        Returns:
            The file written; in a folder that was named, ``report.html``.
        """
        return write_study(path, self.story(self.summary.to_json(), now()))

    def story(self, summary: dict[str, Any], written: str = "") -> Story:
        """Return all that a page of the study is made of.

        Args:
            summary: What `Summary.to_json` gives; empty where the test part is to stay closed.
            written: When, in words.
        """
        where = self.storage.url
        record = replace(self.record, space=searched(self.record, self.history)[0])
        return study_story(record, self.history, self.diagnosis, summary, where, written)

    def __repr__(self) -> str:
        trials, best = self.history.trials, self.history.best
        score = None if best is None else self.history.score(best)
        found = "no score yet"
        if best is not None and score is not None:
            found = f"best {self.record.metric} {number(score)} in trial {best.number}"
        count = f"{len(trials)} trial{'s' * (len(trials) != 1)}"
        return f"<Study {self.name} in {self.storage.url}: {count}, {found}>"

    def __str__(self) -> str:
        # Nor may printing it.
        if self._summary is not None:
            return summary_text(self._summary)
        return f"{self!r}\nstudy.summary opens the test part; study.export(folder) hands it over."

    def _repr_html_(self) -> str:
        # Without asking for the summary: showing a study must not open its test part.
        known = {} if self._summary is None else self._summary.to_json()
        return study_fragment(self.story(known))

    @property
    def summary(self) -> Summary:
        """What was found and what it cost; the test part is opened the first time."""
        if self._summary is None:
            self._summary = self._conclude()
        return self._summary

    def to_json(self) -> dict[str, Any]:
        """Return the summary as plain data: what ``--json`` prints."""
        return self.summary.to_json()

    def _conclude(self) -> Summary:
        history = self.history
        summary = Summary(
            study=self.name,
            storage=self.storage.url,
            task=str(self.record.about.get("task", "objective")),
            metric=self.record.metric,
            direction=self.record.direction,
            best=None,
            baseline=None,
            epochs_spent=history.epochs + looked(self.record.about),
            seconds=history.seconds,
            trials=history.counts(),
            engine=next((t.engine for t in history.trials if t.engine), ""),
            notes=self._notes(),
            diagnosis=self.diagnosis,
            proof=self.proof,
            importances=importances(self.record, history).to_json(),
            front=self.front if Limits.of(self.record).goals else None,
        )
        if history.best is None:
            return summary
        baseline = history.trials[0] if self.parts is not None else None
        summary = replace(
            summary,
            best=self._outcome(history.best),
            baseline=None if baseline is None else self._outcome(baseline),
        )
        summary = replace(summary, choice=self._choice() if self.parts is not None else None)
        if self.parts is not None:
            preparation = self.parts.preparation
            arrays = preparation.arrays(history.best.recipe)
            before = None if self.proof is None else self.proof.openings
            if before is None:
                test = test_hash(preparation.dataset.fingerprint, arrays)
                before = self.storage.opened(test, self.name)
            summary = replace(
                summary,
                references=references(self.parts, self.record.seed),
                test_openings=before if arrays.test is not None else 0,
                data=facts(preparation.dataset, preparation.splits),
            )
        return summary

    def _choice(self) -> dict[str, Any] | None:
        """Return how finalists did on further splits of small data; None where there are none."""
        repeats = self.history.repeats
        best = self.history.best
        if not repeats or best is None:
            return None
        sign = 1.0 if self.record.direction == "minimize" else -1.0
        searched = self.history.searched.trials
        scores = {
            next(t.number for t in searched if t.recipe == recipe): [sign * x for x in losses]
            for recipe, losses in repeats.items()
        }
        return {
            "splits": len(next(iter(repeats.values()))),
            "winner": best.number,
            "finalists": [
                {"trial": number, "scores": [x if isfinite(x) else None for x in found]}
                for number, found in sorted(scores.items())
            ],
            "against_baseline": _ahead(scores, best.number, sign, self._ratio()),
        }

    def _ratio(self) -> float:
        """Return validation rows by training rows."""
        arrays = self._network().arrays
        return len(arrays.val) / len(arrays.train)

    def _notes(self) -> tuple[str, ...]:
        """Return what to know about data, search and trials."""
        facts_noted = () if self.parts is None else self.parts.preparation.dataset.notes
        _, moved = searched(self.record, self.history)
        return (
            *facts_noted,
            *self.record.seen,
            *map(str, moved),
            *rounds_notes(self.record.space, self.history),
            *seeds_note(self.history),
            *bounds_notes(self.history, rows=self.parts is not None),
            *self.remarks,
            *failure_notes(self.history),
        )

    def _outcome(self, trial: Trial) -> Outcome | None:
        goal = (self.record.metric, self.record.direction)
        epoch = trial.curves.best_epoch(*goal)
        if epoch is None:
            return None
        test: dict[str, float] = {}
        state = self.storage.state(self.name, trial.number)
        if state is not None and self.parts is not None:
            arrays = self.parts.preparation.arrays(trial.recipe)
            test = test_scores(self.parts.framework, self.parts.build, trial, state, arrays)
        return Outcome(
            trial=trial.number,
            recipe=trial.recipe,
            validation=trial.curves.epoch(epoch - 1)["metrics"],
            test=test,
            epoch=epoch,
            epochs=trial.epochs,
            seed=trial.seed,
        )

    def _network(self) -> Assembly:
        if self.parts is None:
            raise LuthierError(
                f"study '{self.name}' tuned an objective: its networks are yours to keep. "
                "Save them in the objective, for example below `trial.checkpoint_dir`."
            )
        return self.parts


def _ahead(
    scores: Mapping[int, list[float]], winner: int, sign: float, ratio: float
) -> dict[str, float] | None:
    """Return the winner's mean gain over the baseline, with the test for overlapping splits."""
    if winner == 0 or 0 not in scores or not all(map(isfinite, scores[0] + scores[winner])):
        return None
    gains = [sign * (a - b) for a, b in zip(scores[0], scores[winner], strict=True)]
    error, p_value = corrected_resampled(gains, ratio)
    return {"gain": sum(gains) / len(gains), "error": error, "p_value": p_value}
