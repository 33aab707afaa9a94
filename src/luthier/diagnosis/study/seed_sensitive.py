"""Seed sensitive: what separates recipes is smaller than what separates seeds."""

from __future__ import annotations

from statistics import mean, variance

from luthier.core import Finding, History, Prescription, Space
from luthier.diagnosis.about import About
from luthier.diagnosis.study.ranked import complete

ABOUT = About(
    symptom="The same recipe does well with one seed, and badly with the next.",
    evidence="Recipes trained with three seeds or more, those that confirm among them, differ from "
    "seed to seed by more than the best recipe is ahead of the middle one. Always info.",
    cause="A small validation part, a rate at the edge, or an initialisation that decides.",
    remedy="Compare means over seeds, with their interval; a warm-up or a lower rate calms it.",
    reference="Bouthillier et al. 2021, Accounting for Variance in Machine Learning Benchmarks",
)


def seed_sensitive(
    history: History, space: Space, *, seeds: int = 3, recipes: int = 3
) -> Finding | None:
    """Find a ranking that seeds decide.

    Args:
        history: All trials.
        space: What was searched.
        seeds: Of a recipe that are enough to tell a spread.
        recipes: With fewer different ones there is silence.

    Returns:
        The finding, or None.
    """
    searched: dict[str, list[float]] = {}
    for trial in complete(history):
        searched.setdefault(trial.recipe.identity, []).append(history.loss(trial))
    confirmed: dict[str, list[float]] = {}
    for trial in history.confirming:
        if trial.state in ("finished", "paused"):
            confirmed.setdefault(trial.recipe.identity, []).append(history.loss(trial))
    groups = [*searched.values(), *confirmed.values()]
    spreads = [variance(group) for group in groups if len(group) >= seeds]
    if not spreads or len(searched) < recipes:
        return None
    spread = mean(spreads) ** 0.5
    levels = sorted(mean(group) for group in searched.values())
    ahead = levels[len(levels) // 2] - levels[0]
    if not ahead < spread < float("inf"):
        return None
    return Finding(
        problem="seed_sensitive",
        severity="info",
        confidence=0.6,
        summary=f"Seeds decide: {history.metric} differs by {spread:.2g} from one seed to another, "
        f"and the best recipe is {ahead:.2g} ahead of the middle one.",
        evidence={"spread_over_seeds": spread, "ahead_of_the_middle": ahead},
        prescriptions=(Prescription("Train the best recipes with more seeds; compare means."),),
    )
