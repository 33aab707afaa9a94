"""Too few trials: the search has hardly begun, for what it varies."""

from __future__ import annotations

from luthier.core import Finding, History, Prescription, Space
from luthier.diagnosis.about import About
from luthier.diagnosis.study.ranked import ranked

ABOUT = About(
    symptom="The best trial is one of a handful, or one of the last.",
    evidence="Fewer scored trials than twice the number of parameters, or the best among the last "
    "fifth of at least ten. Always info: more trials settle it.",
    cause="A budget that is small for the space.",
    remedy="Go on with the same study, or vary less.",
    reference="Bergstra & Bengio 2012, Random Search for Hyper-Parameter Optimization",
)


def too_few_trials(
    history: History, space: Space, *, each: int = 2, late: float = 0.2, trials: int = 3
) -> Finding | None:
    """Find a search that had more to find.

    Args:
        history: All trials.
        space: What was searched.
        each: Trials a parameter that are the least.
        late: Share of the trials, the last ones, in which a best trial says that better ones come.
        trials: With fewer there is silence: nobody takes them for a search.

    Returns:
        The finding, or None.
    """
    found = ranked(history)
    if len(found) < trials or not space.dimensions:
        return None
    order = sorted(trial.number for trial in found)
    behind = len(order) - 1 - order.index(found[0].number)
    few, improving = len(found) < each * space.dimensions, len(order) >= 10
    improving = improving and behind < late * len(order)
    if not few and not improving:
        return None
    why = (
        f"{len(found)} scored trials for {space.dimensions} parameters"
        if few
        else f"the best of {len(order)} trials was number {order.index(found[0].number) + 1}"
    )
    return Finding(
        problem="too_few_trials",
        severity="info",
        confidence=0.6,
        summary=f"The search may not be over: {why}.",
        evidence={"scored": len(found), "parameters": space.dimensions, "after_the_best": behind},
        prescriptions=(Prescription("Run the same command again: the study goes on."),),
    )
