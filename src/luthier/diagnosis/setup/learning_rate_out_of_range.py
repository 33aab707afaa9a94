"""Learning rate out of range: one that no optimizer of its kind can use."""

from __future__ import annotations

from luthier.catalog import optimizers
from luthier.core import Finding, Prescription, Setup
from luthier.diagnosis.about import About
from luthier.diagnosis.gains import gain, learnt, measured
from luthier.diagnosis.prescribe import rate

ABOUT = About(
    symptom="The loss explodes, or does not move.",
    evidence="The rate lies ten times above, or a hundred times below, the range that is worth "
    "searching for this optimizer, and a copy trained with it learnt clearly less than one with "
    "Adam: warning, error where it learnt nothing. The range alone is info.",
    cause="A rate meant for another optimizer, or a slip of a power of ten.",
    remedy="Begin with the optimizer's usual rate.",
    reference="the ranges are those of docs/recipe.md",
)


def learning_rate_out_of_range(
    setup: Setup, *, above: float = 10.0, below: float = 100.0, clear: float = 0.25
) -> Finding | None:
    """Find a rate that is no rate for its optimizer.

    Args:
        setup: A training before its first step.
        above: Times the highest rate that is searched.
        below: Part of the lowest one: a schedule may warm up, and fine-tuning is slow.
        clear: How much less than Adam a copy must have learnt.

    Returns:
        The finding, or None.

    >>> from luthier.core import OptimizerFacts
    >>> optimizer = OptimizerFacts("Adam", "adam", (5.0,))
    >>> learning_rate_out_of_range(Setup(optimizer=optimizer)).severity
    'info'
    """
    given, kind = setup.optimizer.learning_rates, setup.optimizer.kind
    if not given or kind not in [one.name for one in optimizers.ALL]:
        return None
    known = optimizers.by_name(kind)
    low, high = known.learning_rates.low, known.learning_rates.high
    over, under = max(given) > above * high, max(given) < low / below
    if not over and not under:
        return None
    own, less = learnt(setup, "own"), gain(setup, "adam", "own")
    proven = own is not None and less is not None and less >= clear
    nothing = own is not None and own < 1 - clear and own <= 0.05
    return Finding(
        problem="learning_rate_out_of_range",
        severity=("error" if nothing else "warning") if proven else "info",
        confidence=0.95 if proven else 0.6,
        summary=f"{setup.optimizer.name} has a rate of {max(given):.3g}; rates from {low:.3g} to "
        f"{high:.3g} are worth trying."
        + (
            f" A copy learnt {own:.0%} of what there is, with Adam {own + less:.0%}."
            if proven and own is not None and less is not None and own >= 0
            else ""
        ),
        evidence={"rate": max(given), "low": low, "high": high, **measured(setup, "own", "adam")},
        prescriptions=(
            rate(setup, "Begin with the optimizer's usual rate.", known.default_learning_rate)
            if proven
            else Prescription(f"Begin with the usual {known.default_learning_rate:.3g}."),
        ),
    )
