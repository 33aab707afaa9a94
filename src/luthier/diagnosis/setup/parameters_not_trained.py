"""Parameters not trained: weights that took part, and that no step will change."""

from __future__ import annotations

from luthier.core import Finding, Prescription, Setup, Severity
from luthier.diagnosis.about import About
from luthier.diagnosis.gains import base_of, helps, told
from luthier.diagnosis.words import words

ABOUT = About(
    symptom="Part of the network stays as it was drawn; the loss falls less than it could.",
    evidence="The optimizer holds none of the network's weights, or lacks its last layer; weights "
    "take part that the network itself does not list; or the optimizer holds weights whose layer "
    "took part and that no gradient reaches: error. Other layers that it lacks are info, for they "
    "may be left out on purpose, and a warning where a copy that trains them learns clearly more. "
    "Frozen weights are fine.",
    cause="The optimizer was made before a layer was replaced; layers in a plain list; a detach() "
    "or no_grad() on the way.",
    remedy="Make the optimizer from model.parameters() when the network is complete; keep layers "
    "in a ModuleList.",
    reference="documentation of torch.optim and torch.nn.ModuleList",
)


def parameters_not_trained(setup: Setup) -> Finding | None:
    """Find weights that stay as they are.

    >>> from luthier.core import OptimizerFacts
    >>> optimizer = OptimizerFacts("SGD", "sgd", (0.1,), held=0, trainable=90, foreign=2)
    >>> parameters_not_trained(Setup(optimizer=optimizer)).severity
    'error'
    """
    one = setup.optimizer
    if one.trainable and not one.held and one.learning_rates:
        return _finding(
            setup,
            "error",
            f"{one.name} holds none of the network's {one.trainable} weights.",
            f"Make the optimizer from this network: {words(setup, 'all_weights')}.",
        )
    if one.unregistered:
        return _finding(
            setup,
            "error",
            f"{one.unregistered} tensors take part that {words(setup, 'all_weights')} does not "
            "list.",
            words(setup, "listed"),
        )
    if one.head_missing:
        return _finding(
            setup,
            "error",
            f"{one.name} does not hold the last layer: {_names(one.missing)}.",
            "Make the optimizer after the last layer was replaced.",
        )
    if one.cut_off:
        return _finding(
            setup,
            "error",
            f"No gradient reaches {_names(one.cut_off)}, which took part and which {one.name} "
            "holds.",
            words(setup, "cut"),
        )
    if one.missing and helps(setup, "all_weights"):
        return _finding(
            setup,
            "warning",
            f"{one.name} does not hold {_names(one.missing)}. With them a copy reached "
            f"{told(setup, 'all_weights')}; without {setup.fits[base_of(setup)].last:.3g}.",
            f"Hand {words(setup, 'all_weights')} to the optimizer.",
        )
    if one.missing:
        return _finding(
            setup,
            "info",
            f"{one.name} does not hold {_names(one.missing)}. If that is on purpose, freeze them: "
            f"{words(setup, 'freeze')}.",
            f"Hand {words(setup, 'all_weights')} to the optimizer, or freeze what is to stay.",
        )
    return None


def _names(names: tuple[str, ...]) -> str:
    return ", ".join(names[:3]) + f" and {len(names) - 3} more" * (len(names) > 3)


def _finding(setup: Setup, severity: Severity, summary: str, advice: str) -> Finding:
    one = setup.optimizer
    return Finding(
        problem="parameters_not_trained",
        severity=severity,
        confidence={"error": 0.95, "warning": 0.9}.get(severity, 0.5),
        summary=summary,
        evidence={
            "held": one.held,
            "trainable": one.trainable,
            "missing": len(one.missing),
            "cut_off": len(one.cut_off),
        },
        prescriptions=(Prescription(advice),),
    )
