"""Over-regularised, before training: the penalty outweighs all there is to learn."""

from __future__ import annotations

from luthier.core import Finding, Prescription, Setup
from luthier.diagnosis.about import About
from luthier.diagnosis.gains import helps, learnt, measured, nothing_learnt, told

ABOUT = About(
    symptom="The loss falls, and what falls is the penalty.",
    evidence="The penalty on the weights begins near or above all there is to learn, and a copy "
    "without it learns clearly more, or ends at half of the loss: warning, error where nothing is "
    "learnt with it. Of a loss that cannot be taken apart: a penalty of twice the rest, and a "
    "copy's loss that is still above the rest after its short training: warning. Or a dropout of "
    "0.7 or more, or one that leaves a layer fewer than eight units, with which a copy learns less "
    "than half of what there is, and clearly less than without: warning, error where it learns "
    "nothing. Or dropout after the last layer, without which a copy learns a tenth more: warning, "
    "else info.",
    cause="A factor that suits a few weights, summed over many; a dropout that suits wide layers, "
    "after a narrow one or after the outputs.",
    remedy="A tenth of the factor, until the penalty begins below the loss. Dropout between hidden "
    "layers alone.",
    reference="Krogh & Hertz 1992, A simple weight decay can improve generalization",
)


def over_regularised(
    setup: Setup, *, half: float = 0.5, least: float = 0.02, more: float = 0.1
) -> Finding | None:
    """Find a penalty that leaves nothing to learn.

    Args:
        setup: A training before its first step.
        half: Part of the loss, above its lowest, that remains without the penalty.
        least: Of all there is to learn, what the copy without the penalty must learn more.
        more: The same for dropout after the last layer: that it is there is one sign already.

    Returns:
        The finding, or None.
    """
    loss = setup.loss
    dropped = learnt(setup, "with_dropout")
    little = dropped is not None and dropped < half
    if setup.output.dropout > 0.0:
        return _last(setup, proven=helps(setup, "without_dropout", "with_dropout", clear=more))
    if little and helps(setup, "without_dropout", "with_dropout"):
        return _dropout(setup, nothing=nothing_learnt(setup, "with_dropout"))
    with_it, without = learnt(setup, "penalised"), learnt(setup, "unpenalised")
    held = 0.0 if loss.penalty_apart else loss.penalty_initial
    rest = (loss.initial or 0.0) - held
    if with_it is not None and without is not None:
        less = 1 - without <= half * (1 - with_it) and without - with_it >= least
        if not helps(setup, "unpenalised", "penalised") and not less:
            return None
        # A loss that closed over the user's own weights holds their penalty all along.
        ends = [setup.fits[name].last - held for name in ("penalised", "unpenalised")]
        said = (
            f"After {setup.fits['penalised'].steps} steps with the penalty on its weights the data "
            f"loss of a copy was {ends[0]:.3g}, and {ends[1]:.3g} without it; guessing gives "
            f"{(loss.guess or 0.0) - held:.3g}."
        )
        nothing = with_it < 0.05
    else:
        own = setup.fits.get("own")
        if loss.guess is not None or own is None or loss.penalty_rate <= 0.0:
            return None
        if not 0.0 < rest < min(loss.penalty_initial * half, own.last):
            return None
        said, nothing = f"After {own.steps} steps a copy has {own.last:.3g} in all.", False
    factor = loss.penalty_rate or float(setup.optimizer.settings.get("weight_decay") or 0.0)
    begins = (
        f"The penalty begins at {loss.penalty_initial:.3g}, the rest of the loss at {rest:.3g}. "
        if loss.penalty_initial > 0
        else ""
    )
    return Finding(
        problem="over_regularised",
        severity="error" if nothing else "warning",
        confidence=0.9,
        summary=(begins + said).strip(),
        evidence={
            "factor": factor,
            "penalty": loss.penalty_initial,
            "share_of_gradient": loss.penalty or None,
            **measured(setup, "penalised", "unpenalised"),
        },
        prescriptions=(
            Prescription(f"Lower its factor from {factor:.3g} to {factor / 100:.2g}."),
            Prescription("Divide the penalty by the number of weights."),
        ),
    )


def _dropout(setup: Setup, *, nothing: bool) -> Finding:
    return Finding(
        problem="over_regularised",
        severity="error" if nothing else "warning",
        confidence=0.9,
        summary="Dropout leaves little of a layer: in evaluation mode a copy reached "
        f"{told(setup, 'with_dropout')}; without dropout {setup.fits['without_dropout'].last:.3g}.",
        evidence=measured(setup, "with_dropout", "without_dropout"),
        prescriptions=(Prescription("Lower dropout to 0.2 to 0.5."),),
    )


def _last(setup: Setup, *, proven: bool) -> Finding:
    return Finding(
        problem="over_regularised",
        severity="warning" if proven else "info",
        confidence=0.9 if proven else 0.5,
        summary=f"Dropout after the last layer sets {setup.output.dropout:.0%} of the outputs to 0 "
        "before the loss compares them."
        + (
            f" In evaluation mode a copy reached {told(setup, 'with_dropout')}; without dropout "
            f"{setup.fits['without_dropout'].last:.3g}."
            if proven
            else ""
        ),
        evidence={
            "share": setup.output.dropout,
            **measured(setup, "with_dropout", "without_dropout"),
        },
        prescriptions=(Prescription("Leave the dropout after the last layer out."),),
    )
