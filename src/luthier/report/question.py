"""The answer to one question about a parameter, as text and as plain data."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import Any

from luthier.core import Proof, Recipe, Value
from luthier.report.proof import proof_text
from luthier.report.text import number, setting

SURE = 0.8  # how often the order must come out the same for the points to be enough


@dataclass(frozen=True)
class Tuned:
    """One value of a parameter, tuned over its own nuisance parameters.

    Args:
        value: What was asked about.
        scores: Validation score of each point, steady around its best epoch; None where a
            training failed.
        score: The best of them.
        trial: Number of its trial.
        recipe: What it trained.
        nuisance: What it has of the tuned parameters.
        chance: How often this value's best would be the best of all, with other points.
        expected: Expected best score of 1, 2, … points.
    """

    value: Value
    scores: tuple[float | None, ...]
    score: float | None = None
    trial: int | None = None
    recipe: Recipe | None = None
    nuisance: tuple[tuple[str, Value], ...] = ()
    chance: float = 0.0
    expected: tuple[float, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "value": self.value,
            "score": self.score,
            "trial": self.trial,
            "recipe": None if self.recipe is None else self.recipe.to_json(),
            "scores": list(self.scores),
            "chance_best": self.chance,
            "expected_best": list(self.expected),
        }


@dataclass(frozen=True)
class Question:
    """A question and its answer.

    Args:
        question: The parameter.
        metric, direction: What decides.
        study, storage: Where its trials are.
        nuisance: What was tuned for each value.
        values: What was found, in the order in which it was asked.
        winner: Place of the value with the best validation score; None where all failed.
        against: Place of the value that it is held against.
        present: The recipe's own value.
        proof: Fresh trainings of both, on test rows.
        proposals: What to ask next, the most useful first.
        epochs_spent, seconds: What it took.
    """

    question: str
    metric: str
    direction: str
    study: str
    storage: str
    nuisance: tuple[str, ...]
    values: tuple[Tuned, ...]
    winner: int | None
    against: int | None
    present: Value
    proof: Proof
    proposals: tuple[str, ...] = ()
    epochs_spent: int = 0
    seconds: float = 0.0

    @property
    def enough(self) -> bool:
        """Whether the order of the values would hardly change with other points."""
        return self.winner is not None and self.values[self.winner].chance >= SURE

    def to_json(self) -> dict[str, Any]:
        """Return what ``--json`` prints."""
        verdict = self.proof.verdict
        return {
            "question": self.question,
            "metric": self.metric,
            "direction": self.direction,
            "study": self.study,
            "storage": self.storage,
            "nuisance": list(self.nuisance),
            "values": [one.to_json() for one in self.values],
            "answer": None if self.winner is None else self.values[self.winner].value,
            "against": None if self.against is None else self.values[self.against].value,
            "verdict": None if verdict is None else verdict.verdict,
            "p_value": None if verdict is None else verdict.p_value,
            "proof": self.proof.to_json(),
            "enough_points": self.enough,
            "next": list(self.proposals),
            "epochs_spent": self.epochs_spent,
            "seconds": round(self.seconds, 3),
        }


def question_text(found: Question, *, columns: int = 100) -> str:
    """Return the answer for a terminal."""
    if found.winner is None:
        return f"no value of {found.question} has a score: every training failed"
    best = found.values[found.winner]
    lines = [_table(found), ""]
    lines.append(
        f"{found.question}: {setting(best.value)} has the best validation score, "
        f"{number(best.score)} {found.metric}"
    )
    lines.append("")
    if found.against is not None:
        other = found.values[found.against]
        role = "the present one" if other.value == found.present else "the second best"
        lines.append(
            f"Below, the best is {setting(best.value)}, and the baseline {setting(other.value)}, "
            f"{role}."
        )
    lines += [proof_text(found.proof, found.metric, columns=columns), ""]
    share = f"{100 * best.chance:.0f} %"
    points = (
        f"enough: with other points of the nuisance parameters it would be the best {share} of "
        "the time"
        if found.enough
        else f"too few: with other points it would be the best only {share} of the time"
    )
    told = [("points", points), *(("next", text) for text in found.proposals)]
    for index, (head, text) in enumerate(told):
        first = head if index < 2 else ""
        lines += textwrap.wrap(
            text, columns, initial_indent=f"{first:10}", subsequent_indent=" " * 10
        )
    lines.append(f"spent     {found.epochs_spent:,} epochs, in study {found.study}")
    return "\n".join(lines)


def _table(found: Question) -> str:
    rows = [(found.question, "points", f"best {found.metric}", "best of all", "with")]
    for one in found.values:
        with_ = "every training failed"
        if one.recipe is not None:
            shown = [f"{name} {setting(value)}" for name, value in one.nuisance]
            with_ = ", ".join(shown) or "the baseline"
        chance = f"{100 * one.chance:.0f} %"
        rows.append((setting(one.value), str(len(one.scores)), number(one.score), chance, with_))
    widths = [max(len(row[i]) for row in rows) for i in range(5)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )
