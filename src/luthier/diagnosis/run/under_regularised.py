"""Under-regularised: a network that overfits, and a recipe that does nothing against it."""

from __future__ import annotations

import dataclasses

from luthier.core import Finding, Recipe, Run
from luthier.diagnosis.about import About
from luthier.diagnosis.prescribe import changed
from luthier.diagnosis.run.overfitting import overfitting

ABOUT = About(
    symptom="It overfits, and no regularisation is on.",
    evidence="The evidence of overfitting, and a recipe without dropout, decay, penalties, label "
    "smoothing, mixup, noise and augmentation. As severe as the overfitting.",
    cause="Nothing makes large weights or single rows expensive.",
    remedy="Dropout of 0.2 and weight decay of 0.01 to begin with.",
    reference="Goodfellow, Bengio, Courville 2016, Deep Learning, chapter 7",
)
DROPOUT, DECAY = 0.2, 0.01  # where luthier's own default recipe stands, or near it


def under_regularised(
    run: Run, *, dropout: float = DROPOUT, decay: float = DECAY
) -> Finding | None:
    """Find overfitting that the recipe does nothing against.

    Args:
        run: Curves of one training, with its recipe.
        dropout: To begin with.
        decay: To begin with.

    Returns:
        The finding, or None.
    """
    found = overfitting(run)
    if found is None or run.recipe is None or not _bare(run.recipe):
        return None
    first = changed(
        run, "Turn regularisation on.", {"weight_decay": decay, **_dropout(run.recipe, dropout)}
    )
    return dataclasses.replace(
        found,
        problem="under_regularised",
        summary="Nothing in the recipe holds the network back. " + found.summary,
        prescriptions=(first, *found.prescriptions[:1]),
    )


def _bare(recipe: Recipe) -> bool:
    penalties = (recipe.l1, recipe.l2, recipe.weight_decay)
    blurs = (recipe.label_smoothing, recipe.mixup, recipe.noise)
    return not any(penalties + blurs) and not recipe.dropout and recipe.augmentation == "none"


def _dropout(recipe: Recipe, dropout: float) -> dict[str, float]:
    """Return dropout where the network has some to set; None means as it was built."""
    return {} if recipe.dropout is None else {"dropout": dropout}
