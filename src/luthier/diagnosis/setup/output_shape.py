"""Output shape: outputs and targets do not lie side by side."""

from __future__ import annotations

from luthier.core import Finding, Prescription, Setup
from luthier.diagnosis.about import About

ABOUT = About(
    symptom="The loss falls to the spread of the targets and no further; or it is 0 at once.",
    evidence="Outputs and targets of as many values but different shapes are broadcast against "
    "each other, and the loss of the same values side by side is another one; or a cross-entropy "
    "gets one unit, whose loss is the same whatever it says; or the loss raises for the shapes. "
    "Error.",
    cause="(rows, 1) against (rows,): every row is compared with every other one. One unit where "
    "each class needs its own.",
    remedy="Give both the same shape: outputs.squeeze(1), or targets.unsqueeze(1).",
    reference="NumPy's broadcasting rules, which PyTorch follows",
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
            "End with one unit a class, or take BCEWithLogitsLoss with the one unit.",
            output.shape,
        )
    if loss.aligned is None or loss.initial is None or output.shape == output.target_shape:
        return None
    if abs(loss.aligned - loss.initial) <= same * max(abs(loss.aligned), abs(loss.initial)):
        return None
    return _finding(
        f"The loss broadcasts {shapes} against each other: {loss.initial:.3g}, where side by side "
        f"they give {loss.aligned:.3g}.",
        "Write loss_fn(outputs.squeeze(1), targets)."
        if len(output.shape) > len(output.target_shape)
        else "Write loss_fn(outputs, targets.squeeze(1)).",
        output.shape,
    )


def _finding(summary: str, advice: str, shape: tuple[int, ...]) -> Finding:
    return Finding(
        problem="output_shape",
        severity="error",
        summary=summary,
        evidence={"output_shape": shape},
        prescriptions=(Prescription(advice),),
    )
