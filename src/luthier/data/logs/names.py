"""Which column is what: read off its name, or said by the user."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from luthier.core import DataError, did_you_mean

ROLES = (
    "train_loss",
    "train_loss_eval",
    "val_loss",
    "penalty",
    "learning_rate",
    "gradient_norm",
    "seconds",
    "epoch",
    "step",
)
_TRAIN = {"train", "training", "trn", "tr"}
_VAL = {"val", "valid", "validation", "eval", "evaluation", "dev", "holdout", "test", "testing"}
_FILLER = {"epoch", "step", "mean", "avg", "average", "total", "running", "0", "metrics", "epochs"}
_LOSS = {"loss", "losses", "cost", "objective", "nll", "elbo"}
_ADVERSARIES = {"g", "d", "gen", "disc", "generator", "discriminator", "critic", "adv"}
_SPREADS = ("__MIN", "__MAX")  # beside each column that Weights & Biases exports
_JOINED = re.compile(r"^(train|valid|val|test|eval|dev)(loss|acc|accuracy|error|err|f1|auc)$")
_INTERNAL = {"flos", "fps", "steps", "samples", "runtime", "second", "memory", "mem", "batch"}


@dataclass(frozen=True)
class Columns:
    """Which column is what.

    Args:
        roles: Columns by role.
        metrics: Columns of metrics on the validation part, by what they are called.
        adversarial: Whether two losses pull against each other.
    """

    roles: Mapping[str, str]
    metrics: Mapping[str, str] = field(default_factory=dict)
    adversarial: bool = False

    @property
    def said(self) -> str:
        """What was taken for what, in half a sentence."""
        pairs = [f"{ours} = {theirs}" for ours, theirs in self.roles.items() if ours != theirs]
        pairs += [f"{ours} = {theirs}" for ours, theirs in self.metrics.items() if ours != theirs]
        return ", ".join(pairs)


def columns_of(
    names: Sequence[str], given: Mapping[str, str], what: str, *, texts: Sequence[str] = ()
) -> Columns:
    """Find out which column is what; what the user says goes before what a name says.

    Args:
        names: All columns that hold numbers.
        given: Ours to theirs; a name that is no role is a metric's.
        what: What a message calls the log.
        texts: Columns that hold no numbers.

    >>> columns_of(["epoch", "loss", "val_loss", "accuracy", "val_accuracy"], {}, "it").metrics
    {'val_accuracy': 'val_accuracy'}
    """
    for ours, theirs in given.items():
        if theirs not in names:
            raise DataError(
                f"{what} has no column '{theirs}'.{did_you_mean(theirs, names)} It has "
                f"{', '.join(names) or 'none'}. Write --map {ours}=ONE_OF_THEM."
            )
    free = [n for n in names if n not in given.values() and not n.endswith(_SPREADS)]
    roles: dict[str, str] = {}
    metrics: dict[str, str] = {}
    train_named = False
    for name in sorted(free, key=_preference):
        part, rest = _parts(name)
        role = _role(part, rest)
        train_named = train_named or part == "train"
        if role == "metric":
            metrics[name] = name
        elif role is not None:
            roles.setdefault(role, name)
    adversaries = [name for name in free if _adversary(name)]
    if "train_loss" not in roles and adversaries:
        roles["train_loss"] = adversaries[0]
    roles.update({k: v for k, v in given.items() if k in ROLES})
    metrics.update({k: v for k, v in given.items() if k not in ROLES})
    if not {"train_loss", "train_loss_eval", "val_loss"} & set(roles):
        held = f" (and, without a number in them, {', '.join(texts)})" if texts else ""
        raise DataError(
            f"{what} has no column that looks like a loss. It has {', '.join(names) or 'none'}"
            f"{held}. "
            "Say which one it is: --map train_loss=COLUMN, and --map val_loss=COLUMN."
        )
    ordered = {role: roles[role] for role in ROLES if role in roles}
    return Columns(ordered, {k: metrics[k] for k in _as_logged(metrics, names)}, bool(adversaries))


def _as_logged(metrics: Mapping[str, str], names: Sequence[str]) -> Iterable[str]:
    return sorted(metrics, key=lambda name: names.index(metrics[name]))


def speaks_of_a_part(name: str) -> bool:
    """Tell whether a name is one of training, validation or test.

    >>> speaks_of_a_part("loss_val"), speaks_of_a_part("version_0")
    (True, False)
    """
    return bool((_TRAIN | _VAL) & set(_tokens(name)))


def _tokens(name: str) -> list[str]:
    name = name.rpartition(" - ")[2]  # Weights & Biases writes the run's name before it
    spaced = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name)
    parts = [one for one in re.split(r"[^a-z0-9]+", spaced.lower()) if one]
    joined = [_JOINED.match(one) for one in parts]
    return [t for one, m in zip(parts, joined, strict=True) for t in (m.groups() if m else (one,))]


def _parts(name: str) -> tuple[str, list[str]]:
    """Return the split that a name speaks of, and what of it is left."""
    tokens = _tokens(name)
    train, val = bool(_TRAIN & set(tokens)), bool(_VAL & set(tokens))
    part = "train_eval" if train and val else "train" if train else "val" if val else ""
    split = _TRAIN | _VAL
    return part, [one for one in tokens if one not in split]


def _role(part: str, rest: list[str]) -> str | None:
    words = set(rest)
    if words <= {"epoch", "epochs", "ep", "current"} and words and not part:
        return "epoch"
    if words & {"lr"} or {"learning", "rate"} <= words:
        return "learning_rate"
    if words & {"step", "steps", "iteration", "iter", "global"} and words <= {
        *("step", "steps", "iteration", "iter", "global", "trainer"),
    }:
        return "step" if not part else None
    if {"grad", "norm"} <= words or {"gradient", "norm"} <= words:
        return "gradient_norm"
    if words & {"time", "seconds", "duration"}:
        return "seconds"
    content = words - _FILLER
    if content & _ADVERSARIES:
        return None
    if content and content <= _LOSS:
        return {"train_eval": "train_loss_eval", "val": "val_loss"}.get(part, "train_loss")
    if part == "val" and content and not content & _INTERNAL:
        return "metric"
    return None


def _adversary(name: str) -> bool:
    words = set(_tokens(name))
    return bool(words & _ADVERSARIES) and bool(words & _LOSS)


def _preference(name: str) -> tuple[int, int]:
    """Prefer an epoch's mean to a step's value, a split that is named, and short names."""
    tokens = _tokens(name)
    step = "step" in tokens and len(tokens) > 1
    test = bool({"test", "testing"} & set(tokens))
    named = bool((_TRAIN | _VAL) & set(tokens))
    return (2 * step + 4 * test - named, len(tokens))
