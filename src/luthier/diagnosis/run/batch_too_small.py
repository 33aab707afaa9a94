"""Batch too small: gradients of a few rows shake the weights more than they teach."""

from __future__ import annotations

from luthier.core import Finding, Run
from luthier.diagnosis.about import About
from luthier.diagnosis.evidence import adversarial, chance, curve, finite, training
from luthier.diagnosis.prescribe import changed, slower
from luthier.diagnosis.statistics import agreement, level, noise, tail

ABOUT = About(
    symptom="The loss stays high and restless; the batch is a handful of rows.",
    evidence="A batch of four rows or fewer, a last training loss above a fifth of guessing, and "
    "a second half in which epochs differ by 2 % of guessing, training and validation alike. "
    "Warning.",
    cause="The noise of a gradient goes with rate / batch; normalisation over two or three rows "
    "adds its own.",
    remedy="A batch of 32; or the rate divided by ten, and a normalisation over layers.",
    reference="McCandlish et al. 2018, An Empirical Model of Large-Batch Training; Wu & He 2018, "
    "Group Normalization, figure 1",
)


def batch_too_small(
    run: Run,
    *,
    rows: int = 4,
    left: float = 0.2,
    share: float = 0.02,
    together: float = 0.6,
    epochs: int = 10,
) -> Finding | None:
    """Find a training that the noise of small batches keeps from settling.

    Args:
        run: Curves of one training, with recipe and task.
        rows: Rows of a batch that are few.
        left: Last training loss, as a share of that of guessing.
        share: Difference from one epoch to the next, as a share of it.
        together: Correlation of these differences in training and validation.
        epochs: With fewer there is silence.

    Returns:
        The finding, or None.
    """
    name, values = training(run)
    val, guess, recipe = finite(run.curves.val_loss), chance(run), run.recipe
    if adversarial(run) or recipe is None or guess is None or len(values) < epochs:
        return None
    size = recipe.batch_size
    if not isinstance(size, int) or size > rows or len(val) != len(values):
        return None
    end, last = tail(values, 0.5), level(tail(values))
    jump, match = noise(end), agreement(end, tail(val, 0.5))
    if last < left * guess or jump < share * guess or match is None or match < together:
        return None
    return Finding(
        problem="batch_too_small",
        severity="warning",
        confidence=0.8,
        since=1,
        summary=f"Batches of {size} are too small: the training loss is still {last:.3g}, where "
        f"guessing gives {guess:.3g}, and jumps by {jump:.2g} from one epoch to the next.",
        evidence={
            "batch_size": size,
            "jump": jump,
            "last_training_loss": last,
            "loss_of_guessing": guess,
            "correlation_with_validation": match,
            **curve(name, values),
        },
        prescriptions=(
            changed(run, "Take larger batches.", {"batch_size": 32}),
            slower(run, "Lower the rate."),
        ),
    )
