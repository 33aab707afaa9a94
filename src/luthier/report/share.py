"""What one of several workers did, and how the study stands."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from luthier.core import History
from luthier.report.text import number, seconds, trials_text


@dataclass(frozen=True)
class Share:
    """One worker's share of a study.

    Args:
        study: Name of the study.
        storage: Where it is kept.
        trained: How many epochs the worker trained, by trial.
        history: The study as the worker left it.
    """

    study: str
    storage: str
    trained: Mapping[int, int]
    history: History

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data: what ``--json`` prints."""
        history, best = self.history, self.history.best
        return {
            "study": self.study,
            "storage": self.storage,
            "worker": {"trials": len(self.trained), "epochs": sum(self.trained.values())},
            "metric": history.metric,
            "best": None if best is None else history.score(best),
            "trials": history.counts(),
            "epochs_spent": history.epochs,
            "seconds": round(history.seconds, 3),
        }


def share_text(share: Share) -> str:
    """Return what to tell when a worker ends.

    >>> print(share_text(Share("wine-mlp", "sqlite:///luthier.db", {}, History(seconds=60))))
    trained   nothing: the study's budget is spent. More of it: luthier tune ... --budget
    study     wine-mlp in sqlite:///luthier.db: 0 epochs in 1 m 0 s, 0 trials
    next      luthier show wine-mlp  tells the story
    """
    history, best, trials = share.history, share.history.best, len(share.trained)
    if trials:
        epochs = sum(share.trained.values())
        lines = [f"trained   {epochs:,} epochs of {trials} trial{'s' * (trials > 1)}"]
    else:
        lines = [
            "trained   nothing: the study's budget is spent. More of it: luthier tune ... --budget"
        ]
    spent = f"{history.epochs:,} epochs in {seconds(history.seconds)}"
    where = f"{share.study} in {share.storage}"
    lines += [f"study     {where}: {spent}, {trials_text(history.counts())}"]
    if best is not None:
        score = number(history.score(best))
        lines += [f"best      {history.metric} {score} (trial {best.number})"]
    lines += [f"next      luthier show {shlex.quote(share.study)}  tells the story"]
    return "\n".join(lines)
