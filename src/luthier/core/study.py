"""StudyRecord: what a study is about, as it is stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from luthier.core.recipe import Recipe
from luthier.core.space import Space
from luthier.core.space_forms import domain_from_json, domain_to_json

_ROLES = ("target", "weight", "group", "time")  # columns by which equal files differ as data


@dataclass(frozen=True)
class StudyRecord:
    """What decides a study's course: going on with it must find all of it unchanged.

    Args:
        name: Unique in its storage.
        metric: The metric that decides.
        direction: ``minimize`` or ``maximize`` it.
        space: Baseline and ranges.
        data: Fingerprint of the data and its splits.
        builder: Hash of the builder's source.
        seed: Seed of search and training.
        about: What a person or another worker wants to know: data path, builder, options.
    """

    name: str
    metric: str
    direction: str
    space: Space
    data: str = ""
    builder: str = ""
    seed: int = 0
    about: Mapping[str, Any] = field(default_factory=dict)

    @property
    def seen(self) -> tuple[str, ...]:
        """What was seen, and changed, before the search began: a line each."""
        start = self.about.get("start")
        looks = (self.about.get(name, {}).get("said") for name in ("length", "look"))
        return tuple(str(line) for line in (start, *looks) if line)

    def differences(self, other: StudyRecord) -> list[str]:
        """Return what differs from another record, one phrase each; `about` may differ."""
        found = []
        if self.data != other.data:
            pairs = [(role, self.about.get(role), other.about.get(role)) for role in _ROLES]
            roles = [f"{role} {then} then, {now} now; " for role, then, now in pairs if then != now]
            prints = f"fingerprint {self.data} then, {other.data} now"
            found.append(f"the data differs ({''.join(roles)}{prints})")
        if self.builder != other.builder:
            found.append(f"the builder differs (source {self.builder} then, {other.builder} now)")
        if (self.metric, self.direction) != (other.metric, other.direction):
            found.append(
                f"the metric differs ({self.direction} {self.metric} then, "
                f"{other.direction} {other.metric} now)"
            )
        if self.seed != other.seed:
            found.append(f"the seed differs ({self.seed} then, {other.seed} now)")
        ours, theirs = self.space, other.space
        for name in {**ours.parameters, **theirs.parameters}:
            then, now = ours.parameters.get(name), theirs.parameters.get(name)
            if then != now:
                found.append(f"the space differs in '{name}' ({then} then, {now} now)")
        for name, (then, now) in ours.baseline.difference(theirs.baseline).items():
            found.append(f"the start recipe differs in '{name}' ({then} then, {now} now)")
        return found

    def to_json(self) -> dict[str, Any]:
        """Return the record as plain data."""
        return {
            **{k: v for k, v in asdict(self).items() if k != "space"},
            "space": {
                "baseline": self.space.baseline.to_json(),
                "parameters": [
                    [name, domain_to_json(domain)] for name, domain in self.space.parameters.items()
                ],
            },
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> StudyRecord:
        """Read what `to_json` wrote."""
        space = Space(
            {name: domain_from_json(name, form) for name, form in data["space"]["parameters"]},
            Recipe.from_json(data["space"]["baseline"]),
        )
        return cls(**{**data, "space": space})
