"""Too many failed trials: the search spends itself on recipes that end in nothing."""

from __future__ import annotations

from collections import Counter
from statistics import median

from luthier.core import OVER, Finding, History, Prescription, Space
from luthier.diagnosis.about import About
from luthier.diagnosis.study.ranked import ranked, units

ABOUT = About(
    symptom="Many trials end with NaN, out of memory, or an exception.",
    evidence="Of eight trials that ended or more, three tenths failed: warning; error where all "
    "did, of three or more.",
    cause="A range of rates that reaches too high, networks that do not fit into memory, or a bug "
    "in the builder.",
    remedy="Look at the cause of the last one; take the end of the range off where they lie.",
    reference="Godbole et al. 2023, Deep Learning Tuning Playbook: infeasible points",
)


def too_many_failed_trials(
    history: History, space: Space, *, share: float = 0.3, trials: int = 8, apart: float = 0.25
) -> Finding | None:
    """Find a search that fails too often.

    Args:
        history: All trials.
        space: What was searched.
        share: Share of failed trials that is too many.
        trials: With fewer that ended there is silence, unless all failed.
        apart: How far, as a share of a range, failed trials must lie from the others for the
            range to be named.

    Returns:
        The finding, or None.
    """
    ended = [t for t in history.searched.trials if t.state in ("finished", "failed", "pruned")]
    # What a user's limit forbids cost nothing, and is no fault of the space.
    ended = [t for t in ended if not str(t.cause).startswith(OVER)]
    failed = [t for t in ended if t.state == "failed"]
    everything = len(failed) == len(ended) and len(failed) >= 3
    if not everything and (len(ended) < trials or len(failed) < share * len(ended)):
        return None
    causes = Counter((t.cause or "unknown").split(":")[0] for t in failed)
    cause, count = causes.most_common(1)[0]
    sides = _sides(history, space, apart)
    where = "".join(f" They have a {side} {name}." for name, side in sides.items())
    advice = "; ".join(
        f"cut the {'upper' if side == 'high' else 'lower'} end of {name} off"
        for name, side in sides.items()
    )
    return Finding(
        problem="too_many_failed_trials",
        severity="error" if everything else "warning",
        confidence=0.95,
        summary=f"{len(failed)} of {len(ended)} trials failed, {count} with {cause}.{where}",
        evidence={"failed": len(failed), "ended": len(ended), "cause": cause},
        prescriptions=(
            Prescription(f"Narrow the search: {advice}." if advice else f"Look at: {cause}."),
        ),
    )


def _sides(history: History, space: Space, apart: float) -> dict[str, str]:
    """Return the parameters by which failed trials differ from the others, and their side."""
    searched = history.searched.trials
    failed, sound = [t for t in searched if t.state == "failed"], ranked(history)
    sides = {}
    for name in space.parameters:
        bad, good = ([unit for _, unit in units(space, name, group)] for group in (failed, sound))
        if bad and good and abs(median(bad) - median(good)) > apart:
            sides[name] = "high" if median(bad) > median(good) else "low"
    return sides
