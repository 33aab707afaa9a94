"""Epochs too few: the best trials are cut off while they still get better."""

from __future__ import annotations

from luthier.core import Finding, History, Prescription, Run, Space
from luthier.diagnosis.about import About
from luthier.diagnosis.evidence import finite
from luthier.diagnosis.run.too_few_epochs import too_few_epochs
from luthier.diagnosis.statistics import falls
from luthier.diagnosis.study.ranked import complete

ABOUT = About(
    symptom="The best trials end in their best epoch, still falling.",
    evidence="Four of the five best complete trials, of six or more, are best in their last tenth "
    "and have both losses still falling at the end, by what too_few_epochs asks for. Warning.",
    cause="Runs that are too short for this network and data.",
    remedy="Twice the epochs; rates and schedules found so far carry over in part.",
    reference="Godbole et al. 2023, Deep Learning Tuning Playbook: choosing the number of steps",
)


def epochs_too_few(
    history: History, space: Space, *, top: int = 5, most: int = 4, trials: int = 6
) -> Finding | None:
    """Find a length of training that cuts the best trials off.

    Args:
        history: All trials.
        space: What was searched.
        top: How many of the best trials are looked at.
        most: How many of them must have been cut off.
        trials: With fewer complete ones there is silence.

    Returns:
        The finding, or None.
    """
    found = complete(history)
    if len(found) < trials:
        return None
    cut = 0
    for trial in found[:top]:
        best = trial.curves.best_epoch(history.metric, history.direction) or 0
        early = too_few_epochs(Run(trial.curves, trial.recipe)) is not None
        cut += early and best > 0.9 * trial.epochs and falls(finite(trial.curves.val_loss))
    if cut < most:
        return None
    length = found[0].epochs
    longer = 2 * max(length, space.baseline.epochs)
    return Finding(
        problem="epochs_too_few",
        severity="warning",
        confidence=0.8,
        summary=f"{cut} of the {top} best trials were still getting better when they ended, after "
        f"{length} epochs.",
        evidence={"cut_off": cut, "looked_at": top, "epochs": length},
        prescriptions=(
            Prescription(
                f"Train longer: --length {longer}: what was learnt goes along.",
                change={"epochs": (space.baseline.epochs, longer)},
            ),
        ),
    )
