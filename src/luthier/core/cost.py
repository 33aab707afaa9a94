"""What a network costs: what decides between two that are equally good."""

from __future__ import annotations

from dataclasses import asdict, dataclass

COSTS = ("parameters", "latency", "training_time")
WORDS = {"parameters": "has fewer parameters", "latency": "answers sooner"}
WORDS |= {"training_time": "trains in less time"}


@dataclass(frozen=True)
class Cost:
    """What one recipe's network costs; None is what nobody measured.

    Args:
        parameters: Numbers that it is made of.
        latency: Seconds that it takes for 1,000 rows, on this machine.
        training_time: Seconds of one training, in the mean over those that were judged.
    """

    parameters: int | None = None
    latency: float | None = None
    training_time: float | None = None

    def to_json(self) -> dict[str, float | None]:
        """Return it as plain data."""
        return asdict(self)

    def below(self, other: Cost, name: str) -> bool:
        """Tell whether it is known to be the cheaper one.

        Args:
            other: What it is compared with.
            name: One of `COSTS`.

        >>> Cost(parameters=10).below(Cost(parameters=20), "parameters")
        True
        >>> Cost().below(Cost(parameters=20), "parameters")
        False
        """
        ours, theirs = getattr(self, name), getattr(other, name)
        return ours is not None and theirs is not None and ours < theirs
