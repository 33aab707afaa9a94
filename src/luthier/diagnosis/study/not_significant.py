"""Not significant: fresh seeds and fresh rows do not show that the winner is better."""

from __future__ import annotations

from math import isfinite

from luthier.core import Finding, History, Prescription, Space, Verdict
from luthier.diagnosis.about import About

ABOUT = About(
    symptom="The best trial is ahead of the baseline, and nobody knows whether it stays ahead.",
    evidence="Winner and baseline were trained again with fresh seeds and judged on the test part: "
    "info where the verdict is undecided or equivalent, warning where it is worse. Silent where "
    "nothing was confirmed.",
    cause="A difference below what seeds and test rows make by chance: the best of many scores is "
    "lucky.",
    remedy="Keep the baseline, or what is cheaper; more seeds or more test rows may decide.",
    reference="Bouthillier et al. 2021, Accounting for Variance in Machine Learning Benchmarks; "
    "docs/proof.md has the method",
)


def not_significant(history: History, space: Space) -> Finding | None:
    """Find a winner that was not shown to be better than what the search began with.

    Args:
        history: All trials, and what confirming the winner came to.
        space: What was searched.

    Returns:
        The finding, or None.
    """
    verdict = None if history.proof is None else history.proof.verdict
    if verdict is None or verdict.verdict == "better":
        return None
    low, high = verdict.interval
    worse = verdict.verdict == "worse"
    said = {
        "worse": "is worse than the baseline",
        "equivalent": "is as good as the baseline, and no better",
    }.get(verdict.verdict, "is not shown to be better than the baseline")
    return Finding(
        problem="not_significant",
        severity="warning" if worse else "info",
        confidence=1.0 - verdict.p_value if worse else 0.9,
        summary=f"The winner {said}: with {verdict.seeds} fresh seeds of each and {verdict.rows} "
        f"test rows its gain is {verdict.difference:.2g}, between {low:.2g} and {high:.2g} "
        f"(95 %), p = {verdict.p_value:.2g}.",
        evidence={
            "verdict": verdict.verdict,
            "gain": verdict.difference,
            "interval": (low, high),
            "p_value": verdict.p_value,
            "seeds": verdict.seeds,
            "rows": verdict.rows,
            "gain_that_would_have_been_seen": verdict.detectable,
        },
        prescriptions=_advice(verdict),
    )


def _advice(verdict: Verdict) -> tuple[Prescription, ...]:
    if verdict.verdict == "worse":
        return (Prescription("Use the baseline's recipe: the search was misled by luck."),)
    keep = Prescription("Take whichever is cheaper: nothing here speaks against the baseline.")
    if verdict.verdict == "equivalent":
        return (keep,)
    if isfinite(verdict.more_seeds):
        more = f"About {verdict.more_seeds:.0f} more seeds of each would decide a gain like this."
    else:
        more = "No number of seeds decides it: more test rows would."
    return (keep, Prescription(more))
