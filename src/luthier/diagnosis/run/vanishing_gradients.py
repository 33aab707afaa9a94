"""Vanishing gradients: nothing of the loss arrives at the first layers."""

from __future__ import annotations

from luthier.core import Finding, Prescription, Run
from luthier.diagnosis.about import About
from luthier.diagnosis.evidence import adversarial
from luthier.diagnosis.statistics import level
from luthier.diagnosis.traces import ended, layers, left

ABOUT = About(
    symptom="A deep network learns nothing, or its last layers alone learn.",
    evidence="The gradients of the first layers are a ten-thousandth of those of the last ones or "
    "less, all steps together can have moved the first layers by a hundredth of their size at "
    "most, and the training loss is 0.8 of guessing or more. Error where it is 0.95 or more, else "
    "warning. A small gradient alone means nothing: Adam divides by it.",
    cause="Many layers with sigmoid or tanh, weights that began too small, long sequences, or no "
    "skip connections.",
    remedy="Take ReLU with He initialisation, normalisation layers or skip connections.",
    reference="Bengio, Simard, Frasconi 1994; Glorot & Bengio 2010; He et al. 2015, 2016",
)
EVERY = 4  # a quarter of the tensors are the first ones, and a quarter the last


def vanishing_gradients(
    run: Run,
    *,
    ratio: float = 1e-4,
    far: float = 0.01,
    much: float = 0.8,
    nothing: float = 0.95,
    tensors: int = 4,
) -> Finding | None:
    """Find a network whose first layers get no gradient to speak of.

    Args:
        run: One training that was watched.
        ratio: Gradients of the first over those of the last layers, root mean squares.
        far: How far the first layers may have moved, relative to their size.
        much: Share of the loss of guessing above which most is left to learn.
        nothing: Share of it above which nothing was learnt.
        tensors: In a network with fewer there are no first and last ones.

    Returns:
        The finding, or None.
    """
    sizes = {name: level(values) for name, values in layers(run, "gradient_norm").items()}
    rest, count = left(run), len(sizes)
    if adversarial(run) or ended(run) or rest is None or rest < much or count < tensors:
        return None
    names = list(sizes)
    quarter = max(1, count // EVERY)
    first = level([sizes[name] for name in names[:quarter]])
    last = level([sizes[name] for name in names[-quarter:]])
    updates = layers(run, "update_ratio")
    moves = [level(updates[name]) for name in names[:quarter] if name in updates]
    if not moves or last <= 0.0 or first > ratio * last:
        return None
    moved = level(moves) * run.trace.counts.get("steps", 0)
    if moved > far:
        return None
    return Finding(
        problem="vanishing_gradients",
        severity="error" if rest >= nothing else "warning",
        confidence=0.9,
        since=1,
        summary=f"Gradients vanish: at {names[0]} they are {first:.2g}, at {names[-1]} {last:.2g}; "
        f"all steps together moved the first layers by {moved:.2g} of their size, and the "
        f"training loss is {rest:.0%} of guessing's.",
        evidence={
            "gradient_of_first_layers": first,
            "gradient_of_last_layers": last,
            "first_layers_moved": moved,
            "share_of_guessing": rest,
            "gradient_by_layer": tuple(sizes.values()),
        },
        prescriptions=(
            Prescription("Take ReLU or GELU instead of sigmoid or tanh, with He initialisation."),
            Prescription("Put normalisation layers or skip connections in."),
        ),
    )
