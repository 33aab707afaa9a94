"""A recipe that was reported with a score, and does not give it again."""

from __future__ import annotations

import math
import platform
from collections.abc import Iterable, Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from luthier.core import Diagnosis, Finding, Prescription
from luthier.diagnosis.causes import combined


def versions(libraries: Iterable[str]) -> dict[str, str]:
    """Return the versions that decide what a training comes to.

    Args:
        libraries: Of its framework; what is not installed is left out.
    """
    found = {"luthier": version("luthier"), "python": platform.python_version()}
    for name in libraries:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def mismatch(
    found: Mapping[str, float],
    reported: Mapping[str, float],
    metric: str,
    run: Mapping[str, Any],
    *,
    same: float = 1e-6,
) -> Finding | None:
    """Return what is wrong where a training does not repeat its reported score; else None.

    Args:
        found: Its validation scores now.
        reported: What the recipe's file says; empty where this is another run.
        metric: The one that decides.
        run: The file's run block: what it was trained with.
        same: How far two scores of one training may lie apart, relative to their size: the last
            digits differ between machines.
    """
    then, now = reported.get(metric), found.get(metric)
    if then is None or now is None or math.isclose(then, now, rel_tol=same, abs_tol=1e-12):
        return None
    known = run.get("versions")
    before: Mapping[str, Any] = known if isinstance(known, Mapping) else {}
    here = versions(name for name in before if name not in ("luthier", "python"))
    changed = {
        name: (value, here.get(name, "none"))
        for name, value in before.items()
        if value != here.get(name)
    }
    told = ", ".join(f"{name} {a} then, {b} now" for name, (a, b) in changed.items())
    return Finding(
        problem="retrain_mismatch",
        severity="warning" if changed else "error",
        confidence=0.99,
        summary=f"The reported score does not come back: {metric} {then:.6g} was reported, and "
        f"the same recipe, seed and data give {now:.6g}{f' ({told})' if told else ''}.",
        evidence={"reported": then, "found": now},
        prescriptions=(
            Prescription(
                "Train with the versions that it was found with: they stand in recipe.yaml."
                if changed
                else "Look for random numbers, threads or files in the network that the seed does "
                "not set; and whether the machine is another one."
            ),
        ),
    )


def with_mismatch(diagnosis: Diagnosis, finding: Finding | None) -> Diagnosis:
    """Return a training's diagnosis with that finding in its place."""
    if finding is None:
        return diagnosis
    findings = combined([finding, *diagnosis.findings])
    return Diagnosis(diagnosis.of, findings, diagnosis.looked_at, diagnosis.notes)
