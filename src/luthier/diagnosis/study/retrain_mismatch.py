"""Retrain mismatch: trained once more, the best recipe does not give the score that it won with."""

from __future__ import annotations

from math import sqrt
from statistics import mean, variance

from luthier.core import Finding, History, Prescription, Space, Trial
from luthier.diagnosis.about import About
from luthier.diagnosis.statistics import sigmas

ABOUT = About(
    symptom="The score that won does not come back when the recipe is trained again.",
    evidence="The same recipe, seed and engine gave two scores: error, for a result must be a "
    "function of those. Or fresh seeds of the winner end worse on the same validation rows than "
    "the score it won with, by more than seeds differ: info; warning where the baseline's fresh "
    "seeds do as well as the winner's, so that nothing is left of what the search gained.",
    cause="The best of many scores is partly luck; a network or objective that draws random "
    "numbers of its own; data that changed.",
    remedy="Believe the fresh seeds: their mean is what to expect. Where one seed gives two "
    "scores, find what is not seeded.",
    reference="Smith & Winkler 2006, The Optimizer's Curse; docs/determinism.md has what is "
    "promised",
)


def retrain_mismatch(
    history: History, space: Space, *, seeds: int = 3, same: float = 1e-6
) -> Finding | None:
    """Find a best score that does not come back.

    Args:
        history: All trials, those that confirm among them.
        space: What was searched.
        seeds: With fewer fresh ones there is silence.
        same: How far two scores of one training may lie apart, relative to their size.

    Returns:
        The finding, or None.
    """
    best = history.best
    if best is None:
        return None
    return _differs(history, best, same) or _unlucky(history, best, seeds)


def _differs(history: History, best: Trial, same: float) -> Finding | None:
    """Find a training that was done twice with two results."""
    won = history.loss(best)
    twins = [
        one
        for one in history.trials
        if one.number != best.number
        and best.engine
        and (one.recipe, one.seed, one.engine) == (best.recipe, best.seed, best.engine)
        and (one.state, one.epochs) == ("finished", best.epochs)
    ]
    again = next((one for one in twins if abs(history.loss(one) - won) > same * abs(won)), None)
    if again is None:
        return None
    first, second = history.score(best), history.score(again)
    return Finding(
        problem="retrain_mismatch",
        severity="error",
        confidence=0.99,
        summary=f"One training gave two results: {history.metric} {first:.4g} in trial "
        f"{best.number}, {second:.4g} in trial {again.number}, with the same recipe, seed and "
        f"engine ({best.engine}).",
        evidence={"first": first, "again": second, "seed": best.seed, "engine": best.engine},
        prescriptions=(
            Prescription(
                "Look for random numbers, threads or files in the network that the seed does not "
                "set; trials compare only without."
            ),
        ),
    )


def _unlucky(history: History, best: Trial, seeds: int) -> Finding | None:
    """Find a winning score that fresh seeds do not reach."""
    fresh = _fresh(history, best)
    baseline = _fresh(history, history.searched.trials[0])
    groups = [group for group in (fresh, baseline) if len(group) >= seeds]
    if len(fresh) < seeds:
        return None
    won, expected = history.loss(best), mean(fresh)
    spread = sqrt(mean(variance(group) for group in groups))
    # A single score differs from a mean of n by its own noise and the mean's.
    if expected - won <= sigmas() * spread * sqrt(1.0 + 1.0 / len(fresh)):
        return None
    sign = 1.0 if history.direction == "minimize" else -1.0
    gone = len(baseline) >= seeds and expected >= mean(baseline)
    rest = (
        f" The baseline's give {sign * mean(baseline):.4g}: nothing is left of the gain."
        if gone
        else ""
    )
    return Finding(
        problem="retrain_mismatch",
        severity="warning" if gone else "info",
        confidence=0.9 if gone else 0.7,
        summary=f"The score that won does not come back: {history.metric} was {sign * won:.4g}, "
        f"and {len(fresh)} fresh seeds give {sign * expected:.4g} on the same rows.{rest}",
        evidence={
            "won_with": sign * won,
            "fresh_seeds": sign * expected,
            "fresh_seeds_of_baseline": sign * mean(baseline) if len(baseline) >= seeds else None,
            "spread_over_seeds": spread,
        },
        prescriptions=(
            Prescription(
                "Keep the baseline, or search on with its seeds averaged."
                if gone
                else "Expect what the fresh seeds give, and not the score that won."
            ),
        ),
    )


def _fresh(history: History, chosen: Trial) -> list[float]:
    """Return the losses of a recipe's trainings that confirm."""
    losses = [history.loss(one) for one in history.confirming if one.recipe == chosen.recipe]
    return [one for one in losses if abs(one) < float("inf")]
