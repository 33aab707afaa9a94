"""Parameters not trained: a loss pulls at them, and nobody moves them."""

from __future__ import annotations

from collections.abc import Sequence

from luthier.core import Finding, Prescription, Run
from luthier.diagnosis.about import About
from luthier.diagnosis.traces import left

ABOUT = About(
    symptom="The network learns less than its size promises, or nothing.",
    evidence="Parameters that want a gradient and have not changed in any of their numbers looked "
    "at. Error if they are of layers in a plain list or dict, which PyTorch does not see, and "
    "training got a gradient to them; or if no optimizer holds any, and nothing was learnt; or if "
    "most of the network has gradients and two epochs went by without a step. "
    "Warning if they got a gradient, no optimizer holds "
    "them, they are the smaller part, and not the first layers: who hands over the last layers "
    "alone may mean it. Warning if an optimizer holds them, they are most of the network, took "
    "part in training and never got a gradient; error if nothing was learnt, either. Else info.",
    cause="Layers in a plain list instead of `nn.ModuleList`, layers replaced after the optimizer "
    "was made, an optimizer of a part, `detach()` in the forward pass, or `zero_grad()` between "
    "`backward()` and `step()`.",
    remedy="Keep layers in `nn.ModuleList` or `nn.ModuleDict`, make the optimizer last, and freeze "
    "with `requires_grad_(False)` what shall not move.",
    reference="PyTorch documentation, torch.nn.ModuleList; torch.optim: constructing it",
)
NAMES = 3  # of parameters that a summary names


def parameters_not_trained(
    run: Run,
    *,
    steps: int = 12,
    epochs: int = 2,
    part: float = 0.5,
    most: float = 0.5,
    nothing: float = 0.95,
    all_of_it: float = 0.99,
) -> Finding | None:
    """Find parameters that a training forgets.

    Args:
        run: One training that was watched.
        steps: After so many a parameter must have moved.
        epochs: After so many a first step must have been made.
        part: Share of all numbers that may be forgotten; who leaves out more may mean it.
        most: Share without gradient that is no spare head any more.
        nothing: Share of the loss of guessing above which nothing was learnt.
        all_of_it: Share without gradient where gradients are taken away, and not cut off.

    Returns:
        The finding, or None.
    """
    facts = run.trace.facts
    waiting = float(facts.get("waiting_share", 0.0))
    if run.trace.counts.get("steps") == 0 and len(run.curves) >= epochs and waiting >= most:
        return _finding(
            "error",
            f"{len(run.curves)} epochs went by without a step of the optimizer: {waiting:.0%} of "
            "the network's numbers have a gradient, and stay as they were.",
            {"epochs": len(run.curves), "share_of_all": waiting},
            "Call optimizer.step() after loss.backward().",
        )
    if run.trace.counts.get("steps", 0) < steps:
        return None
    outside = facts.get("not_in_optimizer", ())
    places = facts.get("hidden_layers", ())
    hidden = [name for name in outside if any(name.startswith(f"{place}.") for place in places)]
    share = float(facts.get("not_in_optimizer_share", 0.0))
    if hidden:
        return _finding(
            "error",
            f"{len(hidden)} parameters of layers in a plain list or dict are not trained "
            f"({_some(hidden)}): the network does not know them, and no optimizer holds them.",
            {"parameters": len(hidden), "share_of_all": share},
            "Keep the layers in nn.ModuleList or nn.ModuleDict, and make the optimizer after that.",
        )
    if outside and not facts.get("in_optimizer", 1) and (left(run) or 0.0) >= nothing:
        return _finding(
            "error",
            "The optimizer holds none of the network's parameters, and nothing was learnt.",
            {"parameters": len(outside), "share_of_all": share},
            "Make the optimizer of this network: model.parameters().",
        )
    if outside:
        meant = bool(facts.get("not_in_optimizer_first")) or share > part
        return _finding(
            "info" if meant else "warning",
            f"{len(outside)} parameters get a gradient and are in no optimizer "
            f"({_some(outside)}; {share:.0%} of all numbers): they stay as they are."
            + (" If they are meant to be frozen, requires_grad_(False) says so." if meant else ""),
            {"parameters": len(outside), "share_of_all": share},
            "Make the optimizer of model.parameters(), after the last layer was put in.",
        )
    gradless = facts.get("without_gradient", ())
    if gradless:
        share = float(facts.get("without_gradient_share", 0.0))
        lost = (left(run) or 0.0) >= nothing
        return _finding(
            "info" if share < most else "error" if lost else "warning",
            f"{len(gradless)} parameters take part in training and never get a gradient "
            f"({_some(gradless)}; {share:.0%} of all numbers): they stay as they are.",
            {"parameters": len(gradless), "share_of_all": share},
            "Look for zero_grad() between backward() and step()."
            if share >= all_of_it
            else "Look for detach(), .data or torch.no_grad() between them and the loss; what the "
            "loss does not need can go.",
        )
    return None


def _finding(severity: str, summary: str, evidence: dict[str, object], advice: str) -> Finding:
    return Finding(
        problem="parameters_not_trained",
        severity=severity,  # type: ignore[arg-type]
        confidence={"error": 0.99, "warning": 0.9}.get(severity, 0.5),
        since=1,
        summary=summary,
        evidence=evidence,
        prescriptions=(
            Prescription(advice),
            Prescription("Freeze with requires_grad_(False) what shall not move."),
        ),
    )


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:NAMES]) + (", ..." if len(names) > NAMES else "")
