"""Saturated units: a hidden layer that puts out its extremes, where the slope is nearly zero."""

from __future__ import annotations

from luthier.core import Finding, Prescription, Run
from luthier.diagnosis.about import About
from luthier.diagnosis.evidence import adversarial, curve
from luthier.diagnosis.prescribe import slower
from luthier.diagnosis.traces import ended, ends_at, epoch_of, layers, left
from luthier.diagnosis.words import words

ABOUT = About(
    symptom="The loss falls slowly or not at all, with tanh or sigmoid in hidden layers.",
    evidence="A hidden tanh or sigmoid layer nine of ten of whose outputs lie beyond 0.99 of "
    "their range at the end. Error where the training loss is 0.9 of guessing or more, warning "
    "where it is half of it or more. Silent where the network learns: gates and attention "
    "saturate by design.",
    cause="Inputs that are not scaled, weights that began too large, or a rate that blew them up.",
    remedy="Scale the inputs, begin with smaller weights (Glorot), lower the rate, or take ReLU.",
    reference="Glorot & Bengio 2010, section 3: the slope at 0.99 of tanh's range is a fiftieth",
)


def saturated_units(
    run: Run, *, saturated: float = 0.9, much: float = 0.5, nothing: float = 0.9
) -> Finding | None:
    """Find a hidden layer at its extremes.

    Args:
        run: One training that was watched.
        saturated: Share of a layer's outputs; layers that code in bits have less.
        much: Share of the loss of guessing above which most is left to learn.
        nothing: Share of it above which nothing was learnt.

    Returns:
        The finding, or None.
    """
    shares = {name: values for name, values in layers(run, "saturated").items() if len(values) > 2}
    full = {name: ends_at(v) for name, v in shares.items() if ends_at(v) >= saturated}
    rest = left(run)
    if adversarial(run) or not full or ended(run) or rest is None or rest < much:
        return None
    worst = max(full, key=lambda name: full[name])
    first = shares[worst][0] >= saturated
    began = "from the first step on" if first else "which it was not in the beginning"
    return Finding(
        problem="saturated_units",
        severity="error" if rest >= nothing else "warning",
        confidence=0.9,
        since=_since(run, worst, saturated),
        summary=f"Units are saturated: {full[worst]:.0%} of the outputs of {worst} lie at the ends "
        f"of its range, {began}, and the training loss is {rest:.0%} of guessing's.",
        evidence={
            "layer": worst,
            "share_saturated": full[worst],
            "share_of_guessing": rest,
            **curve("saturated", shares[worst]),
        },
        prescriptions=(
            *(
                (
                    Prescription("Scale the inputs to mean 0 and variance 1."),
                    Prescription(words(run, "small_weights")),
                )
                if first
                else (slower(run, "Lower the learning rate: it blew the weights up."),)
            ),
            Prescription("Take ReLU or GELU in hidden layers."),
        ),
    )


def _since(run: Run, layer: str, saturated: float) -> int | None:
    series = run.trace.series[f"saturated/{layer}"]
    steps = (s for s, value in zip(run.trace.steps, series, strict=False) if value >= saturated)
    return epoch_of(run, next(steps, 1))
