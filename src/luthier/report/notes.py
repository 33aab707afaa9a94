"""Notes of a summary: what a study's trials say beside its result, a line each."""

from __future__ import annotations

import math
from statistics import fmean, stdev

from luthier.core import OVER, History, Space, value_of
from luthier.report.text import number


def seeds_note(history: History) -> tuple[str, ...]:
    """Return what other seeds of the winner came to, where a search had them trained."""
    best = history.best
    if best is None:
        return ()
    alike = [trial for trial in history.searched.trials if trial.recipe == best.recipe]
    scores = [score for trial in alike if (score := history.score(trial)) is not None]
    if len(scores) < 2:
        return ()
    told = f"mean {fmean(scores):.4g}, standard deviation {stdev(scores):.2g}"
    return (f"the winner's recipe with {len(scores)} seeds: {told}",)


def rounds_notes(space: Space, history: History) -> tuple[str, ...]:
    """Return what was compared at one value, and what the best recipe came to with the others.

    Args:
        space: Of the study.
        history: Of the study.
    """
    lines = []
    for name, values in space.late.items():
        held = space.baseline.get(name)
        first = [t for t in history.searched.trials if t.recipe.get(name) == held]
        best = min(
            (t for t in first if history.loss(t) != math.inf), key=history.rank, default=None
        )
        last = [t for t in history.searched.trials if t.recipe.get(name) in values]
        said = f"{name}: trials were compared at {held}"
        if best is None or not last:
            lines.append(said)
            continue
        tried = [(str(trial.recipe.get(name)), history.score(trial)) for trial in last]
        told = ", ".join(f"{value} {number(score)}" for value, score in tried if score is not None)
        lines.append(f"{said}, whose best came to {number(history.score(best))}; then with {told}")
    return tuple(lines)


def bounds_notes(history: History, *, rows: bool) -> tuple[str, ...]:
    """Return what limits on metrics came to.

    Args:
        history: With its bounds.
        rows: Whether validation rows measured them, as they do of networks that luthier trains.
    """
    best = history.best
    if best is None or not history.bounds:
        return ()
    tried = [trial for trial in history.searched.trials if history.loss(trial) != math.inf]
    kept = sum(not history.excess(trial) for trial in tried)
    epoch = best.curves.best_epoch(history.metric, history.direction)
    where = " on validation rows, which chose it" if rows else ""
    lines = []
    for bound in history.bounds:
        value = value_of(best, bound.name, epoch)
        what = "breaks" if value is None or bound.excess(value) > 0 else "keeps"
        lines.append(
            f"the winner {what} the limit {bound}: {number(value)}{where} "
            f"({kept} of {len(tried)} trials keep all limits)"
        )
    return tuple(lines)


def failure_notes(history: History) -> tuple[str, ...]:
    """Return how many trials were over a limit, how many failed, and why the last ones did."""
    count = len(history.trials)
    failed = [trial for trial in history.trials if trial.state == "failed"]
    over = [trial for trial in failed if str(trial.cause).startswith(OVER)]
    failed = [trial for trial in failed if trial not in over]
    notes = [f"{len(over)} of {count} trials were {over[-1].cause}"] if over else []
    if failed:
        cause = " ".join(str(failed[-1].cause).split())
        notes.append(f"{len(failed)} of {count} trials failed, the last: {cause}")
    return tuple(notes)
