"""Output shape: outputs and targets do not lie side by side."""

from __future__ import annotations

from luthier.core import Finding, LossFacts, Prescription, Setup, Severity
from luthier.diagnosis.about import About
from luthier.diagnosis.gains import helps, nothing_learnt, told
from luthier.diagnosis.words import words

ABOUT = About(
    symptom="The loss falls to the spread of the targets and no further; or it is 0 at once.",
    evidence="Outputs and targets of as many values but different shapes are broadcast against "
    "each other, and the loss of the same values side by side is another one (of the network's "
    "outputs, or of outputs that equal the targets), or a loss within which that happens is the "
    "mean over all pairs of a few rows and targets; or a cross-entropy gets one unit, whose loss "
    "is the same whatever it says; or the loss raises for the shapes: error. Or a copy whose "
    "outputs are read as (rows, words, classes) and then moved learns clearly more than with "
    "(rows, classes, words): warning, error where nothing is learnt. Or "
    "what the network says of a row changes when the other rows of the batch are "
    "exchanged, in evaluation mode: warning for sequences with one target a row; info for rows "
    "that may be steps of one sequence.",
    cause="(rows, 1) against (rows,): every row is compared with every other one. One unit where "
    "each class needs its own. A recurrent or attention layer that takes time first and gets rows "
    "first; view or reshape where permute was meant; a softmax over the batch.",
    remedy="Give both the same shape: outputs.squeeze(1), or targets.unsqueeze(1); give layers "
    "batch_first=True.",
    reference="NumPy's broadcasting rules, which PyTorch follows; documentation of torch.nn.LSTM "
    "and torch.nn.MultiheadAttention, batch_first; Ben Braiek & Khomh 2022 check that rows of a "
    "batch do not mix",
)


def output_shape(setup: Setup, *, same: float = 1e-3) -> Finding | None:
    """Find shapes that do not fit.

    Args:
        setup: A training before its first step.
        same: Relative difference of two losses that rounding explains.

    Returns:
        The finding, or None.

    >>> from luthier.core import LossFacts, OutputFacts
    >>> output = OutputFacts(shape=(32, 1), target_shape=(32,), target_type="numbers")
    >>> output_shape(Setup(output=output, loss=LossFacts("mse", 1.9, aligned=1.2))).severity
    'error'
    """
    output, loss = setup.output, setup.loss
    shapes = f"outputs {output.shape} and targets {output.target_shape}"
    if loss.error and not any(
        one in loss.error for one in ("out of bounds", "between 0 and 1", "dtype", "scalar type")
    ):
        return _finding(
            f"The loss cannot take {shapes}: {loss.error[:160]}.",
            "Give outputs and targets the shapes that this loss takes.",
            output.shape,
        )
    units = output.shape[1] if len(output.shape) > 1 else 0
    if units == 1 and loss.kind in ("cross_entropy", "nll") and output.op == "none":
        return _finding(
            "Cross-entropy gets one unit: its loss is the same whatever the network says.",
            words(setup, "one_unit"),
            output.shape,
        )
    if helps(setup, "classes_last", "adam"):
        return _finding(
            f"Outputs {output.shape} hold their classes last: read so, a copy reached "
            f"{told(setup, 'classes_last')}; as they are {setup.fits['adam'].last:.3g}.",
            "Move the classes, do not reshape them: outputs.movedim(-1, 1) for view or reshape.",
            output.shape,
            severity="error" if nothing_learnt(setup, "adam") else "warning",
        )
    told_apart = _apart(loss, same)
    if told_apart is None:
        return _mixed(setup)
    hidden = output.shape == output.target_shape
    return _finding(
        (
            "The loss holds each row against the targets of all rows: "
            if hidden
            else f"The loss broadcasts {shapes} against each other: "
        )
        + told_apart,
        words(setup, "align_both")
        if hidden
        else words(setup, "align_outputs")
        if len(output.shape) > len(output.target_shape)
        else words(setup, "align_targets"),
        output.shape,
    )


def _apart(loss: LossFacts, same: float) -> str | None:
    """Return two losses that broadcasting holds apart, in words; None where it does not.

    Outputs that equal the targets decide where they have a loss: one that brings shapes together
    by itself has its lowest loss as they are.
    """
    first, beside = loss.initial, loss.aligned
    perfect, beside_perfect = loss.truth, loss.aligned_truth
    if first is None:
        return None
    told_apart = None
    if perfect is not None and beside_perfect is not None:
        if perfect - beside_perfect <= same * max(abs(perfect), abs(beside_perfect), abs(first)):
            return None
        told_apart = (
            f"outputs that equal the targets have {perfect:.3g}, and side by side "
            f"{beside_perfect:.3g}."
        )
    if beside is not None and abs(beside - first) > same * max(abs(beside), abs(first)):
        return f"{first:.3g}, where side by side they give {beside:.3g}."
    return told_apart


def _mixed(setup: Setup) -> Finding | None:
    """Find rows that mix. Where each step has its target, rows and time cannot be told apart."""
    output = setup.output
    if not output.mixes_rows:
        return None
    shape, target = output.input_shape, output.target_shape
    sequences = len(shape) >= 3 or (len(shape) == 2 and output.whole_inputs)
    certain = sequences and (len(target) < 2 or target[1] != shape[1])
    layers = ", ".join(output.time_first[:3])
    return _finding(
        f"What the network says of a row depends on the other rows of the batch (inputs {shape})"
        + (f"; {layers} takes time first, and gets rows first." if layers else "."),
        "Give these layers batch_first=True, or permute their inputs: x.transpose(0, 1)."
        if layers
        else "Look for view or reshape where permute was meant, and for operations over "
        "dimension 0.",
        output.shape,
        severity="warning" if certain else "info",
    )


def _finding(
    summary: str, advice: str, shape: tuple[int, ...], severity: Severity = "error"
) -> Finding:
    return Finding(
        problem="output_shape",
        severity=severity,
        confidence=0.5 if severity == "info" else 1.0,
        summary=summary,
        evidence={"output_shape": str(shape)},
        prescriptions=(Prescription(advice),),
    )
