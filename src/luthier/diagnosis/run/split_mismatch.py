"""Split mismatch: the validation part has what the training part never shows."""

from __future__ import annotations

from luthier.core import Finding, Prescription, Run
from luthier.diagnosis.about import About

ABOUT = About(
    symptom="Validation is bad from the first epoch on, and gets worse while training gets better.",
    evidence="Classes of validation rows that no training row has: error where they are half of "
    "the rows or more, else warning. Numbers to predict whose validation mean lies three "
    "standard deviations off: warning. Seen where rows are handed to `fit` as arrays.",
    cause="Rows sorted by target, and a part cut from their end: Keras' `validation_split` takes "
    "the last rows as they stand, before any shuffling.",
    remedy="Shuffle the rows before they are split, by class where there are classes.",
    reference="Keras documentation, Model.fit: validation_split is taken from the last samples, "
    "before shuffling",
)


def split_mismatch(run: Run, *, most: float = 0.5, far: float = 3.0) -> Finding | None:
    """Find a validation part that was cut from sorted rows.

    Args:
        run: One training whose rows were seen.
        most: Share of validation rows whose class was never trained that makes it an error.
        far: Shift of the targets' mean, in standard deviations, that no sample has.

    Returns:
        The finding, or None.

    >>> from luthier.core import Trace
    >>> facts = {"missing_classes": ("8", "9"), "missing_share": 1.0, "validation_split": 0.2}
    >>> split_mismatch(Run(trace=Trace(facts=facts))).severity
    'error'
    """
    facts = run.trace.facts
    missing, share = facts.get("missing_classes", ()), float(facts.get("missing_share", 0.0))
    shift, cut = facts.get("target_shift"), float(facts.get("validation_split", 0.0))
    whose = f"validation_split={cut:g} takes the last rows as they stand: " if cut else ""
    if missing:
        names = ", ".join(missing[:5]) + ", ..." * (len(missing) > 5)
        summary = (
            f"{whose}{share:.0%} of the validation rows are of {len(missing)} classes that no "
            f"training row has ({names})."
        )
        severity = "error" if share >= most else "warning"
    elif shift is not None and shift >= far:
        summary = f"{whose}the mean of the validation targets lies {shift:.2g} deviations off."
        severity = "warning"
    else:
        return None
    return Finding(
        problem="split_mismatch",
        severity=severity,  # type: ignore[arg-type]
        confidence=0.99,
        since=1,
        summary=summary[0].upper() + summary[1:] if not cut else summary,
        evidence={
            "missing_classes": len(missing),
            "share_of_validation_rows": share,
            "target_shift": shift,
            "validation_split": cut,
        },
        prescriptions=(
            Prescription(
                "Shuffle rows before they are split: order = numpy.random.default_rng(0)."
                "permutation(len(y)); x, y = x[order], y[order]."
            ),
            Prescription(
                "Hand over a stratified part: validation_data=(x_val, y_val), from "
                "sklearn.model_selection.train_test_split(x, y, stratify=y)."
            ),
        ),
    )
