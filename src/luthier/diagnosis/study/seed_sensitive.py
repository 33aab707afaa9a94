"""Seed sensitive: what separates recipes is smaller than what separates seeds."""

from __future__ import annotations

from statistics import mean, stdev

from luthier.core import Finding, History, Prescription, Space, Trial
from luthier.diagnosis.about import About
from luthier.diagnosis.study.ranked import complete

ABOUT = About(
    symptom="The same recipe does well with one seed, and badly with the next.",
    evidence="Recipes trained with three seeds or more differ from seed to seed by more than the "
    "best recipe is ahead of the middle one. Always info.",
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
    groups: dict[str, list[Trial]] = {}
    for trial in complete(history):
        groups.setdefault(trial.recipe.identity, []).append(trial)
    losses = {key: [history.loss(trial) for trial in group] for key, group in groups.items()}
    spreads = [stdev(group) for group in losses.values() if len(group) >= seeds]
    if not spreads or len(losses) < recipes:
        return None
    spread = mean(one**2 for one in spreads) ** 0.5
    levels = sorted(mean(group) for group in losses.values())
    ahead = levels[len(levels) // 2] - levels[0]
    if spread <= ahead or spread <= 0.0:
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
