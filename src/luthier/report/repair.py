"""A repair: the record that text, JSON and page are made of."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from luthier.core import Diagnosis, Verdict
from luthier.report.amounts import mean_text, signed, size

_WIDTH = 96
_MARGIN = 10
SAID = {
    "better": "better than before, beyond what seeds and rows explain",
    "worse": "worse than before",
    "undecided": "not clearly better than before",
    "equivalent": "no different from before",
}


@dataclass(frozen=True)
class Change:
    """One change of a repair.

    Args:
        advice: What, in words.
        problem: What it is against.
        settings: Old and new value by recipe key.
        code: Lines to paste where the network is built; empty for a change of the recipe.
        before, after: Validation score without and with it, when it was found.
        contribution: By how much the score on the judged rows is worse without it, over seeds;
            None where that was not measured.
    """

    advice: str
    problem: str
    settings: Mapping[str, tuple[Any, Any]]
    code: tuple[str, ...] = ()
    before: float | None = None
    after: float | None = None
    contribution: float | None = None

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "advice": self.advice,
            "problem": self.problem,
            "settings": {key: list(pair) for key, pair in self.settings.items()},
            "code": list(self.code),
            "before": self.before,
            "after": self.after,
            "contribution": self.contribution,
        }


@dataclass(frozen=True)
class Attempt:
    """One cure that was tried: what it came to.

    Args:
        advice, problem: As of a change.
        score: Best validation score; None where it failed, or was not reached.
        epochs: How long it was trained.
        taken: Whether it is part of the repair.
    """

    advice: str
    problem: str
    score: float | None
    epochs: int
    taken: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "advice": self.advice,
            "problem": self.problem,
            "score": self.score,
            "epochs": self.epochs,
            "taken": self.taken,
        }


@dataclass(frozen=True)
class Repaired:
    """What a repair came to.

    Args:
        outcome: ``healthy``: there was nothing to repair. ``repaired``: the changes are proven.
            ``unproven``: changes were found that fresh seeds did not confirm, and none is handed
            over. ``not_repaired``: nothing that was tried helped. ``stopped``: by Ctrl-C.
        metric, direction: What decides.
        diagnosis: What was wrong.
        changes: What was changed.
        verdict: Of after against before, over fresh seeds; None where nothing is claimed.
        before, after: Score of each fresh seed.
        judged_on: ``test`` or ``validation`` rows.
        openings: How often the test rows were opened before; None where they were not.
        tried: All that was tried.
        full: Epochs of one training.
        check_epochs: Worth of the check's short trainings, in epochs.
        find_epochs: Trained to find the changes, the given recipe's own training among them.
        prove_epochs: Trained to prove them.
        seconds: All that it took.
        to_do: What is left for a person.
        notes: What a reader should know.
        study: Where the trainings are stored.
    """

    outcome: str
    metric: str
    direction: str
    diagnosis: Diagnosis
    changes: tuple[Change, ...] = ()
    verdict: Verdict | None = None
    before: tuple[float, ...] = ()
    after: tuple[float, ...] = ()
    judged_on: str = "test"
    openings: int | None = None
    tried: tuple[Attempt, ...] = ()
    full: int = 1
    check_epochs: float = 0.0
    find_epochs: int = 0
    prove_epochs: int = 0
    seconds: float = 0.0
    to_do: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    study: str = ""

    @property
    def sentence(self) -> str:
        """What came of it, in one sentence."""
        if self.outcome == "healthy":
            some = len(self.tried)
            others = f", and none of {some} changes that were tried is far better" if some else ""
            return (
                "Nothing to repair: neither the set-up nor the training shows a fault"
                f"{others}, so the recipe is left as it is. To look for a better one: luthier tune."
            )
        named = ", ".join(one.problem for one in self.diagnosis.findings if one.severity != "info")
        if self.outcome == "stopped":
            return "Stopped; the same command goes on from what was stored."
        if self.outcome == "repaired" and self.verdict is not None:
            count = f"{len(self.changes)} change{'s' * (len(self.changes) > 1)}"
            return (
                f"Repaired with {count}: {self.metric} {mean_text(self.after)} instead of "
                f"{mean_text(self.before)}, over {len(self.after)} fresh seeds of each."
            )
        if self.outcome == "unproven":
            return (
                f"Not repaired: what helped one training ({named}) was not confirmed by fresh "
                "seeds, so the recipe is left as it is."
            )
        tried = f"{len(self.tried)} change{'s' * (len(self.tried) != 1)}"
        return (
            f"Not repaired: {named} found, and none of {tried} that were tried is clearly better. "
            "The recipe is left as it is."
        )

    @property
    def cost(self) -> str:
        """What it took, in trainings' worth of epochs."""
        find = (self.check_epochs + self.find_epochs) / self.full
        text = f"{find:.1f} trainings' worth of epochs to find"
        if self.prove_epochs:
            text += f", {self.prove_epochs / self.full:.1f} to prove"
        return text

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "outcome": self.outcome,
            "sentence": self.sentence,
            "metric": self.metric,
            "direction": self.direction,
            "diagnosis": self.diagnosis.to_json(),
            "changes": [one.to_json() for one in self.changes],
            "verdict": None if self.verdict is None else self.verdict.to_json(),
            "before": list(self.before),
            "after": list(self.after),
            "judged_on": self.judged_on if self.before else None,
            "openings": self.openings,
            "tried": [one.to_json() for one in self.tried],
            "epochs": {
                "training": self.full,
                "check": round(self.check_epochs, 2),
                "find": self.find_epochs,
                "prove": self.prove_epochs,
            },
            "seconds": self.seconds,
            "to_do": list(self.to_do),
            "notes": list(self.notes),
            "study": self.study,
        }


def repair_text(found: Repaired) -> str:
    """Return a repair as text: the sentence, the changes with their proof, what is left, the cost.

    >>> print(repair_text(Repaired("healthy", "rmse", "minimize", Diagnosis("check"), full=10)))
    Nothing to repair: neither the set-up nor the training shows a fault, so the recipe is left as
    it is. To look for a better one: luthier tune.
    cost      0.0 trainings' worth of epochs to find
    """
    lines = textwrap.wrap(found.sentence, _WIDTH)
    for one in found.diagnosis.findings:
        if one.severity != "info":
            lines += _row("found", f"{one.problem} ({one.severity}): {one.summary}")
    for change in found.changes:
        lines += _row("change", change_text(change, found.metric))
        lines += [f"{'':{_MARGIN}}  {line}" for code in change.code for line in code.splitlines()]
    for text in verdict_texts(found):
        lines += _row("proof", text)
    for text in found.to_do:
        lines += _row("to do", text)
    for text in found.notes:
        lines += _row("note", text)
    lines += _row("cost", found.cost)
    return "\n".join(lines)


def change_text(change: Change, metric: str) -> str:
    """Return one change: what, against what, and what it brought.

    >>> change_text(Change("Clip gradients", "nan_loss", {"clip_norm": (None, 1.0)}), "rmse")
    'Clip gradients [clip_norm: None → 1] against nan_loss.'
    """
    settings = ", ".join(
        f"{key}: {_short(old)} → {_short(new)}" for key, (old, new) in change.settings.items()
    )
    text = change.advice + (f" [{settings}]" if settings else "") + f" against {change.problem}"
    if change.before is not None and change.after is not None:
        text += f": validation {metric} {change.before:.3g} → {change.after:.3g}"
    elif change.after is not None:
        text += f": validation {metric} {change.after:.3g}, where it had failed"
    if change.contribution is not None:
        text += f"; without it {metric} is {size(change.contribution)} "
        text += "worse" if change.contribution > 0 else "better"
    return text + "."


def verdict_texts(found: Repaired) -> list[str]:
    """Return what the fresh seeds say."""
    verdict = found.verdict
    if verdict is None:
        return []
    rows = f"{verdict.rows} {found.judged_on} rows"
    return [
        f"{SAID[verdict.verdict]}: {found.metric} {mean_text(found.after)} against "
        f"{mean_text(found.before)}, {verdict.seeds} trainings of each, on {rows}",
        f"gain {signed(verdict.difference)}, 95 % interval {signed(verdict.interval[0])} to "
        f"{signed(verdict.interval[1])}, p = {verdict.p_value:.2g} (a claim takes "
        f"{verdict.level:.2g})",
    ]


def _row(head: str, text: str) -> list[str]:
    margin = " " * _MARGIN
    return textwrap.wrap(
        text,
        _WIDTH,
        initial_indent=f"{head:{_MARGIN}}",
        subsequent_indent=margin,
        break_on_hyphens=False,
    )


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
