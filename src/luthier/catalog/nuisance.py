"""Nuisance parameters: those that must be tuned for a comparison of other ones to be fair."""

from __future__ import annotations

from collections.abc import Mapping

from luthier.core import Domain

# Godbole et al. 2023, "Deep Learning Tuning Playbook": what interacts with the question and is
# nobody's question itself. Optimizers' numbers are; the optimizer, the schedule, the network and
# the preprocessing are choices that a person asks about, so they are fixed unless asked.
NUISANCE = (
    "learning_rate",
    "momentum",
    "beta1",
    "beta2",
    "epsilon",
    "warmup",
    "weight_decay",
    "l1",
    "l2",
    "dropout",
    "label_smoothing",
    "mixup",
    "noise",
    "clip_norm",
)


NAME = "nuisance"  # as a space: those of the default space alone


def nuisance(ranges: Mapping[str, Domain], question: str = "") -> dict[str, Domain]:
    """Return the ranges of a space's nuisance parameters, without what is asked about.

    Args:
        ranges: Of the whole space. A range that depends on a parameter that is not among them
            has the case of its fixed value.
        question: What is asked.

    >>> from luthier.core import Categorical, Float
    >>> ranges = {"learning_rate": Float(1e-4, 0.1), "schedule": Categorical("cosine", "constant")}
    >>> list(nuisance(ranges)), list(nuisance(ranges, "learning_rate"))
    (['learning_rate'], [])
    """
    return {
        name: domain for name, domain in ranges.items() if name in NUISANCE and name != question
    }
