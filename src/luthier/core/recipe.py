"""Recipe: everything that decides how one network is trained, as named values."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Union

Value = Union[bool, int, float, str, None]
MODEL_PREFIX = "model."
# What makes another program: its operations, and the shapes and types of what it takes.
STRUCTURE = ("network", "model", "loss", "optimizer", "batch_size", "encoding", "precision")


# What may change within a training: values that a step reads, and no shape depends on.
CHANGEABLE = (
    "learning_rate",
    "momentum",
    "beta1",
    "l1",
    "l2",
    "weight_decay",
    "dropout",
    "label_smoothing",
    "mixup",
)
Change = tuple[int, tuple[tuple[str, float], ...]]


@dataclass(frozen=True)
class Recipe:
    """One way to train one network. The seed is not in it: a recipe has a spread over seeds.

    Ranges, choices and reasons of every key stand in `luthier.catalog.recipe_keys`, from which
    the recipe reference is made. None means "not used", or "as the network was built".

    >>> recipe = Recipe(network="mlp", model={"width": 64})
    >>> recipe.replace({"learning_rate": 0.01, "model.width": 32}).get("model.width")
    32
    """

    network: str = "mlp"
    model: Mapping[str, Value] = field(default_factory=dict)
    loss: str | None = None
    optimizer: str = "adamw"
    learning_rate: float = 1e-3
    momentum: float = 0.9
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    schedule: str = "constant"
    warmup: float = 0.0
    gamma: float = 0.1
    step_size: float = 1 / 3
    milestones: tuple[float, ...] = (0.5, 0.75)
    end_factor: float = 0.0
    power: float = 2.0
    cycles: int = 3
    peak: float = 0.3
    decay_share: float = 0.2
    plateau_patience: int = 10
    batch_size: int | str = 32
    epochs: int = 40
    l1: float = 0.0
    l2: float = 0.0
    weight_decay: float = 0.0
    dropout: float | None = None
    initialiser: str | None = None
    label_smoothing: float = 0.0
    mixup: float = 0.0
    noise: float = 0.0
    clip_norm: float | None = None
    ema: float | None = None
    early_stopping: int | None = None
    class_weight: str | None = None
    preprocessing: str = "standard"
    encoding: str = "onehot"
    imputation: str = "median"
    augmentation: str = "none"
    precision: str = "float32"
    changes: tuple[Change, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "changes", tuple(_change(one) for one in self.changes))
        object.__setattr__(self, "model", dict(self.model))
        object.__setattr__(self, "milestones", tuple(self.milestones))

    def __hash__(self) -> int:
        # Of some values alone: equal recipes must have equal hashes, and 1 == 1.0 == True.
        return hash((self.network, self.optimizer, self.learning_rate, frozenset(self.model)))

    @cached_property
    def identity(self) -> str:
        """A short hash of the values: equal recipes have equal identities.

        >>> Recipe(learning_rate=1).identity == Recipe(learning_rate=1.0).identity
        True
        """
        values = {name: _whole(value) for name, value in self.to_json().items()}
        values["model"] = {name: _whole(value) for name, value in self.model.items()}
        text = json.dumps(values, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    @cached_property
    def structure(self) -> str:
        """What recipes share that one compiled program can train, as a text to compare.

        >>> Recipe(dropout=0.2, l2=1e-4).structure == Recipe(schedule="cosine").structure
        True
        """
        values = {name: getattr(self, name) for name in STRUCTURE}
        return json.dumps(values, sort_keys=True, default=str)

    def has(self, name: str) -> bool:
        """Tell whether a key exists; every ``model.<name>`` does."""
        return name.startswith(MODEL_PREFIX) or name in _NAMES

    def get(self, name: str) -> Any:
        """Return the value of a key or of ``model.<argument>``; None for an argument not set."""
        if name.startswith(MODEL_PREFIX):
            return self.model.get(name.removeprefix(MODEL_PREFIX))
        return getattr(self, name)

    def replace(self, changes: Mapping[str, Any]) -> Recipe:
        """Return a copy with some keys changed, ``model.<argument>`` among them."""
        fields = {k: v for k, v in changes.items() if not k.startswith(MODEL_PREFIX)}
        model = {
            k.removeprefix(MODEL_PREFIX): v
            for k, v in changes.items()
            if k.startswith(MODEL_PREFIX)
        }
        if model:
            fields["model"] = {**fields.get("model", self.model), **model}
        return dataclasses.replace(self, **fields)

    def at(self, epoch: int) -> Recipe:
        """Return what is trained after some epochs, with the changes until then and no others.

        >>> recipe = Recipe(learning_rate=0.1, changes=[{"after": 5, "learning_rate": 0.01}])
        >>> recipe.at(4).learning_rate, recipe.at(5).learning_rate, recipe.at(5).changes
        (0.1, 0.01, ())
        """
        if not self.changes:
            return self
        made = [change for change in self.changes if change[0] <= epoch]
        values = {name: value for _, pairs in made for name, value in pairs}
        return self.replace({**values, "changes": ()})

    def updates(self, rows: int) -> int:
        """Return the updates of an epoch over so many training rows.

        >>> Recipe(batch_size=32).updates(100), Recipe(batch_size="full").updates(100)
        (3, 1)
        """
        return 1 if isinstance(self.batch_size, str) else max(rows // self.batch_size, 1)

    def difference(self, other: Recipe) -> dict[str, tuple[Any, Any]]:
        """Return the keys whose values differ, as (ours, theirs).

        >>> Recipe().difference(Recipe(learning_rate=0.1))
        {'learning_rate': (0.001, 0.1)}
        """
        names = [name for name in _NAMES if name != "model"]
        names += [f"{MODEL_PREFIX}{name}" for name in {**self.model, **other.model}]
        pairs = {name: (self.get(name), other.get(name)) for name in names}
        return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}

    def to_json(self) -> dict[str, Any]:
        """Return the recipe as plain data: every key, and `changes` where there are some."""
        values = {name: getattr(self, name) for name in _NAMES if name != "changes"}
        data = {
            "version": 1,
            **values,
            "model": dict(sorted(self.model.items())),
            "milestones": list(self.milestones),
        }
        if self.changes:
            data["changes"] = [{"after": epoch, **dict(pairs)} for epoch, pairs in self.changes]
        return data

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Recipe:
        """Read what `to_json` wrote; files of users go through `luthier.catalog` instead."""
        return cls(**{key: value for key, value in data.items() if key != "version"})


def _change(one: Any) -> Change:
    """Return a change in the form that a recipe keeps, from that or from a mapping."""
    if isinstance(one, Mapping):
        values = {str(name): value for name, value in one.items() if name != "after"}
        return int(one["after"]), tuple(sorted(values.items()))
    epoch, pairs = one
    return int(epoch), tuple((str(name), value) for name, value in pairs)


def _whole(value: Any) -> Any:
    """Return 1 for 1.0, which are equal and written differently."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


_NAMES = tuple(f.name for f in dataclasses.fields(Recipe))
