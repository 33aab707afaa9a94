"""Optimizer settings: momentum, betas or epsilon that no optimizer works with."""

from __future__ import annotations

from luthier.core import Finding, Prescription, Setup
from luthier.diagnosis.about import About
from luthier.diagnosis.gains import helps, leaves, measured, nothing_learnt, told
from luthier.diagnosis.words import words

ABOUT = About(
    symptom="The loss runs away, or creeps, at a rate that works elsewhere.",
    evidence="Momentum or a beta of 1 or more, or negative weight decay: error. A setting far from "
    "the usual (momentum above 0.99, betas outside of 0.5-0.99 and 0.9-1, epsilon outside of 1e-12 "
    "to 1e-4), and a copy with the usual ones learns clearly more, or leaves a third of the loss: "
    "warning. Else info.",
    cause="Values that were swapped, or copied from another optimizer.",
    remedy="Momentum 0.9, betas (0.9, 0.999), epsilon 1e-8.",
    reference="Kingma & Ba 2015, Adam; Sutskever et al. 2013 for momentum",
)


def optimizer_settings(setup: Setup) -> Finding | None:
    """Find settings of the optimizer that harm.

    >>> from luthier.core import OptimizerFacts
    >>> optimizer = OptimizerFacts("SGD", "momentum", (0.1,), {"momentum": 1.0})
    >>> optimizer_settings(Setup(optimizer=optimizer)).severity
    'error'
    """
    given = setup.optimizer.settings
    betas = tuple(given.get("betas") or ())
    momentum, decay = given.get("momentum") or 0.0, given.get("weight_decay") or 0.0
    impossible = momentum >= 1.0 or any(one >= 1.0 for one in betas) or decay < 0.0
    odd = [
        f"{name} {value}"
        for name, value, fine in (
            ("momentum", momentum, momentum <= 0.99 and decay >= 0.0),
            ("betas", betas, not betas or (0.5 <= betas[0] <= 0.99 and 0.9 <= betas[1] < 1.0)),
            ("eps", given.get("eps"), 1e-12 <= (given.get("eps") or 1e-8) <= 1e-4),
            ("weight_decay", decay, decay >= 0.0),
        )
        if not fine
    ]
    if not odd:
        return None
    proven = helps(setup, "usual_settings", "own") or leaves(setup, "usual_settings", "own")
    severity = "error" if impossible or (proven and nothing_learnt(setup, "own")) else (
        "warning" if proven else "info"
    )  # fmt: skip
    return Finding(
        problem="optimizer_settings",
        severity=severity,  # type: ignore[arg-type]
        confidence=0.9 if severity != "info" else 0.4,
        summary=f"{setup.optimizer.name} has {' and '.join(odd)}."
        + (
            f" With usual settings a copy reached {told(setup, 'usual_settings')}; as it is "
            f"{setup.fits['own'].last:.3g}."
            if proven
            else ""
        ),
        evidence={"settings": ", ".join(odd), **measured(setup, "own", "usual_settings")},
        prescriptions=(Prescription(words(setup, "usual")),),
    )
