"""Irrelevant parameter: it was varied, and nothing depended on it."""

from __future__ import annotations

from luthier.core import Categorical, Finding, History, Prescription, Space
from luthier.diagnosis.about import About
from luthier.diagnosis.study.ranked import complete, explained, units

ABOUT = About(
    symptom="Trials with any value of it do equally well.",
    evidence="Of 24 complete trials or more, thirds of its range (or its choices) explain less "
    "than 3 % of the variance of the trials' ranks, while another parameter explains a fifth. "
    "Always info: it may matter beside other values of the others.",
    cause="The network or the optimizer does not mind it within this range.",
    remedy="Fix it at its usual value, and search the others more closely.",
    reference="Hutter, Hoos, Leyton-Brown 2014, An efficient approach for assessing "
    "hyperparameter importance",
)


def irrelevant_parameter(
    history: History, space: Space, *, little: float = 0.03, much: float = 0.2, trials: int = 24
) -> Finding | None:
    """Find parameters that need not be searched.

    Args:
        history: All trials.
        space: What was searched.
        little: Share of the ranks' variance that is none.
        much: Share that another parameter must explain: else nothing here explains anything.
        trials: With fewer complete ones there is silence.

    Returns:
        The finding, or None.
    """
    found = complete(history)
    if len(found) < trials:
        return None
    rank = {trial.number: float(place) for place, trial in enumerate(found)}
    shares: dict[str, float] = {}
    for name in space.parameters:
        placed = units(space, name, found)
        if len(placed) < trials:
            continue
        domain = space.active(name, space.baseline)
        count = len(domain.choices) if isinstance(domain, Categorical) else 3
        groups: list[list[float]] = [[] for _ in range(count)]
        for trial, unit in placed:
            groups[min(int(unit * count), count - 1)].append(rank[trial.number])
        # A range of which one part was tried alone says nothing about the others.
        if min(map(len, groups)) >= 4:
            shares[name] = explained(groups)
    idle = [name for name, share in shares.items() if share < little]
    if not idle or max(shares.values()) < much:
        return None
    strongest = max(shares, key=shares.__getitem__)
    return Finding(
        problem="irrelevant_parameter",
        severity="info",
        confidence=0.5,
        summary=f"{', '.join(idle)} made no difference within the range searched; {strongest} "
        f"explains {shares[strongest]:.0%} of how {len(found)} trials rank.",
        evidence={"parameters": idle, "strongest": strongest, "explains": shares[strongest]},
        prescriptions=(Prescription(f"Fix {', '.join(idle)}, and search {strongest} closely."),),
    )
