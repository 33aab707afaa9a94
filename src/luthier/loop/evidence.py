"""What rules read of a training that luthier ran itself."""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

from luthier.core import Diagnosis, Run, Trace, Trial
from luthier.diagnosis import diagnose_run
from luthier.loop.preparation import Preparation


class Prepared(Protocol):
    """Whatever has the data at hand: parts, or what trains on them."""

    @property
    def preparation(self) -> Preparation:
        """The data, split."""


def run_of(trial: Trial, parts: Prepared | None = None) -> Run:
    """Return a trial as evidence; of an objective, losses alone mean the same to everyone.

    A trial that an engine of ours trained was none; without its data, less is known of it.
    """
    if parts is None and trial.engine:
        return Run(trial.curves, trial.recipe, None, Trace(facts={"keeps_best": True}))
    if parts is None:
        return Run(replace(trial.curves, metrics={}))
    arrays = parts.preparation.arrays(trial.recipe)
    steps = trial.recipe.updates(len(arrays.train))
    # The engines keep the best epoch's weights: epochs after it cost time and nothing else.
    facts = {"keeps_best": True, "steps_per_epoch": steps}
    return Run(trial.curves, trial.recipe, arrays.task, Trace(facts=facts))


def diagnose_trial(trial: Trial, parts: Prepared | None = None) -> Diagnosis:
    """Return what is wrong with one training."""
    return diagnose_run(run_of(trial, parts))
