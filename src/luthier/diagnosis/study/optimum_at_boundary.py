"""Optimum at the boundary: the best trials lie at the end of a range."""

from __future__ import annotations

from statistics import median

from luthier.core import Categorical, Finding, History, Prescription, Space
from luthier.diagnosis.about import About
from luthier.diagnosis.study.ranked import complete, units

ABOUT = About(
    symptom="The best trials share the highest, or the lowest, value that was allowed.",
    evidence="The best trial lies within a twentieth of an end of a range, the next two within a "
    "sixth of the same end, and trials near that end do better than the others in the middle. "
    "Warning; a bound that cannot move, such as a dropout of 0, is none.",
    cause="A range that was too narrow for this network and data.",
    remedy="Widen the range at that end and go on.",
    reference="Godbole et al. 2023, Deep Learning Tuning Playbook: search space boundaries",
)


def optimum_at_boundary(
    history: History,
    space: Space,
    *,
    edge: float = 0.05,
    near: float = 0.15,
    top: int = 3,
    trials: int = 12,
) -> Finding | None:
    """Find ranges that end before the optimum.

    Args:
        history: All trials.
        space: What was searched.
        edge: How near the best must lie to an end, as a share of the range.
        near: How near the others of the top must lie to it.
        top: How many trials the top has.
        trials: With fewer complete ones there is silence. By chance the top of twelve lies so in
            one study of five hundred, a parameter.

    Returns:
        The finding, or None.
    """
    found: dict[str, str] = {}
    shown: dict[str, float] = {}
    for name in space.parameters:
        placed = units(space, name, complete(history))
        if len(placed) < trials or isinstance(
            space.active(name, placed[0][0].recipe), (Categorical, type(None))
        ):
            continue
        for end, far in (("low", 0.0), ("high", 1.0)):
            apart = [abs(unit - far) for _, unit in placed]
            if apart[0] > edge or max(apart[:top]) > near or not _movable(space, name, end):
                continue
            inside = [
                history.loss(t) for (t, _), gap in zip(placed, apart, strict=True) if gap < 0.3
            ]
            outside = [
                history.loss(t) for (t, _), gap in zip(placed, apart, strict=True) if gap >= 0.3
            ]
            if outside and median(inside) < median(outside):
                found[name], shown[name] = end, placed[0][0].recipe.get(name)
    if not found:
        return None
    words = ", ".join(
        f"{name} at its {'highest' if end == 'high' else 'lowest'} ({shown[name]:.3g})"
        for name, end in found.items()
    )
    return Finding(
        problem="optimum_at_boundary",
        severity="warning",
        confidence=0.8,
        summary=f"The {top} best trials lie at the end of what was searched: {words}.",
        evidence={"best": [shown[name] for name in found], "parameters": list(found)},
        prescriptions=(Prescription("Widen the range and go on searching.", widen=found),),
    )


def _movable(space: Space, name: str, end: str) -> bool:
    """Tell whether a bound can be moved: nothing lies below a share, a count or a depth of none."""
    domain = space.active(name, space.baseline)
    low, high = getattr(domain, "low", None), getattr(domain, "high", None)
    if end == "low":
        return low is not None and (getattr(domain, "log", False) or low > 1)
    return high is not None and not (high == 1 and not getattr(domain, "log", False))
