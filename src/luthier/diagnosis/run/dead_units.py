"""Dead units: a layer whose units never get a gradient any more, and learn no more."""

from __future__ import annotations

from luthier.core import Finding, Prescription, Run
from luthier.diagnosis.about import About
from luthier.diagnosis.evidence import adversarial, curve
from luthier.diagnosis.prescribe import slower
from luthier.diagnosis.traces import ended, ends_at, epoch_of, layers, left

ABOUT = About(
    symptom="The loss stands still; the output is nearly the same for every input.",
    evidence="A hidden layer in which nine of ten units have had no gradient at all at twelve "
    "sampled steps in a row, at least, and still have none at the end; one batch tells nothing. "
    "Error where the training loss is 0.9 of guessing or more, warning where it is half of it or "
    "more. Silent where the network learns.",
    cause="A rate that threw the biases far below zero, inputs that are not scaled, or weights "
    "that began badly; ReLU gives no gradient below zero.",
    remedy="Lower the rate, scale the inputs, take leaky ReLU or GELU or a normalisation layer.",
    reference="Maas, Hannun, Ng 2013, Rectifier Nonlinearities; Lu et al. 2019, Dying ReLU and "
    "Initialization",
)
STREAK = 12  # sampled steps without gradient that a unit needs to be counted


def dead_units(
    run: Run, *, dead: float = 0.9, much: float = 0.5, nothing: float = 0.9
) -> Finding | None:
    """Find a hidden layer that is dead.

    Args:
        run: One training that was watched.
        dead: Share of a layer's units without gradient; sparse layers that learn have less.
        much: Share of the loss of guessing above which most is left to learn.
        nothing: Share of it above which nothing was learnt.

    Returns:
        The finding, or None.
    """
    shares = {name: values for name, values in layers(run, "dead_units").items() if len(values) > 2}
    gone = {name: ends_at(values) for name, values in shares.items() if ends_at(values) >= dead}
    rest = left(run)
    if adversarial(run) or not gone or ended(run) or rest is None or rest < much:
        return None
    worst = max(gone, key=lambda name: gone[name])
    return Finding(
        problem="dead_units",
        severity="error" if rest >= nothing else "warning",
        confidence=0.9,
        since=_since(run, worst, dead),
        summary=f"Units are dead: {gone[worst]:.0%} of layer {worst} have had no gradient for many "
        f"batches{_others(len(gone) - 1)}, and the training loss is {rest:.0%} of guessing's.",
        evidence={
            "layer": worst,
            "share_dead": gone[worst],
            "layers": len(gone),
            "share_of_guessing": rest,
            **curve("dead", shares[worst]),
        },
        prescriptions=(
            slower(run, "Lower the learning rate, and scale the inputs to variance 1."),
            Prescription("Take leaky ReLU or GELU, or normalise before the activation."),
        ),
    )


def _since(run: Run, layer: str, dead: float) -> int | None:
    """Return the epoch in which the first streak without gradient began."""
    series = run.trace.series[f"dead_units/{layer}"]
    index = next((i for i, value in enumerate(series) if value >= dead), 0)
    return epoch_of(run, run.trace.steps[max(index - STREAK, 0)])


def _others(count: int) -> str:
    return f" ({count} more layer{'s' * (count > 1)} alike)" if count else ""
