"""What a loss is, by its gradient graph and by its values."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from luthier.core import BuilderError, LossFacts
from luthier.frameworks.torch.inspecting.graph_ops import consumers, doubled
from luthier.frameworks.torch.inspecting.loss_calls import LossCalls
from luthier.frameworks.torch.inspecting.objective import Objective
from luthier.frameworks.torch.inspecting.stopwatch import Stopwatch

_KINDS = {
    "LogSoftmax": "cross_entropy",
    "Softmax": "cross_entropy",
    "NllLoss": "nll",
    "NllLoss2D": "nll",
    "NllLossNd": "nll",
    "BinaryCrossEntropyWithLogits": "bce_logits",
    "LogSigmoid": "bce_logits",
    "BinaryCrossEntropy": "bce",
    "MseLoss": "mse",
    "SmoothL1Loss": "huber",
    "HuberLoss": "huber",
}
_NAMES = {"L1Loss": "l1", "l1_loss": "l1", "KLDivLoss": "kl", "PoissonNLLLoss": "poisson"}
NUMBERS = ("mse", "l1", "huber", "difference")
ELEMENTWISE = ("mse", "l1", "huber", "bce", "bce_logits")
_FLOORED = ("cross_entropy", "nll", "shares", "bce", "bce_logits", "mse", "l1", "huber")
_STEPS = 100  # of the search for the best outputs
_SECONDS = 1.0  # of a search; what it has not found by then counts as not known
_ALONG = 0.99  # cosine with the gradient that a penalty of one kind has
_NEAR = 0.02  # of a loss whose exact value is known, with room for smoothing and clipping


def kind_of(objective: Objective, loss: Tensor, output: Tensor) -> str:
    """Return a loss's name, from what it does to the outputs first."""
    first = consumers(loss, output)
    kinds = dict.fromkeys(kind for operation, kind in _KINDS.items() if operation in first)
    if kinds:  # several are a sum of losses, each of some of the outputs
        return next(iter(kinds)) if len(kinds) == 1 else "other"
    fn = objective.loss_fn
    name = getattr(fn, "__name__", type(fn).__name__)
    if name in _NAMES:
        return _NAMES[name]
    return "difference" if first and first <= {"Sub", "Rsub"} else "other"


def loss_facts(objective: Objective, output: Tensor, target: Tensor, op: str = "none") -> LossFacts:
    """Measure a loss of outputs and targets.

    Args:
        objective: The user's.
        output: What the network returned for some rows.
        target: Theirs.
        op: The operation that the outputs come from.
    """
    leaf = output.detach().clone().requires_grad_()
    try:
        with LossCalls() as calls:
            loss = objective.of(leaf, target)
    except BuilderError:
        raise
    except Exception as error:
        return LossFacts(error=f"{type(error).__name__}: {error}"[:300])
    kind = kind_of(objective, loss, leaf) if loss.requires_grad else "other"
    sums = _sums(objective, leaf, target)
    twice = doubled(loss) if loss.requires_grad else ""

    def value(outputs: Tensor) -> float:
        with torch.no_grad():
            return float(objective.of(outputs, target))

    if kind == "other":
        kind = _behaviour(leaf, target, value, len(leaf) if sums else 1) or kind
    truth, off = _extremes(kind, leaf, target, value)
    if kind == "cross_entropy" and truth is not None and off is not None and truth < off:
        # Smoothed labels have their lowest loss at outputs that are no extremes.
        best = _reachable(objective, "none", leaf, target)
        truth = truth if best is None else min(truth, best)
    aligned = aligned_truth = None
    if target.is_floating_point() and _broadcasts(leaf, target):
        aligned = _aligned(objective, leaf, target)
        truth, aligned_truth = _truths(objective, leaf, target)
    guess = _guess(objective, kind, leaf, target)
    floor = (
        (truth if truth is not None and off is not None and truth < off else 0.0)
        if (kind in _FLOORED)
        else None
    )
    if kind == "poisson":
        floor = _reachable(objective, "none", leaf, target)
    if kind == "difference" and truth is not None and off is not None and truth < off:
        floor = truth
    if kind == "other" and guess is not None:
        # What its outputs mean is not known: the lowest that any outputs were seen to reach.
        free = _reachable(objective, "none", leaf, target)
        known = [one for one in (truth, free) if one is not None and math.isfinite(one)]
        floor = min(known, default=None) if min(known, default=guess) < guess else None
    facts = LossFacts(
        kind=kind,
        initial=float(loss.detach()),
        guess=guess,
        floor=floor,
        truth=truth,
        off=off,
        reachable=_reachable(objective, op, leaf, target) if op != "none" or twice else None,
        doubled=twice,
        sums=sums,
        endless=_endless(kind, leaf, target, truth, guess),
        aligned=aligned,
        aligned_truth=aligned_truth,
    )
    return calls.told(facts)


def _extremes(
    kind: str, output: Tensor, target: Tensor, value: Callable[[Tensor], float]
) -> tuple[float | None, float | None]:
    """Return the loss of perfect outputs, and of ones that are far off."""
    try:
        if not target.is_floating_point():
            if kind not in ("cross_entropy", "nll", "shares") or output.ndim < 2:
                return None, None
            labels = target.long().clamp(0, output.shape[1] - 1)
            hot = functional.one_hot(labels, output.shape[1]).movedim(-1, 1).to(output.dtype)
            wrong = hot.roll(1, dims=1)
            good, bad = (_outputs(kind, 20.0 * one) for one in (hot, wrong))
        elif target.shape != output.shape:
            return None, None
        elif kind == "cross_entropy":
            good, bad = (20.0 * one for one in (target, target.roll(1, dims=1)))
        elif kind == "bce_logits":
            good, bad = 40.0 * (target - 0.5), -40.0 * (target - 0.5)
        elif kind == "bce":
            good, bad = target.clamp(1e-6, 1 - 1e-6), (1 - target).clamp(1e-6, 1 - 1e-6)
        else:
            spread = 10.0 * float(target.std()) if target.numel() > 1 else 1.0
            good, bad = target, target + max(spread, 1e-6)
        return value(good), value(bad)
    except Exception:
        return None, None


def _outputs(kind: str, logits: Tensor) -> Tensor:
    if kind == "shares":
        return logits.softmax(1)
    return logits.log_softmax(1) if kind == "nll" else logits


def _sums(objective: Objective, output: Tensor, target: Tensor) -> bool:
    """Tell whether the same rows twice have twice the loss."""
    try:
        with torch.no_grad():
            once = float(objective.of(output, target))
            twice = float(objective.of(torch.cat([output, output]), torch.cat([target, target])))
    except Exception:
        return False
    return once != 0.0 and len(output) > 1 and abs(twice / once - 2.0) < 1e-3


def _behaviour(
    output: Tensor, target: Tensor, value: Callable[[Tensor], float], rows: int
) -> str | None:
    """Return what a loss of the user's own making is: exact shares give 0, even ones log K."""
    several = output.ndim == 2 and output.shape[1] > 1
    if not target.is_floating_point():
        if not several or target.ndim != 1 or not 0 <= int(target.min()) <= int(target.max()):
            return None
        if int(target.max()) >= output.shape[1]:
            return None
        exact = functional.one_hot(target.long(), output.shape[1]).to(output.dtype)
    elif target.shape == output.shape and bool(((target == 0) | (target == 1)).all()):
        exact = target.to(output.dtype)
    else:
        return None
    try:
        zero = value(exact) / rows
        even = value(torch.full_like(exact, 1 / output.shape[1] if several else 0.5)) / rows
        half = value(torch.full_like(exact, 0.5)) / rows
    except Exception:
        return None
    if abs(zero) > _NEAR:
        return None
    even, half = abs(even), abs(half)  # one that is upside down is of its kind, too
    if several and abs(even - math.log(output.shape[1])) < _NEAR:
        return "shares"
    return "bce" if abs(half - math.log(2)) < _NEAR else None


_ACTIVATED: dict[str, Callable[[Tensor], Tensor]] = {
    "none": lambda z: z,
    "softmax": lambda z: z.softmax(1),
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "relu": torch.relu,
    "hardtanh": functional.hardtanh,
    "hardsigmoid": functional.hardsigmoid,
    "softplus": functional.softplus,
    "exp": torch.exp,
}


def _reachable(objective: Objective, op: str, output: Tensor, target: Tensor) -> float | None:
    """Return the lowest loss of an activation's outputs, each row free to be its best."""
    if op not in _ACTIVATED or (op == "softmax" and output.ndim < 2):
        return None
    free = torch.full_like(output.detach(), 0.1).requires_grad_()
    optimizer, best, began = torch.optim.Adam([free], lr=0.3), math.inf, Stopwatch()
    for _ in range(_STEPS):
        if began.seconds() > _SECONDS:
            return None
        try:
            loss = objective.of(_ACTIVATED[op](free), target)
            best = min(best, float(loss.detach()))
            (free.grad,) = torch.autograd.grad(loss, [free])
        except Exception:
            return None
        optimizer.step()
    return best if math.isfinite(best) else None


def _broadcasts(output: Tensor, target: Tensor) -> bool:
    """Tell whether as many values become more of them where no loss brings them to one shape.

    >>> _broadcasts(torch.ones(9, 1), torch.ones(9))
    True
    """
    if target.numel() != output.numel() or target.shape == output.shape:
        return False
    try:
        both = np.broadcast_shapes(tuple(output.shape), tuple(target.shape))
    except ValueError:  # such a loss permutes one of them, or raises
        return False
    return math.prod(both) > output.numel()


def _aligned(objective: Objective, output: Tensor, target: Tensor) -> float | None:
    try:
        with torch.no_grad():
            return float(objective.of(output, target.reshape(output.shape)))
    except Exception:
        return None


def _truths(
    objective: Objective, output: Tensor, target: Tensor
) -> tuple[float | None, float | None]:
    """Return the loss of outputs that equal the targets, as the shapes are and side by side.

    A network that says nearly the same of all rows, as many do before they have learnt, has the
    same loss in either way; outputs that differ from row to row as targets do have not. Logarithms
    of shares that are 0 or 1 are no numbers: then the outputs stay a hundredth short of that.
    """
    perfect = target.reshape(output.shape).to(output.dtype)
    for good in (perfect, 0.98 * perfect + 0.01):
        try:
            with torch.no_grad():
                crossed = float(objective.of(good, target))
        except Exception:
            return None, None
        beside = _aligned(objective, good, target)
        if beside is not None and math.isfinite(crossed) and math.isfinite(beside):
            return crossed, beside
    return None, None


def guess_of(objective: Objective, kind: str, output: Tensor, target: Tensor) -> float | None:
    """Return the lowest loss of outputs that are the same for every row."""
    return _guess(objective, kind, output.detach(), target)


def _guess(objective: Objective, kind: str, output: Tensor, target: Tensor) -> float | None:
    row = output.detach()[:1].double()
    spread = 1.0
    if kind in ("bce_logits", "bce", "cross_entropy", "nll", "shares"):
        start = torch.zeros_like(row)
    elif target.is_floating_point() and target.shape[1:] == output.shape[1:]:
        start = target.double().mean(0, keepdim=True)
        spread = float(target.double().std()) if target.numel() > 1 else 1.0
    elif target.is_floating_point() and target.numel() == output.numel():
        start = torch.full_like(row, float(target.double().mean()))
        spread = float(target.double().std()) if target.numel() > 1 else 1.0
    else:
        return None
    if not math.isfinite(spread) or not bool(torch.isfinite(start).all()):
        return None
    free = start.clone().requires_grad_()
    optimizer = torch.optim.Adam([free], lr=0.1 * max(spread, 1e-12))
    best, began = math.inf, Stopwatch()
    for _ in range(_STEPS):
        if began.seconds() > _SECONDS:
            return None
        outputs = free.to(output.dtype).expand(output.shape)
        if kind == "bce":
            outputs = outputs.sigmoid()
        elif kind == "nll":
            outputs = outputs.log_softmax(1)
        elif kind == "shares":
            outputs = outputs.softmax(1)
        try:
            loss = objective.of(outputs, target)
            best = min(best, float(loss.detach()))
            (free.grad,) = torch.autograd.grad(loss, [free])
        except Exception:
            return None
        optimizer.step()
    return best if math.isfinite(best) else None


def _endless(
    kind: str, output: Tensor, target: Tensor, truth: float | None, guess: float | None
) -> bool:
    """Tell whether outputs that are the same for every row do better than perfect ones.

    No loss of numbers does that where outputs stand on the scale of the targets. Where they do not
    (logits, logarithms, shares) targets are of two values, or sum to one, or are not told apart.
    """
    if kind != "other" or truth is None or guess is None or target.shape != output.shape:
        return False
    if target[0].numel() != 1 or len(set(target.flatten().tolist())) <= 2:
        return False
    return guess < truth - 1e-3 * max(abs(truth), abs(guess))


@dataclass(frozen=True)
class Penalty:
    """What of a loss comes from the weights themselves, not from the outputs.

    Args:
        share: Of the gradient.
        power: 2 for a sum of squares, 1 for one of absolute values, 0 for another kind.
        rate: The factor of that sum.
        size: The penalty itself.
        about: Positions of the weights.
    """

    share: float = 0.0
    power: int = 0
    rate: float = 0.0
    size: float = 0.0
    about: frozenset[int] = frozenset()


def penalty_of(model: nn.Module, own: nn.Module, loss: Tensor, output: Tensor | None) -> Penalty:
    """Return the penalty within a loss.

    Args:
        model: The network that the loss was computed with.
        own: The user's, which a loss may have closed over.
        loss: Of a batch.
        output: What the network returned on the way.
    """
    held = [p for p in model.parameters() if p.requires_grad]
    places = [i for i, p in enumerate(model.parameters()) if p.requires_grad]
    closed = [p for p in own.parameters() if p.requires_grad] if own is not model else []
    if not held or not loss.requires_grad:
        return Penalty()
    total = torch.autograd.grad(loss, held, retain_graph=True, allow_unused=True)
    apart: list[Tensor | None] = [None] * len(held)
    if closed:
        apart = list(torch.autograd.grad(loss, closed, retain_graph=True, allow_unused=True))
    if all(g is None for g in apart) and output is not None and output.requires_grad:
        (into,) = torch.autograd.grad(loss, [output], retain_graph=True, allow_unused=True)
        if into is None:
            return Penalty()
        through = torch.autograd.grad(output, held, into, retain_graph=True, allow_unused=True)
        apart = [
            None if t is None else t - (0.0 if d is None else d)
            for t, d in zip(total, through, strict=True)
        ]
        all_of_it = _norm(total)
    else:
        all_of_it = math.hypot(_norm(total), _norm(apart))
    size = _norm(apart)
    if not math.isfinite(all_of_it) or size <= 1e-4 * all_of_it or all_of_it == 0.0:
        return Penalty()  # of gradients that are no numbers nothing can be told apart
    about = [i for i, g in enumerate(apart) if g is not None and float(g.norm()) > 1e-3 * size]
    flat = torch.cat([held[i].detach().flatten() for i in about]).double()
    grads = torch.cat([apart[i].flatten() for i in about if apart[i] is not None]).double()  # type: ignore[union-attr]
    where = frozenset(places[i] for i in about)
    share = size / all_of_it
    for power, along in ((2, flat), (1, flat.sign())):
        with_it = float(along @ grads)
        if with_it > _ALONG * float(along.norm() * grads.norm()):
            rate = with_it / float(along @ along) / power
            return Penalty(share, power, rate, rate * float(flat.abs().pow(power).sum()), where)
    return Penalty(share, about=where)


def _norm(tensors: list[Tensor | None] | tuple[Tensor | None, ...]) -> float:
    return math.hypot(*(float(t.norm()) for t in tensors if t is not None), 0.0)
