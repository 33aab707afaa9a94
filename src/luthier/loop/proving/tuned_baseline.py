"""A baseline that was tuned as well: the second claim, never mixed with the first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import inf, isfinite

from luthier.catalog.nuisance import nuisance
from luthier.core import History, LuthierError, Space, StudyRecord
from luthier.loop.proving.confirming import Contender, Rivals
from luthier.loop.proving.reserve import SHARE, cost, stages
from luthier.loop.working.budget import Budget
from luthier.loop.working.work import Work


@dataclass(frozen=True)
class TunedBaseline:
    """The search for a baseline, in a study of its own beside the one that it is for.

    The network, its optimizer and all else that a person chooses stay as they were; what is tuned
    is what a fair comparison tunes on both sides: `luthier.catalog.nuisance`. Both searches have
    the same share of the budget.

    Args:
        record: Of its study.
        budget: Of its search, and of the other one.
        whole: Of the other study: search and confirmation.
        share: Of `whole` that confirms.
    """

    record: StudyRecord
    budget: Budget
    whole: Budget
    share: float

    @classmethod
    def of(cls, record: StudyRecord, limits: Budget) -> TunedBaseline:
        """Return what tunes the baseline of a study.

        Raises:
            LuthierError: where both searches would be one and the same.
        """
        ranges = record.space.parameters
        tuned = nuisance(ranges)
        if not tuned or len(tuned) == len(ranges):
            what = "nothing but" if tuned else "none of"
            raise LuthierError(
                f"a tuned baseline needs two searches that differ, and this space varies {what} "
                "nuisance parameters such as the learning rate. Leave --baseline-tuned out, or "
                "vary the network as well."
            )
        space = Space(tuned, record.space.baseline)
        about = {key: value for key, value in record.about.items() if key != "proof"}
        full = record.space.baseline.epochs
        planned = stages(limits, full, reuse=False)
        kept = cost(planned[-1], reuse=False) if planned else 0
        each = Budget(
            seconds=limits.seconds * (1 - SHARE) / 2,
            epochs=_half(limits.epochs, kept * full),
            trials=_half(limits.trials, kept),
        )
        whole = Budget(
            seconds=limits.seconds - each.seconds if isfinite(limits.seconds) else inf,
            epochs=limits.epochs - each.epochs if isfinite(limits.epochs) else inf,
            trials=limits.trials - each.trials if isfinite(limits.trials) else inf,
        )
        own = replace(record, name=f"{record.name}-baseline", space=space, about=about)
        return cls(own, each, whole, SHARE / (1 - (1 - SHARE) / 2))

    def search(self, work: Work, launch: Callable[[Work], bool]) -> bool:
        """Search; tell whether it went to its end."""
        work.storage.open(self.record)
        return launch(replace(work, study=self.record, budget=self.budget))

    def against(self, history: History) -> str:
        """Return in words what the winner is held against.

        Args:
            history: Of this search.
        """
        names = ", ".join(name.removeprefix("model.") for name in self.record.space.parameters)
        return (
            f"a baseline tuned over {names} in {history.epochs:,} epochs (study {self.record.name})"
        )

    def rivals(self, baseline: History) -> Callable[[History], Rivals | str]:
        """Return what names winner and tuned baseline in the other study's history.

        Args:
            baseline: The history of this search.
        """

        def both(history: History) -> Rivals | str:
            winner, other = history.best, baseline.best
            if winner is None or other is None:
                return "no trial has a score"
            if winner.recipe == other.recipe:
                return "the winner and the tuned baseline are the same recipe"
            return Contender.of(winner), Contender.of(other)

        return both


def _half(limit: float, kept: float) -> float:
    return (limit - kept) // 2 if isfinite(limit) else inf
