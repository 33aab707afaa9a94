"""Studies and trials as lists, and as the JSON that is printed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from luthier.core import Goal, History, Proof, StudyRecord, Trial, pareto_front
from luthier.report.importance import importances
from luthier.report.text import number, seconds

Found = tuple[StudyRecord, History]


def studies_text(found: Sequence[Found], storage: str) -> str:
    """Return one line a study."""
    if not found:
        return f"{storage} holds no study yet. Begin one: luthier tune digits"
    rows = [("study", "trials", "epochs", "time", "best", "verdict", "data")]
    for record, history in found:
        best = history.best
        score = number(history.score(best)) if best is not None else "–"
        rows.append(
            (
                record.name,
                str(len(history.trials)),
                f"{history.epochs:,}",
                seconds(history.seconds),
                f"{record.metric} {score}",
                _verdict(record),
                str(record.about.get("data") or "Python objects"),
            )
        )
    return _columns(rows)


def studies_json(found: Sequence[Found]) -> list[dict[str, Any]]:
    """Return one object a study."""
    return [
        {
            "study": record.name,
            "metric": record.metric,
            "direction": record.direction,
            "best": None if history.best is None else history.score(history.best),
            "trials": history.counts(),
            "epochs_spent": history.epochs,
            "seconds": round(history.seconds, 3),
            "verdict": (record.about.get("proof") or {}).get("verdict"),
            "about": {key: value for key, value in record.about.items() if key != "proof"},
        }
        for record, history in found
    ]


def study_json(record: StudyRecord, history: History, proof: Proof | None = None) -> dict[str, Any]:
    """Return a study, its verdict and all its trials."""
    goals = _goals(record)
    return {
        **studies_json([(record, history)])[0],
        "seed": record.seed,
        "proof": None if proof is None else proof.to_json(),
        "front": [one.to_json() for one in pareto_front(history, goals)] if goals else None,
        "importances": importances(record, history).to_json(),
        "space": record.to_json()["space"],
        "all_trials": [_trial_json(trial, history) for trial in history.trials],
    }


def _trial_json(trial: Trial, history: History) -> dict[str, Any]:
    return {
        "trial": trial.number,
        "state": trial.state,
        "cause": trial.cause,
        "score": history.score(trial),
        "epochs": trial.epochs,
        "seed": trial.seed,
        "engine": trial.engine,
        "purpose": trial.purpose,
        "recipe": trial.recipe.to_json(),
    }


def _goals(record: StudyRecord) -> tuple[Goal, ...]:
    return tuple(Goal(*pair) for pair in record.about.get("goals", ()))


def _verdict(record: StudyRecord) -> str:
    return str((record.about.get("proof") or {}).get("verdict") or "–")


def _columns(rows: Sequence[Sequence[str]], widest: int = 60) -> str:
    """Align columns; the last one is left as long as it is, up to a line's end."""
    widths = [min(max(len(row[i]) for row in rows), widest) for i in range(len(rows[0]) - 1)]
    return "\n".join(
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[-1]])
        for row in rows
    )
