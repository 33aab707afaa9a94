"""Learning rates: what was tried, and what it says."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class RateRun:
    """One training with one rate.

    Args:
        rate: The learning rate.
        seed: Of the training.
        epochs: Its length; its schedule runs towards it.
        loss: The best validation score, turned so that lower is better; infinite where there is
            none.
        stable: Whether it ended without a number that is none, and below the loss of guessing.
        gain: By how much its lowest validation loss lies below that of guessing; None where that
            is not known.
        cause: Why it failed.
        seconds: What it took.
        score: The best validation score as the metric has it; None where there is none.
    """

    rate: float
    seed: int
    epochs: int
    loss: float = float("inf")
    stable: bool = False
    gain: float | None = None
    cause: str | None = None
    seconds: float = 0.0
    score: float | None = None


@dataclass(frozen=True)
class RateRange:
    """What a sweep says of one optimizer.

    Args:
        optimizer: Its name.
        suggested: The rate to train with; None where nothing learns.
        usable: Lowest and highest rate tried that do about as well.
        edge: Lowest rate at which a training was unstable, or came to nothing where a lower one
            learns; None where none was.
        loss: Mean validation score at the rates next to the suggested one, lower is better.
        spread: Standard deviation between seeds.
        reason: Why no rate is suggested.
        runs: All trainings.
    """

    optimizer: str
    suggested: float | None = None
    usable: tuple[float, float] | None = None
    edge: float | None = None
    loss: float | None = None
    spread: float | None = None
    reason: str = ""
    runs: tuple[RateRun, ...] = ()

    @property
    def epochs(self) -> int:
        """All epochs that the sweep took."""
        return sum(run.epochs for run in self.runs)


@dataclass(frozen=True)
class LearningRates:
    """What `luthier lr` found.

    Args:
        metric: The metric that decides.
        direction: ``minimize`` or ``maximize``.
        epochs: Length of the training that the rates are for.
        optimizers: One entry each, in the order in which they were asked for.
    """

    metric: str
    direction: str
    epochs: int
    optimizers: tuple[RateRange, ...]

    @property
    def suggested(self) -> float | None:
        """The rate of the first optimizer."""
        return self.optimizers[0].suggested
